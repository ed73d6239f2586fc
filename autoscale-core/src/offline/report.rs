//! What a history says of two formations side by side: theirs, which the app had, and ours, which the loop wanted or
//! applied. Dyno-hours, results, and who reacted first. Pure: a recording in, numbers out. The loop is open where ours was
//! not applied, so that no number here says what ours would have brought.

use std::time::Duration;

use serde::Serialize;

use crate::model::formation::dyno_hours;
use crate::model::sample::Sample;
use crate::model::time::Timestamp;
use crate::offline::recording::{RecordedCheck, Recording};

/// Checks further apart than this many intervals have a gap between them: the loop did not run, or could read nothing.
const GAP: u32 = 3;
/// So many checks tell at which interval they were made, whatever is configured now.
const ENOUGH: usize = 10;
/// Ours still reacted to the same thing as theirs when it wants the same direction this long afterwards.
const LATE: Duration = Duration::from_secs(1800);

/// Theirs and ours over the time that a history covers.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// How many checks there are of each kind.
    pub checks: Checks,
    /// The times that the history covers, oldest first, each from a check to a check with no gap between. Never empty.
    pub spans: Vec<(Timestamp, Timestamp)>,
    /// The formation as it was: when, and the quantity from then on.
    pub theirs: Vec<(Timestamp, u32)>,
    /// What the loop wanted at its checks; in a live run what it applied.
    pub ours: Vec<(Timestamp, u32)>,
    /// Dynos times hours of theirs within the spans.
    pub theirs_dyno_hours: f64,
    /// The same of ours.
    pub ours_dyno_hours: f64,
    /// All the time of the spans, with its results.
    pub all: Share,
    /// The part of it in which ours was smaller than theirs.
    pub smaller: Share,
    /// The part of it in which ours was larger.
    pub larger: Share,
    /// One entry for each change of theirs, oldest first.
    pub reactions: Vec<Reaction>,
    /// Times that ours wanted more, and wanted fewer, with no such change of theirs in the end.
    pub only_ours: (usize, usize),
    /// The results, oldest first: measured on the dynos of theirs.
    pub samples: Vec<Sample>,
    /// Size of the dynos at the last check that knew it.
    pub size: Option<String>,
}

/// How many checks of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Checks {
    /// In shadow mode.
    pub shadow: usize,
    /// In dry run.
    pub dry_run: usize,
    /// Of a run that applies its decisions.
    pub live: usize,
    /// Those among them at which the loop stood aside after somebody else's change.
    pub stood_aside: usize,
}

/// A part of the time, and the results that were taken in it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Share {
    /// Its length, hours.
    pub hours: f64,
    /// How many results.
    pub results: usize,
    /// How many of them were slower than the high bound, or found the app down.
    pub slow: usize,
}

impl Share {
    /// The share of results that were slow, percent; `None` without results.
    pub fn slow_percent(&self) -> Option<f64> {
        (self.results > 0).then(|| 100.0 * self.slow as f64 / self.results as f64)
    }
}

/// A change of theirs, and what ours wanted then.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Reaction {
    /// When theirs changed.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos after.
    pub to: u32,
    /// How much earlier ours wanted to go in that direction, s; negative: later. `None`: it did not.
    pub earlier_s: Option<f64>,
    /// Did ours want the opposite at the last check before it?
    pub opposite: bool,
}

