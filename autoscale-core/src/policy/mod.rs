//! The common ground of both policies: what precedes them (switched off, maintenance, manual override, missing data,
//! bounds), what they are shown, and what is remembered from check to check. No IO, no clock, no configuration text.
//!
//! [`Decider`] is a policy with its memory. At each check it is shown an [`Observation`], works out the facts that both
//! policies need ([`View`]), and answers with a [`Decision`]. Given its memory it is pure.

mod adaptive;
mod threshold;
mod view;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Evidence};
use crate::formation::{Bounds, Formation};
use crate::reason::Reason;
use crate::time::Timestamp;
use crate::window::Window;

pub use adaptive::Adaptive;
pub use threshold::Threshold;
pub use view::{Change, View};

/// How long successful reads must bring nothing recent before it counts as missing data (POLICY, common ground).
const MISSING_AFTER: Duration = Duration::from_secs(600);

/// Which rule decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// Bounds and trend: what the 2012 README documents, its directions put right.
    #[default]
    Threshold,
    /// A Bayesian filter of the load.
    Adaptive,
}

impl PolicyKind {
    /// "threshold" or "adaptive".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Adaptive => "adaptive",
        }
    }
}

/// What a successful but empty or stale read means after ten minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnMissingData {
    /// Keep the formation.
    #[default]
    Hold,
    /// Go to the most dynos there may be.
    Max,
}

/// What the operator set, as far as it decides.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Which rule decides.
    pub policy: PolicyKind,
    /// L, ms: faster than this and dynos can go.
    pub response_time_low: f64,
    /// H, ms: slower than this is too slow.
    pub response_time_high: f64,
    /// ms per second, below zero: falling faster than this and a dyno can go.
    pub trend_low: f64,
    /// ms per second, above zero: rising faster than this and a dyno is added.
    pub trend_high: f64,
    /// How far back results are looked at (`pingdom_check_period`).
    pub period: Duration,
    /// From asking for a dyno to its serving.
    pub boot_time: Duration,
    /// Least time from the last change to an add.
    pub cooldown_up: Duration,
    /// Least time from the last change to a removal.
    pub cooldown_down: Duration,
    /// Most dynos added at once.
    pub max_step_up: Option<u32>,
    /// Most dynos removed at once.
    pub max_step_down: Option<u32>,
    /// adaptive: what a slow request costs against a dyno.
    pub slow_weight: f64,
    /// What missing data means.
    pub on_missing_data: OnMissingData,
}

impl Settings {
    /// The defaults under a policy.
    pub fn new(policy: PolicyKind) -> Self {
        let minutes = |m: u64| Duration::from_secs(60 * m);
        Self {
            policy,
            response_time_low: 500.0,
            response_time_high: 2000.0,
            trend_low: -0.5,
            trend_high: 0.5,
            period: minutes(30),
            boot_time: minutes(1),
            cooldown_up: Duration::ZERO,
            cooldown_down: match policy {
                PolicyKind::Threshold => minutes(10),
                PolicyKind::Adaptive => minutes(2),
            },
            max_step_up: None,
            max_step_down: None,
            slow_weight: 15.0,
            on_missing_data: OnMissingData::Hold,
        }
    }
}

/// What is seen at a check.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// When.
    pub now: Timestamp,
    /// How many dynos there are, and since when; with `changed_at` unknown it is taken from what earlier checks showed.
    pub formation: Formation,
    /// `min_dynos` and `max_dynos`.
    pub bounds: Bounds,
    /// A limit that the platform named, if it is below `max_dynos`.
    pub effective_max: Option<u32>,
    /// Time between two checks.
    pub interval: Duration,
    /// Results, at most [`Settings::period`] old.
    pub window: &'a Window,
    /// Is the app in maintenance mode?
    pub maintenance: bool,
    /// Until when the loop leaves the app alone, because somebody else changed the formation.
    pub override_until: Option<Timestamp>,
    /// Are decisions only told, not carried out? Then the last one that would have changed something counts as a change.
    pub dry_run: bool,
}

/// A rule that decides where the common ground leaves it to it.
pub(crate) trait Policy {
    /// Takes note of what is seen: at every check but those of an app that is switched off or in maintenance.
    fn observe(&mut self, view: &View<'_>);

    /// Decides, right after [`Policy::observe`] of the same view: the dynos to have, why, and what it rests on.
    fn decide(&mut self, view: &View<'_>) -> Verdict;
}

/// A rule's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) target: u32,
    pub(crate) reason: Reason,
    pub(crate) evidence: Evidence,
}

impl Verdict {
    /// The formation stays as it is.
    pub(crate) fn hold(view: &View<'_>, reason: Reason) -> Self {
        Self::to(view, view.n, reason)
    }

