//! The middle panel, where requests are counted: how many there were, what the dynos carry, and the forecast.

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::drawing::{Colour, Drawing, LineName, Point, SMALL, Text};
use crate::graph::layout::{LEFT, RIGHT};
use crate::graph::picture::Picture;
use crate::graph::{text, words};
use crate::model::belief::TrafficBelief;
use crate::model::time::Timestamp;
use crate::model::traffic::SLOT;
use crate::model::units::Rate;

/// Draws into the plot between two heights; its caption goes above it.
pub(super) fn draw(drawing: &mut Drawing, picture: &Picture, time: &TimeAxis, (top, bottom): (f64, f64)) {
    let belief = picture.decision.evidence.traffic;
    let load = smoothed(picture);
    let carried = belief.map(|belief| carried(picture, &belief)).unwrap_or_default();
    let value = ValueAxis::new(most(&load, &carried, belief.as_ref()), (bottom, top + 4.0));
    drawing.text(Text::new((LEFT, top - 9.0), "Requests a second").bold());
    legend(drawing, belief.is_some(), (LEFT + 12.0 + text::width("Requests a second", SMALL, true), top - 9.0));
    for tick in value.ticks(5.0, 0.0) {
        let y = value.y(tick);
        drawing.line([(LEFT, y), (RIGHT, y)], 1.0, Colour::GRID);
        drawing.text(Text::new((LEFT - 8.0, y + 4.0), axis_label(tick, value.top())).colour(Colour::MUTED).right());
    }
    for (x, _) in time.labels() {
        drawing.line([(x, top), (x, bottom)], 1.0, Colour::GRID);
    }
    for (at, ..) in words::changes(picture) {
        drawing.dotted_upright(time.x(at), (top, bottom));
    }
    let mut names = Vec::new();
    if let Some(last) = capacity(drawing, &carried, time, &value) {
        let per_second = Rate(carried.last().map_or(0.0, |(_, rate)| *rate));
        let beyond = if last <= top + 4.0 { " ↑" } else { "" };
        names.push(LineName::new(last, format!("carry {per_second}{beyond}"), Colour::BLUE));
    }
    lines(drawing, &load, time, &value);
    drawing.frame((LEFT, top), (RIGHT, bottom), Colour::FRAME);
    names.extend(belief.map(|belief| forecast(drawing, &belief, &value)));
    drawing.name_lines(names, (top + 4.0, bottom - 2.0));
}

/// One number of places all along.
fn axis_label(rate: f64, top: f64) -> String {
    let places = if top >= 10.0 { 0 } else { 1 + usize::from(top < 1.0) };
    if rate == 0.0 { "0".to_owned() } else { format!("{rate:.places$}") }
}

/// Height of the axis: all that comes, and what the dynos carry where that is not far above.
fn most(load: &[(Timestamp, f64)], carried: &[(Timestamp, f64)], belief: Option<&TrafficBelief>) -> f64 {
    const FAR: f64 = 3.0;
    let greatest = |points: &[(Timestamp, f64)]| points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let coming = greatest(load).max(belief.map_or(0.0, |belief| belief.forecast_per_s.max(belief.requests_per_s)));
    let carried = greatest(carried);
    1.08 * if carried <= FAR * coming || coming == 0.0 { coming.max(carried) } else { coming }
}

/// The load, each point the mean of as many rows as are closer together than two pixels.
fn smoothed(picture: &Picture) -> Vec<(Timestamp, f64)> {
    const POINTS: f64 = 360.0;
    let shown: Vec<_> =
        picture.requests.iter().copied().filter(|(at, _)| picture.from <= *at && *at <= picture.at).collect();
    let rows = picture.at.seconds_since(picture.from) / SLOT.as_secs_f64();
    let together = (rows / POINTS).ceil().max(1.0) as usize;
    let mean = |rows: &[(Timestamp, f64)]| {
        let middle = rows[rows.len() / 2].0;
        (middle, rows.iter().map(|(_, rate)| rate).sum::<f64>() / rows.len() as f64)
    };
    shown.chunks(together).map(mean).collect()
}

