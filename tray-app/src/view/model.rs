//! What is known of every app, kept up to date by events; the notes that people are given.

use std::path::{Path, PathBuf};

use autoscale_core::workspace::event::{Check, Event, Kind, Outcome};
use autoscale_core::workspace::notices::{Notice, NoticeKind, Notices};
use autoscale_core::workspace::reason::Class;
use autoscale_core::workspace::time::Timestamp;

use super::State;

/// What is known of an app before its first check.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Facts {
    /// "shop", or "shop worker" where the process type is not `web`.
    pub(crate) name: String,
    /// Its configuration.
    pub(crate) path: PathBuf,
    /// Trends beyond these are falling and rising, ms per second.
    pub(crate) trend: (f64, f64),
    /// Was dry run forced from outside? Then it can't be switched.
    pub(crate) forced_dry_run: bool,
    /// Was shadow mode?
    pub(crate) forced_shadow: bool,
    /// Is its time a sandbox's, which passes so fast that seconds matter?
    pub(crate) fast: bool,
}

/// One app.
#[derive(Clone, Debug)]
pub(super) struct AppModel {
    pub(super) facts: Facts,
    /// Why it is not looked after, one problem each.
    pub(super) closed: Vec<String>,
    pub(super) last: Option<Check>,
    /// Is `last` of this run?
    pub(super) fresh: bool,
    /// What the last check of this run said.
    said: State,
    /// Why the last check, or the loop, failed, in a sentence; until a check goes well.
    pub(super) failure: Option<String>,
    pub(super) paused: bool,
    pub(super) dry_run: bool,
    /// Is the dry run shadow mode? Then it can't be switched.
    pub(super) shadow: bool,
    pub(super) next: Option<Timestamp>,
}

/// Where configurations are, as far as there are none to run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Place {
    /// Where the sample would go, and where it is looked for.
    pub(crate) path: PathBuf,
    /// Is there a file already?
    pub(crate) exists: bool,
}

/// All that is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(super) apps: Vec<AppModel>,
    pub(super) place: Option<Place>,
    pub(super) sandbox: bool,
    notices: Notices,
}

/// Something to tell people at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Note {
    /// In a few words.
    pub(crate) title: String,
    /// In a sentence; may be empty.
    pub(crate) body: String,
    /// The app whose graph explains it.
    pub(crate) graph_of: Option<usize>,
    /// May it be told together with others?
    pub(crate) foldable: bool,
}

impl Note {
    /// One that is about no event.
    pub(crate) fn plain(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self { title: title.into(), body: body.into(), graph_of: None, foldable: true }
    }
}

impl Model {
    /// Forgets all apps: others come.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// There is no configuration to run.
    pub(crate) fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Where a configuration is wanted.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The configuration of the app at a place.
    pub(crate) fn path(&self, place: usize) -> Option<PathBuf> {
        self.apps.get(place).map(|app| app.facts.path.clone())
    }

    /// The place of the app with this configuration.
    pub(crate) fn find(&self, path: &Path) -> Option<usize> {
        self.apps.iter().position(|app| app.facts.path == path)
    }

    /// The one app is a simulated one.
    pub(crate) fn set_sandbox(&mut self, on: bool) {
        self.sandbox = on;
    }

    /// An app, at its place: the next one, or that of one which could not be looked after.
    pub(crate) fn add(&mut self, place: usize, facts: Facts, dry_run: bool, paused: bool, last: Option<Check>) {
        let closed = Vec::new();
        let (said, fresh, failure, next) = (State::Unknown, false, None, None);
        let app = AppModel { facts, closed, last, fresh, said, failure, paused, dry_run, shadow: false, next };
        match self.apps.get_mut(place) {
            Some(before) => *before = app,
            None => self.apps.push(app),
        }
    }

    /// An app which can't be looked after, at its place.
    pub(crate) fn add_closed(&mut self, place: usize, name: String, path: PathBuf, problems: Vec<String>) {
        let facts = Facts { name, path, trend: (0.0, 0.0), forced_dry_run: false, forced_shadow: false, fast: false };
        self.add(place, facts, false, false, None);
        if let Some(app) = self.apps.get_mut(place) {
            app.closed = problems;
        }
    }

