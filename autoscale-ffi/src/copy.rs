//! Copies of texts and bytes into a buffer of the caller. Knows no error: a length says whether there was room.

use std::ffi::c_char;
use std::ptr;

/// Copies a text as snprintf() does, cut between two characters. Returns its whole length.
///
/// # Safety
/// `buf` has room for `cap` bytes, or is NULL.
pub(crate) unsafe fn copy_text(text: &str, buf: *mut c_char, cap: usize) -> usize {
    if !buf.is_null() && cap > 0 {
        let mut cut = text.len().min(cap - 1);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        // SAFETY: `cut` < `cap`, so there is room for the NUL as well.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), buf.cast(), cut);
            buf.add(cut).write(0);
        }
    }
    text.len()
}

/// Copies bytes, all or, where there is no room for all, none. Returns how many there are.
///
/// # Safety
/// `buf` has room for `cap` bytes, or is NULL.
pub(crate) unsafe fn copy_bytes(bytes: &[u8], buf: *mut u8, cap: usize) -> usize {
    if !buf.is_null() && bytes.len() <= cap {
        // SAFETY: there is room, as just compared.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buf, bytes.len()) };
    }
    bytes.len()
}
