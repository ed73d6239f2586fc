//! Why a decision was taken: a code that never changes its meaning, the numbers behind it, and one sentence for a tired
//! operator. Which of them applies is decided in [`crate::policy`], never here.

mod class;
mod given;
mod numbers;
mod reasons;
mod table;
mod wait;

pub use class::{Class, Mark};
pub use given::GivenReason;
pub use numbers::{NUMBERS, Wait};
pub use reasons::{Reason, ReasonKind};
pub use wait::{Cooldown, Next};
