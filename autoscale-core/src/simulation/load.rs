//! Requests per second over time: built-in loads, and those of a CSV file. Knows no app.

use std::sync::Arc;

/// Requests a second that one dyno of the standard profile serves with 1 % of them slower than 2 s: what the built-in
/// loads are measured in (see `Profile::requests_per_dyno`, which a test compares it with).
pub(super) const STANDARD_DYNO: f64 = 7.6;

/// Longest load that is read: ten years of minutes.
const MOST_MINUTES: usize = 10 * 366 * 1440;

/// Requests per second over time: one value a minute, holding at the minute's middle, a straight line between. After
/// its last minute it begins again.
#[derive(Clone, PartialEq, Debug)]
pub struct Load {
    minutes: Arc<[f64]>,
}

impl Default for Load {
    /// The built-in `day`.
    fn default() -> Self {
        Self::from_shape(1440, day)
    }
}

/// A load that can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// A line that is no `minute,rps`.
    #[error("line {line}: {text:?} is no `minute,rps` with a whole minute and requests per second from 0 to 1000000")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What stands there, its beginning.
        text: String,
    },
    /// The minutes must count up by one.
    #[error("line {line}: minute {found} where {wanted} was expected: minutes count up by one, none left out")]
    Minute {
        /// Its number, from 1.
        line: usize,
        /// The minute that should stand there.
        wanted: u64,
        /// The minute that stands there.
        found: u64,
    },
    /// No minute at all.
    #[error("the load holds no minute: each line is `minute,rps`")]
    Empty,
    /// More minutes than ten years have.
    #[error("the load is longer than ten years")]
    TooLong,
}

impl Load {
    /// Names of the built-in loads; besides these, `flat=RPS` is understood.
    pub const BUILT_IN: [&'static str; 4] = ["day", "week", "flash-crowd", "steps"];

    /// A built-in load: `day` (24 hours with a morning and an evening peak), `week` (seven such days, Monday first, quieter
    /// at the weekend), `flash-crowd` (two hours: calm, within six minutes a crowd of five times as many, gone an hour
    /// later), `steps` (five hours, each at its level), `flat=RPS`.
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "day" => Some(Self::default()),
            "week" => Some(Self::from_shape(7 * 1440, week)),
            "flash-crowd" => Some(Self::from_shape(120, flash_crowd)),
            "steps" => Some(Self::from_shape(300, |m| [2.0, 6.0, 3.0, 9.0, 1.5][m as usize / 60])),
            _ => {
                let rps: f64 = name.strip_prefix("flat=")?.parse().ok()?;
                (0.0..=1e6).contains(&rps).then(|| Self::flat(rps))
            }
        }
    }

    /// So many requests per second, always. Negative ones and NaN count as none.
    pub fn flat(rps: f64) -> Self {
        Self::from_minutes([rps])
    }

    /// From requests per second, one value a minute. Negative ones and NaN count as none, and so does an empty list.
    pub fn from_minutes(rps: impl IntoIterator<Item = f64>) -> Self {
        let mut minutes: Vec<f64> = rps.into_iter().map(|r| if r > 0.0 { r.min(1e9) } else { 0.0 }).collect();
        if minutes.is_empty() {
            minutes.push(0.0);
        }
        Self { minutes: minutes.into() }
    }

    fn from_shape(minutes: u32, dynos: impl Fn(f64) -> f64) -> Self {
        Self::from_minutes((0..minutes).map(|m| STANDARD_DYNO * dynos(f64::from(m))))
    }

    /// From lines `minute,rps`, with or without a heading; empty lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// [`LoadError`], which names the line.
    pub fn from_csv(text: &str) -> Result<Self, LoadError> {
        let mut minutes = Vec::new();
        let mut first = None;
        let mut heading_allowed = true;
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let row = line.split_once(',').map(|(minute, rps)| (minute.trim(), rps.trim()));
            let heading =
                row.is_some_and(|(minute, rps)| minute.parse::<f64>().is_err() && rps.parse::<f64>().is_err());
            if std::mem::replace(&mut heading_allowed, false) && heading {
                continue;
            }
            let parsed = row.and_then(|(minute, rps)| {
                let rps: f64 = rps.parse().ok()?;
                Some((minute.parse::<u64>().ok()?, rps)).filter(|_| (0.0..=1e6).contains(&rps))
            });
            let Some((minute, rps)) = parsed else {
                return Err(LoadError::Line { line: number + 1, text: line.chars().take(60).collect() });
            };
            let wanted = first.get_or_insert(minute).saturating_add(minutes.len() as u64);
            if minute != wanted {
                return Err(LoadError::Minute { line: number + 1, wanted, found: minute });
            }
            if minutes.len() == MOST_MINUTES {
                return Err(LoadError::TooLong);
            }
            minutes.push(rps);
        }
        if minutes.is_empty() { Err(LoadError::Empty) } else { Ok(Self { minutes: minutes.into() }) }
    }

    /// Requests per second, one value a minute.
    pub fn minutes(&self) -> &[f64] {
        &self.minutes
    }

    /// The same load, beginning so many minutes later; what is left out comes at its end.
    pub fn from_minute(&self, minute: usize) -> Self {
        let mut minutes = self.minutes.to_vec();
        let length = minutes.len();
        minutes.rotate_left(minute % length);
        Self::from_minutes(minutes)
    }

    /// Every value times `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        Self::from_minutes(self.minutes.iter().map(|rps| rps * factor))
    }

    /// Requests per second in the busiest five minutes.
    pub fn peak(&self) -> f64 {
        let span = self.minutes.len().min(5);
        self.minutes.windows(span).map(|w| w.iter().sum::<f64>() / span as f64).fold(0.0, f64::max)
    }

    /// Scaled so that its busiest five minutes need `dynos` dynos, each of which serves `per_dyno` requests a second.
    /// A load without requests stays as it is.
    pub fn scaled_to_peak(&self, dynos: f64, per_dyno: f64) -> Self {
        let peak = self.peak();
        if peak > 0.0 { self.scaled(dynos * per_dyno / peak) } else { self.clone() }
    }

    /// Requests per second so many seconds after the start.
    pub fn at(&self, seconds: f64) -> f64 {
        let position = seconds / 60.0 - 0.5;
        let minute = position.floor();
        let (from, to) = (self.knot(minute as i64), self.knot(minute as i64 + 1));
        from + (to - from) * (position - minute)
    }

    /// The value of a minute, counted on beyond the end and before the start.
    pub(super) fn knot(&self, minute: i64) -> f64 {
        // Before the first minute's middle there is nothing to come from but that minute itself.
        self.minutes[minute.max(0) as usize % self.minutes.len()]
    }
}

