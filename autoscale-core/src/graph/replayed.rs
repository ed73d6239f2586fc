//! A recording as a picture: all its results above, and below them the dynos that one or two configurations decide on
//! them, and those there were. Who decided what is known to `offline::replay`.

use jiff::tz::TimeZone;

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::checks::{self, JudgedCheck};
use crate::graph::drawing::{Colour, Drawing, LineName, Point, Text};
use crate::graph::layout::{HEIGHT, LEFT, MARGIN, RIGHT, WIDTH};
use crate::graph::response::Panel;
use crate::graph::{picture, render, response, text, words};
use crate::model::formation::Bounds;
use crate::model::sample::Sample;
use crate::model::time::Timestamp;

/// What is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Replay {
    /// The headline.
    pub title: String,
    /// Name of the app.
    pub app: String,
    /// Its process type.
    pub process: String,
    /// Start of the time that is drawn.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// Results, in any order.
    pub samples: Vec<Sample>,
    /// The low and the high bound, ms.
    pub low_high_ms: (f64, f64),
    /// The fewest and the most dynos.
    pub bounds: Bounds,
    /// Dynos over time, each line with its name; the first one is filled.
    pub lines: Vec<Line>,
    /// What checks judged and changed, oldest first, where that is to be shown: means, trends, and a list of reasons.
    pub checks: Vec<JudgedCheck>,
}

/// Dynos over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Whose they are.
    pub name: String,
    /// When, and the quantity from then on, oldest first; the first entry holds for all time before.
    pub steps: Vec<(Timestamp, u32)>,
}

const RESPONSE: (f64, f64) = (92.0, 316.0);
const DYNOS: (f64, f64) = (352.0, 500.0);
const COLOURS: [Colour; 3] = [Colour::BLUE, Colour::VERMILION, Colour::PURPLE];

/// As SVG, with a title and a description.
pub fn svg(replay: &Replay, zone: &TimeZone) -> String {
    render::svg(&draw(replay, zone), &replay.title, &description(replay))
}

/// As a PNG file.
pub fn png(replay: &Replay, zone: &TimeZone) -> Vec<u8> {
    render::png(&draw(replay, zone))
}

fn description(replay: &Replay) -> String {
    let told = |line: &Line| {
        let quantities = || line.steps.iter().map(|(_, n)| *n);
        let (least, most) = (quantities().min().unwrap_or(0), quantities().max().unwrap_or(0));
        format!("{}: {least} to {most} dynos.", line.name)
    };
    let lines: Vec<_> = replay.lines.iter().map(told).collect();
    let changed = replay.checks.iter().filter_map(|check| Some((check.change?, &check.reason)));
    let changes: Vec<_> = changed.map(|((from, to), why)| format!(" {from} → {to}: {why}.")).collect();
    format!(
        "{} results over time, and the dynos decided on them. {}{}",
        replay.samples.len(),
        lines.join(" "),
        changes.concat()
    )
}

fn draw(replay: &Replay, zone: &TimeZone) -> Drawing {
    let mut drawing = Drawing::default();
    let right_edge = f64::from(WIDTH) - MARGIN;
    drawing.height = HEIGHT + checks::list_height(&replay.checks).ceil() as u32;
    drawing.rect((0.0, 0.0), (f64::from(WIDTH), f64::from(drawing.height)), Colour::PAPER);
    let title = text::cut(&replay.title, 18.0, true, right_edge - MARGIN);
    drawing.text(Text::new((MARGIN, 34.0), title).size(18.0).bold());
    let when = words::period(replay.from, replay.to, zone);
    let room = right_edge - MARGIN - text::width(&when, 13.0, false) - 16.0;
    let subject = text::cut(&words::subject(&replay.app, &replay.process), 13.0, false, room);
    drawing.text(Text::new((MARGIN, 57.0), subject).size(13.0).colour(Colour::MUTED));
    drawing.text(Text::new((right_edge, 57.0), when).size(13.0).colour(Colour::MUTED).right());

    let time = TimeAxis::new(replay.from, replay.to, zone, (LEFT, RIGHT));
    let shown = picture::shown(&replay.samples, replay.from, replay.to);
    let panel = Panel { shown: &shown, low_high_ms: replay.low_high_ms, check: None, checks: &replay.checks };
    response::draw(&mut drawing, &panel, &time, RESPONSE);
    dynos(&mut drawing, replay, &time);
    for (x, label) in time.labels() {
        drawing.text(Text::new((x, 518.0), label).colour(Colour::MUTED).centred());
    }
    checks::list(&mut drawing, &replay.checks, zone, 548.0);
    drawing
}

