//! A defect of the program itself that was caught: what the panic said, and where it was. Decides nothing about what
//! happens afterwards, and installs no hook by itself.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

/// Longest text of a panic that is passed on, in characters.
const LONGEST: usize = 200;

thread_local! {
    /// Where the last panic of this thread was: a payload does not say it.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs something that must not end its caller: a panic becomes its text.
///
/// # Errors
/// [`text`] of the panic.
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(call)).map_err(|payload| text(&*payload))
}

/// A caught panic in words: "index out of bounds (at src/trend.rs:61:9)". The place is known where a panic hook calls
/// [`note_place`], and this is called on the thread that panicked.
#[cold]
pub fn text(payload: &(dyn Any + Send)) -> String {
    let said = payload.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no more is known");
    // One line, for logs and notices: what an assertion says has several, and may show a whole text.
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = line.char_indices().nth(LONGEST).map_or(line.len(), |(end, _)| end);
    let more = if end < line.len() { "…" } else { "" };
    format!("{}{more}{}", &line[..end], PLACE.take())
}

/// Remembers where a panic is: for panic hooks.
pub fn note_place(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| format!(" (at {at})")).unwrap_or_default();
    // At the end of a thread nobody is left who could ask.
    let _ = PLACE.try_with(|kept| kept.replace(place));
}

/// Lets this process remember where panics are, beside what it does about them already. For programs; a library leaves
/// its host's hook alone.
pub fn note_places() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        note_place(info);
        before(info);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_panic_says_what_and_where() {
        note_places();
        let formatted = caught(|| -> () { panic!("one is {}", 1) }).unwrap_err();
        let plain = caught(|| -> () { panic!("two") }).unwrap_err();
        let other = caught(|| -> () { panic::panic_any(3_u8) }).unwrap_err();
        assert!(formatted.starts_with("one is 1 (at autoscale-core/src/engine/defect.rs:"), "{formatted}");
        assert!(plain.starts_with("two (at autoscale-core/src/engine/defect.rs:"), "{plain}");
        assert!(other.starts_with("no more is known (at "), "{other}");
        let long = caught(|| assert_eq!("a\n".repeat(1000), "b", "told")).unwrap_err();
        let start = "assertion `left == right` failed: told left: \"a\\na";
        assert!(long.starts_with(start) && long.contains("… (at ") && !long.contains('\n'), "{long}");
        assert_eq!(caught(|| 4), Ok(4));
    }
}
