//! One app of a fleet: from the moment its shard is this process's until it no longer is. Opens it as often as it takes
//! while the database is away.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::autoscaler::{Autoscaler, BuildError, Handle};
use autoscale_core::workspace::config_file::Loaded;
use autoscale_core::workspace::event::Event;
use autoscale_core::workspace::http::Shared;
use autoscale_core::workspace::postgres::{AppKey, Member};
use autoscale_core::workspace::store::StoreError;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Pause between two attempts to open an app.
const AGAIN: Duration = Duration::from_secs(1);

/// What all apps of the process have in common.
pub(super) struct Common {
    pub(super) member: Member,
    pub(super) shared: Shared,
    pub(super) dry_run: bool,
    pub(super) shadow: bool,
    pub(super) resume: bool,
}

/// Which of how many apps it is, so that not all make their first check at once.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) place: u32,
    pub(super) count: u32,
}

/// What is needed to run an app.
pub(super) struct Job<O> {
    pub(super) key: AppKey,
    /// In which its shard was claimed.
    pub(super) epoch: i64,
    pub(super) loaded: Loaded,
    pub(super) spread: Spread,
    pub(super) observer: O,
    /// Where the handle goes once it runs.
    pub(super) handle: Arc<Mutex<Option<Handle>>>,
    /// Ends when the app is to stop.
    pub(super) stop: oneshot::Receiver<()>,
}

impl Common {
    /// Opens an app whose shard the member holds since `epoch`.
    pub(super) async fn build(
        &self,
        loaded: &Loaded,
        key: &AppKey,
        epoch: i64,
        observer: impl FnMut(&Arc<Event>) + Send + 'static,
    ) -> Result<(Autoscaler, Handle), BuildError> {
        let config = &loaded.config;
        let mut builder = Autoscaler::builder(config.clone())
            .shared(&self.shared)
            .observer(observer)
            .store(self.member.store(key, epoch))
            .commands(self.member.commands(key));
        if config.history_file.is_none() && !config.history_on_stdout {
            builder = builder.event_log(self.member.events(key));
        }
        builder.dry_run(self.dry_run).shadow(self.shadow).resume(self.resume).build().await
    }

    /// Runs an app until it is told to stop, or another process has it.
    pub(super) async fn run<O>(self: Arc<Self>, job: Job<O>)
    where
        O: FnMut(&Arc<Event>) + Clone + Send + Sync + 'static,
    {
        let Job { key, epoch, loaded, spread, observer, handle: slot, mut stop } = job;
        let opened = tokio::select! {
            _ = &mut stop => return,
            opened = self.open(&loaded, &key, epoch, &observer) => opened,
        };
        if let Some((mut autoscaler, handle)) = opened {
            autoscaler.clock().scope_sync(|| {
                loaded.in_lines(&loaded.warnings).iter().for_each(|warning| tracing::warn!("{warning}"));
                autoscaler.pace().iter().for_each(|line| tracing::info!("{line}"));
            });
            // Half an interval at most: nobody may have checked it for the time of a lease.
            autoscaler.set_first_check_after(loaded.config.check_frequency / 2 / spread.count.max(1) * spread.place);
            if let Ok(mut slot) = slot.lock() {
                *slot = Some(handle.clone());
            }
            let run = autoscaler.run();
            tokio::pin!(run);
            tokio::select! {
                () = &mut run => {}
                _ = &mut stop => {
                    handle.stop();
                    run.await;
                    return;
                }
            }
        }
        // Another process has it, or it can't be opened here: it is not tried again in a hurry.
        tokio::select! {
            _ = stop => {}
            () = sleep(AGAIN) => {}
        }
    }

    /// Tries until it is open. `None`: it can't be opened here; why is said.
    async fn open<O>(&self, loaded: &Loaded, key: &AppKey, epoch: i64, observer: &O) -> Option<(Autoscaler, Handle)>
    where
        O: FnMut(&Arc<Event>) + Clone + Send + Sync + 'static,
    {
        loop {
            match self.build(loaded, key, epoch, observer.clone()).await {
                Ok(opened) => return Some(opened),
                Err(BuildError::Held { .. } | BuildError::State(StoreError::Lost)) => return None,
                Err(BuildError::State(error)) => tracing::debug!("{}: {error}; tried again", key.as_str()),
                Err(error) => {
                    tracing::error!("{}: {error}", loaded.path.display());
                    return None;
                }
            }
            sleep(AGAIN).await;
        }
    }
}
