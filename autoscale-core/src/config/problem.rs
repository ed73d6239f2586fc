//! What is wrong with a configuration, in words that say the mend. A problem never holds a secret's value.

use std::fmt;

use super::form::Form;
use super::key::Key;
use super::origin::Origin;

/// Something wrong with a configuration, or worth a warning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Section it is about; `None` for the file as a whole.
    pub section: Option<String>,
    /// Key it is about.
    pub key: Option<String>,
    /// Line it is in, counted from 1; `None` for what is missing or came from elsewhere.
    pub line: Option<usize>,
    /// Where the value came from, if not from the configuration's own file: "AUTOSCALE_SETTINGS__MIN_DYNOS in the
    /// environment", "defaults.ini:3".
    pub origin: Option<String>,
    /// What is wrong, and the mend.
    pub text: String,
    /// What kind.
    pub kind: ProblemKind,
}

/// Kinds of [`Problem`]. Whether it stands in the way is told by the list it comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file itself: it can't be read, or is no text.
    File,
    /// A line that is no section, no key and no comment.
    Syntax,
    /// A section or key that nothing reads.
    Unknown,
    /// A section or key that is there twice.
    Duplicate,
    /// Something needed is not there.
    Missing,
    /// A secret that is needed is not there: it may still come from the environment of the process that runs.
    Credential,
    /// A value outside what its key allows.
    Value,
    /// Values that don't go together.
    Conflict,
    /// A value that is still the sample's.
    Placeholder,
    /// A value with another meaning than in 2012, or with none any more.
    Retired,
    /// Allowed, at a cost.
    Advice,
}

impl Problem {
    /// About the file as a whole.
    pub fn of_file(kind: ProblemKind, text: impl Into<String>) -> Self {
        Self { section: None, key: None, line: None, origin: None, text: text.into(), kind }
    }

    /// About a line.
    pub fn of_line(kind: ProblemKind, line: usize, text: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::of_file(kind, text) }
    }

    /// About a line of what gave a value.
    pub(super) fn at(origin: Origin<'_>, kind: ProblemKind, line: usize, text: impl Into<String>) -> Self {
        Self::of_line(kind, line, text).moved_to(origin)
    }

    /// The same, of another origin than the configuration's own file.
    pub(super) fn moved_to(self, origin: Origin<'_>) -> Self {
        match origin.shown(self.line) {
            None => self,
            shown => Self { line: None, origin: shown, ..self },
        }
    }

    /// A key that is needed to run and not given, and what to do about it. A secret may still come from elsewhere.
    pub fn needed(key: &Key, mend: &str) -> Self {
        let kind = if key.form == Form::Token { ProblemKind::Credential } else { ProblemKind::Missing };
        Self {
            section: Some(key.section.into()),
            key: Some(key.name.into()),
            ..Self::of_file(kind, format!("needed to run, and not given: {mend}"))
        }
    }

    /// With the file's name before it: `config.ini:12: [AUTOSCALE_SETTINGS] min_dynos: …`.
    pub fn in_file<D: fmt::Display>(&self, file: D) -> InFile<'_, D> {
        InFile { problem: self, file }
    }
}

/// Without the place: `[AUTOSCALE_SETTINGS] min_dynos: …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.section, &self.key) {
            (Some(section), Some(key)) => write!(f, "[{section}] {key}: ")?,
            (Some(section), None) => write!(f, "[{section}]: ")?,
            (None, Some(key)) => write!(f, "{key}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.text)
    }
}

/// A [`Problem`] with the name of its file.
#[derive(Clone, Copy, Debug)]
pub struct InFile<'a, D> {
    problem: &'a Problem,
    file: D,
}

impl<D: fmt::Display> fmt::Display for InFile<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem, file } = self;
        if let Some(origin) = &problem.origin {
            return write!(f, "{origin}: {problem}");
        }
        match problem.line {
            Some(line) => write!(f, "{file}:{line}: {problem}"),
            None => write!(f, "{file}: {problem}"),
        }
    }
}

/// The name of a section as it can be shown: in quotes, control characters escaped, cut where it is long.
pub(super) fn named(name: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = name.chars().take(MOST).flat_map(char::escape_debug).collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

/// Text from a file as it can be shown: in quotes, control characters escaped, a number cut where it is long. Of any other
/// text of 20 characters or more only its length is told, and of an address scheme and host: it may be a secret that
/// stands in the wrong place.
pub(super) fn quoted(text: &str) -> String {
    const LONG: usize = 20;
    if text.chars().nth(LONG - 1).is_some() && text.parse::<f64>().is_err() {
        return match host(text) {
            Some(host) => format!("the address {host}/…"),
            None => format!("a text of {} characters", text.chars().count()),
        };
    }
    named(text)
}

/// Scheme and host of an address, without a user, a password, and what follows.
fn host(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host().filter(|host| !host.is_empty())?);
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_file_line_section_and_key() {
        let problem = Problem {
            section: Some("AUTOSCALE_SETTINGS".into()),
            key: Some("min_dynos".into()),
            line: Some(12),
            origin: None,
            text: "too few".into(),
            kind: ProblemKind::Value,
        };
        assert_eq!(problem.in_file("config.ini").to_string(), "config.ini:12: [AUTOSCALE_SETTINGS] min_dynos: too few");
        let problem = Problem::of_file(ProblemKind::File, "no file");
        assert_eq!(problem.in_file("config.ini").to_string(), "config.ini: no file");
    }

    #[test]
    fn long_and_odd_text_is_cut_and_escaped() {
        assert_eq!(quoted("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
        assert_eq!(quoted(&"9".repeat(41)), format!("\"{}…\"", "9".repeat(40)));
    }

    #[test]
    fn a_long_text_is_not_quoted_for_it_may_be_a_secret() {
        assert_eq!(quoted("nineteen-characters"), "\"nineteen-characters\"");
        assert_eq!(quoted("HRKU-2f1c6a5e-0000-4000"), "a text of 23 characters");
        let address = "https://me:pass@hooks.slack.com/services/T0/B0/xyz?token=1#2";
        assert_eq!(quoted(address), "the address https://hooks.slack.com/…");
        assert_eq!(quoted("-1234567890123456789.5"), "\"-1234567890123456789.5\"");
    }
}
