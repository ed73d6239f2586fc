//! The policies: what they are shown ([`Observation`]), what they share ([`View`], and the common ground in [`Decider`]), and
//! what each decides by. No IO, no clock, no configuration text.
//!
//! [`Decider`] is a policy with its memory. At each check it is shown an [`Observation`], works out the facts that both
//! policies need ([`View`]), and answers with a [`Decision`](crate::model::decision::Decision). Given its memory it is pure.

mod adaptive;
mod changes;
mod decider;
mod math;
mod memory;
mod missing;
mod observation;
mod regret;
mod rule;
mod saved;
mod shadow;
mod table;
mod threshold;
mod traffic;
pub(crate) mod view;
mod waits;

pub use crate::config::{OnMissingData, Settings, Tuning};
pub use crate::model::policy_kind::{PolicyEntry, PolicyKind};
pub use adaptive::Adaptive;
pub use decider::Decider;
pub use observation::Observation;
pub use rule::{ClonePolicy, CorruptMemory, Maker, Policy, Verdict};
pub use table::POLICIES;
pub use threshold::Threshold;
pub use traffic::Traffic;
pub use view::{Change, View};
