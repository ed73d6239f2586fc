//! The shell round every call: no panic leaves it, and its result becomes a status. Knows no call.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::status::{AUTOSCALE_OK, AUTOSCALE_PANIC, Error, Status};

thread_local! {
    /// How many shielded calls this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where a panic happened that was caught here.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs a call, and turns what came of it into a status.
#[inline]
pub(crate) fn guard(call: impl FnOnce() -> Result<(), Error>) -> Status {
    match shielded(call) {
        Ok(Ok(())) => AUTOSCALE_OK,
        Ok(Err(error)) | Err(error) => error.keep(),
    }
}

/// Runs a call that gives a number; 0 where it fails.
#[inline]
pub(crate) fn guard_len(call: impl FnOnce() -> Result<usize, Error>) -> usize {
    match shielded(call) {
        Ok(Ok(len)) => len,
        Ok(Err(error)) | Err(error) => {
            error.keep();
            0
        }
    }
}

/// Runs something; a panic becomes an error that says where, and nothing is written to standard error.
#[inline]
pub(crate) fn shielded<T>(call: impl FnOnce() -> T) -> Result<T, Error> {
    DEPTH.set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|payload| caught(&*payload))
}

#[cold]
fn caught(payload: &(dyn Any + Send)) -> Error {
    let what = payload.downcast_ref::<String>().map(String::as_str);
    let what = what.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no more is known");
    let place = PLACE.take();
    Error::new(AUTOSCALE_PANIC, format!("a defect of libautoscale, please report it: {what}{place}"))
}

/// Panics that are caught here are told by status and text; all others as before. Every constructor calls it.
pub(crate) fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
                return before(info);
            }
            let place = info.location().map(|at| format!(" (at {at})")).unwrap_or_default();
            let _ = PLACE.try_with(|kept| kept.replace(place));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_that_says_where() {
        quiet_panics();
        let error = shielded(|| -> () { panic!("one is {}", 1) }).unwrap_err();
        assert_eq!(error.status, AUTOSCALE_PANIC);
        let start = "a defect of libautoscale, please report it: one is 1 (at autoscale-ffi/src/guard.rs:";
        assert!(error.text.starts_with(start), "{}", error.text);
        assert_eq!(guard(|| panic!("again")), AUTOSCALE_PANIC);
        assert_eq!(guard_len(|| panic!("again")), 0);
        assert_eq!(guard(|| Ok(())), AUTOSCALE_OK);
    }
}
