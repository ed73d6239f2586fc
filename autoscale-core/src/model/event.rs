//! What happened: the one record that every face, the history and the graph consume, and its JSON. Fields only get
//! added. Nothing here decides or does anything.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::bounds_rule::{BoundsRule, listed, note, range};
use crate::model::decision::{Action, Decision};
use crate::model::policy_kind::PolicyKind;
use crate::model::reason::{Class, GivenReason};
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficSeen;
use crate::model::units::Dynos;
use crate::model::units::Span;
use crate::model::warning::Warning;
use crate::model::window::Window;

/// Version of the events' JSON.
pub const VERSION: u32 = 1;

/// Something that happened to one app.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// Version of the form: [`VERSION`].
    pub v: u32,
    /// When.
    pub at: Timestamp,
    /// Which app.
    pub app: String,
    /// Which of its process types.
    pub process: String,
    /// What.
    #[serde(flatten)]
    pub kind: Kind,
}

impl Event {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match &self.kind {
            Kind::CheckFailed { .. } | Kind::Crashed { .. } | Kind::ConfigRefused { .. } => Severity::Error,
            Kind::Warning(_) => Severity::Warning,
            Kind::Checked(check) => match check.outcome {
                Outcome::Failed | Outcome::Limited => Severity::Warning,
                Outcome::Held | Outcome::Scaled | Outcome::WouldScale => Severity::Info,
            },
            Kind::ConfigReloaded { warnings } if !warnings.is_empty() => Severity::Warning,
            Kind::ChangeConfirmed { .. }
            | Kind::Recovered { .. }
            | Kind::Started { .. }
            | Kind::Stopped
            | Kind::Paused
            | Kind::Resumed
            | Kind::DryRunChanged { .. }
            | Kind::BoundsChanged { .. }
            | Kind::ConfigReloaded { .. } => Severity::Info,
        }
    }

    /// As one line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("an event's fields all have a form in JSON")
    }
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Kind {
    /// A check was carried out.
    Checked(Box<Check>),
    /// A check could not be carried out: something could not be read. The formation stayed as it was.
    CheckFailed {
        /// What could not be done.
        #[serde(rename = "what")]
        stage: Stage,
        /// Why, and what to mend.
        error: String,
        /// How many checks in a row have failed now.
        in_a_row: u32,
        /// A change that was sent and whose answer is not known: dynos before and after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unanswered: Option<[u32; 2]>,
    },
    /// A change that was sent at an earlier check has been carried out; that check could not tell: its answer was lost, or
    /// it was broken off. Comes before the check that saw it.
    ChangeConfirmed {
        /// Dynos before.
        from: u32,
        /// Dynos after.
        to: u32,
        /// When it was sent.
        sent_at: Timestamp,
    },
    /// A defect of the program broke off what the loop was doing. The loop starts again by itself; other apps are not
    /// affected.
    Crashed {
        /// What the defect says of itself, and where it is.
        error: String,
        /// How many checks in a row have failed now, this one included.
        in_a_row: u32,
        /// Seconds until the loop checks again; absent where it rests, and for a single check, after which nothing runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restart_in_s: Option<f64>,
    },
    /// Something that an operator should know, although nothing failed.
    Warning(Warning),
    /// Checks work again.
    Recovered {
        /// How many failed in a row before.
        failed: u32,
    },
    /// The loop runs.
    Started {
        /// Are changes only told?
        dry_run: bool,
        /// Is that shadow mode? Then `dry_run` is true as well.
        #[serde(default, skip_serializing_if = "is_false")]
        shadow: bool,
    },
    /// The loop has ended.
    Stopped,
    /// The loop was told to rest.
    Paused,
    /// The loop goes on.
    Resumed,
    /// Dry run or shadow mode was switched.
    DryRunChanged {
        /// Are changes only told?
        dry_run: bool,
        /// Is that shadow mode? Then `dry_run` is true as well.
        #[serde(default, skip_serializing_if = "is_false")]
        shadow: bool,
    },
    /// Other bounds hold than before: a schedule begins or ends, or an operator asked for them.
    BoundsChanged {
        /// The fewest dynos.
        min: u32,
        /// The most dynos.
        max: u32,
        /// What sets them; empty where `min_dynos` and `max_dynos` hold again.
        by: Vec<BoundsRule>,
    },
    /// A new configuration is in force.
    ConfigReloaded {
        /// Its warnings.
        warnings: Vec<String>,
    },
    /// A new configuration was refused; the old one stays.
    ConfigRefused {
        /// What is wrong with it.
        problems: Vec<String>,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

/// What a check was doing when it failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the metric source.
    Metric,
    /// Reading the formation.
    Formation,
    /// It took too long.
    Time,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

/// How much an event matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Something failed.
    Error,
    /// Something needs a look.
    Warning,
    /// Something happened.
    Info,
}

/// One check: what was seen, what was decided, what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    /// Dynos there were.
    pub dynos: u32,
    /// When their number last changed.
    pub changed_at: Option<Timestamp>,
    /// The fewest dynos at this check: `min_dynos`, or what `bounds_by` says.
    pub min: u32,
    /// The most dynos at this check: `max_dynos`, or what `bounds_by` says.
    pub max: u32,
    /// Mean response time that was judged, ms.
    pub mean_ms: Option<f64>,
    /// Trend of response times, ms per second.
    pub trend_ms_per_s: Option<f64>,
    /// Results that no earlier check has reported.
    pub new_samples: Vec<JsonSample>,
    /// The most dynos there may be now: `max_dynos`, or a lower limit that the platform named.
    pub effective_max: u32,
    /// Was the app in maintenance mode?
    pub maintenance: bool,
    /// Until when the loop leaves the app alone.
    pub override_until: Option<Timestamp>,
    /// Which policy decided.
    pub policy: PolicyKind,
    /// The direction of the decision.
    pub action: Action,
    /// Dynos there should be. In shadow mode these are ours, and `dynos` are theirs.
    pub target: u32,
    /// Shadow mode: was the check decided beside another autoscaler, whose changes count as changes, and nothing sent?
    #[serde(default, skip_serializing_if = "is_false")]
    pub shadow: bool,
    /// Why.
    pub reason: GivenReason,
    /// What came of it.
    pub outcome: Outcome,
    /// Dynos there are after the check, as far as the platform said.
    pub applied: u32,
    /// Why the outcome is `failed` or `limited`, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Believed load in dynos with its 10 % and 90 % quantiles; only under the adaptive policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<[f64; 3]>,
    /// Requests as a router counted them; only where the metric source counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Box<TrafficSeen>>,
    /// Size of the dynos, where the platform has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// What sets other bounds than `min_dynos` and `max_dynos`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds_by: Vec<BoundsRule>,
    /// What is too large for the JSON form, for graphs; absent in a check that was read back.
    #[serde(skip)]
    pub detail: Option<Detail>,
}

