//! The icons, drawn: seven states told apart by outline as well as by colour, and a badge for dry run. Each size is drawn
//! for itself, with straight edges on whole pixels; nothing is scaled.

use crate::view::State;

/// Sizes that panels ask for, pixels.
#[cfg_attr(any(windows, target_os = "macos", feature = "tao-loop"), allow(dead_code))]
pub(crate) const SIZES: [u32; 5] = [16, 22, 24, 32, 48];
/// Samples a pixel, in each direction.
const SAMPLES: u32 = 4;

/// Red, green, blue; 0 to 255, opaque.
type Colour = [u8; 3];

const WHITE: Colour = [255, 255, 255];
const INK: Colour = [38, 42, 48];
const GREY: Colour = [138, 145, 153];
const GREEN: Colour = [38, 162, 83];
const BLUE: Colour = [47, 126, 245];
const VIOLET: Colour = [164, 98, 235];
const ORANGE: Colour = [240, 140, 12];
const RED: Colour = [226, 58, 62];

/// RGBA, straight alpha, row by row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Image {
    /// Width and height, pixels.
    pub(crate) size: u32,
    /// Four bytes a pixel.
    pub(crate) rgba: Vec<u8>,
}

/// The icon of a state.
pub(crate) fn draw(state: State, dry_run: bool, size: u32) -> Image {
    let mut rgba = Vec::with_capacity((size * size * 4) as usize);
    let grid = Grid(f64::from(size));
    for y in 0..size {
        for x in 0..size {
            rgba.extend(pixel(state, dry_run, grid, x, y));
        }
    }
    Image { size, rgba }
}

/// The mean of a pixel's samples.
fn pixel(state: State, dry_run: bool, grid: Grid, x: u32, y: u32) -> [u8; 4] {
    let (mut sum, mut covered) = ([0_u32; 3], 0_u32);
    for sample in 0..SAMPLES * SAMPLES {
        let at =
            |pixel: u32, part: u32| (f64::from(pixel) + (f64::from(part) + 0.5) / f64::from(SAMPLES)) / grid.0 * 24.0;
        let point = (at(x, sample % SAMPLES), at(y, sample / SAMPLES));
        if let Some(colour) = colour(state, dry_run, grid, point) {
            covered += 1;
            for (sum, part) in sum.iter_mut().zip(colour) {
                *sum += u32::from(part);
            }
        }
    }
    let mean = |sum: u32| u8::try_from(sum / covered.max(1)).unwrap_or(u8::MAX);
    let alpha = u8::try_from(covered * 255 / (SAMPLES * SAMPLES)).unwrap_or(u8::MAX);
    [mean(sum[0]), mean(sum[1]), mean(sum[2]), alpha]
}

/// Pixels a side. All drawing is in units of which an icon is 24 wide and high.
#[derive(Clone, Copy)]
struct Grid(f64);

impl Grid {
    /// The nearest edge between two pixels.
    fn edge(self, units: f64) -> f64 {
        (units * self.0 / 24.0).round() * 24.0 / self.0
    }

    /// A bar: straight edges on pixels, never thinner than one.
    fn bar(self, (x, y): (f64, f64), left: f64, top: f64, width: f64, height: f64) -> bool {
        let pixel = 24.0 / self.0;
        let (left, top) = (self.edge(left), self.edge(top));
        let (width, height) = (self.edge(width).max(pixel), self.edge(height).max(pixel));
        (left..left + width).contains(&x) && (top..top + height).contains(&y)
    }
}

/// What is at a point; `None`: the panel.
fn colour(state: State, dry_run: bool, grid: Grid, point: (f64, f64)) -> Option<Colour> {
    if dry_run {
        // A badge with a gap around it, so that it reads as a thing of its own at any size.
        match distance(point, BADGE) {
            ..3.0 => return Some(WHITE),
            ..5.0 => return Some(INK),
            ..6.3 => return None,
            _ => {}
        }
    }
    match state {
        State::Unknown => unknown(point),
        State::Steady => steady(point),
        State::Up => triangle(point, 2.0, 21.5).then_some(BLUE),
        State::Down => triangle((point.0, 24.0 - point.1), 2.0, 21.5).then_some(VIOLET),
        State::AtMax => (grid.bar(point, 2.0, 2.0, 20.0, 4.0) || triangle(point, 7.5, 22.0)).then_some(ORANGE),
        State::Paused => {
            (grid.bar(point, 4.0, 3.0, 6.0, 18.0) || grid.bar(point, 14.0, 3.0, 6.0, 18.0)).then_some(GREY)
        }
        State::Failing => failing(grid, point),
    }
}

const CENTRE: (f64, f64) = (12.0, 12.0);
const BADGE: (f64, f64) = (18.6, 18.6);

/// A ring around a dot.
fn unknown(point: (f64, f64)) -> Option<Colour> {
    let from_centre = distance(point, CENTRE);
    ((7.0..10.5).contains(&from_centre) || from_centre < 3.0).then_some(GREY)
}

/// A disc with a tick.
fn steady(point: (f64, f64)) -> Option<Colour> {
    let tick = from_line(point, (7.2, 12.6), (10.6, 16.0)) < 1.5 || from_line(point, (10.6, 16.0), (16.8, 8.6)) < 1.5;
    (distance(point, CENTRE) < 10.5).then_some(if tick { WHITE } else { GREEN })
}

