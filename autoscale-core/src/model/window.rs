//! The results that a decision looks at, sorted, and what is computed from them: spacing, mean, trend. No policy.

use std::time::Duration;

use crate::model::sample::Sample;
use crate::model::time::Timestamp;

pub use crate::model::trend::Trend;

/// Results stamped further ahead of now than this are dropped: a service's clock may run ahead a little, but one result
/// from the far future would be the newest for ever.
pub const FUTURE: Duration = Duration::from_secs(300);

/// The most results that memory is set aside for before they are there.
const MOST_AT_ONCE: usize = 1 << 22;

/// The results of a period up to now, sorted by [`Sample::order`]; all are kept where several share a second.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Window {
    samples: Vec<Sample>,
    /// How many distinct times they have.
    moments: usize,
}

impl Window {
    /// Those of `samples`, in any order, that are at most `period` old and not from the [`FUTURE`].
    pub fn new(samples: impl IntoIterator<Item = Sample>, now: Timestamp, period: Duration) -> Self {
        let mut window = Self::default();
        window.fill(samples, now, period);
        window
    }

    /// [`Window::new`] into the memory that this window already has.
    ///
    /// In one pass where times only rise or only fall, as services list them.
    pub fn fill(&mut self, samples: impl IntoIterator<Item = Sample>, now: Timestamp, period: Duration) {
        let (oldest, newest) = (now - period, now + FUTURE);
        self.samples.clear();
        let samples = samples.into_iter();
        // Room for all of them at once, where they say how many they can be: none is copied twice.
        if let (_, Some(most)) = samples.size_hint()
            && most <= MOST_AT_ONCE
        {
            self.samples.reserve(most);
        }
        let mut samples = samples.filter(|s| (oldest <= s.at) & (s.at <= newest));
        let Some(first) = samples.next() else {
            self.moments = 0;
            return;
        };
        self.samples.push(first);
        let kept = &mut self.samples;
        // Steps back in time, steps in place, and whether one of these has yet to be put in order; `last` is the greatest
        // of its moment.
        let (mut last, mut falls, mut ties, mut far) = (first, 0, 0, false);
        samples.for_each(|sample| {
            kept.push(sample);
            if sample.at <= last.at {
                if sample.at < last.at {
                    falls += 1;
                } else {
                    ties += 1;
                    if sample.order_of_a_moment(&last).is_lt() {
                        far |= !settle_last(kept);
                        return;
                    }
                }
            }
            last = sample;
        });
        let only_falls = falls + ties + 1 == kept.len();
        self.moments = kept.len() - ties;
        if far || (falls > 0 && !only_falls) {
            kept.sort_unstable_by(Sample::order);
            self.count_moments();
        } else if falls > 0 {
            kept.reverse();
            kept.chunk_by_mut(|a, b| a.at == b.at).for_each(<[Sample]>::reverse);
        }
    }

    /// All results, oldest first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The newest `n` results, or all where there are fewer, oldest first.
    pub fn newest(&self, n: usize) -> &[Sample] {
        &self.samples[self.samples.len().saturating_sub(n)..]
    }

    /// The time of the newest result.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.samples.last().map(|s| s.at)
    }

    /// Drops the results that `keep` refuses.
    pub fn retain(&mut self, keep: impl FnMut(&Sample) -> bool) {
        self.samples.retain(keep);
        self.count_moments();
    }

    fn count_moments(&mut self) {
        self.moments = self.samples.chunk_by(|a, b| a.at == b.at).count();
    }

    /// r: the median gap between consecutive distinct times, the upper of the middle two; `None` with fewer than two
    /// distinct times.
    pub fn spacing(&self) -> Option<Duration> {
        let between = self.samples.windows(2).map(|pair| pair[1].at.as_micros().saturating_sub(pair[0].at.as_micros()));
        let between = between.filter(|gap| *gap > 0);
        if let Some(gap) = majority(between.clone()) {
            return Some(Duration::from_micros(gap.unsigned_abs()));
        }
        // A usual window needs no allocation.
        let mut few = [0; 256];
        let mut many: Vec<i64>;
        let gaps = if self.samples.len() <= few.len() {
            let count = few.iter_mut().zip(between).map(|(place, gap)| *place = gap).count();
            &mut few[..count]
        } else {
            many = between.collect();
            &mut many[..]
        };
        let middle = gaps.len() / 2;
        (!gaps.is_empty()).then(|| Duration::from_micros(gaps.select_nth_unstable(middle).1.unsigned_abs()))
    }

    /// Is [`Window::spacing`] at most `bound`? `None` where there is no spacing. Cheaper than to work it out.
    pub fn is_spaced_within(&self, bound: Duration) -> Option<bool> {
        let gaps = self.moments.checked_sub(1).filter(|gaps| *gaps > 0)?;
        // It is, unless half of the gaps or more are wider.
        let half = gaps.div_ceil(2);
        let (first, last) = (self.samples.first()?.at, self.samples.last()?.at);
        if first + bound.saturating_mul(u32::try_from(half).unwrap_or(u32::MAX)) >= last {
            // Not that many fit in.
            return Some(true);
        }
        let wide = self.samples.windows(2).filter(|pair| pair[0].at + bound < pair[1].at).count();
        Some(wide < half)
    }

    /// The run of downs that reaches to the newest result, oldest first; empty when the newest is up.
    pub fn down_run(&self) -> &[Sample] {
        let run = self.samples.iter().rev().take_while(|s| s.is_down()).count();
        self.newest(run)
    }
}

