//! A handle: its state, its thread, its checks. Reads, decides and acts through the engine alone.

use std::ffi::c_void;
#[cfg(feature = "http")]
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::engine::{Engine, Plan};
use autoscale_core::workspace::event::{Event, Kind, Outcome};
use autoscale_core::workspace::ledger::{DryRunToggle, Ledger, LedgerKeeper};
use autoscale_core::workspace::ports::{Failure, FailureKind, Observer};
use autoscale_core::workspace::runner::{AppLoop, Command, check_once};
#[cfg(feature = "http")]
use autoscale_core::workspace::sinks::Records;
use autoscale_core::workspace::state::{InstanceLock, LockError, StateFile};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Told;
use super::listen::{Listener, Log};
use super::ports::{OwnSource, OwnTarget, Source, Target, User};
use super::thread::{End, PipesMayBreak, spawn, this_thread};
use crate::callback::{EventFn, LogFn, MetricFn, ReadFn, ScaleFn};
use crate::guard::{of_defect, shielded};
use crate::status::{
    AUTOSCALE_CHECK_FAILED, AUTOSCALE_FORKED, AUTOSCALE_IO, AUTOSCALE_LOCKED, AUTOSCALE_PANIC, AUTOSCALE_REENTRANT,
    AUTOSCALE_SOURCE, AUTOSCALE_STATE, AUTOSCALE_TARGET, Error,
};

/// How long a single check waits for its graph to be drawn and its notices to be posted.
#[cfg(feature = "http")]
const RECORDED_WITHIN: Duration = Duration::from_secs(10);

/// How long an ended loop waits for look-ups of names that can't be cancelled.
const LOOK_UPS: Duration = Duration::from_secs(1);

/// A handle.
#[derive(Debug)]
pub(crate) struct Body {
    /// The process that made it.
    process: u32,
    shared: Arc<Shared>,
    life: Mutex<Life>,
    _lock: Option<InstanceLock>,
}

/// What the loop's thread needs as well.
#[derive(Debug)]
struct Shared {
    config: Config,
    clock: Clock,
    /// The thread that runs the handle's callbacks now; 0: none.
    owner: AtomicUsize,
    poisoned: AtomicBool,
    /// What carries over from one start, or check, to the next.
    ledger: Mutex<Ledger>,
    state: Option<StateFile>,
}

/// What it was told before the start, and what runs.
#[derive(Debug, Default)]
struct Life {
    own: Own,
    running: Option<Running>,
    /// `check_once` is under way, or `start` before the loop runs.
    busy: Option<Arc<End>>,
}

/// What C brought.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    source: Option<OwnSource>,
    target: Option<OwnTarget>,
    log: Option<Log>,
    /// Tests only: the source panics.
    #[cfg(test)]
    panics: bool,
}

/// A started loop.
#[derive(Debug)]
struct Running {
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
    end: Arc<End>,
}

type OwnEngine = Engine<Source, Target, Keeper>;

impl Body {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let (mut lock, mut state, mut ledger) = (None, None, Ledger::default());
        if config.state_dir.is_some() {
            lock = Some(InstanceLock::acquire(config).map_err(|error| {
                let status = if matches!(error, LockError::Held { .. }) { AUTOSCALE_LOCKED } else { AUTOSCALE_IO };
                Error::new(status, format!("{}: {error}", config.heroku.app_name))
            })?);
            let file = StateFile::of(config);
            let read = file.load();
            let read = read.map_err(|error| Error::new(AUTOSCALE_IO, format!("{}: {error}", file.path().display())))?;
            ledger = read.unwrap_or_default();
            state = Some(file);
        }
        Ok(Self {
            process: std::process::id(),
            shared: Arc::new(Shared {
                config: config.clone(),
                clock: Clock::of(config),
                owner: AtomicUsize::new(0),
                poisoned: AtomicBool::new(false),
                ledger: Mutex::new(ledger),
                state,
            }),
            life: Mutex::default(),
            _lock: lock,
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
    fn life(&self) -> MutexGuard<'_, Life> {
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
            return running.tell(Command::SetDryRun(on));
        }
        drop(life);
        let _life = self.resting()?;
        let mut ledger = self.shared.ledger();
        ledger.dry_run = Some(DryRunToggle { on, debug: self.shared.config.dry_run });
        self.shared.write(&ledger).map_err(|failure| Error::new(AUTOSCALE_IO, failure.text))
    }

