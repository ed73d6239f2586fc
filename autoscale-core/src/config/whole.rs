//! What can be said of texts and variables as a whole: sections and keys that nothing reads, that are there twice, or that
//! must not come from where they are. Judges no value.

use super::ini::{Document, Entry, Head};
use super::key::{Key, Scope};
use super::keys::{self, Form};
use super::layers::DEFAULT;
use super::origin::Origin;
use super::problem::{Problem, ProblemKind, named};
use super::reader::Reader;
use super::schedule_name::{is_same, name_of, name_problem};

impl Reader<'_> {
    pub(super) fn unknown_and_duplicate(&mut self) {
        let layers = self.layers;
        for layer in &layers.documents {
            self.heads(&layer.document, layer.origin());
            self.entries(&layer.document, layer.origin());
        }
        for name in &layers.unknown {
            let text = format!("names no key, not read; {}", self.table.suggestion_for_variable(name));
            let problem = Problem::of_file(ProblemKind::Unknown, text);
            self.warnings.push(Problem { origin: Origin::Variable(name).shown(None), ..problem });
        }
        if self.overrides.is_for_several() {
            self.variables_for_one_app();
        }
    }

    fn heads(&mut self, document: &Document, origin: Origin<'_>) {
        for (at, head) in document.heads.iter().enumerate() {
            if head.name == DEFAULT {
                continue;
            }
            if let Some(name) = name_of(&head.name) {
                self.schedule_head(document, at, name, origin);
                continue;
            }
            let Some(section) = self.table.section(&head.name) else {
                let near = self.table.nearest_section(&head.name);
                let text = format!("unknown section {}, not read; did you mean [{near}]?", named(&head.name));
                self.warnings.push(Problem::at(origin, ProblemKind::Unknown, head.line, text));
                continue;
            };
            let twin = |other: &&Head| other.name.eq_ignore_ascii_case(section);
            if let Some(first) = document.heads[..at].iter().find(twin) {
                let text = format!("the section began in line {} already; its keys are read together", first.line);
                let problem = Problem::at(origin, ProblemKind::Duplicate, head.line, text);
                self.warnings.push(Problem { section: Some(section.into()), ..problem });
            }
        }
    }

    fn schedule_head(&mut self, document: &Document, at: usize, name: &str, origin: Origin<'_>) {
        let twin = |other: &&Head| name_of(&other.name).is_some_and(|other| is_same(other, name));
        let text = name_problem(name).or_else(|| {
            let first = document.heads[..at].iter().find(twin)?;
            Some(format!("line {} has a schedule of this name already: give this one another name", first.line))
        });
        if let Some(text) = text {
            let problem = Problem::at(origin, ProblemKind::Duplicate, document.heads[at].line, text);
            self.problems.push(Problem { section: Some(keys::SCHEDULE.into()), ..problem });
        }
    }

    fn schedule_entry(&mut self, document: &Document, at: usize, name: &str, origin: Origin<'_>) {
        let entry = &document.entries[at];
        let place = |kind, text| Problem {
            section: Some(format!("{} {}", keys::SCHEDULE, shown_key(name))),
            key: Some(shown_key(&entry.key)),
            ..Problem::at(origin, kind, entry.line, text)
        };
        if !self.table.of_schedules().iter().any(|key| key.name == entry.key) {
            let suggestion = self.table.suggestion(keys::SCHEDULE, &entry.key);
            self.warnings.push(place(ProblemKind::Unknown, format!("unknown key, not read; {suggestion}")));
        } else if let Some(first) = document.entries[..at].iter().find(|e| e.key == entry.key && e.head == entry.head) {
            let text = format!("given in line {} already: keep one of the two lines", first.line);
            self.problems.push(place(ProblemKind::Duplicate, text));
        }
    }

    fn entries(&mut self, document: &Document, origin: Origin<'_>) {
        for (at, entry) in document.entries.iter().enumerate() {
            if let Some(name) = name_of(&document.heads[entry.head].name) {
                self.schedule_entry(document, at, name, origin);
                continue;
            }
            let Some(section) = self.section_in(document, entry) else { continue };
            let place = |kind, text| Problem {
                section: Some(section.into()),
                key: Some(shown_key(&entry.key)),
                ..Problem::at(origin, kind, entry.line, text)
            };
            let suggestion = if section == DEFAULT {
                let known = self.table.keys().iter().any(|key| key.name == entry.key);
                (!known).then(|| "no section has it".to_owned())
            } else {
                let known = self.table.key(section, &entry.key).is_some();
                (!known).then(|| self.table.suggestion(section, &entry.key))
            };
            if let Some(suggestion) = suggestion {
                let text = format!("unknown key, not read; {suggestion}");
                self.warnings.push(place(ProblemKind::Unknown, text));
                continue;
            }
            let mut before = document.entries[..at].iter();
            if let Some(first) = before.find(|e| e.key == entry.key && self.section_in(document, e) == Some(section)) {
                let text = format!("given in line {} already: keep one of the two lines", first.line);
                self.problems.push(place(ProblemKind::Duplicate, text));
            } else if section == DEFAULT {
                let takers = self.takers(entry);
                if takers.len() > 1 {
                    let text = format!(
                        "a secret that {} would all take: give each of these sections its own",
                        takers.iter().map(|section| format!("[{section}]")).collect::<Vec<_>>().join(" and ")
                    );
                    self.problems.push(place(ProblemKind::Conflict, text));
                }
            }
        }
    }

    /// The sections that take a secret from this entry of a `[DEFAULT]`.
    fn takers(&self, entry: &Entry) -> Vec<&'static str> {
        let secret = |key: &&Key| key.name == entry.key && matches!(key.form, Form::Token | Form::Password);
        let takes = |key: &&Key| self.find(key).is_some_and(|found| std::ptr::eq(found.entry, entry));
        self.table.keys().iter().filter(secret).filter(takes).map(|key| key.section).collect()
    }

    /// What says which app is meant can't come from a place that all configurations share.
    fn variables_for_one_app(&mut self) {
        for key in self.table.keys().iter().filter(|key| key.scope == Scope::WhichApp) {
            if self.layers.variable(key).is_some() {
                let text = "belongs to one app, and more than one configuration would take it: give it in each file";
                self.problem(key, ProblemKind::Conflict, text);
            }
        }
    }

    fn section_in(&self, document: &Document, entry: &Entry) -> Option<&'static str> {
        let name = &document.heads[entry.head].name;
        if name == DEFAULT { Some(DEFAULT) } else { self.table.section(name) }
    }
}

/// A key that no table has: shown only if it looks like one, since it may be a piece of a broken secret.
fn shown_key(key: &str) -> String {
    let is_one = key.len() <= 64 && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' '));
    if is_one { key.into() } else { "(not a key's name)".into() }
}
