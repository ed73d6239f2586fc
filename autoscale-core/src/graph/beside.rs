//! Theirs and ours in one picture: above, the dynos that an app had and those that the loop wanted or applied; below, the
//! response times that were measured. Takes plain numbers; what they mean is known to `offline::report`.

use jiff::tz::TimeZone;

use crate::graph::axis::{TimeAxis, ValueAxis};
use crate::graph::drawing::{Colour, Drawing, Point, SMALL, Text};
use crate::graph::layout::{HEIGHT, LEFT, MARGIN, RIGHT, WIDTH};
use crate::graph::panels::{Legend, caption, fill, response_scale, scale};
use crate::graph::{render, text, words};
use crate::model::sample::Sample;
use crate::model::time::Timestamp;

/// What is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    /// The headline.
    pub title: String,
    /// Below it: the app, and what kind of comparison this is.
    pub subject: String,
    /// The times that are known, oldest first; what is between them is left blank.
    pub spans: Vec<(Timestamp, Timestamp)>,
    /// The dynos that the app had.
    pub theirs: Line,
    /// The dynos that the loop wanted or applied.
    pub ours: Line,
    /// Results within the spans, oldest first.
    pub samples: Vec<Sample>,
    /// Slower than this is slow, ms.
    pub high_ms: f64,
    /// What else there is to say of the results, a few short lines.
    pub results: Vec<String>,
}

/// Dynos over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Whose they are.
    pub name: String,
    /// What they came to, a few short lines.
    pub summary: Vec<String>,
    /// When, and the quantity from then on, oldest first.
    pub steps: Vec<(Timestamp, u32)>,
}

/// The panels: top and bottom.
const DYNOS: (f64, f64) = (96.0, 318.0);
const RESPONSE: (f64, f64) = (358.0, 500.0);
/// Height of the strip at the top of the lower panel: results that failed.
const STRIP: f64 = 10.0;

const THEIRS: Colour = Colour::BLUE;
const OURS: Colour = Colour::VERMILION;

/// Results that fall into one such piece of the picture, in pixels, are drawn together.
const PIECE: f64 = 3.0;
/// A gap this wide, in pixels, has its name in it.
const WIDE: f64 = 64.0;

/// As SVG, with a title and a description.
pub fn svg(beside: &Beside, zone: &TimeZone) -> String {
    render::svg(&draw(beside, zone), &beside.title, &description(beside))
}

/// As a PNG file.
pub fn png(beside: &Beside, zone: &TimeZone) -> Vec<u8> {
    render::png(&draw(beside, zone))
}

fn description(beside: &Beside) -> String {
    let told = |line: &Line| format!("{}: {}.", line.name, line.summary.join(", "));
    let lines = [&beside.theirs, &beside.ours].map(told).join(" ");
    format!("{}. Dynos over time, and the response times that were measured. {lines}", beside.subject)
}

fn draw(beside: &Beside, zone: &TimeZone) -> Drawing {
    let mut drawing = Drawing::default();
    let right_edge = f64::from(WIDTH) - MARGIN;
    drawing.rect((0.0, 0.0), (f64::from(WIDTH), f64::from(HEIGHT)), Colour::PAPER);
    let title = text::cut(&beside.title, 18.0, true, right_edge - MARGIN);
    drawing.text(Text::new((MARGIN, 34.0), title).size(18.0).bold());
    let zero = Timestamp::from_secs(0);
    let from = beside.spans.first().map_or(zero, |(from, _)| *from);
    let to = beside.spans.last().map_or(zero, |(_, to)| *to);
    let when = words::period(from, to, zone);
    let room = right_edge - MARGIN - text::width(&when, 13.0, false) - 16.0;
    let subject = text::cut(&beside.subject, 13.0, false, room);
    drawing.text(Text::new((MARGIN, 57.0), subject).size(13.0).colour(Colour::MUTED));
    drawing.text(Text::new((right_edge, 57.0), when).size(13.0).colour(Colour::MUTED).right());

    let time = TimeAxis::new(from, to, zone, (LEFT, RIGHT));
    dynos(&mut drawing, beside, &time);
    response(&mut drawing, beside, &time);
    for panel in [DYNOS, RESPONSE] {
        gaps(&mut drawing, beside, &time, panel);
        drawing.frame((LEFT, panel.0), (RIGHT, panel.1), Colour::FRAME);
    }
    for (x, label) in time.labels() {
        drawing.text(Text::new((x, 518.0), label).colour(Colour::MUTED).centred());
    }
    let mut legend = Legend::at(DYNOS.0 + 12.0);
    for (line, colour) in [(&beside.theirs, THEIRS), (&beside.ours, OURS)] {
        legend.entry(&mut drawing, &line.name, colour, true, &line.summary);
    }
    let mut legend = Legend::at(RESPONSE.0 + 12.0);
    legend.entry(&mut drawing, "median, slowest", Colour::INK.faint(0.6), false, &beside.results);
    drawing
}

