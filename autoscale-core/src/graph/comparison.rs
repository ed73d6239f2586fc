//! Several policies on one load, in one picture: the load above, the dynos of each below it, and what the visitors waited
//! at the bottom. Takes plain numbers; who played and how is known to the simulation.

use crate::graph::axis::ValueAxis;
use crate::graph::drawing::{Colour, Drawing, Point, SMALL, Text};
use crate::graph::layout::{HEIGHT, LEFT, MARGIN, RIGHT, WIDTH};
use crate::graph::panels::{Legend, caption, fill, response_scale, scale};
use crate::graph::render;
use crate::graph::text;

/// What is compared. All lists hold one value a minute.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Comparison {
    /// The headline.
    pub title: String,
    /// Requests per second.
    pub rps: Vec<f64>,
    /// The fewest dynos that serve them.
    pub needed: Vec<u32>,
    /// The policies: the first ones are drawn over the others.
    pub curves: Vec<Curve>,
    /// When something goes wrong: first and last minute, and what.
    pub incidents: Vec<(f64, f64, String)>,
}

/// One policy.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// What it came to, a few short lines.
    pub summary: Vec<String>,
    /// Its dynos.
    pub dynos: Vec<u32>,
    /// The mean response time, ms; `None` in a minute without requests.
    pub response_ms: Vec<Option<f64>>,
}

/// The panels: top and bottom.
const LOAD: (f64, f64) = (76.0, 148.0);
const DYNOS: (f64, f64) = (182.0, 334.0);
const RESPONSE: (f64, f64) = (368.0, 500.0);

/// Most points of a line of response times: more make a line that nobody can read.
const POINTS: usize = 180;

const COLOURS: [Colour; 5] = [Colour::BLUE, Colour::VERMILION, Colour::GREEN, Colour::PURPLE, Colour::ORANGE];

/// As SVG, with a title and a description.
pub fn svg(comparison: &Comparison) -> String {
    render::svg(&draw(comparison), &comparison.title, &description(comparison))
}

/// As a PNG file.
pub fn png(comparison: &Comparison) -> Vec<u8> {
    render::png(&draw(comparison))
}

fn description(comparison: &Comparison) -> String {
    let told = |curve: &Curve| format!("{}: {}.", curve.name, curve.summary.join(", "));
    let mut lines = vec!["Requests per second, dynos and mean response time over time.".to_owned()];
    lines.extend(comparison.curves.iter().map(told));
    lines.join(" ")
}

fn draw(comparison: &Comparison) -> Drawing {
    let mut drawing = Drawing::default();
    drawing.rect((0.0, 0.0), (f64::from(WIDTH), f64::from(HEIGHT)), Colour::PAPER);
    let title = text::cut(&comparison.title, 18.0, true, f64::from(WIDTH) - 2.0 * MARGIN);
    drawing.text(Text::new((MARGIN, 34.0), title).size(18.0).bold());
    for panel in [LOAD, DYNOS, RESPONSE] {
        incidents(&mut drawing, comparison, panel);
        hours(&mut drawing, comparison, panel);
    }
    load(&mut drawing, comparison);
    dynos(&mut drawing, comparison);
    response(&mut drawing, comparison);
    for (top, bottom) in [LOAD, DYNOS, RESPONSE] {
        drawing.frame((LEFT, top), (RIGHT, bottom), Colour::FRAME);
    }
    legend(&mut drawing, comparison);
    drawing
}

/// From minutes to pixels.
fn x(comparison: &Comparison, minute: f64) -> f64 {
    let minutes = comparison.rps.len().max(1) as f64;
    LEFT + (minute / minutes).clamp(0.0, 1.0) * (RIGHT - LEFT)
}

fn incidents(drawing: &mut Drawing, comparison: &Comparison, (top, bottom): (f64, f64)) {
    for (from, to, name) in &comparison.incidents {
        let (left, right) = (x(comparison, *from), x(comparison, *to).max(x(comparison, *from) + 1.5));
        drawing.rect((left, top), (right, bottom), Colour::VERMILION.faint(0.10));
        if top == LOAD.0 {
            let half = text::width(name, SMALL, false) / 2.0;
            // Right of the caption, and on the page.
            let middle = ((left + right) / 2.0).max(LEFT + 150.0 + half).min(RIGHT - half);
            drawing.text(Text::new((middle, top - 9.0), name.clone()).colour(Colour::VERMILION).centred());
        }
    }
}

/// Upright lines at round times since the start, and their labels under the last panel.
fn hours(drawing: &mut Drawing, comparison: &Comparison, (top, bottom): (f64, f64)) {
    const STEPS: [usize; 12] = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 10_080];
    let minutes = comparison.rps.len();
    let step = STEPS.into_iter().find(|step| minutes / step <= 9).unwrap_or(minutes / 9);
    for minute in (0..=minutes).step_by(step.max(1)) {
        let at = x(comparison, minute as f64);
        drawing.line([(at, top), (at, bottom)], 1.0, Colour::GRID);
        if bottom == RESPONSE.1 {
            let label = match step {
                1440.. => format!("{} d", minute / 1440),
                _ => format!("{}:{:02}", minute / 60, minute % 60),
            };
            drawing.text(Text::new((at, bottom + 18.0), label).colour(Colour::MUTED).centred());
        }
    }
}

