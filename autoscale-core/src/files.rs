//! Regular files, opened and read within bounds. A named pipe, a device, a folder or a socket in a file's place is refused
//! by its name before it can hang the program or fill its memory. Knows nothing of what a file holds.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file to read it. Links are followed.
///
/// # Errors
/// What the file system says, or what is there instead of a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path)
}

/// Opens a regular file as `options` say, which may create it. Links are followed.
///
/// # Errors
/// As for [`open`].
pub fn open_with(options: &OpenOptions, path: &Path) -> io::Result<File> {
    // To open a device can have effects of its own, and to open a pipe waits for its other end.
    if let Ok(there) = fs::metadata(path) {
        regular(&there)?;
    }
    let file = with_flags(options, NONBLOCK).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// [`open_with`] for a file that this program alone writes: a symbolic link, or a file with a second name, leads to
/// somebody else's.
///
/// # Errors
/// As for [`open`]; or a link.
pub fn open_own(options: &OpenOptions, path: &Path) -> io::Result<File> {
    if let Ok(there) = fs::symlink_metadata(path) {
        own(&there)?;
    }
    let file = with_flags(options, NONBLOCK | NOFOLLOW).open(path)?;
    own(&file.metadata()?)?;
    Ok(file)
}

/// All bytes of a regular file.
///
/// # Errors
/// As for [`open`]; or it holds more than `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(open(path)?, most)
}

/// The text of a regular file.
///
/// # Errors
/// As for [`read`]; or it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    text(read(path, most)?)
}

/// The text of what somebody names on a command line: a regular file, or a pipe that their shell has opened for the program.
///
/// # Errors
/// As for [`read_text`].
pub fn read_input(path: &Path, most: u64) -> io::Result<String> {
    let file = if is_descriptor(path) { File::open(path)? } else { open(path)? };
    text(read_all(file, most)?)
}

/// The text that a stream gives.
///
/// # Errors
/// What the stream says; it holds more than `most` bytes; or it is not UTF-8.
pub fn read_stream(stream: impl Read, most: u64) -> io::Result<String> {
    text(read_all(stream, most)?)
}

/// Does a path name an open file of a process, as `/dev/stdout` does, and not a file of its own?
pub fn is_descriptor(path: &Path) -> bool {
    let streams = ["/dev/stdin", "/dev/stdout", "/dev/stderr"];
    streams.iter().any(|stream| path == Path::new(stream)) || path.starts_with("/dev/fd") || path.starts_with("/proc")
}

fn read_all(stream: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let text = format!("longer than {}, which is the most that is read", size(most));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + lines_in(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 in line {line}"))
    })
}

fn lines_in(good: &[u8]) -> usize {
    good.iter().filter(|byte| **byte == b'\n').count()
}

fn size(bytes: u64) -> String {
    match (bytes >> 20, bytes >> 10) {
        (0, 0) => format!("{bytes} bytes"),
        (0, kib) => format!("{kib} KiB"),
        (mib, _) => format!("{mib} MiB"),
    }
}

/// Is it a regular file, in words where it is not?
fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{}, not a regular file", kind(metadata))))
}

/// [`regular`], by the one name that it has.
fn own(metadata: &Metadata) -> io::Result<()> {
    let refused = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    if metadata.is_symlink() {
        return refused("a symbolic link, which is not followed here: name the file itself");
    }
    regular(metadata)?;
    if names(metadata) > 1 {
        return refused("has a second name (a hard link), and is perhaps another program's: name a file of its own");
    }
    Ok(())
}

#[cfg(unix)]
const NONBLOCK: i32 = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
#[cfg(unix)]
const NOFOLLOW: i32 = nix::libc::O_NOFOLLOW;
#[cfg(not(unix))]
const NONBLOCK: i32 = 0;
#[cfg(not(unix))]
const NOFOLLOW: i32 = 0;

#[cfg(unix)]
fn with_flags(options: &OpenOptions, flags: i32) -> OpenOptions {
    let mut options = options.clone();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    options
}

#[cfg(not(unix))]
fn with_flags(options: &OpenOptions, _: i32) -> OpenOptions {
    options.clone()
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = metadata.file_type();
    match () {
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () if kind.is_socket() => "a socket",
        () => "something else",
    }
}

#[cfg(not(unix))]
fn kind(_: &Metadata) -> &'static str {
    "something else"
}

/// How many names a file has in its file system.
#[cfg(unix)]
fn names(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        path
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_its_name_and_holds_up_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = pipe(dir.path());
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, what) in
            [(pipe.as_path(), "a named pipe"), (Path::new("/dev/zero"), "a device"), (&socket, "a socket")]
        {
            let expected = format!("{what}, not a regular file");
            assert_eq!(read(path, 10).unwrap_err().to_string(), expected);
            assert_eq!(read_input(path, 10).unwrap_err().to_string(), expected);
            assert_eq!(
                open_with(OpenOptions::new().append(true).create(true), path).unwrap_err().to_string(),
                expected
            );
            assert_eq!(open_own(OpenOptions::new().append(true).create(true), path).unwrap_err().to_string(), expected);
        }
        assert_eq!(read(dir.path(), 10).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn no_more_is_read_than_is_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        let error = read_text(&path, 4).unwrap_err();
        assert_eq!(error.to_string(), "longer than 4 bytes, which is the most that is read");
        assert_eq!(read_stream(io::repeat(b'x'), 2 << 20).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        fs::write(&path, b"one\ntwo\xff").unwrap();
        assert_eq!(read_text(&path, 50).unwrap_err().to_string(), "not UTF-8 in line 2");
    }

    #[test]
    fn links_are_followed_to_read_and_not_to_a_file_of_the_programs_own() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, second] = ["file", "link", "second"].map(|name| dir.path().join(name));
        fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_text(&link, 9).unwrap(), "text");
        let append = || OpenOptions::new().append(true).create(true).clone();
        assert!(open_own(&append(), &link).unwrap_err().to_string().starts_with("a symbolic link"));
        open_own(&append(), &file).unwrap();
        fs::hard_link(&file, &second).unwrap();
        for path in [&file, &second] {
            assert!(open_own(&append(), path).unwrap_err().to_string().contains("a hard link"));
        }
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &link).unwrap();
        assert!(open_own(&append(), &link).is_err(), "a link that leads nowhere");
        assert!(!dir.path().join("nowhere").exists());
    }
}
