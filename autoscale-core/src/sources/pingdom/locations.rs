//! A location that can't reach the app while all others can says something of itself, not of the app: its downs are left
//! out. Nothing after this knows of locations.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::wire::ResultRow;
use crate::model::sample::Sample;
use crate::model::window::Window;

/// A location must have failed so many times in a row.
const IN_A_ROW: usize = 3;
/// Time between two results where they don't say: Pingdom's finest.
const INTERVAL: Duration = Duration::from_secs(60);

/// The results without those downs, and the locations whose downs were left out.
pub(super) fn without_lone_downs(mut rows: Vec<ResultRow>) -> (Vec<Sample>, Vec<i64>) {
    rows.sort_by(|a, b| a.sample.order(&b.sample));
    let failing = failing_rows(&rows);
    if failing.is_empty() {
        return (rows.iter().map(|row| row.sample).collect(), Vec::new());
    }
    let interval = interval(&rows);
    let is_lone: Vec<bool> =
        (0..rows.len()).map(|at| failing.contains(&at) && others_are_up(&rows, at, interval)).collect();
    let lone = rows.iter().zip(&is_lone).filter(|(_, lone)| **lone);
    let mut locations: Vec<i64> = lone.filter_map(|(row, _)| row.probe).collect();
    locations.sort_unstable();
    locations.dedup();
    let kept = rows.iter().zip(&is_lone).filter(|(_, lone)| !**lone).map(|(row, _)| row.sample).collect();
    (kept, locations)
}

/// Places of the downs whose location failed at least three times in a row around them.
fn failing_rows(rows: &[ResultRow]) -> HashSet<usize> {
    let mut runs: HashMap<i64, Vec<usize>> = HashMap::new();
    let mut failing = HashSet::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(probe) = row.probe else { continue };
        let run = runs.entry(probe).or_default();
        if row.sample.is_down() {
            run.push(at);
            if run.len() == IN_A_ROW {
                failing.extend(run.iter().copied());
            } else if run.len() > IN_A_ROW {
                failing.insert(at);
            }
        } else {
            run.clear();
        }
    }
    failing
}

/// Is there a result of another location within an interval, and is each of them up?
fn others_are_up(rows: &[ResultRow], at: usize, interval: Duration) -> bool {
    let ResultRow { probe, sample } = rows[at];
    let near = |row: &&ResultRow| row.sample.at <= sample.at + interval && sample.at <= row.sample.at + interval;
    let before = rows[..at].iter().rev().take_while(near);
    let mut others = before.chain(rows[at + 1..].iter().take_while(near)).filter(|row| row.probe != probe).peekable();
    others.peek().is_some() && others.all(|row| !row.sample.is_down())
}

/// The sampling interval: the median gap between results.
fn interval(rows: &[ResultRow]) -> Duration {
    let Some((first, last)) = rows.first().zip(rows.last()) else { return INTERVAL };
    let period = Duration::from_secs_f64(last.sample.at.seconds_since(first.sample.at).max(0.0));
    Window::new(rows.iter().map(|row| row.sample), last.sample.at, period).spacing().unwrap_or(INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::DownCause;
    use crate::model::time::Timestamp;

    /// A result a minute, by three locations in turn; `down` says which are down.
    fn rows(minutes: i64, down: impl Fn(i64, i64) -> bool) -> Vec<ResultRow> {
        let row = |minute: i64| {
            let (at, location) = (Timestamp::from_secs(60 * minute), minute % 3);
            let up = Sample::up(at, 300.0).unwrap();
            let sample = if down(minute, location) { Sample::down(at, DownCause::Timeout) } else { up };
            ResultRow { probe: Some(location), sample }
        };
        (0..minutes).map(row).collect()
    }

    fn downs(samples: &[Sample]) -> usize {
        samples.iter().filter(|sample| sample.is_down()).count()
    }

    #[test]
    fn a_location_that_failed_three_times_while_all_others_were_up_is_left_out() {
        let (kept, locations) = without_lone_downs(rows(30, |minute, location| location == 1 && minute > 20));
        assert_eq!((kept.len(), downs(&kept), locations), (27, 0, vec![1]));
    }

    #[test]
    fn two_failures_in_a_row_count() {
        let (kept, locations) = without_lone_downs(rows(30, |minute, location| location == 1 && minute > 23));
        assert_eq!((kept.len(), downs(&kept), locations), (30, 2, Vec::new()));
    }

    #[test]
    fn a_down_app_is_down_from_everywhere_and_stays_so() {
        let (kept, locations) = without_lone_downs(rows(30, |minute, _| minute > 15));
        assert_eq!((downs(&kept), locations), (14, Vec::new()));
        // One location was bad before: with the others down too, its downs count from then on.
        let (kept, _) = without_lone_downs(rows(30, |minute, location| location == 1 || minute > 20));
        assert!(kept.iter().filter(|sample| sample.is_down()).all(|sample| sample.at >= Timestamp::from_secs(60 * 19)));
        assert!(downs(&kept) >= 9);
    }

    #[test]
    fn results_without_a_location_and_a_single_location_are_left_as_they_are() {
        let mut unnamed = rows(30, |minute, location| location == 1 && minute > 10);
        unnamed.iter_mut().for_each(|row| row.probe = None);
        assert_eq!(without_lone_downs(unnamed).0.len(), 30);
        let mut alone = rows(30, |minute, _| minute > 10);
        alone.iter_mut().for_each(|row| row.probe = Some(7));
        assert_eq!(without_lone_downs(alone).0.len(), 30);
    }
}
