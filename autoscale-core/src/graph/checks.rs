//! What the checks of a span of time judged and decided, for pictures of many checks: the mean over time, the trend at
//! each change, and a list of the changes with their reasons. Draws beside the panels and into them; decides nothing.

use jiff::tz::TimeZone;

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::drawing::{Colour, Drawing, LineName, Text, within};
use crate::graph::layout::{LEFT, MARGIN, WIDTH};
use crate::graph::{text, words};
use crate::model::event::{Check, Detail, Event, Kind};
use crate::model::time::Timestamp;

/// Size of the list's text, and the height of its rows, pixels.
const SIZE: f64 = 12.5;
const ROW: f64 = 19.0;
/// Most rows of the list; a picture of more changes says how many are left out.
const ROWS: usize = 12;

/// A check, as far as a picture of many checks shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct JudgedCheck {
    /// Time of the check.
    pub at: Timestamp,
    /// Mean response time that it judged, ms.
    pub mean_ms: Option<f64>,
    /// Ends of the trend line that it judged: time and ms; only known right after the check, not read back from JSON.
    pub trend: Option<[(Timestamp, f64); 2]>,
    /// Dynos before and after, where it changed the formation.
    pub change: Option<(u32, u32)>,
    /// Its reason, in words.
    pub reason: String,
}

impl JudgedCheck {
    /// `None` for other events than checks.
    pub fn of_event(event: &Event) -> Option<Self> {
        let Kind::Checked(check) = &event.kind else { return None };
        let Check { dynos, applied, mean_ms, ref reason, ref detail, .. } = **check;
        Some(Self {
            at: event.at,
            mean_ms,
            trend: detail.as_ref().and_then(trend),
            change: (dynos != applied).then_some((dynos, applied)),
            reason: reason.to_string(),
        })
    }
}

/// The trend line over the results that it was fitted to: a run of answered ones up to the newest.
fn trend(detail: &Detail) -> Option<[(Timestamp, f64); 2]> {
    let trend = detail.decision.evidence.trend?;
    let ups: Vec<_> = detail.window.samples().iter().filter(|s| !s.is_down()).map(|s| s.at).collect();
    let fitted = &ups[ups.len().saturating_sub(trend.points)..];
    let place = |at: &Timestamp| (*at, trend.at(*at));
    Some([place(fitted.first()?), place(fitted.last()?)])
}

/// Those that changed the formation: when, from, to.
pub(super) fn changes(checks: &[JudgedCheck]) -> Vec<(Timestamp, u32, u32)> {
    checks.iter().filter_map(|check| check.change.map(|(from, to)| (check.at, from, to))).collect()
}

/// The trend lines at the checks that changed the formation.
pub(super) fn trends(checks: &[JudgedCheck]) -> impl Iterator<Item = [(Timestamp, f64); 2]> + '_ {
    checks.iter().filter(|check| check.change.is_some()).filter_map(|check| check.trend)
}

/// The mean of each check as a line, and the trend at each change, into the panel of response times.
pub(super) fn draw(
    drawing: &mut Drawing,
    checks: &[JudgedCheck],
    time: &TimeAxis,
    value: &ValueAxis,
) -> Option<LineName> {
    let shown = (0.0, value.top());
    let means: Vec<_> = checks.iter().map(|check| check.mean_ms.map(|ms| (time.x(check.at), ms))).collect();
    for pair in means.windows(2) {
        let (Some(a), Some(b)) = (pair[0], pair[1]) else { continue };
        if let Some((a, b)) = within(a, b, shown) {
            drawing.line([(a.0, value.y(a.1)), (b.0, value.y(b.1))], 2.0, Colour::INK.faint(0.75));
        }
    }
    for [first, last] in trends(checks) {
        if let Some((a, b)) = within((time.x(first.0), first.1), (time.x(last.0), last.1), shown) {
            drawing.line([(a.0, value.y(a.1)), (b.0, value.y(b.1))], 2.6, Colour::PURPLE.faint(0.9));
        }
    }
    let (_, last) = means.iter().rev().find_map(|mean| *mean)?;
    Some(LineName::new(value.y(last), format!("mean {}", words::milliseconds(last)), Colour::INK))
}

