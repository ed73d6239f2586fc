//! What C hands to a handle: functions, and what they fill while they run. Who calls them is not known here.

use std::ffi::{c_char, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use autoscale_core::workspace::sample::Sample;

use crate::decision::Decision;
use crate::guard::guard;
use crate::memory::{message, object};
use crate::observation::{AUTOSCALE_SAMPLE_DROPPED, sample};
use crate::status::{Error, Status};

/// The most results that a metric source may give at a check.
pub const AUTOSCALE_SAMPLES_MOST: usize = 1_000_000;

/// Where a metric source puts its results. Exists while the callback runs.
#[derive(Debug, Default)]
pub struct Samples(Mutex<Given>);

#[derive(Debug, Default)]
struct Given {
    samples: Vec<Sample>,
    failure: Option<String>,
}

impl Samples {
    fn given(&self) -> MutexGuard<'_, Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was given, and why it failed, if it did.
    #[cfg(feature = "loop")]
    pub(crate) fn into_given(self) -> (Vec<Sample>, Option<String>) {
        let Given { samples, failure } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        (samples, failure)
    }
}

/// Where a scale target says why it failed. Exists while the callback runs.
#[derive(Debug, Default)]
pub struct Failure(Mutex<Option<String>>);

impl Failure {
    /// What was said.
    #[cfg(feature = "loop")]
    pub(crate) fn into_text(self) -> Option<String> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads response times: pushes the results from from_s to to_s, both included, into the sink. May block; nothing else
/// of this handle happens meanwhile.
///
/// Runs on the thread of the handle, during autoscale_check_once() on its caller's. Returns 0; anything else, or
/// autoscale_samples_fail(), is a failed read: the formation stays as it is, and the next check tries again.
pub type MetricFn =
    Option<unsafe extern "C-unwind" fn(user: *mut c_void, from_s: i64, to_s: i64, sink: *mut Samples) -> i32>;

/// Reads the formation: how many dynos (pods, machines) are asked for, at most 1,000,000, and when that last changed: unix
/// seconds, or -1, which is there at first, where it is not known. 0 dynos are an app that was switched off on purpose.
/// The quantity is UINT32_MAX at first: a read that returns 0 without setting it is a failed read.
///
/// Runs where the metric source does. Returns 0; anything else, or autoscale_fail(), is a failed read.
pub type ReadFn = Option<
    unsafe extern "C-unwind" fn(
        user: *mut c_void,
        quantity: *mut u32,
        changed_at_s: *mut i64,
        failure: *mut Failure,
    ) -> i32,
>;

/// Sets the formation. Runs where the metric source does. Returns 0; anything else, or autoscale_fail(), is a change that
/// was not carried out, and is decided on anew at the next check.
pub type ScaleFn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, quantity: u32, failure: *mut Failure) -> i32>;

/// Is told what happens. Runs on the thread of the handle, which waits for it.
pub type EventFn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, event: *const Event)>;

/// Is told what a log would hold: the level, AUTOSCALE_LOG_…, and a text with a NUL at its end, valid during the call,
/// with its length in bytes. Runs where the metric source does.
pub type LogFn = Option<unsafe extern "C-unwind" fn(user: *mut c_void, level: i32, text: *const c_char, len: usize)>;

/// Level of a log line: something is broken.
pub const AUTOSCALE_LOG_ERROR: i32 = 1;
/// Level of a log line: something wants to be looked at.
pub const AUTOSCALE_LOG_WARN: i32 = 2;
/// Level of a log line: what happens, a line or two a check.
pub const AUTOSCALE_LOG_INFO: i32 = 3;
/// Level of a log line: for who looks for a fault.
pub const AUTOSCALE_LOG_DEBUG: i32 = 4;
/// Level of a log line: all there is.
pub const AUTOSCALE_LOG_TRACE: i32 = 5;

/// Kind of an event: a check was carried out.
pub const AUTOSCALE_EVENT_CHECKED: i32 = 1;
/// Kind of an event: something could not be read; the formation stayed as it was.
pub const AUTOSCALE_EVENT_CHECK_FAILED: i32 = 2;
/// Kind of an event: checks work again.
pub const AUTOSCALE_EVENT_RECOVERED: i32 = 3;
/// Kind of an event: the loop runs.
pub const AUTOSCALE_EVENT_STARTED: i32 = 4;
/// Kind of an event: the loop has ended; the last event.
pub const AUTOSCALE_EVENT_STOPPED: i32 = 5;
/// Kind of an event: the loop rests.
pub const AUTOSCALE_EVENT_PAUSED: i32 = 6;
/// Kind of an event: the loop goes on.
pub const AUTOSCALE_EVENT_RESUMED: i32 = 7;
/// Kind of an event: dry run or shadow mode was switched.
pub const AUTOSCALE_EVENT_DRY_RUN_CHANGED: i32 = 8;
/// Kind of an event: a new configuration is in force.
pub const AUTOSCALE_EVENT_CONFIG_RELOADED: i32 = 9;
/// Kind of an event: a new configuration was refused.
pub const AUTOSCALE_EVENT_CONFIG_REFUSED: i32 = 10;
/// Kind of an event: a change that an earlier check asked for has been carried out, which that check could not tell.
pub const AUTOSCALE_EVENT_CHANGE_CONFIRMED: i32 = 11;
/// Kind of an event: a defect of the library broke off what the loop was doing; it starts again by itself, and the handle
/// stays of use.
pub const AUTOSCALE_EVENT_CRASHED: i32 = 12;
/// Kind of an event: something that the operator should know, although nothing failed; text says it.
pub const AUTOSCALE_EVENT_WARNING: i32 = 13;
/// Kind of an event: other bounds hold than before, by a schedule of the configuration or an operator's pin or floor.
pub const AUTOSCALE_EVENT_BOUNDS_CHANGED: i32 = 14;

