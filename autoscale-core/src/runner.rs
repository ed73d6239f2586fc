//! The loop of one app: waits until a check is due, runs it, listens to commands. Several apps are several loops, none of
//! which can delay another. Decides nothing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::Clock;
use crate::engine::{Engine, Plan};
use crate::event::{Event, Kind};
use crate::ledger::LedgerKeeper;
use crate::ports::{MetricSource, Observer, ScaleTarget};

/// The part of an interval that a check may take.
const DEADLINE_SHARE: f64 = 0.8;
/// No check gets less time than this, however fast the sandbox runs; nor more than the second, however rare checks are.
const DEADLINE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(120));

/// How long notices and pictures that are under way may take after the end: the whole stop takes less than a second.
const FAREWELL: Duration = Duration::from_millis(600);

/// What a loop can be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// Check at once, also while it rests.
    CheckNow,
    /// Rest.
    Pause,
    /// Go on.
    Resume,
    /// Only tell of changes, or carry them out again.
    SetDryRun(bool),
    /// Take the configuration anew.
    Reload,
    /// End; what is in flight is cancelled.
    Stop,
}

/// What a reload brings.
#[derive(Debug)]
pub struct Reloaded<M, T> {
    /// What the engine is told.
    pub plan: Plan,
    /// Where response times come from.
    pub source: M,
    /// What is scaled.
    pub target: T,
    /// Warnings of the configuration.
    pub warnings: Vec<String>,
}

/// Takes the configuration anew; or says every problem of it.
pub type Reload<M, T> = Box<dyn FnMut() -> Result<Reloaded<M, T>, Vec<String>> + Send>;

/// The loop of one app.
pub struct AppLoop<M, T, K> {
    /// Its engine.
    pub engine: Engine<M, T, K>,
    /// Its clock.
    pub clock: Clock,
    /// How long after the start its first check comes, on its clock.
    pub first_after: Duration,
    /// What [`Command::Reload`] does.
    pub reload: Reload<M, T>,
    /// Who is told of events.
    pub observer: Box<dyn Observer>,
}

impl<M, T, K> std::fmt::Debug for AppLoop<M, T, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppLoop").field("first_after", &self.first_after).finish_non_exhaustive()
    }
}

/// How the wait for the next check, or a check itself, ended.
enum Turn {
    Due,
    Told(Command),
}

impl<M: MetricSource, T: ScaleTarget, K: LedgerKeeper> AppLoop<M, T, K> {
    /// Runs until it is told to stop, or nobody is left who could tell it.
    pub async fn run(self, commands: mpsc::UnboundedReceiver<Command>) {
        self.clock.scope(self.run_on_clock(commands)).await;
    }

    async fn run_on_clock(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut due = Instant::now() + self.clock.real(self.first_after);
        let (dry_run, shadow) = self.mode();
        self.tell(Kind::Started { dry_run, shadow });
        let mut rests = self.engine.ledger().paused;
        if rests {
            self.tell(Kind::Paused);
        }
        // A check out of turn, which does not move the others: many apps keep their distance from each other.
        let mut at_once = false;
        let mut told_due = None;
        loop {
            let wake = if at_once { due.min(Instant::now()) } else { due };
            let next = (!rests).then_some(wake);
            if told_due != Some(next) {
                told_due = Some(next);
                self.observer.next_check(next.map(|due| due.saturating_duration_since(Instant::now())));
            }
            let turn = tokio::select! {
                biased;
                command = commands.recv() => Turn::Told(command.unwrap_or(Command::Stop)),
                () = sleep_until(wake), if !rests => Turn::Due,
            };
            let told = match turn {
                Turn::Due | Turn::Told(Command::CheckNow) => {
                    let interval = self.clock.real(self.engine.plan().interval);
                    let told = self.check(&mut commands, interval).await;
                    if due <= Instant::now() {
                        due = next_due(due, interval, Instant::now());
                    }
                    // A check that was broken off is made up for, under what was told.
                    at_once = told.is_some();
                    told
                }
                Turn::Told(command) => Some(command),
            };
            match told {
                None | Some(Command::CheckNow) => {}
                Some(Command::Stop) => break,
                Some(Command::Pause) if !rests => {
                    rests = true;
                    self.rest(true);
                }
                Some(Command::Resume) if rests => {
                    rests = false;
                    self.rest(false);
                    at_once = true;
                }
                Some(Command::Pause | Command::Resume) => {}
                Some(Command::SetDryRun(on)) => self.set_dry_run(on),
                Some(Command::Reload) => {
                    let before = self.clock.real(self.engine.plan().interval);
                    if self.reload() {
                        let interval = self.clock.real(self.engine.plan().interval);
                        due = next_due(due.checked_sub(before).unwrap_or(due), interval, Instant::now());
                        at_once = true;
                    }
                }
            }
        }
        self.tell(Kind::Stopped);
        self.observer.finish(FAREWELL).await;
    }