impl Report {
    /// Of the part of a recording within `since` of its last check. `interval`: time between two checks as configured.
    /// `None` where there are no two checks in a row.
    pub fn of(recording: &Recording, since: Duration, interval: Duration, high_ms: f64) -> Option<Self> {
        let mut checks: Vec<&RecordedCheck> = recording.checks.iter().collect();
        checks.sort_by_key(|check| check.at);
        let newest = checks.last()?.at;
        checks.retain(|check| newest - since <= check.at);
        let longest = longest_step(&checks, interval);
        let runs: Vec<&[&RecordedCheck]> =
            checks.chunk_by(|a, b| b.at.seconds_since(a.at) <= longest).filter(|run| run.len() > 1).collect();
        let spans: Vec<_> = runs.iter().filter_map(|run| Some((run.first()?.at, run.last()?.at))).collect();
        if spans.is_empty() {
            return None;
        }
        let (theirs, ours) = (theirs(&runs), ours(&runs));
        let (mut reactions, mut only_ours) = (Vec::new(), (0, 0));
        for run in &runs {
            react(run, &mut reactions, &mut only_ours);
        }
        let mut report = Self {
            checks: count(&checks),
            theirs_dyno_hours: spans.iter().map(|(from, to)| dyno_hours(&theirs, *from, *to)).sum(),
            ours_dyno_hours: spans.iter().map(|(from, to)| dyno_hours(&ours, *from, *to)).sum(),
            spans,
            theirs,
            ours,
            all: Share::default(),
            smaller: Share::default(),
            larger: Share::default(),
            reactions,
            only_ours,
            samples: Vec::new(),
            size: checks.iter().rev().find_map(|check| check.size.clone()),
        };
        report.share_out(&recording.samples, high_ms);
        Some(report)
    }

    /// Start of the first span and end of the last.
    pub fn time(&self) -> (Timestamp, Timestamp) {
        let zero = Timestamp::from_secs(0);
        (self.spans.first().map_or(zero, |(from, _)| *from), self.spans.last().map_or(zero, |(_, to)| *to))
    }

    /// The times between the spans.
    pub fn gaps(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.spans.windows(2).map(|pair| (pair[0].1, pair[1].0))
    }

    /// Adds up the time and the results in which ours was smaller, the same and larger.
    fn share_out(&mut self, samples: &[Sample], high_ms: f64) {
        let is_slow = |sample: &Sample| sample.up_ms().is_none_or(|ms| ms > high_ms);
        for (from, to) in &self.spans {
            let mut bounds: Vec<Timestamp> = vec![*from, *to];
            let within = |at: &Timestamp| from < at && at < to;
            bounds.extend(self.theirs.iter().chain(&self.ours).map(|(at, _)| *at).filter(within));
            bounds.sort_unstable();
            bounds.dedup();
            for pair in bounds.windows(2) {
                let first = samples.partition_point(|sample| sample.at < pair[0]);
                let last = samples.partition_point(|sample| sample.at < pair[1]);
                let taken = &samples[first..last];
                let share = Share {
                    hours: pair[1].seconds_since(pair[0]) / 3600.0,
                    results: taken.len(),
                    slow: taken.iter().filter(|sample| is_slow(sample)).count(),
                };
                self.samples.extend(taken);
                self.all.add(share);
                match at(&self.ours, pair[0]).cmp(&at(&self.theirs, pair[0])) {
                    std::cmp::Ordering::Less => self.smaller.add(share),
                    std::cmp::Ordering::Equal => {}
                    std::cmp::Ordering::Greater => self.larger.add(share),
                }
            }
        }
    }
}

impl Share {
    fn add(&mut self, other: Self) {
        self.hours += other.hours;
        self.results += other.results;
        self.slow += other.slow;
    }
}

/// Checks further apart than this, in seconds, have a gap between them. A history that was written at another interval than
/// is configured now has that of its own.
fn longest_step(checks: &[&RecordedCheck], interval: Duration) -> f64 {
    let mut steps: Vec<f64> = checks.windows(2).map(|pair| pair[1].at.seconds_since(pair[0].at)).collect();
    steps.sort_unstable_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2).filter(|_| steps.len() >= ENOUGH).copied().unwrap_or_default();
    f64::from(GAP) * usual.max(interval.as_secs_f64())
}

fn count(checks: &[&RecordedCheck]) -> Checks {
    let mut counted = Checks::default();
    for check in checks {
        *match (check.shadow, check.dry_run) {
            (true, _) => &mut counted.shadow,
            (false, true) => &mut counted.dry_run,
            (false, false) => &mut counted.live,
        } += 1;
        counted.stood_aside += usize::from(check.code == "manual_override");
    }
    counted
}

