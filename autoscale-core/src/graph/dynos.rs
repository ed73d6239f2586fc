//! The lower panel: the dynos there were, what was decided, and the most and the fewest there may be.

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::drawing::{Colour, Drawing, LineName, Point, SMALL, Text};
use crate::graph::layout::{LEFT, RIGHT};
use crate::graph::picture::Picture;
use crate::graph::{text, words};
use crate::model::decision::Action;
use crate::model::event::Outcome;
use crate::model::time::Timestamp;
use crate::model::units::Dynos;

/// Draws into the plot between two heights; its caption goes above it.
pub(super) fn draw(drawing: &mut Drawing, picture: &Picture, time: &TimeAxis, (top, bottom): (f64, f64)) {
    let value = ValueAxis::new(top_dynos(picture), (bottom, top + 4.0));
    drawing.text(Text::new((LEFT, top - 9.0), "Dynos").bold());
    for tick in value.ticks(4.0, 1.0) {
        let y = value.y(tick);
        drawing.line([(LEFT, y), (RIGHT, y)], 1.0, Colour::GRID);
        drawing.text(Text::new((LEFT - 8.0, y + 4.0), axis_label(tick)).colour(Colour::MUTED).right());
    }
    for (x, _) in time.labels() {
        drawing.line([(x, top), (x, bottom)], 1.0, Colour::GRID);
    }
    let mut names = bounds(drawing, picture, &value, top);
    steps(drawing, picture, time, &value, (top, bottom));
    drawing.frame((LEFT, top), (RIGHT, bottom), Colour::FRAME);
    names.extend(belief(drawing, picture, &value));
    names.extend(decision(drawing, picture, &value));
    drawing.name_lines(names, (top + 2.0, bottom - 2.0));
}

/// The most dynos that the axis shows: all there were and may come, and `max_dynos` where that is not far above.
fn top_dynos(picture: &Picture) -> f64 {
    const FAR: f64 = 1.7;
    let decision = &picture.decision;
    let quantities = picture.formation.iter().map(|(_, n)| *n).chain([decision.from, decision.target]);
    let most = quantities.max().unwrap_or(1).max(1);
    let load = decision.evidence.belief.map_or(0.0, |belief| belief.load_high);
    let mut top = f64::from(most);
    if load.is_finite() && load <= FAR * top {
        top = top.max(load);
    }
    let max = f64::from(picture.bounds.max());
    if max <= FAR * top { top.max(max) * 1.06 } else { top * 1.25 }
}

fn bounds(drawing: &mut Drawing, picture: &Picture, value: &ValueAxis, top: f64) -> Vec<LineName> {
    let limit = picture.effective_max.map(|limit| ("limit", limit));
    let bounds = [Some(("max", picture.bounds.max())), limit, Some(("min", picture.bounds.min()))];
    let mut names = Vec::new();
    for (name, dynos) in bounds.into_iter().flatten() {
        if f64::from(dynos) > value.top() {
            names.push(LineName::new(top, format!("{name} {dynos} ↑"), Colour::MUTED));
        } else {
            let y = value.y(dynos.into());
            drawing.dashes((LEFT, RIGHT), y, 1.2, (6.0, 5.0), Colour::MUTED);
            names.push(LineName::new(y, format!("{name} {dynos}"), Colour::MUTED));
        }
    }
    names
}

/// The formation over time.
fn steps(drawing: &mut Drawing, picture: &Picture, time: &TimeAxis, value: &ValueAxis, (top, bottom): (f64, f64)) {
    let first = picture.formation.iter().rev().find(|(at, _)| *at <= picture.from).or(picture.formation.first());
    let mut dynos = first.map_or(picture.decision.from, |(_, n)| *n);
    let mut points: Vec<Point> = vec![(LEFT, value.y(dynos.into()))];
    for (at, from, to) in words::changes(picture) {
        points.extend([(time.x(at), value.y(from.into())), (time.x(at), value.y(to.into()))]);
        dynos = to;
    }
    points.push((RIGHT, value.y(dynos.into())));
    let mut below = points.clone();
    below.extend([(RIGHT, bottom), (LEFT, bottom)]);
    drawing.area(below, Colour::BLUE.faint(0.12));
    for (at, ..) in words::changes(picture) {
        drawing.dotted_upright(time.x(at), (top, bottom));
    }
    drawing.line(points, 2.4, Colour::BLUE);
    name_changes(drawing, &words::changes(picture), time, top);
}

