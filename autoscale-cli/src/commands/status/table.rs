//! Several apps on one screen: how many are in which condition, then a line an app of at most 80 columns, what fails
//! first. What is known of an app, and its condition, come from the core; the long form of one app is next door.

use std::cmp::Ordering;
use std::io::{self, Write};

use anstyle::Style;
use autoscale_core::workspace::clock::Pace;
use autoscale_core::workspace::config_file::LoadError;
use autoscale_core::workspace::event::{Check, Event, Kind, Outcome};
use autoscale_core::workspace::status::{Condition, Status};
use autoscale_core::workspace::time::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::fit::{age, cut_end, cut_middle, mean, one_line};
use super::look::{Look, why_not_well};
use super::words::{count, marks, name, style, word};
use crate::show::{BOLD, DIM, RED};

/// A terminal has at least so many columns and lines.
const SCREEN: (usize, usize) = (80, 40);
/// Names are not cut below this while something else can be left out.
const NAME: usize = 12;
/// As many different reasons why formations were not read are told.
const NOTES: usize = 3;
const HEADER: [&str; 7] = ["app", "state", "dynos", "changed", "mean", "checked", ""];

/// Writes all that was seen and all that could not be loaded.
pub(super) fn write(out: &mut impl Write, looks: &[Look], unusable: &[LoadError]) -> io::Result<()> {
    let mut rows: Vec<Row> = unusable.iter().map(Row::of_error).chain(looks.iter().map(Row::of)).collect();
    rows.sort_by(Row::order);

    let mut head = summary(&rows);
    let notes = notes(looks);
    let widths = Widths::of(&mut rows);
    head.push(format!("{DIM}  {}{DIM:#}", widths.line(&HEADER.map(String::from)).trim_end()));
    // What is left of the screen is for reasons.
    let mut room = SCREEN.1.saturating_sub(1 + head.len() + rows.len() + notes.len());
    for line in &head {
        writeln!(out, "{line}")?;
    }
    for row in &rows {
        let (style, name) = (row.style, cut_middle(&row.cells[0], widths.0[0]));
        let [_, state, rest @ ..] = &row.cells;
        let [name_gap, state_gap] =
            [(&name, widths.0[0]), (state, widths.0[1])].map(|(text, width)| " ".repeat(2 + width - text.width()));
        let bare = row.why.as_ref().filter(|_| row.is_bare());
        let rest = bare.cloned().unwrap_or_else(|| widths.rest(rest));
        let rest = cut_end(&rest, SCREEN.0.saturating_sub(2 + widths.0[0] + 2 + widths.0[1] + 2));
        writeln!(out, "{style}●{style:#} {BOLD}{name}{BOLD:#}{name_gap}{style}{state}{style:#}{state_gap}{rest}")?;
        if let Some(why) = row.why.as_ref().filter(|_| room > 0 && !row.is_bare()) {
            room -= 1;
            writeln!(out, "    {style}{}{style:#}", cut_end(why, SCREEN.0 - 4))?;
        }
    }
    notes.iter().try_for_each(|note| writeln!(out, "{DIM}{note}{DIM:#}"))
}

/// One app, or a configuration that can't be used.
struct Row {
    rank: u8,
    condition: Option<Condition>,
    style: Style,
    cells: [String; 7],
    /// The age of the last change alone, for where the rest does not fit.
    age_of_change: String,
    why: Option<String>,
}

