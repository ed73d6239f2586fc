//! Telling of an app's events: in the log, and as JSON on stdout where that is asked for.

use std::time::Duration;

use autoscale_core::workspace::event::{Event, Kind, Outcome};
use autoscale_core::workspace::log::EventLog;
use autoscale_core::workspace::writer::Writer;

/// How long loops may take to end after a signal.
pub(super) const STOP_WITHIN: Duration = Duration::from_millis(700);
/// How long all may take after a signal, what is still to be written included.
pub(super) const END_WITHIN: Duration = Duration::from_millis(900);
/// How long what comes of a single check may take to be written and posted.
pub(super) const FINISH_WITHIN: Duration = Duration::from_secs(15);

/// Did a check fail, or a change?
pub(super) fn failed(event: &Event) -> bool {
    match &event.kind {
        Kind::CheckFailed { .. } | Kind::Crashed { .. } => true,
        Kind::Checked(check) => check.outcome == Outcome::Failed,
        _ => false,
    }
}

/// Tells of the events of one app.
#[derive(Clone)]
pub(super) struct Teller {
    log: EventLog,
    events: Option<Writer>,
}

impl Teller {
    /// Of one app; `events` is where its events go as JSON.
    pub(super) fn new(events: Option<Writer>) -> Self {
        Self { log: EventLog::default(), events }
    }

    /// The same for another app.
    #[cfg(feature = "postgres")]
    pub(super) fn for_another_app(&self) -> Self {
        Self::new(self.events.clone())
    }

    pub(super) fn tell(&mut self, event: &Event) {
        self.log.tell(event);
        if let Some(events) = &self.events
            && events.send(format!("{}\n", event.to_json()).into_bytes()) == 1
        {
            tracing::warn!("stdout is not read: events are lost until it is");
        }
    }
}
