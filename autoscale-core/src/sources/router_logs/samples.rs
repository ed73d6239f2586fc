//! Samples made of rows, for the policies that judge response times: a statistic of many requests, or one request of each
//! row. Judges none of them.

use std::time::Duration;

use super::settings::Statistic;
use crate::model::sample::{DownCause, Sample};
use crate::model::time::Timestamp;
use crate::model::traffic::{BUCKETS, LAST_MS, ROW_S, TrafficRow};

/// What is taken of the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// A statistic of the requests.
    Statistic(Statistic),
    /// One request of each row, chosen by chance that is the same each time: `seed` is the app's.
    One {
        /// The app's own.
        seed: u64,
    },
}

/// Requests that a statistic is of, at the least; rows with fewer are taken together.
const LEAST: u64 = 20;
/// So many rows are taken together at most: a minute.
const MOST_ROWS: usize = 6;
/// Samples that are kept at most: a day of one each ten seconds.
const MOST_SAMPLES: usize = 8_640;

/// Makes samples of rows, and keeps them.
#[derive(Debug)]
pub struct Samples {
    taken: Taken,
    keep: Duration,
    /// Rows that wait for more requests, and how many they are.
    waiting: Option<(TrafficRow, usize)>,
    /// The end of the newest row that was taken.
    until: Option<Timestamp>,
    samples: std::collections::VecDeque<Sample>,
}

impl Samples {
    /// For samples that are needed for so long.
    pub fn new(taken: Taken, keep: Duration) -> Self {
        Self { taken, keep, waiting: None, until: None, samples: std::collections::VecDeque::new() }
    }

    /// Takes rows in their order. One that was taken before makes no further sample, nor does a late part: it is of few.
    pub fn take(&mut self, rows: &[TrafficRow]) {
        for row in rows {
            if self.until.is_some_and(|until| row.from < until) {
                continue;
            }
            self.until = Some(row.from + Duration::from_secs(ROW_S as u64));
            match self.taken {
                Taken::One { seed } => self.push(one(row, seed)),
                Taken::Statistic(statistic) => self.gather(row, statistic),
            }
        }
        let newest = self.samples.back().map(|sample| sample.at);
        while self.samples.len() > MOST_SAMPLES
            || self.samples.front().zip(newest).is_some_and(|(oldest, newest)| oldest.at + self.keep < newest)
        {
            self.samples.pop_front();
        }
    }

    /// Those from a moment on.
    pub fn since(&self, from: Timestamp) -> Vec<Sample> {
        self.samples.iter().filter(|sample| sample.at >= from).copied().collect()
    }

    fn push(&mut self, sample: Option<Sample>) {
        self.samples.extend(sample);
    }

    fn gather(&mut self, row: &TrafficRow, statistic: Statistic) {
        let follows = |waiting: &TrafficRow, rows: usize| {
            row.from.seconds_since(waiting.from) <= (ROW_S * MOST_ROWS as i64) as f64 && rows < MOST_ROWS
        };
        let (mut sum, rows) = match self.waiting.take() {
            Some((waiting, rows)) if follows(&waiting, rows) => (waiting, rows),
            // A gap, or a minute that is over.
            Some((waiting, _)) => {
                self.push(statistic_of(&waiting, waiting.from, statistic));
                (TrafficRow::empty(row.from), 0)
            }
            None => (TrafficRow::empty(row.from), 0),
        };
        sum.add(row);
        let rows = rows + 1;
        let is_enough = sum.timed().max(u64::from(sum.requests)) >= LEAST;
        if is_enough || rows == MOST_ROWS {
            self.push(statistic_of(&sum, row.from, statistic));
        } else {
            self.waiting = Some((sum, rows));
        }
    }
}

/// The sample of a sum of rows, the last of which begins then; `None` where no request was in them. Where half of the
/// requests failed, the app is down.
fn statistic_of(sum: &TrafficRow, last: Timestamp, statistic: Statistic) -> Option<Sample> {
    let at = last + Duration::from_secs(ROW_S as u64);
    let errors = sum.errors.saturating_sub(sum.timeouts);
    if sum.requests == 0 {
        return None;
    }
    if u64::from(errors) * 2 >= u64::from(sum.requests) {
        return Some(Sample::down(at, DownCause::Error));
    }
    // In the last bucket are those that the router gave up.
    match statistic.of(sum)? {
        ms if ms >= LAST_MS.powf((BUCKETS - 1) as f64 / BUCKETS as f64) => Some(Sample::down(at, DownCause::Timeout)),
        ms => Sample::up(at, ms),
    }
}

