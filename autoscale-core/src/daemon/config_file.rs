//! Where a configuration comes from: file, environment, credentials folder, the default places, a folder of
//! configurations. What a text means is for [`crate::config`] to say.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::{env, fmt};

use crate::config::{Config, Key, Lines, Overrides, Problem, ProblemKind, SAMPLE, Secret};
use crate::sources::{examine, standard};
use crate::stores::private::{create_folders, for_its_owner, is_open_to_others};

/// The most bytes of a configuration that are read.
const MOST: u64 = 1024 * 1024;
/// The most bytes of a credential that are read.
const MOST_OF_A_CREDENTIAL: u64 = 16 * 1024;
/// The variable that holds a whole configuration.
const WHOLE: &str = "AUTOSCALE_CONFIG";
/// The path that stands for the configuration in that variable.
pub const IN_ENVIRONMENT: &str = "$AUTOSCALE_CONFIG";
/// The file in a folder of configurations that holds what they have in common.
const DEFAULTS: &str = "defaults.ini";
/// Where configurations are, below `$XDG_CONFIG_HOME` and `/etc`.
const PLACE: &str = "heroku-autoscale/config.ini";

/// The variables of the environment that are looked at.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        const LOOKED_AT: [&str; 5] = [WHOLE, "CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME", "HOME", "APPDATA"];
        let secrets = standard().keys().iter().filter_map(|key| key.variable);
        let names = LOOKED_AT.into_iter().chain(secrets);
        let mut found: Self = names.filter_map(|name| Some((name, env::var_os(name)?))).collect();
        found.0.extend(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_key)));
        found
    }

    /// The variables that name a key, with their values.
    fn keys(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        let named = self.0.iter().filter_map(|(name, value)| Some((name.to_str()?, value.as_os_str())));
        named.filter(|(name, value)| is_key(name) && !value.is_empty())
    }

    /// A variable's value; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
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

/// A configuration with where it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is worth knowing about it.
    pub warnings: Vec<Problem>,
    /// Its file.
    pub path: PathBuf,
    /// Where its keys are.
    pub lines: Lines,
    /// What it was read with, to read it again.
    pub beside: Beside,
    /// What it gives of the keys that all configurations of a process agree in.
    process: Vec<(Key, String)>,
}

/// What a configuration is read with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beside {
    /// The `defaults.ini` of its folder.
    pub defaults: Option<PathBuf>,
    /// Are there other configurations, so that the environment can't say which app is meant?
    pub others: bool,
}

impl Loaded {
    /// What stands in the way of a loop, each with its line where the file has one: what is missing, placeholders, and
    /// roots that can't be trusted. A [`ProblemKind::Credential`] may still come from the environment of another process.
    pub fn unready(&self) -> Vec<Problem> {
        let mut unready = self.config.unready(&self.warnings);
        #[cfg(feature = "http")]
        for (section, key, file) in self.config.ca_files() {
            if let Err(text) = crate::http::extra_roots(file) {
                let problem = Problem::of_file(ProblemKind::File, text);
                unready.push(Problem { section: Some(section.into()), key: Some(key.into()), ..problem });
            }
        }
        for problem in &mut unready {
            if let (None, Some(section), Some(key)) = (problem.line, &problem.section, &problem.key) {
                problem.line = self.lines.of(section, key);
            }
        }
        unready.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        unready
    }
}

/// Why a configuration can't be used. Shown as all its problems, one a line, each with the file's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoadError {
    /// Its file.
    pub path: PathBuf,
    /// What kind of error.
    pub kind: LoadErrorKind,
    /// What is wrong: one or more.
    pub problems: Vec<Problem>,
    /// What else is worth knowing.
    pub warnings: Vec<Problem>,
}

/// Kinds of [`LoadError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// There is no such file.
    NotFound,
    /// It can't be read.
    Unreadable,
    /// It is a folder.
    Folder,
    /// It is longer than 1 MiB.
    TooLong,
    /// It is not UTF-8.
    NotUtf8,
    /// What it says can't be used.
    Invalid,
    /// Another configuration is for the same app and process type.
    SameApp,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            let end = if i == 0 { "" } else { "\n" };
            write!(f, "{end}{}", problem.in_file(self.path.display()))?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

impl LoadError {
    fn new(path: &Path, kind: LoadErrorKind, text: impl Into<String>) -> Self {
        let problems = vec![Problem::of_file(ProblemKind::File, text)];
        Self { path: path.into(), kind, problems, warnings: Vec::new() }
    }
}

