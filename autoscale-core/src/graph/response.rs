//! The upper panel: response times, what failed, the bounds, mean and trend.

use std::time::Duration;

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::checks::{self, JudgedCheck};
use crate::graph::drawing::{Colour, Drawing, LineName, Point, SMALL, Text, within};
use crate::graph::layout::{LEFT, RIGHT};
use crate::graph::picture::Picture;
use crate::graph::{text, words};
use crate::model::decision::Evidence;
use crate::model::sample::{Sample, Status};
use crate::model::time::Timestamp;
use crate::model::window::Window;
use crate::policy::view;

/// Height of the strip above the axis' top: time-outs, and results that are slower than the axis shows.
const STRIP: f64 = 22.0;

/// What the panel shows.
pub(super) struct Panel<'a> {
    /// Results in the time that is drawn, oldest first.
    pub(super) shown: &'a [Sample],
    /// The low and the high bound, ms.
    pub(super) low_high_ms: (f64, f64),
    /// The one check that is drawn, for its mean, its trend and the changes before it; `None` where all results of a
    /// recording are drawn, on which nothing was decided as a whole.
    pub(super) check: Option<&'a Picture>,
    /// Checks of a recording, for what each of them judged and changed.
    pub(super) checks: &'a [JudgedCheck],
}

/// Draws a panel into the plot between two heights; its caption goes above it.
pub(super) fn draw(drawing: &mut Drawing, panel: &Panel<'_>, time: &TimeAxis, (top, bottom): (f64, f64)) {
    let Panel { shown, low_high_ms: (low, high), check, checks } = *panel;
    let ups: Vec<_> = shown.iter().filter_map(|s| s.up_ms().map(|ms| (s.at, ms))).collect();
    let value = ValueAxis::new(top_ms(&ups, low, high), (bottom, top + STRIP));

    let caption_end = LEFT + 12.0 + text::width("Response time", SMALL, true);
    drawing.text(Text::new((LEFT, top - 9.0), "Response time").bold());
    legend(drawing, panel, &value, (caption_end, top - 9.0));

    // The span between the bounds, where nothing needs to change.
    if low < high {
        drawing.rect((LEFT, value.y(high)), (RIGHT, value.y(low)), Colour::GREEN.faint(0.06));
    }
    for tick in value.ticks(6.0, 0.0) {
        let y = value.y(tick);
        drawing.line([(LEFT, y), (RIGHT, y)], 1.0, Colour::GRID);
        let label = Text::new((LEFT - 8.0, y + 4.0), words::axis_label(tick, value.top()));
        drawing.text(label.colour(Colour::MUTED).right());
    }
    for (x, _) in time.labels() {
        drawing.line([(x, top), (x, bottom)], 1.0, Colour::GRID);
    }
    for (at, ..) in check.map(words::changes).unwrap_or_default().into_iter().chain(checks::changes(checks)) {
        drawing.dotted_upright(time.x(at), (top, bottom));
    }
    let mut names = bounds(drawing, (low, high), &value, top);
    names.extend(check.and_then(|check| mean(drawing, check, time, &value, top)));
    results(drawing, shown, time, &value, (top, bottom));
    names.extend(check.and_then(|check| trend(drawing, check, &ups, time, &value)));
    names.extend(checks::draw(drawing, checks, time, &value));
    if ups.is_empty() {
        let text = if shown.is_empty() { "no results in this time" } else { "no answered result in this time" };
        let middle = (f64::midpoint(LEFT, RIGHT), f64::midpoint(top, bottom) + 5.0);
        drawing.text(Text::new(middle, text).size(15.0).colour(Colour::MUTED).centred());
    }
    drawing.frame((LEFT, top), (RIGHT, bottom), Colour::FRAME);
    drawing.name_lines(names, (top + 6.0, bottom - 4.0));
}

