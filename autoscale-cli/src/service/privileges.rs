//! Becoming another user. Only on unix; elsewhere it is refused.

#[cfg(unix)]
use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setuid};

/// Becomes a user and a group, given by name or number. Nothing where neither is given.
#[cfg(unix)]
pub(super) fn become_user(user: Option<&str>, group: Option<&str>) -> Result<(), String> {
    let user = user.map(find_user).transpose()?;
    let group = group.map(find_group).transpose()?;
    let failed = |what: &str, error: nix::Error| format!("can't become {what}: {error} (only root can)");
    if let Some(gid) = group.or(user.as_ref().map(|user| user.gid)) {
        if let Some(user) = &user {
            let name = std::ffi::CString::new(user.name.as_str()).map_err(|_| "--user: no such name".to_owned())?;
            initgroups(&name, gid).map_err(|error| failed("the group", error))?;
        }
        setgid(gid).map_err(|error| failed("the group", error))?;
    }
    if let Some(user) = user {
        setuid(user.uid).map_err(|error| failed(&user.name, error))?;
        // What is kept for a user is not to be looked for in root's home.
        // SAFETY: the process has one thread yet, as `become_service` asks for.
        unsafe { std::env::set_var("HOME", &user.dir) };
    }
    Ok(())
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
pub(super) fn become_user(user: Option<&str>, group: Option<&str>) -> Result<(), String> {
    match user.or(group) {
        Some(_) => Err("--user and --group work on unix only".into()),
        None => Ok(()),
    }
}