/// What a graph needs beyond the JSON form.
#[derive(Clone, Debug)]
pub struct Detail {
    /// All results that were looked at.
    pub window: Window,
    /// The decision, with its evidence.
    pub decision: Decision,
    /// Changes of the formation within the window, oldest first: when, and the quantity from then on. The first entry
    /// holds for all time before.
    pub formation: Vec<(Timestamp, u32)>,
    /// Start of each row of requests within the window, and its requests a second, oldest first.
    pub requests: Vec<(Timestamp, f64)>,
    /// The low and the high bound, ms.
    pub low_high_ms: (f64, f64),
    /// Start of the window that was looked at.
    pub from: Timestamp,
}

/// What came of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing was to be changed.
    Held,
    /// The formation was changed.
    Scaled,
    /// Dry run or shadow mode: the formation would have been changed.
    WouldScale,
    /// The platform allowed less than was asked for.
    Limited,
    /// The platform refused, or could not be reached.
    Failed,
}

/// A result in the form `[t, ms, "up|timeout|error"]`; `ms` is null for a down one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct JsonSample(pub Sample);

impl Serialize for JsonSample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.at, self.0.up_ms(), self.0.status().name()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonSample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (at, ms, kind) = <(Timestamp, Option<f64>, String)>::deserialize(deserializer)?;
        let sample = kind.parse().ok().and_then(|status| Sample::of(at, status, ms.unwrap_or_default()));
        sample.map(Self).ok_or_else(|| serde::de::Error::custom(format!("[…, {ms:?}, {kind:?}] is no result")))
    }
}

impl Check {
    /// Does the app need more dynos, that can't be had or don't help?
    pub fn wants_in_vain(&self) -> bool {
        (self.outcome == Outcome::Held && self.reason.mark().wants_in_vain()) || self.outcome == Outcome::Limited
    }