    /// The formation becomes `target`.
    pub(crate) fn to(view: &View<'_>, target: u32, reason: Reason) -> Self {
        Self { target, reason, evidence: view.evidence() }
    }

    /// A waiting time that stands in the way ends at `until`.
    pub(crate) fn waiting(mut self, until: Timestamp) -> Self {
        self.evidence.wait_until = Some(until);
        self
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Rule {
    Threshold(Threshold),
    Adaptive(Box<Adaptive>),
}

impl Rule {
    fn new(settings: &Settings) -> Self {
        match settings.policy {
            PolicyKind::Threshold => Self::Threshold(Threshold::default()),
            PolicyKind::Adaptive => Self::Adaptive(Box::new(Adaptive::new())),
        }
    }

    fn kind(&self) -> PolicyKind {
        match self {
            Self::Threshold(_) => PolicyKind::Threshold,
            Self::Adaptive(_) => PolicyKind::Adaptive,
        }
    }

    fn policy(&mut self) -> &mut dyn Policy {
        match self {
            Self::Threshold(rule) => rule,
            Self::Adaptive(rule) => rule.as_mut(),
        }
    }
}

/// What the common ground remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// The check before.
    last: Option<LastCheck>,
    /// When the quantity last changed as the checks showed it: used where the observation does not say.
    changed_at: Option<Timestamp>,
    /// Dry run: when a change was last wanted.
    would_have_changed_at: Option<Timestamp>,
    /// Since when successful reads brought nothing recent.
    missing_since: Option<Timestamp>,
    /// In maintenance since this check.
    maintenance_since: Option<Timestamp>,
    /// Past maintenances, from the last check before to the first check after; only those that the window reaches.
    maintenances: Vec<(Timestamp, Timestamp)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct LastCheck {
    at: Timestamp,
    dynos: u32,
    target: u32,
}

/// A policy with its memory. See the module's page.
#[derive(Clone, Debug)]
pub struct Decider {
    settings: Settings,
    memory: Memory,
    rule: Rule,
}

impl Decider {
    /// One that remembers nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { memory: Memory::default(), rule: Rule::new(&settings), settings }
    }

    /// What it decides by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Decides by other settings from now on. What was remembered stays, except by a rule that no longer decides.
    pub fn set_settings(&mut self, settings: Settings) {
        if settings.policy != self.rule.kind() {
            self.rule = Rule::new(&settings);
        }
        self.settings = settings;
    }

    /// Decides. Never fails: where nothing can be said, the formation stays as it is.
    pub fn decide(&mut self, seen: &Observation<'_>) -> Decision {
        let n = seen.formation.quantity;
        let change = self.memory.note_change(seen);
        let verdict = self.verdict(seen, change);
        self.memory.last = Some(LastCheck { at: seen.now, dynos: n, target: verdict.target });
        if verdict.target != n && seen.dry_run {
            self.memory.would_have_changed_at = Some(seen.now);
        }
        Decision { from: n, target: verdict.target, reason: verdict.reason, evidence: verdict.evidence }
    }

    fn verdict(&mut self, seen: &Observation<'_>, change: Option<Change>) -> Verdict {
        let now = seen.now;
        let n = seen.formation.quantity;
        self.memory.note_maintenance(seen, self.settings.period);
        let window = self.memory.without_maintenance(seen.window);
        let changed = self.memory.last_change(seen);
        let view = View::new(&self.settings, seen, &window, changed, change);
        if n == 0 {
            return Verdict::hold(&view, Reason::SwitchedOff);
        }
        if seen.maintenance {
            return Verdict::hold(&view, Reason::Maintenance);
        }
        self.rule.policy().observe(&view);
        let missing = self.memory.missing_for(&view);

        if let Some(until) = seen.override_until.filter(|until| *until > now) {
            return Verdict::hold(&view, Reason::ManualOverride { remaining: view.until(until) }).waiting(until);
        }
        match missing {
            None => {}
            Some(lasted) if lasted < MISSING_AFTER => {
                let newest = view.window.newest_at().map(|at| view.age(at));
                return Verdict::hold(&view, Reason::NoData { newest });
            }
            Some(lasted) => {
                let to_max = self.settings.on_missing_data == OnMissingData::Max;
                let target = if to_max { view.max.max(n) } else { n };
                return Verdict::to(&view, target, Reason::MissingData { lasted, to_max });
            }
        }
        let (min, max) = (seen.bounds.min(), seen.bounds.max());
        if n < min {
            return Verdict::to(&view, min, Reason::BelowMin { min });
        }
        if n > max {
            return if view.app_is_over {
                Verdict::hold(&view, Reason::AboveMaxButSlow { max })
            } else {
                Verdict::to(&view, max.max(n - (n / 3).max(1)), Reason::AboveMax { max })
            };
        }
        let mut verdict = self.rule.policy().decide(&view);
        debug_assert!((min..=view.max).contains(&verdict.target), "{verdict:?} leaves {min}..={}", view.max);
        verdict.target = verdict.target.clamp(min, view.max);
        verdict
    }
}

impl Memory {
    /// Takes note of a quantity that differs from the check before (in dry run: of a change that was wanted), and says
    /// what changed.
    fn note_change(&mut self, seen: &Observation<'_>) -> Option<Change> {
        let last = self.last?;
        let n = seen.formation.quantity;
        if n != last.dynos {
            self.changed_at = Some(if last.target == n { last.at } else { seen.now });
            Some(Change { at: last.at, from: last.dynos, to: n })
        } else if seen.dry_run && last.target != last.dynos {
            Some(Change { at: last.at, from: last.dynos, to: last.target })
        } else {
            None
        }
    }