    /// One check within its time. A command other than [`Command::CheckNow`] breaks it off and is returned.
    async fn check(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>, interval: Duration) -> Option<Command> {
        let allowed = interval.mul_f64(DEADLINE_SHARE).clamp(DEADLINE.0, DEADLINE.1);
        let now = self.clock.now();
        let events = {
            let check = timeout_at(Instant::now() + allowed, self.engine.check(now));
            tokio::pin!(check);
            loop {
                tokio::select! {
                    biased;
                    command = commands.recv() => match command.unwrap_or(Command::Stop) {
                        Command::CheckNow => {}
                        command => return Some(command),
                    },
                    events = &mut check => break events,
                }
            }
        };
        let events = events.unwrap_or_else(|_| {
            let text = format!("the check took longer than {} s and was broken off", allowed.as_secs());
            vec![self.engine.check_failed(now, "time", text)]
        });
        for event in &events {
            self.observer.observe(event);
        }
        None
    }

    fn rest(&mut self, rests: bool) {
        self.engine.set_paused(rests);
        self.tell(if rests { Kind::Paused } else { Kind::Resumed });
    }

    fn set_dry_run(&mut self, on: bool) {
        if self.engine.is_dry_run_forced() {
            // Said again, for a switch that was moved and has to move back.
            self.tell_mode();
        } else if on != self.engine.is_dry_run() {
            self.engine.set_dry_run(on);
            self.tell_mode();
        }
    }

    /// Dry run? Shadow mode?
    fn mode(&self) -> (bool, bool) {
        (self.engine.is_dry_run(), self.engine.is_shadow())
    }

    fn tell_mode(&mut self) {
        let (dry_run, shadow) = self.mode();
        self.tell(Kind::DryRunChanged { dry_run, shadow });
    }

    /// Takes the configuration anew. A bad one is refused: the old one stays.
    fn reload(&mut self) -> bool {
        match (self.reload)() {
            Ok(Reloaded { plan, source, target, warnings }) => {
                let before = self.mode();
                self.engine.reload(plan, source, target);
                self.tell(Kind::ConfigReloaded { warnings });
                if self.mode() != before {
                    self.tell_mode();
                }
                true
            }
            Err(problems) => {
                self.tell(Kind::ConfigRefused { problems });
                false
            }
        }
    }

    fn tell(&mut self, kind: Kind) {
        let event: Event = self.engine.event(self.clock.now(), kind);
        self.observer.observe(&event);
    }
}

/// The next check: whole intervals after the last was due; after a suspend, or a check that took too long, none is made
/// up for.
fn next_due(due: Instant, interval: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(due).as_nanos() / interval.as_nanos().max(1);
    due + interval.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1))
}

/// One check within its time, for a run that ends after it.
pub async fn check_once<M: MetricSource, T: ScaleTarget, K: LedgerKeeper>(
    engine: &mut Engine<M, T, K>,
    clock: &Clock,
) -> Vec<Event> {
    let now = clock.now();
    match clock.scope(tokio::time::timeout(DEADLINE.1, engine.check(now))).await {
        Ok(events) => events,
        Err(_) => {
            let text = format!("the check took longer than {} s and was broken off", DEADLINE.1.as_secs());
            vec![engine.check_failed(now, "time", text)]
        }
    }
}