/// A square on its corner with an exclamation mark.
fn failing(grid: Grid, point: (f64, f64)) -> Option<Colour> {
    let mark = grid.bar(point, 10.5, 5.0, 3.0, 9.0) || grid.bar(point, 10.5, 16.0, 3.0, 3.0);
    let inside = (point.0 - 12.0).abs() + (point.1 - 12.0).abs() < 12.0;
    inside.then_some(if mark { WHITE } else { RED })
}

/// A triangle on its base, as wide as the icon nearly.
fn triangle((x, y): (f64, f64), top: f64, bottom: f64) -> bool {
    (top..bottom).contains(&y) && (x - 12.0).abs() < 11.0 * (y - top) / (bottom - top)
}

fn distance((x, y): (f64, f64), (to_x, to_y): (f64, f64)) -> f64 {
    (x - to_x).hypot(y - to_y)
}

/// Distance to a line between two points.
fn from_line(point: (f64, f64), start: (f64, f64), end: (f64, f64)) -> f64 {
    let (along, across) = (end.0 - start.0, end.1 - start.1);
    let share = ((point.0 - start.0) * along + (point.1 - start.1) * across) / (along * along + across * across);
    let share = share.clamp(0.0, 1.0);
    distance(point, (start.0 + share * along, start.1 + share * across))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Which pixels are covered, whatever their colour.
    fn outline(image: &Image) -> Vec<bool> {
        image.rgba.chunks_exact(4).map(|pixel| pixel[3] > 127).collect()
    }

    fn differing(a: &[bool], b: &[bool]) -> usize {
        a.iter().zip(b).filter(|(a, b)| a != b).count()
    }

    #[test]
    fn every_two_states_differ_in_their_outline_at_every_size() {
        for size in SIZES {
            for (i, one) in State::ALL.into_iter().enumerate() {
                for other in &State::ALL[i + 1..] {
                    let (a, b) = (outline(&draw(one, false, size)), outline(&draw(*other, false, size)));
                    let share = differing(&a, &b) as f64 / a.len() as f64;
                    assert!(share > 0.08, "{one:?} and {other:?} at {size}: {share:.3} of the pixels differ");
                }
            }
        }
    }

    #[test]
    fn dry_run_is_seen_on_every_state_at_every_size() {
        for size in SIZES {
            for state in State::ALL {
                let (plain, dry) = (draw(state, false, size), draw(state, true, size));
                let changed = plain.rgba.chunks(4).zip(dry.rgba.chunks(4)).filter(|(a, b)| a != b).count();
                assert!(changed as f64 > 0.1 * f64::from(size * size), "{state:?} at {size}: {changed} pixels");
            }
        }
    }

    #[test]
    fn straight_edges_lie_on_pixels() {
        for size in SIZES {
            let paused = draw(State::Paused, false, size);
            let blurred = paused.rgba.chunks_exact(4).filter(|pixel| !matches!(pixel[3], 0 | 255)).count();
            assert_eq!(blurred, 0, "at {size}");
        }
    }

    /// Contrast of two colours as WCAG 2 defines it, 1 to 21.
    fn contrast(one: Colour, other: Colour) -> f64 {
        let luminance = |colour: Colour| {
            let linear = colour.map(|part| {
                let part = f64::from(part) / 255.0;
                if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_colour_stands_out_from_dark_and_from_light_panels() {
        for colour in [GREY, GREEN, BLUE, VIOLET, ORANGE, RED] {
            for panel in [[32, 34, 38], [242, 242, 242]] {
                assert!(contrast(colour, panel) > 2.0, "{colour:?} on {panel:?}: {:.2}", contrast(colour, panel));
            }
        }
    }

    /// All icons in one picture, on a dark and on a light panel, enlarged: `AUTOSCALE_ICONS=icons.png cargo test -p
    /// tray-app icon::`. For looking at.
    #[test]
    fn a_sheet_of_all_icons_is_drawn_where_one_is_asked_for() {
        let Some(path) = std::env::var_os("AUTOSCALE_ICONS") else { return };
        const CELL: usize = 56;
        const ZOOM: usize = 2;
        let (columns, rows) = (State::ALL.len() * 2, SIZES.len() * 2);
        let (width, height) = (columns * CELL * ZOOM, rows * CELL * ZOOM);
        let drawn = |row: usize, column: usize| draw(State::ALL[column / 2], column % 2 == 1, SIZES[row % SIZES.len()]);
        let images: Vec<_> = (0..rows).flat_map(|row| (0..columns).map(move |column| drawn(row, column))).collect();
        let mut sheet = vec![0_u8; width * height * 3];
        for (i, pixel) in sheet.chunks_exact_mut(3).enumerate() {
            let (column, row) = (i % width / ZOOM / CELL, i / width / ZOOM / CELL);
            let (x, y) = (i % width / ZOOM % CELL, i / width / ZOOM % CELL);
            let image = &images[row * columns + column];
            let panel: u8 = if row < SIZES.len() { 32 } else { 242 };
            let size = image.size;
            let at = (x < size as usize && y < size as usize).then(|| (y * size as usize + x) * 4);
            for (k, part) in pixel.iter_mut().enumerate() {
                let (over, alpha) = at.map_or((0, 0), |at| (image.rgba[at + k], image.rgba[at + 3]));
                let mixed = u32::from(over) * u32::from(alpha) + u32::from(panel) * u32::from(255 - alpha);
                *part = (mixed / 255) as u8;
            }
        }
        write(Path::new(&path), width, height, &sheet);
    }

    fn write(path: &Path, width: usize, height: usize, rgb: &[u8]) {
        let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(rgb).unwrap();
    }
}
