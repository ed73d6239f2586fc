//! What an earlier process did and died before it was told: the events of the last check that its state has and its history
//! lacks. Decides nothing.

use crate::engine::SharedEventLog;
use crate::engine::event_log::EventLog as _;
use crate::engine::ledger::Ledger;
use crate::model::event::{Event, Kind};

/// Bytes of the history's end that are looked at.
const LOOKED_AT: u64 = 256 << 10;

/// The events that the state has and the history lacks, oldest first.
pub(super) async fn events(ledger: &Ledger, log: &SharedEventLog) -> Vec<Event> {
    let of_failure = ledger.last_failure.iter();
    let mut untold: Vec<_> = ledger.last_changes.iter().chain(of_failure).chain(&ledger.last_check).cloned().collect();
    let Some(Event { app, process, .. }) = untold.first().cloned() else { return untold };
    let Ok(text) = log.lock().await.read_newest(LOOKED_AT).await else { return Vec::new() };
    let newest = text
        .lines()
        .rev()
        .filter_map(|line| serde_json::from_str::<Event>(line).ok())
        .find(|event| event.app == app && event.process == process)
        .map(|event| event.at);
    untold.retain(|event| match newest {
        // The history keeps milliseconds.
        Some(newest) => event.at.as_micros() > newest.as_micros() + 1000,
        // It may have been put away: only what cost or saved money is worth a line that stands there already.
        None => is_change(event),
    });
    untold.sort_by_key(|event| event.at);
    untold
}

fn is_change(event: &Event) -> bool {
    match &event.kind {
        Kind::Checked(check) => check.applied != check.dynos,
        Kind::ChangeConfirmed { .. } => true,
        _ => false,
    }
}