/// Loads a configuration, with the environment of this process.
///
/// # Errors
/// A [`LoadError`] with every problem of the file.
pub fn load(path: &Path, dry_run: bool) -> Result<Loaded, LoadError> {
    load_with(path, dry_run, &Environment::of_process())
}

/// Loads a configuration, with a given environment.
///
/// # Errors
/// A [`LoadError`] with every problem of the file.
pub fn load_with(path: &Path, dry_run: bool, environment: &Environment) -> Result<Loaded, LoadError> {
    load_beside(path, &Beside::default(), dry_run, environment)
}

/// Loads a configuration with what stands beside it, and with a given environment.
///
/// # Errors
/// A [`LoadError`] with every problem of the file.
pub fn load_beside(
    path: &Path,
    beside: &Beside,
    dry_run: bool,
    environment: &Environment,
) -> Result<Loaded, LoadError> {
    let text = text_of(path, environment)?;
    let mut problems = Vec::new();
    let mut overrides = Overrides::default().with_dry_run(dry_run);
    for variable in standard().keys().iter().filter_map(|key| key.variable) {
        match credentials(environment, variable, &variable.to_lowercase()) {
            Ok(secret) => overrides = overrides.with_secret(variable, secret),
            Err(text) => problems.push(Problem::of_file(ProblemKind::Value, text)),
        }
    }
    for (name, value) in environment.keys() {
        match value.to_str() {
            Some(value) => overrides = overrides.with_variable(name, value),
            None => {
                let text = format!("{name} in the environment is not UTF-8: set it again");
                problems.push(Problem::of_file(ProblemKind::Value, text));
            }
        }
    }
    overrides = overrides.for_several(beside.others);
    if let Some(defaults) = &beside.defaults {
        let text = read(defaults)?;
        overrides = overrides.with_defaults(&defaults.display().to_string(), &text);
    }
    let examined = examine(&text, &overrides);
    let mut warnings = examined.warnings;
    let defaults = beside.defaults.as_deref().filter(|_| examined.defaults_hold_secrets);
    for file in [Some(path).filter(|_| examined.holds_secrets), defaults].into_iter().flatten() {
        if is_open_to_others(file) {
            let text =
                format!("others on this machine can read it, and it holds secrets: chmod o= {}", in_a_shell(file));
            let origin = (file != path).then(|| file.display().to_string());
            warnings.push(Problem { origin, ..Problem::of_file(ProblemKind::Advice, text) });
        }
    }
    match examined.config {
        Some(config) if problems.is_empty() => {
            let (lines, process) = (examined.lines, examined.process);
            Ok(Loaded { config, warnings, path: path.into(), lines, beside: beside.clone(), process })
        }
        _ => {
            let problems = examined.problems.into_iter().chain(problems).collect();
            Err(LoadError { path: path.into(), kind: LoadErrorKind::Invalid, problems, warnings })
        }
    }
}

