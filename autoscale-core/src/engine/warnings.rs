//! What the parts of an app have to say to its operator, until the loop tells it as events. Judges nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::warning::Warning;

/// So many wait at most; the oldest is forgotten first.
const MOST: usize = 64;

/// Warnings that wait to be told. A clone speaks into the same ear.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<VecDeque<Warning>>>);

impl Warnings {
    /// Keeps a warning until it is told; one that waits already is not repeated.
    pub fn add(&self, code: &'static str, text: impl Into<String>) {
        let warning = Warning::new(code, text);
        tracing::debug!("{warning}");
        let mut waiting = self.waiting();
        if waiting.contains(&warning) {
            return;
        }
        if waiting.len() == MOST {
            waiting.pop_front();
        }
        waiting.push_back(warning);
    }

    /// Those that wait, oldest first; none of them afterwards.
    pub fn take(&self) -> Vec<Warning> {
        self.waiting().drain(..).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Warning>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_once_and_is_bounded() {
        let warnings = Warnings::default();
        let other = warnings.clone();
        other.add(Warning::STATE, "the same");
        other.add(Warning::STATE, "the same");
        assert_eq!(warnings.take(), [Warning::new(Warning::STATE, "the same")]);
        assert!(warnings.take().is_empty());
        (0..2 * MOST).for_each(|n| warnings.add(Warning::STATE, n.to_string()));
        let kept = warnings.take();
        assert_eq!((kept.len(), kept[0].text.as_str()), (MOST, "64"));
    }
}
