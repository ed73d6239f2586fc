//! Heroku's lists, a page at a time: `Range: id ..; max=200,order=desc` asks, 206 and `Next-Range` say that more follow.
//! Knows no object beyond the field that it is sorted by.

use http::StatusCode;
use serde_json::Value;

use super::call::{Answer, Call};
use super::refusal::error;

/// Fields that a list can be sorted by; the first is taken where none is named.
const FIELDS: [&str; 3] = ["id", "name", "updated_at"];
/// `max` where it is absent, and the largest (Dev Center, "ranges").
const USUAL: usize = 200;
const MOST: usize = 1000;

/// What a `Range` asks for.
struct Asked<'a> {
    field: &'static str,
    start: &'a str,
    /// `]`: the start itself is not among them.
    after_start: bool,
    end: &'a str,
    max: usize,
    descending: bool,
}

/// The page of a list that a call asks for; 416 where it asks for what can't be.
pub(super) fn page(call: &Call, mut items: Vec<Value>) -> Result<Answer, Answer> {
    let asked = read(call.header("range")).ok_or_else(|| {
        error(416, "requested_range_not_satisfiable", "The Range is none: see Accept-Ranges.")
            .with("Accept-Ranges", FIELDS.join(", "))
    })?;
    let Asked { field, start, after_start, end, max, descending } = asked;
    let key = |item: &Value| item[field].as_str().unwrap_or_default().to_owned();
    items.sort_by_cached_key(key);
    if descending {
        items.reverse();
    }
    let before = |a: &str, b: &str| if descending { a > b } else { a < b };
    items.retain(|item| {
        let key = key(item);
        let too_early = !start.is_empty() && (before(&key, start) || after_start && key == start);
        let too_late = !end.is_empty() && before(end, &key);
        !too_early && !too_late
    });
    let more = items.len() > max;
    items.truncate(max);
    let mut answer = Answer::ok(&items).with("Accept-Ranges", FIELDS.join(", "));
    if let (Some(first), Some(last)) = (items.first().map(key), items.last().map(key)) {
        answer = answer.with("Content-Range", format!("{field} {first}..{last}"));
        if more {
            let order = if descending { ",order=desc" } else { "" };
            answer.status = StatusCode::PARTIAL_CONTENT;
            answer = answer.with("Next-Range", format!("{field} ]{last}..{end}; max={max}{order}"));
        }
    }
    Ok(answer)
}

fn read(range: &str) -> Option<Asked<'_>> {
    let mut asked = Asked { field: FIELDS[0], start: "", after_start: false, end: "", max: USUAL, descending: false };
    let (bounds, parameters) = range.split_once(';').unwrap_or((range, ""));
    for parameter in parameters.split([';', ',']).map(str::trim).filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=')? {
            ("max", n) => asked.max = n.parse().ok().filter(|n| (1..=MOST).contains(n))?,
            ("order", "asc") => asked.descending = false,
            ("order", "desc") => asked.descending = true,
            _ => return None,
        }
    }
    if bounds.trim().is_empty() {
        return Some(asked);
    }
    let (start, end) = bounds.split_once("..")?;
    asked.end = end.trim();
    asked.start = start.trim();
    if let Some(field) = FIELDS.iter().find(|field| asked.start.split(' ').next() == Some(field)) {
        asked.field = field;
        asked.start = asked.start[field.len()..].trim();
    }
    if let Some(start) = asked.start.strip_prefix(']') {
        (asked.start, asked.after_start) = (start, true);
    }
    Some(asked)
}
