//! What comes from C and goes back to it: pointers, lengths, texts, and results. The only place that makes references and
//! slices of raw pointers; each function says what the caller has promised. What is copied out is in [`crate::copy`].

use std::ffi::{CStr, c_char};
use std::path::PathBuf;
use std::ptr;

use crate::status::Error;

/// The most bytes of a text that are taken: 1 MiB.
const LONGEST_TEXT: usize = 1 << 20;

/// An object that was given out as a pointer.
///
/// # Safety
/// NULL, or a pointer that this library gave out and that was not freed since.
pub(crate) unsafe fn object<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Error> {
    // SAFETY: as promised.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(name))
}

/// Where a pointer to a new object goes: NULL until there is one.
pub(crate) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// # Safety
    /// NULL, or a place for one pointer.
    pub(crate) unsafe fn new(place: *mut *mut T) -> Result<Self, Error> {
        if place.is_null() {
            return Err(null("out"));
        }
        // SAFETY: a place for one pointer, as promised; it need not be aligned.
        unsafe { place.write_unaligned(ptr::null_mut()) };
        Ok(Self(place))
    }

    /// Gives the object out.
    pub(crate) fn set(self, object: T) {
        // SAFETY: as in `new`.
        unsafe { self.0.write_unaligned(Box::into_raw(Box::new(object))) };
    }
}

/// Frees an object that was given out; NULL is fine.
///
/// # Safety
/// NULL, or a pointer that this library gave out, that was not freed since, and that nobody uses.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: it came from `Out::set`.
        drop(unsafe { Box::from_raw(pointer) });
    }
}

/// A column of `n` values; NULL is fine when there are none.
///
/// # Safety
/// NULL, or `n` values that do not change while the result lives.
pub(crate) unsafe fn column<'a, T>(first: *const T, n: usize, name: &str) -> Result<&'a [T], Error> {
    if n == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(null(name));
    }
    if !first.is_aligned() {
        return Err(Error::invalid(format!("{name} is not aligned to {} bytes", align_of::<T>())));
    }
    if n > isize::MAX as usize / size_of::<T>() {
        return Err(Error::invalid(format!("n is {n}: no memory holds so many")));
    }
    // SAFETY: not NULL, aligned, of a possible length; the rest as promised.
    Ok(unsafe { std::slice::from_raw_parts(first, n) })
}

/// A text of `len` bytes of UTF-8.
///
/// # Safety
/// NULL, or `len` bytes that do not change while the result lives.
pub(crate) unsafe fn text<'a>(first: *const c_char, len: usize, name: &str) -> Result<&'a str, Error> {
    if len > LONGEST_TEXT {
        return Err(Error::invalid(format!("{name} has {len} bytes: more than the {LONGEST_TEXT} that are taken")));
    }
    // SAFETY: as promised.
    let bytes = unsafe { column(first.cast::<u8>(), len, name) }?;
    std::str::from_utf8(bytes)
        .map_err(|error| Error::invalid(format!("{name} is not UTF-8 from byte {} on", error.valid_up_to())))
}

/// A text that ends with NUL, as it is meant for people: what is not UTF-8 is replaced; `None` for NULL.
///
/// # Safety
/// NULL, or a text that ends with NUL.
pub(crate) unsafe fn message(first: *const c_char) -> Option<String> {
    /// The most characters that are kept.
    const LONGEST: usize = 1000;
    // SAFETY: not NULL; the rest as promised.
    let text = (!first.is_null()).then(|| unsafe { CStr::from_ptr(first) })?.to_string_lossy();
    // It goes to logs and terminals.
    Some(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect())
}

/// A path that ends with NUL: any bytes on Unix, UTF-8 elsewhere.
///
/// # Safety
/// NULL, or a text that ends with NUL.
pub(crate) unsafe fn path(first: *const c_char) -> Result<PathBuf, Error> {
    if first.is_null() {
        return Err(null("path"));
    }
    // SAFETY: not NULL; the rest as promised.
    let bytes = unsafe { CStr::from_ptr(first) };
    if bytes.is_empty() {
        return Err(Error::invalid("path is empty"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Ok(std::ffi::OsStr::from_bytes(bytes.to_bytes()).into())
    }
    #[cfg(not(unix))]
    {
        bytes.to_str().map(PathBuf::from).map_err(|_| Error::invalid("path is not UTF-8"))
    }
}

pub(crate) fn null(name: &str) -> Error {
    Error::invalid(format!("{name} is NULL"))
}
