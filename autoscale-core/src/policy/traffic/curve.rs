//! Fixed tables: the curves of slow requests over the rate of a dyno, which are those of every app of a shape once rates are
//! counted in what a dyno carries, and the buckets of service times. Nothing is learnt here.

use std::sync::LazyLock;

pub(super) use crate::model::traffic::BUCKETS;

/// Share of a dyno's requests that are slow at the rate that it carries.
pub(super) const KNEE: f64 = 0.01;

/// How an app's requests become slow as its dynos get busy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Over a third of the load: most apps.
    Gradual,
    /// Within a tenth of it: quick requests, which wait for each other only where a dyno is nearly full.
    Sharp,
    /// A minute is well or badly slow, and the busier the dynos, the more often badly: dynos that are slow of themselves
    /// now and then bring the queues that load brings elsewhere.
    Unsteady,
}

/// All shapes, in the order in which they are kept, and how likely each is before anything is known.
pub(super) const SHAPES: [(Shape, f64); 3] = [(Shape::Gradual, 0.8), (Shape::Sharp, 0.1), (Shape::Unsteady, 0.1)];

/// Slopes of the curves' logits over ln u.
const STEEP: f64 = 15.0;
const STEEP_SHARP: f64 = 60.0;
/// Unsteady: the share of bad minutes that many dynos' worth of load brings, how quickly it is reached, and where half.
const BAD_MOST: f64 = 0.12;
const BAD_STEEP: f64 = 12.0;
const BAD_HALF: f64 = 0.15;
/// The share of slow requests in a bad minute, and by how much in ln u the gradual curve lies higher.
const BAD_SHARE: f64 = 0.2;
const HIGHER: f64 = 0.8;
/// The table's step in ln(u / c), and its middle: it holds ln(u / c) from -4 to 4.
pub(super) const FINE: f64 = 0.02;
const MIDDLE: i32 = 200;
const LAST: i32 = 2 * MIDDLE;

/// The service time, in milliseconds, from which requests are in no class but the last: the router gives up.
const LONGEST_MS: f64 = 30_000.0;
/// Numbers that are summed side by side.
pub(super) const LANES: usize = 4;
/// Length of a slot in seconds.
pub(super) const SLOT_S: i64 = 10;

type Table = [f64; LAST as usize + 1];

/// What a shape says at each step of ln(u / c), for u requests per second and dyno where a dyno carries c.
struct Tables {
    /// Share of slow requests; unsteady: in a minute that is not bad.
    well: Table,
    /// Share of bad minutes.
    bad: Table,
    /// Share of slow requests over all minutes.
    mean: Table,
}

static TABLES: LazyLock<[Tables; SHAPES.len()]> = LazyLock::new(|| SHAPES.map(|(shape, _)| tables(shape)));

fn tables(shape: Shape) -> Tables {
    let ln_x = |i: usize| (i as f64 - f64::from(MIDDLE)) * FINE;
    let at_knee = (KNEE / (1.0 - KNEE)).ln();
    let (steep, higher) = match shape {
        Shape::Gradual => (STEEP, 0.0),
        Shape::Sharp => (STEEP_SHARP, 0.0),
        Shape::Unsteady => (STEEP, HIGHER),
    };
    let well: Table = std::array::from_fn(|i| logistic(steep * (ln_x(i) - higher) + at_knee));
    let bad: Table = match shape {
        Shape::Unsteady => std::array::from_fn(|i| BAD_MOST * logistic(BAD_STEEP * (ln_x(i) - BAD_HALF))),
        _ => [0.0; LAST as usize + 1],
    };
    let mean = std::array::from_fn(|i| bad[i] * BAD_SHARE + (1.0 - bad[i]) * well[i]);
    Tables { well, bad, mean }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).min(60.0).exp())
}

/// The curves of a shape, for reading them many times.
#[derive(Clone, Copy)]
pub(super) struct Curve(&'static Tables);

impl Curve {
    /// That of a shape, by its place in [`SHAPES`].
    pub(super) fn of(shape: usize) -> Self {
        Self(&TABLES[shape])
    }

    /// Share of slow requests, over all minutes, at so many steps of ln(u / c); as at the ends of the table beyond them.
    pub(super) fn at(self, steps: i32) -> f64 {
        self.0.mean[place(steps)]
    }

    /// Expected share of slow requests where the steps from `first` on are so likely.
    pub(super) fn expected(self, first: i32, likely: &[f64]) -> f64 {
        let from = usize::try_from(first.saturating_add(MIDDLE)).ok();
        match from.and_then(|from| self.0.mean.get(from..from.checked_add(likely.len())?)) {
            Some(shares) => dot(likely, shares),
            None => likely.iter().zip(0..).map(|(p, step)| p * self.at(first.saturating_add(step))).sum(),
        }
    }

    /// Share of slow requests at so many steps of ln(u / c) in a minute that is not bad.
    pub(super) fn well_at(self, steps: i32) -> f64 {
        self.0.well[place(steps)]
    }

    /// Share of bad minutes at so many steps of ln(u / c).
    pub(super) fn bad_at(self, steps: i32) -> f64 {
        self.0.bad[place(steps)]
    }
}

/// Sum of the products, side by side, so that additions need not wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f64>()
}