/// The largest response time that the axis shows: of all results that don't dwarf the rest, and of the high bound where
/// the results come near it.
fn top_ms(ups: &[(Timestamp, f64)], low: f64, high: f64) -> f64 {
    const HEADROOM: f64 = 1.06;
    /// A bound this many times above the typical result would press it flat; its name stands at the top edge instead.
    const FAR: f64 = 8.0;
    /// A result this many times above the typical ones and the bound is named at the top edge.
    const GIANT: f64 = 2.5;
    let mut sorted: Vec<f64> = ups.iter().map(|(_, ms)| *ms).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // The ninth decile; the second slowest of a few.
    let typical = sorted.get((sorted.len().saturating_sub(1)) * 9 / 10).copied();
    let Some(typical) = typical else { return if high.is_finite() { high * 1.25 } else { 1.0 } };
    let above = sorted.iter().filter(|ms| **ms > high).count();
    let mut base = typical;
    for bound in [low, high] {
        if bound.is_finite() && (bound <= FAR * typical || (bound == high && above >= 2)) {
            base = base.max(bound);
        }
    }
    let largest_shown = sorted.iter().rev().copied().find(|ms| *ms <= GIANT * base).unwrap_or(base);
    largest_shown.max(base) * HEADROOM
}

/// The bounds, and the names that stand beside them.
fn bounds(drawing: &mut Drawing, (low, high): (f64, f64), value: &ValueAxis, top: f64) -> Vec<LineName> {
    let mut names = Vec::new();
    for (name, ms, dash, colour) in
        [("high", high, (10.0, 6.0), Colour::VERMILION), ("low", low, (4.0, 5.0), Colour::GREEN)]
    {
        let text = format!("{name} {}", words::milliseconds(ms));
        if ms > value.top() {
            names.push(LineName::new(top, format!("{text} ↑"), colour));
        } else {
            drawing.dashes((LEFT, RIGHT), value.y(ms), 1.5, dash, colour);
            names.push(LineName::new(value.y(ms), text, colour));
        }
    }
    names
}

/// The mean, over the results that it is of.
fn mean(drawing: &mut Drawing, picture: &Picture, time: &TimeAxis, value: &ValueAxis, top: f64) -> Option<LineName> {
    /// A single result has no span, but is to be seen.
    const LEAST: f64 = 14.0;
    let mean = picture.decision.evidence.mean_ms?;
    let text = format!("mean {}", words::milliseconds(mean));
    if mean > value.top() {
        return Some(LineName::new(top, format!("{text} ↑"), Colour::INK));
    }
    let y = value.y(mean);
    if let Some((first, last)) = averaged(picture) {
        let last = time.x(last);
        let first = time.x(first).min(last - LEAST).max(LEFT);
        drawing.line([(first, y), (last.max(first), y)], 1.6, Colour::INK.faint(0.75));
    }
    Some(LineName::new(y, text, Colour::INK))
}

/// The first and the last of the answered results that the mean is of. The evidence tells how many results were looked
/// at; the picture may have older ones.
fn averaged(picture: &Picture) -> Option<(Timestamp, Timestamp)> {
    let Evidence { samples_used, samples_fresh, .. } = picture.decision.evidence;
    let mut window =
        Window::new(picture.samples.iter().copied().filter(|s| s.at <= picture.at), picture.at, Duration::MAX);
    if let Some(oldest) = window.newest(samples_used).first().map(|s| s.at) {
        window.retain(|s| oldest <= s.at);
    }
    // Without any gap it makes no difference how long one would be.
    let averaged = view::averaged(&window, samples_fresh, picture.at, Duration::ZERO);
    let mut ups = averaged.iter().filter(|s| !s.is_down()).map(|s| s.at);
    let first = ups.next()?;
    Some((first, ups.next_back().unwrap_or(first)))
}

/// The trend line, over the results that it was fitted to: a run of answered ones up to the newest.
fn trend(
    drawing: &mut Drawing,
    picture: &Picture,
    ups: &[(Timestamp, f64)],
    time: &TimeAxis,
    value: &ValueAxis,
) -> Option<LineName> {
    let trend = picture.decision.evidence.trend?;
    let fitted = &ups[ups.len().saturating_sub(trend.points)..];
    let place = |at: &(Timestamp, f64)| (time.x(at.0), trend.at(at.0));
    let (first, last) = (place(fitted.first()?), place(fitted.last()?));
    if let Some((a, b)) = within(first, last, (0.0, value.top())) {
        drawing.line([(a.0, value.y(a.1)), (b.0, value.y(b.1))], 2.6, Colour::PURPLE.faint(0.9));
    }
    let beyond = if last.1 > value.top() { " ↑" } else { "" };
    let text = format!("trend {}{beyond}", words::slope(trend.slope));
    Some(LineName::new(value.y(last.1), text, Colour::PURPLE))
}

