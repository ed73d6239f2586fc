//! A handle: its state, its thread, its checks. Reads, decides and acts through the engine alone.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use autoscale_core::workspace::autoscaler::{Autoscaler, BuildError, Builder, Handle};
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::event::{Event, Kind, Outcome, Stage};
use autoscale_core::workspace::ledger::DryRunToggle;
use tokio::runtime::Runtime;

use super::Told;
use super::listen::{Listener, Log};
use super::ports::{OwnSource, OwnTarget, User};
use super::store::Store;
use super::thread::{End, PipesMayBreak, spawn, this_thread};
use crate::callback::{EventFn, LogFn, MetricFn, ReadFn, ScaleFn};
use crate::guard::{of_defect, shielded};
use crate::status::{
    AUTOSCALE_CHECK_FAILED, AUTOSCALE_CONFIG, AUTOSCALE_FORKED, AUTOSCALE_IO, AUTOSCALE_LOCKED, AUTOSCALE_PANIC,
    AUTOSCALE_REENTRANT, AUTOSCALE_SOURCE, AUTOSCALE_STATE, AUTOSCALE_TARGET, AUTOSCALE_UNSUPPORTED, Error,
};

/// How long a single check waits for its graph to be drawn and its notices to be posted.
const RECORDED_WITHIN: Duration = Duration::from_secs(10);

/// How long an ended loop waits for look-ups of names that can't be cancelled.
const LOOK_UPS: Duration = Duration::from_secs(1);

/// A handle.
#[derive(Debug)]
pub(crate) struct Body {
    /// The process that made it.
    process: u32,
    shared: Arc<Shared>,
    pub(super) life: Mutex<Life>,
}

/// What the loop's thread needs as well.
#[derive(Debug)]
struct Shared {
    config: Config,
    /// The thread that runs the handle's callbacks now; 0: none.
    owner: AtomicUsize,
    poisoned: AtomicBool,
    /// What carries over from one start, or check, to the next.
    store: Store,
}

/// What it was told before the start, and what runs.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) own: Own,
    running: Option<Running>,
    /// `check_once` is under way, or `start` before the loop runs.
    busy: Option<Arc<End>>,
}

/// What C brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    source: Option<OwnSource>,
    target: Option<OwnTarget>,
    log: Option<Log>,
    /// Tests only: the source panics.
    #[cfg(test)]
    pub(super) panics: bool,
}

/// A started loop.
#[derive(Debug)]
struct Running {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
    end: Arc<End>,
}

