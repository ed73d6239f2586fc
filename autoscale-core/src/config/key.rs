//! What a key of the configuration file is. Which keys there are is for `keys` and for each source's own file.

use super::form::Form;

/// A key of the configuration file.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Key {
    /// Section it stands in.
    pub section: &'static str,
    /// Its name, in lower case.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What holds where it is not given.
    pub default: Default,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Variable of the environment that a secret may come from; in lower case, it is the name of its credential.
    pub variable: Option<&'static str>,
    /// Whose it is.
    pub scope: Scope,
    /// The lines above it in the sample; an empty line parts it from the key before.
    pub comment: &'static str,
    /// How the sample shows it.
    pub shown: Shown,
}

/// What holds where a key is not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Default {
    /// This value, as it would stand in the file.
    Value(&'static str),
    /// Nothing; the text says what that means.
    None(&'static str),
    /// The key must be given.
    Required,
}

/// Whose a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// An app's: configurations may differ in it.
    App,
    /// An app's, and it says which app is meant: two configurations can't share its value.
    WhichApp,
    /// The process's: all its configurations agree.
    Process,
}

/// How the sample shows a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// With its default, as a comment.
    Default,
    /// With its default, in force.
    InForce,
    /// With a placeholder or value in force.
    As(&'static str),
    /// With an example, as a comment.
    Example(&'static str),
}

impl Key {
    /// A key of an app, shown in the sample as a comment.
    pub const fn new(
        section: &'static str,
        name: &'static str,
        form: Form,
        default: Default,
        meaning: &'static str,
    ) -> Self {
        let (variable, scope, comment, shown) = (None, Scope::App, "", Shown::Default);
        Self { section, name, form, default, meaning, variable, scope, comment, shown }
    }

    /// A secret that may come from this variable of the environment, or from a credential of its name in lower case.
    #[must_use]
    pub const fn variable(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    /// Of this scope.
    #[must_use]
    pub const fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// With these lines above it in the sample.
    #[must_use]
    pub const fn comment(self, comment: &'static str) -> Self {
        Self { comment, ..self }
    }

    /// Shown so in the sample.
    #[must_use]
    pub const fn shown(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }

    /// Is it the same key, whatever its form?
    pub fn is(&self, other: &Self) -> bool {
        (self.section, self.name) == (other.section, other.name)
    }
}
