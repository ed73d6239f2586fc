//! Signals as values. On a platform without them, Ctrl-C stops and nothing reloads.

use std::io;

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    /// End: TERM, INT, Ctrl-C.
    Stop,
    /// Take the configurations anew: HUP.
    Reload,
}

#[cfg(unix)]
pub(crate) use unix::Signals;

#[cfg(unix)]
mod unix {
    use super::{Signal, io};
    use tokio::signal::unix::{Signal as Unix, SignalKind, signal};

    /// The signals that the program listens to.
    #[derive(Debug)]
    pub(crate) struct Signals {
        hup: Unix,
        int: Unix,
        term: Unix,
    }

    impl Signals {
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self {
                hup: signal(SignalKind::hangup())?,
                int: signal(SignalKind::interrupt())?,
                term: signal(SignalKind::terminate())?,
            })
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
pub(crate) use other::Signals;

#[cfg(not(unix))]
mod other {
    use super::{Signal, io};

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