/// Dynos' worth of load at a minute of the flash crowd.
fn flash_crowd(minute: f64) -> f64 {
    const CALM: f64 = 1.5;
    const CROWD: f64 = 7.3;
    let ripple = 1.0 + 0.05 * (minute / 3.7).sin() + 0.03 * (minute / 1.3).sin();
    let share = match minute {
        ..25.0 => 0.0,
        ..31.0 => (minute - 25.0) / 6.0,
        ..70.0 => 1.0 - 0.1 * (minute - 31.0) / 39.0,
        _ => 0.9 * (-(minute - 70.0) / 6.0).exp(),
    };
    (CALM + (CROWD - CALM) * share) * ripple
}

/// Dynos' worth of load at a minute of the day: quiet at four in the morning, peaks at eleven and, higher, at eight in
/// the evening.
fn day(minute: f64) -> f64 {
    let hour = minute / 60.0;
    let peak = |at: f64, width: f64| (-((hour - at) / width).powi(2) / 2.0).exp();
    let ripple = 1.0 + 0.06 * (minute / 7.3).sin() + 0.04 * (minute / 2.9).sin() + 0.04 * (minute / 31.0).sin();
    (1.0 + 4.5 * peak(11.0, 2.5) + 1.5 * peak(15.5, 2.0) + 7.0 * peak(20.0, 2.0)) * ripple
}

/// Dynos' worth of load at a minute of the week.
fn week(minute: f64) -> f64 {
    const DAYS: [f64; 7] = [1.0, 0.95, 1.05, 1.0, 1.1, 0.6, 0.5];
    let of_day = minute / 1440.0;
    DAYS[of_day as usize % DAYS.len()] * day(minute % 1440.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csv_is_read_with_or_without_heading() {
        let load = Load::from_csv("\u{feff}minute,rps\r\n0,10\r\n1, 20.5\r\n\r\n# night\r\n2,0\r\n").unwrap();
        assert_eq!(load.minutes(), [10.0, 20.5, 0.0]);
        assert_eq!(Load::from_csv("5,1\n6,2").unwrap().minutes(), [1.0, 2.0]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let told = |text| Load::from_csv(text).unwrap_err().to_string();
        let line = "is no `minute,rps` with a whole minute and requests per second from 0 to 1000000";
        assert_eq!(told("minute,rps\n0,10\n1,x"), format!("line 3: \"1,x\" {line}"));
        assert_eq!(told("0,-1"), format!("line 1: \"0,-1\" {line}"));
        assert_eq!(told("0,NaN"), format!("line 1: \"0,NaN\" {line}"));
        assert_eq!(told("minute,rps\nminute,rps\n"), format!("line 2: \"minute,rps\" {line}"));
        assert_eq!(told("0,1\n2,1"), "line 2: minute 2 where 1 was expected: minutes count up by one, none left out");
        assert_eq!(told("\n"), "the load holds no minute: each line is `minute,rps`");
    }

    #[test]
    fn between_the_middles_of_two_minutes_runs_a_straight_line_and_the_end_joins_the_start() {
        let load = Load::from_minutes([10.0, 20.0]);
        assert_eq!([0.0, 30.0, 60.0, 90.0, 120.0, 150.0].map(|s| load.at(s)), [10.0, 10.0, 15.0, 20.0, 15.0, 10.0]);
    }

    #[test]
    fn a_load_that_begins_later_has_its_beginning_at_its_end() {
        let load = Load::from_minutes([1.0, 2.0, 3.0]);
        assert_eq!([0, 1, 5].map(|minute| load.from_minute(minute).minutes()[0]), [1.0, 2.0, 3.0]);
        assert_eq!(load.from_minute(1).minutes(), [2.0, 3.0, 1.0]);
    }

    #[test]
    fn scaling_to_a_peak_counts_five_minutes() {
        let load = Load::from_minutes([0.0, 5.0, 5.0, 5.0, 5.0, 5.0, 0.0]).scaled_to_peak(10.0, 2.0);
        assert_eq!(load.peak(), 20.0);
        assert_eq!(Load::flat(0.0).scaled_to_peak(10.0, 2.0), Load::flat(0.0));
    }

    #[test]
    fn built_in_loads_are_known_by_name() {
        for name in Load::BUILT_IN {
            assert!(Load::built_in(name).is_some_and(|load| load.peak() > 0.0), "{name}");
        }
        assert_eq!(Load::built_in("flat=50"), Some(Load::flat(50.0)));
        for name in ["", "flat", "flat=", "flat=-1", "flat=NaN", "month"] {
            assert_eq!(Load::built_in(name), None, "{name}");
        }
    }
}