/// How many pixels the list needs below everything else.
pub(super) fn list_height(checks: &[JudgedCheck]) -> f64 {
    match changes(checks).len() {
        0 => 0.0,
        n => 14.0 + ROW * (n.min(ROWS) + usize::from(n > ROWS)) as f64,
    }
}

/// The changes with their reasons, one a row, the first one at a height.
pub(super) fn list(drawing: &mut Drawing, checks: &[JudgedCheck], zone: &TimeZone, top: f64) {
    let changed: Vec<_> = checks.iter().filter_map(|check| Some((check, check.change?))).collect();
    let mut baseline = top;
    let reasons = LEFT + 62.0;
    for (check, (from, to)) in changed.iter().take(ROWS) {
        drawing.text(Text::new((MARGIN, baseline), words::clock(check.at, zone)).size(SIZE).colour(Colour::MUTED));
        drawing.text(Text::new((LEFT, baseline), format!("{from} → {to}")).size(SIZE).bold().colour(Colour::BLUE));
        let room = f64::from(WIDTH) - MARGIN - reasons;
        drawing.text(Text::new((reasons, baseline), text::cut(&check.reason, SIZE, false, room)).size(SIZE));
        baseline += ROW;
    }
    if changed.len() > ROWS {
        let text = format!("and {} more changes", changed.len() - ROWS);
        drawing.text(Text::new((reasons, baseline), text).size(SIZE).colour(Colour::MUTED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::drawing::{Mark, Point};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(1_795_512_840 + 60 * minute)
    }

    fn check(minute: i64, change: Option<(u32, u32)>) -> JudgedCheck {
        let trend = Some([(at(minute - 9), 400.0), (at(minute), 1300.0)]);
        JudgedCheck { at: at(minute), mean_ms: Some(700.0), trend, change, reason: format!("why at {minute}") }
    }

    fn texts(drawing: &Drawing) -> Vec<String> {
        drawing.marks.iter().filter_map(|m| if let Mark::Text(t) = m { Some(t.text.clone()) } else { None }).collect()
    }

    #[test]
    fn each_change_is_listed_with_its_reason_and_what_is_too_much_is_counted() {
        let checks = [check(0, None), check(1, Some((2, 4))), check(2, Some((4, 3)))];
        let mut drawing = Drawing::default();
        list(&mut drawing, &checks, &TimeZone::UTC, 550.0);
        assert_eq!(texts(&drawing), ["09:35", "2 → 4", "why at 1", "09:36", "4 → 3", "why at 2"]);
        assert_eq!((list_height(&checks), list_height(&checks[..1])), (52.0, 0.0));
        let many: Vec<_> = (0..15).map(|minute| check(minute, Some((1, 2)))).collect();
        let mut drawing = Drawing::default();
        list(&mut drawing, &many, &TimeZone::UTC, 550.0);
        assert_eq!(texts(&drawing).last().unwrap(), "and 3 more changes");
        assert_eq!(list_height(&many), 14.0 + 13.0 * 19.0);
    }

    #[test]
    fn the_mean_runs_from_check_to_check_and_a_trend_is_drawn_at_each_change() {
        let time = TimeAxis::new(at(0), at(30), &TimeZone::UTC, (0.0, 300.0));
        let value = ValueAxis::new(2000.0, (200.0, 0.0));
        let mut drawing = Drawing::default();
        let checks = [check(10, None), check(20, Some((2, 3))), JudgedCheck { mean_ms: None, ..check(30, None) }];
        let name = draw(&mut drawing, &checks, &time, &value).unwrap();
        assert_eq!((name.text.as_str(), name.y), ("mean 700 ms", 130.0));
        let rounded = |points: &[Point]| points.iter().map(|(x, y)| (x.round(), y.round())).collect::<Vec<_>>();
        let lines: Vec<_> = drawing
            .marks
            .iter()
            .map(|m| if let Mark::Line { points, .. } = m { rounded(points) } else { panic!("{m:?}") })
            .collect();
        assert_eq!(lines, [[(100.0, 130.0), (200.0, 130.0)], [(110.0, 160.0), (200.0, 70.0)]]);
        assert_eq!(draw(&mut drawing, &[], &time, &value), None);
    }
}
