//! The environment as far as configurations come from it. What its values mean is for others.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::{env, fmt};

use crate::sources::standard;

/// The variable that holds a whole configuration.
pub(super) const WHOLE: &str = "AUTOSCALE_CONFIG";

/// The variable in which Heroku gives a database to a dyno.
const DATABASE: &str = "DATABASE_URL";

/// The variables of the environment that are looked at.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        const LOOKED_AT: [&str; 7] =
            [WHOLE, "CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME", "HOME", "APPDATA", "DYNO", DATABASE];
        let secrets = standard().keys().iter().filter_map(|key| key.variable);
        let names = LOOKED_AT.into_iter().chain(secrets);
        let mut found: Self = names.filter_map(|name| Some((name, env::var_os(name)?))).collect();
        found.0.extend(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_key)));
        found
    }

    /// The variables that name a key, with their values.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        let named = self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str())));
        named.filter(|(name, value)| is_key(name) && !value.is_empty())
    }

    /// A variable's value; an empty one counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }
}

impl Environment {
    /// The database that Heroku gives to the dyno that this is, where the program can use one.
    pub(super) fn dynos_database(&self) -> Option<&OsStr> {
        self.get("DYNO").filter(|_| cfg!(feature = "postgres")).and_then(|_| self.get(DATABASE))
    }
}

/// Is it the name of a variable that gives a key, `AUTOSCALE_SETTINGS__MIN_DYNOS`?
fn is_key(name: &str) -> bool {
    name.strip_prefix("AUTOSCALE_").is_some_and(|rest| rest.contains("__"))
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Shows names only: values are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
