//! The shell round every call: no panic leaves it, and its result becomes a status. Knows no call.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

use autoscale_core::workspace::defect;

use crate::status::{AUTOSCALE_OK, AUTOSCALE_PANIC, Error, Status};

thread_local! {
    /// How many shielded calls this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
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
    let result = defect::caught(call);
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|text| of_defect(&text))
}

/// The error of a defect that was caught.
#[cold]
pub(crate) fn of_defect(text: &str) -> Error {
    Error::new(AUTOSCALE_PANIC, format!("a defect of libautoscale, please report it: {text}"))
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
            defect::note_place(info);
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
