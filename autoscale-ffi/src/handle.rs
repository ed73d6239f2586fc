//! `autoscale`: the functions of a handle. What they do is in [`crate::body`].

use std::ffi::c_void;

use crate::body::{Body, Told};
use crate::callback::{EventFn, LogFn, MetricFn, ReadFn, ScaleFn};
use crate::config::Config;
use crate::decision::{Decision, OutDecision};
use crate::guard::{guard, quiet_panics, shielded};
use crate::memory::{Out, free, object};
use crate::status::{AUTOSCALE_OK, Error, Status};

/// The loop of one app. Several threads may use one at the same time, but for autoscale_free().
#[derive(Debug)]
pub struct Handle {
    pub(crate) body: Body,
}

/// A call of a handle that is neither inherited through fork nor broken.
///
/// # Safety
/// NULL, or a handle of ours that was not freed.
unsafe fn with(handle: *const Handle, call: impl FnOnce(&Body) -> Result<(), Error>) -> Status {
    guard(|| {
        // SAFETY: as promised.
        of_usable(&unsafe { object(handle, "handle") }?.body, call)
    })
}

/// A call of a body that is neither inherited through fork nor broken.
fn of_usable<T>(body: &Body, call: impl FnOnce(&Body) -> Result<T, Error>) -> Result<T, Error> {
    body.usable()?;
    shielded(|| call(body)).unwrap_or_else(|panic| {
        body.poison();
        Err(panic)
    })
}

/// Makes a handle for the app of a configuration. Where that names state_dir, the handle takes the app's lock, and carries
/// on from its state file; else it keeps what it remembers in memory.
///
/// @param config  a configuration; not needed any more afterwards
/// @param out     where the handle goes; NULL is put there first. Yours to free by autoscale_free().
///
/// Returns AUTOSCALE_LOCKED where another instance has the app, AUTOSCALE_IO where its state can't be read,
/// AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_UNSUPPORTED in a library without the loop. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_new(config: *const Config, out: *mut *mut Handle) -> Status {
    guard(|| {
        quiet_panics();
        // SAFETY: a place for a pointer, and a configuration of ours, as the header asks for.
        let (out, config) = unsafe { (Out::new(out)?, object(config, "config")?) };
        out.set(Handle { body: Body::new(&config.values)? });
        Ok(())
    })
}

/// Sets where response times come from, in place of what the configuration says.
///
/// @param handle  a handle that is not started
/// @param metric  reads them; NULL: as the configuration says
/// @param user    handed to the callback; yours. The handle keeps it over autoscale_stop(): it must live until
///                autoscale_free() has returned AUTOSCALE_OK, or another call of this function has
///
/// Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_FORKED, AUTOSCALE_PANIC.
/// Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_set_metric_source(
    handle: *const Handle,
    metric: MetricFn,
    user: *mut c_void,
) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.set_metric_source(metric, user)) }
}

/// Sets what is scaled, in place of the Heroku app of the configuration.
///
/// @param handle  a handle that is not started
/// @param read    reads the formation; NULL, with scale NULL as well: as the configuration says
/// @param scale   sets it
/// @param user    handed to both; yours. The handle keeps it over autoscale_stop(): it must live until autoscale_free()
///                has returned AUTOSCALE_OK, or another call of this function has
///
/// Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT where one of the two is NULL,
/// AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_set_scale_target(
    handle: *const Handle,
    read: ReadFn,
    scale: ScaleFn,
    user: *mut c_void,
) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.set_scale_target(read, scale, user)) }
}

/// Sets who is told what a log would hold. Without it nobody is: the library writes to no stream of its own.
///
/// @param handle  a handle that is not started
/// @param log     is told; NULL: nobody
/// @param user    handed to the callback; yours. The handle keeps it over autoscale_stop(): it must live until
///                autoscale_free() has returned AUTOSCALE_OK, or another call of this function has
/// @param level   the most that is told: AUTOSCALE_LOG_ERROR to AUTOSCALE_LOG_TRACE
///
/// Returns AUTOSCALE_STATE on a started handle, AUTOSCALE_INVALID_ARGUMENT for another level, AUTOSCALE_FORKED,
/// AUTOSCALE_PANIC. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_set_log(handle: *const Handle, log: LogFn, user: *mut c_void, level: i32) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.set_log(log, user, level)) }
}

/// Switches dry run: decide and tell, but change nothing. Takes effect with the next check; a started loop breaks off the
/// one that runs, and makes up for it. Outlives the handle where it has a state file.
///
/// @param handle  a handle
/// @param on      0: changes are carried out; anything else: they are told only
///
/// Returns AUTOSCALE_STATE while autoscale_check_once() runs, between the end of a loop and autoscale_stop(), and for 0
/// where the configuration says `debug: shadow`: nothing but another configuration ends shadow mode;
/// AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_IO where the state file can't be written, AUTOSCALE_FORKED,
/// AUTOSCALE_PANIC. Thread-safe; legal inside a callback of the loop.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_set_dry_run(handle: *const Handle, on: i32) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.set_dry_run(on != 0)) }
}

