//! One check: observe, decide, act. IO only through [`crate::engine::ports`] and [`crate::engine::store`]; time only as an
//! argument; no runtime is named.
//!
//! A check may be dropped at any `await`: what it was about to change is in the ledger before it is sent, and the next
//! check reads the formation before it decides anything.

use std::time::Duration;

use crate::config::{Config, Secret};
use crate::engine::acted::Acted;
use crate::engine::ledger::{DryRunToggle, Intent, Ledger};
use crate::engine::permit::StoreError;
use crate::engine::plausible::{LeftOut, keep_plausible, refuse_milliseconds};
use crate::engine::ports::{Failure, FormationReading, MetricSource, Reading, ScaleTarget};
use crate::engine::refusals::Refusals;
use crate::engine::store::StateStore;
use crate::engine::warnings::Warnings;
use crate::model::bounds_rule::BoundsRule;
use crate::model::decision::Decision;
use crate::model::event::{self, Check, Detail, Event, JsonSample, Kind, Stage};
use crate::model::formation::{Bounds, Formation};
use crate::model::rates::Rates;
use crate::model::sample::Sample;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;
use crate::model::traffic::{SeenBelief, TrafficRow, TrafficSeen};
use crate::model::warning::Warning;
use crate::model::window::Window;
use crate::policy::{Decider, Observation, Settings};

/// Most results that an event holds, so that no service can fill the history: a day of one each ten seconds.
const MOST_NEW: usize = 8640;

/// What an engine is told about its app.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Name of the app.
    pub app: String,
    /// Process type that is scaled.
    pub process: String,
    /// `min_dynos` and `max_dynos`.
    pub bounds: Bounds,
    /// What sets other bounds for a while, by the clock.
    pub schedules: Vec<Schedule>,
    /// What decides.
    pub settings: Settings,
    /// Time between two checks.
    pub interval: Duration,
    /// How long the app is left alone after somebody else changed its formation.
    pub manual_override: Duration,
    /// `debug`: are changes only told?
    pub debug: bool,
    /// `debug: shadow`: are decisions made beside another autoscaler, whose changes count as changes, and nothing sent?
    pub shadow: bool,
    /// Does a sandbox make the time? Then a clock far from this machine's is no fault.
    pub simulated_time: bool,
    /// The key that changes are sent with: what was refused to another one is sent again at once.
    pub api_key: Option<Secret>,
}

impl From<&Config> for Plan {
    fn from(config: &Config) -> Self {
        Self {
            app: config.heroku.app_name.clone(),
            process: config.heroku.process_type.clone(),
            bounds: config.bounds,
            schedules: config.schedules.clone(),
            settings: config.settings.clone(),
            interval: config.check_frequency,
            manual_override: config.manual_override,
            debug: config.dry_run,
            shadow: config.shadow,
            simulated_time: config.sandbox_speed.is_some(),
            api_key: config.heroku.api_key.clone(),
        }
    }
}

/// The engine of one app.
#[derive(Debug)]
pub struct Engine<M, T, S = ()> {
    pub(super) plan: Plan,
    source: M,
    pub(super) target: T,
    pub(super) store: S,
    pub(super) decider: Decider,
    pub(super) ledger: Ledger,
    /// The bounds of the check under way, and what sets others than the usual ones.
    pub(super) bounds: Bounds,
    pub(super) rules: Vec<BoundsRule>,
    /// The window of the check before: what is not in it is new.
    reported: Window,
    /// Dry run, whatever plan and toggle say.
    forced_dry_run: bool,
    /// Shadow mode, whatever plan and toggle say.
    forced_shadow: bool,
    /// Could the ledger not be kept the last time? Told once until it ends.
    not_kept: bool,
    /// Has another process taken the app over?
    lost: bool,
    /// Number of the reading that the check under way uses.
    read_seq: u64,
    /// Requests a second over the window.
    rates: Rates,
    /// What its operator is still to be told.
    warnings: Warnings,
}