    /// Is the app at a place in shadow mode, before its loop says so?
    pub(crate) fn set_shadow(&mut self, place: usize, on: bool) {
        if let Some(app) = self.apps.get_mut(place) {
            app.shadow = on;
        }
    }

    /// From now on, trends beyond these are falling and rising, ms per second.
    pub(crate) fn set_trend(&mut self, place: usize, trend: (f64, f64)) {
        if let Some(app) = self.apps.get_mut(place) {
            app.facts.trend = trend;
        }
    }

    /// Takes note of an event of the app at a place, and says what people are told of it.
    pub(crate) fn event(&mut self, place: usize, event: &Event) -> Option<Note> {
        let app = self.apps.get_mut(place)?;
        match &event.kind {
            Kind::Checked(check) => {
                let (check, detail) = (check.as_ref().clone(), None);
                app.said = state_of(&check, app.said);
                app.last = Some(Check { detail, ..check });
                app.fresh = true;
                app.failure = None;
            }
            Kind::CheckFailed { error, .. } => {
                app.failure = Some(format!("Check failed, dynos left as they are: {error}"));
            }
            Kind::Crashed { error, .. } => {
                app.failure = Some(format!("Crashed on a defect of its own, tries again by itself: {error}"));
            }
            Kind::Recovered { .. } => app.failure = None,
            Kind::Started { dry_run, shadow } | Kind::DryRunChanged { dry_run, shadow } => {
                (app.dry_run, app.shadow) = (*dry_run, *shadow);
            }
            Kind::Paused => app.paused = true,
            Kind::Resumed => app.paused = false,
            Kind::ChangeConfirmed { .. }
            | Kind::Warning(_)
            | Kind::BoundsChanged { .. }
            | Kind::Stopped
            | Kind::ConfigReloaded { .. }
            | Kind::ConfigRefused { .. } => {}
        }
        let Notice { kind, title, body, .. } = self.notices.notice(event)?;
        let checked = matches!(event.kind, Kind::Checked(_));
        Some(Note { title, body, graph_of: checked.then_some(place), foldable: !tells_of_a_change(kind, event) })
    }

    /// When the next check of the app at a place is due, on the app's clock.
    pub(crate) fn next_check(&mut self, place: usize, at: Option<Timestamp>) {
        if let Some(app) = self.apps.get_mut(place) {
            app.next = at;
        }
    }

    /// The state of all apps together: the one that asks most for attention.
    pub(super) fn state(&self) -> State {
        self.apps.iter().map(AppModel::state).max().unwrap_or(State::Unknown)
    }

    /// The app that asks most for attention; the first of several.
    pub(super) fn foremost(&self) -> Option<usize> {
        let state = self.state();
        self.apps.iter().position(|app| app.state() == state)
    }
}

impl AppModel {
    pub(super) fn state(&self) -> State {
        if !self.closed.is_empty() {
            State::Failing
        } else if self.paused {
            State::Paused
        } else if self.failure.is_some() {
            State::Failing
        } else {
            self.said
        }
    }
}

/// What a check says of the state of things, after what was said before: a change that is still to show its effect goes
/// on being shown.
fn state_of(check: &Check, before: State) -> State {
    match check.outcome {
        Outcome::Failed => State::Failing,
        _ if check.wants_in_vain() => State::AtMax,
        _ if check.says_down() => State::Failing,
        Outcome::Scaled | Outcome::WouldScale if check.target < check.dynos => State::Down,
        Outcome::Scaled | Outcome::WouldScale => State::Up,
        Outcome::Limited | Outcome::Held => match check.reason.class() {
            Some(Class::NoData) => State::Unknown,
            Some(Class::Waiting) if matches!(before, State::Up | State::Down | State::AtMax) => before,
            // Those that ask for attention are told above.
            Some(Class::Waiting | Class::Calm | Class::Blocked | Class::Failing | Class::Acting) | None => {
                State::Steady
            }
        },
    }
}

/// Scale events are told one by one, whatever else happens.
fn tells_of_a_change(kind: NoticeKind, event: &Event) -> bool {
    match kind {
        NoticeKind::ScaledUp | NoticeKind::ScaledDown | NoticeKind::WouldScale | NoticeKind::BoundsCorrected => true,
        NoticeKind::Limited => matches!(&event.kind, Kind::Checked(check) if check.applied != check.dynos),
        _ => false,
    }
}
