//! What was found elsewhere than in a configuration's text, by whoever reads the environment and the command line. Reads
//! neither itself.

use std::collections::BTreeMap;

use super::secret::Secret;

/// What was found elsewhere than in the text.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Overrides {
    /// Secrets by the name of their variable, such as `HEROKU_API_KEY`; a key in the text goes before it.
    secrets: BTreeMap<String, Secret>,
    /// The command line's `--dry-run`: goes before `debug`.
    pub dry_run: bool,
}

impl Overrides {
    /// With a secret for the keys that take it from this variable.
    #[must_use]
    pub fn with_secret(mut self, variable: &str, secret: Option<Secret>) -> Self {
        self.secrets.extend(secret.map(|secret| (variable.to_owned(), secret)));
        self
    }

    /// With `--dry-run`, or without.
    #[must_use]
    pub fn with_dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// The secret of a variable.
    pub(super) fn secret(&self, variable: &str) -> Option<&Secret> {
        self.secrets.get(variable)
    }
}
