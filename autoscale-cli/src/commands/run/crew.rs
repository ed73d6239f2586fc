//! The apps that run here, as the member holds their shards: starts and stops them, and reads their configurations again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::autoscaler::Handle;
use autoscale_core::workspace::config_file::{Loaded, Place};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::postgres::{AppKey, Held};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::fits::fits;
use super::fleet_app::{Common, Job, Spread};
use super::teller::{STOP_WITHIN, Teller};

/// What the crew is asked for.
pub(super) enum Ask {
    /// Read the configurations again; how many apps take theirs anew is counted.
    Reload {
        forced: bool,
        json: bool,
        count: oneshot::Sender<usize>,
    },
    Stop,
}

/// An app that runs here.
struct Running {
    epoch: i64,
    handle: Arc<Mutex<Option<Handle>>>,
    /// Dropped, it ends.
    stop: Option<oneshot::Sender<()>>,
}

/// The apps that run here.
pub(super) struct Crew {
    common: Arc<Common>,
    configs: BTreeMap<AppKey, Loaded>,
    running: HashMap<AppKey, Running>,
    teller: Teller,
    reloads: UnboundedSender<()>,
}

impl Crew {
    pub(super) fn new(
        common: Common,
        configs: BTreeMap<AppKey, Loaded>,
        teller: Teller,
        reloads: UnboundedSender<()>,
    ) -> Self {
        Self { common: Arc::new(common), configs, running: HashMap::new(), teller, reloads }
    }

    /// Runs until it is told to stop, and hands over what runs then.
    pub(super) async fn run(mut self, mut asked: UnboundedReceiver<Ask>) {
        let mut held = self.common.member.held();
        let mut loops: JoinSet<AppKey> = JoinSet::new();
        loop {
            tokio::select! {
                ask = asked.recv() => match ask {
                    Some(Ask::Reload { forced, json, count }) => drop(count.send(self.reload(forced, json))),
                    Some(Ask::Stop) | None => break,
                },
                changed = held.changed() => if changed.is_err() { break },
                Some(ended) = loops.join_next() => self.ended(ended.ok()),
            }
            let now = held.borrow_and_update().clone();
            self.follow(&now, &mut loops);
        }
        self.running.values_mut().for_each(|running| running.stop = None);
        let _ = timeout(STOP_WITHIN, async { while loops.join_next().await.is_some() {} }).await;
        loops.shutdown().await;
        if let Some(Common { member, .. }) = Arc::into_inner(self.common)
            && let Err(error) = member.leave().await
        {
            tracing::warn!("the apps can't be handed over; others take them when the leases end: {error}");
        }
    }

    /// Stops what is no longer held, and starts what is.
    fn follow(&mut self, held: &Held, loops: &mut JoinSet<AppKey>) {
        let keys: Vec<AppKey> = self.configs.keys().cloned().collect();
        let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        for (place, key) in (0..).zip(&keys) {
            match (held.get(&key.shard()), self.running.get_mut(key)) {
                (Some(epoch), Some(running)) if running.epoch == *epoch => {}
                (Some(epoch), None) => self.start(key, *epoch, Spread { place, count }, loops),
                // Where it is held anew, it starts again once it has ended.
                (_, Some(running)) => running.stop = None,
                (None, None) => {}
            }
        }
        let busy: HashSet<i16> = self.running.keys().map(AppKey::shard).collect();
        let idle = keys.iter().map(AppKey::shard).filter(|shard| !held.contains_key(shard) && !busy.contains(shard));
        idle.for_each(|shard| self.common.member.stopped(shard));
    }

    fn start(&mut self, key: &AppKey, epoch: i64, spread: Spread, loops: &mut JoinSet<AppKey>) {
        let Some(loaded) = self.configs.get(key).cloned() else { return };
        let (teller, reloads) = (Mutex::new(self.teller.for_another_app()), self.reloads.clone());
        let teller = Arc::new(teller);
        let observer = move |event: &Arc<Event>| {
            if let Ok(mut teller) = teller.lock() {
                teller.tell(event);
            }
            if matches!(event.kind, Kind::ConfigReloaded { .. } | Kind::ConfigRefused { .. }) {
                let _ = reloads.send(());
            }
        };
        let (stop, stopped) = oneshot::channel();
        let handle = Arc::default();
        self.running.insert(key.clone(), Running { epoch, handle: Arc::clone(&handle), stop: Some(stop) });
        let job = Job { key: key.clone(), epoch, loaded, spread, observer, handle, stop: stopped };
        let (common, key) = (Arc::clone(&self.common), key.clone());
        loops.spawn(async move {
            common.run(job).await;
            key
        });
    }

    fn ended(&mut self, key: Option<AppKey>) {
        if let Some(key) = key {
            self.running.remove(&key);
            return;
        }
        // Which one a defect has ended is told by its handle.
        self.running.retain(|key, running| {
            let ended = running.handle.lock().is_ok_and(|handle| handle.as_ref().is_some_and(Handle::has_ended));
            if ended {
                tracing::error!("{} was ended by a defect of autoscale, please report it", key.as_str());
            }
            !ended
        });
    }

    /// Reads the configurations of the apps that run here again, each for its app; those of the others are kept for when
    /// they start.
    fn reload(&mut self, forced: bool, json: bool) -> usize {
        let places: Vec<(AppKey, Place)> =
            self.configs.iter().map(|(key, loaded)| (key.clone(), loaded.place())).collect();
        let count = u32::try_from(places.len()).unwrap_or(u32::MAX).max(1);
        let mut reloading = 0;
        for (number, (key, place)) in (0_u32..).zip(places) {
            let handle = self.running.get(&key).and_then(|running| running.handle.lock().ok()?.clone());
            let read = place.load(forced).and_then(|loaded| fits(loaded, false, json));
            if let Some(loaded) = read.ok().filter(|loaded| AppKey::of(&loaded.config) == key) {
                self.configs.insert(key, loaded);
            }
            let Some(handle) = handle else { continue };
            reloading += 1;
            tokio::task::spawn_blocking(move || {
                let loaded = place.load_again(forced).and_then(|loaded| fits(loaded, false, json));
                let after = |loaded: &Loaded| loaded.config.check_frequency / count * number;
                let after = loaded.as_ref().map_or(Duration::ZERO, after);
                handle.reload_file(loaded, after);
            });
        }
        reloading
    }
}
