//! The embedded font, and the measures of text in it: a server has no fonts. Draws nothing.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// What an SVG asks its viewer for, and the name under which the embedded font is known: DejaVu and Verdana have the
/// same widths, what follows is narrower, so that nothing overlaps.
const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

static REGULAR: &[u8] = include_bytes!("../../assets/font/DejaVuSans.subset.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/font/DejaVuSans-Bold.subset.ttf");

/// The library takes the height of a line as the size of its text: ascent and descent of the font, in em.
pub(super) const BITMAP_LINE: f64 = 1.164;

pub(super) fn font(line: f64, bold: bool) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), line, if bold { FontStyle::Bold } else { FontStyle::Normal })
}

pub(super) fn register_fonts() {
    static FONTS: Once = Once::new();
    FONTS.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            let known = register_font(FAMILY, style, bytes);
            debug_assert!(known.is_ok(), "the embedded font can't be read");
        }
    });
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
