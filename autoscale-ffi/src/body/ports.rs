//! A handle's source and target: C's functions, or the engine's own clients. What C returns is checked as if it came from
//! the network.

use std::ffi::c_void;

#[cfg(feature = "http")]
use autoscale_core::AnySource;
use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::Config;
#[cfg(feature = "http")]
use autoscale_core::workspace::heroku::HerokuFormation;
#[cfg(feature = "http")]
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::{
    Failure as Failed, FailureKind, FormationReading, MetricSource, Reading, ScaleTarget,
};
use autoscale_core::workspace::time::Timestamp;

use crate::callback::{Failure, MetricFn, ReadFn, Samples, ScaleFn};
use crate::status::Error;

/// More than this is no number of dynos.
const MOST: u32 = 1_000_000;

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

/// Where response times come from.
pub(crate) enum Source {
    Own(OwnSource),
    #[cfg(feature = "http")]
    BuiltIn(AnySource),
    #[cfg(test)]
    Panics,
}

/// What is scaled.
pub(crate) enum Target {
    Own(OwnTarget),
    #[cfg(feature = "http")]
    BuiltIn(Box<HerokuFormation>),
}

impl Source {
    /// C's, or the one that the configuration names.
    pub(crate) fn new(own: Option<OwnSource>, config: &Config, clock: Clock) -> Result<Self, Error> {
        match own {
            Some(own) => Ok(Self::Own(own)),
            #[cfg(feature = "http")]
            None => built_in::source(config, clock).map(Self::BuiltIn),
            #[cfg(not(feature = "http"))]
            None => {
                let _ = (config, clock);
                let text = "this library has no metric source built in: set one by autoscale_set_metric_source";
                Err(Error::new(crate::status::AUTOSCALE_UNSUPPORTED, text))
            }
        }
    }
}

impl Target {
    /// C's, or the one that the configuration names.
    pub(crate) fn new(own: Option<OwnTarget>, config: &Config) -> Result<Self, Error> {
        match own {
            Some(own) => Ok(Self::Own(own)),
            #[cfg(feature = "http")]
            None => built_in::target(config).map(|target| Self::BuiltIn(Box::new(target))),
            #[cfg(not(feature = "http"))]
            None => {
                let _ = config;
                let text = "this library has no scale target built in: set one by autoscale_set_scale_target";
                Err(Error::new(crate::status::AUTOSCALE_UNSUPPORTED, text))
            }
        }
    }
}

#[cfg(feature = "http")]
pub(crate) mod built_in {
    use std::ptr;
    use std::sync::atomic::{AtomicPtr, Ordering};

    use autoscale_core::workspace::http::RateBudgets;
    use autoscale_core::workspace::sources::open_source;

    use super::{AnySource, Clock, Config, Error, Failed, HerokuFormation, HttpOptions};
    use crate::status::AUTOSCALE_CONFIG;

    /// How the handles of a process make requests.
    pub(crate) fn http(config: &Config) -> HttpOptions {
        let mut options =
            HttpOptions { budgets: budgets(), ..HttpOptions::at_speed(config.sandbox_speed.unwrap_or(1.0)) };
        if config.sandbox_speed.is_none() {
            options.within(config.check_frequency);
        }
        options
    }

    /// What the handles of a process know of rate limits. After a fork the child has its own: a lock of the parent's may
    /// have been held at that moment, so there is none here either.
    fn budgets() -> RateBudgets {
        static SHARED: AtomicPtr<(u32, RateBudgets)> = AtomicPtr::new(ptr::null_mut());
        let process = std::process::id();
        let there = SHARED.load(Ordering::Acquire);
        // SAFETY: NULL, or what was put there below, which is never freed.
        if let Some((_, budgets)) = unsafe { there.as_ref() }.filter(|(of, _)| *of == process) {
            return budgets.clone();
        }
        let budgets = RateBudgets::default();
        let new = Box::into_raw(Box::new((process, budgets.clone())));
        match SHARED.compare_exchange(there, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => budgets,
            Err(first) => {
                // SAFETY: nobody has seen `new`; another thread of this process was first, and what it put there is never
                // freed.
                unsafe {
                    drop(Box::from_raw(new));
                    (*first).1.clone()
                }
            }
        }
    }

    pub(super) fn source(config: &Config, clock: Clock) -> Result<AnySource, Error> {
        open_source(config, clock, &http(config)).map_err(refused)
    }

    pub(super) fn target(config: &Config) -> Result<HerokuFormation, Error> {
        HerokuFormation::new(&config.heroku, &http(config)).map_err(refused)
    }

    fn refused(failure: Failed) -> Error {
        Error::new(AUTOSCALE_CONFIG, failure.text)
    }
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

impl MetricSource for Source {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failed> {
        match self {
            Self::Own(own) => own.samples(from, to),
            #[cfg(feature = "http")]
            Self::BuiltIn(source) => source.samples(from, to).await,
            #[cfg(test)]
            Self::Panics => panic!("a source that panics"),
        }
    }
}

impl OwnSource {
    fn samples(&self, from: Timestamp, to: Timestamp) -> Result<Reading, Failed> {
        let mut sink = Samples::default();
        let metric = self.metric.expect("a source without a function is not made");
        // SAFETY: C's function with what C gave for it; the sink lives until it returns.
        let code = unsafe { metric(self.user.0, from.as_secs(), to.as_secs(), &raw mut sink) };
        let (samples, failed) = sink.into_given();
        failure(code, failed, "the metric source")?;
        Ok(Reading::of(samples))
    }
}

impl ScaleTarget for Target {
    async fn formation(&mut self) -> Result<FormationReading, Failed> {
        match self {
            Self::Own(own) => own.formation(),
            #[cfg(feature = "http")]
            Self::BuiltIn(target) => target.formation().await,
        }
    }

    async fn scale(&mut self, quantity: u32) -> Result<u32, Failed> {
        match self {
            Self::Own(own) => own.scale(quantity),
            #[cfg(feature = "http")]
            Self::BuiltIn(target) => target.scale(quantity).await,
        }
    }
}

impl OwnTarget {
    fn formation(&self) -> Result<FormationReading, Failed> {
        let (mut quantity, mut changed_at_s, mut said) = (0, -1, Failure::default());
        let read = self.read.expect("a target without functions is not made");
        // SAFETY: C's function with what C gave for it; what it fills lives until it returns.
        let code = unsafe { read(self.user.0, &raw mut quantity, &raw mut changed_at_s, &raw mut said) };
        failure(code, said.into_text(), "the scale target's read")?;
        let odd = |text| Err(Failed::new(FailureKind::Transient, text));
        if quantity > MOST {
            return odd(format!("the scale target says {quantity} dynos: more than {MOST} are not believed"));
        }
        if changed_at_s < -1 {
            return odd(format!("the scale target says changed_at_s {changed_at_s}: not -1, nor a time since 1970"));
        }
        let updated_at = (changed_at_s >= 0).then(|| Timestamp::from_secs(changed_at_s));
        Ok(FormationReading { quantity, updated_at, size: None, maintenance: false })
    }

    fn scale(&self, quantity: u32) -> Result<u32, Failed> {
        let mut said = Failure::default();
        let scale = self.scale.expect("a target without functions is not made");
        // SAFETY: as above.
        let code = unsafe { scale(self.user.0, quantity, &raw mut said) };
        failure(code, said.into_text(), "the scale target's scale")?;
        Ok(quantity)
    }
}
