//! The history: one event a line, as JSON, appended; rotated when it grows. Every line is whole, whatever the process
//! dies of, and nobody who locks the file keeps it from growing. Knows nothing of what the events mean, and logs nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::files::{is_descriptor, open, open_with, read_text};
use crate::model::event::Event;
use crate::model::time::Timestamp;
use crate::stores::history_end::End;
use crate::stores::private::{create_folders, for_its_owner, is_open_to_others};

/// A file that has grown to this is set aside: some 20,000 events, two months of checks each five minutes.
const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// The most bytes of one file that are read: several times as many as it is rotated at.
pub const MOST: u64 = 64 << 20;
/// What is said of a file that this program did not write.
const FOREIGN: &str = "its last line is not an event of autoscale, so that nothing is written to it: name another file";
/// What is said of a path such as `/dev/stdout`.
const STREAM: &str = "a stream of the process, not a file: history_file: - is standard output";
/// How many that were set aside are kept.
const KEEP: u32 = 5;
/// How long another writer of the same history may hold its lock: it needs microseconds. Whoever holds it for longer is
/// no writer that works, and is not waited for again until the lock was free once.
const PATIENCE: Duration = Duration::from_millis(250);
/// Time between two attempts at the lock.
const GLANCE: Duration = Duration::from_millis(5);

/// A history file. Several apps may share it, in one process or in several: each line is written under a lock. It may be
/// moved or removed at any time.
///
/// Everybody who can read the file can lock it. While somebody else holds the lock, lines are appended without it: one
/// write of a whole line to a file that is open for appending leaves no other line torn. Only what moves or shortens the
/// file needs the lock: it is not rotated meanwhile.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    rotate_at: u64,
    /// Did the last line find the lock held by somebody else?
    locked_out: bool,
}

/// What is to be told of a line that was appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Appended {
    /// The line before it had been cut off, and was removed.
    pub removed_half_a_line: bool,
    /// Somebody else holds the lock: it was appended without it.
    pub unlocked: bool,
    /// Every user of the machine can read the file, and so lock it.
    pub open_to_others: bool,
}

impl History {
    /// For a path. Nothing is opened or made before the first line.
    pub fn new(path: &Path) -> Self {
        Self::rotating_at(path, ROTATE_AT)
    }

    /// [`History::new`], rotated at another size, in bytes.
    pub fn rotating_at(path: &Path, rotate_at: u64) -> Self {
        Self { path: path.to_owned(), rotate_at, locked_out: false }
    }

    /// Appends one event; makes the file where there is none, for its owner's eyes only. After an error the file is as it
    /// was before, or ends with half a line, which the next one removes. Takes a moment where the lock is held.
    ///
    /// # Errors
    /// Whatever the file system says: a full disk, above all.
    pub fn append(&mut self, event: &Event) -> io::Result<Appended> {
        let line = event.to_json() + "\n";
        let mut file = self.open()?;
        self.locked_out = !file.is_ours;
        let (mut length, mut removed) = file.end_with_a_whole_line()?;
        if file.is_ours && length > 0 && length + line.len() as u64 > self.rotate_at {
            self.rotate()?;
            file = self.open()?;
            (length, removed) = file.end_with_a_whole_line()?;
        }
        // One write: a kill comes before it or after it, or leaves half a line, which is removed.
        if let Err(error) = file.write_all(line.as_bytes()) {
            // Without the lock there may be another's line after it by now.
            if file.is_ours {
                let _ = file.set_len(length);
            }
            return Err(error);
        }
        Ok(Appended {
            removed_half_a_line: removed,
            unlocked: !file.is_ours,
            open_to_others: is_open_to_others(&self.path),
        })
    }

    /// The file, locked if that can be had in time: nobody else who asks for the lock writes to it until it is dropped.
    fn open(&self) -> io::Result<Opened> {
        if is_descriptor(&self.path) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, STREAM));
        }
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            create_folders(folder)?;
        }
        let patience = if self.locked_out { Duration::ZERO } else { PATIENCE };
        let since = Instant::now();
        loop {
            let mut options = OpenOptions::new();
            let file = open_with(for_its_owner(options.read(true).append(true).create(true)), &self.path)?;
            let is_ours = match file.try_lock() {
                Err(TryLockError::WouldBlock) => false,
                // Where a file system has no locks, nobody is kept out.
                Ok(()) | Err(TryLockError::Error(_)) => true,
            };
            let file = Opened { file, is_ours };
            // It may have been rotated since it was opened.
            if is_at(&file, &self.path) && (is_ours || since.elapsed() >= patience) {
                return Ok(file);
            }
            if !is_ours {
                sleep(GLANCE);
            }
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

/// A file that is unlocked when this is dropped, if it is ours. To close it is not enough: where the program has forked
/// meanwhile, the child has the same open file, and the lock with it.
struct Opened {
    file: File,
    is_ours: bool,
}

impl Opened {
    /// Removes the beginning of an event at its end. Its length after that, and whether there was one.
    ///
    /// # Errors
    /// What it ends with is not of this program: nothing is removed.
    fn end_with_a_whole_line(&mut self) -> io::Result<(u64, bool)> {
        let length = self.metadata()?.len();
        let whole = match End::of(&mut self.file)? {
            End::Whole => return Ok((length, false)),
            End::Unended => {
                self.write_all(b"\n")?;
                return Ok((length + 1, false));
            }
            End::Foreign => return Err(io::Error::new(io::ErrorKind::InvalidData, FOREIGN)),
            End::Torn(whole) => whole,
        };
        if !self.is_ours {
            // Perhaps somebody is writing it just now. Half a line that stays is one that nobody will finish.
            sleep(PATIENCE);
            if self.metadata()?.len() != length {
                return Ok((self.metadata()?.len(), false));
            }
        }
        self.set_len(whole)?;
        Ok((whole, true))
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = self.file.unlock();
        }
    }
}