/// What came of a decision: nothing was to be changed.
pub const AUTOSCALE_OUTCOME_HELD: i32 = 0;
/// What came of a decision: the formation was changed.
pub const AUTOSCALE_OUTCOME_SCALED: i32 = 1;
/// What came of a decision: dry run, or shadow mode ("shadow" is true in the event's JSON, and the decision's dynos are
/// those that others set); it would have been changed.
pub const AUTOSCALE_OUTCOME_WOULD_SCALE: i32 = 2;
/// What came of a decision: the platform allowed less than was asked for.
pub const AUTOSCALE_OUTCOME_LIMITED: i32 = 3;
/// What came of a decision: the target failed.
pub const AUTOSCALE_OUTCOME_FAILED: i32 = 4;

/// Something that happened. It, and all that it points to, is valid during the callback.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// sizeof(autoscale_event) in the library, which may be larger than in your header.
    pub struct_size: usize,
    /// What: AUTOSCALE_EVENT_…; kinds of later versions have other numbers.
    pub kind: i32,
    /// AUTOSCALE_EVENT_CHECKED: what came of the decision, AUTOSCALE_OUTCOME_…; else 0.
    pub outcome: i32,
    /// When: unix seconds.
    pub at_s: i64,
    /// AUTOSCALE_EVENT_CHECKED: the decision; else NULL. In a copy of it set struct_size to sizeof(autoscale_decision):
    /// the library's may be larger.
    pub decision: *const Decision,
    /// AUTOSCALE_EVENT_CHECKED: dynos that there are after the check; else 0.
    pub applied: u32,
    /// AUTOSCALE_EVENT_CHECK_FAILED, AUTOSCALE_EVENT_CRASHED: how many checks in a row have failed now;
    /// AUTOSCALE_EVENT_RECOVERED: how many had; else 0.
    pub failed_in_a_row: u32,
    /// Name of the app; NUL-terminated UTF-8.
    pub app: *const c_char,
    /// Its process type; NUL-terminated UTF-8.
    pub process: *const c_char,
    /// The event in one sentence; NUL-terminated UTF-8.
    pub text: *const c_char,
    /// The event as one JSON object, as the history file has it; NUL-terminated UTF-8.
    pub json: *const c_char,
    /// Length of json in bytes, without the NUL.
    pub json_len: usize,
}

/// Gives a result to the library. Legal only while the metric source runs that was given the sink; thread-safe.
///
/// @param sink    the sink that the callback was given
/// @param time_s  when: unix seconds; out of order is fine
/// @param ms      response time, ms; 0, NaN, negative and infinite ones are no measurement and left out
/// @param status  AUTOSCALE_SAMPLE_…
///
/// Returns AUTOSCALE_INVALID_ARGUMENT for a NULL, an unknown status, or more than AUTOSCALE_SAMPLES_MOST results.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_samples_push(sink: *mut Samples, time_s: i64, ms: f64, status: u8) -> Status {
    guard(|| {
        // SAFETY: NULL, or the sink of the callback that runs, as the header asks for.
        let sink = unsafe { object(sink, "sink") }?;
        if status > AUTOSCALE_SAMPLE_DROPPED {
            return Err(Error::invalid(format!("status is {status}: no AUTOSCALE_SAMPLE_…")));
        }
        let mut given = sink.given();
        if given.samples.len() >= AUTOSCALE_SAMPLES_MOST {
            return Err(Error::invalid(format!("more than {AUTOSCALE_SAMPLES_MOST} results")));
        }
        given.samples.extend(sample(time_s, ms, status));
        Ok(())
    })
}

/// Says that the read failed, and why; the last text counts. What was pushed is not used. Legal only while the metric
/// source runs that was given the sink; thread-safe.
///
/// @param sink  the sink that the callback was given; NULL is fine
/// @param text  why, NUL-terminated; NULL is fine; shown to people, so without secrets
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_samples_fail(sink: *mut Samples, text: *const c_char) {
    guard(|| {
        // SAFETY: NULL, or the sink of the callback that runs, and a text, as the header asks for.
        unsafe {
            if let Some(sink) = sink.as_ref() {
                sink.given().failure = Some(message(text).unwrap_or_default());
            }
        }
        Ok(())
    });
}

/// Says that a read of the formation, or a change of it, failed, and why; the last text counts. Legal only while the
/// callback runs that was given it; thread-safe.
///
/// @param failure  what the callback was given; NULL is fine
/// @param text     why, NUL-terminated; NULL is fine; shown to people, so without secrets
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_fail(failure: *mut Failure, text: *const c_char) {
    guard(|| {
        // SAFETY: NULL, or the failure of the callback that runs, and a text, as the header asks for.
        unsafe {
            if let Some(failure) = failure.as_ref() {
                let text = Some(message(text).unwrap_or_default());
                *failure.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
            }
        }
        Ok(())
    });
}
