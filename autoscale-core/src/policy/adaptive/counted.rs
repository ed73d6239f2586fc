//! Every result once: which of the window's results have not been learnt from yet, also where they come late, several
//! in a second, or one is listed twice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::sample::Sample;
use crate::model::time::Timestamp;

/// New results that are learnt from at a check: the newest ones.
const MOST_NEW: usize = 30;

/// Results that have been counted, and how often.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Sorted as a window is.
    used: Vec<Used>,
    /// Room for the next `used`.
    #[serde(skip)]
    next: Vec<Used>,
    /// New results of this check.
    #[serde(skip)]
    new: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Used {
    #[serde(with = "spelled")]
    sample: Sample,
    times: u32,
}

impl Counted {
    /// Counts a window. The results that are new, oldest first, the newest 30 at most. What is no longer in the window
    /// is remembered up to the age of `oldest`, should it be listed again.
    pub(super) fn count(&mut self, window: &[Sample], oldest: Timestamp) -> &[Sample] {
        self.next.clear();
        self.new.clear();
        let mut used = self.used.iter().peekable();
        for same in window.chunk_by(|a, b| a.order(b).is_eq()) {
            let sample = same[0];
            while let Some(gone) = used.next_if(|u| u.sample.order(&sample).is_lt()) {
                self.next.extend((gone.sample.at >= oldest).then_some(*gone));
            }
            let before = used.next_if(|u| u.sample.order(&sample).is_eq()).map_or(0, |u| u.times);
            let now = u32::try_from(same.len()).unwrap_or(u32::MAX);
            self.new.extend((before..now).map(|_| sample));
            self.next.push(Used { sample, times: before.max(now) });
        }
        self.next.extend(used.filter(|u| u.sample.at >= oldest));
        std::mem::swap(&mut self.used, &mut self.next);
        &self.new[self.new.len().saturating_sub(MOST_NEW)..]
    }

    /// The clock was set back by so much.
    pub(super) fn set_back(&mut self, by: Duration) {
        self.used.iter_mut().for_each(|used| used.sample.at = used.sample.at - by);
        // At the beginning of all time different moments become one.
        self.used.sort_by(|a, b| a.sample.order(&b.sample));
        self.used.dedup_by(|a, b| a.sample.order(&b.sample).is_eq());
    }

    /// Can it have been saved by this program?
    pub(super) fn is_sound(&self) -> bool {
        self.used.is_sorted_by(|a, b| a.sample.order(&b.sample).is_lt()) && self.used.iter().all(|u| u.times > 0)
    }
}

/// A sample as bytes: time, response time in ms (`None` where it was down), whether it was an error.
mod spelled {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::model::sample::{DownCause, Sample, Status};
    use crate::model::time::Timestamp;

    pub(super) fn serialize<S: Serializer>(sample: &Sample, serializer: S) -> Result<S::Ok, S::Error> {
        (sample.at, sample.up_ms(), sample.status() == Status::Error).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sample, D::Error> {
        let (at, ms, error) = <(Timestamp, Option<f64>, bool)>::deserialize(deserializer)?;
        match ms {
            Some(ms) => Sample::up(at, ms).ok_or_else(|| D::Error::custom("no response time")),
            None => Ok(Sample::down(at, if error { DownCause::Error } else { DownCause::Timeout })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(at: i64, ms: f64) -> Sample {
        Sample::up(Timestamp::from_secs(at), ms).unwrap()
    }

    #[test]
    fn each_result_is_new_once_however_late_and_however_often_it_is_listed() {
        let mut counted = Counted::default();
        let oldest = Timestamp::from_secs(0);
        assert_eq!(counted.count(&[up(1, 10.0), up(3, 10.0)], oldest), [up(1, 10.0), up(3, 10.0)]);
        // A late one, one more in the same second, one listed twice.
        let window = [up(1, 10.0), up(2, 10.0), up(3, 5.0), up(3, 10.0), up(3, 10.0)];
        assert_eq!(counted.count(&window, oldest), [up(2, 10.0), up(3, 5.0), up(3, 10.0)]);
        // Left out for a while, then back.
        assert_eq!(counted.count(&[up(2, 10.0)], oldest), []);
        assert_eq!(counted.count(&window, oldest), []);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut counted = Counted::default();
        counted.count(&[up(1, 10.0), up(2, 10.0)], Timestamp::from_secs(0));
        counted.count(&[], Timestamp::from_secs(2));
        assert_eq!(counted.used.len(), 1);
    }

    #[test]
    fn no_more_than_the_newest_thirty_are_learnt_from_at_once() {
        let window: Vec<_> = (0..40).map(|at| up(at, 10.0)).collect();
        let mut counted = Counted::default();
        assert_eq!(counted.count(&window, Timestamp::from_secs(0)), &window[10..]);
        assert_eq!(counted.count(&window, Timestamp::from_secs(0)), []);
    }
}
