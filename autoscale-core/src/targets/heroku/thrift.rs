//! Fewer reads of a formation, for processes that share an account's calls among many apps: what was read is believed for a
//! while, and read again right before a change, which is given up where it is no longer as it was.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::permit::Permit;
use crate::engine::ports::{Failure, FailureKind, FormationReading, ScaleTarget};
use crate::model::units::Dynos;
use crate::model::warning::Warning;

/// A target whose formation is read at most once in this time, but for changes.
#[derive(Debug)]
pub struct Thrifty<T> {
    target: T,
    every: Duration,
    known: Option<(Instant, FormationReading)>,
}

impl<T: ScaleTarget> Thrifty<T> {
    /// Of a target; `every` is real time.
    pub fn new(target: T, every: Duration) -> Self {
        Self { target, every, known: None }
    }
}

impl<T: ScaleTarget> ScaleTarget for Thrifty<T> {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        if let Some((read_at, known)) = &self.known
            && read_at.elapsed() < self.every
        {
            return Ok(known.clone());
        }
        let seen = self.target.formation().await?;
        self.known = Some((Instant::now(), seen.clone()));
        Ok(seen)
    }

    async fn scale(&mut self, quantity: u32, permit: &Permit) -> Result<u32, Failure> {
        // What comes of it is read anew, whatever it is.
        let decided_on = self.known.take();
        if let Some((_, known)) = decided_on {
            let seen = self.target.formation().await?;
            if (seen.quantity, seen.maintenance) != (known.quantity, known.maintenance) {
                let maintenance = if seen.maintenance { ", in maintenance mode" } else { "" };
                let text = format!(
                    "the formation has changed since it was read: {}{maintenance}; the next check decides again",
                    Dynos(seen.quantity)
                );
                return Err(Failure::new(FailureKind::Transient, text));
            }
        }
        self.target.scale(quantity, permit).await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.target.warnings()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts its reads; somebody else may change it.
    #[derive(Default)]
    struct App {
        quantity: u32,
        reads: u32,
        changes: Vec<u32>,
    }

    impl ScaleTarget for &'static std::sync::Mutex<App> {
        async fn formation(&mut self) -> Result<FormationReading, Failure> {
            let mut app = self.lock().unwrap();
            app.reads += 1;
            let (quantity, size) = (app.quantity, None);
            Ok(FormationReading { quantity, updated_at: None, size, maintenance: false, released_at: None })
        }

        async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
            let mut app = self.lock().unwrap();
            app.quantity = quantity;
            app.changes.push(quantity);
            Ok(quantity)
        }
    }

    fn app() -> &'static std::sync::Mutex<App> {
        Box::leak(Box::new(std::sync::Mutex::new(App { quantity: 2, ..App::default() })))
    }

    #[tokio::test]
    async fn a_formation_is_read_once_in_a_while_and_always_before_a_change() {
        let app = app();
        let mut target = Thrifty::new(app, Duration::from_secs(300));
        for _ in 0..5 {
            assert_eq!(target.formation().await.unwrap().quantity, 2);
        }
        assert_eq!(app.lock().unwrap().reads, 1);
        assert_eq!(target.scale(3, &Permit::unlimited()).await, Ok(3));
        assert_eq!(app.lock().unwrap().reads, 2);
        assert_eq!(target.formation().await.unwrap().quantity, 3, "what came of it is read");
        assert_eq!(app.lock().unwrap().reads, 3);
        let mut hasty = Thrifty::new(app, Duration::ZERO);
        hasty.formation().await.unwrap();
        hasty.formation().await.unwrap();
        assert_eq!(app.lock().unwrap().reads, 5);
    }

    #[tokio::test]
    async fn a_change_that_was_decided_on_an_old_formation_is_not_sent() {
        let app = app();
        let mut target = Thrifty::new(app, Duration::from_secs(300));
        target.formation().await.unwrap();
        app.lock().unwrap().quantity = 7;
        let failure = target.scale(3, &Permit::unlimited()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient);
        assert!(failure.text.starts_with("the formation has changed since it was read: 7 dynos;"), "{failure}");
        assert_eq!(target.formation().await.unwrap().quantity, 7);
        assert!(app.lock().unwrap().changes.is_empty());
    }
}
