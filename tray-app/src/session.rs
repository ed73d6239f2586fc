//! Between the loops and the desktop: takes events and clicks, keeps the model, publishes views, hands out notes. What
//! is shown is decided in [`crate::view`], how in [`crate::face`].

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use autoscale_core::workspace::config_file::{self, Environment, LoadError, LoadErrorKind, Loaded};
use autoscale_core::workspace::event::{Event, Kind};
use autoscale_core::workspace::http::Shared;
use autoscale_core::workspace::log::EventLog;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::input::{Input, Notes};
use crate::opening;
use crate::playground::Playground;
use crate::slot::{self, Forced, Slot};
use crate::view::{Burst, Click, Deed, Facts, Model, Note, Place, View};

/// How long a note waits for others that may come with it.
const BURST: Duration = Duration::from_millis(1500);
/// How long loops may take to end.
const STOP_WITHIN: Duration = Duration::from_millis(900);

/// What was asked for on the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) configs: Vec<PathBuf>,
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) dry_run: bool,
    pub(crate) shadow: bool,
    pub(crate) sandbox: bool,
}

impl Wishes {
    /// Is there anything to run? A configuration that is named counts, though it may not be there.
    pub(crate) fn can_be_met(&self) -> bool {
        // One that is there but can't be read is something to tell.
        let is_there = |path: PathBuf| !matches!(path.try_exists(), Ok(false));
        self.sandbox || self.name_some() || user_place().is_some_and(is_there)
    }

    fn forced(&self) -> Forced {
        Forced { dry_run: self.dry_run, shadow: self.shadow }
    }

    fn name_some(&self) -> bool {
        !(self.configs.is_empty() && self.folders.is_empty())
    }

    /// The configurations that are named; where none are, the user's own. Not the system's: that is its daemon's.
    fn load(&self) -> Vec<Result<Loaded, LoadError>> {
        let own: Vec<PathBuf> = if self.name_some() { Vec::new() } else { user_place().into_iter().collect() };
        let configs = [self.configs.as_slice(), &own].concat();
        if configs.is_empty() && self.folders.is_empty() {
            return Vec::new();
        }
        config_file::load_each(&configs, &self.folders, self.dry_run || self.shadow, &Environment::of_process())
    }
}

fn user_place() -> Option<PathBuf> {
    config_file::user_place(&Environment::of_process())
}

/// Whatever runs, and what is known of it.
pub(crate) struct Session {
    wishes: Wishes,
    shared: Shared,
    model: Model,
    slots: Vec<Option<Slot>>,
    loops: JoinSet<()>,
    /// Which apps these are; what earlier ones still tell is not listened to.
    round: u64,
    playground: Option<Playground>,
    burst: Burst,
    burst_ends: Option<Instant>,
    inputs: UnboundedSender<Input>,
    views: watch::Sender<View>,
    notes: Notes,
    log: EventLog,
}

impl Session {
    /// One that runs nothing yet.
    pub(crate) fn new(wishes: Wishes, inputs: UnboundedSender<Input>, notes: Notes) -> (Self, watch::Receiver<View>) {
        let model = Model::default();
        let (views, shown) = watch::channel(View::of(&model, &TimeZone::system()));
        let session = Self {
            wishes,
            shared: Shared::default(),
            model,
            slots: Vec::new(),
            loops: JoinSet::new(),
            round: 0,
            playground: None,
            burst: Burst::default(),
            burst_ends: None,
            inputs,
            views,
            notes,
            log: EventLog::default(),
        };
        (session, shown)
    }

    /// Runs until somebody quits.
    pub(crate) async fn run(mut self, mut inputs: UnboundedReceiver<Input>) {
        if self.wishes.sandbox {
            self.try_sandbox().await;
        } else {
            self.start().await;
        }
        self.publish();
        loop {
            let burst = self.burst_ends;
            let input = tokio::select! {
                input = inputs.recv() => input.unwrap_or(Input::Stop),
                () = async { match burst { Some(at) => sleep_until(at).await, None => pending().await } } => {
                    self.burst_ends = None;
                    let note = self.burst.end();
                    self.hand_out(note);
                    continue;
                }
            };
            match input {
                Input::Stop | Input::Click(Click::Quit) => break,
                input => self.take(input).await,
            }
            self.publish();
        }
        self.stop().await;
    }

    async fn take(&mut self, input: Input) {
        match input {
            Input::Event(round, place, event) if round == self.round => self.event(place, &event),
            Input::Next(round, place, after) if round == self.round => {
                let clock = self.slot(place).map(|slot| slot.clock).unwrap_or_default();
                self.model.next_check(place, after.map(|after| clock.after(after)));
            }
            Input::GraphOf(round, place) if round == self.round => self.open_graph(place),
            Input::Event(..) | Input::Next(..) | Input::GraphOf(..) | Input::Stop => {}
            Input::Click(click) => self.click(click).await,
            Input::Reload => {
                self.shared.refresh();
                let forced = self.wishes.forced();
                self.slots.iter().flatten().for_each(|slot| slot.reload(&forced));
                if self.playground.is_none() {
                    self.start_rest().await;
                }
            }
            Input::Raised => {
                let title = self.views.borrow().title.clone();
                self.tell(Note::plain("Autoscale runs already: look for its icon", title));
            }
            Input::Tell(note) => self.tell(note),
        }
    }