impl<M: MetricSource, T: ScaleTarget, S: StateStore> Engine<M, T, S> {
    /// An engine that carries on from a ledger ([`Ledger::default`] when there is none).
    pub fn new(plan: Plan, source: M, target: T, store: S, ledger: Ledger) -> Self {
        let warnings = Warnings::default();
        let decider = remembering(&plan, &ledger, &warnings);
        let reported = Window::default();
        let mut engine = Self {
            bounds: plan.bounds,
            rules: Vec::new(),
            plan,
            source,
            target,
            store,
            decider,
            ledger,
            reported,
            forced_dry_run: false,
            forced_shadow: false,
            not_kept: false,
            lost: false,
            read_seq: 0,
            rates: Rates::default(),
            warnings,
        };
        engine.forget_toggle();
        engine.ledger.refusals.use_key(engine.plan.api_key.as_ref());
        engine
    }

    /// Sends at the next check what the platform refused before: somebody may have mended what it refused for.
    pub fn forget_refusals(&mut self) {
        self.ledger.refusals = Refusals::default();
    }

    /// A toggle counts only while `debug` is as it was then, and `debug: shadow` is neither of what it can have been.
    fn forget_toggle(&mut self) {
        if self.plan.shadow {
            self.ledger.dry_run = None;
        }
    }

    /// What it was told.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it remembers.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Are changes only told? So they are in shadow mode.
    pub fn is_dry_run(&self) -> bool {
        self.is_shadow() || self.forced_dry_run || self.ledger.is_dry_run(self.plan.debug)
    }

    /// Only tells of changes from now on, whatever the plan and a toggle say.
    pub fn force_dry_run(&mut self, forced: bool) {
        self.forced_dry_run = forced;
        self.ledger.dry_run_forced = forced;
    }

    /// Is it shadow mode: a dry run in which others' changes count as changes, and what was only decided does not?
    pub fn is_shadow(&self) -> bool {
        self.forced_shadow || self.plan.shadow
    }

    /// Shadow mode from now on, whatever the plan and a toggle say.
    pub fn force_shadow(&mut self, forced: bool) {
        self.forced_shadow = forced;
        self.ledger.shadow_forced = forced;
    }

    /// Is dry run forced, so that a toggle changes nothing? In shadow mode, too: only the configuration and the command
    /// line end it.
    pub fn is_dry_run_forced(&self) -> bool {
        self.forced_dry_run || self.is_shadow()
    }

    /// Switches dry run. Takes effect with the next check, and outlives the process.
    pub async fn set_dry_run(&mut self, on: bool) {
        self.ledger.dry_run = Some(DryRunToggle { on, debug: self.plan.debug });
        self.keep().await;
    }

    /// Takes note that the loop rests, or no longer does; outlives the process.
    pub async fn set_paused(&mut self, paused: bool) {
        self.ledger.paused = paused;
        self.keep().await;
    }

    /// Goes on with another plan, and another source and target if they are given; what the policy remembers stays.
    pub fn reload(&mut self, plan: Plan, source: Option<M>, target: Option<T>) {
        if let Some(source) = source {
            let earlier = std::mem::replace(&mut self.source, source);
            self.source.take_over(Box::new(earlier));
        }
        self.decider.set_settings(plan.settings.clone());
        self.ledger.limit = None;
        self.forget_refusals();
        self.plan = plan;
        if let Some(target) = target {
            self.target = target;
        }
        self.forget_toggle();
    }

    /// An event of this app.
    pub fn event(&self, now: Timestamp, kind: Kind) -> Event {
        Event { v: event::VERSION, at: now, app: self.plan.app.clone(), process: self.plan.process.clone(), kind }
    }

    /// One check. Never fails: what goes wrong is in the events, the last of which tells how the check ended.
    pub async fn check(&mut self, now: Timestamp) -> Vec<Event> {
        self.follow_bounds(now);
        let check = self.try_check(now).await;
        let blind = if matches!(check, Err((Stage::Metric, _))) { self.check_blind(now).await } else { None };
        let mut events = Vec::new();
        for Intent { at: sent_at, from, to } in self.ledger.take_untold(now) {
            events.push(self.event(now, Kind::ChangeConfirmed { from, to, sent_at }));
        }
        self.ledger.last_changes.clone_from(&events);
        let bounds = self.bounds_changed().map(|kind| self.event(now, kind));
        events.extend(bounds);
        if let Some(check) = blind {
            let checked = self.event(now, Kind::Checked(Box::new(check)));
            self.ledger.note_check(&checked);
            events.push(checked);
        }
        match check {
            Ok(check) => {
                let failed = std::mem::take(&mut self.ledger.failed_in_a_row);
                if failed > 0 {
                    events.push(self.event(now, Kind::Recovered { failed }));
                }
                let checked = self.event(now, Kind::Checked(Box::new(check)));
                self.ledger.note_check(&checked);
                self.ledger.last_failure = None;
                self.ledger.memory = self.decider.save();
                self.keep().await;
                events.push(checked);
            }
            Err((stage, failure)) => events.push(self.check_failed(now, stage, failure.text).await),
        }
        events
    }

