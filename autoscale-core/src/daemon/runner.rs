//! The loop of one app: waits until a check is due, runs it, listens to commands, and starts again after a defect of the
//! program. Several apps are several loops, none of which can delay or end another. Decides nothing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::clock::{Clock, later};
use crate::engine::commands::{Commands as _, HELD, Order, Waiting};
use crate::engine::defect;
use crate::engine::permit::StoreError;
use crate::engine::ports::{MetricSource, Observer, ScaleTarget};
use crate::engine::store::StateStore;
use crate::engine::{AnyCommands, AnySource, AnyStore, AnyTarget, Engine, Plan};
use crate::model::event::{Event, Kind, Stage};
use crate::model::warning::Warning;

/// The part of an interval that a check may take.
const DEADLINE_SHARE: f64 = 0.8;
/// No check gets less time than this, however fast the sandbox runs; nor more than the second, however rare checks are.
const DEADLINE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(120));

/// How long a loop waits after a defect, on its clock: the first time, doubled with each further one until a check goes
/// through, and at most.
const RESTART_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Time between two checks at least where reloads follow each other, on the app's clock.
const CHECKS_APART: Duration = Duration::from_secs(3);

/// How long notices and pictures that are under way may take after the end: the whole stop takes less than a second.
const FAREWELL: Duration = Duration::from_millis(600);

/// What a loop can be told.
#[derive(Debug)]
pub enum Command {
    /// Check at once, also while it is paused.
    CheckNow,
    /// Make no more checks until [`Command::Resume`].
    Pause,
    /// Make checks again, the first at once.
    Resume,
    /// Report changes without applying them, or apply them again.
    SetDryRun(bool),
    /// Go on with another configuration.
    Reload(Box<Reload>),
    /// Report that a new configuration can't be used, and why; the old one stays.
    Refuse(Vec<String>),
    /// End; what is in flight is cancelled.
    Stop,
}

/// Another configuration, ready to be used.
pub struct Reload {
    /// What the engine needs to know of it.
    pub plan: Plan,
    /// Where measurements come from now; `None`: from where they came before.
    pub source: Option<AnySource>,
    /// What is scaled now; `None`: what was scaled before.
    pub target: Option<AnyTarget>,
    /// Warnings of the configuration.
    pub warnings: Vec<String>,
    /// Time until the next check, on the app's clock.
    pub check_after: Duration,
    /// What else changes with it, right before the event.
    pub apply: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// The engine of an app whose parts were chosen at run time.
pub type AnyEngine = Engine<AnySource, AnyTarget, AnyStore>;

/// The loop of one app.
pub struct AppLoop {
    /// Its engine.
    pub engine: AnyEngine,
    /// Its clock.
    pub clock: Clock,
    /// Time from the start to the first check, on its clock.
    pub first_after: Duration,
    /// Receives its events.
    pub observer: Box<dyn Observer>,
    /// What an earlier process did and died before it told.
    pub untold: Vec<Event>,
    /// Where what an operator asks of the app waits.
    pub operator: AnyCommands,
}

impl std::fmt::Debug for AppLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppLoop").field("first_after", &self.first_after).finish_non_exhaustive()
    }
}

/// How often the loop looks for what an operator asks, and how long a look may take: real time.
const LOOK_EVERY: Duration = Duration::from_secs(4);
const LOOK_WITHIN: Duration = Duration::from_secs(10);

/// How long after the moment at which other bounds hold the check comes, and when two moments are the same: real time.
const BOUNDS_AFTER: Duration = Duration::from_millis(20);
const SAME_MOMENT: Duration = Duration::from_millis(500);

/// How the wait for the next check, or a check itself, ended.
enum Turn {
    Due,
    Told(Command),
    /// Time to look for what an operator asks.
    Look,
}

/// What a loop has in mind; outlives a defect.
struct Agenda {
    /// When the next check is due by the interval.
    due: Instant,
    /// A check that an operator asked for, also while the loop rests.
    asked: bool,
    /// A check out of turn, which does not move the others: many apps keep their distance from each other.
    at_once: bool,
    /// When the last check began.
    checked: Option<Instant>,
    rests: bool,
    /// After a defect or a reload: until then the loop makes no check that nobody asks for.
    not_before: Option<Instant>,
    /// Defects since a check last went through.
    defects: u32,
    /// What the observer knows of the next check.
    told_due: Option<Option<Instant>>,
    /// When the loop looks next for what an operator asks.
    look: Instant,
    /// When other bounds hold next.
    bounds: Option<Instant>,
}

