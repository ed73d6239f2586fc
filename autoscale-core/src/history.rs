//! The history: one event a line, as JSON, appended; rotated when it grows. Every line is whole, whatever the process
//! dies of. Knows nothing of what the events mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use crate::event::Event;

/// A file that has grown to this is set aside: some 20,000 events, two months of checks each five minutes.
const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// How many that were set aside are kept.
const KEEP: u32 = 5;

/// A history file. Several apps may share it, in one process or in several: each line is written under a lock. It may be
/// moved or removed at any time.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    rotate_at: u64,
}

impl History {
    /// Opens it, or makes it. A last line that was cut off is removed.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_rotating_at(path, ROTATE_AT)
    }

    /// [`History::open`], rotated at another size, in bytes.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn open_rotating_at(path: &Path, rotate_at: u64) -> io::Result<Self> {
        let history = Self { path: path.to_owned(), rotate_at };
        history.locked()?;
        Ok(history)
    }

    /// Appends one event. After an error the file is as it was before.
    ///
    /// # Errors
    /// Whatever the file system says: a full disk, above all.
    pub fn append(&mut self, event: &Event) -> io::Result<()> {
        let line = event.to_json() + "\n";
        let (mut file, mut length) = self.locked()?;
        if length > 0 && length + line.len() as u64 > self.rotate_at {
            self.rotate()?;
            (file, length) = self.locked()?;
        }
        // One write: a kill comes before it or after it, or leaves half a line, which is removed.
        if let Err(error) = file.write_all(line.as_bytes()) {
            let _ = file.set_len(length);
            return Err(error);
        }
        Ok(())
    }

    /// The file and its length, whole lines all; nobody else writes to it until it is dropped.
    fn locked(&self) -> io::Result<(Locked, u64)> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        loop {
            let mut file = Locked(OpenOptions::new().read(true).append(true).create(true).open(&self.path)?);
            // Where a file system has no locks, nobody is kept out.
            let _ = file.lock();
            if !is_at(&file, &self.path) {
                // It was rotated while this waited.
                continue;
            }
            let length = end_of_last_line(&mut file)?;
            if length < file.metadata()?.len() {
                tracing::warn!("{}: the last line was cut off and is removed", self.path.display());
                file.set_len(length)?;
            }
            return Ok((file, length));
        }
    }

    /// `history.jsonl` -> `history.jsonl.1` -> … -> `history.jsonl.5`.
    fn rotate(&self) -> io::Result<()> {
        for n in (0..KEEP).rev() {
            match fs::rename(rotated(&self.path, n), rotated(&self.path, n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A file that is unlocked when this is dropped. To close it is not enough: where the program has forked meanwhile, the
/// child has the same open file, and the lock with it.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Locked {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

/// Is an open file still the one that its path names?
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        // Removed since: the next round makes it anew.
        (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        (Err(_), _) => true,
    }
}

/// Elsewhere an open file can't be moved away.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The whole text of a history, oldest first, what was set aside included.
///
/// # Errors
/// The file itself is not there or can't be read.
pub fn read_all(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    for n in (1..=KEEP).rev() {
        match fs::read_to_string(rotated(path, n)) {
            Ok(older) => text += &older,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    text += &fs::read_to_string(path)?;
    Ok(text)
}

/// The newest lines of a history, oldest first, whole ones all; no more than so many bytes.
///
/// # Errors
/// The file itself is not there or can't be read.
pub fn read_newest(path: &Path, most: u64) -> io::Result<String> {
    let mut text = tail(path, most)?;
    for n in 1..=KEEP {
        let room = most - text.len() as u64;
        match tail(&rotated(path, n), room) {
            // Where not all of a file fits, nothing of an older one does.
            Ok(older) if older.is_empty() => break,
            Ok(older) => text.insert_str(0, &older),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

/// The whole lines at the end of a file that so many bytes hold.
fn tail(path: &Path, most: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    // A byte more: where it is a line's end, the line after it is whole.
    let start = length.saturating_sub(most.saturating_add(1));
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if length > most {
        let first = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..first);
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

fn rotated(path: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

/// Where the last whole line ends.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::time::Timestamp;

    fn event(at: i64) -> Event {
        Event { v: 1, at: Timestamp::from_secs(at), app: "shop".into(), process: "web".into(), kind: Kind::Stopped }
    }

    #[test]
    fn a_line_that_was_cut_off_is_removed_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        History::open(&path).unwrap().append(&event(1)).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"v\":1,\"at\":2,\"ap{}", "p".repeat(10_000))).unwrap();
        History::open(&path).unwrap().append(&event(3)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole + &event(3).to_json() + "\n");
    }

    #[test]
    fn it_is_rotated_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::open_rotating_at(&path, 2 * line).unwrap();
        for at in 11..=25 {
            history.append(&event(at)).unwrap();
        }
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 1 + KEEP as usize);
        let all = read_all(&path).unwrap();
        let first: Event = serde_json::from_str(all.lines().next().unwrap()).unwrap();
        assert_eq!((first.at, all.lines().count()), (Timestamp::from_secs(15), 11), "two a file but for the last");
    }

    #[test]
    fn the_newest_lines_are_read_as_far_as_they_may_reach() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::open_rotating_at(&path, 2 * line).unwrap();
        for at in 11..=17 {
            history.append(&event(at)).unwrap();
        }
        let newest = |most: u64| {
            let text = read_newest(&path, most).unwrap();
            let at = |line: &str| serde_json::from_str::<Event>(line).unwrap().at.as_secs();
            text.lines().map(at).collect::<Vec<_>>()
        };
        assert_eq!(newest(u64::MAX), [11, 12, 13, 14, 15, 16, 17]);
        assert_eq!(newest(7 * line), [11, 12, 13, 14, 15, 16, 17]);
        assert_eq!(newest(4 * line), [14, 15, 16, 17]);
        assert_eq!(newest(4 * line - 1), [15, 16, 17], "no line is cut");
        assert_eq!(newest(line), [17]);
        assert_eq!(newest(line - 1), [0_i64; 0]);
        assert_eq!(read_newest(&dir.path().join("none"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn several_apps_share_it_and_it_may_be_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut writers: Vec<_> = (0..4).map(|_| History::open_rotating_at(&path, 10 * line).unwrap()).collect();
        std::thread::scope(|scope| {
            for history in &mut writers {
                scope.spawn(|| (11..21).for_each(|at| history.append(&event(at)).unwrap()));
            }
        });
        let all = read_all(&path).unwrap();
        assert_eq!(all.lines().count(), 40, "none was lost in a rotation");
        assert!(all.lines().all(|line| serde_json::from_str::<Event>(line).is_ok()));
        fs::remove_file(&path).unwrap();
        writers[0].append(&event(30)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), event(30).to_json() + "\n");
    }

    #[test]
    fn a_full_disk_is_an_error_and_leaves_no_half_line() {
        // /dev/full takes nothing; where it is missing, the rest of this file's tests speak for themselves.
        if let Ok(mut history) = History::open(Path::new("/dev/full")) {
            assert_eq!(history.append(&event(1)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