/// What the formation carried, as a step at each change.
fn carried(picture: &Picture, belief: &TrafficBelief) -> Vec<(Timestamp, f64)> {
    let first = picture.formation.iter().rev().find(|(at, _)| *at <= picture.from).or(picture.formation.first());
    let mut dynos = first.map_or(picture.decision.from, |(_, n)| *n);
    let rate = |dynos: u32| f64::from(dynos) * belief.dyno_carries;
    let mut points = vec![(picture.from, rate(dynos))];
    for (at, from, to) in words::changes(picture) {
        points.extend([(at, rate(from)), (at, rate(to))]);
        dynos = to;
    }
    points.push((picture.at, rate(dynos)));
    points
}

/// The height at which the line ends.
fn capacity(drawing: &mut Drawing, carried: &[(Timestamp, f64)], time: &TimeAxis, value: &ValueAxis) -> Option<f64> {
    let points: Vec<Point> = carried.iter().map(|(at, rate)| (time.x(*at), value.y(*rate))).collect();
    let last = points.last()?.1;
    for pair in points.windows(2) {
        // Level parts dashed, steps drawn through.
        if pair[0].1 == pair[1].1 {
            drawing.dashes((pair[0].0, pair[1].0), pair[0].1, 1.8, (7.0, 4.0), Colour::BLUE);
        } else {
            drawing.line(pair, 1.8, Colour::BLUE);
        }
    }
    Some(last)
}

/// The load, with a gap wherever rows are unknown.
fn lines(drawing: &mut Drawing, load: &[(Timestamp, f64)], time: &TimeAxis, value: &ValueAxis) {
    let apart = load.windows(2).map(|pair| pair[1].0.seconds_since(pair[0].0)).fold(f64::INFINITY, f64::min);
    let gap = 1.5 * apart.max(SLOT.as_secs_f64());
    for run in load.chunk_by(|a, b| b.0.seconds_since(a.0) <= gap) {
        let points: Vec<Point> = run.iter().map(|(at, rate)| (time.x(*at + SLOT / 2), value.y(*rate))).collect();
        match points[..] {
            [only] => drawing.disc(only, 1.5, Colour::GREEN),
            _ => drawing.line(points, 1.6, Colour::GREEN),
        }
    }
    if load.is_empty() {
        let middle = (f64::midpoint(LEFT, RIGHT), value.y(value.top() / 2.0) + 5.0);
        drawing.text(Text::new(middle, "no requests known in this time").size(15.0).colour(Colour::MUTED).centred());
    }
}

/// From the load to what is forecast, as a mark at the right edge.
fn forecast(drawing: &mut Drawing, belief: &TrafficBelief, value: &ValueAxis) -> LineName {
    let (now, then) = (value.y(belief.requests_per_s), value.y(belief.forecast_per_s));
    drawing.line([(RIGHT - 26.0, now), (RIGHT - 8.0, then)], 1.4, Colour::ORANGE);
    drawing.diamond((RIGHT - 8.0, then), 6.0, Colour::PAPER);
    drawing.diamond((RIGHT - 8.0, then), 4.5, Colour::ORANGE);
    LineName::new(then, format!("forecast {}", Rate(belief.forecast_per_s)), Colour::ORANGE)
}

fn legend(drawing: &mut Drawing, is_believed: bool, (mut x, y): Point) {
    let mut item = |name: &str, colour: Colour, is_dashed: bool| {
        if is_dashed {
            drawing.dashes((x, x + 18.0), y - 4.0, 1.8, (7.0, 4.0), colour);
        } else {
            drawing.line([(x, y - 4.0), (x + 18.0, y - 4.0)], 1.6, colour);
        }
        drawing.text(Text::new((x + 23.0, y), name).colour(Colour::MUTED));
        x += 23.0 + text::width(name, SMALL, false) + 16.0;
    };
    item("served or failed", Colour::GREEN, false);
    if is_believed {
        item("what the dynos carry", Colour::BLUE, true);
    }
}