impl AppLoop {
    /// Runs until it is told to stop, or nobody is left who could tell it. A defect of the program does not end it: it
    /// tells of that, waits, and carries on from its ledger.
    pub async fn run(self, commands: mpsc::UnboundedReceiver<Command>) {
        self.clock.scope(self.run_on_clock(commands)).await;
    }

    async fn run_on_clock(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut agenda = Agenda {
            due: later(self.clock.real(self.first_after)),
            asked: false,
            at_once: false,
            checked: None,
            rests: self.engine.ledger().paused,
            not_before: Some(self.engine.settles_in()).filter(|wait| !wait.is_zero()).map(later),
            defects: 0,
            told_due: None,
            look: Instant::now(),
            bounds: None,
        };
        self.engine.forget_refusals();
        for event in std::mem::take(&mut self.untold) {
            let event = Arc::new(event);
            unharmed(&self.engine, || self.observer.observe(&event));
        }
        let (dry_run, shadow) = self.mode();
        self.tell(Kind::Started { dry_run, shadow });
        if agenda.rests {
            self.tell(Kind::Paused);
        }
        self.tell_warnings();
        loop {
            // Nothing that it leaves half done is used again: the engine carries on from its ledger.
            let ended = AssertUnwindSafe(self.follow(&mut agenda, &mut commands)).catch_unwind().await;
            match ended {
                Ok(()) => break,
                Err(panic) => self.start_again(&mut agenda, defect::text(&*panic)).await,
            }
        }
        self.tell(Kind::Stopped);
        self.observer.finish(FAREWELL).await;
        self.tell_warnings();
    }

    /// Checks when it is due and does what it is told, until it is told to stop.
    async fn follow(&mut self, agenda: &mut Agenda, commands: &mut mpsc::UnboundedReceiver<Command>) {
        loop {
            self.note_next_bounds(agenda);
            let due = agenda.bounds.map_or(agenda.due, |bounds| bounds.min(agenda.due));
            let due = if agenda.at_once { due.min(Instant::now()) } else { due };
            let wake = agenda.not_before.map_or(due, |earliest| earliest.max(due));
            let next = (!agenda.rests).then_some(wake);
            if agenda.told_due != Some(next) {
                agenda.told_due = Some(next);
                let after = next.map(|due| due.saturating_duration_since(Instant::now()));
                unharmed(&self.engine, || self.observer.next_check(after));
            }
            let turn = tokio::select! {
                biased;
                command = commands.recv() => Turn::Told(command.unwrap_or(Command::Stop)),
                () = std::future::ready(()), if agenda.asked => Turn::Due,
                () = sleep_until(wake), if !agenda.rests => Turn::Due,
                () = sleep_until(agenda.look) => Turn::Look,
            };
            let told = match turn {
                Turn::Due | Turn::Told(Command::CheckNow) => {
                    agenda.asked = false;
                    agenda.checked = Some(Instant::now());
                    let interval = self.clock.real(self.engine.plan().interval);
                    let told = self.check(commands, interval).await;
                    if agenda.due <= Instant::now() {
                        agenda.due = next_due(agenda.due, interval, Instant::now());
                    }
                    // A check that was broken off is made up for, under what was told.
                    agenda.at_once = told.is_some();
                    if told.is_none() {
                        (agenda.not_before, agenda.defects) = (None, 0);
                    }
                    told
                }
                Turn::Told(command) => Some(command),
                Turn::Look => {
                    agenda.look = later(LOOK_EVERY);
                    self.obey(agenda).await;
                    None
                }
            };
            self.tell_warnings();
            if self.engine.is_lost() {
                return;
            }
            match told {
                None | Some(Command::CheckNow) => {}
                Some(Command::Stop) => return,
                Some(Command::Pause) if !agenda.rests => {
                    agenda.rests = true;
                    self.rest(true).await;
                }
                Some(Command::Resume) => self.resume(agenda).await,
                Some(Command::Pause) => {}
                Some(Command::SetDryRun(on)) => self.set_dry_run(on).await,
                Some(Command::Refuse(problems)) => self.tell(Kind::ConfigRefused { problems }),
                Some(Command::Reload(reload)) => {
                    let before = self.clock.real(self.engine.plan().interval);
                    let earliest = later(self.clock.real(reload.check_after));
                    self.reload(*reload);
                    let interval = self.clock.real(self.engine.plan().interval);
                    agenda.due =
                        next_due(agenda.due.checked_sub(before).unwrap_or(agenda.due), interval, Instant::now());
                    let apart = agenda.checked.and_then(|at| at.checked_add(self.clock.real(CHECKS_APART)));
                    let earliest = apart.map_or(earliest, |apart| apart.max(earliest));
                    (agenda.at_once, agenda.not_before) = (true, Some(earliest.min(agenda.due)));
                }
            }
        }
    }

