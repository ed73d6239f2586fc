//! Failures in words: what happened, never a secret, never more than a few words of what a service said.

use std::error::Error;
use std::time::Duration;

use super::peer::Peer;
use crate::config::Secret;
use crate::model::units::Span;

/// Longest part of a service's own message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 200;

/// Bytes of a text that are looked at for that.
const LONGEST_READ: usize = 16 << 10;

/// Takes secrets out of text that came from outside.
#[derive(Clone, Default)]
pub(crate) struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Hides these, wherever they turn up.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        // One or two characters would tear ordinary words apart and are no secret.
        let secrets = secrets.into_iter().map(|s| s.expose().to_owned()).filter(|s| s.len() > 2).collect();
        Self { secrets }
    }

    /// One line of at most 200 characters, without the secrets.
    pub(crate) fn apply(&self, text: &str) -> String {
        let start = beginning(text, LONGEST_READ);
        let is_cut = start.len() < text.len();
        let mut text = start.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "[secret]");
        }
        if is_cut {
            // What the cut went through may be a secret.
            let longest = self.secrets.iter().map(String::len).max().unwrap_or_default();
            text.truncate(beginning(&text, text.len().saturating_sub(longest)).len());
        }
        let text = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty());
        let text = text.collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(LONGEST_MESSAGE) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// So many bytes of a text, or a few less where a character would be cut.
fn beginning(text: &str, mut most: usize) -> &str {
    most = most.min(text.len());
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    &text[..most]
}

/// Why there is no answer. `origin` is where it was looked for.
pub(super) fn transport(error: &reqwest::Error, peer: Peer, origin: &str, timeout: Duration) -> String {
    let Peer { name: peer, section, takes_ca_file, .. } = peer;
    if error.is_timeout() && !error.is_connect() {
        return format!("{peer} did not answer within {}", Span(timeout));
    }
    let cause = root(error);
    if takes_ca_file && cause.contains("UnknownIssuer") {
        return format!("{peer} at {origin} shows a certificate that nobody here trusts: check [{section}] ca_file");
    }
    if error.is_connect() {
        return format!("{peer} could not be reached at {origin}: {cause}");
    }
    format!("the connection to {peer} broke: {cause}")
}

/// The innermost cause: the outer ones only say "error sending request", and name the address.
pub(crate) fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::eq(cause, error as &dyn Error) {
        return "no cause given".into();
    }
    let text = cause.to_string();
    // The number says nothing that the words before it do not.
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_flattened_and_stripped_of_secrets() {
        let redaction = Redaction::new([&Secret::new("tok-en"), &Secret::new("a")]);
        assert_eq!(redaction.apply("bad\r\n token \u{1b}tok-en!\n"), "bad token [secret]!");
        let long = redaction.apply(&"é".repeat(300));
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with("é…"));
    }

    #[test]
    fn of_a_long_text_only_the_beginning_is_read_and_no_half_of_a_secret_told() {
        let redaction = Redaction::new([&Secret::new("tok-en"), &Secret::new("a-longer-secret")]);
        for shift in 0..17 {
            let blank = " ".repeat(LONGEST_READ - shift);
            assert_eq!(redaction.apply(&format!("no{blank}a-longer-secret")), "no", "{shift}");
        }
        assert_eq!(redaction.apply(&"a ".repeat(4 << 20)).chars().count(), 201);
    }
}