    fn slot(&self, place: usize) -> Option<&Slot> {
        self.slots.get(place).and_then(Option::as_ref)
    }

    fn event(&mut self, place: usize, event: &Arc<Event>) {
        let clock = self.slot(place).map(|slot| slot.clock).unwrap_or_default();
        clock.scope_sync(|| self.log.tell(event));
        if let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) {
            slot.note(event);
            if matches!(event.kind, Kind::ConfigReloaded { .. }) {
                self.model.set_trend(place, slot.trend());
            }
        }
        if let Some(note) = self.model.event(place, event) {
            self.tell(note);
        }
    }

    async fn click(&mut self, click: Click) {
        match click {
            Click::App(place, deed) => self.deed(place, deed),
            Click::CreateConfig => self.create_config(),
            Click::Edit(path) => opening::open(path, &self.inputs),
            Click::Start if self.playground.is_none() => self.start_rest().await,
            Click::Start => self.restart().await,
            Click::TrySandbox => {
                self.stop().await;
                self.try_sandbox().await;
            }
            Click::LeaveSandbox => self.restart().await,
            Click::About => {
                let about = "Sets a Heroku app's dynos by the response times that its visitors feel. \
                             A click on the icon shows the latest graph; the menu does the rest.";
                self.tell(Note::plain(concat!("Autoscale ", env!("CARGO_PKG_VERSION")), about));
            }
            Click::Quit => {}
        }
    }

    fn deed(&mut self, place: usize, deed: Deed) {
        let Some(slot) = self.slot(place) else {
            if let (Deed::OpenConfig, Some(path)) = (deed, self.model.path(place)) {
                opening::open(path, &self.inputs);
            }
            return;
        };
        match deed {
            Deed::DryRun(on) => slot.handle.set_dry_run(on),
            Deed::CheckNow => slot.handle.check_now(),
            Deed::Pause => slot.handle.pause(),
            Deed::Resume => slot.handle.resume(),
            Deed::Reload => {
                self.shared.refresh();
                slot.reload(&self.wishes.forced());
            }
            Deed::OpenConfig => opening::open(slot.facts.path.clone(), &self.inputs),
            Deed::OpenGraph => self.open_graph(place),
        }
    }

    fn open_graph(&self, place: usize) {
        if let Some(slot) = self.slot(place) {
            opening::open_made(slot.graph(), format!("{}: no graph", slot.facts.name), &self.inputs);
        }
    }

    fn create_config(&mut self) {
        let Some(path) = self.model.place().map(|place| place.path.clone()) else { return };
        match config_file::create_sample(&path) {
            Ok(()) => {
                let text = format!("Fill in {}, then choose Start in the menu", path.display());
                self.tell(Note::plain("Configuration created", text));
                opening::open(path.clone(), &self.inputs);
            }
            Err(error) => {
                let text = format!("{}: {error}", path.display());
                self.tell(Note::plain("The configuration could not be created", text));
            }
        }
        let exists = path.exists();
        self.model.set_place(Some(Place { path, exists }));
    }

    /// Ends what runs, and starts what the configurations say now.
    async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Opens every configuration, and starts a loop for each that can be used.
    async fn start(&mut self) {
        self.begin_round();
        let loaded = self.wishes.load();
        if self.wishes.name_some() {
            return self.open(loaded.into_iter().enumerate()).await;
        }
        let path = match loaded.first() {
            Some(Err(error)) if error.kind == LoadErrorKind::NotFound => error.path.clone(),
            Some(_) => return self.open(loaded.into_iter().enumerate()).await,
            None => {
                let text = "There is no home folder to have it in: name one with --config";
                tracing::warn!("no configuration: {text}");
                return self.tell(Note::plain("Autoscale has no configuration yet", text));
            }
        };
        let shown = path.display();
        tracing::warn!(
            "{shown}: no configuration here: copy config.sample.ini there and fill it in, or name another file"
        );
        let text = format!("Create {shown} from the sample, or try the sandbox: both are in the menu");
        self.model.set_place(Some(Place { path, exists: false }));
        self.tell(Note::plain("Autoscale has no configuration yet", text));
    }

    /// Opens what is not looked after, as its configuration says now. What is goes on undisturbed.
    async fn start_rest(&mut self) {
        if self.slots.iter().all(Option::is_none) {
            return self.start().await;
        }
        let loaded = self.wishes.load();
        let named =
            |place: &usize| loaded.iter().any(|loaded| self.model.path(*place).as_deref() == Some(path(loaded)));
        let closed = |place: &usize| self.slots[*place].is_none();
        // A folder that held nothing has its place too, and leaves it to what it holds now.
        let left: Vec<usize> = (0..self.slots.len()).filter(|place| closed(place) && !named(place)).collect();
        let mut free = left.into_iter().chain(self.slots.len()..);
        let mut wanted = Vec::new();
        for loaded in loaded {
            match self.model.find(path(&loaded)) {
                Some(place) if self.slots[place].is_some() => {}
                place => wanted.extend(place.or_else(|| free.next()).map(|place| (place, loaded))),
            }
        }
        let places: Vec<usize> = wanted.iter().map(|(place, _)| *place).collect();
        self.open(wanted.into_iter()).await;
        for place in places {
            if let Some(slot) = &self.slots[place] {
                let Facts { name, path, .. } = slot.facts.clone();
                tracing::info!("{}: {name} is looked after now", path.display());
                self.tell(Note::plain(format!("{name} is looked after now"), ""));
            }
        }
    }

    /// Starts a loop for each configuration that can be used, at its place; each place is that of a closed one, or the
    /// next.
    async fn open(&mut self, wanted: impl ExactSizeIterator<Item = (usize, Result<Loaded, LoadError>)>) {
        let forced = self.wishes.forced();
        let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX).max(1);
        for (turn, (place, loaded)) in (0_u32..).zip(wanted) {
            let path = path(&loaded).to_owned();
            let name = loaded.as_ref().map_or_else(|_| file_name(&path), |loaded| slot::name(&loaded.config));
            let opened = match loaded {
                Ok(loaded) => {
                    // Spread over the interval, so that many apps do not all ask at once.
                    let first_after = loaded.config.check_frequency / count * turn;
                    let (at, inputs, loops) = ((self.round, place), &self.inputs, &mut self.loops);
                    Slot::start(loaded, &forced, &self.shared, at, first_after, inputs, loops).await
                }
                Err(error) => Err(error.to_string()),
            };
            let slot = match opened {
                Ok((slot, before)) => {
                    self.model.add(place, slot.facts.clone(), before.dry_run, before.paused, before.last);
                    self.model.set_shadow(place, before.shadow);
                    Some(slot)
                }
                Err(error) => {
                    let problems: Vec<String> = error.lines().map(str::to_owned).collect();
                    problems.iter().for_each(|problem| tracing::error!("{problem}"));
                    self.tell(Note::plain(format!("{name} is not looked after"), problems.join("\n")));
                    self.model.add_closed(place, name, path, problems);
                    None
                }
            };
            match self.slots.get_mut(place) {
                Some(closed) => *closed = slot,
                None => self.slots.push(slot),
            }
        }
    }

    async fn try_sandbox(&mut self) {
        self.begin_round();
        match Playground::open().await {
            Ok((playground, loaded)) => {
                self.playground = Some(playground);
                self.model.set_sandbox(true);
                if !self.wishes.name_some() {
                    self.model.set_place(user_place().map(|path| Place { exists: path.exists(), path }));
                }
                self.open([(0, Ok(loaded))].into_iter()).await;
                let text = "A simulated app meets a flash crowd within half a minute; time passes 60 times as fast.";
                self.tell(Note::plain("The sandbox runs", text));
            }
            Err(error) => {
                tracing::error!("the sandbox can't start: {error}");
                self.start().await;
                self.tell(Note::plain("The sandbox can't start", error));
            }
        }
    }

    fn begin_round(&mut self) {
        self.round += 1;
        self.slots.clear();
        self.model.clear();
    }

    async fn stop(&mut self) {
        self.slots.iter().flatten().for_each(|slot| slot.handle.stop());
        let ended = async { while self.loops.join_next().await.is_some() {} };
        if timeout(STOP_WITHIN, ended).await.is_err() {
            self.loops.shutdown().await;
        }
        self.slots.clear();
        if let Some(playground) = self.playground.take() {
            playground.close().await;
        }
    }

    fn tell(&mut self, note: Note) {
        let now = self.burst.admit(note);
        self.hand_out(now);
        if self.burst.waits() && self.burst_ends.is_none() {
            self.burst_ends = Some(Instant::now() + BURST);
        }
    }

    fn hand_out(&self, note: Option<Note>) {
        if let Some(note) = note {
            let _ = self.notes.send((self.round, note));
        }
    }

    fn publish(&self) {
        let view = View::of(&self.model, &TimeZone::system());
        self.views.send_if_modified(|shown| {
            let changed = *shown != view;
            *shown = view;
            changed
        });
    }
}

/// The file of a configuration, whether it can be used or not.
fn path(loaded: &Result<Loaded, LoadError>) -> &Path {
    match loaded {
        Ok(loaded) => &loaded.path,
        Err(error) => &error.path,
    }
}

/// "shop.ini"
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
