//! What a picture of a check shows, taken from an event or from a decision. Draws nothing.

use crate::config::Settings;
use crate::model::bounds_rule::BoundsRule;
use crate::model::decision::Decision;
use crate::model::event::{Check, Event, Kind, Outcome};
use crate::model::formation::{Bounds, Formation};
use crate::model::sample::Sample;
use crate::model::time::Timestamp;

/// What is drawn: one app at one check.
#[derive(Clone, PartialEq, Debug)]
pub struct Picture {
    /// Name of the app.
    pub app: String,
    /// Its process type.
    pub process: String,
    /// Start of the time that is drawn.
    pub from: Timestamp,
    /// When it was decided: the end of the time that is drawn.
    pub at: Timestamp,
    /// Results, in any order; those outside of `from..=at` are left out.
    pub samples: Vec<Sample>,
    /// Requests a second in rows of ten seconds, by their start, oldest first; rows that nobody counted are absent. Empty
    /// where the source does not count requests.
    pub requests: Vec<(Timestamp, f64)>,
    /// The low and the high bound, ms.
    pub low_high_ms: (f64, f64),
    /// Changes of the formation, oldest first: when, and the quantity from then on. The first entry holds for all time
    /// before.
    pub formation: Vec<(Timestamp, u32)>,
    /// The fewest and the most dynos that there may be.
    pub bounds: Bounds,
    /// What sets other bounds than the usual ones.
    pub bounds_by: Vec<BoundsRule>,
    /// The most that the platform allows, where that is less.
    pub effective_max: Option<u32>,
    /// What was decided, and on what.
    pub decision: Decision,
    /// What came of it: `None` where nobody was asked to carry it out.
    pub outcome: Option<Outcome>,
    /// Shadow mode: the formation is another autoscaler's, and what was decided is only compared with it.
    pub shadow: bool,
    /// Dynos there are after the check.
    pub applied: u32,
    /// Why the outcome is a failure or less than was asked for.
    pub error: Option<String>,
}

impl Picture {
    /// Of a check that was just carried out. `None` for other events, and for a check that was read back from its JSON,
    /// which lacks [`Check::detail`].
    pub fn of_event(event: &Event) -> Option<Self> {
        let Kind::Checked(check) = &event.kind else { return None };
        let Check { min, max, effective_max, outcome, shadow, applied, .. } = **check;
        let detail = check.detail.as_ref()?;
        Some(Self {
            app: event.app.clone(),
            process: event.process.clone(),
            from: detail.from,
            at: event.at,
            samples: detail.window.samples().to_vec(),
            requests: detail.requests.clone(),
            low_high_ms: detail.low_high_ms,
            formation: detail.formation.clone(),
            bounds: Bounds::new(min, max)?,
            bounds_by: check.bounds_by.clone(),
            effective_max: (effective_max < max).then_some(effective_max),
            decision: detail.decision,
            outcome: Some(outcome),
            shadow,
            applied,
            error: check.error.clone(),
        })
    }

    /// Of a decision that nobody was asked to carry out, over the period that `settings` look at. The app has no name:
    /// set [`Picture::app`] and [`Picture::process`] to give it one.
    pub fn of_decision(
        at: Timestamp,
        samples: impl IntoIterator<Item = Sample>,
        formation: Formation,
        bounds: Bounds,
        settings: &Settings,
        decision: Decision,
    ) -> Self {
        Self {
            app: String::new(),
            process: String::new(),
            from: at - settings.period,
            at,
            samples: samples.into_iter().collect(),
            requests: Vec::new(),
            low_high_ms: (settings.response_time_low, settings.response_time_high),
            formation: vec![(formation.changed_at.unwrap_or(at), formation.quantity)],
            bounds,
            bounds_by: Vec::new(),
            effective_max: None,
            decision,
            outcome: None,
            shadow: false,
            applied: formation.quantity,
            error: None,
        }
    }

    /// Is there a panel of requests?
    pub(super) fn counts_requests(&self) -> bool {
        self.decision.evidence.traffic.is_some() || !self.requests.is_empty()
    }

    /// The results that are drawn, oldest first.
    pub(super) fn shown(&self) -> Vec<Sample> {
        shown(&self.samples, self.from, self.at)
    }
}

/// The results within a time, both ends included, oldest first.
pub(super) fn shown(samples: &[Sample], from: Timestamp, to: Timestamp) -> Vec<Sample> {
    let mut shown: Vec<_> = samples.iter().filter(|s| from <= s.at && s.at <= to).copied().collect();
    shown.sort_by(Sample::order);
    shown
}
