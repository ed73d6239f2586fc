//! Who listens to a handle: C's event and log functions. Events and log lines take their C form here.

use std::ffi::CString;
use std::fmt::{self, Write as _};
use std::ptr;

use autoscale_core::workspace::event::{Check, Event, Kind, Outcome, Severity};
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Level, Metadata, Subscriber};

use super::ports::User;
use crate::callback::{self, EventFn, LogFn};
use crate::decision::Decision;
use crate::status::Error;

/// C's event function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) event: EventFn,
    pub(crate) user: User,
}

impl Listener {
    pub(crate) fn tell(&self, event: &Event) {
        let Some(call) = self.event else { return };
        let check = match &event.kind {
            Kind::Checked(check) => Some(&**check),
            _ => None,
        };
        let decision = check.and_then(|check| check.detail.as_ref()).map(|detail| Decision::from(&detail.decision));
        let json = event.to_json();
        let texts = [&event.app, &event.process, &event.to_string(), &json].map(|text| c_string(text));
        let told = callback::Event {
            struct_size: size_of::<callback::Event>(),
            kind: kind(&event.kind),
            outcome: check.map_or(0, |check| outcome(check.outcome)),
            at_s: event.at.as_secs(),
            decision: decision.as_ref().map_or(ptr::null(), ptr::from_ref),
            applied: check.map_or(0, |check: &Check| check.applied),
            failed_in_a_row: match &event.kind {
                Kind::CheckFailed { in_a_row: n, .. }
                | Kind::Crashed { in_a_row: n, .. }
                | Kind::Recovered { failed: n } => *n,
                _ => 0,
            },
            app: texts[0].as_ptr(),
            process: texts[1].as_ptr(),
            text: texts[2].as_ptr(),
            json: texts[3].as_ptr(),
            json_len: json.len(),
        };
        // SAFETY: C's function with what C gave for it; the event and all that it points to live until it returns.
        unsafe { call(self.user.0, &raw const told) };
    }
}

/// The frozen number of a kind.
pub(crate) const fn kind(kind: &Kind) -> i32 {
    match kind {
        Kind::Checked(_) => callback::AUTOSCALE_EVENT_CHECKED,
        Kind::CheckFailed { .. } => callback::AUTOSCALE_EVENT_CHECK_FAILED,
        Kind::Recovered { .. } => callback::AUTOSCALE_EVENT_RECOVERED,
        Kind::Started { .. } => callback::AUTOSCALE_EVENT_STARTED,
        Kind::Stopped => callback::AUTOSCALE_EVENT_STOPPED,
        Kind::Paused => callback::AUTOSCALE_EVENT_PAUSED,
        Kind::Resumed => callback::AUTOSCALE_EVENT_RESUMED,
        Kind::DryRunChanged { .. } => callback::AUTOSCALE_EVENT_DRY_RUN_CHANGED,
        Kind::ConfigReloaded { .. } => callback::AUTOSCALE_EVENT_CONFIG_RELOADED,
        Kind::ConfigRefused { .. } => callback::AUTOSCALE_EVENT_CONFIG_REFUSED,
        Kind::ChangeConfirmed { .. } => callback::AUTOSCALE_EVENT_CHANGE_CONFIRMED,
        Kind::Crashed { .. } => callback::AUTOSCALE_EVENT_CRASHED,
        Kind::Warning(_) => callback::AUTOSCALE_EVENT_WARNING,
        Kind::BoundsChanged { .. } => callback::AUTOSCALE_EVENT_BOUNDS_CHANGED,
    }
}

/// The frozen number of an outcome.
const fn outcome(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Held => callback::AUTOSCALE_OUTCOME_HELD,
        Outcome::Scaled => callback::AUTOSCALE_OUTCOME_SCALED,
        Outcome::WouldScale => callback::AUTOSCALE_OUTCOME_WOULD_SCALE,
        Outcome::Limited => callback::AUTOSCALE_OUTCOME_LIMITED,
        Outcome::Failed => callback::AUTOSCALE_OUTCOME_FAILED,
    }
}

/// C's log function, for the engine's warnings and for events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    log: LogFn,
    user: User,
    level: i32,
}

// SAFETY: it is called on the thread of the handle alone, or during autoscale_check_once() on its caller's; the engine's
// subscribers have to be `Sync` although they are only used there.
unsafe impl Sync for Log {}

impl Log {
    pub(crate) fn new(log: LogFn, user: User, level: i32) -> Result<Self, Error> {
        if !(callback::AUTOSCALE_LOG_ERROR..=callback::AUTOSCALE_LOG_TRACE).contains(&level) {
            return Err(Error::invalid(format!("level is {level}: no AUTOSCALE_LOG_…")));
        }
        Ok(Self { log, user, level })
    }

    /// An event, as its sentence.
    pub(crate) fn tell(&self, event: &Event) {
        let level = match event.severity() {
            Severity::Error => callback::AUTOSCALE_LOG_ERROR,
            Severity::Warning => callback::AUTOSCALE_LOG_WARN,
            Severity::Info => callback::AUTOSCALE_LOG_INFO,
        };
        self.write(level, &event.to_string());
    }

    fn write(&self, level: i32, text: &str) {
        if let Some(log) = self.log.filter(|_| level <= self.level) {
            let text = c_string(text);
            // SAFETY: C's function with what C gave for it; the text lives until it returns.
            unsafe { log(self.user.0, level, text.as_ptr(), text.as_bytes().len()) };
        }
    }

    /// Runs something whose warnings go to this log, and to no other.
    pub(crate) fn around<T>(log: Option<Self>, run: impl FnOnce() -> T) -> T {
        match log {
            Some(log) => tracing::subscriber::with_default(log, run),
            None => tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), run),
        }
    }
}

fn number(level: Level) -> i32 {
    match level {
        Level::ERROR => callback::AUTOSCALE_LOG_ERROR,
        Level::WARN => callback::AUTOSCALE_LOG_WARN,
        Level::INFO => callback::AUTOSCALE_LOG_INFO,
        Level::DEBUG => callback::AUTOSCALE_LOG_DEBUG,
        Level::TRACE => callback::AUTOSCALE_LOG_TRACE,
    }
}

/// The engine's own lines; other crates' only where they are warnings.
impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let own = metadata.target().starts_with("autoscale");
        metadata.is_event() && number(*metadata.level()) <= if own { self.level } else { self.level.min(2) }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.write(number(*event.metadata().level()), &(line.message + &line.fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A log line: the message, then the fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.fields, " {}={value}", field.name());
    }
}

/// As C has it; a NUL within becomes a space.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}
