//! What outlives the process: one small file per app, replaced atomically, and the lock that keeps a second instance off
//! the same app. Never reads or changes what a ledger means.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::places::{SERVICE_DIR, file_stem, state_dir, user_dir};
use crate::config::{Config, keys};
use crate::engine::ledger::Ledger;
use crate::engine::warnings::Warnings;
use crate::model::warning::Warning;
use crate::stores::private::{create_folders, for_its_owner};
use crate::stores::replace::{replace_with, sweep};

/// How long a lock may be shared by one who only looks: so often is it tried again, after so long. Half a second in all,
/// for a machine on which the one who looks has to wait for its turn.
const GLANCES: (u32, Duration) = (12, Duration::from_millis(40));

/// The state file of one app.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The state file of a configuration's app.
    pub fn of(config: &Config) -> Self {
        Self { path: state_dir(config).join(file_stem(config) + ".json") }
    }

    /// The state file for one who only looks: that of [`StateFile::of`], else the one of a service in [`SERVICE_DIR`].
    pub fn find(config: &Config) -> Self {
        let own = Self::of(config);
        let services = Self { path: Path::new(SERVICE_DIR).join(file_stem(config) + ".json") };
        let elsewhere = config.state_dir.is_none() && !own.path.exists() && services.path.exists();
        if elsewhere { services } else { own }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` where there is none yet. A file that can't be read as a ledger is set aside, so that nothing
    /// is lost, and the loop starts afresh.
    ///
    /// # Errors
    /// The file is there but can't be read. That a damaged one was set aside is a warning.
    pub fn load(&self, warnings: &Warnings) -> io::Result<Option<Ledger>> {
        sweep(&self.path);
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        match serde_json::from_slice(&bytes) {
            Ok(ledger) => Ok(Some(ledger)),
            Err(error) => {
                let aside = self.path.with_extension("broken.json");
                let path = self.path.display();
                let text = match fs::rename(&self.path, &aside) {
                    Ok(()) => {
                        format!("{path} is damaged ({error}): set aside as {}, the loop starts afresh", aside.display())
                    }
                    Err(why) => {
                        format!("{path} is damaged ({error}), and can't be set aside ({why}): the loop starts afresh")
                    }
                };
                warnings.add(Warning::STARTS_AFRESH, text);
                Ok(None)
            }
        }
    }

    /// [`StateFile::load`] for one who only looks, while a loop may be writing it: changes nothing.
    ///
    /// # Errors
    /// The file is there but can't be read, or is damaged.
    pub fn look(&self) -> io::Result<Option<Ledger>> {
        self.bytes()?.map(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::from)).transpose()
    }

    fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        match read_whole(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            // Nor can there be one below what is no folder.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces it, in one step.
    ///
    /// # Errors
    /// The folder can't be made or written to.
    pub fn save(&self, ledger: &Ledger) -> io::Result<()> {
        self.save_with(ledger, true)
    }

    /// [`StateFile::save`]; with `sync` it survives a power failure as soon as this returns.
    ///
    /// # Errors
    /// As [`StateFile::save`].
    pub(crate) fn save_with(&self, ledger: &Ledger, sync: bool) -> io::Result<()> {
        let text = serde_json::to_vec(ledger)?;
        replace_with(&self.path, &text, sync)
    }
}

/// Most bytes of a file that holds what outlives the process; it takes some 20 kB.
const MOST: u64 = 8 << 20;

/// What a file holds that this program wrote; of a file that can't be one, only the beginning, which is damaged then.
pub(crate) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The right to scale an app: held by one process of a user on a machine, given back when this is dropped or the process
/// ends, however it ends.
#[derive(Debug)]
pub struct InstanceLock {
    file: File,
    /// Which process took it.
    process: u32,
    /// The path of the file, where it goes with the lock.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only Unix can tell a file from another under its name"))]
    passing: Option<PathBuf>,
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // To close the file is not enough: a child that was forked meanwhile has it open too. A child gives nothing back.
        if self.process == std::process::id() {
            // While the lock is held: whoever waits for it finds that the file is another one, and opens that.
            #[cfg(unix)]
            if let Some(path) = self.passing.as_deref().filter(|path| is_at(&self.file, path)) {
                let _ = fs::remove_file(path);
            }
            let _ = self.file.unlock();
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
    /// Takes the app of a configuration.
    ///
    /// # Errors
    /// Another instance has it, or the lock's file can't be made.
    pub fn acquire(config: &Config) -> Result<Self, LockError> {
        let [first, second] = Self::places(config);
        let taken = match Self::acquire_at(&first) {
            // A user without a writable home, as in a container: the state directory has to do.
            Err(LockError::Io { .. }) => Self::acquire_at(&second).map(|lock| (lock, second)),
            result => result.map(|lock| (lock, first)),
        };
        taken.map(|(mut lock, path)| {
            // Each sandbox has a port of its own, and with it a name that no other run asks for.
            lock.passing = keys::is_loopback_url(&config.heroku.api_url).then_some(path);
            lock
        })
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
        for path in Self::places(config).iter().chain([&services]) {
            let mut file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    unseen = unseen.or(Some(LockError::Io { path: path.clone(), error }));
                    continue;
                }
                Err(_) => continue,
            };
            if let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
                // Whoever takes it writes into it, then never again.
                let since = file.metadata().and_then(|metadata| metadata.modified()).ok();
                return Ok(Some(Held { pid: pid_in(&mut file), since }));
            }
        }
        unseen.map_or(Ok(None), Err)
    }

    fn places(config: &Config) -> [PathBuf; 2] {
        let name = file_stem(config) + ".lock";
        [user_dir().join(&name), state_dir(config).join(&name)]
    }

    /// Takes the lock of a file.
    ///
    /// # Errors
    /// Another process has it, or the file can't be made.
    pub fn acquire_at(path: &Path) -> Result<Self, LockError> {
        Self::try_at(path, GLANCES.0)
    }

    fn try_at(path: &Path, patience: u32) -> Result<Self, LockError> {
        let io = |error| LockError::Io { path: path.to_owned(), error };
        if let Some(folder) = path.parent() {
            create_folders(folder).map_err(io)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = for_its_owner(&mut options).open(path).map_err(io)?;
        match file.try_lock() {
            // The one who had it took the file away when it ended: another process may have the next file already.
            #[cfg(unix)]
            Ok(()) if !is_at(&file, path) && patience > 0 => Self::try_at(path, patience - 1),
            #[cfg(unix)]
            Ok(()) if !is_at(&file, path) => Err(LockError::Held { pid: None }),
            Ok(()) => {
                shut_out_others(&file);
                // On a full disk nobody's pid is named; the lock holds all the same.
                let _ =
                    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
                Ok(Self { file, process: std::process::id(), passing: None })
            }
            Err(TryLockError::WouldBlock) if patience > 0 => {
                // Somebody may only be looking who has it: `status` does, for a moment.
                std::thread::sleep(GLANCES.1);
                Self::try_at(path, patience - 1)
            }
            Err(TryLockError::WouldBlock) => Err(LockError::Held { pid: pid_in(&mut file) }),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

/// Is this open file the one at a path?
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(open), Ok(named)) = (file.metadata(), fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// Whoever could open the lock's file could take the lock, and so keep the app from being scaled. Earlier versions made
/// it for all to read; what its owner's group may do stays.
#[cfg(unix)]
fn shut_out_others(file: &File) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = file.metadata() else { return };
    let mode = metadata.permissions().mode();
    if mode & 0o007 != 0 {
        // Not ours to change: then it is somebody else's to answer for.
        let _ = file.set_permissions(fs::Permissions::from_mode(mode & 0o770));
    }
}

#[cfg(not(unix))]
fn shut_out_others(_: &File) {}

/// Who wrote the lock's file. On some platforms a locked file can't be read: then nobody's pid is named.
fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    let _ = file.read_to_string(&mut text);
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
