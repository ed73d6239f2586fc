//! Who may read what the program writes: its owner alone, whatever the umask says. A history tells how an app fares, and
//! whoever can open a file can also lock it. Knows no file's content.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// A file that these options make is for its owner alone. One that is there keeps its mode.
pub fn for_its_owner(options: &mut OpenOptions) -> &mut OpenOptions {
    with_mode(options, 0o600)
}

/// A file that these options make can be read by everybody, and written by its owner alone.
pub fn for_all_to_read(options: &mut OpenOptions) -> &mut OpenOptions {
    with_mode(options, 0o644)
}

#[cfg(unix)]
fn with_mode(options: &mut OpenOptions, mode: u32) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, mode)
}

#[cfg(not(unix))]
fn with_mode(options: &mut OpenOptions, _: u32) -> &mut OpenOptions {
    options
}

/// Lets the group of a folder read a file in it that is for its owner alone; nobody else. Where the file can't be given to
/// that group, it stays for its owner alone.
#[cfg(unix)]
pub(crate) fn share_with_group_of(folder: &Path, file: &File) {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let (Ok(folder), Ok(own)) = (std::fs::metadata(folder), file.metadata()) else { return };
    let is_of_group = own.gid() == folder.gid() || fchown(file, None, Some(folder.gid())).is_ok();
    let mode = if is_of_group { 0o640 } else { 0o600 };
    if own.permissions().mode() & 0o777 != mode {
        // Not ours to change: then it is somebody else's to answer for.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(mode));
    }
}

#[cfg(not(unix))]
pub(crate) fn share_with_group_of(_: &Path, _: &File) {}

/// Who may read what is at a path that this process may not read: "members of the group adm can read it, others need
/// sudo".
#[cfg(unix)]
pub(crate) fn who_may_read(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    // Below a folder that may not be entered nothing can be seen: it is that folder's group then.
    let seen = path.ancestors().find_map(|path| std::fs::metadata(path).ok());
    let shut = seen.filter(|metadata| metadata.mode() & 0o040 != 0);
    match shut.map(|metadata| nix::unistd::Gid::from_raw(metadata.gid())) {
        Some(gid) if gid.as_raw() != 0 => {
            let group = nix::unistd::Group::from_gid(gid).ok().flatten();
            let group = group.map_or_else(|| gid.to_string(), |group| group.name);
            format!("members of the group {group} can read it, others need sudo")
        }
        _ => "its owner and root can read it: use sudo".into(),
    }
}

#[cfg(not(unix))]
pub(crate) fn who_may_read(_: &Path) -> String {
    "its owner can read it".into()
}

/// Makes a folder and those above it, where there are none. Nobody but their owner may write to them.
///
/// # Errors
/// Whatever the file system says.
pub fn create_folders(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path)
}

/// Can every user of this machine read a file? Its group is not looked at: a service reads its files by it, and this may
/// not be the account of the service.
#[cfg(unix)]
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o004 != 0)
}

/// Can every user of this machine read a file? Not known here.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &Path) -> bool {
    false
}
