//! An app whose requests follow the policy's own curve exactly: so many requests a second, of which a share is slow by the
//! load of its dynos, as rows of ten seconds. Small enough to know what is right.

use std::time::Duration;

use autoscale_core::TrafficRow;
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

/// Buckets of a usual request (some 110 ms) and of a slow one (some 9 s).
const USUAL: usize = 18;
const SLOW: usize = 35;

/// A world that is checked every minute.
pub(crate) struct World {
    pub(crate) decider: Decider,
    pub(crate) now: i64,
    pub(crate) dynos: u32,
    pub(crate) max: u32,
    /// Requests a second at which 1 % of a dyno's requests are slow.
    pub(crate) carries: f64,
    /// Requests a second.
    pub(crate) load: f64,
    /// Share of requests that are slow whatever the dynos.
    pub(crate) incident: f64,
    /// Which slots of a minute tell of themselves.
    pub(crate) known: [bool; 6],
    /// Samples of all times, if there are any.
    pub(crate) samples: Vec<Sample>,
    pub(crate) maintenance: bool,
    pub(crate) dry_run: bool,
    pub(crate) shadow: bool,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            decider: Decider::new(settings),
            now: 1_700_000_000 / 60 * 60,
            dynos: 4,
            max: 20,
            carries: 15.0,
            load: 40.0,
            incident: 0.0,
            known: [true; 6],
            samples: Vec::new(),
            maintenance: false,
            dry_run: false,
            shadow: false,
        }
    }

    /// The rows of the minute up to now.
    pub(crate) fn rows(&self) -> Vec<TrafficRow> {
        let busy = self.load / (f64::from(self.dynos) * self.carries);
        let share = 1.0 / (1.0 + 99.0 * (-15.0 * busy.ln()).exp());
        let requests = (self.load * 10.0).round() as u32;
        let slow = (f64::from(requests) * share.max(self.incident)).round() as u32;
        let row = |i: i64| {
            let mut service_times = [0; 40];
            (service_times[USUAL], service_times[SLOW]) = (requests - slow, slow);
            TrafficRow {
                from: Timestamp::from_secs(self.now - 60 + 10 * i),
                requests,
                errors: 0,
                timeouts: 0,
                router_errors: 0,
                connect_ms: requests,
                service_times,
            }
        };
        (0..6).filter(|i| self.known[*i as usize]).map(row).collect()
    }

    /// A check of a minute with these rows.
    pub(crate) fn check(&mut self, rows: &[TrafficRow]) -> Decision {
        let now = Timestamp::from_secs(self.now);
        let window = Window::new(self.samples.iter().copied(), now, Duration::from_secs(1800));
        let seen = Observation::new(
            now,
            Formation { quantity: self.dynos, changed_at: None },
            Bounds::new(1, self.max).unwrap(),
            &window,
        );
        let seen = seen.traffic(rows).maintenance(self.maintenance).dry_run(self.dry_run).shadow(self.shadow);
        let decision = self.decider.decide(&seen);
        if !(self.dry_run || self.shadow) {
            self.dynos = decision.target;
        }
        decision
    }

    /// A minute, and its check.
    pub(crate) fn minute(&mut self) -> Decision {
        self.now += 60;
        let rows = self.rows();
        self.check(&rows)
    }

    pub(crate) fn minutes(&mut self, n: usize) -> Vec<Decision> {
        (0..n).map(|_| self.minute()).collect()
    }
}

/// The codes of the reasons, each once where it is repeated.
pub(crate) fn codes(decisions: &[Decision]) -> Vec<&'static str> {
    let mut codes: Vec<_> = decisions.iter().map(|d| d.reason.code()).collect();
    codes.dedup();
    codes
}