/// When the formation of a check was set, where somebody else did since the check before: within the two.
fn changed_between(before: &RecordedCheck, check: &RecordedCheck) -> Option<Timestamp> {
    let known = check.changed_at.filter(|at| before.at < *at && *at <= check.at);
    (check.dynos != before.applied).then(|| known.unwrap_or(check.at))
}

fn theirs(runs: &[&[&RecordedCheck]]) -> Vec<(Timestamp, u32)> {
    let mut steps = Vec::new();
    for run in runs {
        steps.extend(run.first().map(|first| (first.at, first.dynos)));
        for (place, check) in run.iter().enumerate() {
            let before = place.checked_sub(1).map(|place| run[place]);
            steps.extend(before.and_then(|before| changed_between(before, check)).map(|at| (at, check.dynos)));
            if check.applied != check.dynos {
                steps.push((check.at, check.applied));
            }
        }
    }
    steps
}

fn ours(runs: &[&[&RecordedCheck]]) -> Vec<(Timestamp, u32)> {
    let mut steps: Vec<(Timestamp, u32)> = Vec::new();
    for check in runs.iter().flat_map(|run| run.iter()) {
        let wanted = if check.dry_run { check.target } else { check.applied };
        if steps.last().is_none_or(|(_, n)| *n != wanted) {
            steps.push((check.at, wanted));
        }
    }
    steps
}

/// The quantity at a moment.
fn at(steps: &[(Timestamp, u32)], moment: Timestamp) -> u32 {
    let next = steps.partition_point(|(at, _)| *at <= moment);
    steps.get(next.saturating_sub(1)).map_or(0, |(_, n)| *n)
}

