//! The names of schedules: how a section's head gives one, and what it may be. Reads no key.

use super::keys;
use super::problem::named;

/// Most letters of a name.
const LONGEST: usize = 40;

/// What follows the word in a section's name; empty where nothing does. `None` for another section.
pub(super) fn name_of(head: &str) -> Option<&str> {
    let (word, name) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    word.eq_ignore_ascii_case(keys::SCHEDULE).then_some(name.trim())
}

/// Are these the names of one schedule?
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// What is wrong with a schedule's name.
pub(super) fn name_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
    if name.is_empty() {
        Some(format!("the schedule has no name: give it one, as in [{} evening]", keys::SCHEDULE))
    } else if !name.chars().all(fits) || name.chars().count() > LONGEST {
        Some(format!("{}: a schedule's name is 1 to {LONGEST} letters, digits, -, _, . and spaces", named(name)))
    } else {
        None
    }
}
