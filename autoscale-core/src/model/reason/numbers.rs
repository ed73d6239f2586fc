//! The numbers behind a reason, in a row, and back: for interfaces that know no enums. Which reason applies, and what it
//! says, is not decided here.

use std::time::Duration;

use super::wait::{Cooldown, Next};
use crate::model::belief::{Belief, TrafficBelief};
use crate::model::down::DownDetail;
use crate::model::time::Timestamp;

/// How many numbers a reason can rest on.
pub const NUMBERS: usize = 7;

/// Numbers in the order of a reason's fields; places that it does not use are 0.
#[derive(Debug)]
pub(super) struct Row {
    numbers: [f64; NUMBERS],
    place: usize,
}

impl Row {
    pub(super) const fn empty() -> Self {
        Self::of([0.0; NUMBERS])
    }

    pub(super) const fn of(numbers: [f64; NUMBERS]) -> Self {
        Self { numbers, place: 0 }
    }

    pub(super) const fn numbers(self) -> [f64; NUMBERS] {
        self.numbers
    }

    fn put(&mut self, number: f64) {
        self.numbers[self.place] = number;
        self.place += 1;
    }

    fn take(&mut self) -> f64 {
        let number = self.numbers[self.place];
        self.place += 1;
        number
    }
}

/// A field of a reason, as one or several numbers. A number that a field can't hold becomes the nearest that it can.
pub(super) trait Field {
    fn put(&self, row: &mut Row);
    fn take(row: &mut Row) -> Self;
}

impl Field for f64 {
    fn put(&self, row: &mut Row) {
        row.put(*self);
    }

    fn take(row: &mut Row) -> Self {
        row.take()
    }
}

impl Field for u32 {
    fn put(&self, row: &mut Row) {
        row.put(f64::from(*self));
    }

    fn take(row: &mut Row) -> Self {
        row.take() as Self
    }
}

impl Field for usize {
    fn put(&self, row: &mut Row) {
        row.put(*self as f64);
    }

    fn take(row: &mut Row) -> Self {
        row.take() as Self
    }
}

impl Field for bool {
    fn put(&self, row: &mut Row) {
        row.put(if *self { 1.0 } else { 0.0 });
    }

    fn take(row: &mut Row) -> Self {
        row.take() != 0.0
    }
}

/// Seconds. What is no span of time is none at all.
impl Field for Duration {
    fn put(&self, row: &mut Row) {
        row.put(self.as_secs_f64());
    }

    fn take(row: &mut Row) -> Self {
        Self::try_from_secs_f64(row.take()).unwrap_or_default()
    }
}

/// NaN for one that is not there.
impl Field for Option<f64> {
    fn put(&self, row: &mut Row) {
        row.put(self.unwrap_or(f64::NAN));
    }

    fn take(row: &mut Row) -> Self {
        Some(row.take()).filter(|number| !number.is_nan())
    }
}

/// Seconds; NaN for one that is not there.
impl Field for Option<Duration> {
    fn put(&self, row: &mut Row) {
        row.put(self.map_or(f64::NAN, |span| span.as_secs_f64()));
    }

    fn take(row: &mut Row) -> Self {
        let seconds = <Option<f64> as Field>::take(row)?;
        Some(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

/// A wait that is left, if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wait(pub Option<Duration>);

/// Seconds; no wait is 0, as an older library leaves it.
impl Field for Wait {
    fn put(&self, row: &mut Row) {
        self.0.unwrap_or_default().put(row);
    }

    fn take(row: &mut Row) -> Self {
        Self(Some(Duration::take(row)).filter(|wait| !wait.is_zero()))
    }
}

/// What a check met; 0 where that is not known.
impl Field for Option<DownDetail> {
    fn put(&self, row: &mut Row) {
        row.put(f64::from(self.map_or(0, DownDetail::number)));
    }

    fn take(row: &mut Row) -> Self {
        DownDetail::of_number(row.take() as u16)
    }
}

impl Field for Cooldown {
    fn put(&self, row: &mut Row) {
        self.numbers().into_iter().for_each(|number| row.put(number));
    }

    fn take(row: &mut Row) -> Self {
        let number = row.take();
        Self::from_numbers(number, row.take())
    }
}

impl Field for Next {
    fn put(&self, row: &mut Row) {
        self.numbers().into_iter().for_each(|number| row.put(number));
    }

    fn take(row: &mut Row) -> Self {
        let kind = row.take();
        Self::from_numbers(kind, Duration::take(row))
    }
}

impl Field for Belief {
    fn put(&self, row: &mut Row) {
        let Self { load_dynos, load_low, load_high, slow_share_now, slow_share_target, considered, incurable_share } =
            *self;
        let considered = f64::from(considered);
        [load_dynos, load_low, load_high, slow_share_now, slow_share_target, considered, incurable_share]
            .into_iter()
            .for_each(|number| row.put(number));
    }

    fn take(row: &mut Row) -> Self {
        Self {
            load_dynos: row.take(),
            load_low: row.take(),
            load_high: row.take(),
            slow_share_now: row.take(),
            slow_share_target: row.take(),
            considered: u32::take(row),
            incurable_share: row.take(),
        }
    }
}

/// Its moment is unix seconds.
impl Field for TrafficBelief {
    fn put(&self, row: &mut Row) {
        let Self { requests_per_s, forecast_per_s, forecast_at, dyno_carries, slow_share, incident, considered } =
            *self;
        let (forecast_at, considered) = (forecast_at.as_secs_f64(), f64::from(considered));
        [requests_per_s, forecast_per_s, forecast_at, dyno_carries, slow_share, incident, considered]
            .into_iter()
            .for_each(|number| row.put(number));
    }

    fn take(row: &mut Row) -> Self {
        Self {
            requests_per_s: row.take(),
            forecast_per_s: row.take(),
            forecast_at: Timestamp::from_secs_f64(row.take()).unwrap_or(Timestamp::from_secs(0)),
            dyno_carries: row.take(),
            slow_share: row.take(),
            incident: row.take(),
            considered: u32::take(row),
        }
    }
}