    /// When the formation last changed, the end of a maintenance and (in dry run) a wanted change counted as changes.
    fn last_change(&self, seen: &Observation<'_>) -> Option<Timestamp> {
        let formation = seen.formation.changed_at.or(self.changed_at);
        let would_be = self.would_have_changed_at.filter(|_| seen.dry_run);
        let maintenance = self.maintenances.last().map(|(_, end)| *end);
        formation.max(would_be).max(maintenance)
    }

    /// Keeps the spans of past maintenances: from the last check before it, since it began some time after that, to the
    /// first check after it.
    fn note_maintenance(&mut self, seen: &Observation<'_>, period: Duration) {
        if seen.maintenance {
            let before = self.last.map_or(seen.now, |last| last.at);
            self.maintenance_since.get_or_insert(before);
        } else if let Some(start) = self.maintenance_since.take() {
            self.maintenances.push((start, seen.now));
        }
        // The last one stays: its end is a change.
        while self.maintenances.len() > 1 && self.maintenances[0].1 < seen.now - period {
            self.maintenances.remove(0);
        }
    }

    fn without_maintenance<'a>(&self, window: &'a Window) -> Cow<'a, Window> {
        let during = |at: Timestamp| self.maintenances.iter().any(|(start, end)| *start <= at && at <= *end);
        if self.maintenances.is_empty() {
            return Cow::Borrowed(window);
        }
        let mut rest = window.clone();
        rest.retain(|s| !during(s.at));
        Cow::Owned(rest)
    }

    /// How long successful reads have brought nothing recent; `None` when this one did.
    fn missing_for(&mut self, view: &View<'_>) -> Option<Duration> {
        if !view.is_stale() {
            self.missing_since = None;
            return None;
        }
        Some(view.age(*self.missing_since.get_or_insert(view.now)))
    }
}

// ---- memory as bytes

/// First bytes of a saved memory, with the version of its form.
const MAGIC: &[u8; 8] = b"autosc\x00\x01";

/// A saved memory that can't be read: not one, of another version, or broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a saved policy memory of this version, or damaged")]
pub struct CorruptMemory;

impl Decider {
    /// What it remembers, as bytes for [`Decider::restore`]. Exact: a restored policy decides as this one would.
    pub fn save(&self) -> Vec<u8> {
        let body = postcard::to_allocvec(&(&self.memory, &self.rule)).expect("memory to memory");
        [MAGIC.as_slice(), &checksum(&body).to_le_bytes(), &body].concat()
    }

    /// A policy that remembers what was saved. Memory of a rule other than `settings` names is left out.
    ///
    /// # Errors
    /// [`CorruptMemory`] where the bytes are not what [`Decider::save`] gave.
    pub fn restore(settings: Settings, saved: &[u8]) -> Result<Self, CorruptMemory> {
        let rest = saved.strip_prefix(MAGIC).ok_or(CorruptMemory)?;
        let (sum, body) = rest.split_first_chunk::<8>().ok_or(CorruptMemory)?;
        if u64::from_le_bytes(*sum) != checksum(body) {
            return Err(CorruptMemory);
        }
        let (memory, rule): (Memory, Rule) = postcard::from_bytes(body).map_err(|_| CorruptMemory)?;
        if let Rule::Adaptive(adaptive) = &rule
            && !adaptive.is_sound()
        {
            return Err(CorruptMemory);
        }
        let mut decider = Self { rule, memory, settings: settings.clone() };
        decider.set_settings(settings);
        Ok(decider)
    }
}

/// FNV-1a (public domain): against damage, not against malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
