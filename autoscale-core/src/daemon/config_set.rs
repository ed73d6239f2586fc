//! Which configurations a process has: named files, folders with their `defaults.ini`, the default places; and what they must
//! not share. What a single file says is for [`super::config_file`].

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Config, Key, ProblemKind};
use crate::daemon::config_file::{
    Beside, IN_ENVIRONMENT, LoadError, LoadErrorKind, Loaded, in_a_shell, load_beside, unreadable,
};
use crate::daemon::environment::{Environment, WHOLE};

/// The file in a folder of configurations that holds what they have in common.
const DEFAULTS: &str = "defaults.ini";
/// Where configurations are, below `$XDG_CONFIG_HOME` and `/etc`.
const PLACE: &str = "heroku-autoscale/config.ini";

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

/// The configurations in a folder: its files `*.ini` except `defaults.ini` and hidden ones, such as an editor's, by name.
///
/// # Errors
/// A [`LoadError`] where the folder can't be read or holds none.
pub fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(folder, &error))?;
    let is_one = |path: &PathBuf| {
        let is_ini = path.extension() == Some(OsStr::new("ini"));
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        is_ini && !is_hidden && path.file_name() != Some(OsStr::new(DEFAULTS)) && !path.is_dir()
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