/// The line through the answered results, and a mark for each result.
fn results(drawing: &mut Drawing, shown: &[Sample], time: &TimeAxis, value: &ValueAxis, (top, bottom): (f64, f64)) {
    let longest = longest_joined(shown);
    for pair in shown.windows(2) {
        let (Some(a), Some(b)) = (pair[0].up_ms(), pair[1].up_ms()) else { continue };
        if pair[1].at.seconds_since(pair[0].at) > longest {
            continue;
        }
        let ends = within((time.x(pair[0].at), a), (time.x(pair[1].at), b), (0.0, value.top()));
        if let Some((a, b)) = ends {
            drawing.line([(a.0, value.y(a.1)), (b.0, value.y(b.1))], 1.5, Colour::BLUE.faint(0.65));
        }
    }
    let radius = mark_radius(shown.len());
    let (above, arrow, cross) = (top + STRIP / 2.0, (radius * 1.6).max(3.0), (radius * 1.2).max(2.0));
    let mut strip = Strip { marks: Vec::new(), half: arrow.max(cross), y: above };
    let mut runs: Vec<Run> = Vec::new();
    let mut running = false;
    for sample in shown {
        let x = time.x(sample.at);
        match (sample.status(), sample.ms_or_down()) {
            (Status::Up, ms) if ms <= value.top() => {
                drawing.disc((x, value.y(ms)), radius, Colour::BLUE);
                running = false;
            }
            (Status::Up, ms) => {
                drawing.arrow_head((x, above), arrow, Colour::BLUE);
                strip.marks.push(x);
                match runs.last_mut().filter(|_| running) {
                    Some(run) => run.add(x, ms),
                    None => runs.push(Run { first: x, last: x, largest: (x, ms), one: true }),
                }
                running = true;
            }
            (Status::Timeout, _) => {
                drawing.cross((x, above), cross, Colour::VERMILION);
                strip.marks.push(x);
            }
            (Status::Error, _) => {
                drawing.diamond((x, bottom - 8.0), (radius * 1.5).max(2.5), Colour::INK);
            }
        }
    }
    strip.label(drawing, runs);
}

/// Results in a row that the axis does not show, but for failed ones between them.
struct Run {
    first: f64,
    last: f64,
    /// Where the largest is, and how large, ms.
    largest: (f64, f64),
    one: bool,
}

impl Run {
    fn add(&mut self, x: f64, ms: f64) {
        self.last = x;
        self.one = false;
        if ms > self.largest.1 {
            self.largest = (x, ms);
        }
    }
}

/// The strip above the axis: where its marks are, from left to right, and how far each reaches to its sides.
struct Strip {
    marks: Vec<f64>,
    half: f64,
    y: f64,
}

impl Strip {
    /// Says of each run how slow it was, the slowest first, where there is room for it.
    fn label(&self, drawing: &mut Drawing, mut runs: Vec<Run>) {
        /// Between a mark and its label.
        const NEAR: f64 = 4.0;
        runs.sort_by(|a, b| b.largest.1.total_cmp(&a.largest.1));
        let mut labels: Vec<(f64, f64)> = Vec::new();
        for run in runs {
            let (x, ms) = run.largest;
            let text = words::milliseconds(ms);
            let of_all = format!("up to {text}");
            // Beside the largest; else, since that says less, beside all of them.
            let mut attempts =
                [(text, x, x), (of_all, run.first, run.last)].into_iter().take(if run.one { 1 } else { 2 });
            let placed = attempts.find_map(|(text, first, last)| {
                let width = text::width(&text, SMALL, false);
                let sides = [last + self.half + NEAR, first - self.half - NEAR - width];
                let left = sides.into_iter().find(|left| self.is_free((*left, left + width), &labels))?;
                Some((text, (left, left + width)))
            });
            let Some((text, (left, right))) = placed else { continue };
            drawing.text(Text::new((left, self.y + 4.0), text).colour(Colour::BLUE));
            labels.push((left, right));
        }
    }

    /// Is it on the plot, and clear of marks and of labels?
    fn is_free(&self, (left, right): (f64, f64), labels: &[(f64, f64)]) -> bool {
        const APART: f64 = 3.0;
        let mark = self.marks.partition_point(|x| x + self.half + APART <= left);
        LEFT < left
            && right < RIGHT
            && self.marks.get(mark).is_none_or(|x| right + APART <= x - self.half)
            && labels.iter().all(|(from, to)| right + 2.0 * APART <= *from || to + 2.0 * APART <= left)
    }
}

