//! A reason as an event holds it: as it was decided, or as it was read back from JSON, which has its code and its sentence
//! and not its numbers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::class::{Class, Mark};
use super::reasons::{Reason, ReasonKind};

/// The reason that was given for a decision.
#[derive(Clone, PartialEq, Debug)]
pub enum GivenReason {
    /// By a policy of this process.
    Decided(Reason),
    /// Read from JSON.
    Read {
        /// Which.
        kind: ReasonKind,
        /// Its sentence.
        text: String,
    },
    /// Read from JSON, and not known to this version.
    Other {
        /// Its code.
        code: String,
        /// Its sentence.
        text: String,
    },
}

impl GivenReason {
    /// One that was read.
    pub fn read(code: String, text: String) -> Self {
        match ReasonKind::of_code(&code) {
            Some(kind) => Self::Read { kind, text },
            None => Self::Other { code, text },
        }
    }

    /// Which; `None` for one that this version does not know.
    pub const fn kind(&self) -> Option<ReasonKind> {
        match self {
            Self::Decided(reason) => Some(reason.kind()),
            Self::Read { kind, .. } => Some(*kind),
            Self::Other { .. } => None,
        }
    }

    /// Its code.
    pub fn code(&self) -> &str {
        match self {
            Self::Decided(reason) => reason.code(),
            Self::Read { kind, .. } => kind.code(),
            Self::Other { code, .. } => code,
        }
    }

    /// What it says of the state of things; `None` where nobody can tell.
    pub fn class(&self) -> Option<Class> {
        self.kind().map(ReasonKind::class)
    }

    /// What is told of it beyond its class.
    pub fn mark(&self) -> Mark {
        self.kind().map_or(Mark::Everyday, ReasonKind::mark)
    }
}

impl From<Reason> for GivenReason {
    fn from(reason: Reason) -> Self {
        Self::Decided(reason)
    }
}

/// One sentence.
impl fmt::Display for GivenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided(reason) => reason.fmt(f),
            Self::Read { text, .. } | Self::Other { text, .. } => f.write_str(text),
        }
    }
}

/// As JSON has it.
#[derive(Serialize, Deserialize)]
struct Json<T> {
    code: T,
    text: String,
}

impl Serialize for GivenReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json { code: self.code(), text: self.to_string() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GivenReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Json { code, text } = Json::<String>::deserialize(deserializer)?;
        Ok(Self::read(code, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_as_it_was_written_whether_it_is_known_or_not() {
        let written = serde_json::to_string(&GivenReason::from(Reason::Steady { mean_ms: 640.0 })).unwrap();
        assert_eq!(written, r#"{"code":"steady","text":"steady at 640 ms"}"#);
        let read: GivenReason = serde_json::from_str(&written).unwrap();
        assert_eq!((read.kind(), read.class()), (Some(ReasonKind::Steady), Some(Class::Calm)));
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        let other = r#"{"code":"of_tomorrow","text":"something new"}"#;
        let read: GivenReason = serde_json::from_str(other).unwrap();
        assert_eq!((read.code(), read.class(), read.mark()), ("of_tomorrow", None, Mark::Everyday));
        assert_eq!(serde_json::to_string(&read).unwrap(), other);
    }
}