    /// Does what an operator asks of the app, and puts away what is done.
    async fn obey(&mut self, agenda: &mut Agenda) {
        let late = || StoreError::Unavailable(format!("no answer within {} s", LOOK_WITHIN.as_secs()));
        let waiting = timeout_at(later(LOOK_WITHIN), self.operator.waiting()).await.unwrap_or_else(|_| Err(late()));
        let waiting = waiting.unwrap_or_else(|error| {
            self.engine.warn(Warning::COMMAND, format!("commands can't be read; scaling goes on: {error}"));
            Vec::new()
        });
        for Waiting { id, order } in waiting {
            match order {
                Order::Pause if !agenda.rests => {
                    agenda.rests = true;
                    self.rest(true).await;
                }
                Order::Pause => {}
                Order::Resume => self.resume(agenda).await,
                Order::Check => agenda.asked = true,
                Order::Pin { .. } | Order::Floor { .. } => self.hold_bounds(agenda, order).await,
            }
            let done = timeout_at(later(LOOK_WITHIN), self.operator.done(&id)).await.unwrap_or_else(|_| Err(late()));
            if let Err(error) = done {
                let text = format!("{} is carried out, and can't be put away: {error}", order.name());
                self.engine.warn(Warning::COMMAND, text);
            }
        }
    }

    /// Ends a pause, and the bounds that an operator asked for; the next check comes at once.
    async fn resume(&mut self, agenda: &mut Agenda) {
        let held = self.engine.release_bounds().await;
        if !agenda.rests && !held {
            return;
        }
        if std::mem::take(&mut agenda.rests) {
            self.rest(false).await;
        }
        (agenda.at_once, agenda.not_before) = (true, None);
    }

    /// Takes an operator's bounds into force with a check at once.
    async fn hold_bounds(&mut self, agenda: &mut Agenda, order: Order) {
        let Some(rule) = order.bounds() else { return };
        if !rule.min.is_some_and(|dynos| HELD.contains(&dynos)) {
            let text = format!("{rule} is not carried out: give {} to {} dynos", HELD.start(), HELD.end());
            self.engine.warn(Warning::COMMAND, text);
            return;
        }
        if rule.until.is_none_or(|until| until <= self.clock.now()) {
            self.engine
                .warn(Warning::COMMAND, format!("{rule} had ended before it was taken up: it is not carried out"));
            return;
        }
        if agenda.rests {
            let text = format!("{rule} has no effect while the app is paused, and `autoscale resume` ends it as well");
            self.engine.warn(Warning::COMMAND, text);
        }
        self.engine.hold_bounds(rule).await;
        (agenda.at_once, agenda.not_before) = (true, None);
    }

    /// Finds when other bounds hold next. What is known of it stays as it is while it says the same but for the time that
    /// it takes to ask.
    fn note_next_bounds(&self, agenda: &mut Agenda) {
        let now = self.clock.now();
        let next = self.engine.next_bounds(now).map(|at| {
            // A moment later, so that it has come by this clock as well.
            let span = Duration::from_secs_f64(at.seconds_since(now).max(0.0));
            later(self.clock.real(span).saturating_add(BOUNDS_AFTER))
        });
        let same = |(a, b): (Instant, Instant)| a.max(b) - a.min(b) < SAME_MOMENT;
        if !agenda.bounds.zip(next).is_some_and(same) {
            agenda.bounds = next;
        }
    }

    /// Tells of a defect, and lets the loop go on after a wait, from its ledger.
    async fn start_again(&mut self, agenda: &mut Agenda, error: String) {
        let (first, longest) = RESTART_AFTER;
        let wait = first.saturating_mul(2_u32.saturating_pow(agenda.defects)).min(longest);
        agenda.defects = agenda.defects.saturating_add(1);
        agenda.not_before = Some(later(self.clock.real(wait)));
        agenda.at_once = true;
        // Both run the code that may have the defect.
        let checks_after = (!self.engine.ledger().paused).then_some(wait);
        let crashed = AssertUnwindSafe(self.engine.crashed(self.clock.now(), error, checks_after)).catch_unwind().await;
        match crashed {
            Ok(event) => unharmed(&self.engine, || self.observer.observe(&Arc::new(event))),
            Err(panic) => unharmed(&self.engine, || std::panic::resume_unwind(panic)),
        }
        if let Err(error) = defect::caught(|| self.engine.carry_on()) {
            self.engine.warn(Warning::DEFECT, format!("a defect of autoscale, please report it: {error}"));
        }
        agenda.rests = self.engine.ledger().paused;
    }