impl Row {
    fn of(look: &Look) -> Self {
        let Look { status, well } = look;
        // With --running, one that no loop runs.
        let condition = if *well { status.condition } else { Condition::Failing };
        let age = |at: Option<Timestamp>| at.map_or_else(|| "-".into(), |at| age(status.at.seconds_since(at)));
        let age_of_change = age(status.changed_at);
        let changed = match (status.changed_from, status.dynos) {
            (Some(from), Some(to)) => format!("{from}→{to} {age_of_change}"),
            _ => age_of_change.clone(),
        };
        let as_seen = if status.live { "" } else { "*" };
        let dynos = status.dynos.map_or_else(|| "?".into(), |dynos| dynos.to_string());
        let last = status.last_check.as_ref();
        let check = check(status);
        let mean = check.and_then(|check| check.mean_ms).map_or_else(|| "-".into(), mean);
        let checked = last.map(|event| event.at).max(status.last_failure.as_ref().map(|event| event.at));
        Self {
            rank: condition.rank(),
            condition: Some(condition),
            style: style(condition),
            cells: [
                name(status),
                word(condition).into(),
                format!("{dynos}{as_seen} of {}-{}", status.min, status.max),
                changed,
                mean,
                age(checked),
                marks(status, condition),
            ],
            age_of_change,
            why: why(status, condition, *well),
        }
    }

    fn of_error(error: &LoadError) -> Self {
        let name = error.path.file_name().unwrap_or(error.path.as_os_str()).to_string_lossy();
        // The line says where; the section's name would only take the room.
        let first = error.problems.first().map(|problem| match (problem.line, &problem.key) {
            (Some(line), Some(key)) => format!("line {line}: {key}: {}", problem.text),
            (Some(line), None) => format!("line {line}: {problem}"),
            (None, _) => problem.to_string(),
        });
        let more = match error.problems.len() {
            0 | 1 => String::new(),
            n => format!("{n} problems: "),
        };
        let mut cells: [String; 7] = Default::default();
        cells[0] = one_line(&name);
        cells[1] = "unusable".into();
        let why = first.map(|first| one_line(&format!("{more}{first}")));
        Self { rank: 0, condition: None, style: RED, cells, age_of_change: String::new(), why }
    }

    /// Has it no more than a name, a state and a reason?
    fn is_bare(&self) -> bool {
        self.condition.is_none()
    }

    fn order(&self, other: &Self) -> Ordering {
        let by_name = || alphanumeric_sort::compare_str(&self.cells[0], &other.cells[0]);
        self.rank.cmp(&other.rank).then_with(by_name)
    }
}

/// Widths of the columns.
struct Widths([usize; 7]);

impl Widths {
    /// Those that fit the screen: the name gives way first, then what the last change was.
    fn of(rows: &mut [Row]) -> Self {
        let mut widths = Self::natural(rows);
        if widths.room_for_name() < NAME.min(widths.0[0]) {
            for row in rows.iter_mut() {
                std::mem::swap(&mut row.cells[3], &mut row.age_of_change);
            }
            widths = Self::natural(rows);
        }
        widths.0[0] = widths.0[0].min(widths.room_for_name().max(8));
        widths
    }

    fn natural(rows: &[Row]) -> Self {
        let mut widths = HEADER.map(str::len);
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.width());
            }
        }
        Self(widths)
    }

    /// What the other columns leave, each with two spaces before it.
    fn room_for_name(&self) -> usize {
        let others = self.0[1..].iter().filter(|width| **width > 0).map(|width| width + 2).sum::<usize>();
        SCREEN.0.saturating_sub(2 + others)
    }

    fn line(&self, cells: &[String; 7]) -> String {
        let [name, state, rest @ ..] = cells;
        let (name_width, state_width) = (self.0[0], self.0[1]);
        format!("{name:name_width$}  {state:state_width$}  {}", self.rest(rest))
    }

    /// The columns after the state; numbers to the right.
    fn rest(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (place, (cell, width)) in (2..).zip(cells.iter().zip(&self.0[2..])) {
            let gap = " ".repeat(width.saturating_sub(cell.width()));
            match place {
                _ if *width == 0 => {}
                4 | 5 => line += &format!("{gap}{cell}  "),
                _ => line += &format!("{cell}{gap}  "),
            }
        }
        line.trim_end().to_owned()
    }
}

