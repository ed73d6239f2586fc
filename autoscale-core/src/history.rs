//! The history: one event a line, as JSON, appended; rotated when it grows. Every line is whole, whatever the process
//! dies of. Knows nothing of what the events mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::event::Event;

/// A file that has grown to this is set aside: some 20,000 events, two months of checks each five minutes.
const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// How many that were set aside are kept.
const KEEP: u32 = 5;

/// A history file, open for appending.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    file: File,
    length: u64,
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
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = end_of_last_line(&mut file)?;
        if length < file.metadata()?.len() {
            tracing::warn!("{}: the last line was cut off and is removed", path.display());
            file.set_len(length)?;
        }
        Ok(Self { path: path.to_owned(), file, length, rotate_at })
    }

    /// Appends one event. After an error the file is as it was before.
    ///
    /// # Errors
    /// Whatever the file system says: a full disk, above all.
    pub fn append(&mut self, event: &Event) -> io::Result<()> {
        let line = event.to_json() + "\n";
        if self.length > 0 && self.length + line.len() as u64 > self.rotate_at {
            self.rotate()?;
        }
        // One write: a kill comes before it or after it.
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// `history.jsonl` -> `history.jsonl.1` -> … -> `history.jsonl.5`.
    fn rotate(&mut self) -> io::Result<()> {
        for n in (0..KEEP).rev() {
            match fs::rename(rotated(&self.path, n), rotated(&self.path, n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        self.length = 0;
        Ok(())
    }
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
    fn a_full_disk_is_an_error_and_leaves_no_half_line() {
        // /dev/full takes nothing; where it is missing, the rest of this file's tests speak for themselves.
        if let Ok(mut history) = History::open(Path::new("/dev/full")) {
            assert_eq!(history.append(&event(1)).unwrap_err().kind(), io::ErrorKind::StorageFull);
        }
    }
}
