//! `autoscale_policy`: a decision with its memory. Pure: no IO, no clock.

use std::sync::{Mutex, MutexGuard};

use autoscale_core::TrafficRow;
use autoscale_core::workspace::policy::Decider;
use autoscale_core::workspace::window::Window;

use crate::config::Config;
use crate::copy::copy_bytes;
use crate::decision::{Decision, OutDecision};
use crate::guard::{guard, guard_len, quiet_panics};
use crate::memory::{Out, column, free, object};
use crate::observation::{Observation, take};
use crate::status::{AUTOSCALE_CORRUPT, AUTOSCALE_PANIC, Error, Status};

/// A policy with its memory, for one app. Several threads may use one at the same time; they take turns.
#[derive(Debug)]
pub struct Policy {
    config: Config,
    /// Poisoned by a panic: what it remembers may be half of something.
    mind: Mutex<Mind>,
}

#[derive(Debug)]
struct Mind {
    decider: Decider,
    /// Their memory is used again.
    window: Window,
    rows: Vec<TrafficRow>,
}

impl Policy {
    fn new(config: &Config, decider: Decider) -> Self {
        Self {
            config: config.duplicate(),
            mind: Mutex::new(Mind { decider, window: Window::default(), rows: Vec::new() }),
        }
    }

    fn mind(&self) -> Result<MutexGuard<'_, Mind>, Error> {
        self.mind.lock().map_err(|_| Error::new(AUTOSCALE_PANIC, "this policy met a defect before: free it"))
    }

    /// # Safety
    /// As [`take`].
    unsafe fn decide(&self, seen: *const Observation, out: OutDecision) -> Result<(), Error> {
        // SAFETY: as promised.
        let taken = unsafe { take(seen, &self.config) }?;
        let mut mind = self.mind()?;
        let Mind { decider, window, rows } = &mut *mind;
        taken.fill_rows(rows)?;
        taken.fill(window, decider.settings().period);
        out.set(&decider.decide(&taken.with(window, rows)));
        Ok(())
    }
}

/// Makes a policy that remembers nothing yet: the rule, bounds and limits of a configuration.
///
/// @param config  a configuration; not needed any more afterwards
/// @param out     where the policy goes; NULL is put there first. Yours to free by autoscale_policy_free().
///
/// Returns AUTOSCALE_INVALID_ARGUMENT for a NULL. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_policy_new(config: *const Config, out: *mut *mut Policy) -> Status {
    guard(|| {
        quiet_panics();
        // SAFETY: a place for a pointer, and a configuration of ours, as the header asks for.
        let (out, config) = unsafe { (Out::new(out)?, object(config, "config")?) };
        out.set(Policy::new(config, Decider::new(config.values.settings.clone())));
        Ok(())
    })
}

/// Decides on what is seen at a check, and remembers it for the next. Call it once a check, in the order of time.
///
/// @param policy       a policy
/// @param observation  what is seen; its columns are only read, during the call
/// @param decision     where the decision goes; its struct_size is yours to set, all else is 0 first
///
/// Returns AUTOSCALE_INVALID_ARGUMENT, AUTOSCALE_UNSUPPORTED for an observation of a later version that this one can't
/// heed, AUTOSCALE_PANIC. Where nothing can be said, the decision is to keep the formation. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_policy_decide(
    policy: *const Policy,
    observation: *const Observation,
    decision: *mut Decision,
) -> Status {
    guard(|| {
        // SAFETY: a place for a decision, a policy of ours, and an observation, as the header asks for.
        unsafe {
            let out = OutDecision::new(decision)?;
            object(policy, "policy")?.decide(observation, out)
        }
    })
}

/// What a policy remembers, as bytes for autoscale_policy_restore(): they are for this version of the library.
///
/// @param policy  a policy
/// @param buf     where the bytes go: all of them, or none where there is no room for all; may be NULL when cap is 0
/// @param cap     bytes that there are
///
/// Returns how many bytes they are; 0, with the reason in autoscale_last_error(), for a NULL. How many they are can
/// change with each decision. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_policy_save(policy: *const Policy, buf: *mut u8, cap: usize) -> usize {
    guard_len(|| {
        // SAFETY: a policy of ours, and room for `cap` bytes, as the header asks for.
        unsafe { Ok(copy_bytes(&object(policy, "policy")?.mind()?.decider.save(), buf, cap)) }
    })
}

