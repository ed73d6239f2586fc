//! Takes secrets out of text that came from outside, in every form in which a service, a gateway or a page of its may
//! repeat them. Knows no service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::config::Secret;

/// Longest part of a service's own message that is passed on, in characters.
const LONGEST_MESSAGE: usize = 200;

/// Bytes of a text that are looked at for that.
const LONGEST_READ: usize = 16 << 10;

/// One or two characters would tear ordinary words apart and are no secret; of an encoded form, a few more.
const SHORTEST: usize = 3;
const SHORTEST_ENCODED: usize = 6;

/// RFC 3986's unreserved characters stay as they are.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Takes secrets out of text that came from outside.
#[derive(Clone, Default)]
pub(crate) struct Redaction {
    /// The secrets in all their forms, longest first.
    forms: Vec<String>,
}

impl Redaction {
    /// Hides these, wherever they turn up.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.into_iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST) {
            forms.push(secret.to_owned());
            forms.extend(encoded(secret).filter(|form| form.len() >= SHORTEST_ENCODED));
        }
        // What holds another form goes first, or a piece of it would stay.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// One line of at most 200 characters, without the secrets.
    pub(crate) fn apply(&self, text: &str) -> String {
        let start = beginning(text, LONGEST_READ);
        let is_cut = start.len() < text.len();
        let mut text = start.to_owned();
        for form in &self.forms {
            if text.contains(form.as_str()) {
                text = text.replace(form, "[secret]");
            }
        }
        if is_cut {
            // What the cut went through may be a secret.
            let longest = self.forms.first().map_or(0, String::len);
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

/// A secret as services spell it elsewhere than in its header.
fn encoded(secret: &str) -> impl Iterator<Item = String> {
    let bytes = secret.as_bytes();
    let percent = percent_encode(bytes, RESERVED).to_string();
    let all_percent: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::to_string(secret).unwrap_or_default().trim_matches('"').to_owned();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let texts = [
        percent.replace("%20", "+"),
        lower_escapes(&percent),
        percent,
        all_percent.to_lowercase(),
        all_percent,
        hex.to_uppercase(),
        hex,
        json.replace('/', "\\/"),
        json,
        html.replace('\'', "&#39;"),
        html,
    ];
    texts.into_iter().chain((0..3).flat_map(move |shift| in_base64(secret.as_bytes(), shift)))
}

/// `%2F` as `%2f`.
fn lower_escapes(percent: &str) -> String {
    let mut parts = percent.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escape, rest) = part.split_at(part.len().min(2));
        text += &format!("%{}{rest}", escape.to_lowercase());
    }
    text
}

/// What of a base64 text depends on a secret alone that `shift` bytes (or three more, or six) stand before, as a user does
/// in Basic credentials: in both alphabets.
fn in_base64(secret: &[u8], shift: usize) -> [String; 2] {
    let text = STANDARD_NO_PAD.encode([&[0; 3][..shift], secret].concat());
    let (first, end) = ((shift * 8).div_ceil(6), (shift + secret.len()) * 8 / 6);
    let standard = text.get(first..end).unwrap_or_default().to_owned();
    [standard.replace('+', "-").replace('/', "_"), standard]
}

/// So many bytes of a text, or a few less where a character would be cut.
fn beginning(text: &str, mut most: usize) -> &str {
    most = most.min(text.len());
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    &text[..most]
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

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

    #[test]
    fn a_secret_is_redacted_in_each_form_in_which_it_is_repeated() {
        let secret = "p/w+ \"5&<é>?ü'x9";
        let redaction = Redaction::new([&Secret::new(secret)]);
        let percent = percent_encode(secret.as_bytes(), RESERVED).to_string();
        for text in [
            secret.to_owned(),
            percent.clone(),
            percent.to_lowercase(),
            percent.replace("%20", "+"),
            secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
            serde_json::to_string(secret).unwrap(),
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
        ] {
            let said = redaction.apply(&format!("no: {text} is wrong"));
            assert!(said.replace('"', "") == "no: [secret] is wrong", "{text}: {said}");
        }
        // Of base64 at most a character at either end is left, which the bytes beside it have a part in.
        for before in ["", "u:", "me:", "user:", "someone@example.com:"] {
            for after in ["", "!", "!!"] {
                for text in [
                    STANDARD.encode(format!("{before}{secret}{after}")),
                    URL_SAFE.encode(format!("{before}{secret}{after}")),
                ] {
                    let said = redaction.apply(&format!("Basic {text}"));
                    assert!(said.contains("[secret]"), "{before}…{after}: {said}");
                    let rest = said.replace("[secret]", "").len();
                    assert!(rest <= "Basic ".len() + (before.len() + after.len()) * 4 / 3 + 6, "{said}");
                }
            }
        }
    }

    #[test]
    fn a_short_secret_tears_no_ordinary_words_apart() {
        let redaction = Redaction::new([&Secret::new("abc")]);
        assert_eq!(redaction.apply("YWJj and 616263 stay, abc does not"), "YWJj and [secret] stay, [secret] does not");
    }
}
