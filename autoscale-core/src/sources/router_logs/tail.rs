//! The router's log as a [`MetricSource`]: a task of its own keeps a log session open and counts what it says. What the
//! counts mean for the formation is not known here.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::line::{self, DynoState, Line, Loss};
use super::samples::{Samples, Taken};
use super::session::{Session, Sessions};
use super::settings::{RouterLogs, SECTION};
use super::slots::Slots;
use crate::clock::Clock;
use crate::engine::Warnings;
use crate::engine::ports::{Failure, FailureKind, MetricSource, Reading};
use crate::model::time::Timestamp;
use crate::model::units::Span;
use crate::model::warning::Warning;
use crate::policy::PolicyKind;
use crate::sources::opener::Opening;

/// So long may the log be unknown before the fall-back is read.
const UNKNOWN: Duration = Duration::from_secs(900);
/// Waits before another session, in the app's time: the first, doubled up to the longest; after a refusal the longest.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// A session that lived for this long ends a row of failures.
const LIVED: Duration = Duration::from_secs(60);
/// Boots that a boot time is the middle of, and how far it may be off.
const BOOTS: usize = 5;
const BOOT_OFF: f64 = 1.5;
/// Dynos whose boot is watched at the same time.
const MOST_BOOTING: usize = 1_000;

/// Reads the router's log. The task ends when this is dropped.
pub struct RouterLogTail {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
    started: Option<Timestamp>,
}

struct Shared {
    sessions: Sessions,
    clock: Clock,
    /// `boot_time` of the configuration.
    boot_time: Duration,
    state: Mutex<State>,
    warnings: Warnings,
}

struct State {
    slots: Slots,
    samples: Samples,
    /// Why there is no session, where that was told.
    failure: Option<Failure>,
    /// The session's own log was too slow for the whole of the app's: the router's alone is read.
    router_only: bool,
    /// When dynos began to boot, by name, and how long the last ones took.
    booting: Vec<(String, Timestamp)>,
    boots: Vec<f64>,
    /// Lines that were too late or of a time to come.
    dropped: u64,
}

impl RouterLogTail {
    /// For the app of the configuration. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
    pub fn new(settings: RouterLogs, opening: &Opening<'_>) -> Result<Self, Failure> {
        let config = opening.config;
        let taken = if config.settings.policy == PolicyKind::Threshold {
            Taken::Statistic(settings.statistic)
        } else {
            let name = config.heroku.app_name.bytes();
            Taken::One {
                seed: name.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)),
            }
        };
        let state = State {
            slots: Slots::default(),
            samples: Samples::new(taken, opening.keep),
            failure: None,
            router_only: false,
            booting: Vec::new(),
            boots: Vec::new(),
            dropped: 0,
        };
        let shared = Shared {
            sessions: Sessions::new(&config.heroku, opening.http)?,
            clock: opening.clock,
            boot_time: config.settings.boot_time,
            state: Mutex::new(state),
            warnings: Warnings::default(),
        };
        Ok(Self { shared: Arc::new(shared), task: None, started: None })
    }

    fn keep_running(&mut self, now: Timestamp) {
        if self.task.as_ref().is_some_and(JoinHandle::is_finished) {
            self.shared.warnings.add_once(
                Warning::DEFECT,
                "reading the router's log met a defect of autoscale, please report it, and starts again",
            );
            self.shared.state().slots.closed(now);
            self.task = None;
        }
        if self.task.is_none() {
            let shared = Arc::clone(&self.shared);
            let clock = shared.clock;
            self.task = Some(Handle::current().spawn(clock.scope(async move { shared.run().await })));
        }
        self.started.get_or_insert(now);
    }
}