/// Loads the configurations named by files and by folders; where neither is named, the first of the default places.
/// Each one is for an app and process type of its own.
///
/// # Errors
/// One [`LoadError`] for each configuration that can't be used, in order. [`load_each`] gives the others as well.
pub fn load_all(
    files: &[PathBuf],
    folders: &[PathBuf],
    dry_run: bool,
    environment: &Environment,
) -> Result<Vec<Loaded>, Vec<LoadError>> {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    for result in load_each(files, folders, dry_run, environment) {
        match result {
            Ok(loaded) => all.push(loaded),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}

/// [`load_all`], each configuration with its own result.
pub fn load_each(
    files: &[PathBuf],
    folders: &[PathBuf],
    dry_run: bool,
    environment: &Environment,
) -> Vec<Result<Loaded, LoadError>> {
    type Place = (PathBuf, Option<PathBuf>);
    let mut paths: Vec<Result<Place, LoadError>> = files.iter().map(|path| Ok((path.clone(), None))).collect();
    for folder in folders {
        match in_folder(folder) {
            Ok(found) => {
                let defaults = Some(folder.join(DEFAULTS)).filter(|path| !matches!(path.try_exists(), Ok(false)));
                paths.extend(found.into_iter().map(|path| Ok((path, defaults.clone()))));
            }
            Err(error) => paths.push(Err(error)),
        }
    }
    if files.is_empty() && folders.is_empty() {
        let whole = environment.get(WHOLE).map(|_| Ok(PathBuf::from(IN_ENVIRONMENT)));
        paths.push(whole.unwrap_or_else(|| find_default(environment)).map(|path| (path, None)));
    }
    let others = paths.len() > 1;
    let mut results: Vec<Result<Loaded, LoadError>> = Vec::new();
    for path in paths {
        let load = |(path, defaults): Place| load_beside(&path, &Beside { defaults, others }, dry_run, environment);
        let result = path.and_then(load).and_then(|loaded| {
            let odd = results.iter().flatten().find_map(|other| differs(&loaded, other));
            odd.map_or(Ok(loaded), Err)
        });
        let result = result.and_then(|loaded| {
            let twin = results.iter().flatten().find(|other| app(&other.config) == app(&loaded.config));
            twin.map_or(Ok(()), |other| Err(same_app(&loaded, other))).map(|()| loaded)
        });
        results.push(result);
    }
    results
}

/// What two configurations must not share.
fn app(config: &Config) -> (&str, &str, &str) {
    (&config.heroku.api_url, &config.heroku.app_name, &config.heroku.process_type)
}

/// Where two configurations of a process differ in what is the process's.
fn differs(loaded: &Loaded, other: &Loaded) -> Option<LoadError> {
    let differs = |(key, value): &&(Key, String)| {
        other.process.iter().any(|(theirs, their_value)| theirs.is(key) && their_value != value)
    };
    let (key, _) = loaded.process.iter().find(differs)?;
    // The values may be secrets.
    let text = format!(
        "differs from {}, and the process has one value for all its apps: give it in {DEFAULTS} alone",
        other.path.display()
    );
    let mut error = LoadError::new(&loaded.path, LoadErrorKind::Invalid, text);
    error.warnings.clone_from(&loaded.warnings);
    let problem = &mut error.problems[0];
    problem.kind = ProblemKind::Conflict;
    (problem.section, problem.key) = (Some(key.section.into()), Some(key.name.into()));
    problem.line = loaded.lines.of(key.section, key.name);
    Some(error)
}

fn same_app(loaded: &Loaded, other: &Loaded) -> LoadError {
    let (_, name, process) = app(&loaded.config);
    let text = format!(
        "scales {name} ({process}), as {} does: two would undo each other's work; keep one, or give another process_type",
        other.path.display()
    );
    let mut error = LoadError::new(&loaded.path, LoadErrorKind::SameApp, text);
    error.problems[0].kind = ProblemKind::Conflict;
    error.warnings.clone_from(&loaded.warnings);
    error
}

/// The configurations in a folder: its files `*.ini` except `defaults.ini`, by name.
///
/// # Errors
/// A [`LoadError`] where the folder can't be read or holds none.
pub fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(folder, &error))?;
    let is_one = |path: &PathBuf| {
        let is_ini = path.extension() == Some(OsStr::new("ini"));
        is_ini && path.file_name() != Some(OsStr::new(DEFAULTS)) && !path.is_dir()
    };
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(is_one).collect();
    paths.sort();
    if paths.is_empty() {
        let text = "no configuration in this folder: put one file an app there, its name ending with .ini";
        return Err(LoadError::new(folder, LoadErrorKind::NotFound, text));
    }
    Ok(paths)
}

/// Where a user's own configuration is; `None` where the user has no home.
pub fn user_place(environment: &Environment) -> Option<PathBuf> {
    let path = |name: &str| environment.get(name).map(PathBuf::from);
    // The XDG rule: a path that is not absolute is to be ignored.
    let user = path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let user = user.or_else(|| if cfg!(windows) { path("APPDATA") } else { Some(path("HOME")?.join(".config")) });
    Some(user?.join(PLACE))
}

/// Where a configuration is looked for when none is named, first to last: the user's own, then the system's.
pub fn default_places(environment: &Environment) -> Vec<PathBuf> {
    let system = cfg!(unix).then(|| Path::new("/etc").join(PLACE));
    user_place(environment).into_iter().chain(system).collect()
}

