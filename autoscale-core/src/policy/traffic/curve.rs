//! Two fixed tables: the curve of slow requests over the rate of a dyno, which is the same for every app once rates are
//! counted in what a dyno carries, and the buckets of service times. Nothing is learnt here.

use std::sync::LazyLock;

use crate::model::traffic::bucket_ratio;

pub(super) use crate::model::traffic::BUCKETS;

/// Share of a dyno's requests that are slow at the rate that it carries.
pub(super) const KNEE: f64 = 0.01;
/// Slope of the curve's logit over ln u.
const STEEP: f64 = 15.0;
/// The table's step in ln(u / c), and its middle: it holds ln(u / c) from -4 to 4.
pub(super) const FINE: f64 = 0.02;
const MIDDLE: i32 = 200;
const LAST: i32 = 2 * MIDDLE;

/// The service time, in milliseconds, from which requests are in no class but the last: the router gives up.
const LONGEST_MS: f64 = 30_000.0;
/// Length of a slot in seconds.
pub(super) const SLOT_S: i64 = 10;

/// Share of slow requests at each step of ln(u / c), for u requests per second and dyno where a dyno carries c.
static CURVE: LazyLock<[f64; LAST as usize + 1]> = LazyLock::new(|| {
    let at_knee = (KNEE / (1.0 - KNEE)).ln();
    std::array::from_fn(|i| {
        let ln_x = (i as f64 - f64::from(MIDDLE)) * FINE;
        1.0 / (1.0 + (-STEEP * ln_x - at_knee).min(60.0).exp())
    })
});

/// The curve, for reading it many times.
#[derive(Clone, Copy)]
pub(super) struct Curve(&'static [f64; LAST as usize + 1]);

impl Curve {
    pub(super) fn get() -> Self {
        Self(&CURVE)
    }

    /// Share of slow requests at so many steps of ln(u / c); as at the ends of the table beyond them.
    pub(super) fn at(self, steps: i32) -> f64 {
        self.0[steps.saturating_add(MIDDLE).clamp(0, LAST) as usize]
    }

    /// Share of slow requests at ln(u / c).
    pub(super) fn at_ln(self, ln_x: f64) -> f64 {
        self.at(steps(ln_x))
    }
}

/// The nearest step of a logarithm.
pub(super) fn steps(ln: f64) -> i32 {
    (ln / FINE).round_ties_even() as i32
}

/// So many different numbers of slots lie between arrival and end: 0 to 3.
pub(super) const SLOTS_BEFORE: usize = 4;

/// What each bucket of service times stands for.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Seconds that a request of the bucket takes.
    pub(super) seconds: [f64; BUCKETS],
    /// How many slots before it ended a request of the bucket arrived, on average.
    pub(super) slots_before: [u8; BUCKETS],
}

static BUCKET_VALUES: LazyLock<Buckets> = LazyLock::new(|| {
    let ratio = bucket_ratio();
    let seconds: [f64; BUCKETS] = std::array::from_fn(|i| match i + 1 {
        BUCKETS => LONGEST_MS / 1000.0,
        _ => ratio.powf(i as f64 + 0.5) / 1000.0,
    });
    let half = SLOT_S as f64 / 2.0;
    Buckets { seconds, slots_before: seconds.map(|s| ((s + half) / SLOT_S as f64) as u8) }
});

impl Buckets {
    pub(super) fn get() -> &'static Self {
        &BUCKET_VALUES
    }

    /// Share of each bucket that is slower than a bound in milliseconds.
    pub(super) fn slow_shares(bound_ms: f64) -> [f64; BUCKETS] {
        let bound = bound_ms.ln() / bucket_ratio().ln();
        std::array::from_fn(|i| ((i + 1) as f64 - bound).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dyno_at_what_it_carries_has_one_percent_slow_and_few_below_or_many_above() {
        let share = |x: f64| Curve::get().at_ln(x.ln());
        assert_eq!(share(1.0), 1.0 / (1.0 + 99.0_f64.ln().exp()));
        assert!((share(0.9) - 0.002).abs() < 0.0005, "{}", share(0.9));
        assert!((share(1.1) - 0.04).abs() < 0.005, "{}", share(1.1));
        assert!((share(1.2) - 0.135).abs() < 0.015, "{}", share(1.2));
        for steps in [i32::MIN, -201, -200, 200, 201, i32::MAX] {
            let edge = if steps < 0 { Curve::get().at(-200) } else { Curve::get().at(200) };
            assert_eq!(Curve::get().at(steps), edge);
        }
    }

    #[test]
    fn a_bucket_is_slow_above_the_bound_and_in_part_around_it() {
        let shares = Buckets::slow_shares(2000.0);
        assert_eq!((shares[28], shares[30], shares[39]), (0.0, 1.0, 1.0));
        assert!((shares[29] - 0.506).abs() < 0.005, "{}", shares[29]);
        assert_eq!(Buckets::slow_shares(1e6), [0.0; BUCKETS]);
        assert_eq!(Buckets::slow_shares(0.5), [1.0; BUCKETS]);
    }

    #[test]
    fn a_long_request_arrived_slots_before_it_ended() {
        let buckets = Buckets::get();
        assert_eq!((buckets.slots_before[0], buckets.slots_before[39]), (0, 3));
        let first_late = buckets.seconds.iter().position(|s| *s >= 5.0).unwrap();
        assert_eq!((buckets.slots_before[first_late - 1], buckets.slots_before[first_late]), (0, 1));
    }
}
