//! How a history ends: with a whole event, with the beginning of one that a crash cut off, or with what another program
//! wrote. Reads only.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use serde::Deserialize;

use crate::model::time::Timestamp;

/// How each event begins.
const BEGINNING: &[u8] = b"{\"v\":";
/// The longest line that can be an event.
const LONGEST: u64 = 4 << 20;

/// The end of a file that is to be a history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// A whole event, or nothing at all.
    Whole,
    /// A whole event without its line's end.
    Unended,
    /// The beginning of an event, or what a power failure leaves of one, after so many bytes.
    Torn(u64),
    /// Something that is not this program's.
    Foreign,
}

impl End {
    /// That of a file.
    pub(super) fn of(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let whole = start_of_line(file, length)?;
        if length - whole > LONGEST {
            return Ok(Self::Foreign);
        }
        let tail = between(file, whole, length)?;
        if tail.is_empty() || tail.iter().all(|byte| *byte == 0) {
            let ours = is_event(&last_line(file, whole)?) || whole == 0;
            return Ok(match (ours, tail.is_empty()) {
                (false, _) => Self::Foreign,
                (true, true) => Self::Whole,
                (true, false) => Self::Torn(whole),
            });
        }
        if is_event(&tail) {
            return Ok(Self::Unended);
        }
        let begins = tail.starts_with(BEGINNING) || BEGINNING.starts_with(&tail);
        let follows = whole == 0 || is_event(&last_line(file, whole)?);
        Ok(if begins && follows { Self::Torn(whole) } else { Self::Foreign })
    }
}

/// What the events of all versions have in common.
#[derive(Deserialize)]
#[allow(dead_code, reason = "only its form is looked at")]
struct Common {
    v: u32,
    at: Timestamp,
    app: String,
    event: String,
}

fn is_event(line: &[u8]) -> bool {
    serde_json::from_slice::<Common>(line).is_ok()
}

/// The line that ends at a place; none at the file's beginning.
fn last_line(file: &mut File, end: u64) -> io::Result<Vec<u8>> {
    let Some(end) = end.checked_sub(1) else { return Ok(Vec::new()) };
    let start = start_of_line(file, end)?;
    if end - start > LONGEST { Ok(Vec::new()) } else { between(file, start, end) }
}

fn between(file: &mut File, start: u64, end: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where the line begins that reaches up to a place.
fn start_of_line(file: &mut File, mut end: u64) -> io::Result<u64> {
    let mut block = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let block = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Event, Kind};

    fn end(text: &[u8]) -> End {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        std::fs::write(&path, text).unwrap();
        End::of(&mut File::open(path).unwrap()).unwrap()
    }

    fn line() -> String {
        let (at, app, process) = (Timestamp::from_secs(1), "shop".into(), "web".into());
        Event { v: 1, at, app, process, kind: Kind::Stopped }.to_json()
    }

    #[test]
    fn every_beginning_of_an_event_is_one_and_a_whole_event_stays() {
        let line = line();
        for n in 1..line.len() {
            assert_eq!(end(&line.as_bytes()[..n]), End::Torn(0), "{n}");
            let after = format!("{line}\n{}", &line[..n]);
            assert_eq!(end(after.as_bytes()), End::Torn(line.len() as u64 + 1), "{n}");
        }
        assert_eq!((end(b""), end(format!("{line}\n").as_bytes())), (End::Whole, End::Whole));
        assert_eq!(end(line.as_bytes()), End::Unended);
        assert_eq!(end(format!("{line}\n\0\0\0").as_bytes()), End::Torn(line.len() as u64 + 1), "a power failure");
    }

    #[test]
    fn what_another_program_wrote_is_foreign() {
        let line = line();
        for text in ["127.0.0.1 localhost\n", "[section]\nkey: value", "{\"a\":1}\n", "\n", "root:x:0:0", "{\"v\":1}\n"]
        {
            assert_eq!(end(text.as_bytes()), End::Foreign, "{text:?}");
        }
        assert_eq!(end(format!("{line}\nnote to myself").as_bytes()), End::Foreign);
        assert_eq!(end(format!("some log\n{}", &line[..9]).as_bytes()), End::Foreign);
        assert_eq!(end("x".repeat(10_000).as_bytes()), End::Foreign);
    }
}
