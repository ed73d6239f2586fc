//! Which sources and policies configurations can name: the tables, as an argument of the parser. Holds none itself.

use super::key::Key;
use super::source::SourceKind;
use super::table::Table;
use crate::model::policy_kind::PolicyKind;

/// The kinds of sources and policies that a configuration can name, and every key that follows from them.
#[derive(Debug)]
pub struct Registry {
    sources: &'static [&'static dyn SourceKind],
    policies: &'static [PolicyKind],
    table: Table,
}

impl Registry {
    /// For these sources and policies, the first of each being the default where the key table does not say otherwise.
    /// Meant for a `static`: its lists of names live as long as the process.
    pub fn new(sources: &'static [&'static dyn SourceKind], policies: &'static [PolicyKind]) -> Self {
        let of_sources = sources.iter().map(|source| (source.section(), source.keys()));
        let names: Vec<&'static str> = sources.iter().map(|source| source.name()).collect();
        let policy_names: Vec<&'static str> = policies.iter().map(|policy| policy.name()).collect();
        let table = Table::new(of_sources, names.leak(), policy_names.leak());
        Self { sources, policies, table }
    }

    /// The kinds of sources.
    pub fn sources(&self) -> &'static [&'static dyn SourceKind] {
        self.sources
    }

    /// The policies.
    pub fn policies(&self) -> &'static [PolicyKind] {
        self.policies
    }

    /// The policy of a name.
    pub fn policy(&self, name: &str) -> Option<PolicyKind> {
        self.policies.iter().copied().find(|policy| policy.name() == name)
    }

    /// Every section and key.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Every key, in the order of the sample.
    pub fn keys(&self) -> &[Key] {
        self.table.keys()
    }

    /// The keys of a schedule, in the order of the sample.
    pub fn keys_of_schedules(&self) -> &[Key] {
        self.table.of_schedules()
    }

    /// The sections, in the order of the sample.
    pub fn sections(&self) -> &[&'static str] {
        self.table.sections()
    }

    /// The key table as Markdown, for the README.
    pub fn markdown(&self) -> String {
        self.table.markdown()
    }

    /// The sample configuration: every key with its meaning.
    pub fn sample(&self) -> String {
        self.table.sample()
    }
}
