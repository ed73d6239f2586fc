//! The way to the database: connections that come back by themselves, and statements with a time limit. While it is away
//! each statement fails at once. Knows no table.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row};

use super::address::Address;
use super::timing::Timing;
use crate::config::Secret;
use crate::engine::permit::StoreError;
use crate::engine::warnings::Warnings;
use crate::model::warning::Warning;

/// Connections for state, history and commands; leases have one of their own, which nothing else holds up.
const FOR_STATE: usize = 2;
/// Pause before the next attempt at a connection: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// A value and its type, as a statement takes it.
pub(super) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// A PostgreSQL that several processes share. Clones share its connections, which end with the last of them.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    links: Vec<Link>,
    next: AtomicUsize,
    timing: Timing,
    warnings: Warnings,
    /// A bit for each connection on which the last statement got no answer.
    away: AtomicUsize,
    statements: AtomicU64,
}

/// A connection, or why there is none.
#[derive(Clone)]
enum State {
    Connecting,
    Up(Arc<Client>),
    Down(String),
}

struct Link {
    state: watch::Receiver<State>,
    /// Asks for a new connection, since this one does not answer.
    suspect: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Which connection a statement takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Leases,
    State,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database")
    }
}

impl Database {
    /// Begins to connect, and does not wait for it. `name` is how the database lists the connections; `speed` how many
    /// times faster than the wall clock time passes.
    ///
    /// # Errors
    /// In words, where the address can't be used.
    pub fn open(url: &Secret, name: &str, speed: f64) -> Result<Self, String> {
        let timing = Timing::at_speed(speed);
        let links = (0..=FOR_STATE).map(|_| {
            let Address { mut config, tls } = Address::read(url)?;
            config.application_name(name).connect_timeout(timing.answer).tcp_user_timeout(timing.answer);
            config.keepalives_idle(timing.answer);
            let (sender, state) = watch::channel(State::Connecting);
            let suspect = Arc::new(Notify::new());
            let task = tokio::spawn(keep_connected(config, tls, timing.answer, sender, Arc::clone(&suspect)));
            Ok(Link { state, suspect, task })
        });
        Ok(Self(Arc::new(Inner {
            links: links.collect::<Result<_, String>>()?,
            next: AtomicUsize::new(0),
            timing,
            warnings: Warnings::default(),
            away: AtomicUsize::new(0),
            statements: AtomicU64::new(0),
        })))
    }

    /// How many statements were sent so far.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// What an operator should know: that the database is away, and that it is back. Each is said once, whoever asks.
    pub fn warnings(&self) -> Vec<Warning> {
        self.0.warnings.take()
    }

    pub(super) fn timing(&self) -> Timing {
        self.0.timing
    }

    pub(super) fn warn(&self, text: String) {
        self.0.warnings.add(Warning::STATE, text);
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// [`StoreError::Away`] where there is no answer in time: whether it was carried out is not known then;
    /// [`StoreError::Unavailable`] where the database refuses it.
    pub(super) async fn rows(&self, which: Use, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let number = self.link(which);
        let link = &self.0.links[number];
        let answered = match client(link, self.0.timing.answer).await {
            Err(why) => Err(StoreError::Away(why)),
            Ok(client) => {
                self.0.statements.fetch_add(1, Ordering::Relaxed);
                match timeout(self.0.timing.answer, client.query_typed(sql, values)).await {
                    Ok(Ok(rows)) => Ok(rows),
                    Ok(Err(error)) => Err(self.refused(&error)),
                    Err(_) => {
                        link.suspect.notify_one();
                        Err(StoreError::Away(format!("no answer within {:.0?}", self.0.timing.answer)))
                    }
                }
            }
        };
        self.note(number, answered.as_ref().err());
        answered
    }

    /// Several statements in one string, without values.
    ///
    /// # Errors
    /// As [`Database::rows`].
    pub(super) async fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let client =
            client(&self.0.links[self.link(Use::Leases)], self.0.timing.answer).await.map_err(StoreError::Away)?;
        client.batch_execute(sql).await.map_err(|error| self.refused(&error))
    }

    /// The number of the connection to take.
    fn link(&self, which: Use) -> usize {
        match which {
            Use::Leases => 0,
            Use::State => 1 + self.0.next.fetch_add(1, Ordering::Relaxed) % FOR_STATE,
        }
    }

    /// A connection that broke, and a server that is going down or coming up, are the same as no answer.
    fn refused(&self, error: &tokio_postgres::Error) -> StoreError {
        let text = cause(error);
        match error.code().map(tokio_postgres::error::SqlState::code) {
            Some(code) if !code.starts_with("57P") && !code.starts_with("08") && !code.starts_with("53") => {
                StoreError::Unavailable(format!("the database refuses: {text}"))
            }
            _ => StoreError::Away(text),
        }
    }

    /// Says when the database goes, and when it is back on all connections.
    fn note(&self, link: usize, error: Option<&StoreError>) {
        let Inner { away, warnings, .. } = &*self.0;
        let bit = 1 << link;
        match error {
            Some(StoreError::Away(why)) => {
                if away.fetch_or(bit, Ordering::Relaxed) == 0 {
                    let text = format!(
                        "the database does not answer ({why}): no dynos are changed until it does; checks go on"
                    );
                    warnings.add(Warning::STATE, text);
                }
            }
            _ => {
                if away.fetch_and(!bit, Ordering::Relaxed) == bit {
                    warnings.add(Warning::STATE, "the database answers again: changes are sent again");
                }
            }
        }
    }
}

/// The connection of a link; waits for the first one alone.
async fn client(link: &Link, within: Duration) -> Result<Arc<Client>, String> {
    let mut state = link.state.clone();
    let settled = timeout(within, state.wait_for(|state| !matches!(state, State::Connecting))).await;
    match settled.map(|settled| settled.map(|state| state.clone())) {
        Ok(Ok(State::Up(client))) => Ok(client),
        Ok(Ok(State::Down(why))) => Err(why),
        _ => Err("no connection in time".into()),
    }
}

/// What went wrong: in the database's own words where it said something.
fn cause(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Connects, and connects again whenever the connection ends or is suspected.
async fn keep_connected(
    config: Config,
    tls: Option<rustls_tokio_postgres::MakeRustlsConnect>,
    within: Duration,
    state: watch::Sender<State>,
    suspect: Arc<Notify>,
) {
    let mut pause = PAUSE.0;
    loop {
        match timeout(within, connect(&config, tls.clone())).await {
            Ok(Ok((client, mut connection))) => {
                pause = PAUSE.0;
                state.send_replace(State::Up(Arc::new(client)));
                let why = tokio::select! {
                    why = &mut connection => why.unwrap_or_else(|_| "the connection ended".into()),
                    () = suspect.notified() => "it did not answer in time".into(),
                };
                connection.abort();
                state.send_replace(State::Down(why));
            }
            Ok(Err(error)) => drop(state.send_replace(State::Down(cause(&error)))),
            Err(_) => drop(state.send_replace(State::Down("no connection in time".into()))),
        }
        sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// A client, and the task that serves it, which ends with why the connection did.
async fn connect(
    config: &Config,
    tls: Option<rustls_tokio_postgres::MakeRustlsConnect>,
) -> Result<(Client, JoinHandle<String>), tokio_postgres::Error> {
    let why = |ended: Result<(), tokio_postgres::Error>| ended.map_or_else(|error| cause(&error), |()| "closed".into());
    Ok(match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await?;
            (client, tokio::spawn(async move { why(connection.await) }))
        }
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            (client, tokio::spawn(async move { why(connection.await) }))
        }
    })
}
