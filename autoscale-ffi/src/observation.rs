//! `autoscale_observation`: what C saw at a check, as columns, and its meaning for the engine. The columns are read where
//! they are.

use std::mem::offset_of;
use std::time::Duration;

use autoscale_core::TrafficRow as Row;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::Observation as Seen;
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

use crate::config::Config;
use crate::memory::{column, null};
use crate::status::{AUTOSCALE_UNSUPPORTED, Error};
use crate::traffic::{self, TrafficRow};

/// Status of a result: the check ran into its time-out, or nothing is known of why the app was down.
pub const AUTOSCALE_SAMPLE_TIMEOUT: u8 = 0;
/// Status of a result: the app answered.
pub const AUTOSCALE_SAMPLE_UP: u8 = 1;
/// Status of a result: refused, DNS, TLS, a 4xx, or a 5xx that came in under 5 s.
pub const AUTOSCALE_SAMPLE_ERROR: u8 = 2;
/// Status of a result: none; it is left out.
pub const AUTOSCALE_SAMPLE_DROPPED: u8 = 3;

/// Flag of an observation: min and max count, not the configuration's.
pub const AUTOSCALE_OBSERVED_BOUNDS: u32 = 1;
/// Flag of an observation: the app is in maintenance mode; nothing is decided, and what is measured is left out later.
pub const AUTOSCALE_OBSERVED_MAINTENANCE: u32 = 2;
/// Flag of an observation: decisions are told, not carried out; the last one that would have changed something then
/// counts as a change.
pub const AUTOSCALE_OBSERVED_DRY_RUN: u32 = 4;
/// Flag of an observation: shadow mode; decisions are not applied, and something else scales the app. Every change of the
/// formation then counts as a change, and none that was only decided does, AUTOSCALE_OBSERVED_DRY_RUN or not.
pub const AUTOSCALE_OBSERVED_SHADOW: u32 = 8;

const FLAGS: u32 =
    AUTOSCALE_OBSERVED_BOUNDS | AUTOSCALE_OBSERVED_MAINTENANCE | AUTOSCALE_OBSERVED_DRY_RUN | AUTOSCALE_OBSERVED_SHADOW;

/// What is seen at a check. Start from `autoscale_observation seen = {.struct_size = sizeof seen, …}`, so that fields
/// that a later version adds are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// sizeof(autoscale_observation)
    pub struct_size: usize,
    /// When: unix seconds.
    pub now_s: i64,
    /// Dynos that there are; 0 is an app that was switched off on purpose, and is left alone.
    pub dynos: u32,
    /// Fewest dynos, >= 1; only with AUTOSCALE_OBSERVED_BOUNDS.
    pub min: u32,
    /// Most dynos, >= min; only with AUTOSCALE_OBSERVED_BOUNDS.
    pub max: u32,
    /// AUTOSCALE_OBSERVED_… or 0.
    pub flags: u32,
    /// When the number of dynos last changed: unix seconds; -1 where it is not known.
    pub changed_at_s: i64,
    /// Time between two checks, s; 0: check_frequency of the configuration.
    pub interval_s: u32,
    /// How many results there are.
    pub n: usize,
    /// Their times: unix seconds, in any order; n of them. Older ones than pingdom_check_period are left out.
    pub time_s: *const i64,
    /// Their response times, ms, n of them. 0, NaN, negative and infinite ones are no measurement and left out, unless
    /// their status says that the app was down.
    pub response_time_ms: *const f64,
    /// Their status, AUTOSCALE_SAMPLE_…, n of them; NULL: the app was up in all of them.
    pub status: *const u8,
    /// How many rows of traffic there are. For the traffic policy; the others pass over them.
    pub traffic_n: usize,
    /// Requests that a router counted, as they came since the check before: traffic_n rows, in any order.
    pub traffic: *const TrafficRow,
}

/// What version 1 of the interface has.
const FIRST: usize = offset_of!(Observation, traffic_n);

