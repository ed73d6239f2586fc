//! Values and texts that have to fit a column: short ages and means, and what is cut, counted in columns of a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// "25 s", "4 min", "3 h", "12 d"
pub(super) fn age(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let (n, unit) = match seconds {
        ..90.0 => (seconds, "s"),
        ..5400.0 => (seconds / 60.0, "min"),
        ..172_800.0 => (seconds / 3600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{n:.0} {unit}")
}

/// "640 ms", "100 s"
pub(super) fn mean(ms: f64) -> String {
    if ms < 99_999.5 { format!("{ms:.0} ms") } else { format!("{:.0} s", ms / 1000.0) }
}

/// Text from outside on one line.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// No more columns than this.
pub(super) fn cut_end(text: &str, width: usize) -> String {
    if text.width() <= width { text.to_owned() } else { format!("{}…", head(text.chars(), width.saturating_sub(1))) }
}

/// The middle goes: what tells many names apart is mostly at their ends.
pub(super) fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let end = width.saturating_sub(1) / 2;
    let start = width.saturating_sub(1) - end;
    let tail: String = head(text.chars().rev(), end).chars().rev().collect();
    format!("{}…{tail}", head(text.chars(), start))
}

/// As many characters as fit.
fn head(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or_default();
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_means_are_short() {
        let ages = [-3.0, 25.4, 89.4, 90.0, 5399.0, 5400.0, 172_799.0, 172_800.0, 3e6].map(age);
        assert_eq!(ages, ["0 s", "25 s", "89 s", "2 min", "90 min", "2 h", "48 h", "2 d", "35 d"]);
        assert_eq!([639.6, 99_999.0, 120_000.0].map(mean), ["640 ms", "99999 ms", "120 s"]);
    }

    #[test]
    fn names_are_cut_in_the_middle_and_texts_at_the_end_by_columns() {
        assert_eq!(cut_middle("acme-checkout-europe-12", 12), "acme-c…pe-12");
        assert_eq!(cut_middle("shop", 12), "shop");
        assert_eq!(cut_middle("店店店店店店店", 8), "店店…店");
        assert_eq!(cut_end("a long reason", 8), "a long …");
        assert_eq!(cut_end("店店店", 4), "店…");
    }
}