    // ---- one check

    pub(crate) fn check_once(&self) -> Result<Decision, Error> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let text = "called inside a callback: a check can't be made there, of this handle or another";
            return Err(Error::new(AUTOSCALE_REENTRANT, text));
        }
        let _pipes = PipesMayBreak::new();
        let (own, _busy) = self.begin("a check of it is under way already")?;
        let log = own.log;
        let mut engine = self.engine(&own)?;
        Log::around(log, || {
            let runtime = runtime()?;
            let events = runtime.block_on(async {
                #[cfg(feature = "http")]
                let mut records = self.shared.records();
                let events = check_once(&mut engine, &self.shared.clock).await;
                for event in &events {
                    #[cfg(feature = "http")]
                    records.observe(event);
                    if let Some(log) = &log {
                        log.tell(event);
                    }
                }
                #[cfg(feature = "http")]
                records.finish(RECORDED_WITHIN).await;
                events
            });
            drop(engine);
            runtime.shutdown_timeout(LOOK_UPS);
            outcome(events).inspect_err(|error| {
                if error.status == AUTOSCALE_PANIC {
                    self.poison();
                }
            })
        })
    }

    /// An engine that carries on from what is remembered.
    fn engine(&self, own: &Own) -> Result<OwnEngine, Error> {
        let Shared { config, clock, .. } = &*self.shared;
        #[cfg_attr(not(test), allow(unused_mut, reason = "tests change it"))]
        let mut source = Source::new(own.source, config, *clock)?;
        #[cfg(test)]
        if own.panics {
            source = Source::Panics;
        }
        let target = Target::new(own.target, config)?;
        let ledger = self.shared.ledger().clone();
        let keeper = Keeper(Arc::clone(&self.shared));
        Ok(Log::around(own.log, || Engine::new(Plan::from(config), source, target, keeper, ledger)))
    }

    // ---- the loop

    pub(crate) fn start(&self, event: EventFn, user: *mut c_void) -> Result<(), Error> {
        let (own, busy) = self.begin("start it when the callback has returned")?;
        let engine = self.engine(&own)?;
        let runtime = runtime()?;
        let listener = Listener { event, user: User(user) };
        let (log, shared) = (own.log, Arc::clone(&self.shared));
        let observer = Listeners {
            #[cfg(feature = "http")]
            records: Log::around(log, || shared.records()),
            log,
            listener,
        };
        let app = AppLoop {
            engine,
            clock: self.shared.clock,
            first_after: Duration::ZERO,
            reload: Box::new(|| Err(vec!["a handle keeps its configuration".into()])),
            observer: Box::new(observer),
        };
        let (commands, receiver) = unbounded_channel();
        let end = Arc::new(End::default());
        let name = self.shared.config.heroku.app_name.clone();
        let thread = {
            let end = Arc::clone(&end);
            move || {
                run(&shared, log, runtime, app, receiver);
                end.is_over();
            }
        };
        // Its first callback may already call the handle: it must find it started.
        let mut life = self.life();
        let thread = spawn(&name, thread);
        let thread = thread.map_err(|error| Error::new(AUTOSCALE_IO, format!("no thread: {error}")))?;
        life.running = Some(Running { commands, thread: Some(thread), end });
        drop(life);
        drop(busy);
        Ok(())
    }

    pub(crate) fn tell(&self, told: Told) -> Result<(), Error> {
        let command = match told {
            Told::CheckNow => Command::CheckNow,
            Told::Pause => Command::Pause,
            Told::Resume => Command::Resume,
        };
        let life = self.life();
        let none = || Error::new(AUTOSCALE_STATE, "the handle is not started: autoscale_start it first");
        life.running.as_ref().ok_or_else(none)?.tell(command)
    }

    pub(crate) fn request_stop(&self) -> Result<(), Error> {
        if let Some(running) = &self.life().running {
            // It may have ended already.
            let _ = running.commands.send(Command::Stop);
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
                    let _ = running.commands.send(Command::Stop);
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

/// Who is told by a loop, in this order.
struct Listeners {
    /// What the configuration asks for: history, graphs, webhook.
    #[cfg(feature = "http")]
    records: Records,
    log: Option<Log>,
    listener: Listener,
}

impl Observer for Listeners {
    fn observe(&mut self, event: &Event) {
        #[cfg(feature = "http")]
        self.records.observe(event);
        if let Some(log) = &self.log {
            log.tell(event);
        }
        self.listener.tell(event);
    }

    #[cfg(feature = "http")]
    fn finish<'a>(&'a mut self, within: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let records = std::mem::take(&mut self.records);
        Box::pin(records.finish(within))
    }
}

/// The life of the loop's thread.
fn run(
    shared: &Shared,
    log: Option<Log>,
    runtime: Runtime,
    app: AppLoop<Source, Target, Keeper>,
    commands: UnboundedReceiver<Command>,
) {
    let _owner = shared.own();
    let result = shielded(|| {
        Log::around(log, || {
            runtime.block_on(app.run(commands));
            runtime.shutdown_timeout(LOOK_UPS);
        });
    });
    if result.is_err() {
        shared.poisoned.store(true, Ordering::Release);
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
fn outcome(events: Vec<Event>) -> Result<Decision, Error> {
    let failed = |status, text: &str| Err(Error::new(status, text));
    match events.into_iter().next_back().map(|event| event.kind) {
        Some(Kind::Checked(check)) if check.outcome == Outcome::Failed => {
            failed(AUTOSCALE_TARGET, check.error.as_deref().unwrap_or("the scale target failed"))
        }
        Some(Kind::Checked(check)) => match check.detail {
            Some(detail) => Ok(detail.decision),
            None => failed(AUTOSCALE_CHECK_FAILED, "the check has no decision"),
        },
        Some(Kind::CheckFailed { what, error, .. }) => match &*what {
            "metric" => failed(AUTOSCALE_SOURCE, &error),
            "formation" => failed(AUTOSCALE_TARGET, &error),
            _ => failed(AUTOSCALE_CHECK_FAILED, &error),
        },
        Some(Kind::Crashed { error, .. }) => Err(of_defect(&error)),
        _ => failed(AUTOSCALE_CHECK_FAILED, "the check came to no end"),
    }
}

impl Running {
    fn tell(&self, command: Command) -> Result<(), Error> {
        let ended = |_| Error::new(AUTOSCALE_STATE, "the loop has ended: autoscale_stop the handle first");
        self.commands.send(command).map_err(ended)
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, ledger: &Ledger) -> Result<(), Failure> {
        let Some(state) = &self.state else { return Ok(()) };
        let failed = |error| Failure::new(FailureKind::Transient, format!("{}: {error}", state.path().display()));
        state.save(ledger).map_err(failed)
    }

    /// History, graphs and notices, as the configuration asks for them.
    #[cfg(feature = "http")]
    fn records(&self) -> Records {
        Records::new(&self.config, &super::ports::built_in::http(&self.config))
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

/// Keeps the ledger in the handle, and in the state file where there is one.
#[derive(Debug)]
struct Keeper(Arc<Shared>);

impl LedgerKeeper for Keeper {
    fn keep(&mut self, ledger: &Ledger) -> Result<(), Failure> {
        self.0.ledger().clone_from(ledger);
        self.0.write(ledger)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::ptr::{null, null_mut};
    use std::time::Instant;

    use super::*;
    use crate::callback::{AUTOSCALE_EVENT_CRASHED, AUTOSCALE_EVENT_STARTED, AUTOSCALE_EVENT_STOPPED, Samples};
    use crate::config::{autoscale_config_free, autoscale_config_from_ini};
    use crate::handle::{
        Handle, autoscale_check_now, autoscale_check_once, autoscale_free, autoscale_new, autoscale_pause,
        autoscale_set_scale_target, autoscale_start, autoscale_stop,
    };
    use crate::status::{AUTOSCALE_OK, autoscale_last_error};

    unsafe extern "C-unwind" fn read(
        _: *mut c_void,
        n: *mut u32,
        _: *mut i64,
        _: *mut crate::callback::Failure,
    ) -> i32 {
        // SAFETY: the library's own place.
        unsafe { *n = 2 };
        0
    }

    unsafe extern "C-unwind" fn scale(_: *mut c_void, _: u32, _: *mut crate::callback::Failure) -> i32 {
        0
    }

    unsafe extern "C-unwind" fn no_results(_: *mut c_void, _: i64, _: i64, _: *mut Samples) -> i32 {
        0
    }

    /// A handle whose source panics, as a defect of the library would.
    fn broken() -> *mut Handle {
        broken_with("")
    }

    fn broken_with(settings: &str) -> *mut Handle {
        let text = format!("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\n{settings}");
        let (mut config, mut handle) = (null_mut(), null_mut());
        // SAFETY: places for pointers, and what these calls gave.
        unsafe {
            assert_eq!(autoscale_config_from_ini(text.as_ptr().cast(), text.len(), &raw mut config), AUTOSCALE_OK);
            assert_eq!(autoscale_new(config, &raw mut handle), AUTOSCALE_OK);
            autoscale_config_free(config);
            assert_eq!(autoscale_set_scale_target(handle, Some(read), Some(scale), null_mut()), AUTOSCALE_OK);
            let body = &(*handle).body;
            body.set_metric_source(Some(no_results), null_mut()).unwrap();
            body.life().own.panics = true;
        }
        handle
    }

    fn last_error() -> String {
        let mut text = vec![0_u8; 512];
        // SAFETY: as large as is said.
        let len = unsafe { autoscale_last_error(text.as_mut_ptr().cast(), text.len()) };
        String::from_utf8(text[..len.min(511)].to_vec()).unwrap()
    }

    #[test]
    fn a_panic_in_a_check_is_a_status_and_the_handle_can_only_be_freed() {
        let handle = broken();
        // SAFETY: a handle of ours; NULL is refused.
        unsafe {
            let mut decision: crate::decision::Decision = std::mem::zeroed();
            decision.struct_size = size_of_val(&decision);
            assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_PANIC);
            assert!(
                last_error().contains("a source that panics (at autoscale-ffi/src/body/ports.rs:"),
                "{}",
                last_error()
            );
            assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_PANIC);
            assert_eq!(last_error(), "this handle met a defect before: free it");
            assert_eq!(autoscale_start(handle, None, null_mut()), AUTOSCALE_PANIC);
            assert_eq!(autoscale_stop(handle), AUTOSCALE_PANIC);
            assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
            assert_eq!(
                autoscale_check_once(null::<Handle>(), &raw mut decision),
                crate::status::AUTOSCALE_INVALID_ARGUMENT
            );
        }
    }

    /// What an event function was told: kind, failures in a row, JSON.
    type Heard = Mutex<Vec<(i32, u32, String)>>;

    unsafe extern "C-unwind" fn hear(user: *mut c_void, event: *const crate::callback::Event) {
        // SAFETY: the test's own list, and the library's event with its texts.
        unsafe {
            let (heard, event) = (&*user.cast::<Heard>(), &*event);
            let json = CStr::from_ptr(event.json).to_str().unwrap().to_owned();
            heard.lock().unwrap().push((event.kind, event.failed_in_a_row, json));
        }
    }

    #[test]
    fn a_panic_on_the_thread_is_an_event_and_the_handle_stays_of_use() {
        let (handle, heard) = (broken(), Heard::default());
        let crashes = || heard.lock().unwrap().iter().filter(|(kind, ..)| *kind == AUTOSCALE_EVENT_CRASHED).count();
        let wait_for = |wanted| {
            let start = Instant::now();
            while crashes() < wanted {
                assert!(start.elapsed() < Duration::from_secs(120), "the panic is never told");
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        // SAFETY: a handle of ours, and a list that lives until the stop.
        unsafe {
            let user = std::ptr::from_ref(&heard).cast_mut().cast();
            assert_eq!(autoscale_start(handle, Some(hear), user), AUTOSCALE_OK);
            wait_for(1);
            // Asked for, a check comes at once, though the loop waits.
            assert_eq!(autoscale_check_now(handle), AUTOSCALE_OK);
            wait_for(2);
            assert_eq!(autoscale_pause(handle), AUTOSCALE_OK);
            assert_eq!(autoscale_stop(handle), AUTOSCALE_OK);
            let heard = heard.lock().unwrap();
            let kinds: Vec<_> = heard.iter().map(|(kind, n, _)| (*kind, *n)).collect();
            let expected = [(AUTOSCALE_EVENT_STARTED, 0), (AUTOSCALE_EVENT_CRASHED, 1), (AUTOSCALE_EVENT_CRASHED, 2)];
            assert_eq!(kinds[..3], expected);
            assert_eq!(kinds.last(), Some(&(AUTOSCALE_EVENT_STOPPED, 0)));
            let json = &heard[1].2;
            assert!(json.contains("\"error\":\"a source that panics (at autoscale-ffi/src/body/ports.rs:"), "{json}");
            assert!(json.ends_with(",\"in_a_row\":1,\"restart_in_s\":5.0}"), "{json}");
            drop(heard);
            // What is stopped can be started again, and is whole where the defect is gone.
            (*handle).body.life().own.panics = false;
            let mut decision: crate::decision::Decision = std::mem::zeroed();
            decision.struct_size = size_of_val(&decision);
            assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
            assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_history_that_somebody_else_locks_holds_up_neither_checks_nor_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let lock = std::fs::File::create_new(&path).unwrap();
        lock.lock().unwrap();
        let handle = broken_with(&format!("history_file: {}\n", path.display()));
        let told = || -> Vec<String> {
            let text = std::fs::read_to_string(&path).unwrap();
            text.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().to_string()).collect()
        };
        // SAFETY: a handle of ours.
        unsafe {
            (*handle).body.life().own.panics = false;
            let mut decision: crate::decision::Decision = std::mem::zeroed();
            decision.struct_size = size_of_val(&decision);
            assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
            let check = "shop web: 2 dynos: no results: waiting for some";
            assert_eq!(told(), [check]);
            assert_eq!(autoscale_start(handle, None, null_mut()), AUTOSCALE_OK);
            let start = Instant::now();
            while told().len() < 3 {
                assert!(start.elapsed() < Duration::from_secs(30), "no check: {:?}", told());
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
            assert_eq!(told(), [check, "shop web: started", check, "shop web: stopped"]);
        }
    }

    #[test]
    fn a_metric_that_gives_nothing_is_no_failure() {
        let handle = broken();
        // SAFETY: a handle of ours.
        unsafe {
            (*handle).body.life().own.panics = false;
            let mut decision: crate::decision::Decision = std::mem::zeroed();
            decision.struct_size = size_of_val(&decision);
            assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
            assert_eq!((decision.reason, decision.target), (crate::reason::AUTOSCALE_REASON_NO_DATA, 2));
            assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
        }
    }
}
