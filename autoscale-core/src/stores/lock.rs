//! The right to scale an app: locks that keep a second instance off it. A lock is one that only a process which may write
//! its file can hold, so that nobody who may read it keeps the app from being scaled.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::places::{SERVICE_DIR, file_stem, state_dir, user_dir};
use crate::config::{Config, keys};
use crate::files::open_own;
use crate::stores::exclusive::{Attempt, is_held, release, try_exclusive};
use crate::stores::private::{create_folders, for_its_owner, share_with_group_of};

/// How often a lock that another process holds is tried again, and after how long. Half a second in all, for one that is
/// just being given back.
const GLANCES: (u32, Duration) = (12, Duration::from_millis(40));

/// The right to scale an app: held by one process, given back when this is dropped or the process ends, however it ends.
/// Two instances meet in the user's folder, whatever their configurations say, and beside the state file, whoever runs
/// them.
#[derive(Debug)]
pub struct InstanceLock {
    locked: Vec<Locked>,
    /// Why one of the two files could not be locked.
    lacks: Option<LockError>,
}

/// A locked file.
#[derive(Debug)]
struct Locked {
    file: File,
    path: PathBuf,
    /// Which process took it.
    process: u32,
    /// Does its file go with the lock?
    passing: bool,
}

impl Drop for Locked {
    fn drop(&mut self) {
        // To close the file is not enough: a child that was forked meanwhile has it open too. A child gives nothing back.
        if self.process == std::process::id() {
            // While the lock is held: whoever waits for it finds that the file is another one, and opens that.
            #[cfg(unix)]
            if self.passing && is_at(&self.file, &self.path) {
                let _ = fs::remove_file(&self.path);
            }
            release(&self.file);
        }
    }
}

/// Whoever has an app.
pub(crate) struct Held {
    /// Its process id, if it wrote it down.
    pub(crate) pid: Option<u32>,
    /// When it took the app, where that can be seen.
    pub(crate) since: Option<SystemTime>,
}

/// Why an app can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another instance has it.
    #[error("another instance{} scales this app already", .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// Its process id, if it wrote it down.
        pid: Option<u32>,
    },
    /// The lock can't be made.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl InstanceLock {
    /// Takes the app of a configuration: in the user's folder and beside the state file, as far as files can be made there.
    ///
    /// # Errors
    /// Another instance has it, or no lock's file can be made.
    pub fn acquire(config: &Config) -> Result<Self, LockError> {
        let mut lock = Self { locked: Vec::new(), lacks: None };
        // Each sandbox has a port of its own, and with it a name that no other run asks for.
        let passing = keys::is_loopback_url(&config.heroku.api_url);
        for path in places(config) {
            if passing && !lock.locked.is_empty() {
                break;
            }
            match Locked::at(&path, GLANCES.0) {
                Ok(mut locked) => {
                    locked.passing = passing;
                    lock.locked.push(locked);
                }
                Err(held @ LockError::Held { .. }) => return Err(held),
                Err(lacks) => lock.lacks = Some(lacks),
            }
        }
        match lock.lacks.take_if(|_| lock.locked.is_empty()) {
            Some(lacks) => Err(lacks),
            None => Ok(lock),
        }
    }

    /// Why a second instance may go unseen in one of the two places, where that is no matter of a user's rights alone.
    pub(crate) fn lacks(&self) -> Option<&LockError> {
        let of_rights = |error: &io::Error| {
            use io::ErrorKind as Kind;
            matches!(
                error.kind(),
                Kind::PermissionDenied | Kind::ReadOnlyFilesystem | Kind::NotFound | Kind::NotADirectory
            )
        };
        self.lacks.as_ref().filter(|lacks| !matches!(lacks, LockError::Io { error, .. } if of_rights(error)))
    }

    /// Is an instance running that has the app of a configuration? Tells its process id, where it wrote it down: `None`
    /// says that nobody has it, as far as can be seen from here.
    pub fn holder(config: &Config) -> Option<Option<u32>> {
        Self::held_since(config).ok().flatten().map(|held| held.pid)
    }

    /// [`InstanceLock::holder`], with the time at which it took the app, where that can be seen.
    ///
    /// # Errors
    /// A lock that this user may not look at, where no other is held: an instance may be running.
    pub(crate) fn held_since(config: &Config) -> Result<Option<Held>, LockError> {
        let services = Path::new(SERVICE_DIR).join(file_stem(config) + ".lock");
        let mut unseen = None;
        for path in places(config).iter().chain([&services]) {
            let mut file = match open_own(OpenOptions::new().read(true), path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    unseen = unseen.or(Some(LockError::Io { path: path.clone(), error }));
                    continue;
                }
                Err(_) => continue,
            };
            if is_held(&file) {
                // Whoever takes it writes into it, then never again.
                let since = file.metadata().and_then(|metadata| metadata.modified()).ok();
                return Ok(Some(Held { pid: pid_in(&mut file), since }));
            }
        }
        unseen.map_or(Ok(None), Err)
    }

    /// Takes the lock of a file.
    ///
    /// # Errors
    /// Another process has it, or the file can't be made.
    pub fn acquire_at(path: &Path) -> Result<Self, LockError> {
        Ok(Self { locked: vec![Locked::at(path, GLANCES.0)?], lacks: None })
    }
}

/// Where the locks of an app are.
fn places(config: &Config) -> Vec<PathBuf> {
    let name = file_stem(config) + ".lock";
    let mut places = vec![user_dir().join(&name), state_dir(config).join(&name)];
    // The lock beside the state is enough for an app of a sandbox, wherever there can be one.
    if keys::is_loopback_url(&config.heroku.api_url) {
        places.reverse();
    }
    places.dedup();
    places
}

impl Locked {
    fn at(path: &Path, patience: u32) -> Result<Self, LockError> {
        let io = |error| LockError::Io { path: path.to_owned(), error };
        let folder = path.parent().unwrap_or(Path::new(""));
        create_folders(folder).map_err(io)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = open_own(for_its_owner(&mut options), path).map_err(io)?;
        match try_exclusive(&file).map_err(io)? {
            // The one who had it took the file away when it ended: another process may have the next file already.
            #[cfg(unix)]
            Attempt::Taken if !is_at(&file, path) && patience > 0 => Self::at(path, patience - 1),
            #[cfg(unix)]
            Attempt::Taken if !is_at(&file, path) => Err(LockError::Held { pid: None }),
            Attempt::Taken => {
                share_with_group_of(folder, &file);
                // On a full disk nobody's pid is named; the lock holds all the same.
                let _ =
                    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { file, path: path.to_owned(), process: std::process::id(), passing: false })
            }
            Attempt::Held | Attempt::Kept if patience > 0 => {
                std::thread::sleep(GLANCES.1);
                Self::at(path, patience - 1)
            }
            Attempt::Held => Err(LockError::Held { pid: pid_in(&mut file) }),
            Attempt::Kept => {
                let text = "another program keeps it from being locked, which is no instance of this one";
                Err(io(io::Error::new(io::ErrorKind::ResourceBusy, text)))
            }
        }
    }
}

/// Is this open file the one at a path?
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// Who wrote the lock's file. On some platforms a locked file can't be read: then nobody's pid is named.
fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    text.trim().parse().ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_whose_file_was_taken_away_meanwhile_is_not_the_one_at_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shop.lock");
        let opened = File::create(&path).unwrap();
        assert!(is_at(&opened, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&opened, &path), "gone");
        let next = File::create(&path).unwrap();
        assert!(!is_at(&opened, &path) && is_at(&next, &path), "another one");
    }
}
