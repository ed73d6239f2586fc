//! Where a configuration comes from: file, environment, credentials folder. Which files a process reads is for
//! [`super::config_set`]. What a text means is for [`crate::config`] to say.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::config::{Config, Key, Lines, Overrides, Problem, ProblemKind, SAMPLE, Secret, keys};
use crate::daemon::environment::{Environment, WHOLE};
use crate::daemon::file_checks;
use crate::files;
use crate::sources::{examine, standard};
use crate::stores::private::{create_folders, for_its_owner, is_open_to_others};

/// The most bytes of a configuration that are read.
const MOST: u64 = 1024 * 1024;
/// The most bytes of a credential that are read.
const MOST_OF_A_CREDENTIAL: u64 = 16 * 1024;
/// The path that stands for the configuration in the variable `AUTOSCALE_CONFIG`.
pub const IN_ENVIRONMENT: &str = "$AUTOSCALE_CONFIG";

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
    pub(super) process: Vec<(Key, String)>,
}

/// What a configuration is read with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beside {
    /// The `defaults.ini` of its folder.
    pub defaults: Option<PathBuf>,
    /// Are there other configurations, so that the environment can't say which app is meant?
    pub others: bool,
}

/// Where a configuration was read from, to read it again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    path: PathBuf,
    beside: Beside,
}

impl Place {
    /// Reads it again, with the environment of this process.
    ///
    /// # Errors
    /// A [`LoadError`] with every problem of the file.
    pub fn load(&self, dry_run: bool) -> Result<Loaded, LoadError> {
        load_beside(&self.path, &self.beside, dry_run, &Environment::of_process())
    }

    /// [`Place::load`] of a file that somebody may be writing at this moment: waits until it has come to rest. To be called
    /// where a thread may wait for some seconds.
    ///
    /// # Errors
    /// A [`LoadError`] with every problem of the file; or it does not come to rest.
    pub fn load_again(&self, dry_run: bool) -> Result<Loaded, LoadError> {
        load_read(&self.path, &self.beside, dry_run, &Environment::of_process(), settled)
    }
}

impl Loaded {
    /// Where it was read from.
    pub fn place(&self) -> Place {
        Place { path: self.path.clone(), beside: self.beside.clone() }
    }

    /// Problems as lines, each with the file's name.
    pub fn in_lines(&self, problems: &[Problem]) -> Vec<String> {
        problems.iter().map(|problem| problem.in_file(self.path.display()).to_string()).collect()
    }

    /// Itself, if it holds what a loop needs.
    ///
    /// # Errors
    /// What it lacks.
    pub fn ready(self) -> Result<Self, LoadError> {
        let problems = self.unready();
        if problems.is_empty() {
            return Ok(self);
        }
        Err(LoadError { path: self.path, kind: LoadErrorKind::Incomplete, problems, warnings: self.warnings })
    }

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
        unready.extend(file_checks::problems(&self.config));
        unready.extend(self.config.state_url.as_ref().and_then(unusable_database));
        self.with_lines(unready)
    }

    /// What the user of this process can't write of the files that it names, each with its line where the file has one. The
    /// user of a service may be able to.
    pub fn unwritable(&self) -> Vec<Problem> {
        self.with_lines(file_checks::unwritable(&self.config))
    }

    fn with_lines(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        for problem in &mut problems {
            if let (None, Some(section), Some(key)) = (problem.line, &problem.section, &problem.key) {
                problem.line = self.lines.of(section, key);
            }
        }
        problems.sort_by_key(|problem| problem.line.unwrap_or(usize::MAX));
        problems
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
    /// It lacks what a loop needs.
    Incomplete,
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
    pub(super) fn new(path: &Path, kind: LoadErrorKind, text: impl Into<String>) -> Self {
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
    load_read(path, beside, dry_run, environment, read)
}

fn load_read(
    path: &Path,
    beside: &Beside,
    dry_run: bool,
    environment: &Environment,
    read: fn(&Path) -> Result<String, LoadError>,
) -> Result<Loaded, LoadError> {
    let text = text_of(path, environment, read)?;
    let mut problems = Vec::new();
    let mut overrides = Overrides::default().with_dry_run(dry_run).with_files(read_dates);
    for variable in standard().keys().iter().filter_map(|key| key.variable) {
        match credentials(environment, variable, &variable.to_lowercase()) {
            Ok(None) if Some(variable) == keys::STATE_URL.variable => {
                let database = environment.dynos_database().and_then(|url| secret(url.to_str()?));
                overrides = overrides.with_secret(variable, database);
            }
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

/// The text of a file of dates that a schedule names.
///
/// # Errors
/// Why it can't be read.
pub fn read_dates(path: &Path) -> Result<String, String> {
    files::read_text(path, MOST).map_err(|error| error.to_string())
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
/// be. To write over one that is there, see [`replace`](crate::stores::replace::replace).
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

/// Time between two looks at a file that may be being written; how long one that does not end with a line's end must stay
/// the same; and how long is waited for that.
const LOOKS_APART: Duration = Duration::from_millis(250);
const UNENDED_FOR: Duration = Duration::from_secs(1);
const SETTLES_WITHIN: Duration = Duration::from_secs(5);

/// Reads a file until it is the same twice, a moment apart, and ends as a finished one does or stays as it is.
fn settled(path: &Path) -> Result<String, LoadError> {
    let start = Instant::now();
    let (mut text, mut since) = (read(path), start);
    while start.elapsed() < SETTLES_WITHIN {
        thread::sleep(LOOKS_APART);
        let now = read(path);
        if now != text {
            (text, since) = (now, Instant::now());
        } else if text.as_ref().is_ok_and(|text| text.ends_with('\n')) || since.elapsed() >= UNENDED_FOR {
            return text;
        }
    }
    let text = format!("still being written after {} s: reload again when it is done", SETTLES_WITHIN.as_secs());
    Err(LoadError::new(path, LoadErrorKind::Unreadable, text))
}

fn text_of(
    path: &Path,
    environment: &Environment,
    read: fn(&Path) -> Result<String, LoadError>,
) -> Result<String, LoadError> {
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
    let opened = if files::is_descriptor(path) { File::open(path) } else { files::open(path) };
    let mut bytes = Vec::new();
    let read = opened.and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MOST {
        let text = "longer than 1 MiB, which no configuration is: is it the right file?";
        return Err(LoadError::new(path, LoadErrorKind::TooLong, text));
    }
    if let Some(zero) = bytes.iter().position(|byte| *byte == 0) {
        let line = 1 + bytes[..zero].iter().filter(|byte| **byte == b'\n').count();
        let text = "has a zero byte, as UTF-16 has: save the file as UTF-8";
        let mut error = LoadError::new(path, LoadErrorKind::NotUtf8, text);
        error.problems[0].line = Some(line);
        return Err(error);
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

pub(super) fn unreadable(path: &Path, error: &io::Error) -> LoadError {
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

/// Why a database can't be used, as far as its address says.
fn unusable_database(url: &Secret) -> Option<Problem> {
    #[cfg(feature = "postgres")]
    let text = crate::stores::postgres::problem(url);
    #[cfg(not(feature = "postgres"))]
    let text = Some(url).map(|_| "needs a program that is built with PostgreSQL, as `autoscale run` is".to_owned());
    let about = |text| Problem::of_file(ProblemKind::Value, text);
    text.map(|text| Problem {
        section: Some(keys::STATE_URL.section.into()),
        key: Some(keys::STATE_URL.name.into()),
        ..about(text)
    })
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
    match files::read_text(&path, MOST_OF_A_CREDENTIAL) {
        Ok(text) => Ok(secret(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
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
