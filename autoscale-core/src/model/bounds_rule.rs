//! What sets other bounds than `min_dynos` and `max_dynos` for a while, and which bounds follow where several hold. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::calendar;
use crate::model::formation::Bounds;
use crate::model::schedule::Schedule;
use crate::model::time::Timestamp;
use crate::model::units::Dynos;

/// Something that sets bounds for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BoundsRule {
    /// What kind.
    pub by: SetBy,
    /// Name of the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The fewest dynos, where it sets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,
    /// The most dynos, where it sets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// When it ends; `None` where no end is in sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Kinds of [`BoundsRule`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// A schedule of the configuration.
    Schedule,
    /// An operator's `pin`: exactly so many dynos.
    Pin,
    /// An operator's `floor`: at least so many dynos.
    Floor,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

impl BoundsRule {
    /// "schedule evening", "pin 5".
    pub fn what(&self) -> String {
        let dynos = || self.min.map_or_else(String::new, |dynos| format!(" {dynos}"));
        match self.by {
            SetBy::Schedule => format!("schedule {}", self.name.as_deref().unwrap_or_default()),
            SetBy::Pin => format!("pin{}", dynos()),
            SetBy::Floor => format!("floor{}", dynos()),
            SetBy::Other => "a rule that this version does not know".into(),
        }
    }

    /// "5 to 20 dynos", "at least 5 dynos", "at most 20 dynos".
    pub fn bounds(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => range(min, max),
            (Some(min), None) => format!("at least {}", Dynos(min)),
            (None, Some(max)) => format!("at most {}", Dynos(max)),
            (None, None) => "no bounds".into(),
        }
    }

    /// Did an operator ask for it?
    pub fn is_held(&self) -> bool {
        matches!(self.by, SetBy::Pin | SetBy::Floor)
    }

    /// Is it the same rule with the same bounds, whenever it ends?
    pub fn is_like(&self, other: &Self) -> bool {
        (self.by, &self.name, self.min, self.max) == (other.by, &other.name, other.min, other.max)
    }
}

/// "schedule evening", "pin 5 until 2026-11-28 02:05 UTC".
impl fmt::Display for BoundsRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match self.until.and_then(calendar::utc).filter(|_| self.is_held()) {
            Some(until) => write!(f, " until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
            None => Ok(()),
        }
    }
}

/// The rules of the schedules that hold at a moment.
pub fn rules_at(schedules: &[Schedule], now: Timestamp) -> Vec<BoundsRule> {
    let rule = |schedule: &Schedule| {
        let holds = schedule.holds_at(now)?;
        Some(BoundsRule {
            by: SetBy::Schedule,
            name: Some(schedule.name.clone()),
            min: schedule.min,
            max: schedule.max,
            until: holds.until,
        })
    };
    schedules.iter().filter_map(rule).collect()
}

/// When a schedule next begins or ends, after this moment.
pub fn next_change(schedules: &[Schedule], now: Timestamp) -> Option<Timestamp> {
    schedules.iter().filter_map(|schedule| schedule.next_change(now)).min()
}

/// Bounds from a moment on.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Coming {
    /// The moment.
    pub at: Timestamp,
    /// The fewest dynos.
    pub min: u32,
    /// The most dynos.
    pub max: u32,
    /// What sets them; empty where the usual bounds hold.
    pub by: Vec<BoundsRule>,
}

/// The bounds at `from`, and each change of them until `to`.
pub fn coming(usual: Bounds, schedules: &[Schedule], from: Timestamp, to: Timestamp) -> Vec<Coming> {
    let at = |at: Timestamp| {
        let by = rules_at(schedules, at);
        let bounds = bounds_with(usual, &by);
        Coming { at, min: bounds.min(), max: bounds.max(), by }
    };
    let changes = std::iter::successors(Some(from), |at| next_change(schedules, *at).filter(|next| *next <= to));
    changes.map(at).collect()
}

/// The bounds where these rules hold: of schedules the highest of each bound, or `usual` where none sets it; at least the
/// dynos of a floor; exactly those of a pin. The fewest dynos are never more than the most: the fewest win.
pub fn bounds_with(usual: Bounds, rules: &[BoundsRule]) -> Bounds {
    let of = |by: SetBy| rules.iter().filter(move |rule| rule.by == by);
    let min = of(SetBy::Schedule).filter_map(|rule| rule.min).max().unwrap_or(usual.min());
    let max = of(SetBy::Schedule).filter_map(|rule| rule.max).max().unwrap_or(usual.max());
    let floor = of(SetBy::Floor).filter_map(|rule| rule.min).max();
    let min = floor.map_or(min, |floor| floor.max(min));
    let pin = of(SetBy::Pin).filter_map(|rule| rule.min).max();
    let (min, max) = pin.map_or((min, max.max(min)), |pin| (pin, pin));
    Bounds::new(min, max).unwrap_or(usual)
}

/// "5 to 20 dynos"
pub fn range(min: u32, max: u32) -> String {
    if min == max { format!("exactly {}", Dynos(max)) } else { format!("{min} to {}", Dynos(max)) }
}

