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

/// Bytes of a thread's stack: as much as a C program's first thread usually has, for its callbacks.
const STACK: usize = 8 << 20;

/// Starts a thread, named autoscale-… as far as the system has room for it, with all signals blocked: they are for the
/// program's own threads.
pub(crate) fn spawn(app: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let name: String = format!("autoscale-{app}").chars().filter(|c| *c != '\0').collect();
    with_signals_blocked(|| Builder::new().name(name).stack_size(STACK).spawn(run))
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

/// While this lives, a connection that breaks sends this thread no SIGPIPE, which would end a program that has not
/// ignored it. What came of it meanwhile is taken back; what was pending before stays.
pub(super) struct PipesMayBreak {
    #[cfg(unix)]
    before: libc::sigset_t,
    #[cfg(unix)]
    was_pending: bool,
}

#[cfg(unix)]
impl PipesMayBreak {
    pub(super) fn new() -> Self {
        let was_pending = sigpipe_is_pending();
        // SAFETY: both sets are plain memory; `before` is filled before it is read.
        unsafe {
            let mut before = std::mem::zeroed::<libc::sigset_t>();
            let pipe = sigpipe();
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const pipe, &raw mut before);
            Self { before, was_pending }
        }
    }
}

#[cfg(unix)]
impl Drop for PipesMayBreak {
    fn drop(&mut self) {
        // SAFETY: plain memory, filled by whoever is called; the signal waited for is blocked and pending.
        unsafe {
            if !self.was_pending && sigpipe_is_pending() {
                let (pipe, mut which) = (sigpipe(), 0);
                libc::sigwait(&raw const pipe, &raw mut which);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}

#[cfg(unix)]
fn sigpipe() -> libc::sigset_t {
    // SAFETY: plain memory that is filled before it is read.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGPIPE);
        set
    }
}

#[cfg(unix)]
fn sigpipe_is_pending() -> bool {
    // SAFETY: as above.
    unsafe {
        let mut pending = std::mem::zeroed();
        libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}

#[cfg(not(unix))]
impl PipesMayBreak {
    pub(super) fn new() -> Self {
        Self {}
    }
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
