//! An app under a policy, check by check: what the tests of the policies script. One check a minute, one result at each.

use std::time::Duration;

use autoscale_core::workspace::decision::{Action, Decision};
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, PolicyKind, Settings};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

/// What the result of a minute is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Result {
    Ms(f64),
    Timeout,
    Error,
    Nothing,
}

pub(crate) struct Watched {
    pub(crate) decider: Decider,
    pub(crate) n: u32,
    pub(crate) bounds: (u32, u32),
    pub(crate) effective_max: Option<u32>,
    pub(crate) interval: Duration,
    pub(crate) maintenance: bool,
    pub(crate) override_until: Option<Timestamp>,
    pub(crate) dry_run: bool,
    pub(crate) shadow: bool,
    pub(crate) changed_at: Option<Timestamp>,
    /// Does the formation follow what is decided?
    pub(crate) obeys: bool,
    pub(crate) minute: i64,
    pub(crate) results: Vec<Sample>,
}

/// A minute of the script.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + 60 * minute)
}

pub(crate) fn minutes(m: u64) -> Duration {
    Duration::from_secs(60 * m)
}

/// Under the threshold policy's defaults: 500 and 2000 ms, trends ±0.5 ms/s, cool-down before a removal 10 minutes.
pub(crate) fn threshold(n: u32) -> Watched {
    threshold_with(n, |_| {})
}

pub(crate) fn threshold_with(n: u32, set: impl FnOnce(&mut Settings)) -> Watched {
    let mut settings = Settings::new(PolicyKind::Threshold);
    set(&mut settings);
    Watched {
        decider: Decider::new(settings),
        n,
        bounds: (1, 20),
        effective_max: None,
        interval: minutes(1),
        maintenance: false,
        override_until: None,
        dry_run: false,
        shadow: false,
        changed_at: None,
        obeys: true,
        minute: 0,
        results: Vec::new(),
    }
}

impl Watched {
    /// A minute later: its result comes in and the app is checked.
    pub(crate) fn check(&mut self, result: Result) -> Decision {
        self.pass(result);
        self.check_now()
    }

    /// A minute passes without a check.
    pub(crate) fn pass(&mut self, result: Result) {
        self.minute += 1;
        let at = at(self.minute);
        self.results.extend(match result {
            Result::Ms(ms) => Sample::up(at, ms),
            Result::Timeout => Some(Sample::down(at, DownCause::Timeout)),
            Result::Error => Some(Sample::down(at, DownCause::Error)),
            Result::Nothing => None,
        });
    }

    pub(crate) fn check_now(&mut self) -> Decision {
        let now = at(self.minute);
        let window = Window::new(self.results.iter().copied(), now, self.decider.settings().period);
        let decision = self.decider.decide(
            &Observation::new(
                now,
                Formation { quantity: self.n, changed_at: self.changed_at },
                Bounds::new(self.bounds.0, self.bounds.1).unwrap(),
                &window,
            )
            .interval(self.interval)
            .effective_max(self.effective_max)
            .maintenance(self.maintenance)
            .override_until(self.override_until)
            .dry_run(self.dry_run)
            .shadow(self.shadow),
        );
        if self.obeys {
            self.n = decision.target;
        }
        decision
    }

    /// Results of minutes in which nothing is checked.
    pub(crate) fn history(&mut self, ms: &[f64]) {
        for ms in ms {
            self.pass(Result::Ms(*ms));
        }
    }

    /// Checks minute by minute until something is to be changed; at most 24 hours.
    pub(crate) fn until_change(&mut self, ms: f64) -> Decision {
        (0..1440).map(|_| self.check(Result::Ms(ms))).find(|d| d.action() != Action::Hold).expect("a change")
    }

    /// The codes of the decisions over the next results.
    pub(crate) fn codes(&mut self, ms: &[f64]) -> Vec<&'static str> {
        ms.iter().map(|ms| self.check(Result::Ms(*ms)).reason.code()).collect()
    }
}

/// "3 → 4 above_high", "4 steady".
pub(crate) fn short(d: &Decision) -> String {
    let code = d.reason.code();
    if d.target == d.from { format!("{} {code}", d.from) } else { format!("{} → {} {code}", d.from, d.target) }
}
