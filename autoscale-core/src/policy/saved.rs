//! A policy's memory as bytes, and back. The bytes are for the program that wrote them: another version refuses them.

use crate::config::Settings;
use crate::policy::decider::{Decider, Rule};
use crate::policy::memory::Memory;

/// First bytes of a saved memory, with the version of its form.
const MAGIC: &[u8; 8] = b"autosc\x00\x02";

/// A saved memory that can't be read: not one, of another version, or broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a saved policy memory of this version, or damaged")]
pub struct CorruptMemory;

impl Decider {
    /// What it remembers, as bytes for [`Decider::restore`]. Exact: a restored policy decides as this one would.
    pub fn save(&self) -> Vec<u8> {
        let body = postcard::to_allocvec(&(&self.memory, &self.rule)).expect("memory to memory");
        [MAGIC.as_slice(), &checksum(&body).to_le_bytes(), &body].concat()
    }

    /// A policy that remembers what was saved. Memory of a rule other than `settings` names is left out.
    ///
    /// # Errors
    /// [`CorruptMemory`] where the bytes are not what [`Decider::save`] gave.
    pub fn restore(settings: Settings, saved: &[u8]) -> Result<Self, CorruptMemory> {
        let rest = saved.strip_prefix(MAGIC).ok_or(CorruptMemory)?;
        let (sum, body) = rest.split_first_chunk::<8>().ok_or(CorruptMemory)?;
        if u64::from_le_bytes(*sum) != checksum(body) {
            return Err(CorruptMemory);
        }
        let (memory, rule): (Memory, Rule) = postcard::from_bytes(body).map_err(|_| CorruptMemory)?;
        if let Rule::Adaptive(adaptive) = &rule
            && !adaptive.is_sound()
        {
            return Err(CorruptMemory);
        }
        let mut decider = Self { rule, memory, settings: settings.clone() };
        decider.set_settings(settings);
        Ok(decider)
    }
}

/// FNV-1a (public domain): against damage, not against malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
