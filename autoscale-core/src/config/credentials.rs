//! Takes secrets, and values that may still be the sample's placeholders, out of a document. Shows no secret.

use super::form::Form;
use super::key::Key;
use super::problem::{Problem, ProblemKind, quoted};
use super::reader::Reader;
use super::secret::Secret;
use super::value;

/// What is said of a secret in quotes.
const IN_QUOTES: &str = "stands in quotes, and they are part of the value: leave them out, unless they belong to it";

/// Is it still what a sample has in this place?
pub fn is_placeholder(text: &str) -> bool {
    value::is_placeholder(text)
}

impl Reader<'_> {
    /// A secret that is sent in a header: the one of the text, else the one that its variable gave.
    pub fn token(&mut self, key: &Key) -> Option<Secret> {
        let elsewhere = key.variable.and_then(|variable| self.overrides.secret(variable));
        let text = self.text(key);
        let placeholder = text.is_some_and(value::is_placeholder);
        if let Some(text) = text.filter(|_| placeholder && elsewhere.is_none()) {
            self.placeholder(key, text, "put your own in its place");
        }
        if let Some(text) = text.filter(|_| !placeholder) {
            self.note_secret(key);
            if let Err(text) = value::token(text) {
                self.problem(key, ProblemKind::Value, text);
                return None;
            }
            if value::is_quoted(text) {
                self.warn(key, ProblemKind::Advice, IN_QUOTES);
            } else if text.contains(' ') {
                let text = "has a space in it: all that follows the separator is part of the key, a comment as well";
                self.warn(key, ProblemKind::Advice, text);
            }
            return Some(Secret::new(text));
        }
        let secret = elsewhere?;
        if let Err(text) = value::token(secret.expose()) {
            let problem = self.place(key, ProblemKind::Value, format!("the one from outside this file {text}"));
            self.problems.push(Problem { line: None, ..problem });
            return None;
        }
        Some(secret.clone())
    }

    /// Says that a value is still the sample's, and shows it where it can't be somebody's secret.
    pub fn placeholder(&mut self, key: &Key, value: &str, mend: &str) {
        let secret = matches!(key.form, Form::Token | Form::Password) && !value.starts_with("MY_");
        let shown = if secret { String::new() } else { format!("{} ", quoted(value)) };
        self.warn(key, ProblemKind::Placeholder, format!("{shown}is still the sample's placeholder: {mend}"));
    }

    /// A user or a password.
    pub fn password(&mut self, key: &Key) -> Option<Secret> {
        let secret = self.take(key, |text, _| value::password(text).map(|()| Secret::new(text)))?;
        if value::is_quoted(secret.expose()) {
            self.warn(key, ProblemKind::Advice, IN_QUOTES);
        }
        Some(secret)
    }

    /// A whole number, where its text is not the sample's placeholder; of that it is said how to `mend` it.
    pub fn whole_or_placeholder(&mut self, key: &Key, mend: &str) -> Option<u64> {
        if let Some(text) = self.text(key).filter(|text| value::is_placeholder(text)) {
            self.placeholder(key, text, mend);
            return None;
        }
        self.whole(key)
    }

    /// An address to fetch.
    pub fn url(&mut self, key: &Key) -> Option<String> {
        self.take(key, |text, _| value::url(text).map(|_| text.to_owned()))
    }
}