/// One check on the caller's thread: reads, decides, acts, and records as the configuration asks (history_file, plot,
/// webhook_url). Blocks until it is done, two minutes at the most, and as long as a callback of yours blocks.
///
/// @param handle    a handle that is not started
/// @param decision  where the decision goes; its struct_size is yours to set, all else is 0 first
///
/// Returns AUTOSCALE_SOURCE or AUTOSCALE_TARGET where reading or scaling failed, AUTOSCALE_CHECK_FAILED where it took too
/// long, AUTOSCALE_CONFIG where the configuration lacks what a built-in source or target needs, AUTOSCALE_STATE on a
/// started handle or while another check of it runs, AUTOSCALE_REENTRANT inside a callback of any handle,
/// AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED where no source or target is set and none is built in,
/// AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_check_once(handle: *const Handle, decision: *mut Decision) -> Status {
    guard(|| {
        // SAFETY: a place for a decision, and a handle of ours, as the header asks for. The decision is cleared first.
        let (out, body) = unsafe { (OutDecision::new(decision)?, &object(handle, "handle")?.body) };
        out.set(&of_usable(body, Body::check_once)?);
        Ok(())
    })
}

/// Starts the loop on a thread of the library's: named autoscale-…, with all signals blocked. The first check comes at
/// once, the others each check_frequency. A handle that was stopped can be started again, and carries on.
///
/// @param handle  a handle that is not started
/// @param event   is told what happens; NULL: nobody
/// @param user    handed to the callback; yours. It must live until autoscale_stop() or autoscale_free() has returned
///                AUTOSCALE_OK; autoscale_request_stop(), and an event that says that the loop has ended, are not enough
///
/// Returns AUTOSCALE_STATE on a started handle (also one whose loop has ended by autoscale_request_stop():
/// autoscale_stop() it first), AUTOSCALE_CONFIG where the configuration lacks what a built-in source or target needs,
/// AUTOSCALE_REENTRANT inside a callback of the same handle, AUTOSCALE_IO where there is no thread to be had,
/// AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED where no source or target is set and none is built in,
/// AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_start(handle: *const Handle, event: EventFn, user: *mut c_void) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.start(event, user)) }
}

/// Checks at once, also while the loop rests. Does not wait for it.
///
/// @param handle  a started handle
///
/// Returns AUTOSCALE_STATE on a handle that is not started, AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED,
/// AUTOSCALE_PANIC. Thread-safe; legal inside a callback.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_check_now(handle: *const Handle) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.tell(Told::CheckNow)) }
}

/// Lets the loop rest until autoscale_resume(). Does not wait for it. Outlives the handle where it has a state file.
///
/// @param handle  a started handle
///
/// Returns what autoscale_check_now() does. Thread-safe; legal inside a callback.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_pause(handle: *const Handle) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.tell(Told::Pause)) }
}

/// Lets the loop go on, with a check at once; ends an operator's pin and floor as well. Does not wait for it.
///
/// @param handle  a started handle
///
/// Returns what autoscale_check_now() does. Thread-safe; legal inside a callback.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_resume(handle: *const Handle) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, |body| body.tell(Told::Resume)) }
}

/// Asks the loop to end, and does not wait for it: never blocks. Callbacks may run until autoscale_stop() returns.
///
/// @param handle  a handle; one that is not started is fine
///
/// Returns AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe; legal inside a
/// callback.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_request_stop(handle: *const Handle) -> Status {
    // SAFETY: a handle of ours, as the header asks for.
    unsafe { with(handle, Body::request_stop) }
}

/// Ends the loop and waits for its end: after it no callback of the handle runs. HTTP in flight is cancelled; a callback
/// that blocks is waited for, and so is an autoscale_check_once() on another thread, whose HTTP is not cancelled. On a
/// handle at rest it does nothing.
///
/// @param handle  a handle
///
/// Returns AUTOSCALE_REENTRANT inside a callback of the same handle (autoscale_request_stop() is legal there),
/// AUTOSCALE_INVALID_ARGUMENT for a NULL, AUTOSCALE_FORKED, AUTOSCALE_PANIC. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_stop(handle: *const Handle) -> Status {
    guard(|| {
        // SAFETY: a handle of ours, as the header asks for.
        let body = &unsafe { object(handle, "handle") }?.body;
        body.stop()?;
        body.usable()
    })
}

/// Stops a handle as autoscale_stop() does, and frees it; NULL is fine. No thread may use it at the same time or later.
///
/// @param handle  a handle
///
/// Returns AUTOSCALE_REENTRANT inside a callback of the same handle, AUTOSCALE_FORKED in another process than the one
/// that made it; then it is not freed. Else AUTOSCALE_OK, also for a handle that met a defect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_free(handle: *mut Handle) -> Status {
    if handle.is_null() {
        return AUTOSCALE_OK;
    }
    guard(|| {
        // SAFETY: a handle of ours that nobody else uses, as the header asks for.
        unsafe {
            object(handle, "handle")?.body.stop()?;
            free(handle);
        }
        Ok(())
    })
}
