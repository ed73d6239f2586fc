//! Takes keys out of a document, one at a time, and notes what is wrong with each. Which keys there are to take, and what
//! their values mean together, is for `parse` and `advice`.

use std::path::PathBuf;
use std::time::Duration;

use super::form::Form;
use super::key::{Default as KeyDefault, Key};
use super::keys;
use super::layers::{Found, Layers};
use super::origin::Origin;
use super::overrides::Overrides;
use super::problem::{Problem, ProblemKind};
use super::table::Table;
use super::{separators, value};

/// What is added where a value in quotes is refused.
const QUOTES: &str = "; quotes are part of the value: leave them out";

/// Takes keys out of a document, and notes what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) layers: &'a Layers,
    pub(super) table: &'a Table,
    pub(super) overrides: &'a Overrides,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
    /// Does the app's text hold a secret?
    pub(super) holds_secrets: bool,
    /// Does `defaults.ini` hold one?
    pub(super) defaults_hold_secrets: bool,
    /// Name of the schedule that is being read.
    pub(super) schedule: Option<String>,
    /// The keys that were asked for: each key of the table must be.
    #[cfg(test)]
    pub(super) asked: Vec<(&'static str, &'static str)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers, table: &'a Table, overrides: &'a Overrides) -> Self {
        let mut problems = Vec::new();
        for layer in &layers.documents {
            problems.extend(layer.document.problems.iter().cloned().map(|problem| problem.moved_to(layer.origin())));
        }
        Self {
            layers,
            table,
            overrides,
            problems,
            warnings: Vec::new(),
            holds_secrets: false,
            defaults_hold_secrets: false,
            schedule: None,
            #[cfg(test)]
            asked: Vec::new(),
        }
    }

    /// Notes that the value of a key is a secret, so that the file that holds it is not for others.
    pub fn note_secret(&mut self, key: &Key) {
        match self.find(key).map(|found| found.origin) {
            Some(Origin::Text) => self.holds_secrets = true,
            Some(Origin::File(_)) => self.defaults_hold_secrets = true,
            Some(Origin::Variable(_)) | None => {}
        }
    }

    // ---- one key

    pub(super) fn find(&self, key: &Key) -> Option<Found<'a>> {
        match &self.schedule {
            Some(name) if key.section == keys::SCHEDULE => self.layers.find_in_schedule(name, key),
            _ => self.layers.find(self.table, key),
        }
    }

    pub(super) fn place(&self, key: &Key, kind: ProblemKind, text: impl Into<String>) -> Problem {
        let problem = self
            .find(key)
            .map_or_else(|| Problem::of_file(kind, ""), |found| Problem::at(found.origin, kind, found.entry.line, ""));
        Problem { section: Some(self.section_of(key)), key: Some(key.name.into()), text: text.into(), ..problem }
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

    /// Where a key's value comes from, in words for a bracket.
    pub fn whence(&self, key: &Key) -> String {
        let Some(Found { entry, origin }) = self.find(key) else { return "the default".into() };
        origin.shown(Some(entry.line)).unwrap_or_else(|| format!("line {}", entry.line))
    }

    /// What is given of a key, whatever it is.
    pub(super) fn raw(&self, key: &Key) -> Option<&'a str> {
        self.find(key).map(|found| without_comment(key, found.origin, &found.entry.value))
    }

    /// The text of a key, or of its default. `None` where there is neither, or where it is a problem already.
    pub fn text(&mut self, key: &Key) -> Option<&'a str> {
        #[cfg(test)]
        self.asked.push((key.section, key.name));
        let default = match key.default {
            KeyDefault::Value(value) => Some(value),
            KeyDefault::None(_) | KeyDefault::Required => None,
        };
        let Some(Found { entry, origin }) = self.find(key) else {
            if key.default == KeyDefault::Required {
                let head =
                    self.layers.text().heads.iter().any(|head| self.table.section(&head.name) == Some(key.section));
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
        let value = without_comment(key, origin, value);
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
        self.take_number(key, value::number)
    }

    /// A time.
    pub fn duration(&mut self, key: &Key) -> Option<Duration> {
        self.take_number(key, value::duration)
    }

    /// [`Reader::take`] of a number: a point in it may not be meant as a decimal one.
    fn take_number<T>(&mut self, key: &Key, read: impl FnOnce(&str, Form) -> Result<T, String>) -> Option<T> {
        let number = self.take(key, read)?;
        if let Some(advice) = self.raw(key).and_then(separators::thousands_point) {
            self.warn(key, ProblemKind::Advice, advice);
        }
        Some(number)
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
        self.path_except(key, None)
    }

    /// A path, or `-` for a stream of the process.
    pub fn path_or_stream(&mut self, key: &Key) -> Option<PathBuf> {
        self.path_except(key, Some("-"))
    }

    /// A path; `word` stands for something else, of which there is nothing to advise.
    fn path_except(&mut self, key: &Key, word: Option<&str>) -> Option<PathBuf> {
        let path = self.take(key, |text, _| value::path(text).map(|()| PathBuf::from(text)))?;
        if let Some(advice) = path.to_str().filter(|text| word != Some(*text)).and_then(value::path_advice) {
            self.warn(key, ProblemKind::Advice, advice);
        }
        Some(path)
    }

    /// A text that `check` allows.
    pub fn name(&mut self, key: &Key, check: fn(&str) -> Result<(), String>) -> Option<String> {
        self.take(key, |text, _| check(text).map(|()| text.to_owned()))
    }

    /// Any text in one line.
    pub fn plain_text(&mut self, key: &Key) -> Option<String> {
        self.name(key, value::path)
    }

    /// Base address of a server that may be reached unencrypted, without a slash at its end.
    pub fn base_url(&mut self, key: &Key) -> Option<String> {
        self.take(key, |text, _| value::base_url(text))
    }

    /// Base address of an API, without a slash at its end.
    pub fn api_url(&mut self, key: &Key) -> Option<String> {
        self.take(key, |text, _| value::api_url(text))
    }
}

/// A value without the comment at the end of its line; a variable of the environment is no line.
fn without_comment<'a>(key: &Key, origin: Origin<'_>, value: &'a str) -> &'a str {
    let is_line = !matches!(origin, Origin::Variable(_));
    if is_line && key.form.ends_at_comment() { value::without_comment(value) } else { value }
}
