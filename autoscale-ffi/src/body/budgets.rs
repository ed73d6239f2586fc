//! What the handles of a process know of rate limits. Sends nothing.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use autoscale_core::workspace::http::RateBudgets;

/// What the handles of a process know of rate limits. After a fork the child has its own: a lock of the parent's may
/// have been held at that moment, so there is none here either.
pub(super) fn budgets() -> RateBudgets {
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