/// The first of the [`default_places`] where there is a file.
///
/// # Errors
/// A [`LoadError`] that names the places.
pub fn find_default(environment: &Environment) -> Result<PathBuf, LoadError> {
    let places = default_places(environment);
    // One that is there but can't be read is found, and said to be unreadable when it is loaded.
    let is_there = |path: &&PathBuf| !matches!(path.try_exists(), Ok(false));
    if let Some(path) = places.iter().find(is_there) {
        return Ok(path.clone());
    }
    let first = places.first().cloned().unwrap_or_else(|| PLACE.into());
    let rest: String = places.iter().skip(1).map(|path| format!(" nor at {}", path.display())).collect();
    let text = format!(
        "no configuration here{rest}: `autoscale init --output {}` creates one, or name another file",
        in_a_shell(&first)
    );
    Err(LoadError::new(&first, LoadErrorKind::NotFound, text))
}

/// [`create`]s the sample configuration, which is about to hold secrets.
///
/// # Errors
/// As [`create`].
pub fn create_sample(path: &Path) -> io::Result<()> {
    create(path, SAMPLE)
}

/// Could a file be written at this place? A folder that is not there yet can't be asked.
///
/// # Errors
/// What the file system says.
pub fn may_create(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.exists() { tempfile::tempfile_in(folder).map(drop) } else { Ok(()) }
}

/// Writes a configuration where there is nothing yet, readable by its owner only (mode 0600). Its folder is made if need
/// be. To write over one that is there, see [`replace`](crate::stores::file::replace).
///
/// # Errors
/// `AlreadyExists` where there is a file; or what the file system says.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        create_folders(folder)?;
    }
    let mut file = for_its_owner(File::options().write(true).create_new(true)).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half of it would be taken for somebody's configuration.
        let _ = fs::remove_file(path);
    }
    written
}

fn text_of(path: &Path, environment: &Environment) -> Result<String, LoadError> {
    if path != Path::new(IN_ENVIRONMENT) {
        return read(path);
    }
    let missing = || LoadError::new(path, LoadErrorKind::NotFound, "the variable is not set: set it, or name a file");
    let not_utf8 = || LoadError::new(path, LoadErrorKind::NotUtf8, "the variable is not UTF-8: set it again");
    let text = environment.get(WHOLE).ok_or_else(missing)?;
    text.to_str().map(str::to_owned).ok_or_else(not_utf8)
}

fn read(path: &Path) -> Result<String, LoadError> {
    // A folder opens on some platforms, and is "permission denied" on others.
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(unreadable(path, &io::ErrorKind::IsADirectory.into()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MOST {
        let text = "longer than 1 MiB, which no configuration is: is it the right file?";
        return Err(LoadError::new(path, LoadErrorKind::TooLong, text));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let text = "not UTF-8 from here on: save the file as UTF-8";
        let mut error = LoadError::new(path, LoadErrorKind::NotUtf8, text);
        error.problems[0].line = Some(line);
        error
    })
}

fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let (kind, text) = match error.kind() {
        io::ErrorKind::NotFound => (LoadErrorKind::NotFound, "no such file: is the path right?".into()),
        io::ErrorKind::IsADirectory => {
            (LoadErrorKind::Folder, "a folder, not a file: name the file in it, or give it as --config-dir".into())
        }
        io::ErrorKind::NotADirectory => (LoadErrorKind::Unreadable, "a file, not a folder: give it as --config".into()),
        io::ErrorKind::PermissionDenied => (
            LoadErrorKind::Unreadable,
            "not readable by the user that runs this: change its owner or mode, or run as its owner".into(),
        ),
        _ => (LoadErrorKind::Unreadable, format!("can't be read: {error}")),
    };
    LoadError::new(path, kind, text)
}

/// A secret from the environment, else from the credentials folder (systemd's `LoadCredential=`).
fn credentials(environment: &Environment, variable: &str, credential: &str) -> Result<Option<Secret>, String> {
    if let Some(value) = environment.get(variable) {
        let text = value.to_str().ok_or_else(|| format!("{variable} in the environment is not UTF-8: set it again"))?;
        return Ok(secret(text));
    }
    let Some(folder) = environment.get("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = Path::new(folder).join(credential);
    let failed = |what: &dyn fmt::Display| format!("the credential {} can't be read: {what}", path.display());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    let mut text = String::new();
    file.take(MOST_OF_A_CREDENTIAL).read_to_string(&mut text).map_err(|error| failed(&error))?;
    Ok(secret(&text))
}

/// Without the line's end that editors and `echo` leave.
fn secret(text: &str) -> Option<Secret> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(Secret::new)
}

/// A path as it is typed in a shell.
pub fn in_a_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%=".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