/// Says above the plot what each change was, where there is room for it.
pub(super) fn name_changes(drawing: &mut Drawing, changes: &[(Timestamp, u32, u32)], time: &TimeAxis, top: f64) {
    let mut free_from = LEFT + text::width("Dynos", SMALL, true) + 10.0;
    for (x, text) in change_labels(changes, time) {
        let half = text::width(&text, SMALL, false) / 2.0;
        let x = x.min(RIGHT - half);
        if x - half >= free_from {
            drawing.text(Text::new((x, top - 9.0), text).colour(Colour::BLUE).centred());
            free_from = x + half + 8.0;
        }
    }
}

fn axis_label(dynos: f64) -> String {
    if dynos < 1e6 { format!("{dynos:.0}") } else { format!("{dynos:e}") }
}

/// Changes in words and where they stand; those that are too close together to have one each share one.
fn change_labels(changes: &[(Timestamp, u32, u32)], time: &TimeAxis) -> Vec<(f64, String)> {
    const APART: f64 = 84.0;
    let mut labels = Vec::new();
    let mut rest = changes;
    while let Some((first, from, _)) = rest.first().copied() {
        let near = rest.iter().take_while(|(at, ..)| time.x(*at) - time.x(first) < APART).count();
        let (group, later) = rest.split_at(near);
        rest = later;
        let x = group.iter().map(|(at, ..)| time.x(*at)).sum::<f64>() / near as f64;
        let to = group.last().map_or(from, |(.., to)| *to);
        // The quantity that is furthest outside of where the group begins and ends.
        let beyond = |n: u32| n.saturating_sub(from.max(to)).max(from.min(to).saturating_sub(n));
        let extreme = group.iter().map(|(.., n)| *n).max_by_key(|n| beyond(*n)).filter(|n| beyond(*n) > 0);
        let text = extreme.map_or_else(|| format!("{from} → {to}"), |n| format!("{from} → {n} → {to}"));
        labels.push((x, text));
    }
    labels
}

/// The believed load, as a mark with its 80 % range at the right edge.
fn belief(drawing: &mut Drawing, picture: &Picture, value: &ValueAxis) -> Option<LineName> {
    let belief = picture.decision.evidence.belief?;
    let x = RIGHT - 14.0;
    let (least, most) = (value.y(belief.load_low), value.y(belief.load_high));
    drawing.rect((x - 5.0, most), (x + 5.0, least.max(most + 2.0)), Colour::ORANGE.faint(0.45));
    let y = value.y(belief.load_dynos);
    drawing.diamond((x, y), 6.0, Colour::PAPER);
    drawing.diamond((x, y), 4.5, Colour::ORANGE);
    Some(LineName::new(y, format!("load {:.1}", belief.load_dynos), Colour::ORANGE))
}

/// From the dynos there were to those there are, or would be.
fn decision(drawing: &mut Drawing, picture: &Picture, value: &ValueAxis) -> Vec<LineName> {
    let decision = &picture.decision;
    let from = value.y(decision.from.into());
    let name = |y, text: String, bold| LineName { bold, ..LineName::new(y, text, Colour::BLUE) };
    if decision.action() == Action::Hold {
        return vec![name(from, Dynos(decision.from).to_string(), true)];
    }
    let (target, text, done) = match picture.outcome {
        Some(Outcome::WouldScale) if picture.shadow => (decision.target, format!("ours {}", decision.target), false),
        Some(Outcome::WouldScale) => (decision.target, format!("would be {}", decision.target), false),
        Some(Outcome::Failed) => (decision.target, format!("wanted {}", decision.target), false),
        Some(Outcome::Limited) => (picture.applied, format!("→ {}", Dynos(picture.applied)), true),
        Some(_) => (decision.target, format!("→ {}", Dynos(decision.target)), true),
        None => (decision.target, format!("→ {}", Dynos(decision.target)), false),
    };
    let to = value.y(target.into());
    let (upper, lower) = (from.min(to), from.max(to));
    if done {
        drawing.line([(RIGHT, upper), (RIGHT, lower)], 2.4, Colour::BLUE);
    } else {
        let mut y = upper;
        while y < lower {
            drawing.line([(RIGHT, y), (RIGHT, (y + 3.0).min(lower))], 2.4, Colour::BLUE);
            y += 6.0;
        }
    }
    if target != decision.from {
        let up = if target > decision.from { 5.0 } else { -5.0 };
        drawing.arrow_head((RIGHT, to + up), up, Colour::BLUE);
    }
    vec![name(from, Dynos(decision.from).to_string(), false), name(to, text, true)]
}
