//! A process as a member of a fleet: renews its leases, takes free shards and gives others back, and says which ones it
//! holds. Whoever runs the apps follows that, and says when those of a shard that is given back have stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::app::AppKey;
use super::budgets::PostgresBudgets;
use super::commands::PostgresCommands;
use super::database::Database;
use super::events::PostgresEvents;
use super::inbox::Inbox;
use super::leases::{Leases, Round};
use super::share::{Own, Plan, Share, Weighed};
use super::state::PostgresStore;
use crate::engine::permit::StoreError;

/// Time between two looks for what is too old.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// The same where one look was not enough.
const PRUNE_AGAIN: Duration = Duration::from_secs(5);

/// The shards that a member holds, each with the epoch of its claim.
pub type Held = BTreeMap<i16, i64>;

/// A process that shares the apps of a database with others. Dropped, it stops renewing; to hand its apps over at once it
/// has to [leave](Member::leave).
#[derive(Debug)]
pub struct Member {
    leases: Leases,
    inbox: Inbox,
    budgets: PostgresBudgets,
    held: watch::Receiver<Held>,
    asks: mpsc::UnboundedSender<Ask>,
    leave: Option<oneshot::Sender<oneshot::Sender<Result<(), StoreError>>>>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Ask {
    Apps(Vec<AppKey>),
    Stopped(i16),
}

impl Member {
    /// Joins those that share a database, for these apps. `name` is for people. Does not wait for the database, whose
    /// tables must be up to date.
    pub fn join(database: &Database, name: &str, apps: &[AppKey], history_days: u32) -> Self {
        let leases = Leases { database: database.clone(), id: Uuid::new_v4(), name: name.to_owned() };
        let (held, receiver) = watch::channel(Held::new());
        let (asks, asked) = mpsc::unbounded_channel();
        let (leave, left) = oneshot::channel();
        let inbox = Inbox::default();
        let timing = database.timing();
        let budgets = PostgresBudgets::new(timing.borrow, timing.speed);
        let now = Instant::now();
        let work = Work {
            leases: leases.clone(),
            inbox: inbox.clone(),
            budgets: budgets.clone(),
            members: 1,
            held,
            asked,
            apps: apps.to_vec(),
            added: false,
            giving_back: BTreeSet::new(),
            stopped: BTreeSet::new(),
            pace: None,
            history_days,
            round_at: now,
            look_at: now,
            prune_at: now + PRUNE_EVERY.mul_f64(rand::random()),
        };
        let task = tokio::spawn(work.run(left));
        Self { leases, inbox, budgets, held: receiver, asks, leave: Some(leave), task }
    }

    /// Its id, by which the database and others know it.
    pub fn id(&self) -> Uuid {
        self.leases.id
    }

    /// The shards that it holds: the apps in them are its to run, and no others.
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.clone()
    }

    /// Goes on with these apps.
    pub fn set_apps(&self, apps: &[AppKey]) {
        let _ = self.asks.send(Ask::Apps(apps.to_vec()));
    }

    /// The apps of a shard that is no longer held have stopped: another member may have it.
    pub fn stopped(&self, shard: i16) {
        let _ = self.asks.send(Ask::Stopped(shard));
    }

    /// Hands all shards over to the others, and leaves. Their apps must have stopped.
    ///
    /// # Errors
    /// The database does not answer: the others take over when the leases have ended.
    pub async fn leave(mut self) -> Result<(), StoreError> {
        let gone = || StoreError::Away("the member has ended".into());
        let (reply, replied) = oneshot::channel();
        self.leave.take().ok_or_else(gone)?.send(reply).map_err(|_| gone())?;
        replied.await.map_err(|_| gone())?
    }

    /// The state of an app whose shard it holds since this epoch.
    pub fn store(&self, app: &AppKey, epoch: i64) -> PostgresStore {
        PostgresStore::new(&self.leases.database, app.clone(), self.leases.id, epoch)
    }

    /// The history of an app.
    pub fn events(&self, app: &AppKey) -> PostgresEvents {
        PostgresEvents::of(&self.leases.database, app.clone())
    }

    /// The rate budgets that it shares with the others.
    pub fn budgets(&self) -> PostgresBudgets {
        self.budgets.clone()
    }

    /// The commands to an app.
    pub fn commands(&self, app: &AppKey) -> PostgresCommands {
        PostgresCommands::taking(&self.leases.database, app.clone(), self.inbox.clone())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    leases: Leases,
    inbox: Inbox,
    budgets: PostgresBudgets,
    /// How many members there are, as far as is known.
    members: usize,
    held: watch::Sender<Held>,
    asked: mpsc::UnboundedReceiver<Ask>,
    apps: Vec<AppKey>,
    /// Do its apps have rows?
    added: bool,
    /// Shards whose apps are stopping.
    giving_back: BTreeSet<i16>,
    /// Those of them whose apps have stopped.
    stopped: BTreeSet<i16>,
    pace: Option<u32>,
    history_days: u32,
    round_at: Instant,
    look_at: Instant,
    prune_at: Instant,
}

impl Work {
    async fn run(mut self, mut left: oneshot::Receiver<oneshot::Sender<Result<(), StoreError>>>) {
        loop {
            // What a step leaves half done, the next round finds in the database.
            tokio::select! {
                biased;
                reply = &mut left => {
                    if let Ok(reply) = reply {
                        let _ = reply.send(self.leases.leave().await);
                    }
                    return;
                }
                () = self.step() => {}
            }
        }
    }

