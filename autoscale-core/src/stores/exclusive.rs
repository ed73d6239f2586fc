//! One process at a time, by a lock on a file. On Linux it belongs to the open file, only one who may write the file can
//! take it, and one who looks takes nothing. Elsewhere it is the platform's lock of a whole file.

#[cfg(target_os = "linux")]
pub(super) use linux::{is_held, release, try_exclusive};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{is_held, release, try_exclusive};

/// What came of an attempt to lock a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells one who may only read from others"))]
pub(super) enum Attempt {
    /// It is locked now.
    Taken,
    /// Another process, which may write the file, has the lock.
    Held,
    /// A process that may only read the file keeps it from being locked.
    Kept,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc::{F_RDLCK, F_UNLCK, F_WRLCK, SEEK_SET, c_int, flock};

    use super::Attempt;

    /// The whole file, by an open file description's lock: `flock` of another program does not touch it.
    fn whole(kind: c_int) -> flock {
        flock { l_type: kind as i16, l_whence: SEEK_SET as i16, l_start: 0, l_len: 0, l_pid: 0 }
    }

    /// The kind of the first lock that stands in the way of an exclusive one.
    fn in_the_way(file: &File) -> Result<c_int, Errno> {
        let mut lock = whole(F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
        Ok(c_int::from(lock.l_type))
    }

    /// Locks a file, if nobody else has.
    ///
    /// # Errors
    /// The file system has no locks.
    pub(in crate::stores) fn try_exclusive(file: &File) -> io::Result<Attempt> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&whole(F_WRLCK))) {
            Ok(_) => Ok(Attempt::Taken),
            Err(Errno::EAGAIN | Errno::EACCES) => match in_the_way(file)? {
                F_RDLCK => Ok(Attempt::Kept),
                _ => Ok(Attempt::Held),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Has an instance locked a file?
    pub(in crate::stores) fn is_held(file: &File) -> bool {
        in_the_way(file) == Ok(F_WRLCK)
    }

    /// Gives the lock back.
    pub(in crate::stores) fn release(file: &File) {
        let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&whole(F_UNLCK)));
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::fs::{File, TryLockError};
    use std::io;

    use super::Attempt;

    /// Locks a file, if nobody else has.
    ///
    /// # Errors
    /// The file system has no locks.
    pub(in crate::stores) fn try_exclusive(file: &File) -> io::Result<Attempt> {
        match file.try_lock() {
            Ok(()) => Ok(Attempt::Taken),
            Err(TryLockError::WouldBlock) => Ok(Attempt::Held),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Has a process locked a file? One who looks has it for a moment.
    pub(in crate::stores) fn is_held(file: &File) -> bool {
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Gives the lock back.
    pub(in crate::stores) fn release(file: &File) {
        let _ = file.unlock();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn one_who_may_write_holds_it_and_the_flock_of_another_program_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
        let (first, second) = (open(), open());
        let theirs = File::open(&path).unwrap();
        theirs.lock().unwrap();
        assert_eq!(try_exclusive(&first).unwrap(), Attempt::Taken);
        assert!(is_held(&second) && is_held(&theirs) && !is_held(&first), "one's own lock is in nobody's way");
        assert_eq!(try_exclusive(&second).unwrap(), Attempt::Held);
        release(&first);
        assert!(!is_held(&second));
        assert_eq!(try_exclusive(&second).unwrap(), Attempt::Taken);
    }
}
