//! Where a configuration comes from: file, environment, credentials folder, the default places, a folder of
//! configurations. What a text means is for [`crate::config`] to say.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::{env, fmt};

use crate::config::{Config, Lines, Overrides, Problem, ProblemKind, SAMPLE, Secret};
use crate::sources::{examine, standard};
use crate::stores::private::{create_folders, for_its_owner, is_open_to_others};

/// The most bytes of a configuration that are read.
const MOST: u64 = 1024 * 1024;
/// The most bytes of a credential that are read.
const MOST_OF_A_CREDENTIAL: u64 = 16 * 1024;
/// Where configurations are, below `$XDG_CONFIG_HOME` and `/etc`.
const PLACE: &str = "heroku-autoscale/config.ini";

/// The variables of the environment that are looked at.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        const LOOKED_AT: [&str; 6] =
            ["HEROKU_API_KEY", "PINGDOM_API_TOKEN", "CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME", "HOME", "APPDATA"];
        LOOKED_AT.into_iter().filter_map(|name| Some((name, env::var_os(name)?))).collect()
    }

    /// A variable's value; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }
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
    let text = read(path)?;
    let mut problems = Vec::new();
    let mut overrides = Overrides::default().with_dry_run(dry_run);
    for variable in standard().keys().iter().filter_map(|key| key.variable) {
        match credentials(environment, variable, &variable.to_lowercase()) {
            Ok(secret) => overrides = overrides.with_secret(variable, secret),
            Err(text) => problems.push(Problem::of_file(ProblemKind::Value, text)),
        }
    }
    let examined = examine(&text, &overrides);
    let mut warnings = examined.warnings;
    if examined.holds_secrets && is_open_to_others(path) {
        let text = format!("others on this machine can read it, and it holds secrets: chmod o= {}", in_a_shell(path));
        warnings.push(Problem::of_file(ProblemKind::Advice, text));
    }
    match examined.config {
        Some(config) if problems.is_empty() => {
            Ok(Loaded { config, warnings, path: path.into(), lines: examined.lines })
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
    let mut paths: Vec<Result<PathBuf, LoadError>> = files.iter().cloned().map(Ok).collect();
    for folder in folders {
        match in_folder(folder) {
            Ok(found) => paths.extend(found.into_iter().map(Ok)),
            Err(error) => paths.push(Err(error)),
        }
    }
    if files.is_empty() && folders.is_empty() {
        paths.push(find_default(environment));
    }
    let mut results: Vec<Result<Loaded, LoadError>> = Vec::new();
    for path in paths {
        let result = path.and_then(|path| load_with(&path, dry_run, environment)).and_then(|loaded| {
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

/// The configurations in a folder: its files `*.ini`, by name.
///
/// # Errors
/// A [`LoadError`] where the folder can't be read or holds none.
pub fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(folder, &error))?;
    let is_one = |path: &PathBuf| path.extension() == Some(OsStr::new("ini")) && !path.is_dir();
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