fn dynos(drawing: &mut Drawing, replay: &Replay, time: &TimeAxis) {
    let (top, bottom) = DYNOS;
    let most = replay.lines.iter().flat_map(|line| &line.steps).map(|(_, n)| *n).max().unwrap_or(1).max(1);
    let value = ValueAxis::new(f64::from(most) * 1.15, (bottom, top + 4.0));
    drawing.text(Text::new((LEFT, top - 9.0), "Dynos").bold());
    for tick in value.ticks(4.0, 1.0) {
        let y = value.y(tick);
        drawing.line([(LEFT, y), (RIGHT, y)], 1.0, Colour::GRID);
        drawing.text(Text::new((LEFT - 8.0, y + 4.0), format!("{tick:.0}")).colour(Colour::MUTED).right());
    }
    for (x, _) in time.labels() {
        drawing.line([(x, top), (x, bottom)], 1.0, Colour::GRID);
    }
    let mut names = Vec::new();
    for (name, dynos) in [("max", replay.bounds.max()), ("min", replay.bounds.min())] {
        if f64::from(dynos) <= value.top() {
            drawing.dashes((LEFT, RIGHT), value.y(dynos.into()), 1.2, (6.0, 5.0), Colour::MUTED);
            names.push(LineName::new(value.y(dynos.into()), format!("{name} {dynos}"), Colour::MUTED));
        }
    }
    // The first line lies over the others; a later one is thinner, so that both are seen where they are one.
    for (place, line) in replay.lines.iter().enumerate().rev() {
        let colour = COLOURS[place % COLOURS.len()];
        let points = steps(line, replay.from, time, &value);
        let end = points.last().map_or(bottom, |(_, y)| *y);
        if place == 0 {
            let mut area = points.clone();
            area.extend([(RIGHT, bottom), (LEFT, bottom)]);
            drawing.area(area, colour.faint(0.12));
        }
        drawing.line(points, 1.6 + 2.6 * place as f64, if place == 0 { colour } else { colour.faint(0.6) });
        let last = line.steps.last().map_or(0, |(_, n)| *n);
        names.push(LineName { bold: true, ..LineName::new(end, format!("{} {last}", line.name), colour) });
    }
    let changes = checks::changes(&replay.checks);
    for (at, ..) in &changes {
        drawing.dotted_upright(time.x(*at), (top, bottom));
    }
    super::dynos::name_changes(drawing, &changes, time, top);
    drawing.frame((LEFT, top), (RIGHT, bottom), Colour::FRAME);
    drawing.name_lines(names, (top + 2.0, bottom - 2.0));
}

fn steps(line: &Line, from: Timestamp, time: &TimeAxis, value: &ValueAxis) -> Vec<Point> {
    let before = line.steps.iter().rev().find(|(at, _)| *at <= from).or(line.steps.first());
    let mut y = value.y(before.map_or(0, |(_, n)| *n).into());
    let mut points = vec![(LEFT, y)];
    for (at, n) in line.steps.iter().filter(|(at, _)| from < *at) {
        points.push((time.x(*at), y));
        y = value.y((*n).into());
        points.push((time.x(*at), y));
    }
    points.push((RIGHT, y));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_named_with_the_dynos_that_it_ends_at() {
        let at = |minute: i64| Timestamp::from_secs(1_795_512_840 + 60 * minute);
        let line = |name: &str, last: u32| Line { name: name.into(), steps: vec![(at(0), 2), (at(30), last)] };
        let replay = Replay {
            title: "60 checks".into(),
            app: "shop".into(),
            process: "web".into(),
            from: at(0),
            to: at(60),
            samples: (0..60).filter_map(|minute| Sample::up(at(minute), 700.0)).collect(),
            low_high_ms: (500.0, 2000.0),
            bounds: Bounds::new(1, 4).unwrap(),
            lines: vec![line("now", 4), line("then", 3)],
            checks: Vec::new(),
        };
        let svg = svg(&replay, &TimeZone::UTC);
        for text in ["60 checks", "shop · web", "now 4", "then 3", "max 4", "24 Nov 2026, 10:34 UTC · 60 min"] {
            assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}\n{svg}");
        }
        assert!(!svg.contains("too few results"), "no trend is missed");
        assert!(svg.contains("now: 2 to 4 dynos. then: 2 to 3 dynos.</desc>"));
        assert!(svg.contains("width=\"960\" height=\"540\""), "nothing is listed");
        assert!(png(&replay, &TimeZone::UTC).starts_with(b"\x89PNG"));

        let change = JudgedCheck {
            at: at(30),
            mean_ms: Some(700.0),
            trend: None,
            change: Some((2, 4)),
            reason: "too slow".into(),
        };
        let told = Replay { checks: vec![change], ..replay };
        let svg = super::svg(&told, &TimeZone::UTC);
        for text in ["mean 700 ms", "10:04", "2 → 4", "too slow"] {
            assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}\n{svg}");
        }
        assert!(svg.contains("width=\"960\" height=\"573\"") && svg.contains(" 2 → 4: too slow.</desc>"), "{svg}");
        assert!(png(&told, &TimeZone::UTC).starts_with(b"\x89PNG"));
    }
}
