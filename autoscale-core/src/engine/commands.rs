//! What an operator asks of an app, whichever process runs it, and the place where that waits until its process looks.
//! Knows no file and no database; what an order brings about is the loop's business.

use std::future::Future;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine::permit::StoreError;
use crate::model::bounds_rule::{BoundsRule, SetBy};
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

/// How many dynos an operator may ask for.
pub const HELD: RangeInclusive<u32> = 1..=1000;

/// What an operator asks of an app.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Order {
    /// No checks until [`Order::Resume`].
    Pause,
    /// Checks again, the first at once; ends [`Order::Pin`] and [`Order::Floor`] as well.
    Resume,
    /// A check at once, also while the app is paused.
    Check,
    /// Exactly so many dynos for a while, in place of an earlier pin.
    Pin {
        /// Dynos.
        dynos: u32,
        /// When it ends.
        until: Timestamp,
    },
    /// At least so many dynos for a while, in place of an earlier floor.
    Floor {
        /// Dynos.
        dynos: u32,
        /// When it ends.
        until: Timestamp,
    },
}

impl Order {
    /// Those that are no more than their name.
    const PLAIN: [Self; 3] = [Self::Pause, Self::Resume, Self::Check];

    /// "pause", "resume", "check", "pin" or "floor".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Check => "check",
            Self::Pin { .. } => "pin",
            Self::Floor { .. } => "floor",
        }
    }

    /// The bounds that it asks for.
    pub const fn bounds(self) -> Option<BoundsRule> {
        let (by, dynos, max, until) = match self {
            Self::Pin { dynos, until } => (SetBy::Pin, dynos, Some(dynos), until),
            Self::Floor { dynos, until } => (SetBy::Floor, dynos, None, until),
            Self::Pause | Self::Resume | Self::Check => return None,
        };
        Some(BoundsRule { by, name: None, min: Some(dynos), max, until: Some(until) })
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::PLAIN.into_iter().find(|order| order.name() == name).ok_or(())
    }
}

/// An order that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// By which it is put away.
    pub id: String,
    /// What is asked.
    pub order: Order,
}

/// Where orders to one app wait, in the order in which they came. An order is put away after it was carried out, so that
/// a process that dies in between does not lose it: carrying one out twice does no harm.
pub trait Commands: Send + 'static {
    /// Lets an order wait.
    ///
    /// # Errors
    /// It does not wait: nobody will carry it out.
    fn put(&mut self, order: Order) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Those that wait, oldest first.
    ///
    /// # Errors
    /// They can't be read; the next look tries again.
    fn waiting(&mut self) -> impl Future<Output = Result<Vec<Waiting>, StoreError>> + Send;

    /// Puts an order away that was carried out.
    ///
    /// # Errors
    /// It is still there, and is carried out once more.
    fn done(&mut self, id: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

/// Nobody asks anything.
impl Commands for () {
    async fn put(&mut self, order: Order) -> Result<(), StoreError> {
        Err(StoreError::Unavailable(format!("{}: this app takes no commands", order.name())))
    }

    async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        Ok(Vec::new())
    }

    async fn done(&mut self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
