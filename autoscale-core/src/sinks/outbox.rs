//! Notices on their way: those that wait, and those that could not be delivered and are told as long as what they say
//! still holds. Kept in a file together with what was told, so that neither is lost with the process. Sends nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::model::event::{Event, Kind};
use crate::sinks::notices::{About, Notice, Notices};
use crate::stores::file::read_whole;
use crate::stores::replace::replace;

/// Notices that wait at most.
pub(super) const MOST: usize = 64;

/// A notice that has not been delivered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Waiting {
    /// What it says.
    about: About,
    /// What is sent.
    body: String,
    /// Has it been tried in vain? So it counts where an earlier process kept it.
    #[serde(skip, default = "was_tried")]
    tried: bool,
    /// Is it being sent?
    #[serde(skip)]
    on_its_way: bool,
    #[serde(skip)]
    no: u64,
}

const fn was_tried() -> bool {
    true
}

/// What the file holds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Names of apps have a space in them: this is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undelivered: Vec<Waiting>,
    #[serde(flatten)]
    notices: Notices,
}

#[derive(Debug, Default)]
struct State {
    kept: Kept,
    /// As it is in the file.
    saved: Kept,
    path: Option<PathBuf>,
    last_no: u64,
    /// May those be sent that have been tried in vain?
    again: bool,
    is_closed: bool,
    /// Who sends.
    sender: u32,
}

/// Notices on their way. A clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Outbox {
    state: Arc<Mutex<State>>,
    news: Arc<Notify>,
    sender: u32,
}

/// A notice to send. Dropped before it is [delivered](Letter::delivered), it has been tried in vain: those like it wait for
/// the next check.
#[derive(Debug)]
pub(super) struct Letter {
    outbox: Outbox,
    no: u64,
    pub(super) body: String,
    /// Has it been tried in vain?
    pub(super) tried: bool,
}

impl Letter {
    /// It has been delivered.
    pub(super) fn delivered(self) {
        let mut state = self.outbox.state();
        state.kept.undelivered.retain(|waiting| waiting.no != self.no);
        state.save();
        drop(state);
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        let mut state = self.outbox.state();
        if let Some(waiting) = state.kept.undelivered.iter_mut().find(|waiting| waiting.no == self.no) {
            (waiting.tried, waiting.on_its_way) = (true, false);
            state.again = false;
        }
    }
}

impl Outbox {
    /// Keeps all of it in a file, and goes on with what is there. Where there is none, or a damaged one, something may be
    /// told twice.
    pub(super) fn keep_in(&self, path: PathBuf) {
        let kept = read_whole(&path).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
        let mut state = self.state();
        state.kept = kept.unwrap_or_default();
        state.kept.undelivered.truncate(MOST);
        for no in 0..state.kept.undelivered.len() {
            state.last_no += 1;
            state.kept.undelivered[no].no = state.last_no;
        }
        state.saved = state.kept.clone();
        state.path = Some(path);
    }

    /// The same notices for another sender: the one before sends what it has in hand, and no more.
    pub(super) fn handed_over(&self) -> Self {
        let mut state = self.state();
        state.sender += 1;
        let handed_over = Self { sender: state.sender, ..self.clone() };
        drop(state);
        self.news.notify_waiters();
        handed_over
    }

    /// Takes note of an event. What it has to tell waits from then on, written by `body`; what it shows to hold no longer
    /// is forgotten; and once a check, what was tried in vain may be sent again. False where too many wait already.
    pub(super) fn note(
        &self,
        event: &Event,
        is_told: impl FnOnce(&Notice) -> bool,
        body: impl FnOnce(&Notice) -> String,
    ) -> bool {
        let mut state = self.state();
        let notice = state.kept.notices.notice(event);
        let Kept { undelivered, notices } = &mut state.kept;
        undelivered
            .retain(|waiting| !waiting.tried || waiting.on_its_way || notices.still_holds(&waiting.about, event.at));
        let mut has_room = true;
        if let Some(notice) = notice.filter(is_told) {
            has_room = undelivered.len() < MOST;
            if has_room {
                let about = notices.about(&notice, event);
                state.last_no += 1;
                let waiting =
                    Waiting { about, body: body(&notice), tried: false, on_its_way: false, no: state.last_no };
                state.kept.undelivered.push(waiting);
            }
        }
        state.again |= matches!(event.kind, Kind::Checked(_) | Kind::CheckFailed { .. });
        state.save();
        drop(state);
        self.news.notify_waiters();
        has_room
    }

    /// The next one to send, as soon as there is one; `None` once it is closed and there is none. Those that have been
    /// tried in vain come last.
    pub(super) async fn next(&self) -> Option<Letter> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // From here on no news is missed.
            news.as_mut().enable();
            {
                let mut state = self.state();
                let State { kept, again, is_closed, sender, .. } = &mut *state;
                if *sender != self.sender {
                    return None;
                }
                let first = |tried: bool| kept.undelivered.iter().position(|w| w.tried == tried && !w.on_its_way);
                if let Some(place) = first(false).or_else(|| first(true).filter(|_| *again)) {
                    let waiting = &mut kept.undelivered[place];
                    waiting.on_its_way = true;
                    let Waiting { no, ref body, tried, .. } = *waiting;
                    return Some(Letter { outbox: self.clone(), no, body: body.clone(), tried });
                }
                if *is_closed {
                    return None;
                }
            }
            news.await;
        }
    }

    /// Nothing more will be noted.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed |= state.sender == self.sender;
        drop(state);
        self.news.notify_waiters();
    }

    /// Are they kept beyond the process?
    pub(super) fn is_kept(&self) -> bool {
        self.state().path.is_some()
    }

    /// Never held while something is waited for.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn save(&mut self) {
        let Some(path) = self.path.as_deref().filter(|_| self.kept != self.saved) else { return };
        match write(path, &self.kept) {
            Ok(()) => self.saved = self.kept.clone(),
            Err(error) => tracing::debug!("{}: {error}; a notice may be repeated", path.display()),
        }
    }
}

fn write(path: &Path, kept: &Kept) -> std::io::Result<()> {
    replace(path, &serde_json::to_vec(kept)?)
}
