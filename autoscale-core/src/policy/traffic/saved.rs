//! The traffic policy's memory as bytes, and back. What can't have been saved by this program is refused: it would decide
//! nonsense ever after.

use serde::{Deserialize, Serialize};

use super::belief::Belief;
use super::load::{Errors, Levels};
use super::slots::{SavedSlots, SlotNo};
use super::{BARRED_FIRST_S, BARRED_LONGEST_S, Traffic};
use crate::policy::changes::Changes;
use crate::policy::regret::Regret;
use crate::policy::rule::CorruptMemory;

/// What is kept over a restart.
#[derive(Serialize, Deserialize)]
struct Saved {
    slots: SavedSlots,
    learnt: Option<SlotNo>,
    belief: Option<Belief>,
    changes: Changes,
    errors: Errors,
    levels: Levels,
    regret: Regret<BARRED_FIRST_S, BARRED_LONGEST_S>,
    was_over: bool,
    /// As the fall-back saved it.
    fallback: Vec<u8>,
}

impl Saved {
    fn is_sound(&self) -> bool {
        self.belief.as_ref().is_none_or(Belief::is_sound)
            && self.changes.is_sound()
            && self.errors.is_sound()
            && self.levels.is_sound()
    }
}

impl Traffic {
    pub(super) fn saved(&self) -> Vec<u8> {
        let saved = Saved {
            slots: SavedSlots::of(&self.slots),
            learnt: self.learnt,
            belief: self.belief.clone(),
            changes: self.changes.clone(),
            errors: self.errors.clone(),
            levels: self.levels.clone(),
            regret: self.regret.clone(),
            was_over: self.was_over,
            fallback: self.fallback.save(),
        };
        postcard::to_allocvec(&saved).expect("memory to memory")
    }

    pub(super) fn restore_saved(&mut self, saved: &[u8]) -> Result<(), CorruptMemory> {
        let saved: Saved = postcard::from_bytes(saved).map_err(|_| CorruptMemory)?;
        let saved = Some(saved).filter(Saved::is_sound).ok_or(CorruptMemory)?;
        let slots = saved.slots.restore().ok_or(CorruptMemory)?;
        if !slots.can_be_learnt(saved.learnt) {
            return Err(CorruptMemory);
        }
        self.fallback.restore(&saved.fallback)?;
        self.slots = slots;
        self.learnt = saved.learnt;
        self.belief = saved.belief;
        self.changes = saved.changes;
        self.errors = saved.errors;
        self.levels = saved.levels;
        self.regret = saved.regret;
        self.was_over = saved.was_over;
        self.errors.make_room();
        self.levels.make_room();
        self.regret.make_room();
        Ok(())
    }
}
