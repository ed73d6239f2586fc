//! Where the policies go beyond their references. Which way is better was measured: docs/adaptive-ideas.md; for the
//! traffic policy, docs/traffic.md says what differs.

use std::time::Duration;

/// What the adaptive policy does against incidents and learns of its scatter, and what the traffic policy does about lost log
/// lines and learns of an app's curve: as their references do, or better.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tuning {
    /// An episode of slowness may grow the formation to this many times its size before it must show an effect...
    pub grow_times: u32,
    /// ...though by no more than this share of what is left up to the most there may be.
    pub grow_room: f64,
    /// A formation that grew so far, and answers no faster this long after, goes back to what it was before the episode;
    /// `None`: it stays.
    pub step_back_after: Option<Duration>,
    /// Is a slowness that went on after the dynos bought against it had their time an incident, however short? What was
    /// believed of the load during an incident is forgotten.
    pub short_incidents: bool,
    /// traffic: Must a removal also be right by the slots whose rows are known alone? Requests that ended later tell of a
    /// part of what arrived in a slot whose own row is lost; the reference takes that part for its load.
    pub known_slots_alone: bool,
    /// traffic: Is it learnt how an app's requests become slow as its dynos get busy? The reference takes every app for
    /// one that gets slow gradually.
    pub learns_shape: bool,
    /// adaptive: Is it learnt how far the app's response times scatter while all is well? In the reference every app's do
    /// by half of their dyno time.
    pub learns_scatter: bool,
}

impl Tuning {
    /// As the reference decides: for comparing the two.
    pub const fn reference() -> Self {
        Self {
            grow_times: 4,
            grow_room: 0.5,
            step_back_after: None,
            short_incidents: false,
            known_slots_alone: false,
            learns_shape: false,
            learns_scatter: false,
        }
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            grow_times: 8,
            grow_room: 0.75,
            step_back_after: Some(Duration::from_secs(600)),
            short_incidents: true,
            known_slots_alone: true,
            learns_shape: true,
            learns_scatter: true,
        }
    }
}
