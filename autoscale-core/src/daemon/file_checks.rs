//! The files and folders that a configuration names, looked at before a loop needs them: what is no file of this program's,
//! and what can't be written by whoever looks. Changes nothing that is there.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::config::{Config, Key, Problem, ProblemKind, keys, places};
use crate::files;
use crate::stores::history::may_be_history;

/// What stands at the place of the history and must not be written to.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let history = config.history_file.as_deref().map(|path| (path, may_be_history(path)));
    let text = history.and_then(|(path, may)| may.err().map(|why| format!("{}: {why}", path.display())));
    text.map(|text| about(keys::HISTORY_FILE, ProblemKind::File, text)).into_iter().collect()
}

/// What can't be written by the user of this process.
pub(super) fn unwritable(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut look = |key: &Key, path: &Path, tried: io::Result<()>, what: &str| {
        if let Err(error) = tried {
            let text = format!("{} can't be written by this user ({error}): {what}", path.display());
            found.push(about(key, ProblemKind::Advice, text));
        }
    };
    let state = places::state_dir(config);
    look(keys::STATE_DIR, &state, folder(&state), "state is not kept, and a restart forgets cooldowns and overrides");
    if let Some(history) = &config.history_file {
        look(keys::HISTORY_FILE, history, file(history), "there will be no history");
    }
    if config.plot {
        let graphs = places::graphs_folder(config);
        look(keys::GRAPHS_FOLDER, &graphs, folder(&graphs), "there will be no graphs");
    }
    found
}

fn about(key: &Key, kind: ProblemKind, text: String) -> Problem {
    Problem { section: Some(key.section.into()), key: Some(key.name.into()), ..Problem::of_file(kind, text) }
}

/// Could a file be appended to, or made?
fn file(path: &Path) -> io::Result<()> {
    match files::open_with(OpenOptions::new().append(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder(path.parent().unwrap_or(Path::new(""))),
        opened => opened.map(drop),
    }
}

/// Could a file be made in a folder, or the folder itself in the nearest one that is there?
fn folder(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    match fs::metadata(path) {
        Ok(there) if !there.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Ok(_) => tempfile::tempfile_in(path).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.parent().map_or(Err(error), folder),
        Err(error) => Err(error),
    }
}
