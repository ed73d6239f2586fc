//! One HTTP client for every service: TLS, time-outs, retries with jitter inside a deadline, rate budgets, a cap on
//! bodies, and errors that name the key to mend and hold no secret. [`json`] and [`listed`] read bodies, and build without
//! the client. Nothing here knows an API.

#[cfg(feature = "http")]
mod agent;
#[cfg(feature = "http")]
mod budget;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod describe;
pub(crate) mod json;
pub(crate) mod listed;
#[cfg(feature = "http")]
mod options;
#[cfg(feature = "http")]
mod peer;
#[cfg(feature = "http")]
mod pool;
#[cfg(feature = "http")]
mod proxy;
#[cfg(feature = "http")]
mod redaction;
#[cfg(feature = "http")]
mod retry_after;
#[cfg(feature = "http")]
mod shared;
#[cfg(feature = "http")]
mod tls;

#[cfg(feature = "http")]
pub(crate) use agent::{USER_AGENT, is_loopback};
#[cfg(feature = "http")]
pub use budget::{Budget, RateBudgets};
#[cfg(feature = "http")]
pub(crate) use client::{Answer, Client};
#[cfg(feature = "http")]
pub(crate) use describe::root;
#[cfg(feature = "http")]
pub use options::HttpOptions;
#[cfg(feature = "http")]
pub(crate) use options::secret_header;
#[cfg(feature = "http")]
pub(crate) use peer::Peer;
#[cfg(feature = "http")]
pub use pool::ClientPool;
#[cfg(feature = "http")]
pub(crate) use proxy::proxy_of;
#[cfg(feature = "http")]
pub(crate) use redaction::Redaction;
#[cfg(feature = "http")]
pub use retry_after::{retry_after, server_time};
#[cfg(feature = "http")]
pub use shared::Shared;
#[cfg(feature = "http")]
pub use tls::MachineRoots;
#[cfg(feature = "http")]
pub(crate) use tls::{config as tls_config, extra as extra_roots};
