//! Every section and key that a configuration can have: to find one, to name the nearest one, and to write the sample and
//! the README's table. Parses no text of a file.

use std::fmt::Write as _;

use super::form::Form;
use super::key::{Default, Key, Shown};
use super::keys;

/// Every section and key, in the order of the sample.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    sections: Vec<&'static str>,
    keys: Vec<Key>,
    /// Of each schedule.
    of_schedules: Vec<Key>,
}

impl Table {
    /// The keys that every configuration has, those of these sources, and the words of the keys that choose a source and a
    /// policy.
    pub(super) fn new<'a>(
        sources: impl Iterator<Item = (&'static str, &'a [&'static Key])>,
        source_names: &'static [&'static str],
        policy_names: &'static [&'static str],
    ) -> Self {
        let mut sections = vec![keys::HEROKU];
        let mut all: Vec<Key> = keys::BEFORE_SOURCES.iter().map(|key| **key).collect();
        for (section, of_source) in sources {
            sections.push(section);
            all.extend(of_source.iter().map(|key| **key));
        }
        sections.extend([keys::AUTOSCALE, keys::NOTIFICATIONS, keys::SANDBOX]);
        all.extend(
            keys::AFTER_SOURCES.iter().map(|key| Key { form: chosen(key, source_names, policy_names), ..**key }),
        );
        let of_schedules = keys::OF_SCHEDULES.iter().map(|key| **key).collect();
        Self { sections, keys: all, of_schedules }
    }

    /// Every key.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys of a schedule.
    pub fn of_schedules(&self) -> &[Key] {
        &self.of_schedules
    }

    /// Every section.
    pub fn sections(&self) -> &[&'static str] {
        &self.sections
    }

    /// The section of this name, in capitals or not.
    pub fn section(&self, name: &str) -> Option<&'static str> {
        self.sections.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
    }

    /// The key of this name in a section.
    pub fn key(&self, section: &str, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.section == section && key.name == name)
    }

    /// A key with its form in this table: a key that chooses among registered names lists them here alone.
    pub fn with_form(&self, key: &Key) -> Key {
        self.key(key.section, key.name).copied().unwrap_or(*key)
    }

    /// Name of the variable of the environment that gives a key: `AUTOSCALE_HEROKU__API_KEY`.
    pub fn variable(key: &Key) -> String {
        format!("AUTOSCALE_{}__{}", short(key.section), key.name.to_uppercase())
    }

    /// The key that a variable of the environment gives.
    pub(super) fn of_variable(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| Self::variable(key) == name)
    }

    /// What to do about a variable that names no key.
    pub(super) fn suggestion_for_variable(&self, name: &str) -> String {
        if name.starts_with("AUTOSCALE_SCHEDULE") {
            return "schedules stand in a file, or in the whole configuration in AUTOSCALE_CONFIG".into();
        }
        let near = self.keys.iter().map(Self::variable).max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)));
        format!("did you mean {}?", near.unwrap_or_default())
    }

    /// What to do about a section of an unknown name.
    pub(super) fn nearest_section(&self, name: &str) -> &'static str {
        let name = name.to_uppercase();
        match name.split_whitespace().next() {
            Some(word) if likeness(word, keys::SCHEDULE) >= 0.7 => "SCHEDULE name",
            _ => nearest(&name, self.sections.iter().copied()),
        }
    }

    /// What to do about a key of an unknown name: where it belongs, or the nearest one of its section.
    pub(super) fn suggestion(&self, section: &str, name: &str) -> String {
        let all = || self.keys.iter().chain(&self.of_schedules);
        if let Some(key) = all().find(|key| key.name == name) {
            return format!("it belongs under [{}]", key.section);
        }
        let near = nearest(name, all().filter(|key| key.section == section).map(|key| key.name));
        if likeness(name, near) >= 0.5 {
            return format!("did you mean {near}?");
        }
        // Perhaps the section is the wrong one as well.
        let Some(other) = self.keys.iter().find(|key| likeness(name, key.name) >= 0.7) else {
            return format!("the nearest key there is {near}");
        };
        format!("did you mean {} under [{}]?", other.name, other.section)
    }

    /// As Markdown, for the README.
    pub fn markdown(&self) -> String {
        let mut table = String::from("| section | key | default | meaning |\n|---|---|---|---|\n");
        let mut last = "";
        for key in self.keys.iter().chain(&self.of_schedules) {
            let section = if key.section == last { String::new() } else { format!(" `{}`", shown(key.section)) };
            last = key.section;
            let default = match key.default {
                Default::Value(value) => format!("`{value}`"),
                Default::None(text) => text.into(),
                Default::Required => "required".into(),
            };
            let _ = writeln!(table, "|{section} | `{}` | {default} | {} ({}) |", key.name, key.meaning, key.form);
        }
        table
    }

    /// As the sample configuration. `{choices}` in a comment stands for the words that the key can have.
    pub fn sample(&self) -> String {
        let mut text = String::from(keys::SAMPLE_HEAD);
        let mut last = "";
        for key in self.keys.iter().chain(&self.of_schedules) {
            if key.section != last {
                let mark = if key.section == keys::SCHEDULE { "#" } else { "" };
                let _ = write!(text, "\n{mark}[{}]\n", shown(key.section));
                last = key.section;
            }
            for line in key.comment.split_terminator('\n') {
                let line = line.replace("{choices}", &key.form.to_string());
                let _ = if line.is_empty() { writeln!(text) } else { writeln!(text, "# {line}") };
            }
            let default = match key.default {
                Default::Value(value) | Default::None(value) => value,
                Default::Required => "",
            };
            let (mark, value) = match key.shown {
                Shown::Default => ("#", default),
                Shown::InForce => ("", default),
                Shown::As(value) => ("", value),
                Shown::Example(value) => ("#", value),
            };
            let _ = writeln!(text, "{mark}{}: {value}", key.name);
        }
        text
    }
}

/// A section's name, for people.
fn shown(section: &'static str) -> &'static str {
    if section == keys::SCHEDULE { "SCHEDULE name" } else { section }
}

/// A section's name in a variable: `HEROKU_INFOS` is `HEROKU`, `AUTOSCALE_SETTINGS` is `SETTINGS`.
fn short(section: &str) -> &str {
    let section = section.strip_suffix("_INFOS").unwrap_or(section);
    section.strip_prefix("AUTOSCALE_").unwrap_or(section)
}

/// The form of a key, with the names that it chooses among.
fn chosen(key: &Key, sources: &'static [&'static str], policies: &'static [&'static str]) -> Form {
    if key.is(keys::METRIC_SOURCE) || key.is(keys::FALLBACK_SOURCE) {
        Form::Word(sources)
    } else if key.is(keys::POLICY) {
        Form::Word(policies)
    } else {
        key.form
    }
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    known.max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b))).unwrap_or_default()
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::new(std::iter::empty(), &[], &[])
    }

    #[test]
    fn unknown_keys_get_the_nearest_known_one() {
        let table = table();
        assert_eq!(table.suggestion(keys::AUTOSCALE, "max_dyno"), "did you mean max_dynos?");
        assert_eq!(table.suggestion(keys::AUTOSCALE, "responce_time_hihg"), "did you mean response_time_high?");
        assert_eq!(table.suggestion(keys::HEROKU, "min_dynos"), "it belongs under [AUTOSCALE_SETTINGS]");
        assert_eq!(table.suggestion(keys::HEROKU, "max_dinos"), "did you mean max_dynos under [AUTOSCALE_SETTINGS]?");
        assert_eq!(table.nearest_section("AUTOSCALE"), keys::AUTOSCALE);
    }
}
