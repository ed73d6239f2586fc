//! Marks to SVG or PNG, by the plotting library, and the measures of text. The font is embedded: a server has none.

use std::sync::Once;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBAColor, ShapeStyle, TextStyle, register_font};

use crate::graph::WIDTH;
use crate::graph::drawing::{Anchor, Colour, Drawing, Mark, Point, Text};

/// What an SVG asks its viewer for, and the name under which the embedded font is known: DejaVu and Verdana have the
/// same widths, what follows is narrower, so that nothing overlaps.
const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

static REGULAR: &[u8] = include_bytes!("../../assets/font/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/font/DejaVuSans-Bold.subset.ttf");

/// PNG: drawn so many times larger and averaged, which smooths all edges.
const OVERSAMPLING: u32 = 2;
/// SVG: units a pixel, since the library's coordinates are whole numbers.
const PRECISION: u32 = 4;

/// The library takes the height of a line as the size of its text: ascent and descent of the font, in em.
const BITMAP_LINE: f64 = 1.164;
/// The same as the library's SVG backend has it.
const SVG_LINE: f64 = 1.24;
/// From the top of a line to its baseline, in em, as the library's SVG backend has it.
const SVG_BASELINE: f64 = 0.76;

pub(super) fn svg(drawing: &Drawing, title: &str, description: &str) -> String {
    let mut body = String::new();
    let height = drawing.height;
    let size = (WIDTH * PRECISION, height * PRECISION);
    let mut page = Page { backend: SVGBackend::with_string(&mut body, size), scale: f64::from(PRECISION), svg: true };
    page.draw(drawing);
    drop(page);
    // The library's first line has neither title nor description, and is as large as its units.
    let rest = body.split_once(">\n").map_or("", |(_, rest)| rest);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n{rest}",
        size.0,
        size.1,
        escaped(title),
        escaped(description),
    )
}

pub(super) fn png(drawing: &Drawing) -> Vec<u8> {
    let (width, height) = (WIDTH * OVERSAMPLING, drawing.height * OVERSAMPLING);
    let mut large = vec![0xff; (width * height * 3) as usize];
    let backend = BitMapBackend::with_buffer(&mut large, (width, height));
    Page { backend, scale: f64::from(OVERSAMPLING), svg: false }.draw(drawing);
    encoded(&averaged(&large), drawing.height)
}

/// Each pixel the mean of [`OVERSAMPLING`] times as many rows and columns.
fn averaged(large: &[u8]) -> Vec<u8> {
    let (width, n) = (WIDTH as usize, OVERSAMPLING as usize);
    let mut small = Vec::with_capacity(large.len() / (n * n));
    for rows in large.chunks_exact(width * n * 3 * n) {
        for pixel in 0..width {
            for channel in 0..3 {
                let at = |row: usize, column: usize| rows[(row * width * n + pixel * n + column) * 3 + channel];
                let sum: u32 = (0..n * n).map(|k| u32::from(at(k / n, k % n))).sum();
                small.push((sum / (OVERSAMPLING * OVERSAMPLING)) as u8);
            }
        }
    }
    small
}

fn encoded(pixels: &[u8], height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Half the size of what filters give: most rows are like the one before, and most pixels white.
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.set_compression(png::Compression::Default);
    let mut writer = encoder.write_header().expect("memory takes all that is written");
    writer.write_image_data(pixels).expect("as many bytes as the header says");
    writer.finish().expect("memory takes all that is written");
    file
}

/// A backend, and how many of its units a pixel is.
struct Page<B> {
    backend: B,
    scale: f64,
    svg: bool,
}

impl<B: DrawingBackend> Page<B> {
    /// Draws into memory, which takes all there is to draw: the only error that backends can have here is a font that is
    /// not known.
    fn draw(&mut self, drawing: &Drawing) {
        register_fonts();
        for mark in &drawing.marks {
            let drawn = self.mark(mark);
            debug_assert!(drawn.is_ok(), "{mark:?} can't be drawn");
        }
        let _ = self.backend.present();
    }

    fn mark(&mut self, mark: &Mark) -> Result<(), ()> {
        match mark {
            Mark::Line { points, width, colour } => {
                let style = ShapeStyle { stroke_width: self.units(*width).max(1) as u32, ..filled(*colour) };
                let points: Vec<_> = points.iter().map(|p| self.place(*p)).collect();
                if self.svg {
                    return self.backend.draw_path(points, &style).map_err(drop);
                }
                // One by one: the bitmap backend draws the corners of a thick path far beyond them where they are sharp.
                points
                    .windows(2)
                    .filter(|pair| pair[0] != pair[1])
                    .try_for_each(|pair| self.backend.draw_line(pair[0], pair[1], &style).map_err(drop))
            }
            Mark::Area { points, colour } => {
                let points: Vec<_> = points.iter().map(|p| self.place(*p)).collect();
                self.backend.fill_polygon(points, &filled(*colour)).map_err(drop)
            }
            Mark::Disc { centre, radius, colour } => {
                let (centre, radius) = (self.place(*centre), self.units(*radius).max(1) as u32);
                self.backend.draw_circle(centre, radius, &filled(*colour), true).map_err(drop)
            }
            Mark::Text(text) => self.text(text),
        }
    }

