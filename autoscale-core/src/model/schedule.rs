//! Schedules: bounds that hold on certain days between two times of a place's clock. Which of them hold at a moment, and
//! when that changes next. Pure: reads no clock and no file; a time zone is a value.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::calendar;
use crate::model::time::Timestamp;

/// Days on which a schedule of weekdays is looked for; more than a year, so that no gap in the clock can hide the next.
const DAYS_AHEAD: usize = 400;
/// Spans that follow each other without a pause are told as one; so many at most.
const MERGED: usize = 31;

/// Minutes from midnight to midnight: a [`Schedule::to`] that is the end of the day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// The days on which a schedule begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Days {
    /// Monday first.
    weekdays: [bool; 7],
    /// Sorted, each once.
    dates: Vec<Date>,
}

impl Days {
    /// With a day of the week.
    pub fn add_weekday(&mut self, day: Weekday) {
        self.weekdays[usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()] = true;
    }

    /// With a date.
    pub fn add_date(&mut self, date: Date) {
        if let Err(at) = self.dates.binary_search(&date) {
            self.dates.insert(at, date);
        }
    }

    /// Is there no day at all?
    pub fn is_empty(&self) -> bool {
        self.dates.is_empty() && !self.has_weekdays()
    }

    /// The last date, where there are only dates.
    pub fn last(&self) -> Option<Date> {
        self.dates.last().copied().filter(|_| !self.has_weekdays())
    }

    fn has_weekdays(&self) -> bool {
        self.weekdays.contains(&true)
    }

    fn has(&self, date: Date) -> bool {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.weekdays[day] || self.dates.binary_search(&date).is_ok()
    }

    /// The days from a date on, as far as they are worth looking at.
    fn from(&self, first: Date) -> Box<dyn Iterator<Item = Date> + '_> {
        if self.has_weekdays() {
            return Box::new(first.series(jiff::Span::new().days(1)).take(DAYS_AHEAD).filter(|date| self.has(*date)));
        }
        Box::new(self.dates[self.dates.partition_point(|date| *date < first)..].iter().copied())
    }
}

/// Bounds that hold on certain days between two times of the day.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    /// Its name, for people.
    pub name: String,
    /// The days on which it begins.
    pub days: Days,
    /// When it begins, in minutes after midnight by the clock of its zone.
    pub from: u16,
    /// When it ends, in minutes after midnight: that of the next day where it is not after `from`. At most
    /// [`DAY_MINUTES`].
    pub to: u16,
    /// Whose clock that is.
    pub zone: TimeZone,
    /// The fewest dynos while it holds.
    pub min: Option<u32>,
    /// The most dynos while it holds.
    pub max: Option<u32>,
    /// How long before `from` its bounds hold already, so that dynos serve in time.
    pub lead: Duration,
}

/// A span of time, its end not included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holds {
    /// Its begin.
    pub from: Timestamp,
    /// Its end; `None` where it does not end in sight.
    pub until: Option<Timestamp>,
}

impl Schedule {
    /// The span that a moment is in, `None` where the schedule does not hold then. Spans that touch are one.
    pub fn holds_at(&self, now: Timestamp) -> Option<Holds> {
        let mut spans = self.spans_after(now);
        let (from, mut until) = spans.next().filter(|(from, _)| *from <= now)?;
        for (n, (begin, end)) in spans.enumerate() {
            if begin > until {
                break;
            }
            if n == MERGED {
                return Some(Holds { from, until: None });
            }
            until = end;
        }
        Some(Holds { from, until: Some(until) })
    }

    /// When it next begins or ends, after this moment; `None` where neither is in sight.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        match self.holds_at(now) {
            Some(holds) => holds.until,
            None => self.spans_after(now).next().map(|(from, _)| from),
        }
    }

    /// The spans that end after a moment, in their order, the lead included.
    fn spans_after(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let today = calendar::utc(now).map(|utc| self.zone.to_datetime(utc).date());
        // One that began yesterday may still hold, and a zone may have left out a day.
        let first = today.and_then(|today| today.yesterday().ok()?.yesterday().ok());
        let days = first.map(|first| self.days.from(first));
        days.into_iter().flatten().filter_map(|day| self.span_of(day)).filter(move |(_, end)| *end > now)
    }

    /// The span that begins on a day, the lead included; `None` for one that the zone's clock leaves out.
    fn span_of(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
        let (begin, end) = (self.moment(day, self.from)?, self.moment(last, self.to)?);
        (begin < end).then(|| (begin - self.lead, end))
    }

    /// The moment at which the zone's clock reaches a time of a day. A time that the clock leaves out is reached when it
    /// goes on; of a time that comes twice, it is the first.
    fn moment(&self, day: Date, minutes: u16) -> Option<Timestamp> {
        let (day, minutes) =
            if minutes < DAY_MINUTES { (day, minutes) } else { (day.tomorrow().ok()?, minutes - DAY_MINUTES) };
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let civil = DateTime::new(day.year(), day.month(), day.day(), hour, minute, 0, 0).ok()?;
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let at = match ambiguous.offset() {
            AmbiguousOffset::Gap { after, .. } => {
                // By the later offset it lies before the clock is moved.
                let before = after.to_timestamp(civil).ok()?;
                self.zone.following(before).next()?.timestamp()
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
        };
        Some(Timestamp::from_micros(at.as_microsecond()))
    }
}
