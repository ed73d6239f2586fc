//! HTTP clients that apps have in common: one per set of trusted roots, since a client is its connection pool, and a limit
//! of open connections to each host. Sends nothing itself.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::agent::{USER_AGENT, is_loopback};
use super::tls::{self, MachineRoots};

/// Open connections to one host at most. Requests beyond them wait, which counts in their deadline.
const OPEN_PER_HOST: usize = 32;
/// Idle connections to one host at most.
const IDLE_PER_HOST: usize = 4;
/// Connections that were idle for this long are not used again: a server may be closing them at that moment.
const IDLE: Duration = Duration::from_secs(20);

/// Clients and connection limits. Clones share them.
#[derive(Clone, Default)]
pub struct ClientPool {
    inner: Arc<Inner>,
    /// What the program adds to its name, so that services can tell its processes apart.
    comment: Option<Arc<str>>,
}

#[derive(Default)]
struct Inner {
    clients: Mutex<HashMap<Key, reqwest::Client>>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// What two services must have in common to share a client.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// The content of the `ca_file`.
    extra_roots: Option<Vec<u8>>,
    https: bool,
    loopback: bool,
    connect_timeout: Duration,
}

impl ClientPool {
    /// One whose clients add this to the program's name.
    pub(super) fn with_comment(comment: Option<Arc<str>>) -> Self {
        Self { comment, ..Self::default() }
    }

    /// The client for an address.
    ///
    /// # Errors
    /// The configuration key that is to blame, `None` for the address, and why.
    pub(super) fn client(
        &self,
        url: &Url,
        ca_file: Option<&Path>,
        roots: &MachineRoots,
        connect_timeout: Duration,
    ) -> Result<reqwest::Client, (Option<&'static str>, String)> {
        let https = url.scheme() == "https";
        let extra_roots = ca_file.map(tls::read_extra).transpose().map_err(|why| (Some("ca_file"), why))?;
        let key = Key { extra_roots, https, loopback: is_loopback(url), connect_timeout };
        let mut clients = self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let extra = ca_file.zip(key.extra_roots.as_deref());
        let extra =
            extra.map(|(path, pem)| tls::roots_of(path, pem)).transpose().map_err(|why| (Some("ca_file"), why))?;
        let tls = tls::config(extra, https.then_some(roots)).map_err(|why| (None, why))?;
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(https)
            // Credentials go to the address of the configuration and nowhere else.
            .redirect(Policy::none())
            .referer(false)
            .user_agent(match &self.comment {
                Some(comment) => format!("{USER_AGENT} ({comment})"),
                None => USER_AGENT.to_owned(),
            })
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST);
        if key.loopback {
            // Whatever HTTPS_PROXY and its like say: no proxy reaches this machine's own sandbox.
            http = http.no_proxy();
        }
        let client = http.build().map_err(|e| (None, format!("no HTTP client: {}", e.without_url())))?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    /// A place among the open connections to a host, until it is dropped.
    pub(super) async fn place(&self, origin: &str) -> OwnedSemaphorePermit {
        let host = {
            let mut hosts = self.inner.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let host = hosts.entry(origin.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(OPEN_PER_HOST)));
            Arc::clone(host)
        };
        host.acquire_owned().await.expect("the semaphore is never closed")
    }
}

impl std::fmt::Debug for ClientPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientPool")
    }
}
