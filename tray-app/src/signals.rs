//! Signals as inputs: TERM, INT and Ctrl-C end, HUP takes the configurations anew.

use std::io;

use tokio::sync::mpsc::UnboundedSender;

use crate::input::Input;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the program listens to.
#[cfg(unix)]
pub(crate) struct Signals {
    hup: Signal,
    int: Signal,
    term: Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
        })
    }

    /// Hands them on for as long as somebody listens.
    pub(crate) async fn hand_on(mut self, inputs: UnboundedSender<Input>) {
        loop {
            let input = tokio::select! {
                _ = self.hup.recv() => Input::Reload,
                _ = self.int.recv() => Input::Stop,
                _ = self.term.recv() => Input::Stop,
            };
            if inputs.send(input).is_err() {
                return;
            }
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn hand_on(self, inputs: UnboundedSender<Input>) {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = inputs.send(Input::Stop);
        }
    }
}