impl Body {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            process: std::process::id(),
            shared: Arc::new(Shared {
                config: config.clone(),
                owner: AtomicUsize::new(0),
                poisoned: AtomicBool::new(false),
                store: Store::open(config)?,
            }),
            life: Mutex::default(),
        })
    }

    // ---- what may be done at all

    fn is_of_this_process(&self) -> Result<(), Error> {
        if self.process == std::process::id() {
            return Ok(());
        }
        Err(Error::new(AUTOSCALE_FORKED, format!("the handle belongs to process {}: make a new one", self.process)))
    }

    pub(crate) fn usable(&self) -> Result<(), Error> {
        self.is_of_this_process()?;
        if self.shared.poisoned.load(Ordering::Acquire) {
            return Err(Error::new(AUTOSCALE_PANIC, "this handle met a defect before: free it"));
        }
        Ok(())
    }

    pub(crate) fn poison(&self) {
        self.shared.poisoned.store(true, Ordering::Release);
    }

    fn not_inside(&self, instead: &str) -> Result<(), Error> {
        if self.shared.owner.load(Ordering::Acquire) != this_thread() {
            return Ok(());
        }
        Err(Error::new(AUTOSCALE_REENTRANT, format!("called inside the handle's own callback: {instead}")))
    }

    /// Never held while something is waited for.
    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a handle at rest.
    fn resting(&self) -> Result<MutexGuard<'_, Life>, Error> {
        let life = self.life();
        if life.running.is_some() {
            return Err(Error::new(AUTOSCALE_STATE, "the handle is started: autoscale_stop it first"));
        }
        if life.busy.is_some() {
            return Err(Error::new(AUTOSCALE_STATE, "a check of the handle is under way"));
        }
        Ok(life)
    }

    /// Marks a handle at rest as busy. C's functions are called without a lock that they could run into.
    fn begin(&self, instead: &str) -> Result<(Own, Busy<'_>), Error> {
        self.not_inside(instead)?;
        let mut life = self.resting()?;
        let end = Arc::new(End::default());
        life.busy = Some(Arc::clone(&end));
        Ok((life.own, Busy { body: self, end, _owner: self.shared.own() }))
    }

    // ---- before the start

    pub(crate) fn set_metric_source(&self, metric: MetricFn, user: *mut c_void) -> Result<(), Error> {
        self.resting()?.own.source = metric.is_some().then_some(OwnSource { metric, user: User(user) });
        Ok(())
    }

    pub(crate) fn set_scale_target(&self, read: ReadFn, scale: ScaleFn, user: *mut c_void) -> Result<(), Error> {
        if read.is_some() != scale.is_some() {
            return Err(Error::invalid("read and scale belong together: one of them is NULL"));
        }
        self.resting()?.own.target = read.is_some().then_some(OwnTarget { read, scale, user: User(user) });
        Ok(())
    }

    pub(crate) fn set_log(&self, log: LogFn, user: *mut c_void, level: i32) -> Result<(), Error> {
        let new = Log::new(log, User(user), level)?;
        self.resting()?.own.log = log.is_some().then_some(new);
        Ok(())
    }

    pub(crate) fn set_dry_run(&self, on: bool) -> Result<(), Error> {
        if self.shared.config.shadow && !on {
            let text = "the configuration says `debug: shadow`, which changes nothing: make a handle with another one";
            return Err(Error::new(AUTOSCALE_STATE, text));
        }
        let life = self.life();
        if let Some(running) = &life.running {
            return running.tell(|handle| handle.set_dry_run(on));
        }
        drop(life);
        let _life = self.resting()?;
        let mut ledger = self.shared.store.read()?;
        ledger.dry_run = Some(DryRunToggle { on, debug: self.shared.config.dry_run });
        self.shared.store.write(&ledger)
    }

    // ---- one check

    pub(crate) fn check_once(&self) -> Result<Decision, Error> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let text = "called inside a callback: a check can't be made there, of this handle or another";
            return Err(Error::new(AUTOSCALE_REENTRANT, text));
        }
        let _pipes = PipesMayBreak::new();
        let (own, _busy) = self.begin("a check of it is under way already")?;
        Log::around(own.log, || {
            let runtime = runtime()?;
            let events = runtime.block_on(async {
                let mut builder = self.shared.builder(&own);
                if let Some(log) = own.log {
                    builder = builder.observer(move |event: &Arc<Event>| log.tell(event));
                }
                let (mut autoscaler, _) = builder.build().await.map_err(|error| refused(&error))?;
                let events = autoscaler.check_once().await;
                autoscaler.finish(RECORDED_WITHIN).await;
                Ok(events)
            });
            runtime.shutdown_timeout(LOOK_UPS);
            outcome(&events?).inspect_err(|error| {
                if error.status == AUTOSCALE_PANIC {
                    self.poison();
                }
            })
        })
    }

    // ---- the loop

    pub(crate) fn start(&self, event: EventFn, user: *mut c_void) -> Result<(), Error> {
        let (own, busy) = self.begin("start it when the callback has returned")?;
        let runtime = runtime()?;
        let listener = Listener { event, user: User(user) };
        let (shared, end) = (Arc::clone(&self.shared), Arc::new(End::default()));
        let (built, answer) = mpsc::sync_channel(1);
        let (go, may_go) = mpsc::sync_channel(1);
        let thread = {
            let end = Arc::clone(&end);
            move || {
                run(&shared, &own, listener, runtime, &built, &may_go);
                end.is_over();
            }
        };
        let thread = spawn(&self.shared.config.heroku.app_name, thread);
        let thread = thread.map_err(|error| Error::new(AUTOSCALE_IO, format!("no thread: {error}")))?;
        let handle = match answer.recv() {
            Ok(Ok(handle)) => handle,
            failed => {
                // A panic is caught, and known, within.
                drop(thread.join());
                return Err(match failed {
                    Ok(Err(error)) => error,
                    _ => Error::new(AUTOSCALE_PANIC, "the loop could not be built for a defect of libautoscale"),
                });
            }
        };
        self.life().running = Some(Running { handle, thread: Some(thread), end });
        drop(busy);
        // Its first callback may already call the handle: it finds it started.
        let _ = go.send(());
        Ok(())
    }

    pub(crate) fn tell(&self, told: Told) -> Result<(), Error> {
        let command = match told {
            Told::CheckNow => Handle::check_now,
            Told::Pause => Handle::pause,
            Told::Resume => Handle::resume,
        };
        let life = self.life();
        let none = || Error::new(AUTOSCALE_STATE, "the handle is not started: autoscale_start it first");
        life.running.as_ref().ok_or_else(none)?.tell(command)
    }

    pub(crate) fn request_stop(&self) -> Result<(), Error> {
        if let Some(running) = &self.life().running {
            running.handle.stop();
        }
        Ok(())
    }

    /// Also on a handle that met a defect: its thread is to end.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        self.is_of_this_process()?;
        self.not_inside("autoscale_request_stop is legal there")?;
        let (thread, end) = {
            let mut life = self.life();
            let Life { running, busy, .. } = &mut *life;
            match (running, busy) {
                (Some(running), _) => {
                    running.handle.stop();
                    (running.thread.take(), Arc::clone(&running.end))
                }
                (None, Some(busy)) => (None, Arc::clone(busy)),
                (None, None) => return Ok(()),
            }
        };
        match thread {
            // A panic is caught, and known, within.
            Some(thread) => drop(thread.join()),
            None => end.wait(),
        }
        let mut life = self.life();
        if life.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.end, &end)) {
            life.running = None;
        }
        Ok(())
    }
}

