//! Signals as values. On a platform without them, Ctrl-C stops and nothing reloads.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    /// End: TERM, INT, Ctrl-C.
    Stop,
    /// Take the configurations anew: HUP.
    Reload,
}

/// How long it must be quiet before what was asked for is done, and how often it is done at most.
const QUIET: Duration = Duration::from_millis(300);
const EVERY: Duration = Duration::from_secs(3);

/// What is asked for again and again, done once: a storm of signals is one reload.
#[derive(Debug, Default)]
pub(crate) struct Debounced {
    /// Since when it is asked for, and when it was asked for last.
    asked: Option<(Instant, Instant)>,
    done: Option<Instant>,
}

impl Debounced {
    /// Asks for it.
    pub(crate) fn ask(&mut self) {
        let now = Instant::now();
        self.asked = Some((self.asked.map_or(now, |(first, _)| first), now));
    }

    /// Is it still to be done?
    pub(crate) fn waits(&self) -> bool {
        self.asked.is_some()
    }

    /// Ends when it is to be done; never where nobody asks. Can be dropped at any time.
    pub(crate) async fn due(&mut self) {
        let Some((first, last)) = self.asked else { return std::future::pending().await };
        let quiet = (last + QUIET).min(first + EVERY);
        sleep_until(self.done.map_or(quiet, |done| quiet.max(done + EVERY))).await;
        (self.asked, self.done) = (None, Some(Instant::now()));
    }
}

#[cfg(unix)]
pub(crate) use unix::{Signals, hold_reloads, release_reloads};

#[cfg(unix)]
mod unix {
    use super::{Signal, io};
    use nix::sys::signal::{SigSet, Signal as Number};
    use tokio::signal::unix::{Signal as Unix, SignalKind, signal};

    /// Keeps HUP waiting, from the start of the process until somebody listens: it would end the process.
    pub(crate) fn hold_reloads() {
        let _ = SigSet::from(Number::SIGHUP).thread_block();
    }

    /// Lets HUP come, one that waits as well.
    pub(crate) fn release_reloads() {
        let _ = SigSet::from(Number::SIGHUP).thread_unblock();
    }

    /// The signals that the program listens to.
    #[derive(Debug)]
    pub(crate) struct Signals {
        hup: Unix,
        int: Unix,
        term: Unix,
    }

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            let listening = Self {
                hup: signal(SignalKind::hangup())?,
                int: signal(SignalKind::interrupt())?,
                term: signal(SignalKind::terminate())?,
            };
            release_reloads();
            Ok(listening)
        }

        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.hup.recv() => Signal::Reload,
                _ = self.int.recv() => Signal::Stop,
                _ = self.term.recv() => Signal::Stop,
            }
        }
    }
}

#[cfg(not(unix))]
pub(crate) use other::{Signals, hold_reloads, release_reloads};

#[cfg(not(unix))]
mod other {
    use super::{Signal, io};

    /// There is no HUP here.
    pub(crate) fn hold_reloads() {}

    /// There is no HUP here.
    pub(crate) fn release_reloads() {}

    /// The signals that the program listens to.
    #[derive(Debug)]
    pub(crate) struct Signals;

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn next(&mut self) -> Signal {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Signal::Stop,
                // No console to press Ctrl-C on: nobody will.
                Err(_) => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_one_and_the_next_one_waits_for_its_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut asked = Debounced::default();
            let started = Instant::now();
            for _ in 0..100 {
                asked.ask();
            }
            asked.due().await;
            assert!(started.elapsed() >= QUIET && !asked.waits());
            assert!(tokio::time::timeout(QUIET * 2, asked.due()).await.is_err(), "nobody asks");
            asked.ask();
            asked.due().await;
            assert!(started.elapsed() >= QUIET + EVERY);
        });
    }
}
