//! A straight line through response times: the sums behind it, the line, and how sure it is. No policy.

use crate::model::sample::Sample;
use crate::model::time::Timestamp;

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
    /// Fits the answered ones of these results, sorted by time. `None` with fewer than two of them, or where all their
    /// times are equal (decided on integers), or further apart than numbers of microseconds go: 292,000 years.
    pub fn fit(samples: &[Sample]) -> Option<Self> {
        Answered::of(samples).trend()
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

/// What a line through answered results needs to know of them, gathered in one pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    /// A time and a response time in ms among theirs, from which the moments count.
    origin: (Timestamp, f64),
    moments: Moments,
    /// Do the times differ?
    differ: bool,
}

/// So many results are summed up at a time, about one in their midst.
const BLOCK: usize = 256;

impl Answered {
    /// The answered ones of `samples`, which are sorted by time.
    ///
    /// Numbers are taken relative to one of them before anything is squared: on unix seconds the textbook sums lose all
    /// their digits in an `f64`. However far that one is from the mean, it is part of the sum about the mean, so that at
    /// most [`BLOCK`] times the last digit is lost.
    pub(crate) fn of(samples: &[Sample]) -> Self {
        let origin = samples.iter().find_map(point).unwrap_or((Timestamp::from_micros(0), 0.0));
        let mut all = Self { origin, moments: Moments::default(), differ: false };
        if samples.last().is_some_and(|last| last.at.as_micros().checked_sub(origin.0.as_micros()).is_none()) {
            // No differences can be taken of such times.
            return all;
        }
        for block in samples.chunks(BLOCK) {
            let (before, after) = block.split_at(block.len() / 2);
            if let Some(pivot) = after.iter().chain(before).find_map(point) {
                let mut sums = Sums::about(pivot);
                all.differ |= sums.add(block, origin.0);
                all.moments = all.moments.and(sums.moments(origin));
            }
        }
        all
    }

    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        self.moments.n as usize
    }

    /// The line through them; `None` with fewer than two, or where all times are equal.
    pub(crate) fn trend(&self) -> Option<Trend> {
        let Moments { n, t, v, t_t, t_v, v_v } = self.moments;
        if !self.differ || t_t <= 0.0 {
            return None;
        }
        let slope = t_v / t_t;
        let standard_error =
            if n < 3.0 { f64::INFINITY } else { (f64::max(0.0, v_v - slope * t_v) / (n - 2.0) / t_t).sqrt() };
        let (at, ms) = self.origin;
        Some(Trend {
            slope: slope * MICROS,
            standard_error: standard_error * MICROS,
            centre: Timestamp::from_micros(at.as_micros().saturating_add(t.round() as i64)),
            mean_ms: ms + v,
            points: self.count(),
        })
    }
}

const MICROS: f64 = 1e6;

/// Time and response time in ms, if it was answered.
fn point(sample: &Sample) -> Option<(Timestamp, f64)> {
    sample.up_ms().map(|ms| (sample.at, ms))
}

/// So many sums run beside each other, for a processor that adds several numbers at a time.
const LANES: usize = 2;

/// Sums over points relative to a pivot: times in microseconds, values in ms.
struct Sums {
    pivot: (Timestamp, f64),
    n: usize,
    t: [f64; LANES],
    v: [f64; LANES],
    t_t: [f64; LANES],
    t_v: [f64; LANES],
    v_v: [f64; LANES],
}

impl Sums {
    fn about(pivot: (Timestamp, f64)) -> Self {
        let none = [0.0; LANES];
        Self { pivot, n: 0, t: none, v: none, t_t: none, t_v: none, v_v: none }
    }

    /// Adds the answered ones. Was any taken at another time than `origin`?
    fn add(&mut self, samples: &[Sample], origin: Timestamp) -> bool {
        let mut differ = 0;
        let (pairs, rest) = samples.as_chunks::<LANES>();
        for pair in pairs {
            if pair.iter().any(Sample::is_down) {
                pair.iter().for_each(|sample| differ |= self.add_one(sample, origin));
                continue;
            }
            let mut points = [(0.0, 0.0); LANES];
            for (point, sample) in points.iter_mut().zip(pair) {
                differ |= sample.at.as_micros() ^ origin.as_micros();
                *point = self.relative(sample);
            }
            self.n += LANES;
            for (lane, (t, v)) in points.into_iter().enumerate() {
                self.t[lane] += t;
                self.v[lane] += v;
                self.t_t[lane] += t * t;
                self.t_v[lane] += t * v;
                self.v_v[lane] += v * v;
            }
        }
        rest.iter().for_each(|sample| differ |= self.add_one(sample, origin));
        differ != 0
    }

    fn add_one(&mut self, sample: &Sample, origin: Timestamp) -> i64 {
        if sample.is_down() {
            return 0;
        }
        let (t, v) = self.relative(sample);
        self.n += 1;
        self.t[0] += t;
        self.v[0] += v;
        self.t_t[0] += t * t;
        self.t_v[0] += t * v;
        self.v_v[0] += v * v;
        sample.at.as_micros() ^ origin.as_micros()
    }

    /// An answered one, relative to the pivot.
    fn relative(&self, sample: &Sample) -> (f64, f64) {
        let micros = sample.at.as_micros().wrapping_sub(self.pivot.0.as_micros());
        (micros as f64, sample.ms_or_down() - self.pivot.1)
    }

    /// Their moments, the means relative to `origin`.
    fn moments(&self, origin: (Timestamp, f64)) -> Moments {
        let n = self.n as f64;
        let [t, v, t_t, t_v, v_v] = [self.t, self.v, self.t_t, self.t_v, self.v_v].map(|[a, b]| a + b);
        let micros = self.pivot.0.as_micros().wrapping_sub(origin.0.as_micros());
        Moments {
            n,
            t: micros as f64 + t / n,
            v: self.pivot.1 - origin.1 + v / n,
            t_t: t_t - t * t / n,
            t_v: t_v - t * v / n,
            v_v: v_v - v * v / n,
        }
    }
}

/// Number and means of points, and their second moments about these means. Times in microseconds, values in ms.
#[derive(Clone, Copy, Default, Debug)]
struct Moments {
    n: f64,
    t: f64,
    v: f64,
    t_t: f64,
    t_v: f64,
    v_v: f64,
}

impl Moments {
    /// Of both together (Chan, Golub, LeVeque 1979: "Updating formulae and a pairwise algorithm for computing sample
    /// variances").
    fn and(self, other: Self) -> Self {
        let n = self.n + other.n;
        let (dt, dv) = (other.t - self.t, other.v - self.v);
        let share = other.n / n;
        let both = self.n * share;
        Self {
            n,
            t: self.t + dt * share,
            v: self.v + dv * share,
            t_t: self.t_t + other.t_t + dt * dt * both,
            t_v: self.t_v + other.t_v + dt * dv * both,
            v_v: self.v_v + other.v_v + dv * dv * both,
        }
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

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_700_000_000 + secs)
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
        let points = [(at(0), 100.0), (at(60), 160.0), (at(120), 220.0)];
        let trend = Trend::fit(&points.map(|(at, ms)| Sample::up(at, ms).unwrap())).unwrap();
        assert_eq!((trend.slope, trend.mean_ms, trend.centre, trend.points), (1.0, 160.0, at(60), 3));
        assert_eq!((trend.at(at(0)), trend.at(at(180))), (100.0, 280.0));
        assert!(trend.is_significant());
    }
}
