//! What the engine asks of the world: response times, a formation to read and set, and somebody who listens. One or two
//! methods each; implementations live in `sources`, `targets`, `stores`, and in embedding programs.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::model::event::Event;
use crate::model::sample::Sample;
use crate::model::time::Timestamp;

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

/// Response times that were read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Results, in any order, at least those of the period that was asked for.
    pub samples: Vec<Sample>,
    /// What the service's own clock said, if it said so.
    pub server_time: Option<Timestamp>,
}

/// Where response times come from.
pub trait MetricSource: Send {
    /// The results from `from` to `to` at least, both included.
    fn samples(&mut self, from: Timestamp, to: Timestamp) -> impl Future<Output = Result<Reading, Failure>> + Send;

    /// Takes over what an earlier one knows, so that a reload of the configuration does not begin with an empty window.
    fn take_over(&mut self, earlier: &Self)
    where
        Self: Sized,
    {
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
}

/// What is scaled.
pub trait ScaleTarget: Send {
    /// Reads the formation.
    fn formation(&mut self) -> impl Future<Output = Result<FormationReading, Failure>> + Send;

    /// Sets the quantity, and returns the one that the platform confirmed.
    fn scale(&mut self, quantity: u32) -> impl Future<Output = Result<u32, Failure>> + Send;
}

/// Somebody who listens. Must return soon: the loop waits.
pub trait Observer: Send {
    /// Something happened.
    fn observe(&mut self, event: &Event);

    /// When the next check is due, from now on, in real time; `None` while the loop rests. Told each time that it changes.
    fn next_check(&mut self, after: Option<Duration>) {
        let _ = after;
    }

    /// The loop has ended: ends when what was begun is done, `within` this time. Until then the app is held.
    fn finish<'a>(&'a mut self, within: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = within;
        Box::pin(std::future::ready(()))
    }
}

impl<F: FnMut(&Event) + Send> Observer for F {
    fn observe(&mut self, event: &Event) {
        self(event);
    }
}
