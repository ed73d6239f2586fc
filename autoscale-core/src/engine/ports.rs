//! What the engine asks of the world: response times, a formation to read and set, and somebody who listens. One or two
//! methods each; implementations live in `sources`, `targets`, `stores`, and in embedding programs.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::permit::Permit;
use crate::model::event::Event;
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::model::traffic::{Coverage, TrafficRow};
use crate::model::warning::Warning;

/// Why something outside could not be read or done. Its text says what to mend and never holds a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// In words: what failed, and the config key or header to mend where that is what it needs.
    pub text: String,
}

impl Failure {
    /// One of this kind.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Kinds of [`Failure`], as far as the loop treats them differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FailureKind {
    /// It may work next time: unreachable, slow, 5xx, a broken answer.
    Transient,
    /// It will not work until somebody mends a key, a name or an account.
    Refused,
    /// Too many requests: not again before this time has passed.
    RateLimited(Duration),
    /// The answer to a change was lost: it may or may not have been carried out.
    Unknown,
    /// The platform allows no more than this many dynos.
    Limit(u32),
}

/// What a source has read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Samples, in any order: at least those of the period that was asked for.
    pub samples: Vec<Sample>,
    /// Requests that a router served, in rows of ten seconds; empty from sources that measure response times alone.
    pub traffic: Vec<TrafficRow>,
    /// The span that the traffic rows cover without a gap; `None` where the source has no rows.
    pub coverage: Option<Coverage>,
    /// Time on the service's own clock, where it sent one.
    pub server_time: Option<Timestamp>,
    /// Number of this reading, for [`MetricSource::acknowledge`]; 0 from a source that can read everything again.
    pub seq: u64,
}

impl Reading {
    /// A reading of samples alone.
    pub fn of(samples: Vec<Sample>) -> Self {
        Self { samples, ..Self::default() }
    }
}

/// Where measurements come from. A source may own a task; the task must end when the source is dropped.
pub trait MetricSource: Send + 'static {
    /// Reads at least the samples from `from` to `to`, both included.
    fn samples(&mut self, from: Timestamp, to: Timestamp) -> impl Future<Output = Result<Reading, Failure>> + Send;

    /// A check has decided on the readings up to number `seq`. Until then a source must keep what
    /// it can't read again: a failed formation read or a dropped check must lose nothing.
    fn acknowledge(&mut self, seq: u64) {
        let _ = seq;
    }

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }

    /// Takes over what the source of the previous configuration knows, so that a reload does not start with an empty
    /// window. `earlier` may be a source of another type.
    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        let _ = earlier;
    }
}

/// What is known of a formation.
#[derive(Clone, PartialEq, Debug)]
pub struct FormationReading {
    /// Dynos asked for.
    pub quantity: u32,
    /// When anything about the formation last changed, by whoever.
    pub updated_at: Option<Timestamp>,
    /// Size of the dynos, where the platform has such a thing: a limit holds for one size.
    pub size: Option<String>,
    /// Is the app in maintenance mode?
    pub maintenance: bool,
    /// When the app was last released, by the clock of `updated_at`: a release that resets the formation is nobody's change.
    pub released_at: Option<Timestamp>,
}

/// What is scaled.
pub trait ScaleTarget: Send + 'static {
    /// Reads the formation.
    fn formation(&mut self) -> impl Future<Output = Result<FormationReading, Failure>> + Send;

    /// Sets the quantity, and returns the one that the platform confirmed. A target that waits before it sends must ask
    /// [`Permit::is_valid`] right before the request is written.
    fn scale(&mut self, quantity: u32, permit: &Permit) -> impl Future<Output = Result<u32, Failure>> + Send;

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

/// Somebody who listens. Must return soon: the loop waits.
pub trait Observer: Send {
    /// Something happened.
    fn observe(&mut self, event: &Arc<Event>);

    /// When the next check is due, from now on, in real time; `None` while the loop rests. Told each time that it changes.
    fn next_check(&mut self, after: Option<Duration>) {
        let _ = after;
    }

    /// What it has to say to an operator since it was last asked, although nothing failed; see [`Warning`].
    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }

    /// The loop has ended: ends when what was begun is done, `within` this time. Until then the app is held.
    fn finish<'a>(&'a mut self, within: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = within;
        Box::pin(std::future::ready(()))
    }
}

impl<F: FnMut(&Arc<Event>) + Send> Observer for F {
    fn observe(&mut self, event: &Arc<Event>) {
        self(event);
    }
}