/// Results further apart than this, in seconds, are not joined: nobody knows what was between them.
fn longest_joined(shown: &[Sample]) -> f64 {
    const SPACINGS: f64 = 4.0;
    let mut window = Window::default();
    let newest = shown.last().map_or(Timestamp::from_secs(0), |s| s.at);
    window.fill(shown.iter().copied(), newest, Duration::MAX);
    window.spacing().map_or(f64::INFINITY, |spacing| spacing.as_secs_f64() * SPACINGS)
}

/// Smaller marks where there are many.
fn mark_radius(results: usize) -> f64 {
    match results {
        0..=70 => 3.5,
        71..=200 => 2.5,
        201..=500 => 1.75,
        _ => 1.25,
    }
}

/// What marks mean, right-aligned: only those that are there.
fn legend(drawing: &mut Drawing, panel: &Panel<'_>, value: &ValueAxis, (from, y): (f64, f64)) {
    let Panel { shown, check, checks, .. } = *panel;
    let has = |status| shown.iter().any(|s| s.status() == status);
    let giant = shown.iter().any(|s| s.up_ms().is_some_and(|ms| ms > value.top()));
    // Where nothing was decided on these results there is no trend to miss.
    let evidence = check.map(|check| &check.decision.evidence);
    let trend_too_short = evidence.is_some_and(|evidence| evidence.trend.is_none() && evidence.samples_used > 0)
        && shown.iter().any(|s| !s.is_down());
    let mut x = RIGHT;
    let mut entry = |drawing: &mut Drawing, text: &str, mark: Option<fn(&mut Drawing, Point)>| {
        let left = x - text::width(text, SMALL, false);
        if left - 16.0 < from {
            return;
        }
        drawing.text(Text::new((left, y), text).colour(Colour::MUTED));
        if let Some(mark) = mark {
            mark(drawing, (left - 9.0, y - 4.0));
        }
        x = left - 32.0;
    };
    if has(Status::Error) {
        entry(drawing, "failed with an error", Some(|d, at| d.diamond(at, 5.0, Colour::INK)));
    }
    if has(Status::Timeout) {
        entry(drawing, "timed out", Some(|d, at| d.cross(at, 4.0, Colour::VERMILION)));
    }
    if giant {
        entry(drawing, "slower than the axis shows", Some(|d, at| d.arrow_head(at, 5.0, Colour::BLUE)));
    }
    if checks::trends(checks).next().is_some() {
        let mark: fn(&mut Drawing, Point) =
            |d, (x, y)| d.line([(x - 8.0, y + 2.0), (x + 4.0, y - 3.0)], 2.6, Colour::PURPLE);
        entry(drawing, "trend at a change", Some(mark));
    }
    if trend_too_short {
        entry(drawing, "too few results for a trend", None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::drawing::Mark;
    use crate::model::sample::DownCause;

    fn top(ms: &[f64], low: f64, high: f64) -> f64 {
        let ups: Vec<_> = ms.iter().enumerate().map(|(k, ms)| (Timestamp::from_secs(k as i64), *ms)).collect();
        (top_ms(&ups, low, high) / 1.06).round()
    }

    #[test]
    fn one_giant_does_not_flatten_the_rest() {
        let mut ms = vec![600.0; 29];
        ms.push(60_000.0);
        assert_eq!(top(&ms, 500.0, 2_000.0), 2_000.0);
        assert_eq!(top(&[600.0, 700.0, 60_000.0], 500.0, 2_000.0), 2_000.0);
    }

    #[test]
    fn what_decides_is_shown_as_high_as_it_is() {
        let mut ms = vec![200.0; 27];
        ms.extend([2_500.0, 4_000.0, 4_900.0]);
        assert_eq!(top(&ms, 500.0, 2_000.0), 4_900.0);
    }

    #[test]
    fn bounds_far_above_the_results_are_not_on_the_axis() {
        assert_eq!(top(&[90.0, 100.0, 110.0], 5_000.0, 30_000.0), 110.0);
        assert_eq!(top(&[90.0, 100.0, 110.0], 500.0, 2_000.0), 500.0);
    }

    #[test]
    fn a_line_is_cut_where_it_leaves_the_plot() {
        assert_eq!(within((0.0, 5.0), (10.0, 15.0), (0.0, 10.0)), Some(((0.0, 5.0), (5.0, 10.0))));
        assert_eq!(within((0.0, 11.0), (10.0, 15.0), (0.0, 10.0)), None);
        assert_eq!(within((0.0, -5.0), (10.0, 15.0), (0.0, 10.0)), Some(((2.5, 0.0), (7.5, 10.0))));
        assert_eq!(within((0.0, 3.0), (10.0, 3.0), (0.0, 10.0)), Some(((0.0, 3.0), (10.0, 3.0))));
    }

    /// Left and right.
    type Ends = (f64, f64);

    /// Marks and labels above the axis, where a calm app has so many odd results: minute, and ms, `None` for a time-out.
    fn strip(odd: &[(u64, Option<f64>)]) -> (Vec<Ends>, Vec<(Ends, String)>) {
        let at = |minute: u64| Timestamp::from_secs(60 * minute as i64);
        let sample = |minute: u64| match odd.iter().find(|(k, _)| *k == minute) {
            Some((_, None)) => Sample::down(at(minute), DownCause::Timeout),
            Some((_, Some(ms))) => Sample::up(at(minute), *ms).unwrap(),
            None => Sample::up(at(minute), 640.0).unwrap(),
        };
        let samples: Vec<_> = (0..120).map(sample).collect();
        let time = TimeAxis::new(at(0), at(119), &jiff::tz::TimeZone::UTC, (LEFT, RIGHT));
        let mut drawing = Drawing::default();
        let value = ValueAxis::new(2_000.0, (300.0, 100.0 + STRIP));
        results(&mut drawing, &samples, &time, &value, (100.0, 300.0));
        let (mut marks, mut texts) = (Vec::new(), Vec::new());
        for mark in drawing.marks {
            match mark {
                Mark::Text(text) => {
                    let width = text::width(&text.text, SMALL, false);
                    texts.push(((text.at.0, text.at.0 + width), text.text));
                }
                Mark::Line { points, .. } | Mark::Area { points, .. } if points[0].1 < 100.0 + STRIP - 1.0 => {
                    let x = |pick: fn(f64, f64) -> f64| points.iter().map(|p| p.0).reduce(pick).unwrap();
                    marks.push((x(f64::min), x(f64::max)));
                }
                _ => {}
            }
        }
        texts.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
        (marks, texts)
    }

    #[track_caller]
    fn labels(odd: &[(u64, Option<f64>)]) -> Vec<String> {
        let (marks, texts) = strip(odd);
        for (k, ((left, right), text)) in texts.iter().enumerate() {
            let others = texts[..k].iter().map(|(ends, _)| *ends);
            let clear = marks.iter().copied().chain(others).all(|(from, to)| *right <= from || to <= *left);
            assert!(clear && LEFT < *left && *right < RIGHT, "{text} is drawn over something");
        }
        texts.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn of_slow_results_in_a_row_the_slowest_is_named_and_nothing_is_drawn_over() {
        let slow = |ms: f64| Some(ms);
        assert_eq!(labels(&[(10, slow(15_000.0)), (60, slow(18_600.0))]), ["15 s", "18.6 s"]);
        let cluster = [slow(15_000.0), None, slow(18_600.0), slow(15_300.0), None, slow(15_000.0)];
        assert_eq!(labels(&(30..).zip(cluster).collect::<Vec<_>>()), ["up to 18.6 s"]);
        // One beside a time-out has its label on the other side.
        assert_eq!(labels(&[(50, slow(15_000.0)), (51, None), (52, None)]), ["15 s"]);
        assert_eq!(labels(&[(48, None), (50, slow(15_000.0)), (52, None)]), [""; 0]);
        // Two runs that leave room for one label: it is that of the slower.
        assert_eq!(labels(&[(0, slow(15_000.0)), (9, slow(19_000.0)), (11, None)]), ["19 s"]);
        assert_eq!(labels(&[(118, slow(21_000.0)), (119, slow(20_000.0))]), ["21 s"]);
        let everywhere: Vec<_> = (0..120).map(|k| (k, slow(9_000.0 + k as f64))).collect();
        assert_eq!(labels(&everywhere), [""; 0]);
    }
}
