//! What reached the sandbox, for tests that judge by the server's side: the JSON of `GET /_sandbox`.

use serde::{Deserialize, Serialize};

use crate::model::time::Timestamp;

/// What reached the sandbox so far. Fields only get added.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Dynos that `web` is asked to have now.
    pub dynos: u32,
    /// Reads of a formation, whether or not a fault spoilt them.
    pub reads: u64,
    /// Reads of the check's results, whether or not a fault spoilt them.
    pub results_reads: u64,
    /// Changes of `web` that were carried out, oldest first, the last 10,000 of them. One that set what was there
    /// already is among them.
    pub patches: Vec<Patch>,
    /// How many there were in all.
    pub patches_total: u64,
    /// Changes that reached the sandbox and were not carried out: refused, or met by a fault before.
    pub patches_refused: u64,
    /// Calls that a fault struck.
    pub faults: u64,
    /// Dynos asked for, times hours, since the sandbox began to serve.
    pub dyno_hours: f64,
    /// Share of the simulated app's requests since then that were slower than 2 s or failed, 0 to 1.
    pub requests_slow_share: f64,
    /// Virtual now.
    pub now: Timestamp,
    /// Virtual time at which the sandbox began to serve.
    pub started: Timestamp,
    /// Virtual seconds in a second.
    pub speed: f64,
}

/// A change that was carried out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Patch {
    /// When, in virtual time.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos asked for.
    pub quantity: u32,
    /// Did the client get a whole, proper answer? Not when a fault lost or spoilt it.
    pub answered: bool,
    /// Did this program send it, as its User-Agent says? Otherwise something else that scales the app.
    #[serde(default)]
    pub own: bool,
    /// Who sent it, as its User-Agent says: processes that share a database name themselves in it.
    #[serde(default)]
    pub client: String,
}
