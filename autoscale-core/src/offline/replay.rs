//! What a configuration would have decided on recorded results, in virtual time: no IO, no clock.
//! The loop is open: the results are those that were measured, whatever is decided, so that nothing here says what other
//! dynos would have cost or how fast they would have been. (The closed loop, in which they answer, is
//! `simulation::closed_loop`'s.)

use std::time::Duration;

use crate::config::Config;
use crate::model::bounds_rule::{BoundsRule, bounds_with, rules_at};
use crate::model::decision::{Action, Decision};
use crate::model::formation::{Bounds, Formation};
use crate::model::sample::Sample;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;
use crate::model::window::Window;
use crate::offline::recording::Recording;
use crate::policy::{Decider, Observation, Settings};

/// What decides: the part of a configuration that matters here.
#[derive(Clone, PartialEq, Debug)]
pub struct Replayer {
    /// What decides.
    pub settings: Settings,
    /// `min_dynos` and `max_dynos`.
    pub bounds: Bounds,
    /// What sets other bounds for a while, by the clock.
    pub schedules: Vec<Schedule>,
    /// Time between two checks. A history brings the times of its own checks.
    pub interval: Duration,
}

/// A check that was played again.
#[derive(Clone, PartialEq, Debug)]
pub struct Replayed {
    /// When.
    pub at: Timestamp,
    /// What is decided now.
    pub decision: Decision,
    /// What was decided then: the dynos and the code of the reason. Only a history knows it.
    pub recorded: Option<(u32, String)>,
}

impl Replayed {
    /// Is the decision the recorded one, in its dynos and its reason? `None` where none was recorded.
    pub fn is_as_recorded(&self) -> Option<bool> {
        let (target, code) = self.recorded.as_ref()?;
        Some((*target, code.as_str()) == (self.decision.target, self.decision.reason.code()))
    }
}

impl From<&Config> for Replayer {
    fn from(config: &Config) -> Self {
        let (settings, schedules) = (config.settings.clone(), config.schedules.clone());
        Self { settings, bounds: config.bounds, schedules, interval: config.check_frequency }
    }
}

impl Replayer {
    /// Decides again at each check of a history, on what was seen then: the same results, formation, limits, overrides.
    /// With the configuration of that time, and a history that is told from its start, the decisions are the same ones.
    /// `progress` is told how much is done, from 0 to 1.
    pub fn replay_history(&self, recording: &Recording, progress: impl FnMut(f64)) -> Vec<Replayed> {
        self.replay(recording, progress).1
    }

    /// The policy with what it would remember at the end of a history: for a loop whose state is lost.
    pub fn remember(&self, recording: &Recording) -> Decider {
        self.replay(recording, |_| {}).0
    }

    fn replay(&self, recording: &Recording, mut progress: impl FnMut(f64)) -> (Decider, Vec<Replayed>) {
        let mut decider = Decider::new(self.settings.clone());
        let mut known: Vec<Sample> = Vec::new();
        let mut window = Window::default();
        let mut replayed = Vec::with_capacity(recording.checks.len());
        for check in &recording.checks {
            let (now, period) = (check.at, self.settings.period);
            known.extend(&check.new_samples);
            known.retain(|sample| now - period <= sample.at);
            window.fill(known.iter().copied(), now, period);
            let decision = decider.decide(
                &Observation::new(
                    now,
                    Formation { quantity: check.dynos, changed_at: check.changed_at },
                    self.bounds_at(now, &check.held),
                    &window,
                )
                .interval(self.interval)
                .traffic(&check.traffic)
                .effective_max(check.limit)
                .maintenance(check.maintenance)
                .override_until(check.override_until)
                .dry_run(check.dry_run)
                .shadow(check.shadow),
            );
            replayed.push(Replayed { at: now, decision, recorded: Some((check.target, check.code.clone())) });
            progress(replayed.len() as f64 / recording.checks.len() as f64);
        }
        (decider, replayed)
    }

    /// The bounds at a moment: those of schedules, and what an operator had asked for.
    fn bounds_at(&self, now: Timestamp, held: &[BoundsRule]) -> Bounds {
        let mut rules = rules_at(&self.schedules, now);
        rules.extend(held.iter().cloned());
        bounds_with(self.bounds, &rules)
    }

