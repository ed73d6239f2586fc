//! Numbers as other countries and other files write them: what they are read as, and what to write. Knows no key.

/// What a point that may separate thousands is read as: "2.000".
pub(super) fn thousands_point(text: &str) -> Option<String> {
    let (first, rest) = text.trim_start_matches(['+', '-']).split_once('.')?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let looks_so =
        is_number(first) && first.len() <= 3 && !first.starts_with('0') && is_number(rest) && rest.len() == 3;
    let number: f64 = text.parse().ok().filter(|_| looks_so)?;
    Some(format!("{text} is read as {number}, with a decimal point: write {} if that is meant", text.replace('.', "")))
}

/// Why a text is no number, where that can be told, and what to write: separators of another country, a unit, the end of
/// another file's lines.
pub(super) fn why_no_number(text: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.trim_start_matches(['+', '-']);
    if let Some(bare) = text.strip_suffix([';', ',']).map(str::trim_end).filter(|bare| bare.parse::<f64>().is_ok()) {
        return Some(format!("leave out what follows {bare}"));
    }
    for separator in [',', '.', '\'', '_', ' '] {
        let mut groups = unsigned.split(separator);
        let first = groups.next().is_some_and(|first| digits(first) && first.len() <= 3);
        let rest: Vec<_> = groups.collect();
        if first && !rest.is_empty() && rest.iter().all(|group| digits(group) && group.len() == 3) {
            return Some(format!("write {}, without separators", text.replace(separator, "")));
        }
    }
    if let Some((whole, part)) = unsigned.split_once(',').filter(|(whole, part)| digits(whole) && digits(part)) {
        return Some(format!("a decimal comma is not read: write {whole}.{part}"));
    }
    let number = unsigned.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%').trim_end();
    (number != unsigned && number.parse::<f64>().is_ok()).then(|| "leave out the unit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_of_other_countries_and_units_are_named() {
        for (text, why) in [
            ("2,5", "a decimal comma is not read: write 2.5"),
            ("2,000", "write 2000, without separators"),
            ("2.000.000", "write 2000000, without separators"),
            ("2'000", "write 2000, without separators"),
            ("2 000", "write 2000, without separators"),
            ("5;", "leave out what follows 5"),
            ("5,", "leave out what follows 5"),
            ("300s", "leave out the unit"),
            ("5 min", "leave out the unit"),
        ] {
            assert_eq!(why_no_number(text).as_deref(), Some(why), "{text}");
        }
        for text in ["ten", "", "1,2,3", "nan", "s"] {
            assert_eq!(why_no_number(text), None, "{text}");
        }
    }

    #[test]
    fn a_point_before_three_digits_may_separate_thousands() {
        assert_eq!(
            thousands_point("2.000").as_deref(),
            Some("2.000 is read as 2, with a decimal point: write 2000 if that is meant")
        );
        for text in ["0.500", "2.5", "2.0000", "2000", ".500", "2.5e1"] {
            assert_eq!(thousands_point(text), None, "{text}");
        }
    }
}