/// An observation as the engine takes it, but for the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) now: Timestamp,
    pub(crate) formation: Formation,
    pub(crate) bounds: Bounds,
    interval: Duration,
    maintenance: bool,
    dry_run: bool,
    shadow: bool,
    columns: Columns<'a>,
    traffic: &'a [TrafficRow],
}

#[derive(Clone, Copy, Debug)]
struct Columns<'a> {
    time_s: &'a [i64],
    response_time_ms: &'a [f64],
    status: Option<&'a [u8]>,
}

/// # Safety
/// NULL, or an observation as the header describes it, which does not change while the result lives.
pub(crate) unsafe fn take<'a>(seen: *const Observation, config: &Config) -> Result<Taken<'a>, Error> {
    // SAFETY: as promised.
    let seen = unsafe { sized(seen) }?;
    let bounds = match seen.flags & AUTOSCALE_OBSERVED_BOUNDS {
        0 => config.values.bounds_at(Timestamp::from_secs(seen.now_s)),
        _ => Bounds::new(seen.min, seen.max)
            .ok_or_else(|| Error::invalid(format!("min is {} and max {}: not 1 <= min <= max", seen.min, seen.max)))?,
    };
    if seen.flags & !FLAGS != 0 {
        let text = format!("flags has bits that this version does not know: {:#x}", seen.flags & !FLAGS);
        return Err(Error::new(AUTOSCALE_UNSUPPORTED, text));
    }
    let changed_at = match seen.changed_at_s {
        -1 => None,
        0.. => Some(Timestamp::from_secs(seen.changed_at_s)),
        _ => {
            return Err(Error::invalid(format!(
                "changed_at_s is {}: not -1, nor a time since 1970",
                seen.changed_at_s
            )));
        }
    };
    let interval = match seen.interval_s {
        0 => config.values.check_frequency,
        secs => Duration::from_secs(secs.into()),
    };
    // SAFETY: columns of `n` values, as promised.
    let columns = unsafe {
        Columns {
            time_s: column(seen.time_s, seen.n, "time_s")?,
            response_time_ms: column(seen.response_time_ms, seen.n, "response_time_ms")?,
            status: if seen.status.is_null() { None } else { Some(column(seen.status, seen.n, "status")?) },
        }
    };
    // SAFETY: `traffic_n` rows, as promised.
    let traffic = unsafe { column(seen.traffic, seen.traffic_n, "traffic")? };
    // The greatest of many bytes is found sooner than the first that is too great.
    if let Some(all) = columns.status
        && all.iter().fold(0, |greatest, status| *status.max(&greatest)) > AUTOSCALE_SAMPLE_DROPPED
        && let Some((at, status)) = all.iter().enumerate().find(|(_, status)| **status > AUTOSCALE_SAMPLE_DROPPED)
    {
        return Err(Error::invalid(format!("status[{at}] is {status}: no AUTOSCALE_SAMPLE_…")));
    }
    let is_in_milliseconds = |time: i64| Timestamp::from_secs(time).is_in_milliseconds();
    let in_milliseconds =
        |name: &str, time: i64| Error::invalid(format!("{name} is {time}: a time in milliseconds; give unix seconds"));
    for (name, time) in [("now_s", seen.now_s), ("changed_at_s", seen.changed_at_s)] {
        if is_in_milliseconds(time) {
            return Err(in_milliseconds(name, time));
        }
    }
    if let Some((at, row)) = traffic.iter().enumerate().find(|(_, row)| is_in_milliseconds(row.from_s)) {
        return Err(in_milliseconds(&format!("traffic[{at}].from_s"), row.from_s));
    }
    // As for the status: the latest of many times is found soon.
    if is_in_milliseconds(columns.time_s.iter().fold(i64::MIN, |latest, time| latest.max(*time)))
        && let Some((at, time)) = columns.time_s.iter().enumerate().find(|(_, time)| is_in_milliseconds(**time))
    {
        return Err(in_milliseconds(&format!("time_s[{at}]"), *time));
    }
    Ok(Taken {
        now: Timestamp::from_secs(seen.now_s),
        formation: Formation { quantity: seen.dynos, changed_at },
        bounds,
        interval,
        maintenance: seen.flags & AUTOSCALE_OBSERVED_MAINTENANCE != 0,
        dry_run: seen.flags & AUTOSCALE_OBSERVED_DRY_RUN != 0,
        shadow: seen.flags & AUTOSCALE_OBSERVED_SHADOW != 0,
        columns,
        traffic,
    })
}

