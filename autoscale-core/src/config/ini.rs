//! The dialect of Python's RawConfigParser: text to sections and raw values, each with its line. Knows no key.
//!
//! Key and value of a line are taken apart by `rust-ini`, with quotes and escapes off. It is given one logical line at
//! a time: whole files it reads differently (a line without separator swallows the next key, an indented comment fails
//! the file, a byte order mark hides the first section), and it keeps no line numbers.

use ini::{Ini, ParseOption};

use super::problem::{Problem, ProblemKind};

/// A section's head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) line: usize,
}

/// A key with its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// Index into [`Document::heads`].
    pub(super) head: usize,
    /// In lower case.
    pub(super) key: String,
    /// Raw; continued lines are joined by a line feed.
    pub(super) value: String,
    pub(super) line: usize,
    /// The first indented line that added to a value that was not empty.
    pub(super) continued: Option<usize>,
    indent: usize,
}

impl Entry {
    /// What a variable of the environment gives: it is in no line.
    pub(super) fn of_variable(key: &str, value: &str) -> Self {
        Self { head: 0, key: key.into(), value: value.into(), line: 0, continued: None, indent: 0 }
    }
}

/// A file, taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Document {
    pub(super) heads: Vec<Head>,
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
}

impl Document {
    /// Takes a text apart. Never fails: what is no section, comment or key is among the problems, and the rest is read.
    pub(super) fn read(text: &str) -> Self {
        let mut document = Self::default();
        // Does the last line that was read belong to a key, so that an indented one goes on with it?
        let mut open = false;
        for (line, raw) in lines(text.strip_prefix('\u{feff}').unwrap_or(text)) {
            let content = raw.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.chars().take_while(|c| c.is_whitespace()).count();
            if open && document.continues(indent, content, line) {
                continue;
            }
            open = if content.starts_with('[') {
                document.section(content, line);
                false
            } else {
                document.entry(content, line, indent)
            };
        }
        document
    }

    fn continues(&mut self, indent: usize, content: &str, line: usize) -> bool {
        let Some(entry) = self.entries.last_mut().filter(|entry| indent > entry.indent) else { return false };
        if !entry.value.is_empty() {
            entry.value.push('\n');
            entry.continued.get_or_insert(line);
        }
        entry.value.push_str(content);
        true
    }

    fn section(&mut self, content: &str, line: usize) {
        // What follows the bracket is not read, as in Python.
        let name = content.find(']').and_then(|close| {
            let ini = parse(&content[..=close])?;
            ini.sections().flatten().next().map(str::to_owned)
        });
        match name.filter(|name| !name.is_empty()) {
            Some(name) => self.heads.push(Head { name, line }),
            None => self.problems.push(Problem::of_line(
                ProblemKind::Syntax,
                line,
                "a section's name stands in square brackets: [AUTOSCALE_SETTINGS]",
            )),
        }
    }

    // The texts never quote the line: it may be a piece of a password.
    fn entry(&mut self, content: &str, line: usize, indent: usize) -> bool {
        let pair = parse(content).and_then(|ini| {
            let mut pairs = ini.general_section().iter();
            match (pairs.next(), pairs.next()) {
                (Some((key, value)), None) => Some((key.to_lowercase(), value.to_owned())),
                _ => None,
            }
        });
        let text = match (pair, self.heads.len().checked_sub(1)) {
            (Some((key, value)), Some(head)) => {
                self.entries.push(Entry { head, key, value, line, continued: None, indent });
                return true;
            }
            (Some(_), None) => "a key before any section: put the line under the section that it belongs to",
            (None, _) if content.starts_with([':', '=']) => "no key before the separator: write it as `key: value`",
            (None, _) => {
                "neither section, comment nor key: write it as `key: value`, or begin it with # to leave it out"
            }
        };
        self.problems.push(Problem::of_line(ProblemKind::Syntax, line, text));
        false
    }
}

fn parse(line: &str) -> Option<Ini> {
    let raw = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    Ini::load_from_str_opt(line, raw).ok()
}

/// Lines with their numbers, ended by LF, CRLF or CR.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else { return rest.take() };
        let after = &text[end..];
        rest = Some(after.strip_prefix("\r\n").unwrap_or(&after[1..]));
        Some(&text[..end])
    })
    .enumerate()
    .map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String, usize)> {
        Document::read(text).entries.into_iter().map(|e| (e.key, e.value, e.line)).collect()
    }

    fn entry(key: &str, value: &str, line: usize) -> (String, String, usize) {
        (key.into(), value.into(), line)
    }

    #[test]
    fn line_ends_bom_separators_and_capitals_make_no_difference() {
        for text in [
            "[A]\nkey: 1\nother = 2\n",
            "[A]\r\nkey: 1\r\nother = 2\r\n",
            "[A]\rkey: 1\rother = 2",
            "\u{feff}[A]\nKEY:1\nOther\t=\t2",
            "  [A] ; note\n  key: 1\n  other = 2\n",
        ] {
            let document = Document::read(text);
            assert_eq!(document.heads, [Head { name: "A".into(), line: 1 }], "{text:?}");
            assert_eq!(values(text), [entry("key", "1", 2), entry("other", "2", 3)], "{text:?}");
            assert_eq!(document.problems, []);
        }
    }

    #[test]
    fn comments_may_be_indented_and_stand_inside_a_continued_value() {
        let text = "# one\n  ; two\n[A]\nkey: a\n   # three\n   b\n\n   c\nother: d\n";
        assert_eq!(values(text), [entry("key", "a\nb\nc", 4), entry("other", "d", 9)]);
        assert_eq!(Document::read(text).entries[0].continued, Some(6));
    }

    #[test]
    fn a_value_may_begin_on_the_next_line() {
        assert_eq!(values("[A]\nkey:\n    value\n"), [entry("key", "value", 2)]);
        assert_eq!(Document::read("[A]\nkey:\n    value\n").entries[0].continued, None);
    }

    #[test]
    fn values_are_taken_to_the_byte() {
        for value in [r#"p\a"s's%w#o;r=d:1"#, r#""quoted""#, "'", r"ends\", "a b", "[x]", "é", r"\x41\n", "=:="] {
            assert_eq!(
                values(&format!("[A]\npassword: {value}\nnext: 1")),
                [entry("password", value, 2), entry("next", "1", 3)]
            );
        }
    }

    #[test]
    fn what_is_no_line_is_a_problem_and_swallows_nothing() {
        let document = Document::read("stray: 1\n[A]\nno separator\nkey: 1\n= 2\n[open\n[]\nlast: 3\n");
        assert_eq!(document.entries.iter().map(|e| &*e.key).collect::<Vec<_>>(), ["key", "last"]);
        let lines: Vec<_> = document.problems.iter().map(|p| p.line.unwrap()).collect();
        assert_eq!(lines, [1, 3, 5, 6, 7]);
        assert_eq!(
            document.problems[1].in_file("config.ini").to_string(),
            "config.ini:3: neither section, comment nor key: write it as `key: value`, or begin it with # to leave it out"
        );
    }
}
