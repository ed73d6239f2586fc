//! A source with another one behind it: the second is read while the first can't be. Knows no source by name, and judges
//! no sample.

use std::any::Any;

use crate::engine::ports::{Failure, MetricSource, Reading};
use crate::engine::{AnySource, Warnings};
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

/// Reads a primary source, and where that fails (after its own retries) a fall-back. The samples of one reading come from
/// one of the two.
#[derive(Debug)]
pub struct Fallback {
    primary: AnySource,
    fallback: AnySource,
    /// Names in configurations, for the log: the primary's and the fall-back's.
    names: (&'static str, &'static str),
    /// Did the primary fail at the last reading? Logged once until it works again.
    failing: bool,
    warnings: Warnings,
}

impl Fallback {
    /// Of two sources and their names in configurations.
    pub fn new(primary: (&'static str, AnySource), fallback: (&'static str, AnySource)) -> Self {
        let names = (primary.0, fallback.0);
        Self { primary: primary.1, fallback: fallback.1, names, failing: false, warnings: Warnings::default() }
    }
}

impl MetricSource for Fallback {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let (name, other) = self.names;
        let failure = match self.primary.samples(from, to).await {
            Ok(reading) => {
                if std::mem::take(&mut self.failing) {
                    let text = format!("metric_source {name} works again and is read instead of {other}");
                    self.warnings.add(Warning::FALLBACK, text);
                }
                return Ok(reading);
            }
            Err(failure) => failure,
        };
        match self.fallback.samples(from, to).await {
            Ok(reading) => {
                if !std::mem::replace(&mut self.failing, true) {
                    let text =
                        format!("metric_source {name} can't be read, and fallback_source {other} is read: {failure}");
                    self.warnings.add(Warning::FALLBACK, text);
                }
                Ok(reading)
            }
            Err(second) => {
                tracing::debug!("fallback_source {other} can't be read either: {second}");
                Err(failure)
            }
        }
    }

    fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings = self.warnings.take();
        warnings.extend(self.primary.warnings());
        warnings.extend(self.fallback.warnings());
        warnings
    }

    /// The number is that of the source that was read last.
    fn acknowledge(&mut self, seq: u64) {
        if self.failing {
            self.fallback.acknowledge(seq);
        } else {
            self.primary.acknowledge(seq);
        }
    }

    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        match earlier.downcast::<Self>() {
            Ok(earlier) => {
                self.primary.take_over(Box::new(earlier.primary));
                self.fallback.take_over(Box::new(earlier.fallback));
            }
            // The configuration before had no fall-back.
            Err(earlier) => self.primary.take_over(earlier),
        }
    }
}