    /// What is done while the metric can't be read: the formation is never left below `min_dynos`, and
    /// `on_missing_data` holds as it does where nothing is measured.
    async fn check_blind(&mut self, now: Timestamp) -> Option<Check> {
        let mut seen = self.target.formation().await.ok()?;
        self.see(now, &mut seen);
        let window = Window::default();
        let mut decider = self.decider.clone();
        let decision = decider.decide_blind(&self.observation(now, &seen, &window, &[]));
        self.decider = decider;
        self.ledger.memory = self.decider.save();
        Some(self.carry_out(now, &seen, decision?, window).await)
    }

    /// Takes note of the formation as it is read, and of a change whose answer was lost and that it shows. Its dynos are
    /// those to go by then.
    fn see(&mut self, now: Timestamp, seen: &mut FormationReading) {
        let intent = self.ledger.intent;
        seen.quantity = self.note_formation(now, seen);
        if let Some(confirmed) = intent.filter(|intent| intent.to == seen.quantity) {
            self.ledger.note_untold(confirmed);
        }
    }

    /// Counts a check that failed, and tells of it. For the loop, too, when a check exceeded its time.
    pub async fn check_failed(&mut self, now: Timestamp, stage: Stage, error: String) -> Event {
        self.ledger.failed_in_a_row = self.ledger.failed_in_a_row.saturating_add(1);
        let unanswered = self.ledger.intent.map(|intent| [intent.from, intent.to]);
        let kind = Kind::CheckFailed { stage, error, in_a_row: self.ledger.failed_in_a_row, unanswered };
        let event = self.event(now, kind);
        self.ledger.last_failure = Some(event.clone());
        self.keep().await;
        event
    }

    /// Counts a check, or what else the loop was doing, that a defect of the program broke off, and tells of it.
    /// `restart_in`: when the loop checks again.
    pub async fn crashed(&mut self, now: Timestamp, error: String, restart_in: Option<Duration>) -> Event {
        self.ledger.failed_in_a_row = self.ledger.failed_in_a_row.saturating_add(1);
        let restart_in_s = restart_in.map(|span| span.as_secs_f64());
        let event = self.event(now, Kind::Crashed { error, in_a_row: self.ledger.failed_in_a_row, restart_in_s });
        self.ledger.last_failure = Some(event.clone());
        self.keep().await;
        event
    }

