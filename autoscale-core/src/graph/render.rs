//! Marks to SVG or PNG, by the plotting library.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{RGBAColor, ShapeStyle, TextStyle};

use crate::graph::drawing::{Anchor, Colour, Drawing, Mark, Point, Text};
use crate::graph::layout::WIDTH;
use crate::graph::text::{BITMAP_LINE, font, register_fonts};

/// PNG: drawn so many times larger and averaged, which smooths all edges.
const OVERSAMPLING: u32 = 2;
/// SVG: units a pixel, since the library's coordinates are whole numbers.
const PRECISION: u32 = 4;

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

/// Without what XML can't hold, and in one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