/// Who reacted first, change by change; and what ours wanted in vain. A run has no gap.
fn react(run: &[&RecordedCheck], reactions: &mut Vec<Reaction>, only_ours: &mut (usize, usize)) {
    let wants = |check: &RecordedCheck| check.target.cmp(&check.dynos);
    let changes: Vec<(usize, Timestamp)> =
        (1..run.len()).filter_map(|place| Some((place, changed_between(run[place - 1], run[place])?))).collect();
    // Wishes of a live run were applied; those that theirs fulfilled are taken out below.
    let mut wishes: Vec<(usize, std::cmp::Ordering)> = Vec::new();
    for place in 0..run.len() {
        let (want, before) = (wants(run[place]), place.checked_sub(1).map(|before| wants(run[before])));
        if run[place].dry_run && want.is_ne() && before != Some(want) {
            wishes.push((place, want));
        }
    }
    for (turn, (place, changed)) in changes.iter().copied().enumerate() {
        let (from, to) = (run[place - 1].applied, run[place].dynos);
        let direction = to.cmp(&from);
        let before = &run[..place];
        let asked = before.iter().rev().take_while(|check| wants(check) == direction).count();
        let until = changes.get(turn + 1).map_or(run.len(), |(next, _)| *next);
        let later = || {
            let checks = run[place..until].iter();
            checks.take_while(|check| check.at <= changed + LATE).find(|check| wants(check) == direction)
        };
        let earlier_s = match asked {
            0 => later().map(|check| -check.at.seconds_since(changed)),
            _ => Some(changed.seconds_since(run[place - asked].at)),
        };
        if asked > 0 {
            wishes.retain(|(wish, _)| *wish != place - asked);
        }
        let opposite = wants(run[place - 1]) == direction.reverse();
        reactions.push(Reaction { at: changed, from, to, earlier_s, opposite });
    }
    only_ours.0 += wishes.iter().filter(|(_, want)| want.is_gt()).count();
    only_ours.1 += wishes.iter().filter(|(_, want)| want.is_lt()).count();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_minute(minute: f64) -> Timestamp {
        Timestamp::from_secs_f64(1_700_000_000.0 + 60.0 * minute).unwrap()
    }

    /// A check in shadow mode: minute, theirs, ours.
    fn check(minute: f64, dynos: u32, target: u32) -> RecordedCheck {
        RecordedCheck {
            at: at_minute(minute),
            dynos,
            changed_at: None,
            limit: None,
            maintenance: false,
            override_until: None,
            held: Vec::new(),
            dry_run: true,
            shadow: true,
            new_samples: Vec::new(),
            traffic: Vec::new(),
            target,
            applied: dynos,
            code: "x".into(),
            size: None,
        }
    }

    fn report_on(checks: Vec<RecordedCheck>, samples: Vec<Sample>) -> Option<Report> {
        let recording = Recording { checks, samples, ..Recording::default() };
        Report::of(&recording, Duration::from_secs(86_400), Duration::from_secs(60), 2000.0)
    }

    fn report(checks: &[(f64, u32, u32)]) -> Report {
        report_on(checks.iter().map(|(minute, theirs, ours)| check(*minute, *theirs, *ours)).collect(), Vec::new())
            .unwrap()
    }

    #[test]
    fn dyno_hours_are_those_between_checks_and_a_gap_counts_for_neither() {
        let minutes = |from: usize, to: usize, theirs, ours| (from..=to).map(move |m| (m as f64, theirs, ours));
        let hour = report(&minutes(0, 60, 4, 3).collect::<Vec<_>>());
        assert_eq!((hour.theirs_dyno_hours, hour.ours_dyno_hours, hour.all.hours), (4.0, 3.0, 1.0));
        assert_eq!((hour.smaller.hours, hour.larger.hours), (1.0, 0.0));
        // Eight hours in which nothing ran.
        let two: Vec<_> = minutes(0, 60, 4, 3).chain(minutes(540, 600, 4, 5)).collect();
        let two = report(&two);
        assert_eq!((two.theirs_dyno_hours, two.ours_dyno_hours, two.all.hours), (8.0, 8.0, 2.0));
        assert_eq!((two.smaller.hours, two.larger.hours), (1.0, 1.0));
        assert_eq!(two.gaps().collect::<Vec<_>>(), [(at_minute(60.0), at_minute(540.0))]);
        assert_eq!(two.time(), (at_minute(0.0), at_minute(600.0)));
    }

    #[test]
    fn a_change_of_theirs_counts_from_when_the_platform_says() {
        let mut later = check(2.0, 8, 8);
        later.changed_at = Some(at_minute(1.0));
        let dated = report_on(vec![check(0.0, 4, 4), later.clone(), check(4.0, 8, 8)], Vec::new()).unwrap();
        assert_eq!(dated.theirs, [(at_minute(0.0), 4), (at_minute(1.0), 8)]);
        assert_eq!(dated.theirs_dyno_hours, (1.0 * 4.0 + 3.0 * 8.0) / 60.0);
        later.changed_at = Some(at_minute(-90.0));
        let undated = report_on(vec![check(0.0, 4, 4), later, check(4.0, 8, 8)], Vec::new()).unwrap();
        assert_eq!(undated.theirs[1], (at_minute(2.0), 8));
    }

    #[test]
    fn results_are_shared_out_by_whose_formation_was_smaller() {
        let up = |minute: f64, ms| Sample::up(at_minute(minute), ms).unwrap();
        let down = Sample::down(at_minute(0.5), crate::model::sample::DownCause::Timeout);
        let samples = vec![up(-1.0, 9000.0), down, up(1.5, 2000.0), up(2.5, 2001.0), up(3.5, 100.0), up(9.0, 9000.0)];
        let checks = [(0.0, 4, 3), (1.0, 4, 3), (2.0, 4, 4), (3.0, 4, 6), (4.0, 4, 6)];
        let checks = checks.iter().map(|(minute, theirs, ours)| check(*minute, *theirs, *ours)).collect();
        let seen = report_on(checks, samples).unwrap();
        let told = |share: Share| (share.results, share.slow);
        assert_eq!([seen.all, seen.smaller, seen.larger].map(told), [(4, 2), (2, 1), (1, 0)]);
        assert_eq!(seen.smaller.slow_percent(), Some(50.0));
        assert_eq!(seen.samples.len(), 4, "those before the first check and after the last are left out");
        assert_eq!(Share::default().slow_percent(), None);
    }

    #[test]
    fn ours_is_earlier_later_or_does_not_react_change_by_change() {
        let seen = report(&[
            (0.0, 2, 2),
            (1.0, 2, 4),
            (2.0, 2, 4),
            // Theirs follows two minutes after ours.
            (3.0, 4, 4),
            (4.0, 4, 4),
            // Theirs is first: a minute later ours finds it too few.
            (5.0, 5, 5),
            (6.0, 5, 7),
            (7.0, 5, 4),
            // Ours wanted the opposite.
            (8.0, 6, 6),
            (9.0, 6, 6),
            // Theirs alone.
            (10.0, 3, 3),
            (11.0, 3, 3),
        ]);
        let told: Vec<_> = seen.reactions.iter().map(|r| (r.from, r.to, r.earlier_s, r.opposite)).collect();
        let expected =
            [(2, 4, Some(120.0), false), (4, 5, Some(-60.0), false), (5, 6, None, true), (6, 3, None, false)];
        assert_eq!(told, expected);
        // At minutes 6 and 7.
        assert_eq!(seen.only_ours, (1, 1));
    }

    #[test]
    fn a_wish_that_was_interrupted_counts_from_when_it_came_back() {
        let seen = report(&[(0.0, 4, 3), (1.0, 4, 3), (2.0, 4, 4), (3.0, 4, 3), (4.0, 3, 3)]);
        assert_eq!(seen.reactions[0].earlier_s, Some(60.0));
        assert_eq!(seen.only_ours, (0, 1));
    }

    #[test]
    fn in_a_live_run_ours_is_what_was_applied_and_theirs_what_somebody_else_did() {
        let live = |minute: f64, dynos, target, applied| RecordedCheck {
            dry_run: false,
            shadow: false,
            applied,
            ..check(minute, dynos, target)
        };
        let mut by_hand = live(3.0, 7, 7, 7);
        by_hand.code = "manual_override".into();
        let seen = report_on(
            vec![live(0.0, 2, 4, 4), live(1.0, 4, 8, 5), live(2.0, 5, 5, 5), by_hand, live(4.0, 7, 7, 7)],
            Vec::new(),
        );
        let seen = seen.unwrap();
        assert_eq!(seen.checks, Checks { shadow: 0, dry_run: 0, live: 5, stood_aside: 1 });
        assert_eq!(seen.ours, [(at_minute(0.0), 4), (at_minute(1.0), 5), (at_minute(3.0), 7)]);
        let told: Vec<_> = seen.reactions.iter().map(|r| (r.from, r.to, r.earlier_s)).collect();
        assert_eq!(told, [(5, 7, None)]);
        assert_eq!(seen.only_ours, (0, 0));
    }

    #[test]
    fn only_the_last_of_it_counts_and_two_checks_are_the_least() {
        let all: Vec<_> = (0..100).map(|minute| check(f64::from(minute), 4, 4)).collect();
        let recording = Recording { checks: all, ..Recording::default() };
        let of = |seconds| Report::of(&recording, Duration::from_secs(seconds), Duration::from_secs(60), 2000.0);
        assert_eq!(of(600).unwrap().all.hours, 1.0 / 6.0);
        assert_eq!(of(30), None);
        assert_eq!(report_on(vec![check(0.0, 1, 1)], Vec::new()), None);
        assert_eq!(report_on(vec![check(0.0, 1, 1), check(500.0, 1, 1), check(2000.0, 1, 1)], Vec::new()), None);
        assert_eq!(report_on(Vec::new(), Vec::new()), None);
    }
}
