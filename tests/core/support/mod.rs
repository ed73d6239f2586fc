//! What several topics need: a server that plays a script, faults included, the clients of a sandbox, and an ear for the
//! log, and how long anything is waited for.

use std::time::Duration;

pub(crate) mod clients;
pub(crate) mod kept;
pub(crate) mod log;
#[cfg(all(unix, feature = "postgres"))]
pub(crate) mod postgres;
pub(crate) mod scripted;

/// Longer than anything takes on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(LONG, waiting).await.is_ok(), "waited {LONG:?} in vain for {what}");
}
