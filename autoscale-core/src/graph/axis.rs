//! From values to pixels, and where the labels of an axis go. Whatever the values, the pixels stay on the plot.

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::model::calendar;
use crate::model::time::Timestamp;

/// From zero upwards.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct ValueAxis {
    top: f64,
    pixels: (f64, f64),
}

impl ValueAxis {
    /// Zero at the first height in `pixels`, `top` at the second. A top that is no number above zero counts as 1.
    pub(super) fn new(top: f64, pixels: (f64, f64)) -> Self {
        Self { top: if top > 0.0 && top.is_finite() { top } else { 1.0 }, pixels }
    }

    /// The height of a value; that of the nearer end where the value is beyond.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = (value / self.top).clamp(0.0, 1.0);
        let share = if share.is_nan() { 0.0 } else { share };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// The largest value that is drawn where it belongs.
    pub(super) fn top(&self) -> f64 {
        self.top
    }

    /// Round values from zero to the top, about `wanted` of them, none closer together than `least`.
    pub(super) fn ticks(&self, wanted: f64, least: f64) -> Vec<f64> {
        let raw = self.top / wanted;
        let magnitude = 10_f64.powf(raw.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * magnitude).find(|s| *s >= raw).unwrap_or(raw).max(least);
        (0..=20).map(|k| f64::from(k) * step).take_while(|v| *v <= self.top * (1.0 + 1e-9)).collect()
    }
}

/// Time, with labels in local time.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TimeAxis {
    from: Timestamp,
    seconds: f64,
    pixels: (f64, f64),
    labels: Vec<(f64, String)>,
}

/// Distances between labels that people find round, seconds: from ten seconds to four weeks.
const STEPS: [i64; 19] = [
    10,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];
const DAY: i64 = 86_400;

/// As many labels fit side by side.
const MOST_LABELS: f64 = 9.0;

impl TimeAxis {
    /// From one moment to another; where there is no time between them, a minute around them.
    pub(super) fn new(from: Timestamp, to: Timestamp, zone: &TimeZone, pixels: (f64, f64)) -> Self {
        const HALF_MINUTE: std::time::Duration = std::time::Duration::from_secs(30);
        let (from, to) = if from < to { (from, to) } else { (to - HALF_MINUTE, from + HALF_MINUTE) };
        let mut axis = Self { from, seconds: to.seconds_since(from).max(1e-6), pixels, labels: Vec::new() };
        axis.labels = axis.local_ticks(to, zone).unwrap_or_default();
        axis
    }

    /// Where a moment is, left to right; the nearer end where it is outside.
    pub(super) fn x(&self, at: Timestamp) -> f64 {
        let share = (at.seconds_since(self.from) / self.seconds).clamp(0.0, 1.0);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// Places and texts of the labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = (f64, &str)> {
        self.labels.iter().map(|(x, text)| (*x, text.as_str()))
    }

    /// Round local times. `None` for times that no calendar has.
    fn local_ticks(&self, to: Timestamp, zone: &TimeZone) -> Option<Vec<(f64, String)>> {
        let raw = self.seconds / MOST_LABELS;
        let longest = *STEPS.last()? as f64;
        let step =
            STEPS.into_iter().find(|s| *s as f64 >= raw).unwrap_or((raw / longest).ceil() as i64 * (longest as i64));
        let local = zone.to_datetime(calendar::utc(self.from)?);
        let midnight = local.date().at(0, 0, 0, 0);
        let since_midnight = local.duration_since(midnight).as_secs();
        let mut ticks = Vec::new();
        let mut last = None;
        // Counted in local time, so that labels stay round over a change to summer time.
        for k in 0..=2 * MOST_LABELS as i64 {
            let seconds = (since_midnight.div_euclid(step) + k) * step;
            let Ok(civil) = midnight.checked_add(seconds.seconds()) else { break };
            let Ok(moment) = zone.to_timestamp(civil) else { break };
            let moment = Timestamp::from_micros(moment.as_microsecond());
            if moment > to {
                break;
            }
            if moment < self.from || last.is_some_and(|last| moment <= last) {
                continue;
            }
            last = Some(moment);
            let form = match step {
                ..60 => "%H:%M:%S",
                60..DAY if civil.time() == jiff::civil::Time::midnight() => "%-d %b",
                60..DAY => "%H:%M",
                _ if step <= 28 * DAY => "%-d %b",
                _ => "%b %Y",
            };
            ticks.push((self.x(moment), civil.strftime(form).to_string()));
        }
        Some(ticks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(from: i64, to: i64, zone: &TimeZone) -> Vec<String> {
        let axis = TimeAxis::new(Timestamp::from_secs(from), Timestamp::from_secs(to), zone, (0.0, 100.0));
        axis.labels().map(|(_, text)| text.to_owned()).collect()
    }

    /// 2026-11-24 09:00 UTC.
    const NINE: i64 = 1_795_510_800;

    #[test]
    fn half_an_hour_is_labelled_every_five_minutes() {
        let expected = ["09:05", "09:10", "09:15", "09:20", "09:25", "09:30"];
        assert_eq!(labels(NINE + 34, NINE + 1834, &TimeZone::UTC), expected);
    }

    #[test]
    fn a_day_is_labelled_in_round_local_hours_with_the_date_at_midnight() {
        let india = TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap());
        let expected = ["15:00", "18:00", "21:00", "25 Nov", "03:00", "06:00", "09:00", "12:00"];
        assert_eq!(labels(NINE, NINE + DAY, &india), expected);
    }

    #[test]
    fn labels_stay_round_over_a_change_of_the_clock() {
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        // 2026-10-25 00:00 CEST, and twelve hours and one more.
        let expected = ["25 Oct", "02:00", "04:00", "06:00", "08:00", "10:00", "12:00"];
        assert_eq!(labels(1_792_879_200, 1_792_879_200 + 13 * 3600, &berlin), expected);
    }

    #[test]
    fn no_time_at_all_is_a_minute() {
        assert_eq!(labels(NINE, NINE, &TimeZone::UTC)[0], "08:59:30");
    }

    #[test]
    fn times_beyond_any_calendar_have_no_labels() {
        assert_eq!(labels(i64::MIN / 1_000_000, i64::MAX / 1_000_000, &TimeZone::UTC), Vec::<String>::new());
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ValueAxis::new(2_300.0, (0.0, 1.0)).ticks(6.0, 0.0), [0.0, 500.0, 1000.0, 1500.0, 2000.0]);
        assert_eq!(ValueAxis::new(3.5, (0.0, 1.0)).ticks(4.0, 1.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(ValueAxis::new(4e9, (0.0, 1.0)).ticks(4.0, 1.0).len(), 5);
    }

    #[test]
    fn what_is_beyond_or_no_number_stays_on_the_plot() {
        let axis = ValueAxis::new(10.0, (100.0, 0.0));
        assert_eq!([5.0, 11.0, f64::INFINITY, -1.0, f64::NAN].map(|v| axis.y(v)), [50.0, 0.0, 0.0, 100.0, 100.0]);
        assert_eq!(ValueAxis::new(f64::NAN, (1.0, 0.0)).top(), 1.0);
    }
}
