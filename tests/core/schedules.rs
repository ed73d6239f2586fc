//! Schedules: when they hold, in ten zones and ten years, against a clock that is read minute by minute.

use std::time::Duration;

use autoscale_core::workspace::bounds_rule::{next_change, rules_at};
use autoscale_core::workspace::schedule::{DAY_MINUTES, Days, Schedule};
use autoscale_core::workspace::time::Timestamp;
use jiff::civil::{Date, DateTime, Weekday, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

/// Both hemispheres, half and three quarters of an hour, a change of half an hour, none at all, and the date line.
const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "Pacific/Apia",
    "UTC",
];
const MINUTE: i64 = 60;
const YEARS: std::ops::Range<i16> = 2024..2034;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn daily() -> Days {
    let mut days = Days::default();
    Weekday::Monday.cycle_forward().take(7).for_each(|day| days.add_weekday(day));
    days
}

fn on(dates: &[Date]) -> Days {
    let mut days = Days::default();
    dates.iter().for_each(|date| days.add_date(*date));
    days
}

fn schedule(days: Days, from: u16, to: u16, name: &str) -> Schedule {
    Schedule { name: "x".into(), days, from, to, zone: zone(name), min: Some(5), max: None, lead: Duration::ZERO }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_secs(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// From when to when it holds, told for a moment within.
fn span(schedule: &Schedule, within: &str) -> Option<(Timestamp, Timestamp)> {
    schedule.holds_at(at(within)).map(|holds| (holds.from, holds.until.unwrap()))
}

/// The first whole minute at which the zone's clock has reached a time, found by reading the clock.
fn reached(zone: &TimeZone, wanted: DateTime) -> i64 {
    let utc = TimeZone::UTC.to_timestamp(wanted).unwrap().as_second();
    let shows = |second: i64| zone.to_datetime(jiff::Timestamp::from_second(second).unwrap());
    let mut second = utc - 27 * 3600;
    // By the hour as long as the clock is far behind, so that no change of it is passed over.
    while shows(second) < wanted.checked_sub(jiff::Span::new().hours(4)).unwrap() {
        second += 3600;
    }
    while shows(second) < wanted {
        second += MINUTE;
    }
    second
}

fn civil(day: Date, minutes: u16) -> DateTime {
    let minutes = i64::from(minutes);
    day.at(0, 0, 0, 0).checked_add(jiff::Span::new().minutes(minutes)).unwrap()
}

/// Minutes of the day: any, and more of those at which clocks are changed.
fn minutes() -> impl Strategy<Value = u16> {
    prop_oneof![0..DAY_MINUTES, 0_u16..240, Just(0), Just(120), Just(150), Just(180)]
}

/// Days around those on which the clocks of a zone are changed, leap days, ends of years, and any.
fn day(name: &'static str) -> impl Strategy<Value = Date> {
    let (zone, year) = (zone(name), |year: i16| date(year, 1, 1));
    let first = TimeZone::UTC.to_timestamp(year(YEARS.start).at(0, 0, 0, 0)).unwrap();
    let changes: Vec<Date> = zone
        .following(first)
        .map(|change| zone.to_datetime(change.timestamp()).date())
        .take_while(|day| day.year() < YEARS.end)
        .collect();
    let any = (YEARS, 1_i16..366).prop_map(move |(y, n)| year(y).checked_add(jiff::Span::new().days(n)).unwrap());
    let leap = prop_oneof![Just(date(2024, 2, 29)), Just(date(2028, 2, 29)), Just(date(2032, 2, 29))];
    let turn = YEARS.prop_map(|y| date(y, 12, 31));
    let near = (0..changes.len().max(1), -1_i64..=1).prop_map(move |(n, by)| {
        let day = changes.get(n).copied().unwrap_or(date(2026, 3, 29));
        day.checked_add(jiff::Span::new().days(by)).unwrap()
    });
    prop_oneof![4 => near, 1 => any, 1 => leap, 1 => turn]
}

fn place() -> impl Strategy<Value = (&'static str, Date)> {
    prop::sample::select(&ZONES[..]).prop_flat_map(|name| (Just(name), day(name)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_schedule_holds_from_and_to_the_moment_at_which_the_clock_reaches_its_times(
        (name, day) in place(), from in minutes(), to in minutes(),
    ) {
        prop_assume!(from != to);
        let schedule = schedule(on(&[day]), from, to, name);
        let last = if to > from { day } else { day.tomorrow().unwrap() };
        let begin = reached(&schedule.zone, civil(day, from));
        let end = reached(&schedule.zone, civil(last, to));
        for (second, holds) in [(begin - 1, false), (begin, true), (end - 1, true), (end, false)] {
            let holds = holds && begin < end;
            prop_assert_eq!(schedule.holds_at(Timestamp::from_secs(second)).is_some(), holds, "{} {}", second, day);
        }
        let next = schedule.next_change(Timestamp::from_secs(begin - 1));
        prop_assert_eq!(next, (begin < end).then(|| Timestamp::from_secs(begin)));
    }

    #[test]
    fn between_two_changes_nothing_changes_and_at_each_change_something_does(
        (name, day) in place(), other in prop::sample::select(&ZONES[..]),
        times in prop::array::uniform4(minutes()), weekday in 0_i8..7, lead in 0_u64..180,
    ) {
        prop_assume!(times[0] != times[1] && times[2] != times[3]);
        let mut first = schedule(daily(), times[0], times[1], name);
        first.lead = Duration::from_secs(60 * lead);
        let mut days = on(&[day]);
        days.add_weekday(Weekday::from_monday_zero_offset(weekday).unwrap());
        let second = Schedule { name: "y".into(), max: Some(50), ..schedule(days, times[2], times[3], other) };
        let both = [first, second];
        let shown = |at: Timestamp| rules_at(&both, at).into_iter().map(|rule| rule.name).collect::<Vec<_>>();
        let mut now = Timestamp::from_secs(reached(&both[0].zone, day.at(0, 0, 0, 0)));
        for _ in 0..6 {
            let Some(next) = next_change(&both, now) else { break };
            prop_assert!(now < next, "{:?} is not after {:?}", next, now);
            let held = shown(now);
            let span = next.as_secs() - now.as_secs();
            for part in 1..20 {
                let between = Timestamp::from_secs(now.as_secs() + span * part / 20);
                prop_assert_eq!(&shown(between), &held);
            }
            prop_assert_eq!(&shown(Timestamp::from_micros(next.as_micros() - 1)), &held);
            prop_assert_ne!(&shown(next), &held);
            now = next;
        }
    }
}

#[test]
fn a_time_that_the_clock_leaves_out_is_the_next_that_exists_and_of_one_that_comes_twice_it_is_the_first() {
    // Berlin leaves out 02:00 to 03:00 on 2026-03-29, and has it twice on 2026-10-25.
    let of = |from, to, day| schedule(on(&[day]), from, to, "Europe/Berlin");
    let spring = date(2026, 3, 29);
    let held = span(&of(150, 600, spring), "2026-03-29T02:00:00Z");
    assert_eq!(held, Some((at("2026-03-29T01:00:00Z"), at("2026-03-29T08:00:00Z"))));
    let held = span(&of(60, 150, spring), "2026-03-29T00:30:00Z");
    assert_eq!(held, Some((at("2026-03-29T00:00:00Z"), at("2026-03-29T01:00:00Z"))));
    assert_eq!(of(130, 170, spring).next_change(at("2026-03-28T00:00:00Z")), None, "the clock leaves all of it out");
    let autumn = date(2026, 10, 25);
    let held = span(&of(150, 240, autumn), "2026-10-25T02:00:00Z");
    assert_eq!(held, Some((at("2026-10-25T00:30:00Z"), at("2026-10-25T03:00:00Z"))));
    let held = span(&of(60, 150, autumn), "2026-10-25T00:00:00Z");
    assert_eq!(held, Some((at("2026-10-24T23:00:00Z"), at("2026-10-25T00:30:00Z"))));
}

#[test]
fn a_change_of_half_an_hour_and_a_day_that_a_zone_left_out_are_known() {
    // Lord Howe goes from 02:00 to 02:30 on 2026-10-04; Samoa had no 30 December 2011.
    let howe = schedule(on(&[date(2026, 10, 4)]), 135, 240, "Australia/Lord_Howe");
    assert_eq!(span(&howe, "2026-10-03T15:40:00Z"), Some((at("2026-10-03T15:30:00Z"), at("2026-10-03T17:00:00Z"))));
    let left_out = schedule(on(&[date(2011, 12, 30)]), 0, DAY_MINUTES, "Pacific/Apia");
    assert_eq!(left_out.next_change(at("2011-12-29T00:00:00Z")), None);
}

#[test]
fn one_that_passes_midnight_belongs_to_the_day_on_which_it_begins() {
    let mut days = Days::default();
    days.add_weekday(Weekday::Friday);
    let night = schedule(days, 22 * 60, 6 * 60, "UTC");
    let held = Some((at("2026-11-27T22:00:00Z"), at("2026-11-28T06:00:00Z")));
    assert_eq!(span(&night, "2026-11-27T22:00:00Z"), held);
    assert_eq!(span(&night, "2026-11-28T05:59:59Z"), held);
    assert_eq!(span(&night, "2026-11-27T05:00:00Z"), None, "that night began on Thursday");
    assert_eq!(night.next_change(at("2026-11-28T06:00:00Z")), Some(at("2026-12-04T22:00:00Z")));
}

#[test]
fn days_that_follow_each_other_without_a_pause_are_one_span() {
    let mut days = Days::default();
    Weekday::Monday.cycle_forward().take(5).for_each(|day| days.add_weekday(day));
    let week = schedule(days, 0, DAY_MINUTES, "UTC");
    assert_eq!(span(&week, "2026-11-25T12:00:00Z"), Some((at("2026-11-25T00:00:00Z"), at("2026-11-28T00:00:00Z"))));
    let always = schedule(daily(), 0, DAY_MINUTES, "Europe/Berlin");
    let holds = always.holds_at(at("2026-11-25T12:00:00Z")).unwrap();
    assert_eq!((holds.until, always.next_change(at("2026-11-25T12:00:00Z"))), (None, None));
}

#[test]
fn the_lead_comes_before_also_over_midnight_and_a_leap_day_is_a_day() {
    let mut early = schedule(on(&[date(2028, 2, 29)]), 10, 60, "UTC");
    early.lead = Duration::from_secs(30 * 60);
    assert_eq!(span(&early, "2028-02-29T00:30:00Z"), Some((at("2028-02-28T23:40:00Z"), at("2028-02-29T01:00:00Z"))));
    assert_eq!(early.next_change(at("2028-02-29T01:00:00Z")), None);
}

#[test]
fn at_the_ends_of_time_no_schedule_holds() {
    let always = schedule(daily(), 0, DAY_MINUTES, "UTC");
    for micros in [i64::MIN, i64::MAX] {
        let now = Timestamp::from_micros(micros);
        assert_eq!((always.holds_at(now), always.next_change(now)), (None, None));
    }
    for year in ["-9999-01-01T12:00:00-23:00", "9999-12-30T12:00:00Z"] {
        let Ok(now) = year.parse::<jiff::Timestamp>() else { continue };
        let _ = always.next_change(Timestamp::from_micros(now.as_microsecond()));
    }
}