/// Makes a policy that remembers what was saved, so that it decides as that one would. The configuration may be
/// another; what a rule remembers that it no longer names is left out.
///
/// @param config  a configuration; not needed any more afterwards
/// @param buf     what autoscale_policy_save() gave
/// @param len     how many bytes
/// @param out     where the policy goes; NULL is put there first. Yours to free by autoscale_policy_free().
///
/// Returns AUTOSCALE_CORRUPT for bytes that are damaged or of another version, AUTOSCALE_INVALID_ARGUMENT for a NULL.
/// Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_policy_restore(
    config: *const Config,
    buf: *const u8,
    len: usize,
    out: *mut *mut Policy,
) -> Status {
    guard(|| {
        quiet_panics();
        // SAFETY: a place for a pointer, a configuration of ours, and `len` bytes, as the header asks for.
        let (out, config, saved) = unsafe { (Out::new(out)?, object(config, "config")?, column(buf, len, "buf")?) };
        let decider = Decider::restore(config.values.settings.clone(), saved)
            .map_err(|error| Error::new(AUTOSCALE_CORRUPT, error.to_string()))?;
        out.set(Policy::new(config, decider));
        Ok(())
    })
}

/// Frees a policy; NULL is fine. No thread may use it at the same time or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn autoscale_policy_free(policy: *mut Policy) {
    guard(|| {
        // SAFETY: a policy of ours that nobody uses, as the header asks for.
        unsafe { free(policy) };
        Ok(())
    });
}

/// One decision of a policy that remembers nothing: the first of autoscale_policy_decide(). It knows nothing of earlier
/// checks, so that rules which need them (missing data, regret, futility, the adaptive policy) have less to go by.
///
/// @param config       a configuration
/// @param observation  what is seen; its columns are only read, during the call
/// @param decision     where the decision goes; its struct_size is yours to set, all else is 0 first
///
/// Returns what autoscale_policy_decide() does. Thread-safe.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn autoscale_decide(
    config: *const Config,
    observation: *const Observation,
    decision: *mut Decision,
) -> Status {
    guard(|| {
        // SAFETY: a place for a decision, a configuration of ours, and an observation, as the header asks for.
        let (out, config) = unsafe { (OutDecision::new(decision)?, object(config, "config")?) };
        // SAFETY: the same observation.
        let taken = unsafe { take(observation, config) }?;
        let mut decider = Decider::new(config.values.settings.clone());
        let mut window = Window::default();
        taken.fill(&mut window, decider.settings().period);
        let mut rows = Vec::new();
        taken.fill_rows(&mut rows)?;
        out.set(&decider.decide(&taken.with(&window, &rows)));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;
    use crate::config::autoscale_config_from_ini;
    use crate::guard::shielded;
    use crate::status::AUTOSCALE_OK;

    #[test]
    fn a_policy_that_met_a_defect_can_only_be_freed() {
        let text = "[HEROKU_INFOS]\napp_name: shop\n";
        let (mut config, mut policy) = (null_mut(), null_mut::<Policy>());
        // SAFETY: places for pointers, and what these calls gave.
        unsafe {
            assert_eq!(autoscale_config_from_ini(text.as_ptr().cast(), text.len(), &raw mut config), AUTOSCALE_OK);
            assert_eq!(autoscale_policy_new(config, &raw mut policy), AUTOSCALE_OK);
            assert!(autoscale_policy_save(policy, null_mut(), 0) > 0);
            let caught = shielded(|| {
                let _mind = (*policy).mind.lock();
                panic!("half way");
            });
            assert_eq!(caught.unwrap_err().status, AUTOSCALE_PANIC);
            let mut decision: Decision = std::mem::zeroed();
            decision.struct_size = size_of::<Decision>();
            let mut seen: Observation = std::mem::zeroed();
            seen.struct_size = size_of::<Observation>();
            assert_eq!(autoscale_policy_decide(policy, &raw const seen, &raw mut decision), AUTOSCALE_PANIC);
            assert_eq!(autoscale_policy_save(policy, null_mut(), 0), 0);
            autoscale_policy_free(policy);
            crate::config::autoscale_config_free(config);
        }
    }
}