/// "schedule evening, schedule sale and floor 5 until …"
pub fn listed(rules: &[BoundsRule]) -> String {
    let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

/// " (5 to 20 dynos by schedule evening)", to follow a sentence; nothing where the usual bounds hold.
pub fn note(min: u32, max: u32, rules: &[BoundsRule]) -> String {
    if rules.is_empty() { String::new() } else { format!(" ({} by {})", range(min, max), listed(rules)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(by: SetBy, min: Option<u32>, max: Option<u32>) -> BoundsRule {
        BoundsRule { by, name: None, min, max, until: None }
    }

    fn bounds(rules: &[BoundsRule]) -> (u32, u32) {
        let bounds = bounds_with(Bounds::new(2, 10).unwrap(), rules);
        (bounds.min(), bounds.max())
    }

    #[test]
    fn the_highest_of_each_bound_wins_and_the_usual_one_holds_where_none_is_set() {
        let schedule = |min, max| rule(SetBy::Schedule, min, max);
        assert_eq!(bounds(&[]), (2, 10));
        assert_eq!(bounds(&[schedule(Some(5), None)]), (5, 10));
        assert_eq!(bounds(&[schedule(None, Some(4))]), (2, 4), "a schedule may also lower a bound");
        assert_eq!(bounds(&[schedule(Some(1), None)]), (1, 10));
        assert_eq!(bounds(&[schedule(Some(5), Some(20)), schedule(Some(7), Some(9))]), (7, 20));
        assert_eq!(bounds(&[schedule(Some(8), None), schedule(None, Some(4))]), (8, 8), "the fewest win");
    }

    #[test]
    fn a_floor_raises_and_a_pin_is_exact_whatever_the_schedules_say() {
        let (floor, pin) = (rule(SetBy::Floor, Some(12), None), rule(SetBy::Pin, Some(3), Some(3)));
        assert_eq!(bounds(std::slice::from_ref(&floor)), (12, 12));
        assert_eq!(bounds(&[rule(SetBy::Floor, Some(1), None)]), (2, 10), "a floor lowers nothing");
        assert_eq!(bounds(&[floor, rule(SetBy::Schedule, Some(15), Some(20)), pin]), (3, 3));
        assert_eq!(bounds(&[rule(SetBy::Other, Some(90), Some(99))]), (2, 10), "of a later version");
    }

    #[test]
    fn what_is_to_come_begins_now_and_has_each_change() {
        use crate::model::schedule::Days;
        let mut days = Days::default();
        days.add_date(jiff::civil::date(2026, 11, 28));
        let (name, zone) = ("x".into(), jiff::tz::TimeZone::UTC);
        let lead = std::time::Duration::ZERO;
        let one = Schedule { name, days, from: 60, to: 120, zone, min: Some(5), max: None, lead };
        let day = |hour: i64| Timestamp::from_secs(1_795_824_000 + 3600 * hour);
        let shown = |from, to| -> Vec<_> {
            let all = coming(Bounds::new(1, 10).unwrap(), std::slice::from_ref(&one), from, to);
            all.into_iter().map(|one| (one.at, one.min, one.by.len())).collect()
        };
        assert_eq!(shown(day(0), day(24)), [(day(0), 1, 0), (day(1), 5, 1), (day(2), 1, 0)]);
        assert_eq!(shown(day(1), day(1)), [(day(1), 5, 1)]);
        assert_eq!(shown(day(3), day(24)), [(day(3), 1, 0)]);
    }

    #[test]
    fn bounds_and_lists_of_rules_read_well() {
        let of = |min, max| rule(SetBy::Schedule, min, max).bounds();
        assert_eq!(of(Some(5), Some(20)), "5 to 20 dynos");
        assert_eq!((of(Some(5), None), of(None, Some(1))), ("at least 5 dynos".into(), "at most 1 dyno".into()));
        let floor = rule(SetBy::Floor, Some(5), None);
        let rules = [floor.clone(), rule(SetBy::Pin, Some(1), Some(1)), floor];
        assert_eq!(note(5, 5, &rules), " (exactly 5 dynos by floor 5, pin 1 and floor 5)");
        assert_eq!((note(1, 10, &[]), listed(&[])), (String::new(), String::new()));
    }

    #[test]
    fn a_rule_is_told_with_its_end_and_read_as_it_was_written() {
        let until = Some(Timestamp::from_secs(1_795_831_500));
        let pin = BoundsRule { until, ..rule(SetBy::Pin, Some(5), Some(5)) };
        assert_eq!(pin.to_string(), "pin 5 until 2026-11-28 02:05 UTC");
        let evening = BoundsRule { name: Some("evening".into()), ..rule(SetBy::Schedule, Some(5), None) };
        assert_eq!(evening.to_string(), "schedule evening");
        let json = serde_json::to_string(&evening).unwrap();
        assert_eq!(json, r#"{"by":"schedule","name":"evening","min":5}"#);
        assert_eq!(serde_json::from_str::<BoundsRule>(&json).unwrap(), evening);
        let later: BoundsRule = serde_json::from_str(r#"{"by":"moon","min":5}"#).unwrap();
        assert_eq!(later.by, SetBy::Other);
    }
}