/// One request of a row.
fn one(row: &TrafficRow, seed: u64) -> Option<Sample> {
    let at = row.from + Duration::from_secs(ROW_S as u64);
    let untimed = u64::from(row.requests).saturating_sub(row.timed());
    let failed = u64::from(row.errors.saturating_sub(row.timeouts)).min(untimed);
    let all = row.timed() + failed;
    if all == 0 {
        return None;
    }
    let chance = mix(seed ^ row.from.as_secs().unsigned_abs());
    let mut place = chance % all;
    for (bucket, count) in row.service_times.iter().enumerate() {
        let count = u64::from(*count);
        if place < count {
            if bucket + 1 == BUCKETS {
                return Some(Sample::down(at, DownCause::Timeout));
            }
            // Anywhere in the bucket, by what is left of the chance.
            let share = mix(chance) as f64 / u64::MAX as f64;
            return Sample::up(at, LAST_MS.powf((bucket as f64 + share) / BUCKETS as f64));
        }
        place -= count;
    }
    Some(Sample::down(at, DownCause::Error))
}

/// Bits that look like chance (SplitMix64).
fn mix(bits: u64) -> u64 {
    let mut z = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::traffic::bucket;

    const T: i64 = 1_795_757_000;

    fn row(s: i64, requests: u32, ms: u32) -> TrafficRow {
        let mut row = TrafficRow::empty(Timestamp::from_secs(T + s));
        row.requests = requests;
        row.service_times[bucket(ms)] = requests;
        row
    }

    fn told(taken: Taken, rows: &[TrafficRow]) -> Vec<(i64, &'static str)> {
        let mut samples = Samples::new(taken, Duration::from_secs(3600));
        samples.take(rows);
        let all = samples.since(Timestamp::from_secs(0));
        all.iter().map(|sample| (sample.at.as_secs() - T, sample.status().name())).collect()
    }

    #[test]
    fn twenty_requests_are_a_sample_and_fewer_wait_up_to_a_minute() {
        let p95 = Taken::Statistic(Statistic::P95);
        assert_eq!(told(p95, &[row(0, 20, 100), row(10, 30, 100)]), [(10, "up"), (20, "up")]);
        let few: Vec<_> = (0..7).map(|n| row(10 * n, 1, 100)).collect();
        assert_eq!(told(p95, &few), [(60, "up")]);
        assert_eq!(told(p95, &[row(0, 12, 100), row(10, 12, 100)]), [(20, "up")]);
        assert_eq!(told(p95, &[row(0, 3, 100), row(300, 25, 100)]), [(10, "up"), (310, "up")], "a gap parts them");
        assert_eq!(told(p95, &(0..6).map(|n| row(10 * n, 0, 100)).collect::<Vec<_>>()), []);
    }

    #[test]
    fn time_outs_and_errors_are_down() {
        let p95 = Taken::Statistic(Statistic::P95);
        let mut slow = row(0, 90, 100);
        (slow.requests, slow.errors, slow.timeouts) = (100, 10, 10);
        slow.service_times[BUCKETS - 1] = 10;
        assert_eq!(told(p95, &[slow]), [(10, "timeout")]);
        assert_eq!(told(Taken::Statistic(Statistic::P50), &[slow]), [(10, "up")]);
        let mut broken = row(0, 100, 20);
        broken.errors = 60;
        assert_eq!(told(p95, &[broken]), [(10, "error")]);
        let mut refused = TrafficRow::empty(Timestamp::from_secs(T));
        (refused.requests, refused.errors) = (40, 40);
        assert_eq!(told(p95, &[refused]), [(10, "error")]);
        assert_eq!(told(Taken::One { seed: 1 }, &[refused]), [(10, "error")]);
    }

    #[test]
    fn one_request_of_a_row_is_as_likely_slow_as_the_requests_are() {
        let rows: Vec<_> = (0..3000)
            .map(|n| {
                let mut row = row(10 * n, 80, 100);
                row.requests = 100;
                row.service_times[bucket(5_000)] = 15;
                row.service_times[BUCKETS - 1] = 5;
                row
            })
            .collect();
        let mut samples = Samples::new(Taken::One { seed: 7 }, Duration::from_secs(86_400));
        samples.take(&rows);
        let all = samples.since(Timestamp::from_secs(0));
        assert_eq!(all.len(), 3000);
        let share = |is: fn(&Sample) -> bool| all.iter().filter(|sample| is(sample)).count() as f64 / 3000.0;
        let (slow, down) = (share(|s| s.up_ms().is_some_and(|ms| ms > 2000.0)), share(Sample::is_down));
        assert!((0.12..0.18).contains(&slow) && (0.03..0.07).contains(&down), "{slow} {down}");
        let mut again = Samples::new(Taken::One { seed: 7 }, Duration::from_secs(86_400));
        again.take(&rows);
        assert_eq!(again.since(Timestamp::from_secs(0)), all);
    }
}