    /// Is the app itself down, so that nothing was changed?
    pub fn says_down(&self) -> bool {
        self.outcome == Outcome::Held && self.reason.class() == Some(Class::Failing)
    }
}

/// One sentence for logs and people: which app, what happened, why.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.app, self.process)?;
        match &self.kind {
            Kind::Checked(check) => check.fmt(f),
            Kind::CheckFailed { error, in_a_row, unanswered, .. } => {
                f.write_str("check failed")?;
                if *in_a_row > 1 {
                    write!(f, " ({in_a_row} in a row)")?;
                }
                match unanswered {
                    None => f.write_str(", dynos left as they are")?,
                    Some([from, to]) => write!(f, ", and the answer to the change {from} → {} is lost", Dynos(*to))?,
                }
                write!(f, ": {error}")
            }
            Kind::Crashed { error, in_a_row, restart_in_s } => {
                f.write_str("crashed")?;
                if *in_a_row > 1 {
                    write!(f, " ({in_a_row} failures in a row)")?;
                }
                if let Some(seconds) = restart_in_s {
                    write!(f, ", restarts in {}", Span::of_secs(*seconds))?;
                }
                write!(f, ": {error}; this is a defect of autoscale, please report it")
            }
            Kind::ChangeConfirmed { from, to, .. } => {
                write!(f, "{from} → {}: sent at an earlier check, and only now known to have been made", Dynos(*to))
            }
            Kind::Warning(warning) => warning.fmt(f),
            Kind::Recovered { failed: 1 } => f.write_str("checks work again, after one that failed"),
            Kind::Recovered { failed } => write!(f, "checks work again, after {failed} that failed"),
            Kind::Started { shadow: true, .. } => {
                f.write_str("started in shadow mode: changes nothing, and decides on the formation as others set it")
            }
            Kind::Started { dry_run: true, .. } => f.write_str("started in dry run: nothing will be changed"),
            Kind::Started { dry_run: false, .. } => f.write_str("started"),
            Kind::Stopped => f.write_str("stopped"),
            Kind::Paused => f.write_str("paused: no checks until it is resumed"),
            Kind::Resumed => f.write_str("resumed"),
            Kind::DryRunChanged { shadow: true, .. } => {
                f.write_str("shadow mode on: changes nothing, and decides on the formation as others set it")
            }
            Kind::DryRunChanged { dry_run: true, .. } => f.write_str("dry run on: changes are told, not made"),
            Kind::DryRunChanged { dry_run: false, .. } => f.write_str("dry run off: changes are made"),
            Kind::BoundsChanged { min, max, by } if by.is_empty() => {
                write!(f, "the usual bounds hold again: {}", range(*min, *max))
            }
            Kind::BoundsChanged { min, max, by } => write!(f, "bounds are now {}: {}", range(*min, *max), listed(by)),
            Kind::ConfigReloaded { warnings } if warnings.is_empty() => f.write_str("configuration reloaded"),
            Kind::ConfigReloaded { warnings } => write!(f, "configuration reloaded: {}", warnings.join("; ")),
            Kind::ConfigRefused { problems } => {
                write!(f, "new configuration refused, the old one stays: {}", problems.join("; "))
            }
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to, why) = (self.dynos, self.target, &self.reason);
        let error = self.error.as_deref().unwrap_or("no reason given");
        match self.outcome {
            Outcome::Held | Outcome::WouldScale if self.shadow => write!(f, "shadow: theirs {from}, ours {to}: {why}"),
            Outcome::Held => write!(f, "{}: {why}", Dynos(from)),
            Outcome::Scaled => write!(f, "{from} → {}: {why}", Dynos(to)),
            Outcome::WouldScale => write!(f, "would scale {from} → {} (dry run): {why}", Dynos(to)),
            Outcome::Limited if self.applied == from => {
                write!(f, "stays at {}, {to} wanted ({why}): {error}", Dynos(from))
            }
            Outcome::Limited => {
                write!(f, "{from} → {}, {to} wanted ({why}): {error}", Dynos(self.applied))
            }
            Outcome::Failed => write!(f, "{from} → {} failed: {error} (wanted because: {why})", Dynos(to)),
        }?;
        f.write_str(&note(self.min, self.max, &self.bounds_by))
    }
}