impl Shared {
    /// Never held while something is waited for.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens one session after the other.
    async fn run(&self) {
        let mut wait = AGAIN.0;
        loop {
            let router_only = self.state().router_only;
            let opened = self.sessions.open(router_only).await;
            let now = self.clock.now();
            match opened {
                Ok(session) => {
                    {
                        let mut state = self.state();
                        state.failure = None;
                        state.slots.opened(now);
                    }
                    let refused = self.read(session).await;
                    let ended = self.clock.now();
                    self.state().slots.closed(ended);
                    if refused {
                        wait = AGAIN.1;
                    } else if ended.seconds_since(now) >= LIVED.as_secs_f64() {
                        wait = AGAIN.0;
                    }
                }
                Err(failure) => {
                    if matches!(failure.kind, FailureKind::Refused) {
                        wait = AGAIN.1;
                        self.warnings.add_once(Warning::LOGS_READ, format!("the router's log: {failure}"));
                    }
                    self.state().failure = Some(failure);
                }
            }
            // Not all at once: a platform's fault ends many sessions at the same time.
            sleep(self.clock.real(wait.mul_f64(0.5 + 0.5 * jitter()))).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Reads a session to its end. Are sessions forbidden for this app?
    async fn read(&self, mut session: Session) -> bool {
        let mut refused = false;
        let mut again = false;
        loop {
            let mut state_lines = |bytes: &[u8]| match line::read(bytes) {
                Line::Lost(loss) => again |= self.note_loss(loss),
                Line::Forbidden => refused = true,
                line => self.note(line),
            };
            if !session.next(&mut state_lines).await {
                return refused;
            }
            if refused {
                let text = "Heroku forbids log sessions for this app, since it logs too much (L20): it is tried again, \
                            and a fallback_source is read meanwhile";
                self.warnings.add_once(Warning::LOGS_READ, text);
                self.state().failure = Some(Failure::new(FailureKind::Refused, text));
                return true;
            }
            if again {
                return false;
            }
        }
    }

    fn note(&self, line: Line<'_>) {
        let mut state = self.state();
        match line {
            Line::Request(request) => {
                let now = self.clock.now();
                if !state.slots.count(&request, now) {
                    state.dropped += 1;
                    if state.dropped == 100 {
                        let text = "100 lines of the router's log were more than half an hour late, or of a time to \
                                    come, and are left out: set this machine's clock (NTP)";
                        self.warnings.add_once(Warning::LOGS_LOST, text);
                    }
                }
            }
            Line::Dyno { at, name, state: dyno } => {
                if dyno == DynoState::Up {
                    self.note_boot(&mut state, name, at);
                }
                state.booting.retain(|(booting, _)| booting != name);
                if dyno == DynoState::Starting && state.booting.len() < MOST_BOOTING {
                    state.booting.push((name.to_owned(), at));
                }
            }
            Line::Release { .. } | Line::Scaled { .. } | Line::Lost(_) | Line::Forbidden | Line::Other => {}
        }
    }

    /// A dyno that began to boot and is up now tells how long that takes.
    fn note_boot(&self, state: &mut State, name: &str, at: Timestamp) {
        let Some(place) = state.booting.iter().position(|(booting, _)| booting == name) else { return };
        let (_, since) = state.booting.swap_remove(place);
        let took = at.seconds_since(since);
        if !(0.0..=3600.0).contains(&took) {
            return;
        }
        if state.boots.len() == BOOTS {
            state.boots.remove(0);
        }
        state.boots.push(took);
        if state.boots.len() < 3 {
            return;
        }
        let mut boots = state.boots.clone();
        boots.sort_by(f64::total_cmp);
        let (middle, set) = (boots[boots.len() / 2], self.boot_time.as_secs_f64());
        if middle > BOOT_OFF * set || middle * BOOT_OFF < set && middle > 1.0 {
            let text = format!(
                "dynos of this app take {} to boot, by Heroku's log, and boot_time says {}: set boot_time to what they take",
                Span::of_secs(middle.round()),
                Span(self.boot_time)
            );
            self.warnings.add_kind(Warning::BOOT_TIME, "boot_time", text);
        }
    }

    /// Lines were lost. Must another session be opened, of the router's log alone?
    fn note_loss(&self, loss: Loss) -> bool {
        let mut state = self.state();
        // Where it does not say since when, what came within the last minute is doubted.
        let since = loss.since.unwrap_or(loss.at - Duration::from_secs(60));
        state.slots.lost(since, loss.at);
        let first = loss.code == 11 && !state.router_only;
        state.router_only |= first;
        let count = loss.count.map_or("some".into(), |count| count.to_string());
        let what = format!("Heroku's log lost {count} lines (L{})", loss.code);
        let text = match loss.code {
            11 if first => format!("{what}: from now on the router's lines alone are read, without states of dynos"),
            11 => format!("{what}: more than a log session carries; these ten seconds count as unknown"),
            _ => format!("{what}: these ten seconds count as unknown"),
        };
        drop(state);
        // Once for each kind: the numbers differ each time.
        self.warnings.add_kind(Warning::LOGS_LOST, &format!("L{} {first}", loss.code), text);
        first
    }
}

/// Bits of the clock: it only has to differ from one process to the next.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

impl MetricSource for RouterLogTail {
    async fn samples(&mut self, from: Timestamp, _: Timestamp) -> Result<Reading, Failure> {
        let now = self.shared.clock.now();
        self.keep_running(now);
        let mut state = self.shared.state();
        let state = &mut *state;
        let handed = state.slots.hand_over(now);
        state.samples.take(&handed.rows);
        let known = state.slots.known_until(now);
        let since = known.or(self.started).unwrap_or(now);
        let unknown_for = Duration::from_secs_f64(now.seconds_since(since).max(0.0));
        let refused = state.failure.as_ref().filter(|failure| matches!(failure.kind, FailureKind::Refused));
        if known.is_none() && refused.is_some() || unknown_for >= UNKNOWN {
            let why = state.failure.as_ref().map_or("no session stays open", |failure| failure.text.as_str());
            let text = format!("[{SECTION}] nothing is known of the router's log for {}: {why}", Span(unknown_for));
            self.shared.warnings.add_kind(Warning::LOGS_LOST, "unknown", text.clone());
            return Err(Failure::new(FailureKind::Transient, text));
        }
        if known.is_some_and(|known| now.seconds_since(known) < 60.0) {
            self.shared.warnings.forget_kind(Warning::LOGS_LOST, "unknown");
        }
        Ok(Reading {
            samples: state.samples.since(from),
            traffic: handed.rows,
            coverage: handed.coverage,
            server_time: None,
            seq: handed.seq,
        })
    }

    fn acknowledge(&mut self, seq: u64) {
        self.shared.state().slots.acknowledge(seq);
    }

    fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings = self.shared.warnings.take();
        warnings.extend(self.shared.sessions.client().warnings().take());
        warnings
    }

    /// Takes over the session and the counts of an earlier one, so that a reload loses no line.
    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        if let Ok(mut earlier) = earlier.downcast::<Self>()
            && earlier.shared.sessions.is_as(&self.shared.sessions)
        {
            let taken = {
                let mut theirs = earlier.shared.state();
                std::mem::take(&mut theirs.slots)
            };
            if let Some(task) = earlier.task.take() {
                task.abort();
            }
            let mut state = self.shared.state();
            state.slots = taken;
            state.slots.closed(self.shared.clock.now());
        }
    }
}

impl Drop for RouterLogTail {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl std::fmt::Debug for RouterLogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouterLogTail")
    }
}
