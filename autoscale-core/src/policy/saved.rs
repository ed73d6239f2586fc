//! A policy's memory as bytes, and back. The bytes are for the program that wrote them: another version refuses them.

use crate::config::Settings;
use crate::model::policy_kind::PolicyKind;
use crate::policy::decider::Decider;
use crate::policy::memory::Memory;
use crate::policy::rule::CorruptMemory;
use crate::policy::table::{self, POLICIES};

/// First bytes of a saved memory, with the version of its form.
const MAGIC: &[u8; 8] = b"autosc\x00\x02";

/// Policies of [`POLICIES`] that a saved memory numbers by their place; every other one is named.
const NUMBERED: usize = 2;

impl Decider {
    /// What it remembers, as bytes for [`Decider::restore`]. Exact: a restored policy decides as this one would.
    pub fn save(&self) -> Vec<u8> {
        let numbered = POLICIES[..NUMBERED].iter().position(|kind| *kind == self.kind);
        let policy = match numbered {
            Some(number) => postcard::to_allocvec(&number),
            None => postcard::to_allocvec(&(NUMBERED, self.kind.name())),
        };
        let memory = postcard::to_allocvec(&self.memory).expect("memory to memory");
        let body = [memory, policy.expect("memory to memory"), self.rule.save()].concat();
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
        let (memory, rest): (Memory, _) = postcard::take_from_bytes(body).map_err(|_| CorruptMemory)?;
        let (kind, rest) = policy_of(rest, &settings)?;
        let Some(kind) = kind else { return Ok(Self { memory, ..Self::new(settings) }) };
        let (kind, mut rule) = table::make(kind);
        rule.restore(rest)?;
        let mut decider = Self { kind, rule, memory, settings: settings.clone() };
        decider.set_settings(settings);
        Ok(decider)
    }
}

/// Whose memory follows, and its bytes; `None` for a policy that is neither built in nor the one of the settings.
fn policy_of<'a>(saved: &'a [u8], settings: &Settings) -> Result<(Option<PolicyKind>, &'a [u8]), CorruptMemory> {
    let (number, rest): (usize, _) = postcard::take_from_bytes(saved).map_err(|_| CorruptMemory)?;
    if number < NUMBERED {
        return Ok((Some(POLICIES[number]), rest));
    }
    if number > NUMBERED {
        return Err(CorruptMemory);
    }
    let (name, rest): (&str, _) = postcard::take_from_bytes(rest).map_err(|_| CorruptMemory)?;
    let known = [settings.policy].into_iter().chain(POLICIES.iter().copied()).find(|kind| kind.name() == name);
    Ok((known, rest))
}

/// FNV-1a (public domain): against damage, not against malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
