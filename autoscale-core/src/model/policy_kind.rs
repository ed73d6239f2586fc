//! Which policy decides: its name and what configurations need to know of it. What it decides by is in `policy`, and so are
//! the names of the built-in ones ([`PolicyKind::Threshold`], [`PolicyKind::Adaptive`]).

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A policy as configurations and events name it: a reference to its entry in a table of policies.
#[derive(Clone, Copy)]
pub struct PolicyKind(&'static PolicyEntry);

/// An entry in a table of policies.
pub struct PolicyEntry {
    /// Name in configurations and events.
    pub name: &'static str,
    /// Default of `cooldown_down`.
    pub cooldown_down: Duration,
    /// Default of `slow_weight`.
    pub slow_weight: f64,
    /// Does it decide by every request, so that it needs a source that counts them?
    pub counts_requests: bool,
    /// Samples a falling trend needs before the policy removes a dyno because of it; `None`: it fits no trend.
    pub falling_trend_samples: Option<u32>,
    /// Makes the policy: a `policy::Maker`, which is not known here.
    pub maker: &'static (dyn Any + Send + Sync),
}

impl PolicyKind {
    /// The policy of an entry.
    pub const fn of(entry: &'static PolicyEntry) -> Self {
        Self(entry)
    }

    /// Name in configurations and events: "threshold", "adaptive", or a registered one.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Its entry.
    pub const fn entry(self) -> &'static PolicyEntry {
        self.0
    }
}

/// Policies are the same where their names are.
impl PartialEq for PolicyKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for PolicyKind {}

impl fmt::Debug for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for PolicyKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Any name is read: an event may come from a program with other policies. What it names can't decide.
impl<'de> Deserialize<'de> for PolicyKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        named(&name).ok_or_else(|| de::Error::custom("too many names of policies, or too long a one"))
    }
}

/// Most names that are kept, and bytes of each: text from outside must not fill the memory.
const MOST_NAMES: usize = 64;
const LONGEST_NAME: usize = 64;

/// The policy of a name that was read. Each name is kept once, for the life of the process.
fn named(name: &str) -> Option<PolicyKind> {
    static NAMES: Mutex<Vec<&'static PolicyEntry>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(entry) = names.iter().find(|entry| entry.name == name) {
        return Some(PolicyKind(entry));
    }
    if names.len() == MOST_NAMES || name.len() > LONGEST_NAME {
        return None;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let entry = Box::leak(Box::new(PolicyEntry {
        name,
        cooldown_down: Duration::ZERO,
        slow_weight: 15.0,
        counts_requests: false,
        falling_trend_samples: None,
        maker: &(),
    }));
    names.push(entry);
    Some(PolicyKind(entry))
}

impl fmt::Debug for PolicyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PolicyEntry").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_it_is_and_read_as_the_same_policy() {
        let kind: PolicyKind = serde_json::from_str("\"threshold\"").unwrap();
        assert_eq!(kind, PolicyKind::Threshold);
        assert_eq!(serde_json::to_string(&PolicyKind::Adaptive).unwrap(), "\"adaptive\"");
        let other: PolicyKind = serde_json::from_str("\"of another version\"").unwrap();
        assert_eq!(other.name(), "of another version");
    }

    #[test]
    fn names_from_outside_do_not_fill_the_memory() {
        assert_eq!(named(&"x".repeat(LONGEST_NAME + 1)), None);
        assert!(
            named("same")
                .map(PolicyKind::entry)
                .is_some_and(|entry| std::ptr::eq(entry, named("same").unwrap().entry()))
        );
    }
}
