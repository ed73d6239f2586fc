//! Marks on a page, in pixels from its upper left corner: what the panels make and the renderer draws. Knows nothing of
//! apps, and nothing of the plotting library.

use crate::graph::layout::{HEIGHT, RIGHT};
use crate::graph::text;

/// A place on the page.
pub(super) type Point = (f64, f64);

/// Red, green, blue and opacity.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8, pub(super) f64);

// The hues of Okabe and Ito's palette ("Color Universal Design", 2008), which stay apart for colour-blind people; some
// darkened until thin lines and text on white are easy to read.
impl Colour {
    pub(super) const PAPER: Self = Self(255, 255, 255, 1.0);
    pub(super) const INK: Self = Self(34, 34, 34, 1.0);
    pub(super) const MUTED: Self = Self(95, 95, 95, 1.0);
    pub(super) const GRID: Self = Self(232, 232, 232, 1.0);
    pub(super) const FRAME: Self = Self(185, 185, 185, 1.0);
    pub(super) const BLUE: Self = Self(0, 114, 178, 1.0);
    pub(super) const VERMILION: Self = Self(200, 80, 0, 1.0);
    pub(super) const GREEN: Self = Self(0, 121, 90, 1.0);
    pub(super) const PURPLE: Self = Self(158, 52, 118, 1.0);
    pub(super) const ORANGE: Self = Self(176, 112, 0, 1.0);

    /// The same, so much see-through: 0 is not there, 1 covers.
    pub(super) const fn faint(self, opacity: f64) -> Self {
        Self(self.0, self.1, self.2, opacity)
    }
}

/// One thing on the page.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Mark {
    Line { points: Vec<Point>, width: f64, colour: Colour },
    Area { points: Vec<Point>, colour: Colour },
    Disc { centre: Point, radius: f64, colour: Colour },
    Text(Text),
}

/// Where a text stands to its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
}

/// A line of text, its baseline at a height.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Text {
    pub(super) at: Point,
    pub(super) text: String,
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) anchor: Anchor,
    pub(super) colour: Colour,
}

/// Size of the text on axes and beside lines, pixels an em.
pub(super) const SMALL: f64 = 11.5;

impl Text {
    pub(super) fn new(at: Point, text: impl Into<String>) -> Self {
        Self { at, text: text.into(), size: SMALL, bold: false, anchor: Anchor::Left, colour: Colour::INK }
    }

    pub(super) fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    pub(super) fn right(self) -> Self {
        Self { anchor: Anchor::Right, ..self }
    }

    pub(super) fn centred(self) -> Self {
        Self { anchor: Anchor::Centre, ..self }
    }
}

/// A page, later marks over earlier ones.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Drawing {
    pub(super) marks: Vec<Mark>,
    /// Height of the page, pixels.
    pub(super) height: u32,
}

impl Default for Drawing {
    fn default() -> Self {
        Self { marks: Vec::new(), height: HEIGHT }
    }
}

impl Drawing {
    pub(super) fn line(&mut self, points: impl Into<Vec<Point>>, width: f64, colour: Colour) {
        self.marks.push(Mark::Line { points: points.into(), width, colour });
    }

    /// From left to right at one height, `dash` pixels drawn and `gap` left out in turn.
    pub(super) fn dashes(
        &mut self,
        (from, to): (f64, f64),
        y: f64,
        width: f64,
        (dash, gap): (f64, f64),
        colour: Colour,
    ) {
        let mut x = from;
        while x < to {
            self.line([(x, y), ((x + dash).min(to), y)], width, colour);
            x += dash + gap;
        }
    }

    /// From top to bottom, dotted.
    pub(super) fn dotted_upright(&mut self, x: f64, (top, bottom): (f64, f64)) {
        let mut y = top;
        while y < bottom {
            self.line([(x, y), (x, (y + 2.0).min(bottom))], 1.0, Colour::MUTED);
            y += 5.0;
        }
    }

    pub(super) fn area(&mut self, points: impl Into<Vec<Point>>, colour: Colour) {
        self.marks.push(Mark::Area { points: points.into(), colour });
    }

    pub(super) fn rect(&mut self, a: Point, b: Point, colour: Colour) {
        self.area([a, (b.0, a.1), b, (a.0, b.1)], colour);
    }

    /// The edges of a rectangle.
    pub(super) fn frame(&mut self, a: Point, b: Point, colour: Colour) {
        self.line([a, (b.0, a.1), b, (a.0, b.1), a], 1.0, colour);
    }

    pub(super) fn disc(&mut self, centre: Point, radius: f64, colour: Colour) {
        self.marks.push(Mark::Disc { centre, radius, colour });
    }

    pub(super) fn cross(&mut self, (x, y): Point, r: f64, colour: Colour) {
        self.line([(x - r, y - r), (x + r, y + r)], 2.0, colour);
        self.line([(x - r, y + r), (x + r, y - r)], 2.0, colour);
    }

    pub(super) fn diamond(&mut self, (x, y): Point, r: f64, colour: Colour) {
        self.area([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], colour);
    }

    /// A triangle that points up (`r` above zero) or down.
    pub(super) fn arrow_head(&mut self, (x, y): Point, r: f64, colour: Colour) {
        let half = r.abs() * 0.9;
        self.area([(x, y - r), (x + half, y + r * 0.7), (x - half, y + r * 0.7)], colour);
    }

    pub(super) fn text(&mut self, text: Text) {
        self.marks.push(Mark::Text(text));
    }

    /// Names of lines, right of the plot at the heights of their lines; moved apart where they would overlap.
    pub(super) fn name_lines(&mut self, mut names: Vec<LineName>, (top, bottom): (f64, f64)) {
        const APART: f64 = 15.0;
        names.sort_by(|a, b| a.y.total_cmp(&b.y));
        let mut least = top;
        for name in &mut names {
            name.y = name.y.max(least);
            least = name.y + APART;
        }
        let mut most = bottom;
        for name in names.iter_mut().rev() {
            name.y = name.y.min(most);
            most = name.y - APART;
        }
        for LineName { y, text, colour, bold } in names {
            let text = text::cut(&text, SMALL, bold, f64::from(crate::graph::layout::WIDTH) - 4.0 - (RIGHT + 10.0));
            let text = Text::new((RIGHT + 10.0, y + 4.0), text).colour(colour);
            self.text(if bold { text.bold() } else { text });
        }
    }
}

/// The name of a line, and the height of the line.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct LineName {
    pub(super) y: f64,
    pub(super) text: String,
    pub(super) colour: Colour,
    pub(super) bold: bool,
}

impl LineName {
    pub(super) fn new(y: f64, text: impl Into<String>, colour: Colour) -> Self {
        Self { y, text: text.into(), colour, bold: false }
    }
}

/// The part of a straight line whose second coordinates lie within a range.
pub(super) fn within(a: Point, b: Point, (least, most): (f64, f64)) -> Option<(Point, Point)> {
    let rise = b.1 - a.1;
    if rise == 0.0 || !rise.is_finite() {
        return (least..=most).contains(&a.1).then_some((a, b));
    }
    let (to_least, to_most) = ((least - a.1) / rise, (most - a.1) / rise);
    let (enter, leave) = (to_least.min(to_most).max(0.0), to_least.max(to_most).min(1.0));
    let at = |share: f64| (a.0 + share * (b.0 - a.0), a.1 + share * rise);
    (enter <= leave).then(|| (at(enter), at(leave)))
}