fn upright(drawing: &mut Drawing, time: &TimeAxis, (top, bottom): (f64, f64)) {
    for (x, _) in time.labels() {
        drawing.line([(x, top), (x, bottom)], 1.0, Colour::GRID);
    }
}

fn dynos(drawing: &mut Drawing, beside: &Beside, time: &TimeAxis) {
    let (top, bottom) = DYNOS;
    caption(drawing, DYNOS, "Dynos");
    let most = beside.theirs.steps.iter().chain(&beside.ours.steps).map(|(_, n)| *n).max().unwrap_or(1);
    let value = ValueAxis::new(f64::from(most.max(1)) * 1.1, (bottom, top + 2.0));
    for tick in value.ticks(5.0, 1.0) {
        scale(drawing, value.y(tick), format!("{tick:.0}"));
    }
    upright(drawing, time, DYNOS);
    for span in &beside.spans {
        let theirs = steps(&beside.theirs.steps, *span, time, &value);
        fill(drawing, &theirs, bottom, THEIRS.faint(0.12));
        // Ours is the thinner one on top, so that both are seen where they are one.
        drawing.line(theirs, 3.6, THEIRS.faint(0.75));
        drawing.line(steps(&beside.ours.steps, *span, time, &value), 1.8, OURS);
    }
}

/// The steps within a span.
fn steps(
    steps: &[(Timestamp, u32)],
    (from, to): (Timestamp, Timestamp),
    time: &TimeAxis,
    value: &ValueAxis,
) -> Vec<Point> {
    let first = steps.partition_point(|(at, _)| *at <= from);
    let mut y = value.y(steps.get(first.saturating_sub(1)).map_or(0, |(_, n)| *n).into());
    let mut points = vec![(time.x(from), y)];
    for (at, n) in steps[first..].iter().take_while(|(at, _)| *at <= to) {
        points.push((time.x(*at), y));
        y = value.y((*n).into());
        points.push((time.x(*at), y));
    }
    points.push((time.x(to), y));
    points
}

fn response(drawing: &mut Drawing, beside: &Beside, time: &TimeAxis) {
    let (top, bottom) = RESPONSE;
    let slow = words::milliseconds(beside.high_ms);
    caption(drawing, RESPONSE, &format!("Response time, on their dynos; dashed: slow, from {slow}"));
    let plot = (top + STRIP, bottom);
    let y = response_scale(drawing, plot);
    upright(drawing, time, RESPONSE);
    let high = y(beside.high_ms);
    drawing.dashes((LEFT, RIGHT), high, 1.5, (10.0, 6.0), OURS.faint(0.8));
    let piece = |sample: &Sample| ((time.x(sample.at) - LEFT) / PIECE) as u32;
    let mut line: Vec<Point> = Vec::new();
    let mut before: Option<u32> = None;
    let longest = (usual_step(&beside.samples, piece) * 3).max(3);
    for together in beside.samples.chunk_by(|a, b| piece(a) == piece(b)) {
        let place = piece(&together[0]);
        let x = (LEFT + (f64::from(place) + 0.5) * PIECE).min(RIGHT);
        if together.iter().any(Sample::is_down) {
            drawing.line([(x, top + 2.0), (x, top + STRIP - 1.0)], PIECE - 1.0, Colour::INK);
        }
        let mut times: Vec<f64> = together.iter().filter_map(Sample::up_ms).collect();
        times.sort_unstable_by(f64::total_cmp);
        let (Some(median), Some(slowest)) = (times.get(times.len() / 2), times.last()) else { continue };
        drawing.line([(x, y(*slowest)), (x, y(*median))], PIECE - 1.0, Colour::INK.faint(0.22));
        if before.is_some_and(|before| place - before > longest) {
            drawing.line(std::mem::take(&mut line), 1.4, Colour::INK.faint(0.7));
        }
        line.push((x, y(*median)));
        before = Some(place);
    }
    if let [(x, y)] = line[..] {
        drawing.disc((x, y), 2.0, Colour::INK.faint(0.7));
    }
    drawing.line(line, 1.4, Colour::INK.faint(0.7));
    if beside.samples.iter().any(Sample::is_down) {
        let text = "failed results stand at the top";
        drawing.text(Text::new((RIGHT, top - 9.0), text).colour(Colour::MUTED).right());
    }
}

