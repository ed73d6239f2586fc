//! Another account: looked up, given the files that are opened for it, become. Only on unix; elsewhere it is refused.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use autoscale_core::workspace::files::open_own;
#[cfg(unix)]
use nix::unistd::{Gid, Group, Uid, User, setgid, setuid};

/// The account to become; none where neither a user nor a group is given.
#[derive(Debug, Default)]
pub(crate) struct Account {
    #[cfg(unix)]
    user: Option<User>,
    #[cfg(unix)]
    group: Option<Gid>,
}

#[cfg(unix)]
impl Account {
    /// A user and a group, given by name or number; without a group, the user's own.
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Self, String> {
        let user = user.map(find_user).transpose()?;
        let group = group.map(find_group).transpose()?.or(user.as_ref().map(|user| user.gid));
        Ok(Self { user, group })
    }

    /// Opens a file, as `options` say, that the account is to write once it is become: a new one is made its own. A link
    /// in its place is not followed.
    pub(super) fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        use std::os::unix::fs::fchown;

        if self.group.is_none() {
            return open_own(options.clone().create(true), path);
        }
        match open_own(options.clone().create_new(true), path) {
            Ok(file) => {
                fchown(&file, self.user.as_ref().map(|user| user.uid.as_raw()), self.group.map(Gid::as_raw))?;
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open_own(options, path),
            Err(error) => Err(error),
        }
    }

    /// Becomes it. To be called while the process has one thread.
    pub(super) fn become_it(self) -> Result<(), String> {
        let failed = |what: &str, error: nix::Error| format!("can't become {what}: {error} (only root can)");
        if let Some(gid) = self.group {
            if let Some(user) = &self.user {
                further_groups(user, gid).map_err(|error| failed("the group", error))?;
            }
            setgid(gid).map_err(|error| failed("the group", error))?;
        }
        if let Some(user) = self.user {
            setuid(user.uid).map_err(|error| failed(&user.name, error))?;
            // What is kept for a user is not to be looked for in root's home.
            // SAFETY: the process has one thread yet.
            unsafe { std::env::set_var("HOME", &user.dir) };
        }
        Ok(())
    }
}

/// Takes the user's further groups.
#[cfg(unix)]
fn further_groups(user: &User, group: Gid) -> Result<(), nix::Error> {
    let name = std::ffi::CString::new(user.name.as_str()).map_err(|_| nix::Error::EINVAL)?;
    #[cfg(not(target_vendor = "apple"))]
    return nix::unistd::initgroups(&name, group);
    // nix leaves it out there. Its number of a group is an `int`.
    #[cfg(target_vendor = "apple")]
    // SAFETY: a name that ends with NUL.
    return nix::Error::result(unsafe { libc::initgroups(name.as_ptr(), group.as_raw() as _) }).map(drop);
}

#[cfg(unix)]
fn find_user(text: &str) -> Result<User, String> {
    let by_name = User::from_name(text).map_err(|error| format!("--user {text}: {error}"))?;
    let by_number = || text.parse().ok().and_then(|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten());
    by_name.or_else(by_number).ok_or_else(|| format!("--user {text}: no such user"))
}

#[cfg(unix)]
fn find_group(text: &str) -> Result<Gid, String> {
    let by_name = Group::from_name(text).map_err(|error| format!("--group {text}: {error}"))?;
    let by_number = || text.parse().ok().and_then(|gid| Group::from_gid(Gid::from_raw(gid)).ok().flatten());
    by_name.or_else(by_number).map(|group| group.gid).ok_or_else(|| format!("--group {text}: no such group"))
}

#[cfg(not(unix))]
impl Account {
    pub(super) fn find(user: Option<&str>, group: Option<&str>) -> Result<Self, String> {
        match user.or(group) {
            Some(_) => Err("--user and --group work on unix only".into()),
            None => Ok(Self::default()),
        }
    }

    pub(super) fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        open_own(options.clone().create(true), path)
    }

    pub(super) fn become_it(self) -> Result<(), String> {
        Ok(())
    }
}