/// Puts the last one, which is out of order among those of its moment, in its place. `false` if that is far: then it is
/// left to a sort.
fn settle_last(samples: &mut [Sample]) -> bool {
    const FAR: usize = 16;
    let Some((&last, before)) = samples.split_last() else { return true };
    let mut place = before.len();
    let lowest = place.saturating_sub(FAR);
    while place > lowest && samples[place - 1].at == last.at && samples[place - 1].order_of_a_moment(&last).is_gt() {
        samples[place] = samples[place - 1];
        place -= 1;
    }
    samples[place] = last;
    place > lowest || place == 0
}

/// The value that more than half of them have: then it is the median too. Most services measure at even times.
fn majority(values: impl Iterator<Item = i64> + Clone) -> Option<i64> {
    // Boyer and Moore: whatever else has more than half is what is left after crossing out unequal pairs.
    let (mut candidate, mut lead) = (0, 0_usize);
    for value in values.clone() {
        if lead == 0 {
            candidate = value;
        }
        if value == candidate { lead += 1 } else { lead -= 1 }
    }
    let (mut all, mut alike) = (0_usize, 0_usize);
    if lead > 0 {
        for value in values {
            all += 1;
            alike += usize::from(value == candidate);
        }
    }
    (2 * alike > all).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::sample::DownCause;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
    }

    fn window(secs: &[i64]) -> Window {
        let results = secs.iter().map(|s| Sample::up(at(*s), 300.0).unwrap());
        Window::new(results, at(1000), Duration::from_secs(1000))
    }

    #[test]
    fn a_window_is_sorted_and_keeps_all_results_of_a_second() {
        let sorted = window(&[60, 0, 30, 30]);
        assert_eq!(sorted.samples().iter().map(|s| s.at).collect::<Vec<_>>(), [at(0), at(30), at(30), at(60)]);
    }

    #[test]
    fn the_period_includes_both_its_ends_and_five_minutes_of_a_fast_clock() {
        assert_eq!(window(&[-1, 0, 1000, 1300, 1301]).samples().len(), 3);
    }

    #[test]
    fn the_spacing_is_the_median_gap_between_distinct_times() {
        assert_eq!(window(&[0, 60, 60, 120, 180, 900]).spacing(), Some(Duration::from_secs(60)));
        assert_eq!(window(&[0, 10, 310]).spacing(), Some(Duration::from_secs(300)), "the upper of two");
        assert_eq!(window(&[5, 5, 5]).spacing(), None);
        assert_eq!(window(&[]).spacing(), None);
    }

    #[test]
    fn whether_the_spacing_is_within_a_bound_is_told_without_it() {
        // All windows of up to seven gaps of 0, 1, 2, 3 and 9 seconds.
        for n in 0..=7 {
            for mut code in 0..5_u32.pow(n) {
                let mut times = vec![0];
                for _ in 0..n {
                    times.push(times[times.len() - 1] + [0, 1, 2, 3, 9][code as usize % 5]);
                    code /= 5;
                }
                let window = window(&times);
                for bound in [1, 2, 3, 8].map(Duration::from_secs) {
                    let want = window.spacing().map(|spacing| spacing <= bound);
                    assert_eq!(window.is_spaced_within(bound), want, "{times:?}, {bound:?}");
                }
            }
        }
    }

    #[test]
    fn a_window_is_the_same_however_its_results_are_listed() {
        let many = |at: i64| (0..40).map(move |i| (at, 100.0 + f64::from(i * 37 % 40)));
        let few = |at: i64| [(at, 300.0), (at, 200.0), (at, 250.0)];
        for moments in [1, 2, 3, 5, 99] {
            same_however_listed((0..moments).flat_map(few).collect());
        }
        same_however_listed((0..50).flat_map(few).chain(many(50)).chain((51..99).flat_map(few)).collect());
    }

    fn same_however_listed(listed: Vec<(i64, f64)>) {
        let window = |listed: &[(i64, f64)]| {
            let results = listed.iter().map(|(secs, ms)| Sample::up(at(*secs), *ms).unwrap());
            Window::new(results, at(1000), Duration::from_secs(1000))
        };
        let want = window(&listed);
        assert!(want.samples().is_sorted_by(|a, b| a.order(b).is_lt()));
        let times: BTreeSet<_> = listed.iter().map(|(secs, _)| secs).collect();
        assert_eq!((want.samples().len(), want.moments), (listed.len(), times.len()));
        let falling: Vec<_> = listed.iter().rev().copied().collect();
        let mixed: Vec<_> = (0..listed.len()).map(|i| listed[i * 101 % listed.len()]).collect();
        let swapped: Vec<_> = (0..listed.len()).map(|i| listed[(i ^ 1).min(listed.len() - 1)]).collect();
        let late: Vec<_> = listed[1..].iter().chain(&listed[..1]).copied().collect();
        for other in [falling, mixed, swapped, late] {
            assert_eq!(window(&other), want);
        }
    }

    #[test]
    fn a_run_of_downs_reaches_to_the_newest_result_or_is_none() {
        let down = |s| Sample::down(at(s), DownCause::Timeout);
        let mut results = vec![down(0), Sample::up(at(1), 5.0).unwrap(), down(2), down(3)];
        let run = |results: &[Sample]| {
            Window::new(results.to_vec(), at(9), Duration::from_secs(99))
                .down_run()
                .iter()
                .map(|s| s.at)
                .collect::<Vec<_>>()
        };
        assert_eq!(run(&results), [at(2), at(3)]);
        results.push(Sample::up(at(4), 5.0).unwrap());
        assert_eq!(run(&results), []);
    }
}
