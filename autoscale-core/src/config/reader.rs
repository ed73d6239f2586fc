//! Takes keys out of a document, one at a time, and notes what is wrong with each. Which keys there are to take, and what
//! their values mean together, is for `parse` and `advice`.

use std::path::PathBuf;
use std::time::Duration;

use super::form::Form;
use super::ini::{Document, Entry};
use super::key::{Default as KeyDefault, Key};
use super::overrides::Overrides;
use super::problem::{Problem, ProblemKind, quoted};
use super::table::Table;
use super::value;

/// What is added where a value in quotes is refused.
const QUOTES: &str = "; quotes are part of the value: leave them out";

/// Takes keys out of a document, and notes what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) document: &'a Document,
    pub(super) table: &'a Table,
    pub(super) overrides: &'a Overrides,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    pub(super) holds_secrets: bool,
    /// The keys that were asked for, for the test that each key of the table is.
    pub(super) asked: Vec<(&'static str, &'static str)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document, table: &'a Table, overrides: &'a Overrides) -> Self {
        let problems = document.problems.clone();
        Self { document, table, overrides, problems, warnings: Vec::new(), holds_secrets: false, asked: Vec::new() }
    }

    // ---- the file as a whole

    pub(super) fn unknown_and_duplicate(&mut self) {
        let document = self.document;
        for (at, head) in document.heads.iter().enumerate() {
            let Some(section) = self.table.section(&head.name) else {
                let near = self.table.nearest_section(&head.name);
                let text = format!("unknown section {}, not read; did you mean [{near}]?", quoted(&head.name));
                self.warnings.push(Problem::of_line(ProblemKind::Unknown, head.line, text));
                continue;
            };
            let twin = |other: &&super::ini::Head| other.name.eq_ignore_ascii_case(section);
            if let Some(first) = document.heads[..at].iter().find(twin) {
                let text = format!("the section began in line {} already; its keys are read together", first.line);
                let problem = Problem::of_line(ProblemKind::Duplicate, head.line, text);
                self.warnings.push(Problem { section: Some(section.into()), ..problem });
            }
        }
        for (at, entry) in document.entries.iter().enumerate() {
            let Some(section) = self.section_of(entry) else { continue };
            let place = |kind, text| Problem {
                section: Some(section.into()),
                key: Some(shown_key(&entry.key)),
                ..Problem::of_line(kind, entry.line, text)
            };
            if self.table.key(section, &entry.key).is_none() {
                let text = format!("unknown key, not read; {}", self.table.suggestion(section, &entry.key));
                self.warnings.push(place(ProblemKind::Unknown, text));
                continue;
            }
            let mut before = document.entries[..at].iter();
            if let Some(first) = before.find(|e| e.key == entry.key && self.section_of(e) == Some(section)) {
                let text = format!("given in line {} already: keep one of the two lines", first.line);
                self.problems.push(place(ProblemKind::Duplicate, text));
            }
        }
    }

    pub(super) fn section_of(&self, entry: &Entry) -> Option<&'static str> {
        self.table.section(&self.document.heads[entry.head].name)
    }

    // ---- one key

    pub(super) fn entry(&self, key: &Key) -> Option<&'a Entry> {
        self.document.entries.iter().find(|e| e.key == key.name && self.section_of(e) == Some(key.section))
    }

    pub(super) fn place(&self, key: &Key, kind: ProblemKind, text: impl Into<String>) -> Problem {
        Problem {
            section: Some(key.section.into()),
            key: Some(key.name.into()),
            line: self.entry(key).map(|entry| entry.line),
            text: text.into(),
            kind,
        }
    }

    /// Notes what stands in the way, at this key.
    pub fn problem(&mut self, key: &Key, kind: ProblemKind, text: impl Into<String>) {
        let problem = self.place(key, kind, text);
        self.problems.push(problem);
    }

    /// Notes what is worth knowing, at this key.
    pub fn warn(&mut self, key: &Key, kind: ProblemKind, text: impl Into<String>) {
        let warning = self.place(key, kind, text);
        self.warnings.push(warning);
    }

    /// The line a key is in, in words for a bracket.
    pub fn whence(&self, key: &Key) -> String {
        self.entry(key).map_or_else(|| "the default".into(), |entry| format!("line {}", entry.line))
    }

    /// The text of a key, or of its default. `None` where there is neither, or where it is a problem already.
    pub fn text(&mut self, key: &Key) -> Option<&'a str> {
        self.asked.push((key.section, key.name));
        let default = match key.default {
            KeyDefault::Value(value) => Some(value),
            KeyDefault::None(_) | KeyDefault::Required => None,
        };
        let Some(entry) = self.entry(key) else {
            if key.default == KeyDefault::Required {
                let head = self.document.heads.iter().any(|head| self.table.section(&head.name) == Some(key.section));
                let place = if head { "" } else { ", nor is its section" };
                let text = format!("not given{place}: add `{}: …` under [{}], {}", key.name, key.section, key.meaning);
                self.problem(key, ProblemKind::Missing, text);
            }
            return default;
        };
        if let Some(line) = entry.continued {
            let text = format!("goes on in line {line}, because that line is indented: keep the value in one line");
            self.problem(key, ProblemKind::Value, text);
            return None;
        }
        let value = &*entry.value;
        let value = if key.form.ends_at_comment() { value::without_comment(value) } else { value };
        if !value.is_empty() {
            return Some(value);
        }
        match key.default {
            KeyDefault::Value(default) => {
                let text = format!("is empty: give {}, or delete the line for the default, {default}", key.form);
                self.problem(key, ProblemKind::Value, text);
            }
            KeyDefault::Required => {
                self.problem(key, ProblemKind::Missing, format!("is empty: give {}", key.meaning));
            }
            KeyDefault::None(_) => {}
        }
        None
    }

    /// The value of a key as `read` takes it from its text; what `read` says against it is a problem.
    pub fn take<T>(&mut self, key: &Key, read: impl FnOnce(&str, Form) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        let quotes = if value::is_quoted(text) { QUOTES } else { "" };
        read(text, key.form).map_err(|text| self.problem(key, ProblemKind::Value, text + quotes)).ok()
    }

    /// A whole number.
    pub fn whole(&mut self, key: &Key) -> Option<u64> {
        self.take(key, value::whole)
    }

    /// Dynos: their form has limits that fit.
    pub fn dynos(&mut self, key: &Key) -> Option<u32> {
        self.whole(key).and_then(|n| u32::try_from(n).ok())
    }

    /// A number.
    pub fn number(&mut self, key: &Key) -> Option<f64> {
        self.take(key, value::number)
    }

    /// A time.
    pub fn duration(&mut self, key: &Key) -> Option<Duration> {
        self.take(key, value::duration)
    }

    /// `Some(None)` where it is the word that the key may have instead.
    pub(super) fn flag_or_word(&mut self, key: &Key) -> Option<Option<bool>> {
        self.take(key, |text, form| match form {
            Form::FlagOr(word) => value::flag_or(text, word),
            _ => value::flag(text).map(Some),
        })
    }

    /// Yes or no.
    pub fn flag(&mut self, key: &Key) -> Option<bool> {
        self.take(key, |text, _| value::flag(text))
    }

    /// One of the words of the key's form.
    pub(super) fn word(&mut self, key: &Key) -> Option<&'static str> {
        let key = self.table.with_form(key);
        self.take(&key, value::word)
    }

    /// What one of the words of the key's form stands for. `words` are those of the form, in its order.
    pub fn choice<T: Copy>(&mut self, key: &Key, words: &[(&str, T)]) -> Option<T> {
        let forms = if let Form::Word(forms) = key.form { forms } else { &[] };
        assert!(forms.iter().eq(words.iter().map(|(word, _)| word)), "{}: words that differ from its form's", key.name);
        let word = self.word(key)?;
        words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
    }

    /// A path.
    pub fn path(&mut self, key: &Key) -> Option<PathBuf> {
        let path = self.take(key, |text, _| value::path(text).map(|()| PathBuf::from(text)))?;
        if let Some(advice) = path.to_str().and_then(value::path_advice) {
            self.warn(key, ProblemKind::Advice, advice);
        }
        Some(path)
    }

    /// A text that `check` allows.
    pub fn name(&mut self, key: &Key, check: fn(&str) -> Result<(), String>) -> Option<String> {
        self.take(key, |text, _| check(text).map(|()| text.to_owned()))
    }

    /// Base address of an API, without a slash at its end.
    pub fn api_url(&mut self, key: &Key) -> Option<String> {
        self.take(key, |text, _| value::api_url(text))
    }
}

/// A key that nobody knows: shown only if it looks like one, since it may be a piece of a broken secret.
fn shown_key(key: &str) -> String {
    let is_one = key.len() <= 64 && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    if is_one { key.into() } else { "(not a key's name)".into() }
}
