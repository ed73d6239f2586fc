//! What the system allows a process: how many files it may have open, how long one may become, and how many threads start.

use autoscale_core::workspace::defect;

use crate::exit::Exit;

/// Open files of a process beside those of its apps: streams, log, runtime, timers, names that are looked up.
const OWN: u64 = 64;
/// Open connections at most: some to each of a few hosts.
const CONNECTIONS: u64 = 96;
/// Open files of one app: its locks, and the stream of its router log.
const OF_AN_APP: u64 = 3;

/// Writing beyond `ulimit -f` is an error from here on, as a full disk is, and no end of the process.
#[cfg(unix)]
pub(crate) fn outlive_the_largest_file() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: the signal is ignored; no code runs in its handler.
    let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
}

#[cfg(not(unix))]
pub(crate) fn outlive_the_largest_file() {}

/// Where a thread does not start, the runtime panics, and what ends for it says why in a sentence: the panic need not be
/// printed before.
pub(crate) fn say_once_where_no_thread_starts() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload = info.payload();
        let said =
            payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
        if said.is_some_and(tells_of_no_thread) {
            defect::note_place(info);
        } else {
            before(info);
        }
    }));
}

/// Is that the panic of a runtime that gets no thread?
pub(crate) fn tells_of_no_thread(panic: &str) -> bool {
    panic.contains("spawn") && panic.contains("thread")
}

/// Makes room for the open files of so many apps: raises the soft limit to the hard one.
///
/// # Errors
/// They do not fit in the hard limit either: what to do, and how the program ends.
#[cfg(unix)]
pub(crate) fn make_room(apps: usize) -> Result<(), (String, Exit)> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    let raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    #[allow(clippy::useless_conversion, reason = "not 64 bits wide on every platform")]
    let limit = u64::from(if raised { hard } else { soft });
    match needed(apps) {
        needed if needed <= limit => Ok(()),
        needed => {
            let text = format!(
                "{apps} apps need {needed} open files, and this process may have {limit}: raise the limit (ulimit -Hn, \
                 LimitNOFILE= of a systemd unit) or run them in several processes"
            );
            Err((text, Exit::Failed))
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn make_room(_: usize) -> Result<(), (String, Exit)> {
    Ok(())
}

/// Open files that so many apps need at most. A few fit in what every system allows.
#[cfg(unix)]
fn needed(apps: usize) -> u64 {
    let apps = u64::try_from(apps).unwrap_or(u64::MAX);
    let connections = CONNECTIONS.min(apps.saturating_mul(2));
    OWN.saturating_add(connections).saturating_add(apps.saturating_mul(OF_AN_APP))
}