    fn text(&mut self, text: &Text) -> Result<(), ()> {
        let em = text.size * self.scale;
        let (line, above) =
            if self.svg { (em * SVG_LINE, em * SVG_BASELINE) } else { (em * BITMAP_LINE, em * BITMAP_LINE / 2.0) };
        let (x, baseline) = self.place(text.at);
        let h_pos = match text.anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let colour = rgba(text.colour);
        let style = TextStyle::from(font(line, text.bold)).color(&colour).pos(Pos::new(h_pos, VPos::Top));
        self.backend.draw_text(&printable(&text.text), &style, (x, baseline - above.round() as i32)).map_err(drop)
    }

    fn place(&self, (x, y): Point) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    fn units(&self, pixels: f64) -> i32 {
        (pixels * self.scale).round() as i32
    }
}

fn rgba(Colour(r, g, b, opacity): Colour) -> RGBAColor {
    RGBAColor(r, g, b, opacity)
}

fn filled(colour: Colour) -> ShapeStyle {
    ShapeStyle { color: rgba(colour), filled: true, stroke_width: 1 }
}

fn font(line: f64, bold: bool) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), line, if bold { FontStyle::Bold } else { FontStyle::Normal })
}

fn register_fonts() {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            let known = register_font(FAMILY, style, bytes);
            debug_assert!(known.is_ok(), "the embedded font can't be read");
        }
    });
}

/// Without what XML can't hold, and in one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Width of a text in pixels, `size` pixels an em.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    // Measured large, since the library rounds to whole pixels.
    const LARGE: f64 = 64.0;
    register_fonts();
    let measured = font(size * LARGE * BITMAP_LINE, bold).layout_box(text);
    measured.map_or(0.0, |((x0, _), (x1, _))| f64::from(x1 - x0) / LARGE)
}

/// A text, cut with "…" where it is wider than `room` pixels.
pub(super) fn cut(text: &str, size: f64, bold: bool, room: f64) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    // Nothing this long fits; so that a text without end costs no time.
    let signs: Vec<char> = text.chars().take(300).collect();
    let shortened = |n: usize| {
        let kept: String = signs[..n].iter().collect();
        format!("{}…", kept.trim_end_matches([' ', ',', ';', ':']))
    };
    let lengths: Vec<usize> = (1..=signs.len()).collect();
    match lengths.partition_point(|n| width(&shortened(*n), size, bold) <= room) {
        0 => String::new(),
        most => shortened(most),
    }
}

/// A text in one line, or in two of about the same length, no wider than `room` pixels, broken at spaces; the last one
/// cut where it must be.
pub(super) fn wrap(text: &str, size: f64, bold: bool, room: f64) -> Vec<String> {
    let words: Vec<_> = text.split_whitespace().collect();
    let fits = |room: f64| broken(text, size, bold, room, 2).join(" ") == words.join(" ");
    let whole = width(text, size, bold);
    if whole <= room {
        return broken(text, size, bold, room, 1);
    }
    // A little more than half of it, so that no single word is left for the second line.
    let balanced = (0..=8).map(|k| whole * (0.5 + 0.05 * f64::from(k))).find(|room| fits(*room));
    broken(text, size, bold, balanced.unwrap_or(room).min(room), 2)
}

fn broken(text: &str, size: f64, bold: bool, room: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while words.peek().is_some() && wrapped.len() + 1 < lines {
        let mut line = String::new();
        while let Some(word) = words.peek() {
            let longer = if line.is_empty() { (*word).to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, size, bold) > room {
                break;
            }
            line = longer;
            words.next();
        }
        wrapped.push(cut(&line, size, bold, room));
    }
    let rest: Vec<_> = words.collect();
    if !rest.is_empty() {
        wrapped.push(cut(&rest.join(" "), size, bold, room));
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_sign_that_a_graph_says() {
        let missing = width("\u{10ffff}", 100.0, false);
        for bold in [false, true] {
            for c in "abcxyzABCXYZ0123456789äöüÄÖÜßéñ→↑↓≥≤±×…µ−–·%()[]/:;,.".chars() {
                let alone = width(&c.to_string(), 100.0, bold);
                assert!(alone > 0.0 && (alone - missing).abs() > 0.01, "{c}");
            }
        }
        assert!(REGULAR.len() + BOLD.len() <= 100_000);
    }

    #[test]
    fn a_long_text_is_wrapped_then_cut() {
        let text = "3 → 4 dynos: 2 of the last 3 results over 2000 ms, the newest 4100 ms";
        assert_eq!(wrap(text, 18.0, true, 2000.0), [text]);
        let balanced = ["3 → 4 dynos: 2 of the last 3 results", "over 2000 ms, the newest 4100 ms"];
        assert_eq!(wrap(text, 18.0, true, 700.0), balanced);
        let two = wrap(text, 18.0, true, 340.0);
        assert_eq!(two, ["3 → 4 dynos: 2 of the last 3", "results over 2000 ms, the newe…"]);
        assert!(two.iter().all(|line| width(line, 18.0, true) <= 340.0));
        assert_eq!(wrap("", 18.0, true, 400.0), Vec::<String>::new());
        assert!(width(&cut(&"m".repeat(10_000), 13.0, false, 300.0), 13.0, false) <= 300.0);
    }
}
