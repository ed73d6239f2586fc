//! The load now and where it goes: lines fitted to the arrivals of the last minutes, how wrong earlier forecasts were, and
//! the highest load of the last ten minutes. Says nothing about dynos.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::curve::SLOT_S;
use super::slots::{LOAD, SlotNo, Slots};
use crate::model::time::Timestamp;

/// Lines are fitted to the arrivals of all slots of a load, and of so many: two minutes.
const LONG: usize = LOAD as usize;
const SHORT: usize = 12;
/// Fewer points than this give a mean and no slope.
const POINTS: usize = 8;
/// A slope counts by 1 - (this many standard errors / slope)^2: what noise explains is no trend.
const SIGNIFICANT: f64 = 4.0;
/// The forecast is at most so many times the load.
const RISE: f64 = 2.0;
/// Requests beyond this many times the calm are waiting; over so many slots.
const UNDER_WAY_IN_CALM: f64 = 2.0;
const BUSY_SLOTS: SlotNo = 3;
/// A backlog is to be drained within so many seconds, by at most so large a share of the load.
const DRAIN_S: f64 = 60.0;
const DRAIN_MOST: f64 = 0.25;
/// How wrong forecasts are is remembered for so many minutes; as a logarithm, at the start, at least and at most.
const ERROR_MINUTES: f64 = 120.0;
const ERROR_START: f64 = 0.08;
const ERROR_LEAST: f64 = 0.05;
const ERROR_MOST: f64 = 0.20;
/// Loads below this are as this one, for their logarithm.
pub(super) const LEAST_PER_S: f64 = 1e-3;
/// A removal looks at the highest load of this time.
const HOLD: Duration = Duration::from_secs(600);
/// Forecasts that wait for their time, and loads that are remembered.
const MOST_NOTES: usize = 256;
const MOST_LEVELS: usize = 128;

/// The load, in requests per second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Load {
    /// Now.
    pub(super) level: f64,
    /// At the horizon.
    pub(super) forecast: f64,
    /// Requests that wait beyond the calm.
    waiting: f64,
}

impl Load {
    /// The one of the last five minutes, `horizon_s` ahead; `None` where nothing is known of them. With `sure`, slots whose
    /// rows are unknown are left out although requests that ended later arrived in them.
    pub(super) fn of(slots: &Slots, end: SlotNo, horizon_s: f64, calm_s: f64, sure: bool) -> Option<Self> {
        let mut points = [(0.0, 0.0); LONG];
        let mut count = 0;
        for no in (end - LOAD..end).filter(|no| !sure || slots.is_known(*no)) {
            if let Some(rate) = slots.arrived_per_s(no, end) {
                points[count] = (((no - end) * SLOT_S) as f64 + SLOT_S as f64 / 2.0, rate);
                count += 1;
            }
        }
        let points = &points[..count];
        if points.is_empty() {
            return None;
        }
        let Line { now: mut level, slope } = Line::fit(points);
        let mut forecast = level + slope.max(0.0) * horizon_s;
        // A rise too young for the long line, or a fall.
        let young = points.partition_point(|(t, _)| *t <= -((SHORT as i64 * SLOT_S) as f64));
        let Line { now, slope } = Line::fit(&points[young..]);
        if slope > 0.0 {
            level = level.max(now);
            forecast = forecast.max(now + slope * horizon_s);
        } else if slope < 0.0 {
            level = level.min(now);
            forecast = forecast.min(now);
        }
        let last = slots.sums(end - BUSY_SLOTS, end);
        let waiting = (last.busy() - UNDER_WAY_IN_CALM * last.done_per_s() * calm_s).max(0.0);
        Some(Self { level, forecast: forecast.min(RISE * level), waiting })
    }

    /// What dynos should carry at the horizon, the backlog drained, as far as it is one that dynos drain.
    pub(super) fn wanted(&self, in_incident: f64) -> f64 {
        self.forecast + (1.0 - in_incident) * (self.waiting / DRAIN_S).min(DRAIN_MOST * self.level)
    }
}

/// A line through points, as far as its slope is beyond noise.
struct Line {
    /// Its value at the end of the window, at least 0.
    now: f64,
    slope: f64,
}

