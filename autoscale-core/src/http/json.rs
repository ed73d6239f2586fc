//! JSON from outside, read straight into what is needed of it: a service must not be able to fill the memory with what
//! nobody asked for. Knows no API.

use std::fmt::{self, Write as _};

use serde::Deserialize;

/// Longest error that is passed on, in characters: what was found in place of a number can be as long as the body.
const LONGEST_ERROR: usize = 300;

/// Reads a body; the error names it by `what`, as in "a formation".
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, String> {
    // serde_json's text names line and column, never more of the body than a word of the wrong type.
    serde_json::from_slice(body).map_err(|error| format!("not the JSON of {what}: {}", brief(&error)))
}

/// The beginning of a text, not longer than an error is to be.
pub(crate) fn brief(text: &dyn fmt::Display) -> String {
    let mut brief = Brief { text: String::new(), left: LONGEST_ERROR };
    // It ends where it is full.
    if write!(brief, "{text}").is_err() {
        brief.text.push('…');
    }
    brief.text
}

struct Brief {
    text: String,
    left: usize,
}

impl fmt::Write for Brief {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        match more.char_indices().nth(self.left) {
            Some((end, _)) => {
                self.text.push_str(&more[..end]);
                self.left = 0;
                Err(fmt::Error)
            }
            None => {
                self.left -= more.chars().count();
                self.text.push_str(more);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_no_longer_than_people_read() {
        let body = format!("{{\"n\":\"{}\"}}", "é".repeat(1 << 20));
        #[derive(Debug, Deserialize)]
        struct Body {
            #[serde(rename = "n")]
            _n: u32,
        }
        let error = read::<Body>(body.as_bytes(), "a number").unwrap_err();
        assert!(error.starts_with("not the JSON of a number: invalid type: string \"éé"), "{error}");
        assert_eq!(error.chars().count(), "not the JSON of a number: ".len() + 300 + 1);
        assert!(error.ends_with("é…"));
        assert_eq!(
            read::<Body>(b"{", "a number").unwrap_err(),
            "not the JSON of a number: EOF while parsing an object at line 1 column 1"
        );
    }
}