fn place(steps: i32) -> usize {
    steps.saturating_add(MIDDLE).clamp(0, LAST) as usize
}

/// The nearest step of a logarithm.
pub(super) fn steps(ln: f64) -> i32 {
    // Numbers of this size have no digits behind the point: adding it rounds, ties to even, and without a call.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    ((ln / FINE + WHOLE) - WHOLE) as i32
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
    let ratio = ratio();
    let seconds: [f64; BUCKETS] = std::array::from_fn(|i| match i + 1 {
        BUCKETS => LONGEST_MS / 1000.0,
        _ => ratio.powf(i as f64 + 0.5) / 1000.0,
    });
    let half = SLOT_S as f64 / 2.0;
    Buckets { seconds, slots_before: seconds.map(|s| ((s + half) / SLOT_S as f64) as u8) }
});

/// Each bucket's upper bound is so many times its lower one.
fn ratio() -> f64 {
    LONGEST_MS.powf(1.0 / BUCKETS as f64)
}

impl Buckets {
    pub(super) fn get() -> &'static Self {
        &BUCKET_VALUES
    }

    /// Share of each bucket that is slower than a bound in milliseconds.
    pub(super) fn slow_shares(bound_ms: f64) -> [f64; BUCKETS] {
        let bound = bound_ms.ln() / ratio().ln();
        std::array::from_fn(|i| ((i + 1) as f64 - bound).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dyno_at_what_it_carries_has_one_percent_slow_and_few_below_or_many_above() {
        let share = |x: f64| Curve::of(0).well_at(steps(x.ln()));
        assert_eq!(share(1.0), 1.0 / (1.0 + 99.0_f64.ln().exp()));
        assert!((share(0.9) - 0.002).abs() < 0.0005, "{}", share(0.9));
        assert!((share(1.1) - 0.04).abs() < 0.005, "{}", share(1.1));
        assert!((share(1.2) - 0.135).abs() < 0.015, "{}", share(1.2));
        for steps in [i32::MIN, -201, -200, 200, 201, i32::MAX] {
            let edge = if steps < 0 { Curve::of(0).at(-200) } else { Curve::of(0).at(200) };
            assert_eq!(Curve::of(0).at(steps), edge);
        }
    }

    #[test]
    fn the_gradual_curve_is_the_same_in_all_minutes_and_the_unsteady_one_is_bad_more_often_the_busier() {
        for steps in -200..=200 {
            assert_eq!(Curve::of(0).at(steps), Curve::of(0).well_at(steps));
            assert_eq!((Curve::of(0).bad_at(steps), Curve::of(1).bad_at(steps)), (0.0, 0.0));
        }
        let bad = [-0.3, 0.0, 0.15, 0.5].map(|ln_x| Curve::of(2).bad_at(steps(ln_x)));
        assert!(bad.is_sorted() && bad[0] < 0.001 && (bad[2] - 0.06).abs() < 0.005 && bad[3] > 0.11, "{bad:?}");
        assert!(Curve::of(2).at(5) > 0.007 && Curve::of(2).at(5) < 0.02, "{}", Curve::of(2).at(5));
        assert!(Curve::of(1).well_at(steps(-0.06)) < 0.001 && Curve::of(1).well_at(5) > 0.7);
    }

    #[test]
    fn what_is_expected_of_a_row_of_steps_is_what_each_says_also_beyond_the_table() {
        let likely: Vec<f64> = (0..50).map(|i| f64::from(i) / 1225.0).collect();
        for first in [i32::MIN, -220, -200, -20, 150, 151, 152, 199, 300, i32::MAX] {
            let each: f64 = (0..50).map(|i| likely[i as usize] * Curve::of(2).at(first.saturating_add(i))).sum();
            assert!((Curve::of(2).expected(first, &likely) - each).abs() < 1e-12, "{first}");
        }
    }

    #[test]
    fn steps_are_rounded_to_even() {
        let rounded = [-4.0, 0.0, 0.03, -0.031, 1e300, -1e300].map(steps);
        assert_eq!(rounded, [-200, 0, 2, -2, i32::MAX, i32::MIN]);
        for i in -10_000..10_000 {
            let ln = f64::from(i) * 0.000_37;
            assert_eq!(steps(ln), (ln / FINE).round_ties_even() as i32, "{ln}");
        }
    }

    #[test]
    fn the_shapes_are_all_that_there_are() {
        assert!((SHAPES.iter().map(|(_, likely)| likely).sum::<f64>() - 1.0).abs() < 1e-12);
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