impl Line {
    /// Points are seconds from the end of the window, and values.
    fn fit(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        if points.is_empty() {
            return Self { now: 0.0, slope: 0.0 };
        }
        let mean_t = points.iter().map(|(t, _)| t).sum::<f64>() / n;
        let mean = points.iter().map(|(_, v)| v).sum::<f64>() / n;
        if points.len() < POINTS {
            return Self { now: mean, slope: 0.0 };
        }
        let spread: f64 = points.iter().map(|(t, _)| (t - mean_t) * (t - mean_t)).sum();
        let slope = points.iter().map(|(t, v)| (t - mean_t) * (v - mean)).sum::<f64>() / spread;
        let off = |(t, v): &(f64, f64)| v - mean - slope * (t - mean_t);
        let error2 = points.iter().map(|point| off(point) * off(point)).sum::<f64>() / (n - 2.0) / spread;
        let slope = match slope {
            0.0 => 0.0,
            _ => slope * (1.0 - SIGNIFICANT * SIGNIFICANT * error2 / (slope * slope)).max(0.0),
        };
        Self { now: (mean - slope * mean_t).max(0.0), slope }
    }
}

/// How far forecasts were below the load that came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Errors {
    /// Mean square, as logarithms.
    square: f64,
    /// Forecasts whose time has not come: unix seconds, and ln of the load.
    notes: VecDeque<(f64, f64)>,
}

impl Errors {
    pub(super) fn new() -> Self {
        Self { square: ERROR_START * ERROR_START, notes: VecDeque::with_capacity(MOST_NOTES) }
    }

    /// Compares the forecasts whose time has come with the load, and notes the new one.
    pub(super) fn note(&mut self, end_s: f64, load: &Load, horizon_s: f64, interval: Duration) {
        let pace = (interval.as_secs_f64() / 60.0 / ERROR_MINUTES).min(1.0);
        let ln_level = load.level.max(LEAST_PER_S).ln();
        let square = &mut self.square;
        self.notes.retain(|(at, ln_forecast)| {
            let is_due = *at <= end_s;
            if is_due {
                let error = (ln_level - ln_forecast).clamp(ERROR_LEAST, ERROR_MOST);
                *square += pace * (error * error - *square);
            }
            !is_due
        });
        if self.notes.len() == MOST_NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back((end_s + horizon_s, load.forecast.max(LEAST_PER_S).ln()));
    }

    /// The standard error of ln forecast.
    pub(super) fn deviation(&self) -> f64 {
        self.square.sqrt()
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        (0.0..=1.0).contains(&self.square)
            && self.notes.len() <= MOST_NOTES
            && self.notes.iter().all(|(at, ln)| at.is_finite() && ln.is_finite())
    }

    /// With the room that it had before it was saved.
    pub(super) fn make_room(&mut self) {
        self.notes.reserve(MOST_NOTES - self.notes.len());
    }

    /// The clock has been put back: no forecast has a time to wait for.
    pub(super) fn forget_notes(&mut self) {
        self.notes.clear();
    }
}

/// The loads of the last ten minutes, as far as one of them can be the highest: each is higher than those after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Levels(VecDeque<(Timestamp, f64)>);

impl Levels {
    pub(super) fn new() -> Self {
        Self(VecDeque::with_capacity(MOST_LEVELS))
    }

    /// Notes the load of a check.
    pub(super) fn note(&mut self, now: Timestamp, level: f64) {
        self.0.retain(|(at, higher)| now < *at + HOLD && *at <= now && *higher > level);
        if self.0.len() == MOST_LEVELS {
            // Checks come very often: the oldest two are held as one, until the younger of them is too old.
            let oldest = self.0.pop_front().map(|(_, level)| level);
            if let (Some(level), Some(next)) = (oldest, self.0.front_mut()) {
                next.1 = level;
            }
        }
        self.0.push_back((now, level));
    }

    /// The highest.
    pub(super) fn highest(&self) -> f64 {
        self.0.front().map_or(0.0, |(_, level)| *level)
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.0.len() <= MOST_LEVELS
            && self.0.iter().all(|(_, level)| level.is_finite() && *level >= 0.0)
            && self.0.iter().is_sorted_by(|a, b| a.0 <= b.0 && a.1 >= b.1)
    }

    /// With the room that it had before it was saved.
    pub(super) fn make_room(&mut self) {
        self.0.reserve(MOST_LEVELS - self.0.len());
    }
}
