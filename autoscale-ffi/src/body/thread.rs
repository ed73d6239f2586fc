//! The thread that a started handle owns. Knows no app.

use std::cell::Cell;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A number that no other thread of this process has at the same time; never 0.
pub(crate) fn this_thread() -> usize {
    thread_local!(static PLACE: Cell<u8> = const { Cell::new(0) });
    PLACE.with(|place| std::ptr::from_ref(place).addr())
}

/// Starts a thread, named autoscale-… as far as the system has room for it, with all signals blocked: they are for the
/// program's own threads.
pub(crate) fn spawn(app: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let name: String = format!("autoscale-{app}").chars().filter(|c| *c != '\0').collect();
    with_signals_blocked(|| Builder::new().name(name).spawn(run))
}

/// A thread starts with the mask of the one that starts it.
#[cfg(unix)]
fn with_signals_blocked<T>(run: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain memory that is filled before it is read; the mask of this thread is put back.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed::<libc::sigset_t>(), std::mem::zeroed::<libc::sigset_t>());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let result = run();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        result
    }
}

#[cfg(not(unix))]
fn with_signals_blocked<T>(run: impl FnOnce() -> T) -> T {
    run()
}

/// An end that can be waited for.
#[derive(Debug, Default)]
pub(crate) struct End {
    over: Mutex<bool>,
    told: Condvar,
}

impl End {
    pub(crate) fn wait(&self) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            over = self.told.wait(over).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn is_over(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.told.notify_all();
    }
}
