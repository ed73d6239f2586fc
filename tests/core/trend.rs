//! The trend against exact rational arithmetic.

use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Trend;
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

type Points = Vec<(Timestamp, f64)>;

/// Least squares in rationals, without centring: slope in ms/s, and the square of its standard error (with 3 points or
/// more). `None` where all times are equal.
fn exact(points: &[(Timestamp, f64)]) -> Option<(BigRational, Option<BigRational>)> {
    let n = BigRational::from_integer(BigInt::from(points.len()));
    let second = BigRational::from_integer(BigInt::from(1_000_000));
    let (mut t1, mut v1, mut tt, mut tv, mut vv) = (
        BigRational::default(),
        BigRational::default(),
        BigRational::default(),
        BigRational::default(),
        BigRational::default(),
    );
    for (at, ms) in points {
        let t = BigRational::from_integer(BigInt::from(at.as_micros())) / &second;
        let v = BigRational::from_float(*ms).unwrap();
        t1 += &t;
        v1 += &v;
        tt += &t * &t;
        tv += &t * &v;
        vv += &v * &v;
    }
    let (s_tt, s_tv, s_vv) = (&n * &tt - &t1 * &t1, &n * &tv - &t1 * &v1, &n * &vv - &v1 * &v1);
    if s_tt == BigRational::default() {
        return None;
    }
    let slope = &s_tv / &s_tt;
    let error = (points.len() > 2).then(|| {
        let two = BigRational::from_integer(BigInt::from(2));
        (&s_vv - &slope * &s_tv) / (&n - two) / &s_tt
    });
    Some((slope, error))
}

fn float(x: &BigRational) -> f64 {
    // Far more digits than an f64 has, cut to one.
    let scale = BigInt::from(10).pow(40);
    let scaled = (x * BigRational::from_integer(scale)).to_integer();
    scaled.to_string().parse::<f64>().unwrap() / 1e40
}

/// Relative error of the slope, against the slope's own scale: the spread of the values over the spread of the times.
const SLOPE_ERROR: f64 = 1e-12;

fn up((at, ms): (Timestamp, f64)) -> Sample {
    Sample::up(at, ms).expect("above zero")
}

fn check(points: &Points) -> Result<(), TestCaseError> {
    let fitted = Trend::fit(&points.iter().copied().map(up).collect::<Vec<_>>());
    let Some((slope, error)) = exact(points).filter(|_| points.len() > 1) else {
        prop_assert_eq!(fitted, None);
        return Ok(());
    };
    let fitted = fitted.expect("times differ");
    prop_assert_eq!(fitted.points, points.len());
    let spread = |of: &dyn Fn(&(Timestamp, f64)) -> f64| {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in points.iter().map(of) {
            (low, high) = (low.min(x), high.max(x));
        }
        high - low
    };
    let origin = points[0].0;
    // What no f64 can resolve: the last digit of the largest value counts as much as that of the spread.
    let largest = points.iter().fold(0.0, |m: f64, p| m.max(p.1.abs()));
    let scale = (spread(&|p| p.1) + largest * 1e-4) / spread(&|p| p.0.seconds_since(origin));
    let off = (fitted.slope - float(&slope)).abs();
    prop_assert!(off <= SLOPE_ERROR * scale.max(slope_size(&slope)) * points.len() as f64, "{off:e} of {scale:e}");
    match error {
        None => prop_assert_eq!(fitted.standard_error, f64::INFINITY),
        Some(square) => {
            let want = float(&square).max(0.0).sqrt();
            // Near zero the square root halves the digits.
            let off = (fitted.standard_error - want).abs();
            prop_assert!(off <= 1e-6 * scale + 1e-9 * want, "{off:e} of {want:e}, scale {scale:e}");
        }
    }
    Ok(())
}

fn slope_size(slope: &BigRational) -> f64 {
    float(slope).abs()
}

fn points(span_us: i64) -> impl Strategy<Value = Points> {
    let base =
        prop_oneof![Just(0_i64), Just(1_700_000_000_000_000), Just(253_402_300_799_000_000), Just(-5_000_000_000_000)];
    (base, prop::collection::vec((0..=span_us, prop_oneof![1.0..30_000.0, 1e-3..1.0, 1e8..1e9]), 0..400))
        .prop_map(|(base, list)| list.into_iter().map(|(t, v)| (Timestamp::from_micros(base + t), v)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_trend_is_exact_for_a_window_of_half_an_hour_in_any_order(points in points(1_800_000_000)) {
        check(&points)?;
    }

    #[test]
    fn the_trend_is_exact_where_many_share_a_second(seconds in prop::collection::vec((0_i64..5, 1.0..30_000.0), 0..40)) {
        let at = |s: i64| Timestamp::from_secs(1_700_000_000 + s);
        check(&seconds.into_iter().map(|(s, v)| (at(s), v)).collect())?;
    }

    #[test]
    fn the_trend_of_a_straight_line_is_its_slope(slope in -50.0..50.0_f64, n in 2_usize..600, gap in 1_i64..600) {
        let line = |i: usize| {
            let t = i as i64 * gap;
            (Timestamp::from_secs(1_700_000_000 + t), 1e8 + slope * t as f64)
        };
        let fitted = Trend::fit(&(0..n).map(line).map(up).collect::<Vec<_>>()).unwrap();
        prop_assert!((fitted.slope - slope).abs() < 1e-8, "{} is not {slope}", fitted.slope);
    }
}

#[test]
fn no_point_one_point_and_equal_times_have_no_trend() {
    let at = Timestamp::from_secs(1_700_000_000);
    assert_eq!(Trend::fit(&[]), None);
    assert_eq!(Trend::fit(&[up((at, 5.0))]), None);
    assert_eq!(Trend::fit(&[(at, 5.0), (at, 700.0), (at, 2.0)].map(up)), None);
    let down = Sample::down(Timestamp::from_secs(5), DownCause::Error);
    assert_eq!(Trend::fit(&[down, up((at, 5.0)), down, up((at, 700.0))]), None);
}

#[test]
fn results_that_were_down_count_for_nothing() {
    let at = |i: i64| Timestamp::from_secs(1_700_000_000 + 60 * i);
    let ups: Vec<_> = (0..500).map(|i| up((at(i), 300.0 + (i * 37 % 100) as f64))).collect();
    for every in [1, 2, 3, 63, 64, 65, 499] {
        let mut mixed = Vec::new();
        for (i, sample) in ups.iter().enumerate() {
            mixed.push(*sample);
            if i % every == 0 {
                mixed.push(Sample::down(sample.at, DownCause::Timeout));
            }
        }
        let (fitted, want) = (Trend::fit(&mixed).unwrap(), Trend::fit(&ups).unwrap());
        assert_eq!((fitted.points, fitted.centre), (500, want.centre));
        assert!((fitted.slope / want.slope - 1.0).abs() < 1e-11, "{} is not {}", fitted.slope, want.slope);
    }
}

#[test]
fn times_a_microsecond_apart_have_a_trend() {
    let at = Timestamp::from_micros(253_402_300_799_000_000);
    let next = Timestamp::from_micros(253_402_300_799_000_001);
    assert_eq!(Trend::fit(&[up((at, 1.0)), up((next, 3.0))]).unwrap().slope, 2e6);
}

#[test]
fn times_too_far_apart_for_a_difference_have_no_trend() {
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    assert_eq!(Trend::fit(&[up((first, 1.0)), up((last, 3.0))]), None);
    let middle = Timestamp::from_micros(0);
    assert!(Trend::fit(&[up((middle, 1.0)), up((last, 3.0))]).unwrap().slope > 0.0);
}
