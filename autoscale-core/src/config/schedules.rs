//! The sections `[SCHEDULE name]`: which there are, what each says, and what does not go together. When a schedule holds is
//! for the model to say.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::key::Key;
use super::keys;
use super::problem::{Problem, ProblemKind};
use super::reader::Reader;
use super::{advice, days, value};
use crate::model::formation::Bounds;
use crate::model::schedule::{DAY_MINUTES, Days, Schedule};

/// Most schedules of a configuration.
const MOST: usize = 100;

impl Reader<'_> {
    /// Every schedule; `None` where one can't be used.
    pub(super) fn schedules(&mut self, usual: Option<Bounds>, boot_time: Option<Duration>) -> Option<Vec<Schedule>> {
        let names = self.layers.schedules();
        if let Some((_, line, origin)) = names.get(MOST) {
            let text = format!("more than {MOST} schedules: put days and times that have the same bounds together");
            self.problems.push(Problem::at(*origin, ProblemKind::Conflict, *line, text));
            return None;
        }
        let read: Vec<_> = names
            .iter()
            .map(|(name, line, origin)| {
                self.schedule = Some((*name).to_owned());
                let schedule = self.one_schedule(name, usual, boot_time);
                if let Some(Read { min: None, max: None, .. }) = &schedule {
                    let problem = Problem::at(
                        *origin,
                        ProblemKind::Missing,
                        *line,
                        "sets no bound: give min_dynos or max_dynos, or delete the section",
                    );
                    self.problems.push(Problem { section: Some(section(name)), ..problem });
                }
                schedule
            })
            .collect();
        self.together(&read);
        self.schedule = None;
        read.into_iter().map(|read| read?.schedule()).collect()
    }

    /// Each value is read before the first is asked for, so that every problem is found.
    fn one_schedule(&mut self, name: &str, usual: Option<Bounds>, boot_time: Option<Duration>) -> Option<Read> {
        let overrides = self.overrides;
        let days = self.take(keys::DAYS, |text, _| days::parse(text, overrides));
        let (from, to) = (self.take(keys::FROM, value::time_of_day), self.take(keys::TO, value::time_of_day));
        let zone = self.zone();
        let problems = self.problems.len();
        let (min, max) = (self.dynos(keys::SCHEDULE_MIN), self.dynos(keys::SCHEDULE_MAX));
        let bounds_are_read = self.problems.len() == problems;
        let lead = self.duration(keys::LEAD);
        self.times(from, to);
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            self.not_below(keys::SCHEDULE_MIN, min, keys::SCHEDULE_MAX, max, "above");
        }
        self.with_usual(usual, min, max);
        if !bounds_are_read {
            return None;
        }
        let lead = lead.or(boot_time).unwrap_or_default();
        Some(Read { name: name.to_owned(), days, from, to, zone, min, max, lead })
    }

    fn zone(&mut self) -> Option<TimeZone> {
        let problems = self.problems.len();
        let zone = self.take(keys::TIME_ZONE, |text, _| value::time_zone(text));
        zone.or_else(|| (self.problems.len() == problems).then(TimeZone::system))
    }

    fn times(&mut self, from: Option<u16>, to: Option<u16>) {
        if from == Some(DAY_MINUTES) {
            self.problem(
                keys::FROM,
                ProblemKind::Value,
                "24:00 is the end of a day: give 00:00, and the day after in days",
            );
        } else if from.is_some() && from == to {
            let text = "is the same as from: delete both for the whole day, or give the time at which it ends";
            self.problem(keys::TO, ProblemKind::Conflict, text);
        }
    }

    /// A bound that would cross the usual other one, which holds where the schedule gives none.
    fn with_usual(&mut self, usual: Option<Bounds>, min: Option<u32>, max: Option<u32>) {
        let Some(usual) = usual else { return };
        if let (Some(min), None) = (min, max)
            && min > usual.max()
        {
            let (most, whence) = (usual.max(), self.whence(keys::MAX_DYNOS));
            let text = format!(
                "{min} is above the usual max_dynos ({most}, {whence}), and this schedule does not raise it: give it a \
                 max_dynos as well"
            );
            self.problem(keys::SCHEDULE_MIN, ProblemKind::Conflict, text);
        }
        if let (None, Some(max)) = (min, max)
            && max < usual.min()
        {
            let (fewest, whence) = (usual.min(), self.whence(keys::MIN_DYNOS));
            let text = format!(
                "{max} is below the usual min_dynos ({fewest}, {whence}), and this schedule does not lower it: give it a \
                 min_dynos as well"
            );
            self.problem(keys::SCHEDULE_MAX, ProblemKind::Conflict, text);
        }
        let most = min.max(max).unwrap_or_default();
        if most > advice::HEROKU_MOST {
            let key = if max.is_some() { keys::SCHEDULE_MAX } else { keys::SCHEDULE_MIN };
            let text = format!("{most} is above {}, the most that Heroku runs of a process type", advice::HEROKU_MOST);
            self.warn(key, ProblemKind::Advice, text);
        }
    }

    /// Bounds of two schedules that cross where both hold.
    fn together(&mut self, read: &[Option<Read>]) {
        let all = || read.iter().flatten();
        for low in all() {
            let Some(max) = low.max else { continue };
            let higher = |other: &&Read| other.max.is_none() && other.min.is_some_and(|min| min > max);
            if let Some(high) = all().find(higher) {
                self.schedule = Some(low.name.clone());
                let text = format!(
                    "{max} is below the min_dynos of [{}] ({}), which gives no max_dynos: where both hold, there are {1}",
                    section(&high.name),
                    high.min.unwrap_or_default(),
                );
                self.warn(keys::SCHEDULE_MAX, ProblemKind::Advice, text);
            }
        }
    }

    /// The section of a key, as a problem names it: that of the schedule that is being read, with its name.
    pub(super) fn section_of(&self, key: &Key) -> String {
        match &self.schedule {
            Some(name) if key.section == keys::SCHEDULE => section(name),
            _ => key.section.into(),
        }
    }
}

/// What was read of a schedule.
struct Read {
    name: String,
    days: Option<Days>,
    from: Option<u16>,
    to: Option<u16>,
    zone: Option<TimeZone>,
    min: Option<u32>,
    max: Option<u32>,
    lead: Duration,
}

impl Read {
    fn schedule(self) -> Option<Schedule> {
        let Self { name, days, from, to, zone, min, max, lead } = self;
        Some(Schedule { name, days: days?, from: from?, to: to?, zone: zone?, min, max, lead })
    }
}

fn section(name: &str) -> String {
    format!("{} {name}", keys::SCHEDULE)
}