fn load(drawing: &mut Drawing, comparison: &Comparison) {
    let (top, bottom) = LOAD;
    caption(drawing, LOAD, "Requests per second");
    let most = comparison.rps.iter().copied().fold(0.0, f64::max);
    let value = ValueAxis::new(most * 1.06, (bottom, top + 2.0));
    for tick in value.ticks(3.0, 0.1) {
        scale(drawing, value.y(tick), format!("{tick}"));
    }
    let middle = |minute: usize| x(comparison, minute as f64 + 0.5);
    let line: Vec<Point> = comparison.rps.iter().enumerate().map(|(m, rps)| (middle(m), value.y(*rps))).collect();
    fill(drawing, &line, bottom, Colour::MUTED.faint(0.18));
    drawing.line(line, 1.6, Colour::MUTED);
}

fn dynos(drawing: &mut Drawing, comparison: &Comparison) {
    let (top, bottom) = DYNOS;
    caption(drawing, DYNOS, "Dynos");
    let all = comparison.curves.iter().flat_map(|curve| &curve.dynos).chain(&comparison.needed);
    let value = ValueAxis::new(f64::from(all.copied().max().unwrap_or(1)) * 1.06, (bottom, top + 2.0));
    for tick in value.ticks(5.0, 1.0) {
        scale(drawing, value.y(tick), format!("{tick:.0}"));
    }
    let steps = |dynos: &[u32]| -> Vec<Point> {
        let step = |(minute, dynos): (usize, &u32)| {
            let y = value.y((*dynos).into());
            [(x(comparison, minute as f64), y), (x(comparison, minute as f64 + 1.0), y)]
        };
        dynos.iter().enumerate().flat_map(step).collect()
    };
    fill(drawing, &steps(&comparison.needed), bottom, Colour::MUTED.faint(0.18));
    for (curve, colour) in coloured(comparison).rev() {
        drawing.line(steps(&curve.dynos), 2.0, colour);
    }
}

fn response(drawing: &mut Drawing, comparison: &Comparison) {
    caption(drawing, RESPONSE, "Mean response time");
    let y = response_scale(drawing, RESPONSE);
    let together = comparison.rps.len().div_ceil(POINTS).max(1);
    for (curve, colour) in coloured(comparison).rev() {
        let points = curve.response_ms.chunks(together).enumerate().filter_map(|(place, minutes)| {
            let known: Vec<f64> = minutes.iter().copied().flatten().collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let middle = place * together * 2 + minutes.len();
            (!known.is_empty()).then(|| (x(comparison, middle as f64 / 2.0), y(mean)))
        });
        drawing.line(points.collect::<Vec<_>>(), 1.6, colour);
    }
}

/// Names and what they came to, right of the panels.
fn legend(drawing: &mut Drawing, comparison: &Comparison) {
    let mut legend = Legend::at(LOAD.0 + 12.0);
    legend.entry(drawing, "load, dynos needed", Colour::MUTED.faint(0.35), false, &[]);
    for (curve, colour) in coloured(comparison) {
        legend.entry(drawing, &curve.name, colour, true, &curve.summary);
    }
}

fn coloured(comparison: &Comparison) -> impl DoubleEndedIterator<Item = (&Curve, Colour)> {
    comparison.curves.iter().enumerate().map(|(place, curve)| (curve, COLOURS[place % COLOURS.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Comparison {
        let curve = |name: &str, dynos: u32, ms: f64| Curve {
            name: name.into(),
            summary: vec!["score 80".into()],
            dynos: vec![dynos; 120],
            response_ms: vec![Some(ms); 120],
        };
        Comparison {
            title: "flash-crowd".into(),
            rps: vec![10.0; 120],
            needed: vec![2; 120],
            curves: vec![curve("adaptive", 3, 200.0), curve("2012", 4, 40_000.0)],
            incidents: vec![(30.0, 60.0, "database".into())],
        }
    }

    #[test]
    fn every_policy_is_named_with_what_it_came_to() {
        let svg = svg(&two());
        assert!(svg.contains("<title>flash-crowd</title>"));
        assert!(svg.contains(
            "<desc>Requests per second, dynos and mean response time over time. adaptive: score 80. 2012: score 80.</desc>"
        ));
        for text in ["adaptive", "2012", "score 80", "database", "2:00", "30 s"] {
            assert!(svg.contains(&format!(">\n{text}\n</text>")), "{text}");
        }
        assert!(png(&two()).starts_with(b"\x89PNG"));
    }

    #[test]
    fn the_first_policy_is_drawn_last_over_the_others() {
        let drawn = draw(&two());
        let width_two: Vec<Colour> = drawn
            .marks
            .iter()
            .filter_map(|mark| match mark {
                crate::graph::drawing::Mark::Line { width, colour, .. } if *width == 2.0 => Some(*colour),
                _ => None,
            })
            .collect();
        assert_eq!(width_two, [Colour::VERMILION, Colour::BLUE]);
    }

    #[test]
    fn nothing_to_compare_is_still_a_picture() {
        assert!(png(&Comparison::default()).starts_with(b"\x89PNG"));
    }
}
