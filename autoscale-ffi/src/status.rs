//! What a call says of itself: its status, a frozen number, and a text per thread. Nothing here knows what a call does.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};

use crate::copy::copy_text;

/// What a call says of itself: AUTOSCALE_OK, or one of the numbers below. They are frozen; new ones are only added.
pub type Status = i32;

/// Done.
pub const AUTOSCALE_OK: i32 = 0;
/// An argument is NULL, out of its range, not UTF-8, or a struct of an unknown size.
pub const AUTOSCALE_INVALID_ARGUMENT: i32 = 1;
/// The configuration can't be used; autoscale_last_error() has every problem, one a line.
pub const AUTOSCALE_CONFIG: i32 = 2;
/// A file can't be read or written.
pub const AUTOSCALE_IO: i32 = 3;
/// Not built into this library, or not known to this version of it.
pub const AUTOSCALE_UNSUPPORTED: i32 = 4;
/// Not possible in the state that the handle is in: started already, or not yet.
pub const AUTOSCALE_STATE: i32 = 5;
/// Called from within the handle's own callback, where it would wait for itself.
pub const AUTOSCALE_REENTRANT: i32 = 6;
/// The handle was inherited through fork(): its thread does not exist in this process.
pub const AUTOSCALE_FORKED: i32 = 7;
/// A defect of the library. The object that was used is of no use any more, but for being freed; the process goes on. A
/// started loop survives a defect: AUTOSCALE_EVENT_CRASHED tells of it, and calls of its handle go on as before.
pub const AUTOSCALE_PANIC: i32 = 8;
/// The metric source failed.
pub const AUTOSCALE_SOURCE: i32 = 9;
/// The scale target failed.
pub const AUTOSCALE_TARGET: i32 = 10;
/// The check failed for another reason: it took too long.
pub const AUTOSCALE_CHECK_FAILED: i32 = 11;
/// Saved bytes are damaged, or of another version.
pub const AUTOSCALE_CORRUPT: i32 = 12;
/// Another instance scales this app already.
pub const AUTOSCALE_LOCKED: i32 = 13;

const TEXTS: [&CStr; 14] = [
    c"done",
    c"invalid argument",
    c"the configuration can't be used",
    c"a file can't be read or written",
    c"not built into this library, or not known to it",
    c"not possible in this state",
    c"called from within the handle's own callback",
    c"the handle belongs to the process before fork()",
    c"a defect of the library",
    c"the metric source failed",
    c"the scale target failed",
    c"the check failed",
    c"saved bytes are damaged, or of another version",
    c"another instance scales this app already",
];

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Why a call failed.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) status: Status,
    pub(crate) text: String,
}

impl Error {
    pub(crate) fn new(status: Status, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(AUTOSCALE_INVALID_ARGUMENT, text)
    }

    /// Keeps the text for this thread, and gives the number.
    #[cold]
    pub(crate) fn keep(self) -> Status {
        // At the end of a thread there is nobody left who could ask.
        let _ = LAST.try_with(|last| *last.borrow_mut() = self.text);
        self.status
    }
}

/// A status in words.
///
/// Returns a text that lives as long as the process; never NULL, also for numbers that no status has.
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn autoscale_strerror(status: i32) -> *const c_char {
    usize::try_from(status).ok().and_then(|i| TEXTS.get(i)).unwrap_or(&c"unknown status").as_ptr()
}

/// What went wrong in the last call of this thread that failed, in words that say what to mend. Calls that succeed
/// leave it as it is. Never holds a secret.
///
/// @param buf  where the text goes, with a NUL at its end; may be NULL when cap is 0
/// @param cap  bytes that there are; a longer text is cut between two characters
///
/// Returns the length of the whole text in bytes, without the NUL, as snprintf() does; 0 where no call has failed.
/// Thread-safe: each thread has its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_last_error(buf: *mut c_char, cap: usize) -> usize {
    // SAFETY: `buf` has room for `cap` bytes, as the caller promises.
    LAST.try_with(|last| unsafe { copy_text(&last.borrow(), buf, cap) }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_words_and_so_has_any_other_number() {
        // SAFETY: the texts are static.
        let text = |status| unsafe { CStr::from_ptr(autoscale_strerror(status)) }.to_str().unwrap();
        assert_eq!(text(AUTOSCALE_OK), "done");
        assert_eq!(text(AUTOSCALE_LOCKED), "another instance scales this app already");
        for odd in [-1, 14, i32::MAX, i32::MIN] {
            assert_eq!(text(odd), "unknown status");
        }
    }
}