/// How many pieces lie between two results, most of the time.
fn usual_step(samples: &[Sample], piece: impl Fn(&Sample) -> u32) -> u32 {
    let mut steps: Vec<u32> = samples.windows(2).map(|pair| piece(&pair[1]).saturating_sub(piece(&pair[0]))).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied().unwrap_or(0)
}

/// The times of which nothing is known.
fn gaps(drawing: &mut Drawing, beside: &Beside, time: &TimeAxis, (top, bottom): (f64, f64)) {
    for pair in beside.spans.windows(2) {
        let (left, right) = (time.x(pair[0].1), time.x(pair[1].0));
        drawing.rect((left, top), (right.max(left + 1.0), bottom), Colour::MUTED.faint(0.13));
        if right - left > WIDE && top == DYNOS.0 {
            let place = (f64::midpoint(left, right), f64::midpoint(top, bottom));
            let text = text::cut("no checks", SMALL, false, right - left);
            drawing.text(Text::new(place, text).colour(Colour::MUTED).centred());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::drawing::Mark;
    use crate::model::sample::DownCause;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_secs(1_795_512_840 + 60 * minute)
    }

    fn two() -> Beside {
        let line = |name: &str, steps: &[(i64, u32)]| Line {
            name: name.into(),
            summary: vec!["7.2 dyno-hours".into()],
            steps: steps.iter().map(|(minute, n)| (at(*minute), *n)).collect(),
        };
        let up = (0..60).chain(180..240).filter_map(|minute| Sample::up(at(minute), 700.0));
        let mut samples: Vec<_> = up.chain([Sample::down(at(30), DownCause::Timeout)]).collect();
        samples.sort_by(Sample::order);
        Beside {
            title: "Ours 12 % below theirs".into(),
            subject: "shop · web · shadow mode".into(),
            spans: vec![(at(0), at(60)), (at(180), at(240))],
            theirs: line("theirs", &[(0, 4), (20, 6), (180, 3)]),
            ours: line("ours", &[(0, 3), (200, 5)]),
            samples,
            high_ms: 2000.0,
            results: vec!["0.8 % slow".into()],
        }
    }

    #[test]
    fn both_are_named_with_what_they_came_to() {
        let svg = svg(&two(), &TimeZone::UTC);
        let texts = ["theirs", "ours", "7.2 dyno-hours", "shop · web · shadow mode", "0.8 % slow", "no checks", "30 s"];
        for text in texts {
            assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}\n{svg}");
        }
        assert!(svg.contains("<title>Ours 12 % below theirs</title>"));
        assert!(svg.contains("theirs: 7.2 dyno-hours. ours: 7.2 dyno-hours.</desc>"));
        assert!(png(&two(), &TimeZone::UTC).starts_with(b"\x89PNG"));
    }

    #[test]
    fn nothing_is_drawn_across_a_gap() {
        let drawing = draw(&two(), &TimeZone::UTC);
        let time = TimeAxis::new(at(0), at(240), &TimeZone::UTC, (LEFT, RIGHT));
        let (from, to) = (time.x(at(61)), time.x(at(179)));
        for mark in &drawing.marks {
            if let Mark::Line { points, colour, .. } = mark
                && *colour != Colour::GRID
                && *colour != Colour::FRAME
            {
                let across = points.windows(2).find(|pair| pair[0].0 < from && to < pair[1].0);
                assert_eq!(across, None, "{mark:?}");
            }
        }
    }

    #[test]
    fn one_result_and_one_check_are_still_a_picture() {
        let mut one = two();
        one.samples.truncate(1);
        one.spans = vec![(at(0), at(0))];
        assert!(png(&one, &TimeZone::UTC).starts_with(b"\x89PNG"));
        let none = Beside { spans: Vec::new(), samples: Vec::new(), ..one };
        assert!(png(&none, &TimeZone::UTC).starts_with(b"\x89PNG"));
    }
}