/// # Safety
/// NULL, or a struct that is as large as its `struct_size` says.
unsafe fn sized(seen: *const Observation) -> Result<Observation, Error> {
    const SIZE: usize = size_of::<Observation>();
    if seen.is_null() {
        return Err(null("observation"));
    }
    if !seen.is_aligned() {
        return Err(Error::invalid("observation is not aligned"));
    }
    // SAFETY: not NULL, aligned, and it begins with its size.
    let size = unsafe { (*seen).struct_size };
    if size < SIZE && size != FIRST {
        return Err(Error::invalid(format!("observation.struct_size is {size}: at least {SIZE} are needed")));
    }
    if size == FIRST {
        // A program of the first version: what it does not have stays 0.
        // SAFETY: numbers and pointers alone, for which 0 is a value; it is as large as it says.
        unsafe {
            let mut whole: Observation = std::mem::zeroed();
            std::ptr::copy_nonoverlapping(seen.cast::<u8>(), (&raw mut whole).cast(), FIRST);
            return Ok(whole);
        }
    }
    // SAFETY: it is as large as it says; a size that no struct of a later version can have is not believed.
    let rest = unsafe { column(seen.cast::<u8>().add(SIZE), size.min(16 * SIZE) - SIZE, "observation") }?;
    if size > 16 * SIZE || rest.iter().any(|byte| *byte != 0) {
        let text = "observation has fields that this version does not know, and they are not 0";
        return Err(Error::new(AUTOSCALE_UNSUPPORTED, text));
    }
    // SAFETY: not NULL, aligned, and large enough.
    Ok(unsafe { *seen })
}

impl<'a> Taken<'a> {
    /// As a policy sees it.
    pub(crate) fn with<'w>(&self, window: &'w Window, rows: &'w [Row]) -> Seen<'w> {
        Seen {
            now: self.now,
            formation: self.formation,
            bounds: self.bounds,
            effective_max: None,
            interval: self.interval,
            window,
            traffic: rows,
            rows_may_repeat: true,
            maintenance: self.maintenance,
            override_until: None,
            dry_run: self.dry_run,
            shadow: self.shadow,
        }
    }

    /// Fills `rows` with those that a router counted.
    pub(crate) fn fill_rows(&self, rows: &mut Vec<Row>) -> Result<(), Error> {
        traffic::fill(rows, self.traffic)
    }

    /// Fills the window with its results of the last `period`.
    pub(crate) fn fill(&self, window: &mut Window, period: Duration) {
        let Columns { time_s, response_time_ms, status } = self.columns;
        let measured = time_s.iter().zip(response_time_ms);
        match status {
            None => {
                let samples = measured.filter_map(|(time_s, ms)| sample(*time_s, *ms, AUTOSCALE_SAMPLE_UP));
                window.fill(samples, self.now, period);
            }
            Some(status) => {
                let samples = measured.zip(status).filter_map(|((time_s, ms), status)| sample(*time_s, *ms, *status));
                window.fill(samples, self.now, period);
            }
        }
    }
}

/// A result as C spells it; `None` where it is none.
#[inline]
pub(crate) fn sample(time_s: i64, ms: f64, status: u8) -> Option<Sample> {
    let at = Timestamp::from_secs(time_s);
    if status == AUTOSCALE_SAMPLE_UP { Sample::up(at, ms) } else { down(at, status) }
}

/// Apart, since columns are long and most of their results are up.
#[cold]
fn down(at: Timestamp, status: u8) -> Option<Sample> {
    match status {
        AUTOSCALE_SAMPLE_TIMEOUT => Some(Sample::down(at, DownCause::Timeout)),
        AUTOSCALE_SAMPLE_ERROR => Some(Sample::down(at, DownCause::Error)),
        _ => None,
    }
}