    /// One check within its time. A command other than [`Command::CheckNow`] breaks it off and is returned.
    async fn check(&mut self, commands: &mut mpsc::UnboundedReceiver<Command>, interval: Duration) -> Option<Command> {
        let allowed = interval.mul_f64(DEADLINE_SHARE).clamp(DEADLINE.0, DEADLINE.1);
        let now = self.clock.now();
        let events = {
            let check = timeout_at(later(allowed), self.engine.check(now));
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
        let events = match events {
            Ok(events) => events,
            Err(_) => {
                let text = format!("the check took longer than {} s and was broken off", allowed.as_secs());
                vec![self.engine.check_failed(now, Stage::Time, text).await]
            }
        };
        self.tell_warnings();
        for event in events {
            let event = Arc::new(event);
            unharmed(&self.engine, || self.observer.observe(&event));
        }
        None
    }

    async fn rest(&mut self, rests: bool) {
        self.engine.set_paused(rests).await;
        self.tell(if rests { Kind::Paused } else { Kind::Resumed });
    }

    async fn set_dry_run(&mut self, on: bool) {
        if self.engine.is_dry_run_forced() {
            // Said again, for a switch that was moved and has to move back.
            self.tell_mode();
        } else if on != self.engine.is_dry_run() {
            self.engine.set_dry_run(on).await;
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

    /// Goes on with another configuration.
    fn reload(&mut self, reload: Reload) {
        let Reload { plan, source, target, warnings, apply, .. } = reload;
        let before = self.mode();
        self.engine.reload(plan, source, target);
        unharmed(&self.engine, apply);
        self.tell(Kind::ConfigReloaded { warnings });
        if self.mode() != before {
            self.tell_mode();
        }
    }

    /// What the parts of the app have to say to its operator.
    pub(super) fn tell_warnings(&mut self) {
        for warning in self.warnings() {
            self.tell(Kind::Warning(warning));
        }
    }

    /// What the parts of the app have to say to its operator, and those who listen.
    pub(super) fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings = self.engine.take_warnings();
        warnings.extend(self.operator.warnings());
        match defect::caught(|| self.observer.warnings()) {
            Ok(of_observers) => warnings.extend(of_observers),
            Err(error) => tracing::debug!("warnings of an observer: {error}"),
        }
        warnings
    }

    fn tell(&mut self, kind: Kind) {
        let event = Arc::new(self.engine.event(self.clock.now(), kind));
        unharmed(&self.engine, || self.observer.observe(&event));
    }
}

/// Runs what scaling must not depend on: those who listen may have defects of their own.
fn unharmed(engine: &AnyEngine, run: impl FnOnce()) {
    if let Err(error) = defect::caught(run) {
        engine.warn(Warning::DEFECT, format!("a defect of autoscale, please report it; scaling goes on: {error}"));
    }
}

/// The next check: whole intervals after the last was due; after a suspend, or a check that took too long, none is made
/// up for.
fn next_due(due: Instant, interval: Duration, now: Instant) -> Instant {
    let missed = now.saturating_duration_since(due).as_nanos() / interval.as_nanos().max(1);
    let ahead = interval.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX).saturating_add(1));
    due.checked_add(ahead).unwrap_or_else(|| later(interval))
}

/// One check within its time, for a run that ends after it. A defect of the program is an event as well.
pub async fn check_once<M: MetricSource, T: ScaleTarget, S: StateStore>(
    engine: &mut Engine<M, T, S>,
    clock: &Clock,
) -> Vec<Event> {
    let now = clock.now();
    // As in a loop, the engine is of use afterwards: it carries on from its ledger.
    let check = clock.scope(tokio::time::timeout(DEADLINE.1, engine.check(now)));
    match AssertUnwindSafe(check).catch_unwind().await {
        Err(panic) => {
            let event = engine.crashed(now, defect::text(&*panic), None).await;
            engine.carry_on();
            vec![event]
        }
        Ok(Ok(events)) => events,
        Ok(Err(_)) => {
            let text = format!("the check took longer than {} s and was broken off", DEADLINE.1.as_secs());
            vec![engine.check_failed(now, Stage::Time, text).await]
        }
    }
}
