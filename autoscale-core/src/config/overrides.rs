//! What was found elsewhere than in a configuration's text, by whoever reads the environment and the command line. Reads
//! neither itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::secret::Secret;

/// Reads a file that a text names, or says why not.
type ReadText = fn(&Path) -> Result<String, String>;

/// What was found elsewhere than in the text.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Secrets by the name of their variable, such as `HEROKU_API_KEY`; a key in the text goes before it.
    secrets: BTreeMap<String, Secret>,
    /// Variables that name a key, `AUTOSCALE_SETTINGS__MIN_DYNOS`, and their values; they go before every file.
    variables: BTreeMap<String, Secret>,
    /// The name and the text of a file whose values hold where the app's file gives none.
    defaults: Option<(String, Secret)>,
    /// How files of dates are read; `None` where none are.
    files: Option<ReadText>,
    /// Is the environment shared by more than one configuration?
    several: bool,
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

    /// With a variable that names a key.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), Secret::new(value));
        self
    }

    /// With a file whose values hold where the app's file gives none.
    #[must_use]
    pub fn with_defaults(self, name: &str, text: &str) -> Self {
        Self { defaults: Some((name.to_owned(), Secret::new(text))), ..self }
    }

    /// With a way to read the files of dates that schedules name; without one, they are a problem.
    #[must_use]
    pub fn with_files(self, read: fn(&Path) -> Result<String, String>) -> Self {
        Self { files: Some(read), ..self }
    }

    /// The text of a file of dates.
    pub(super) fn text_of(&self, path: &Path) -> Result<String, String> {
        let read = self.files.ok_or("no file is read here: list the dates in the configuration")?;
        read(path)
    }

    /// With the knowledge whether more than one configuration takes the same variables: then those that say which app is
    /// meant are refused.
    #[must_use]
    pub fn for_several(self, several: bool) -> Self {
        Self { several, ..self }
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    pub(super) fn defaults(&self) -> Option<(&str, &str)> {
        self.defaults.as_ref().map(|(name, text)| (name.as_str(), text.expose()))
    }

    pub(super) fn is_for_several(&self) -> bool {
        self.several
    }

    /// The secret of a variable.
    pub(super) fn secret(&self, variable: &str) -> Option<&Secret> {
        self.secrets.get(variable)
    }
}
