//! Who may read what the program writes: its owner alone, whatever the umask says. A history tells how an app fares, and
//! whoever can open a file can also lock it. Knows no file's content.

use std::fs::{DirBuilder, OpenOptions};
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