    async fn step(&mut self) {
        let (round_at, look_at, prune_at) = (self.round_at, self.look_at, self.prune_at);
        tokio::select! {
            biased;
            Some(ask) = self.asked.recv() => self.take(ask).await,
            () = sleep_until(round_at) => {
                let timing = self.leases.database.timing();
                // Its own time first: a round that is dropped must not come again at once.
                self.round_at = Instant::now() + timing.renew / 3;
                let round = self.round().await;
                if let Err(error) = self.budgets.borrow(&self.leases.database, self.members).await {
                    tracing::debug!("rate budgets are not shared now: {error}");
                }
                if round == Ok(Soon::No) {
                    self.round_at = Instant::now() + timing.renew.mul_f64(0.9 + rand::random::<f64>() / 10.0);
                }
            }
            () = sleep_until(look_at) => {
                self.look_at = Instant::now() + self.leases.database.timing().look;
                if let Err(error) = self.inbox.look(&self.leases.database).await {
                    tracing::debug!("commands can't be read: {error}");
                }
            }
            () = sleep_until(prune_at) => {
                self.prune_at = Instant::now() + PRUNE_EVERY;
                match self.leases.prune(self.history_days).await {
                    Ok(true) => self.prune_at = Instant::now() + PRUNE_AGAIN,
                    Ok(false) => {}
                    Err(error) => tracing::debug!("what is too old can't be removed: {error}"),
                }
            }
        }
    }

    async fn take(&mut self, ask: Ask) {
        match ask {
            Ask::Apps(apps) => (self.apps, self.added, self.round_at) = (apps, false, Instant::now()),
            Ask::Stopped(shard) if self.giving_back.contains(&shard) => {
                self.stopped.insert(shard);
                self.hand_back().await;
            }
            Ask::Stopped(_) => {}
        }
    }

    /// Gives the database what has stopped; a round that finds it still there does so again.
    async fn hand_back(&mut self) {
        let shards: Vec<i16> = self.stopped.iter().copied().collect();
        if !shards.is_empty() && self.leases.hand_back(&shards).await.is_ok() {
            self.giving_back.retain(|shard| !shards.contains(shard));
            self.stopped.clear();
        }
    }

    /// Renews, and acts on what that shows.
    async fn round(&mut self) -> Result<Soon, StoreError> {
        if !self.added {
            self.leases.add_apps(&self.apps).await?;
            self.added = true;
        }
        let weights = weights(&self.apps);
        let wanted: Vec<i16> = weights.keys().copied().collect();
        let mine = self.held.borrow().keys().filter_map(|shard| weights.get(shard)).sum();
        let Round { kept, free, mut others } = self.leases.renew(mine, &wanted).await?;
        let kept: Held = kept.into_iter().collect();
        self.giving_back.retain(|shard| kept.contains_key(shard));
        self.stopped.retain(|shard| kept.contains_key(shard));
        self.giving_back.extend(kept.keys().filter(|shard| !weights.contains_key(shard)));
        self.hand_back().await;
        self.members = others.len() + 1;
        others.sort_unstable();
        let place = others.iter().filter(|(id, _)| *id < self.leases.id).count();
        let others: Vec<u32> = others.into_iter().map(|(_, apps)| apps).collect();
        let weighed = |shard: &i16| Some((*shard, *weights.get(shard)?));
        let own: Vec<Weighed> =
            kept.keys().filter(|shard| !self.giving_back.contains(shard)).filter_map(weighed).collect();
        let free: Vec<Weighed> = free.iter().filter_map(weighed).collect();
        let share = Share {
            mine: &own,
            free: &free,
            others: &others,
            own: Own { place },
            total: weights.values().sum(),
            largest: weights.values().max().copied().unwrap_or_default(),
        };
        let Plan { give, take, pace } = share.plan(self.pace);
        self.pace = pace;
        self.giving_back.extend(give);
        self.publish(&kept, &[]);
        let soon = if share.is_short() { Soon::Yes } else { Soon::No };
        if take.is_empty() {
            return Ok(soon);
        }
        let claimed = self.leases.claim(&take).await?;
        self.publish(&kept, &claimed);
        Ok(Soon::Yes)
    }

    fn publish(&self, kept: &Held, claimed: &[(i16, i64)]) {
        let mut held = kept.clone();
        held.extend(claimed.iter().copied());
        held.retain(|shard, _| !self.giving_back.contains(shard));
        self.held.send_if_modified(|known| {
            let changed = *known != held;
            *known = held;
            changed
        });
    }
}

/// Is the next round worth having soon?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Soon {
    Yes,
    No,
}

/// How many of the apps are in each shard.
fn weights(apps: &[AppKey]) -> BTreeMap<i16, u32> {
    let mut weights = BTreeMap::new();
    apps.iter().for_each(|app| *weights.entry(app.shard()).or_default() += 1);
    weights
}