    /// Decides at each interval from the first result to the last, from so many dynos on; the formation is what was
    /// decided before. `samples` are sorted by [`Sample::order`]. `progress` as for [`Replayer::replay_history`].
    pub fn replay_samples(&self, samples: &[Sample], dynos: u32, mut progress: impl FnMut(f64)) -> Vec<Replayed> {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
        let mut decider = Decider::new(self.settings.clone());
        let mut formation = Formation { quantity: dynos, changed_at: None };
        let mut window = Window::default();
        let mut replayed = Vec::new();
        let interval = self.interval.max(Duration::from_secs(1));
        let mut now = first.at + interval;
        loop {
            // The last check sees the last result, also where the recording is shorter than an interval.
            let is_last = last.at <= now;
            now = if is_last && replayed.is_empty() { last.at } else { now };
            let from = samples.partition_point(|sample| sample.at < now - self.settings.period);
            let to = samples.partition_point(|sample| sample.at <= now);
            window.fill(samples[from..to].iter().copied(), now, self.settings.period);
            let decision = decider
                .decide(&Observation::new(now, formation, self.bounds_at(now, &[]), &window).interval(self.interval));
            if decision.action() != Action::Hold {
                formation = Formation { quantity: decision.target, changed_at: Some(now) };
            }
            replayed.push(Replayed { at: now, decision, recorded: None });
            progress(now.seconds_since(first.at) / last.at.seconds_since(first.at));
            if is_last {
                return replayed;
            }
            now = now + interval;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::recording;
    use crate::policy::PolicyKind;

    fn replayer() -> Replayer {
        let settings = Settings::new(PolicyKind::Threshold);
        let (bounds, interval) = (Bounds::new(1, 10).unwrap(), Duration::from_secs(300));
        Replayer { settings, bounds, schedules: Vec::new(), interval }
    }

    /// A result a minute.
    fn minutes(ms: impl IntoIterator<Item = f64>) -> Vec<Sample> {
        ms.into_iter().zip(0..).filter_map(|(ms, minute)| Sample::up(Timestamp::from_secs(60 * minute), ms)).collect()
    }

    fn told(replayed: &[Replayed]) -> Vec<(i64, u32, u32)> {
        let told = replayed.iter().filter(|r| r.decision.action() != Action::Hold);
        told.map(|r| (r.at.as_secs() / 60, r.decision.from, r.decision.target)).collect()
    }

    #[test]
    fn plain_results_are_checked_each_interval_and_the_formation_follows() {
        let replayed = replayer().replay_samples(&minutes([vec![900.0; 30], vec![6000.0; 30]].concat()), 2, |_| {});
        assert_eq!(replayed.len(), 12, "from minute 5 to minute 60");
        assert_eq!(told(&replayed), [(35, 2, 4)], "then futile: nothing gets faster in an open loop");
        assert_eq!(replayed.last().unwrap().decision.reason.code(), "futile");
        assert_eq!(replayed[0].is_as_recorded(), None);
    }

    #[test]
    fn the_last_result_is_seen_by_the_last_check() {
        assert_eq!(replayer().replay_samples(&[], 1, |_| {}), []);
        assert_eq!(replayer().replay_samples(&minutes([700.0]), 1, |_| {}).len(), 1);
        let replayed = replayer().replay_samples(&minutes(vec![700.0; 8]), 1, |_| {});
        assert_eq!(replayed.iter().map(|r| r.at.as_secs()).collect::<Vec<_>>(), [300, 600]);
    }

    #[test]
    fn a_history_is_decided_on_what_was_seen_then() {
        let line = |at: i64, dynos: u32, rest: &str, new: &str, target: u32, code: &str| {
            format!(
                "{{\"v\":1,\"event\":\"checked\",\"at\":{at},\"app\":\"a\",\"process\":\"web\",\"dynos\":{dynos},{rest},\
                 \"min\":1,\"max\":10,\"mean_ms\":null,\"trend_ms_per_s\":null,\"new_samples\":[{new}],\"policy\":\"threshold\",\
                 \"action\":\"add\",\"target\":{target},\"reason\":{{\"code\":\"{code}\",\"text\":\"-\"}},\
                 \"outcome\":\"held\",\"applied\":{dynos}}}"
            )
        };
        let plain = "\"changed_at\":null,\"effective_max\":10,\"maintenance\":false,\"override_until\":null";
        let slow = "[100,5000,\"up\"],[160,5000,\"up\"],[220,5000,\"up\"]";
        let text = [
            line(230, 2, plain, slow, 4, "above_high"),
            line(240, 2, &plain.replace("max\":10", "max\":3"), "", 3, "above_high"),
            line(250, 2, &plain.replace("false", "true"), "", 2, "maintenance"),
            line(260, 2, &plain.replace("until\":null", "until\":900"), "", 4, "above_high"),
        ]
        .join("\n");
        let replayed = replayer().replay_history(&recording::parse(&text).unwrap(), |_| {});
        let codes: Vec<_> = replayed.iter().map(|r| (r.decision.target, r.decision.reason.code())).collect();
        assert_eq!(codes, [(4, "above_high"), (3, "above_high"), (2, "maintenance"), (2, "manual_override")]);
        let same: Vec<_> = replayed.iter().map(|r| r.is_as_recorded().unwrap()).collect();
        assert_eq!(same, [true, true, true, false]);
    }
}
