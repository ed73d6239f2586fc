//! What those who do the work have to say to an operator although nothing failed: a code and a sentence. Told as an event,
//! so that log, history, webhook, tray and C hear it alike.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that an operator should know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warning {
    /// What kind: for programs. New ones come, none changes its meaning.
    pub code: Cow<'static, str>,
    /// What, and what to do about it, in one sentence.
    pub text: String,
}

impl Warning {
    /// The clock of this machine and that of a service differ.
    pub const CLOCK: &'static str = "clock";
    /// Somebody else scales the app during a dry run, which stands aside after each change.
    pub const SHADOW_ADVISED: &'static str = "shadow_advised";
    /// The state can't be saved, or is saved again.
    pub const STATE: &'static str = "state";
    /// A damaged state was put aside, or a policy starts without what it knew.
    pub const STARTS_AFRESH: &'static str = "starts_afresh";
    /// Samples of a source could not be read.
    pub const UNREADABLE_SAMPLES: &'static str = "unreadable_samples";
    /// A service announces a change of its interface, or something like it.
    pub const SERVICE: &'static str = "service";
    /// The account's requests for this hour are nearly used up.
    pub const REQUEST_BUDGET: &'static str = "request_budget";
    /// The fall-back source is read, or no longer.
    pub const FALLBACK: &'static str = "fallback";
    /// The history can't be written, or can be again.
    pub const HISTORY: &'static str = "history";
    /// Graphs can't be written, or can be again.
    pub const GRAPH: &'static str = "graph";
    /// Notices can't be posted.
    pub const WEBHOOK: &'static str = "webhook";
    /// Something that was asked for can't be carried out.
    pub const COMMAND: &'static str = "command";
    /// A defect of the program, which did no harm to scaling.
    pub const DEFECT: &'static str = "defect";

    /// One of a code.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code: Cow::Borrowed(code), text: text.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
