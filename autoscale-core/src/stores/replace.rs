//! Files that are replaced whole or not at all: a draft is written beside the file, then renamed over it, so that readers
//! and a crash never meet half of one. Knows nothing of what a file holds.

#[cfg(feature = "graph")]
use std::fs::OpenOptions;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

#[cfg(feature = "graph")]
use crate::files::open_own;
#[cfg(feature = "loop")]
use crate::stores::private::{create_folders, share_with_group_of};

/// Replaces a file that is for its owner alone, and waits until the disk has the content. Makes the folder if need be.
/// Several processes may replace a file at once: each has a draft of its own.
///
/// # Errors
/// Whatever the file system says; the file is as it was then.
#[cfg(feature = "loop")]
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    create_folders(folder_of(path))?;
    replace_in_folder(path, content)
}

/// [`replace`] in a folder that has to be there.
///
/// # Errors
/// As for [`replace`].
#[cfg(feature = "loop")]
pub fn replace_in_folder(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_drafted(path, content, true, |_| {})
}

/// [`replace`] with a file that the group of its folder may read; without `sync` it does not wait for the disk, and a power
/// failure may bring the earlier content back.
///
/// # Errors
/// As for [`replace`].
#[cfg(feature = "loop")]
pub(crate) fn replace_shared(path: &Path, content: &[u8], sync: bool) -> io::Result<()> {
    create_folders(folder_of(path))?;
    replace_drafted(path, content, sync, |file| share_with_group_of(folder_of(path), file))
}

/// [`replace`] in a folder that has to be there, for everybody who may enter the folder to read.
///
/// # Errors
/// As for [`replace`].
#[cfg(feature = "loop")]
pub(crate) fn replace_readable(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_in_folder(path, content)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

#[cfg(feature = "loop")]
fn replace_drafted(path: &Path, content: &[u8], sync: bool, share: impl FnOnce(&File)) -> io::Result<()> {
    let draft = tempfile::Builder::new().prefix(&draft_prefix(path)).tempfile_in(folder_of(path))?;
    let (file, draft) = draft.keep()?;
    share(&file);
    finish(file, &draft, path, content, sync)
}

/// Replaces a file by way of the draft at this path, which is in the same folder; a draft that a crash left there is used
/// up. The file gets the mode that the umask gives. Does not wait for the disk. One process at a time.
///
/// # Errors
/// Whatever the file system says; the file is as it was then.
#[cfg(feature = "graph")]
pub(crate) fn replace_by(draft: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let file = open_own(OpenOptions::new().write(true).create(true).truncate(true), draft)?;
    finish(file, draft, path, content, false)
}

fn finish(mut file: File, draft: &Path, path: &Path, content: &[u8], sync: bool) -> io::Result<()> {
    let written = file.write_all(content).and_then(|()| if sync { file.sync_data() } else { Ok(()) });
    drop(file);
    let replaced = written.and_then(|()| fs::rename(draft, path));
    if replaced.is_err() {
        let _ = fs::remove_file(draft);
    }
    replaced
}

/// Removes the drafts that a kill in the middle of [`replace`] left beside a file. Only for a file that no other process
/// replaces meanwhile.
#[cfg(feature = "loop")]
pub(crate) fn sweep(path: &Path) {
    let prefix = draft_prefix(path);
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(feature = "loop")]
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How the names of a file's drafts begin.
#[cfg(feature = "loop")]
fn draft_prefix(path: &Path) -> String {
    format!(".{}.new-", path.file_name().unwrap_or_default().to_string_lossy())
}
