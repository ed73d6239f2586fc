//! Where the value of a key comes from: the environment, the app's file, its `[DEFAULT]`, `defaults.ini`, its `[DEFAULT]`,
//! the first of these that gives it. Judges no value, and reads neither a file nor the environment.

use super::ini::{Document, Entry};
use super::key::Key;
use super::origin::Origin;
use super::overrides::Overrides;
use super::schedule_name::{is_same, name_of};
use super::table::Table;

/// The section whose keys are defaults of every section, as in Python's ConfigParser: in capitals.
pub(super) const DEFAULT: &str = "DEFAULT";

/// Everything that gives values.
#[derive(Debug)]
pub(super) struct Layers {
    /// The app's file, then `defaults.ini` where there is one.
    pub(super) documents: Vec<Layer>,
    variables: Vec<Variable>,
    /// Variables that name no key.
    pub(super) unknown: Vec<String>,
}

/// A text with its name; the app's own file has none.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) name: Option<String>,
    pub(super) document: Document,
}

/// A variable of the environment that gives a key.
#[derive(Debug)]
struct Variable {
    name: String,
    section: &'static str,
    entry: Entry,
}

/// A value that was found, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) entry: &'a Entry,
    pub(super) origin: Origin<'a>,
}

impl Layers {
    /// Of the app's text and what was found elsewhere.
    pub(super) fn new(text: &str, overrides: &Overrides, table: &Table) -> Self {
        let mut documents = vec![Layer { name: None, document: Document::read(text) }];
        if let Some((name, text)) = overrides.defaults() {
            documents.push(Layer { name: Some(name.to_owned()), document: Document::read(text) });
        }
        let (mut variables, mut unknown) = (Vec::new(), Vec::new());
        for (name, value) in overrides.variables() {
            match table.of_variable(name) {
                Some(key) => {
                    let entry = Entry::of_variable(key.name, value.trim());
                    variables.push(Variable { name: name.to_owned(), section: key.section, entry });
                }
                None => unknown.push(name.to_owned()),
            }
        }
        Self { documents, variables, unknown }
    }

    /// The app's own text.
    pub(super) fn text(&self) -> &Document {
        &self.documents[0].document
    }

    /// The value of a key.
    pub(super) fn find(&self, table: &Table, key: &Key) -> Option<Found<'_>> {
        self.variable(key).or_else(|| {
            self.documents.iter().find_map(|layer| {
                let document = &layer.document;
                let within = |entry: &&Entry| {
                    let head = &document.heads[entry.head].name;
                    entry.key == key.name && table.section(head) == Some(key.section)
                };
                let default = |entry: &&Entry| entry.key == key.name && document.heads[entry.head].name == DEFAULT;
                let entry = document.entries.iter().find(within).or_else(|| document.entries.iter().find(default))?;
                Some(Found { entry, origin: layer.origin() })
            })
        })
    }

    /// The schedules by their names, each with the line where it begins; the app's own come first.
    pub(super) fn schedules(&self) -> Vec<(&str, usize, Origin<'_>)> {
        let mut found: Vec<(&str, usize, Origin<'_>)> = Vec::new();
        for layer in &self.documents {
            for head in &layer.document.heads {
                let name = name_of(&head.name).filter(|name| !found.iter().any(|(known, ..)| is_same(known, name)));
                found.extend(name.map(|name| (name, head.line, layer.origin())));
            }
        }
        found
    }

    /// The value of a key of a schedule. What concerns the whole app stands in `[DEFAULT]` and in variables, and is not
    /// taken for a schedule's.
    pub(super) fn find_in_schedule(&self, name: &str, key: &Key) -> Option<Found<'_>> {
        self.documents.iter().find_map(|layer| {
            let heads = &layer.document.heads;
            let within = |entry: &&Entry| name_of(&heads[entry.head].name).is_some_and(|head| is_same(head, name));
            let entry = layer.document.entries.iter().filter(within).find(|entry| entry.key == key.name)?;
            Some(Found { entry, origin: layer.origin() })
        })
    }

    /// The variable that gives a key.
    pub(super) fn variable(&self, key: &Key) -> Option<Found<'_>> {
        let found = self.variables.iter().find(|v| v.section == key.section && v.entry.key == key.name)?;
        Some(Found { entry: &found.entry, origin: Origin::Variable(&found.name) })
    }
}

impl Layer {
    pub(super) fn origin(&self) -> Origin<'_> {
        self.name.as_deref().map_or(Origin::Text, Origin::File)
    }
}
