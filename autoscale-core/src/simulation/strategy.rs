//! Who can be put to the test in a closed loop: the policies, and what they are measured against.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use crate::model::sample::Sample;
use crate::model::window::Trend;
use crate::policy::{Decider, Observation, PolicyKind, Settings};

use super::closed_loop::Scenario;
use super::prototype::Prototype;
use super::report::Report;

/// Who decides in a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// One of the policies.
    Policy(PolicyKind),
    /// The rule of 2012, as that daemon carried it out: each five minutes, on half an hour.
    Original,
    /// The first prototype of the adaptive policy.
    Prototype,
    /// One who sees the load that is to come.
    Clairvoyant,
    /// No autoscaling: so many dynos all along.
    Fixed(u32),
}

/// Most dynos of [`Strategy::Fixed`].
const MOST_FIXED: u32 = 1000;

impl Strategy {
    /// All that decide something: without [`Strategy::Fixed`].
    pub const ALL: [Self; 6] = [
        Self::Policy(PolicyKind::Threshold),
        Self::Policy(PolicyKind::Adaptive),
        Self::Policy(PolicyKind::Traffic),
        Self::Original,
        Self::Prototype,
        Self::Clairvoyant,
    ];

    /// "threshold", "adaptive", "traffic", "2012", "prototype", "clairvoyant" or "fixed=8".
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::Policy(kind) => kind.name().into(),
            Self::Original => "2012".into(),
            Self::Prototype => "prototype".into(),
            Self::Clairvoyant => "clairvoyant".into(),
            Self::Fixed(dynos) => format!("fixed={dynos}").into(),
        }
    }

    /// Goes through a scenario, the policies with `settings`, the scenario's interval and its period. `progress` is told now and
    /// then how much is done, from 0 to 1.
    pub fn play(self, scenario: &Scenario, settings: &Settings, progress: impl FnMut(f64)) -> Report {
        match self {
            Self::Policy(kind) => {
                let mut settings = settings.clone();
                settings.period = scenario.period;
                if settings.policy != kind {
                    // Cool-downs were set, or left at their defaults, for the other one; so was a weight that is its default.
                    if settings.slow_weight == Settings::new(settings.policy).slow_weight {
                        settings.slow_weight = Settings::new(kind).slow_weight;
                    }
                    settings.cooldown_up = Settings::new(kind).cooldown_up;
                    settings.cooldown_down = Settings::new(kind).cooldown_down;
                    settings.cooldown_down_trial = Settings::new(kind).cooldown_down_trial;
                    settings.policy = kind;
                }
                let mut decider = Decider::new(settings);
                scenario.run(|seen| decider.decide(seen).target, progress)
            }
            Self::Original => {
                let rule = Original::from(settings);
                let minutes = |m: u64| Duration::from_secs(60 * m);
                let scenario = Scenario { interval: minutes(5), period: minutes(30), ..scenario.clone() };
                scenario.run(|seen| rule.target(seen), progress)
            }
            Self::Prototype => {
                let mut prototype = Prototype::new(settings.response_time_high, settings.slow_weight);
                scenario.run(|seen| prototype.target(seen), progress)
            }
            Self::Clairvoyant => {
                let plan = scenario.clairvoyant();
                let scenario = Scenario { interval: Duration::from_secs(60), ..scenario.clone() };
                let mut plan = plan.into_iter().skip(1);
                scenario.run(|seen| plan.next().unwrap_or(seen.formation.quantity), progress)
            }
            Self::Fixed(dynos) => scenario.run_fixed(dynos, progress),
        }
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let fixed =
            || name.strip_prefix("fixed=")?.parse().ok().filter(|n| (1..=MOST_FIXED).contains(n)).map(Self::Fixed);
        Self::ALL.into_iter().find(|strategy| strategy.name() == name).or_else(fixed).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!(
                "{name:?} can't be compared: write one or more of {names}, fixed=N (1 to {MOST_FIXED} dynos), with commas \
                 between"
            )
        })
    }
}

/// The rule of 2012: mean and slope of the answered results of half an hour, a dyno more or less.
#[derive(Clone, Copy, Debug)]
struct Original {
    low: f64,
    high: f64,
    trend_low: f64,
    trend_high: f64,
}

impl From<&Settings> for Original {
    fn from(settings: &Settings) -> Self {
        Self {
            low: settings.response_time_low,
            high: settings.response_time_high,
            trend_low: settings.trend_low,
            trend_high: settings.trend_high,
        }
    }
}

impl Original {
    /// Fast: a dyno less, but only while it gets faster still. Slow: a dyno more, but only while it gets slower still.
    /// Between: by the slope.
    fn target(&self, seen: &Observation<'_>) -> u32 {
        let n = seen.formation.quantity;
        let ups = || seen.window.samples().iter().filter_map(Sample::up_ms);
        let count = ups().count();
        if count == 0 {
            return n;
        }
        let mean = ups().sum::<f64>() / count as f64;
        let slope = Trend::fit(seen.window.samples()).map_or(0.0, |trend| trend.slope);
        let (rises, falls) = match mean {
            mean if mean < self.low => (false, slope < 0.0),
            mean if mean < self.high => (slope > self.trend_high, slope < self.trend_low),
            _ => (slope > 0.0, false),
        };
        n + u32::from(rises) - u32::from(falls && n > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::formation::{Bounds, Formation};
    use crate::model::sample::Sample;
    use crate::model::time::Timestamp;
    use crate::model::window::Window;

    #[test]
    fn the_rule_of_2012_adds_none_on_a_flat_plateau_and_takes_none_back_from_a_flat_idle() {
        let rule = Original::from(&Settings::new(PolicyKind::Threshold));
        let target = |ms: [f64; 3]| {
            let at = |minute: i64| Timestamp::from_secs(60 * minute);
            let samples = ms.into_iter().zip(1..).filter_map(|(ms, minute)| Sample::up(at(minute), ms));
            let window = Window::new(samples, at(4), Duration::from_secs(1800));
            rule.target(
                &Observation::new(
                    at(4),
                    Formation { quantity: 3, changed_at: None },
                    Bounds::new(1, 10).unwrap(),
                    &window,
                )
                .interval(Duration::from_secs(300)),
            )
        };
        assert_eq!([target([5000.0; 3]), target([5000.0, 5000.0, 5001.0])], [3, 4]);
        assert_eq!([target([100.0; 3]), target([100.0, 100.0, 99.0])], [3, 2]);
        assert_eq!([target([900.0, 1000.0, 1100.0]), target([1100.0, 1000.0, 900.0])], [4, 2]);
        assert_eq!(target([1000.0, 1010.0, 1020.0]), 3);
    }

    #[test]
    fn a_strategy_is_known_by_its_name() {
        for strategy in Strategy::ALL.into_iter().chain([Strategy::Fixed(1), Strategy::Fixed(1000)]) {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
        for name in ["fixed", "fixed=", "fixed=0", "fixed=1001", "fixed=-1"] {
            assert!(name.parse::<Strategy>().is_err(), "{name}");
        }
        assert_eq!(
            "2013".parse::<Strategy>(),
            Err("\"2013\" can't be compared: write one or more of threshold, adaptive, traffic, 2012, prototype, clairvoyant, \
                 fixed=N (1 to 1000 dynos), with commas between"
                .into())
        );
    }
}
