//! Which events are told to people, and how: a stream of events in, a short notice now and then out. Pure; it remembers
//! what was told. Used by the webhook and the tray alike; nothing is sent from here.

use std::collections::HashMap;

use crate::event::Event;

/// Something worth telling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Which app, and what in a few words: "shop: 3 → 4 dynos". The process type is named unless it is `web`.
    pub title: String,
    /// Why, in one sentence.
    pub body: String,
    /// All of it in one line: "shop web: 3 → 4 dynos: 2 of the last 3 results over 2000 ms, the newest 2400 ms".
    pub text: String,
}

/// Kinds of [`Notice`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum NoticeKind {
    /// Dynos were added.
    ScaledUp,
    /// Dynos were taken away.
    ScaledDown,
    /// Dry run: the formation would have been changed.
    WouldScale,
    /// The formation was outside of `min_dynos` and `max_dynos`, and was brought nearer.
    BoundsCorrected,
    /// The platform allows less than was asked for.
    Limited,
    /// The platform refused a change, or could not be reached.
    ScaleFailed,
    /// At the most dynos it may have, and more are wanted.
    AtMax,
    /// More dynos do not help.
    Futile,
    /// Somebody else changed the formation; it is left alone for a while.
    ManualOverride,
    /// Checks fail.
    ChecksFail,
    /// Checks work again.
    Recovered,
    /// A new configuration is in force.
    ConfigReloaded,
    /// A new configuration was refused.
    ConfigRefused,
}

/// Chooses what is told. One of these serves any number of apps.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    told: HashMap<(String, String), ()>,
}

impl Notices {
    /// What is to be told of an event, if anything.
    pub fn notice(&mut self, _event: &Event) -> Option<Notice> {
        None
    }
}
