//! An app's state and whether it is well, as the long form and the table take it. Asks nobody, prints nothing.

use autoscale_core::workspace::event::{Event, Kind, Outcome};
use autoscale_core::workspace::status::Status;

/// What was found out about an app, and whether all is well for the exit code.
pub(super) struct Look {
    pub(super) status: Status,
    pub(super) well: bool,
}

/// Why an app is not well, in a sentence.
pub(super) fn why_not_well(status: &Status) -> Option<String> {
    if let Some(error) = &status.state_error {
        return Some(format!("{}: {error}", status.state_file));
    }
    if let Some(Event { kind: Kind::CheckFailed { error, in_a_row, .. }, .. }) = &status.last_failure {
        let times = if *in_a_row > 1 { format!("{in_a_row} times in a row: ") } else { String::new() };
        return Some(format!("{times}{error}"));
    }
    if let Some(Event { kind: Kind::Checked(check), .. }) = &status.last_check
        && check.outcome == Outcome::Failed
    {
        return Some(check.to_string());
    }
    let why = match (status.last_check.is_some(), status.running) {
        (true, true) => "the loop runs, but its checks are overdue",
        (true, false) if status.overdue => "no loop runs, and the last check is long ago",
        (true, false) => "no loop runs",
        (false, true) => "no check recorded yet: can the state be written?",
        (false, false) => "no loop runs, and no check is known of",
    };
    Some(why.into())
}
