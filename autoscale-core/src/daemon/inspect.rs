//! What is kept of an app and who has it, for one who looks from outside of its loop: no lock is taken, no client made,
//! and nothing changed, not even a damaged state. Judges nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::Config;
use crate::engine::ledger::Ledger;
use crate::stores::file::StateFile;
use crate::stores::lock::{Held, InstanceLock, LockError};
use crate::stores::private::who_may_read;

/// What is to be seen of an app without asking anybody.
#[derive(Debug)]
pub struct Inspection {
    /// Where its state is, or would be.
    pub state_file: PathBuf,
    /// The state; `None` where there is none yet, or it can't be read.
    pub ledger: Option<Ledger>,
    /// Why it can't be read.
    pub state_error: Option<String>,
    /// When the state was last saved.
    pub saved_at: Option<SystemTime>,
    /// Which process has the app; `None` where none has, as far as can be seen by this user.
    pub holder: Option<Holder>,
    /// Why that can't be seen: the lock is another user's.
    pub lock_error: Option<String>,
}

/// Whoever has an app.
#[derive(Clone, Copy, Debug)]
pub struct Holder {
    /// Its process id, if it wrote it down.
    pub pid: Option<u32>,
    /// When it took the app, where that can be seen.
    pub since: Option<SystemTime>,
}

/// Why a file can't be read; where this user may not, who may.
fn refused(error: &io::Error, path: &Path) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{error}: {}", who_may_read(path)),
        _ => error.to_string(),
    }
}

/// Looks at the app of a configuration.
pub fn inspect(config: &Config) -> Inspection {
    let file = StateFile::find(config);
    let (ledger, state_error) = match file.look() {
        Ok(ledger) => (ledger, None),
        Err(error) => (None, Some(refused(&error, file.path()))),
    };
    let (held, lock_error) = match InstanceLock::held_since(config) {
        Ok(held) => (held, None),
        Err(LockError::Io { path, error }) => (None, Some(format!("{}: {}", path.display(), refused(&error, &path)))),
        Err(error) => (None, Some(error.to_string())),
    };
    Inspection {
        ledger,
        state_error,
        saved_at: std::fs::metadata(file.path()).and_then(|metadata| metadata.modified()).ok(),
        holder: held.map(|Held { pid, since }| Holder { pid, since }),
        lock_error,
        state_file: file.path().to_owned(),
    }
}
