//! The results that a decision looks at, sorted, and what is computed from them: spacing, mean, trend. No policy.

use std::time::Duration;

use crate::sample::Sample;
use crate::time::Timestamp;

/// Results stamped further ahead of now than this are dropped: a service's clock may run ahead a little, but one result
/// from the far future would be the newest for ever.
pub const FUTURE: Duration = Duration::from_secs(300);

/// The most results that memory is set aside for before they are there.
const MOST_AT_ONCE: usize = 1 << 22;

/// The results of a period up to now, sorted by [`Sample::order`]; all are kept where several share a second.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Window {
    samples: Vec<Sample>,
}

impl Window {
    /// Those of `samples`, in any order, that are at most `period` old and not from the [`FUTURE`].
    pub fn new(samples: impl IntoIterator<Item = Sample>, now: Timestamp, period: Duration) -> Self {
        let mut window = Self::default();
        window.fill(samples, now, period);
        window
    }

    /// [`Window::new`] into the memory that this window already has.
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
        self.samples.extend(samples.filter(|s| oldest <= s.at && s.at <= newest));
        if self.samples.is_sorted_by_key(|s| s.at) {
            // As services list them: only results of one moment may still be out of order.
            for alike in self.samples.chunk_by_mut(|a, b| a.at == b.at).filter(|alike| alike.len() > 1) {
                alike.sort_unstable_by(Sample::order);
            }
        } else {
            self.samples.sort_unstable_by(Sample::order);
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

    /// The run of downs that reaches to the newest result, oldest first; empty when the newest is up.
    pub fn down_run(&self) -> &[Sample] {
        let run = self.samples.iter().rev().take_while(|s| s.is_down()).count();
        self.newest(run)
    }
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

/// A straight line through response times, by least squares.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trend {
    /// Slope in ms per second.
    pub slope: f64,
    /// Standard error of the slope in ms per second; infinite with two points, which any line fits.
    pub standard_error: f64,
    /// The mean of the times: where the line passes [`Trend::mean_ms`].
    pub centre: Timestamp,
    /// Mean of the response times, ms.
    pub mean_ms: f64,
    /// How many points were fitted.
    pub points: usize,
}

impl Trend {
    /// Fits `(time, ms)` points. `None` with fewer than two points, or where all times are equal (decided on integers).
    ///
    /// Times are centred on the first point before anything is squared: on unix seconds the textbook sums lose all
    /// their digits in an `f64`.
    pub fn fit(points: impl IntoIterator<Item = (Timestamp, f64), IntoIter: Clone>) -> Option<Self> {
        let mut points = points.into_iter();
        let (origin, first_ms) = points.next()?;
        let relative = points.map(|(at, ms)| (at.seconds_since(origin), ms - first_ms, at != origin));
        // Two passes, relative to the first point and then to the means; the first point adds nothing to the sums.
        let (mut n, mut t_sum, mut v_sum, mut distinct) = (1.0, 0.0, 0.0, false);
        for (t, v, differs) in relative.clone() {
            n += 1.0;
            t_sum += t;
            v_sum += v;
            distinct |= differs;
        }
        let (mut mean_t, mut mean_v) = (t_sum / n, v_sum / n);
        let (mut t_rest, mut v_rest) = (-mean_t, -mean_v);
        let (mut t_t, mut t_v, mut v_v) = (mean_t * mean_t, mean_t * mean_v, mean_v * mean_v);
        for (t, v, _) in relative {
            let (dt, dv) = (t - mean_t, v - mean_v);
            t_rest += dt;
            v_rest += dv;
            t_t += dt * dt;
            t_v += dt * dv;
            v_v += dv * dv;
        }
        // What rounding left of sums that are zero: taken out.
        t_t -= t_rest * t_rest / n;
        t_v -= t_rest * v_rest / n;
        v_v -= v_rest * v_rest / n;
        mean_t += t_rest / n;
        mean_v += v_rest / n;
        if !distinct || t_t <= 0.0 {
            return None;
        }
        let slope = t_v / t_t;
        let standard_error =
            if n < 3.0 { f64::INFINITY } else { (f64::max(0.0, v_v - slope * t_v) / (n - 2.0) / t_t).sqrt() };
        Some(Self {
            slope,
            standard_error,
            centre: Timestamp::from_micros(origin.as_micros().saturating_add((mean_t * 1e6).round() as i64)),
            mean_ms: first_ms + mean_v,
            points: n as usize,
        })
    }

    /// The line's value at a moment, ms.
    pub fn at(&self, at: Timestamp) -> f64 {
        self.mean_ms + self.slope * at.seconds_since(self.centre)
    }

    /// Is the slope, up or down, at least Student's 97.5 % quantile times its standard error away from zero?
    pub fn is_significant(&self) -> bool {
        self.points > 2 && self.slope.abs() >= student_975(self.points - 2) * self.standard_error
    }
}

/// Student's t, 97.5 % quantile, by degrees of freedom (any statistics table; 2.0 to 2.1 beyond 20 is cut to three steps).
fn student_975(degrees_of_freedom: usize) -> f64 {
    const TABLE: [f64; 21] = [
        f64::INFINITY,
        12.706,
        4.303,
        3.182,
        2.776,
        2.571,
        2.447,
        2.365,
        2.306,
        2.262,
        2.228,
        2.201,
        2.179,
        2.160,
        2.145,
        2.131,
        2.120,
        2.110,
        2.101,
        2.093,
        2.086,
    ];
    TABLE.get(degrees_of_freedom).copied().unwrap_or(match degrees_of_freedom {
        ..25 => 2.086,
        25..40 => 2.06,
        _ => 2.02,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::DownCause;

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

    #[test]
    fn the_quantile_of_student_s_t_never_rises_with_the_degrees_of_freedom() {
        assert_eq!(
            [1, 2, 10, 20, 24, 25, 39, 40].map(student_975),
            [12.706, 4.303, 2.228, 2.086, 2.086, 2.06, 2.06, 2.02]
        );
        assert_eq!(student_975(0), f64::INFINITY);
        assert!((0..100).map(student_975).is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn a_trend_passes_through_its_points() {
        let trend = Trend::fit([(at(0), 100.0), (at(60), 160.0), (at(120), 220.0)]).unwrap();
        assert_eq!((trend.slope, trend.mean_ms, trend.centre, trend.points), (1.0, 160.0, at(60), 3));
        assert_eq!((trend.at(at(0)), trend.at(at(180))), (100.0, 280.0));
        assert!(trend.is_significant());
    }
}