    /// What its operator should know and was not told yet: its own, and those of its source, target and store.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let mut warnings = self.warnings.take();
        warnings.extend(self.source.warnings());
        warnings.extend(self.target.warnings());
        warnings.extend(self.store.warnings());
        warnings
    }

    /// Adds to what its operator should know; the same is not told a second time.
    pub fn warn(&self, code: &'static str, text: impl Into<String>) {
        self.warnings.add_once(code, text);
    }

    /// Has another process taken the app over? Then nothing may be sent any more, and its loop is to end.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// How long, in real time, no check should be made: see [`StateStore::settles_in`].
    pub fn settles_in(&self) -> Duration {
        self.store.settles_in()
    }

    /// Carries on from the ledger as a new process would: what else was in memory may be what a defect left half done.
    pub fn carry_on(&mut self) {
        self.reported = Window::default();
        self.decider = remembering(&self.plan, &self.ledger, &self.warnings);
    }

    async fn try_check(&mut self, now: Timestamp) -> Result<Check, (Stage, Failure)> {
        let reading = self.read_samples(now).await.map_err(|failure| (Stage::Metric, failure))?;
        self.read_seq = reading.seq;
        let mut seen = self.target.formation().await.map_err(|failure| (Stage::Formation, failure))?;
        self.see(now, &mut seen);
        self.ledger.forget_changes_before(now - self.plan.settings.period);

        let (dated, window) = self.windows(reading.samples, now);
        // What is remembered becomes so with the event, or with a change that is sent: a check that is broken off before
        // decides nothing that counts.
        let mut decider = self.decider.clone();
        let decision = decider.decide(&self.observation(now, &seen, &window, &reading.traffic));
        self.decider = decider;
        self.rates.note(&reading.traffic, now, self.plan.settings.period);
        // The policy has been shown them: shown again, requests would count twice.
        self.source.acknowledge(self.read_seq);
        let new_samples = self.report_new(dated);
        let mut check = self.carry_out(now, &seen, decision, window).await;
        check.new_samples = new_samples;
        check.traffic = traffic_seen(reading.traffic, &decision);
        Ok(check)
    }

    /// What the policy is shown.
    fn observation<'a>(
        &self,
        now: Timestamp,
        seen: &FormationReading,
        window: &'a Window,
        traffic: &'a [TrafficRow],
    ) -> Observation<'a> {
        let formation = Formation { quantity: seen.quantity, changed_at: self.ledger.changed_at };
        Observation::new(now, formation, self.bounds, window)
            .interval(self.plan.interval)
            .traffic(traffic)
            .effective_max(self.ledger.limit_dynos())
            .maintenance(seen.maintenance)
            .override_until(self.ledger.override_until)
            .dry_run(self.is_dry_run())
            .shadow(self.is_shadow())
    }

    /// Carries a decision out, and tells what was seen, decided and done; but for the results and requests that are new.
    async fn carry_out(
        &mut self,
        now: Timestamp,
        seen: &FormationReading,
        decision: Decision,
        window: Window,
    ) -> Check {
        let changed_at = self.ledger.changed_at;
        let effective_max = self.bounds.max().min(self.ledger.limit_dynos().unwrap_or(u32::MAX));
        let Acted { outcome, applied, error } = self.act(now, &decision, seen).await;
        Check {
            dynos: seen.quantity,
            changed_at,
            min: self.bounds.min(),
            max: self.bounds.max(),
            mean_ms: decision.evidence.mean_ms,
            trend_ms_per_s: decision.evidence.trend.map(|trend| trend.slope),
            new_samples: Vec::new(),
            effective_max,
            maintenance: seen.maintenance,
            override_until: self.ledger.override_until,
            policy: self.plan.settings.policy,
            action: decision.action(),
            target: decision.target,
            shadow: self.is_shadow(),
            reason: decision.reason.into(),
            outcome,
            applied,
            error,
            load: decision.evidence.belief.map(|b| [b.load_dynos, b.load_low, b.load_high]),
            traffic: None,
            size: seen.size.clone(),
            bounds_by: self.rules.clone(),
            detail: Some(Detail {
                window,
                decision,
                formation: self.ledger.changes.clone(),
                requests: self.rates.per_second(),
                low_high_ms: (self.plan.settings.response_time_low, self.plan.settings.response_time_high),
                from: now - self.plan.settings.period,
            }),
        }
    }

    /// Takes note of the formation. In shadow mode changes by others are what it is there for, and start no override.
    fn note_formation(&mut self, now: Timestamp, seen: &FormationReading) -> u32 {
        if self.is_shadow() {
            return self.ledger.note_formation(now, seen, Duration::ZERO);
        }
        let before = self.ledger.override_until;
        let quantity = self.ledger.note_formation(now, seen, self.plan.manual_override);
        if !self.is_dry_run() {
            self.ledger.shadow_advised = false;
        } else if self.ledger.override_until > before && !std::mem::replace(&mut self.ledger.shadow_advised, true) {
            let text = format!(
                "somebody else changed the formation, and this dry run stands aside for {} min after each such change; \
                 if another autoscaler scales the app, use --shadow (or `debug: shadow`): it decides at every check",
                (self.plan.manual_override.as_secs_f64() / 60.0).ceil()
            );
            self.warnings.add(Warning::SHADOW_ADVISED, text);
        }
        quantity
    }

    /// Reads the window, as the service's results are dated.
    async fn read_samples(&mut self, local: Timestamp) -> Result<Reading, Failure> {
        let period = self.plan.settings.period;
        let to = self.ledger.service_clock.theirs(local);
        let mut reading = self.source.samples(to - period, to).await?;
        refuse_milliseconds(&reading.samples)?;
        let Some(server) = reading.server_time else { return Ok(reading) };
        let clock = &mut self.ledger.service_clock;
        if let Some(question) = clock.note(local, server, &reading.samples, period, self.plan.simulated_time)
            && let Ok(again) = self.source.samples(question.from, question.to).await
            && clock.confirm(local, question, &again.samples)
        {
            reading = again;
        }
        if let Some(text) = clock.warning().filter(|_| !self.plan.simulated_time) {
            self.warnings.add(Warning::CLOCK, text);
        }
        Ok(reading)
    }

    /// The results of a reading, as they are dated, and by the local clock.
    fn windows(&self, mut samples: Vec<Sample>, now: Timestamp) -> (Window, Window) {
        let (clock, period) = (self.ledger.service_clock, self.plan.settings.period);
        for LeftOut { kind, text } in keep_plausible(&mut samples, clock.theirs(now)).into_iter().flatten() {
            if !self.plan.simulated_time {
                self.warnings.add_kind(Warning::UNREADABLE_SAMPLES, kind, text);
            }
        }
        let theirs = Window::new(samples, clock.theirs(now), period);
        if clock.is_ours() {
            return (theirs.clone(), theirs);
        }
        let ours = theirs.samples().iter().map(|sample| sample.dated(clock.ours(sample.at)));
        let ours = Window::new(ours, now, period);
        (theirs, ours)
    }

    /// The results that no earlier check has reported. Both windows are sorted: one pass.
    fn report_new(&mut self, window: Window) -> Vec<JsonSample> {
        let clock = self.ledger.service_clock;
        let mut old = self.reported.samples().iter().peekable();
        let is_new = |sample: &&Sample| {
            while old.next_if(|o| o.order(sample).is_lt()).is_some() {}
            old.next_if(|o| o.order(sample).is_eq()).is_none()
        };
        let since = self.ledger.reported_until.filter(|_| self.reported.samples().is_empty());
        let mut new: Vec<_> = window
            .samples()
            .iter()
            .filter(is_new)
            .filter(|sample| since.is_none_or(|since| sample.at > since))
            .map(|sample| JsonSample(sample.dated(clock.ours(sample.at))))
            .collect();
        self.ledger.reported_until = window.newest_at().or(self.ledger.reported_until);
        self.reported = window;
        let more = new.len().saturating_sub(MOST_NEW);
        if more > 0 {
            let text = format!(
                "{} new results at once: the event of the check holds the newest {MOST_NEW} of them; all are decided on",
                new.len()
            );
            self.warnings.add_kind(Warning::UNREADABLE_SAMPLES, "many", text);
            new.drain(..more);
        }
        new
    }

    /// Saves the ledger.
    pub(super) async fn keep(&mut self) {
        let kept = self.store.save(&self.ledger).await;
        self.note_kept(kept.as_ref().err());
    }

    /// Takes note of how saving went, and says so when that changes.
    pub(super) fn note_kept(&mut self, error: Option<&StoreError>) {
        match error {
            Some(StoreError::Lost) => self.lost = true,
            Some(StoreError::Away(_)) => return,
            Some(error) if !self.not_kept => {
                self.warnings.add(Warning::STATE, format!("the state can't be kept; scaling goes on: {error}"));
            }
            None if self.not_kept => self.warnings.add(Warning::STATE, "the state is kept again"),
            _ => {}
        }
        self.not_kept = error.is_some();
    }
}

/// A policy that remembers what the ledger says.
fn remembering(plan: &Plan, ledger: &Ledger, warnings: &Warnings) -> Decider {
    if ledger.memory.is_empty() {
        return Decider::new(plan.settings.clone());
    }
    Decider::restore(plan.settings.clone(), &ledger.memory).unwrap_or_else(|error| {
        warnings.add(Warning::STARTS_AFRESH, format!("the policy starts afresh: {error}"));
        Decider::new(plan.settings.clone())
    })
}

/// What a check was shown of the requests, and what the policy makes of them.
fn traffic_seen(rows: Vec<TrafficRow>, decision: &Decision) -> Option<Box<TrafficSeen>> {
    let belief = decision.evidence.traffic.as_ref().map(SeenBelief::from);
    TrafficSeen::of(rows).map(|seen| Box::new(TrafficSeen { belief, ..seen }))
}
