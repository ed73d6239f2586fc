//! A handle's source and target of C's own. What C returns is checked as if it came from
//! the network.

use std::ffi::c_void;

use autoscale_core::workspace::ports::{
    Failure as Failed, FailureKind, FormationReading, MetricSource, Reading, ScaleTarget,
};
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;

use crate::callback::{Failure, MetricFn, ReadFn, Samples, ScaleFn};

/// More than this is no number of dynos.
const MOST: u32 = 1_000_000;

/// What a quantity is before C's read sets it.
const UNSET: u32 = u32::MAX;

/// What C wants back with each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User(pub(crate) *mut c_void);

// SAFETY: the library only hands it back; the header says on which thread.
unsafe impl Send for User {}

/// A metric source of C's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnSource {
    pub(crate) metric: MetricFn,
    pub(crate) user: User,
}

/// A scale target of C's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnTarget {
    pub(crate) read: ReadFn,
    pub(crate) scale: ScaleFn,
    pub(crate) user: User,
}

/// Why C's function failed, if it did.
fn failure(code: i32, said: Option<String>, who: &str) -> Result<(), Failed> {
    let text = match said {
        Some(text) if !text.is_empty() => text,
        None if code == 0 => return Ok(()),
        _ => format!("{who} returned {code}"),
    };
    Err(Failed::new(FailureKind::Transient, text))
}

impl MetricSource for OwnSource {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failed> {
        self.read(from, to)
    }
}

impl OwnSource {
    fn read(&self, from: Timestamp, to: Timestamp) -> Result<Reading, Failed> {
        let mut sink = Samples::default();
        let metric = self.metric.expect("a source without a function is not made");
        // SAFETY: C's function with what C gave for it; the sink lives until it returns.
        let code = unsafe { metric(self.user.0, from.as_secs(), to.as_secs(), &raw mut sink) };
        let (samples, failed) = sink.into_given();
        failure(code, failed, "the metric source")?;
        Ok(Reading::of(samples))
    }
}

impl ScaleTarget for OwnTarget {
    async fn formation(&mut self) -> Result<FormationReading, Failed> {
        self.read()
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failed> {
        self.set(quantity)
    }
}

impl OwnTarget {
    fn read(&self) -> Result<FormationReading, Failed> {
        let (mut quantity, mut changed_at_s, mut said) = (UNSET, -1, Failure::default());
        let read = self.read.expect("a target without functions is not made");
        // SAFETY: C's function with what C gave for it; what it fills lives until it returns.
        let code = unsafe { read(self.user.0, &raw mut quantity, &raw mut changed_at_s, &raw mut said) };
        failure(code, said.into_text(), "the scale target's read")?;
        let odd = |text| Err(Failed::new(FailureKind::Transient, text));
        if quantity == UNSET {
            return odd(
                "the scale target's read returned 0 but set no quantity: set it, or return another number".into()
            );
        }
        if quantity > MOST {
            return odd(format!("the scale target says {quantity} dynos: more than {MOST} are not believed"));
        }
        if changed_at_s < -1 {
            return odd(format!("the scale target says changed_at_s {changed_at_s}: not -1, nor a time since 1970"));
        }
        let updated_at = (changed_at_s >= 0).then(|| Timestamp::from_secs(changed_at_s));
        Ok(FormationReading { quantity, updated_at, size: None, maintenance: false, released_at: None })
    }

    fn set(&self, quantity: u32) -> Result<u32, Failed> {
        let mut said = Failure::default();
        let scale = self.scale.expect("a target without functions is not made");
        // SAFETY: as above.
        let code = unsafe { scale(self.user.0, quantity, &raw mut said) };
        failure(code, said.into_text(), "the scale target's scale")?;
        Ok(quantity)
    }
}
