//! Notes that come in a burst are told as one; a scale event is told at once, by itself. Says nothing about how long a
//! burst is: whoever holds it waits.

use super::Note;

/// Notes that wait for others.
#[derive(Debug, Default)]
pub(crate) struct Burst(Vec<Note>);

impl Burst {
    /// A note that is to be told now; one that may be told with others waits.
    pub(crate) fn admit(&mut self, note: Note) -> Option<Note> {
        if !note.foldable {
            return Some(note);
        }
        self.0.push(note);
        None
    }

    /// Does one wait?
    pub(crate) fn waits(&self) -> bool {
        !self.0.is_empty()
    }

    /// All that waited, as one.
    pub(crate) fn end(&mut self) -> Option<Note> {
        let mut notes = std::mem::take(&mut self.0);
        if notes.len() < 2 {
            return notes.pop();
        }
        let lines: Vec<_> = notes.iter().map(|note| note.title.as_str()).collect();
        Some(Note::plain(format!("{} things happened", notes.len()), lines.join("\n")))
    }
}
