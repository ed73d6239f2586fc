//! What reaches the session, from loops, faces and signals, and what it hands to the notifier. Types alone.

use std::sync::Arc;
use std::time::Duration;

use autoscale_core::workspace::event::Event;
use tokio::sync::mpsc::UnboundedSender;

use crate::view::{Click, Note};

/// What reaches the session.
#[derive(Debug)]
pub(crate) enum Input {
    /// Something happened to the app of a round at a place.
    Event(u64, usize, Arc<Event>),
    /// When its next check is due, from now on.
    Next(u64, usize, Option<Duration>),
    /// Somebody clicked.
    Click(Click),
    /// Somebody asked for the graph on a notification.
    GraphOf(u64, usize),
    /// Take every configuration anew.
    Reload,
    /// Somebody started a second tray.
    Raised,
    /// Something to tell, from a task in the background.
    Tell(Note),
    /// End.
    Stop,
}

/// A note with the round of its apps.
pub(crate) type Notes = UnboundedSender<(u64, Note)>;
