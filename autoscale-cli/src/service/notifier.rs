//! Notices to systemd (`Type=notify`): ready, reloading, alive, stopping. Without it, or on another platform, nothing.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

#[cfg(target_os = "linux")]
use sd_notify::NotifyState;

/// Tells the service manager how it goes.
#[derive(Debug)]
pub(crate) struct Notifier {
    /// Time between two signs of life, where the service manager waits for them.
    every: Option<Duration>,
}

#[cfg(target_os = "linux")]
impl Notifier {
    /// All loops run.
    pub(crate) fn ready() -> Self {
        tell(&[NotifyState::Ready]);
        // Twice as often as it is asked for, as systemd's manual advises.
        Self { every: sd_notify::watchdog_enabled().map(|limit| limit / 2) }
    }

    /// Configurations are taken anew.
    pub(crate) fn reloading(&mut self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, now]);
        }
    }

    /// They were.
    pub(crate) fn ready_again(&mut self) {
        tell(&[NotifyState::Ready]);
    }

    fn alive() {
        tell(&[NotifyState::Watchdog]);
    }

    /// The loops end.
    pub(crate) fn stopping(&mut self) {
        tell(&[NotifyState::Stopping]);
    }
}

#[cfg(target_os = "linux")]
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("the service manager can't be told: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
impl Notifier {
    /// All loops run.
    pub(crate) fn ready() -> Self {
        Self { every: None }
    }

    /// Configurations are taken anew.
    pub(crate) fn reloading(&mut self) {}

    /// They were.
    pub(crate) fn ready_again(&mut self) {}

    fn alive() {}

    /// The loops end.
    pub(crate) fn stopping(&mut self) {}
}

impl Notifier {
    /// Gives signs of life, where they are waited for. Each is a task that the loops' runtime carried out: where the loops
    /// are stuck, it is not.
    pub(crate) fn watch(&self, loops: Handle) {
        if let Some(every) = self.every {
            tokio::spawn(async move {
                loop {
                    sleep(every).await;
                    let _ = loops.spawn(async {}).await;
                    Self::alive();
                }
            });
        }
    }
}