impl Deref for Opened {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.file
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

/// Is there a file at a path that another program wrote, or something else than a file? Then nothing is written to it.
///
/// # Errors
/// What stands there, in words.
pub fn may_be_history(path: &Path) -> Result<(), String> {
    if is_descriptor(path) {
        return Err(STREAM.into());
    }
    match open(path).and_then(|mut file| End::of(&mut file)) {
        Ok(End::Foreign) => Err(FOREIGN.into()),
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory) => {
            Err(error.to_string())
        }
        _ => Ok(()),
    }
}

/// The whole text of a history, oldest first, what was set aside included.
///
/// # Errors
/// The file itself is not there or can't be read.
pub fn read_all(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    for n in (1..=KEEP).rev() {
        match read_text(&rotated(path, n), MOST) {
            Ok(older) => text += &older,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    text += &read_text(path, MOST)?;
    Ok(text)
}

/// The events of a history from a moment on, oldest first, one a line. Of the files that were set aside only those that
/// reach into that time are read.
///
/// # Errors
/// The file itself is not there or can't be read.
pub fn read_since(path: &Path, since: Timestamp) -> io::Result<String> {
    let before = |line: &&str| at(line).is_some_and(|at| at < since);
    let mut texts = vec![read_text(path, MOST)?];
    for n in 1..=KEEP {
        if texts.last().and_then(|text| text.lines().next()).is_some_and(|oldest| before(&oldest)) {
            break;
        }
        match read_text(&rotated(path, n), MOST) {
            Ok(older) => texts.push(older),
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    let lines: Vec<_> = texts.iter().rev().flat_map(|text| text.lines()).collect();
    Ok(lines[lines.partition_point(before)..].join("\n"))
}

/// When the event of a line was.
fn at(line: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Line {
        at: Timestamp,
    }
    serde_json::from_str(line).ok().map(|Line { at }| at)
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
    let mut file = open(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Kind;

    fn event(at: i64) -> Event {
        Event { v: 1, at: Timestamp::from_secs(at), app: "shop".into(), process: "web".into(), kind: Kind::Stopped }
    }

    #[test]
    fn a_line_that_was_cut_off_is_removed_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        History::new(&path).append(&event(1)).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"v\":1,\"at\":2,\"ap{}", "p".repeat(10_000))).unwrap();
        assert!(History::new(&path).append(&event(3)).unwrap().removed_half_a_line);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole + &event(3).to_json() + "\n");
    }

    #[test]
    fn it_is_rotated_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::rotating_at(&path, 2 * line);
        for at in 11..=25 {
            history.append(&event(at)).unwrap();
        }
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 1 + KEEP as usize);
        let all = read_all(&path).unwrap();
        let first: Event = serde_json::from_str(all.lines().next().unwrap()).unwrap();
        assert_eq!((first.at, all.lines().count()), (Timestamp::from_secs(15), 11), "two a file but for the last");
        for since in [0, 15, 18, 20, 25, 26] {
            let wanted: Vec<_> = (15.max(since)..=25).map(|at| event(at).to_json()).collect();
            assert_eq!(read_since(&path, Timestamp::from_secs(since)).unwrap(), wanted.join("\n"), "{since}");
        }
    }

    #[test]
    fn the_newest_lines_are_read_as_far_as_they_may_reach() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::rotating_at(&path, 2 * line);
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
        let mut writers: Vec<_> = (0..4).map(|_| History::rotating_at(&path, 10 * line)).collect();
        std::thread::scope(|scope| {
            for history in &mut writers {
                scope.spawn(|| (11..21).for_each(|at| assert!(!history.append(&event(at)).unwrap().unlocked)));
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
    fn while_somebody_else_holds_the_lock_it_grows_and_is_not_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::rotating_at(&path, 2 * line);
        assert!(!history.append(&event(11)).unwrap().unlocked);
        let other = File::open(&path).unwrap();
        other.lock_shared().unwrap();
        for at in 12..16 {
            assert!(history.append(&event(at)).unwrap().unlocked);
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5, "all in one file");
        drop(other);
        assert!(!history.append(&event(16)).unwrap().unlocked);
        assert_eq!(fs::read_to_string(&path).unwrap(), event(16).to_json() + "\n", "set aside, late");
        assert_eq!(read_all(&path).unwrap().lines().count(), 6, "none was lost");
    }

    #[test]
    fn half_a_line_is_removed_also_while_somebody_else_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        fs::write(&path, "{\"v\":1,").unwrap();
        let other = File::open(&path).unwrap();
        other.lock().unwrap();
        let appended = History::new(&path).append(&event(3)).unwrap();
        assert!(appended.removed_half_a_line && appended.unlocked);
        assert_eq!(fs::read_to_string(&path).unwrap(), event(3).to_json() + "\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_one_is_for_its_owners_eyes_only_and_an_old_one_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let line = event(11).to_json().len() as u64 + 1;
        let mut history = History::rotating_at(&path, line);
        assert!(!history.append(&event(11)).unwrap().open_to_others);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(History::new(&path).append(&event(12)).unwrap().open_to_others);
        assert_eq!(mode(&path), 0o644);
        history.append(&event(13)).unwrap();
        assert_eq!((mode(&path), mode(&rotated(&path, 1))), (0o600, 0o644));
    }
}
