//! What the parts of an app have to say to its operator, until the loop tells it as events. Judges nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::warning::Warning;

/// So many wait at most; the oldest is forgotten first.
const MOST: usize = 64;

/// Warnings that wait to be told. A clone speaks into the same ear.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    waiting: VecDeque<Warning>,
    /// The newest of those that are told once.
    told: VecDeque<Warning>,
}

impl Warnings {
    /// Keeps a warning until it is told; one that waits already is not repeated.
    pub fn add(&self, code: &'static str, text: impl Into<String>) {
        let warning = Warning::new(code, text);
        tracing::debug!("{warning}");
        push(&mut self.kept().waiting, warning);
    }

    /// [`Warnings::add`], for what comes again and again: the same is not told a second time.
    pub fn add_once(&self, code: &'static str, text: impl Into<String>) {
        let warning = Warning::new(code, text);
        let mut kept = self.kept();
        if !kept.told.contains(&warning) {
            tracing::debug!("{warning}");
            push(&mut kept.told, warning.clone());
            push(&mut kept.waiting, warning);
        }
    }

    /// [`Warnings::add`], for what is the same although its numbers differ: told once, until [`Warnings::forget_kind`].
    pub fn add_kind(&self, code: &'static str, kind: &str, text: impl Into<String>) {
        let mut kept = self.kept();
        let key = Warning::new(code, kind);
        if !kept.told.contains(&key) {
            let warning = Warning::new(code, text);
            tracing::debug!("{warning}");
            push(&mut kept.told, key);
            push(&mut kept.waiting, warning);
        }
    }

    /// What was told of a kind may be told again.
    pub fn forget_kind(&self, code: &'static str, kind: &str) {
        let key = Warning::new(code, kind);
        self.kept().told.retain(|told| *told != key);
    }

    /// Those that wait, oldest first; none of them afterwards.
    pub fn take(&self) -> Vec<Warning> {
        self.kept().waiting.drain(..).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds one that is not there yet; the oldest makes room for it.
fn push(list: &mut VecDeque<Warning>, warning: Warning) {
    if list.contains(&warning) {
        return;
    }
    if list.len() == MOST {
        list.pop_front();
    }
    list.push_back(warning);
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
        (0..3).for_each(|_| warnings.add_once(Warning::DEFECT, "each time"));
        assert_eq!(warnings.take().len(), 1);
        warnings.add_once(Warning::DEFECT, "each time");
        assert!(warnings.take().is_empty());
        (0..2 * MOST).for_each(|n| warnings.add(Warning::STATE, n.to_string()));
        let kept = warnings.take();
        assert_eq!((kept.len(), kept[0].text.as_str()), (MOST, "64"));
    }
}
