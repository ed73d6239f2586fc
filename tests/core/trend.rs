//! The trend against exact rational arithmetic.

use autoscale_core::time::Timestamp;
use autoscale_core::window::Trend;
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

fn check(points: &Points) -> Result<(), TestCaseError> {
    let fitted = Trend::fit(points.iter().copied());
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
    (base, prop::collection::vec((0..=span_us, prop_oneof![1.0..30_000.0, 1e-3..1.0, 1e8..1e9]), 0..60))
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
    fn the_trend_of_a_straight_line_is_its_slope(slope in -50.0..50.0_f64, n in 2_usize..200, gap in 1_i64..600) {
        let line = |i: usize| {
            let t = i as i64 * gap;
            (Timestamp::from_secs(1_700_000_000 + t), 1e7 + slope * t as f64)
        };
        let fitted = Trend::fit((0..n).map(line)).unwrap();
        prop_assert!((fitted.slope - slope).abs() < 1e-8, "{} is not {slope}", fitted.slope);
    }
}

#[test]
fn no_point_one_point_and_equal_times_have_no_trend() {
    let at = Timestamp::from_secs(1_700_000_000);
    assert_eq!(Trend::fit([]), None);
    assert_eq!(Trend::fit([(at, 5.0)]), None);
    assert_eq!(Trend::fit([(at, 5.0), (at, 700.0), (at, 2.0)]), None);
}

#[test]
fn times_a_microsecond_apart_have_a_trend() {
    let at = Timestamp::from_micros(253_402_300_799_000_000);
    let next = Timestamp::from_micros(253_402_300_799_000_001);
    assert_eq!(Trend::fit([(at, 1.0), (next, 3.0)]).unwrap().slope, 2e6);
}

#[test]
fn the_ends_of_time_do_not_overflow() {
    let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
    assert!(Trend::fit([(first, 1.0), (last, 3.0)]).unwrap().slope.is_finite());
}
