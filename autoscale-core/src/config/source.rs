//! What a kind of source is to a configuration: its section, its keys, how their values are read, and what they ask for.
//! Knows no source by name; the kinds themselves are in `sources`.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::keys::Key;
use super::problem::Problem;
use super::reader::Reader;
use crate::model::policy_kind::PolicyKind;

/// A kind of source of response times: one value of `metric_source`.
pub trait SourceKind: fmt::Debug + Send + Sync {
    /// Value of `metric_source`.
    fn name(&self) -> &'static str;

    /// Its section.
    fn section(&self) -> &'static str;

    /// Its keys, in the order of the sample. All of them stand in [`SourceKind::section`].
    fn keys(&self) -> &'static [&'static Key];

    /// Reads its keys, whether or not the source is used; every problem goes to the reader. `None` where a value can't be
    /// used.
    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>>;

    /// Does it time requests of visitors, so that it says nothing about a process type that gets none?
    fn times_requests(&self) -> bool {
        true
    }

    /// Does it count every request, in rows as a router has them?
    fn counts_requests(&self) -> bool {
        false
    }

    /// What decides where no policy is configured; `None`: the first of the registered policies.
    fn default_policy(&self) -> Option<PolicyKind> {
        None
    }

    /// How to open it: a `sources::Opener`, which is not known here. `None`: this build has no client for it.
    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        None
    }
}

/// What a section says of a source.
pub trait SourceSettings: Comparable + fmt::Debug + Send + Sync {
    /// What is needed to run and not given: see [`Problem::needed`].
    fn missing_for_run(&self) -> Vec<Problem>;

    /// How often samples come at the most.
    fn spacing(&self) -> Spacing;

    /// Is everything that it asks on this machine? Only then can a sandbox speed up the time.
    fn is_loopback(&self) -> bool;

    /// Extra trusted roots (PEM) and the key that names them.
    fn ca_file(&self) -> Option<(&'static Key, &Path)> {
        None
    }
}

/// Typical time between two samples, and whose they are: "Pingdom's".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spacing {
    /// Time between two samples.
    pub every: Duration,
    /// Whose samples, for a sentence: "Pingdom's", "the probe's".
    pub whose: &'static str,
}

/// Values of any type that can be compared; there for every type with `PartialEq`.
pub trait Comparable: Any {
    /// As a value of its own type.
    fn as_any(&self) -> &dyn Any;

    /// Is the other one of the same type, and equal?
    fn is_same(&self, other: &dyn Any) -> bool;
}

impl<T: Any + PartialEq> Comparable for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<Self>() == Some(self)
    }
}

/// A kind of source with its settings.
#[derive(Clone, Debug)]
pub struct SourceChoice {
    kind: &'static dyn SourceKind,
    settings: Arc<dyn SourceSettings>,
}

impl SourceChoice {
    /// One of a kind. `settings` are those that [`SourceKind::read`] of the same kind gave.
    pub fn new(kind: &'static dyn SourceKind, settings: Arc<dyn SourceSettings>) -> Self {
        Self { kind, settings }
    }

    /// Its kind.
    pub fn kind(&self) -> &'static dyn SourceKind {
        self.kind
    }

    /// Value of `metric_source`.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// What its section says.
    pub fn settings(&self) -> &dyn SourceSettings {
        &*self.settings
    }

    /// What its section says, where the settings are of this type.
    pub fn settings_as<T: Any>(&self) -> Option<&T> {
        self.settings.as_any().downcast_ref()
    }
}

impl PartialEq for SourceChoice {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && self.settings.is_same(other.settings.as_any())
    }
}

/// The sources of a configuration: what each section says, and which of them are used.
#[derive(Clone, PartialEq, Debug)]
pub struct Sources {
    all: Vec<SourceChoice>,
    primary: usize,
    fallback: Option<usize>,
}

impl Sources {
    /// All of them, and which are used by their names; `None` where one of the names is not among them.
    pub fn new(all: Vec<SourceChoice>, primary: &str, fallback: Option<&str>) -> Option<Self> {
        let place = |name: &str| all.iter().position(|source| source.name() == name);
        let primary = place(primary)?;
        let fallback = match fallback {
            Some(name) => Some(place(name)?),
            None => None,
        };
        Some(Self { all, primary, fallback })
    }

    /// `metric_source`.
    pub fn primary(&self) -> &SourceChoice {
        &self.all[self.primary]
    }

    /// `fallback_source`.
    pub fn fallback(&self) -> Option<&SourceChoice> {
        self.fallback.map(|at| &self.all[at])
    }

    /// Those that are used: the primary one first.
    pub fn used(&self) -> impl Iterator<Item = &SourceChoice> {
        [Some(self.primary()), self.fallback()].into_iter().flatten()
    }

    /// What the section of a kind says, used or not.
    pub fn settings_as<T: Any>(&self) -> Option<&T> {
        self.all.iter().find_map(SourceChoice::settings_as)
    }
}
