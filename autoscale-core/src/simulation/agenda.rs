//! Things that happen at moments known beforehand, in the order of time.

use std::cmp::Ordering;

/// Something that happens at a moment known beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheduled<T> {
    pub(super) at: f64,
    pub(super) what: T,
}

impl<T> Ord for Scheduled<T> {
    /// The earliest is the greatest: [`BinaryHeap`] hands out the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.total_cmp(&self.at)
    }
}
impl<T> PartialOrd for Scheduled<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> PartialEq for Scheduled<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl<T> Eq for Scheduled<T> {}
