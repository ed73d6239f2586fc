//! What pictures of several panels have in common: captions, scales, filled lines, and the legend to their right. Knows
//! nothing of what is compared.

use crate::graph::drawing::{Colour, Drawing, Point, SMALL, Text};
use crate::graph::layout::{LEFT, RIGHT, WIDTH};
use crate::graph::text;

/// Lowest and highest response time that is told apart, ms: a tenth of a second, and the router's time-out.
const FASTEST: f64 = 100.0;
const SLOWEST: f64 = 30_000.0;

/// The panel's name, above it.
pub(super) fn caption(drawing: &mut Drawing, (top, _): (f64, f64), text: &str) {
    drawing.text(Text::new((LEFT, top - 9.0), text).bold());
}

/// A line across the panel, and the value that it stands for.
pub(super) fn scale(drawing: &mut Drawing, y: f64, label: String) {
    drawing.line([(LEFT, y), (RIGHT, y)], 1.0, Colour::GRID);
    drawing.text(Text::new((LEFT - 8.0, y + 4.0), label).colour(Colour::MUTED).right());
}

/// The scale of a panel of response times: logarithmic, for seconds of slowness and fractions of speed alike. From ms to
/// height.
pub(super) fn response_scale(drawing: &mut Drawing, (top, bottom): (f64, f64)) -> impl Fn(f64) -> f64 + use<> {
    let y = move |ms: f64| {
        let share = (ms.clamp(FASTEST, SLOWEST) / FASTEST).ln() / (SLOWEST / FASTEST).ln();
        bottom - share * (bottom - top - 2.0)
    };
    for (ms, label) in
        [(100.0, "0.1 s"), (300.0, "0.3 s"), (1000.0, "1 s"), (3000.0, "3 s"), (10_000.0, "10 s"), (30_000.0, "30 s")]
    {
        scale(drawing, y(ms), label.into());
    }
    y
}

/// The area between a line and the bottom.
pub(super) fn fill(drawing: &mut Drawing, line: &[Point], bottom: f64, colour: Colour) {
    let (Some(first), Some(last)) = (line.first(), line.last()) else { return };
    let mut area = line.to_vec();
    area.extend([(last.0, bottom), (first.0, bottom)]);
    drawing.area(area, colour);
}

/// Names and what they came to, right of the panels, from the top down.
pub(super) struct Legend {
    y: f64,
}

impl Legend {
    /// Between two lines of an entry, and what more is between two entries.
    const LINE: f64 = 16.0;
    const GAP: f64 = 10.0;

    pub(super) fn at(y: f64) -> Self {
        Self { y }
    }

    /// A colour, its name, and what belongs to it, a few short lines.
    pub(super) fn entry(&mut self, drawing: &mut Drawing, name: &str, colour: Colour, bold: bool, lines: &[String]) {
        let left = RIGHT + 12.0;
        drawing.rect((left, self.y - 8.0), (left + 10.0, self.y + 1.0), colour);
        self.line(drawing, name, if bold { colour } else { Colour::MUTED }, bold);
        for text in lines {
            self.line(drawing, text, Colour::MUTED, false);
        }
        self.y += Self::GAP;
    }

    fn line(&mut self, drawing: &mut Drawing, text: &str, colour: Colour, bold: bool) {
        let left = RIGHT + 28.0;
        let text =
            Text::new((left, self.y), text::cut(text, SMALL, bold, f64::from(WIDTH) - 4.0 - left)).colour(colour);
        drawing.text(if bold { text.bold() } else { text });
        self.y += Self::LINE;
    }
}
