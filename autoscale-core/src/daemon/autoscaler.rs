//! One app, assembled and ready to run. How its parts are chosen is the builder's business, the loop is the runner's;
//! nothing here decides.

use std::pin::Pin;
use std::sync::Arc;
#[cfg(feature = "http")]
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::clock::{Clock, Pace};
use crate::daemon::runner::{AppLoop, Command, check_once};
#[cfg(feature = "http")]
use crate::engine::Warnings;
use crate::engine::ports::Observer;
use crate::model::event::{Event, Kind};
use crate::model::warning::Warning;
#[cfg(feature = "http")]
use crate::sinks::Records;

/// The autoscaler of one app. Built by [`Autoscaler::builder`]; commands go through the [`Handle`](crate::Handle) that is
/// built with it.
#[derive(Debug)]
pub struct Autoscaler {
    pub(super) app: AppLoop,
    pub(super) commands: UnboundedReceiver<Command>,
    #[cfg(feature = "http")]
    pub(super) startup: super::startup::Startup,
}

impl Autoscaler {
    /// Runs until [`Handle::stop`](crate::Handle::stop), until every handle is dropped, or until another process has taken
    /// the app over.
    pub async fn run(self) {
        self.app.run(self.commands).await;
    }

    /// Makes one check, also while the app is paused. Returns its events, warnings first and before them what an earlier
    /// process died before it told, after its observers have received them.
    pub async fn check_once(&mut self) -> Vec<Arc<Event>> {
        let checked = check_once(&mut self.app.engine, &self.app.clock).await;
        let warnings = self.app.warnings().into_iter().map(|warning| self.event(Kind::Warning(warning)));
        let warnings: Vec<_> = warnings.collect();
        let untold = std::mem::take(&mut self.app.untold);
        let events: Vec<_> = untold.into_iter().chain(warnings).chain(checked).map(Arc::new).collect();
        self.app.clock.scope_sync(|| events.iter().for_each(|event| self.app.observer.observe(event)));
        events
    }

    /// Waits until what the observers have begun is done, at most `within` this time: after [`Autoscaler::check_once`].
    pub async fn finish(mut self, within: Duration) {
        self.app.clock.scope(self.app.observer.finish(within)).await;
        self.app.clock.scope_sync(|| self.app.tell_warnings());
    }

    /// Time from the start of [`Autoscaler::run`] to the first check: many apps should not all check at once.
    pub fn set_first_check_after(&mut self, after: Duration) {
        self.app.first_after = after;
    }

    /// Are changes reported without being applied? So they are in shadow mode.
    pub fn is_dry_run(&self) -> bool {
        self.app.engine.is_dry_run()
    }

    /// Is it shadow mode?
    pub fn is_shadow(&self) -> bool {
        self.app.engine.is_shadow()
    }

    /// Is the app paused?
    pub fn is_paused(&self) -> bool {
        self.app.engine.ledger().paused
    }

    /// The last check that an earlier process saved.
    pub fn last_check(&self) -> Option<&Event> {
        self.app.engine.ledger().last_check.as_ref()
    }

    /// The app's clock.
    pub fn clock(&self) -> Clock {
        self.app.clock
    }

    /// In a sandbox, whose time passes otherwise than here: that it does, as a line for a log.
    pub fn pace(&self) -> Option<String> {
        let plan = self.app.engine.plan();
        let (app, process, speed) = (&plan.app, &plan.process, self.app.clock.speed());
        (speed != 1.0).then(|| format!("{app} {process}: times are sandbox time, {}", Pace(speed)))
    }

    /// An event of this app, now.
    pub fn event(&self, kind: Kind) -> Event {
        self.app.engine.event(self.app.clock.now(), kind)
    }

    /// Looks for what costs scaling quality and can only be seen in the services themselves; each as one line.
    #[cfg(feature = "http")]
    pub fn startup_checks(&self) -> impl Future<Output = Vec<String>> + Send + use<> {
        self.startup.clone().run()
    }
}

/// Receives events: first the sinks that the configuration names, then the program's own observers.
#[derive(Default)]
pub(super) struct Observers {
    #[cfg(feature = "http")]
    pub(super) records: Arc<Mutex<Records>>,
    /// Into which the records speak, those of an earlier configuration as well.
    #[cfg(feature = "http")]
    pub(super) warnings: Warnings,
    pub(super) own: Vec<Box<dyn Observer>>,
}

impl Observer for Observers {
    fn observe(&mut self, event: &Arc<Event>) {
        #[cfg(feature = "http")]
        self.records.lock().unwrap_or_else(PoisonError::into_inner).observe(event);
        self.own.iter_mut().for_each(|observer| observer.observe(event));
    }

    fn next_check(&mut self, after: Option<Duration>) {
        self.own.iter_mut().for_each(|observer| observer.next_check(after));
    }

    fn warnings(&mut self) -> Vec<Warning> {
        #[cfg(feature = "http")]
        let mut warnings = self.warnings.take();
        #[cfg(not(feature = "http"))]
        let mut warnings = Vec::new();
        self.own.iter_mut().for_each(|observer| warnings.extend(observer.warnings()));
        warnings
    }

    fn finish<'a>(&'a mut self, within: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            #[cfg(feature = "http")]
            {
                let records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
                records.finish(within).await;
            }
            for observer in &mut self.own {
                observer.finish(within).await;
            }
        })
    }
}