/// "30 apps: 2 failing, 1 at its maximum, 27 steady", on as many lines as it takes.
fn summary(rows: &[Row]) -> Vec<String> {
    let unusable = rows.iter().filter(|row| row.is_bare()).count();
    let mut conditions: Vec<Condition> = rows.iter().filter_map(|row| row.condition).collect();
    conditions.sort_unstable();
    let mut parts = Vec::new();
    if unusable > 0 {
        parts.push((format!("{unusable} unusable"), RED));
    }
    for group in conditions.chunk_by(|a, b| a == b) {
        parts.push((count(group.len(), group[0]), style(group[0])));
    }
    let start = format!("{} apps:", rows.len());
    let mut used = start.len();
    let mut lines = vec![format!("{BOLD}{start}{BOLD:#}")];
    let last = parts.len().saturating_sub(1);
    for (place, (text, style)) in parts.into_iter().enumerate() {
        let comma = if place == last { "" } else { "," };
        if used + 1 + text.len() + comma.len() > SCREEN.0 {
            lines.push(" ".into());
            used = 1;
        }
        used += 1 + text.len() + comma.len();
        if let Some(line) = lines.last_mut() {
            *line += &format!(" {style}{text}{style:#}{comma}");
        }
    }
    lines
}

/// Why formations are not read, the most frequent reason first.
fn notes(looks: &[Look]) -> Vec<String> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for reason in looks.iter().filter_map(|look| look.status.not_live.as_deref()) {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((reason, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let apps = |count: usize| if count == 1 { "1 app".to_owned() } else { format!("{count} apps") };
    let mut notes: Vec<String> = reasons
        .iter()
        .take(NOTES)
        .map(|(reason, count)| {
            let whose = format!("* dynos as last seen ({}): ", apps(*count));
            let room = SCREEN.0.saturating_sub(whose.width());
            whose + &cut_end(&one_line(reason), room)
        })
        .collect();
    let rest: usize = reasons.iter().skip(NOTES).map(|(_, count)| count).sum();
    if rest > 0 {
        notes.push(format!("* dynos as last seen ({}): other reasons, which --all shows", apps(rest)));
    }
    let simulated: Vec<f64> = looks.iter().filter_map(|look| look.status.sandbox_speed).collect();
    if let Some(fastest) = simulated.iter().copied().reduce(f64::max) {
        let up_to = if simulated.iter().all(|speed| *speed == fastest) { "" } else { "up to " };
        notes.push(format!("sandbox time ({}): {up_to}{}", apps(simulated.len()), Pace(fastest)));
    }
    notes
}

fn check(status: &Status) -> Option<&Check> {
    match &status.last_check {
        Some(Event { kind: Kind::Checked(check), .. }) => Some(check),
        _ => None,
    }
}

/// Why an app is not as it should be, where that is so.
fn why(status: &Status, condition: Condition, well: bool) -> Option<String> {
    let check = check(status);
    let reason = || check.map(|check| check.reason.to_string());
    let text = match condition {
        _ if !well => why_not_well(status),
        Condition::Blocked if status.refused_until.is_some() => Some("the platform refuses changes".into()),
        Condition::Blocked => {
            check.and_then(|check| check.error.clone().filter(|_| check.outcome != Outcome::Held)).or_else(reason)
        }
        Condition::Down => reason(),
        _ => None,
    };
    text.map(|text| one_line(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_that_is_too_long_goes_on_the_next_line() {
        let conditions = [
            Condition::Failing,
            Condition::Down,
            Condition::Blocked,
            Condition::AtMax,
            Condition::AtMax,
            Condition::Scaling,
            Condition::NoData,
            Condition::Unchecked,
            Condition::Steady,
        ];
        let row = |condition| Row {
            rank: 0,
            condition: Some(condition),
            style: Style::new(),
            cells: Default::default(),
            age_of_change: String::new(),
            why: None,
        };
        let rows: Vec<Row> = conditions.into_iter().map(row).collect();
        let plain = |text: &String| anstream::adapter::strip_str(text).to_string();
        assert_eq!(
            summary(&rows).iter().map(plain).collect::<Vec<_>>(),
            [
                "9 apps: 1 failing, 1 down, 1 blocked, 2 at their maximum, 1 scaling,",
                "  1 without data, 1 not checked yet, 1 steady"
            ]
        );
    }
}