/// The life of the loop's thread: builds the autoscaler, says how that went, and runs it once it may.
fn run(
    shared: &Shared,
    own: &Own,
    listener: Listener,
    runtime: Runtime,
    built: &mpsc::SyncSender<Result<Handle, Error>>,
    may_go: &mpsc::Receiver<()>,
) {
    let _owner = shared.own();
    let log = own.log;
    let result = shielded(|| {
        Log::around(log, || {
            let observer = move |event: &Arc<Event>| {
                if let Some(log) = &log {
                    log.tell(event);
                }
                listener.tell(event);
            };
            match runtime.block_on(shared.builder(own).observer(observer).build()) {
                Ok((autoscaler, handle)) => {
                    let started = built.send(Ok(handle)).is_ok() && may_go.recv().is_ok();
                    if started {
                        runtime.block_on(autoscaler.run());
                    }
                }
                Err(error) => {
                    let _ = built.send(Err(refused(&error)));
                }
            }
            runtime.shutdown_timeout(LOOK_UPS);
        });
    });
    if result.is_err() {
        shared.poisoned.store(true, Ordering::Release);
    }
}

/// Why no autoscaler could be built.
fn refused(error: &BuildError) -> Error {
    let unsupported = |text| Error::new(AUTOSCALE_UNSUPPORTED, text);
    match error {
        BuildError::NoSource => {
            unsupported("this library has no metric source built in: set one by autoscale_set_metric_source")
        }
        BuildError::NoTarget => {
            unsupported("this library has no scale target built in: set one by autoscale_set_scale_target")
        }
        BuildError::Held { .. } => Error::new(AUTOSCALE_LOCKED, error.to_string()),
        BuildError::State(_) => Error::new(AUTOSCALE_IO, error.to_string()),
        _ => Error::new(AUTOSCALE_CONFIG, error.to_string()),
    }
}

fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .thread_name("autoscale-names")
        .enable_all()
        .build()
        .map_err(|error| Error::new(AUTOSCALE_IO, format!("no runtime: {error}")))
}

/// What came of a single check.
fn outcome(events: &[Arc<Event>]) -> Result<Decision, Error> {
    let failed = |status, text: &str| Err(Error::new(status, text));
    match events.last().map(|event| &event.kind) {
        Some(Kind::Checked(check)) if check.outcome == Outcome::Failed => {
            failed(AUTOSCALE_TARGET, check.error.as_deref().unwrap_or("the scale target failed"))
        }
        Some(Kind::Checked(check)) => match &check.detail {
            Some(detail) => Ok(detail.decision),
            None => failed(AUTOSCALE_CHECK_FAILED, "the check has no decision"),
        },
        Some(Kind::CheckFailed { stage, error, .. }) => match stage {
            Stage::Metric => failed(AUTOSCALE_SOURCE, error),
            Stage::Formation => failed(AUTOSCALE_TARGET, error),
            Stage::Time | Stage::Other => failed(AUTOSCALE_CHECK_FAILED, error),
        },
        Some(Kind::Crashed { error, .. }) => Err(of_defect(error)),
        _ => failed(AUTOSCALE_CHECK_FAILED, "the check came to no end"),
    }
}

impl Running {
    fn tell(&self, command: impl FnOnce(&Handle)) -> Result<(), Error> {
        if self.handle.has_ended() {
            return Err(Error::new(AUTOSCALE_STATE, "the loop has ended: autoscale_stop the handle first"));
        }
        command(&self.handle);
        Ok(())
    }
}

impl Shared {
    /// An autoscaler that carries on from what is remembered, with C's source and target where there are any. What the
    /// handles of a process have in common is their rate budgets alone: a connection belongs to its handle's runtime.
    fn builder(&self, own: &Own) -> Builder {
        let mut builder = self.store.give(Autoscaler::builder(self.config.clone()), &self.config);
        #[cfg(feature = "http")]
        {
            let shared = autoscale_core::workspace::http::Shared::with_budgets(super::budgets::budgets());
            builder = builder.shared(&shared);
        }
        if let Some(source) = own.source {
            builder = builder.source(source);
        }
        if let Some(target) = own.target {
            builder = builder.target(target);
        }
        #[cfg(test)]
        if own.panics {
            builder = builder.source(super::panicking::Panicking);
        }
        builder
    }

    /// This thread runs the handle's callbacks until the result is dropped.
    fn own(&self) -> Owner<'_> {
        self.owner.store(this_thread(), Ordering::Release);
        Owner(self)
    }
}

struct Owner<'a>(&'a Shared);

impl Drop for Owner<'_> {
    fn drop(&mut self) {
        // A loop that was started meanwhile is another owner.
        let _ = self.0.owner.compare_exchange(this_thread(), 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// A handle that is busy, until this is dropped.
struct Busy<'a> {
    body: &'a Body,
    end: Arc<End>,
    _owner: Owner<'a>,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.body.life().busy = None;
        self.end.is_over();
    }
}
