//! For each size of the formation, the share of slow requests in each cell. A size takes some two thousand exponentials
//! and 16 kB and depends on the high bound alone: it is worked out when it is first asked for, and shared by all apps of a
//! process that are judged by the same bound.

use std::sync::{Arc, Mutex, OnceLock, Weak};

use crate::policy::adaptive::grid::{DYNOS, LOADS, ROWS, Row, incurable_ms, work_ms};
use crate::policy::math::exp;

/// A dyno is never believed busier than this.
const BUSIEST: f64 = 0.999;
/// Sizes below this are kept: room for two megabytes, of which pages are taken as sizes are asked for.
const KEPT: usize = 128;

/// The curves of one size.
pub(super) type Size = [Row; ROWS];

/// The curves of the high bound that an app is judged by.
#[derive(Clone, Debug)]
pub(super) struct Curves {
    bound: Arc<Bound>,
    /// The last size that was asked for and is not kept.
    large: Option<(u32, Box<Size>)>,
}

impl Curves {
    pub(super) fn judged_by(high_ms: f64) -> Self {
        Self { bound: Bound::shared(high_ms), large: None }
    }

    /// From now on by another bound, if it is another one.
    pub(super) fn judge_by(&mut self, high_ms: f64) {
        if self.bound.high_ms.to_bits() != high_ms.to_bits() {
            *self = Self::judged_by(high_ms);
        }
    }

    pub(super) fn of(&mut self, n: u32) -> &Size {
        let high_ms = self.bound.high_ms;
        if let Some(size) = self.bound.sizes.get(n as usize) {
            return size.get_or_init(|| curves(high_ms, n));
        }
        let (of, size) = self.large.get_or_insert_with(|| (n, Box::new(curves(high_ms, n))));
        if *of != n {
            (*of, **size) = (n, curves(high_ms, n));
        }
        size
    }
}

/// The sizes that have been asked for by one high bound.
#[derive(Debug)]
struct Bound {
    high_ms: f64,
    sizes: Box<[OnceLock<Size>]>,
}

/// Those that are in use.
static BOUNDS: Mutex<Vec<Weak<Bound>>> = Mutex::new(Vec::new());

impl Bound {
    fn new(high_ms: f64) -> Arc<Self> {
        Arc::new(Self { high_ms, sizes: (0..KEPT).map(|_| OnceLock::new()).collect() })
    }

    fn shared(high_ms: f64) -> Arc<Self> {
        // Nobody waits for this: at worst an app has its own.
        let Ok(mut bounds) = BOUNDS.try_lock() else { return Self::new(high_ms) };
        bounds.retain(|bound| bound.strong_count() > 0);
        let used = bounds.iter().filter_map(Weak::upgrade).find(|bound| bound.high_ms.to_bits() == high_ms.to_bits());
        used.unwrap_or_else(|| {
            let bound = Self::new(high_ms);
            bounds.push(Arc::downgrade(&bound));
            bound
        })
    }
}

/// For one size: the share of slow requests in each cell, once the queue is what the load makes it.
fn curves(high_ms: f64, n: u32) -> Size {
    let per_dyno = 1.0 / f64::from(n);
    std::array::from_fn(|row| {
        let h = (high_ms - incurable_ms(row)).max(0.0) / work_ms(row);
        let mut curve = [0.0; LOADS];
        for (slow, load) in curve.iter_mut().zip(&DYNOS) {
            let busy = load * per_dyno;
            *slow = exp(h * (if busy < BUSIEST { busy } else { BUSIEST } - 1.0));
        }
        curve
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_of_the_same_bound_share_their_curves() {
        // Bounds that no other test has, so that nobody else's are counted.
        let mut apps: Vec<_> = (0..3).map(|_| Curves::judged_by(1234.5)).collect();
        let places: Vec<_> = apps.iter_mut().map(|app| app.of(7).as_ptr()).collect();
        let values = places[0];
        // One that another test disturbed has its own.
        assert!(places[1..].contains(&values));
        assert_ne!(Curves::judged_by(1234.75).of(7).as_ptr(), values);
    }

    #[test]
    fn a_bound_that_nobody_uses_is_forgotten() {
        let weak = Arc::downgrade(&Curves::judged_by(4321.5).bound);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn sizes_beyond_those_that_are_kept_are_worked_out_as_well() {
        let mut app = Curves::judged_by(2000.0);
        let kept = KEPT as u32;
        for n in [1, kept - 1, kept, kept, kept + 1, kept, u32::MAX] {
            assert_eq!(*app.of(n), curves(2000.0, n), "{n}");
        }
    }
}
