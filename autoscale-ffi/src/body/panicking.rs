//! A defect of the library, for its tests.

use autoscale_core::workspace::ports::{Failure, MetricSource, Reading};
use autoscale_core::workspace::time::Timestamp;

/// A source with a defect, as one of the library's own might have.
#[derive(Debug)]
pub(super) struct Panicking;

impl MetricSource for Panicking {
    async fn samples(&mut self, _: Timestamp, _: Timestamp) -> Result<Reading, Failure> {
        panic!("a source that panics")
    }
}
