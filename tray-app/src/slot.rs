//! One app of the tray: its loop runs on the runtime in the background; events come out, commands go in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use autoscale_core::workspace::autoscaler::{Autoscaler, Handle};
use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::config_file::{Loaded, Place};
use autoscale_core::workspace::event::{Check, Event, Kind};
use autoscale_core::workspace::graph::Picture;
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::http::Shared;
use autoscale_core::workspace::places;
use autoscale_core::workspace::ports::Observer;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::input::Input;
use crate::view::Facts;

/// An app that is looked after.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) facts: Facts,
    pub(crate) clock: Clock,
    pub(crate) handle: Handle,
    read_from: Place,
    /// Its configuration, as the last reload left it.
    config: watch::Receiver<Config>,
    last: Option<Arc<Event>>,
}

/// What the view starts with.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) dry_run: bool,
    pub(crate) shadow: bool,
    pub(crate) paused: bool,
    pub(crate) last: Option<Check>,
}

/// How an app is called: the process type is named unless it is `web`.
pub(crate) fn name(config: &Config) -> String {
    let heroku = &config.heroku;
    if heroku.process_type == "web" {
        heroku.app_name.clone()
    } else {
        format!("{} {}", heroku.app_name, heroku.process_type)
    }
}

/// Trends beyond these are falling and rising, ms per second.
fn trend(config: &Config) -> (f64, f64) {
    (config.settings.trend_low, config.settings.trend_high)
}

/// What is the same for all apps of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forced {
    pub(crate) dry_run: bool,
    pub(crate) shadow: bool,
}

impl Slot {
    /// Opens an app and starts its loop. Its events carry `round` and `place`.
    pub(crate) async fn start(
        loaded: Loaded,
        forced: &Forced,
        shared: &Shared,
        (round, place): (u64, usize),
        first_after: Duration,
        inputs: &UnboundedSender<Input>,
        loops: &mut JoinSet<()>,
    ) -> Result<(Self, Before), String> {
        let loaded = loaded.ready().map_err(|error| error.to_string())?;
        let teller = Teller { round, place, inputs: inputs.clone() };
        let builder = Autoscaler::builder(loaded.config.clone()).shared(shared).observer(teller);
        let built = builder.dry_run(forced.dry_run).shadow(forced.shadow).build().await;
        let (mut autoscaler, handle) = built.map_err(|error| error.to_string())?;
        let clock = autoscaler.clock();
        clock.scope_sync(|| autoscaler.pace().iter().for_each(|line| tracing::info!("{line}")));
        let warnings = loaded.in_lines(&loaded.warnings);
        clock.scope_sync(|| warnings.iter().for_each(|warning| tracing::warn!("{warning}")));
        let startup = autoscaler.startup_checks();
        let startup = async move { startup.await.iter().for_each(|warning| tracing::warn!("{warning}")) };
        loops.spawn(clock.scope(startup));

        let read_from = loaded.place();
        let facts = Facts {
            name: name(&loaded.config),
            path: loaded.path,
            trend: trend(&loaded.config),
            forced_dry_run: forced.dry_run,
            forced_shadow: forced.shadow,
            fast: clock.speed() != 1.0,
        };
        let before = Before {
            dry_run: autoscaler.is_dry_run(),
            shadow: autoscaler.is_shadow(),
            paused: autoscaler.is_paused(),
            last: autoscaler.last_check().and_then(|event| match &event.kind {
                Kind::Checked(check) => Some(check.as_ref().clone()),
                _ => None,
            }),
        };
        autoscaler.set_first_check_after(first_after);
        loops.spawn(autoscaler.run());
        let config = handle.config();
        Ok((Self { facts, clock, handle, read_from, config, last: None }, before))
    }

    /// Reads the configuration file again.
    pub(crate) fn reload(&self, forced: &Forced) {
        let (place, handle) = (self.read_from.clone(), self.handle.clone());
        let dry_run = forced.dry_run || forced.shadow;
        // A file that hangs must not hold up the menu.
        tokio::task::spawn_blocking(move || handle.reload_file(place.load_again(dry_run), Duration::ZERO));
    }

    /// Keeps what a graph is drawn from.
    pub(crate) fn note(&mut self, event: &Arc<Event>) {
        if matches!(event.kind, Kind::Checked(_)) {
            self.last = Some(Arc::clone(event));
        }
    }

    /// Trends beyond these are falling and rising now, ms per second.
    pub(crate) fn trend(&self) -> (f64, f64) {
        trend(&self.config.borrow())
    }

    /// The file of the latest graph: drawn from the last check, or where there was none in this run, the newest there is.
    /// Takes a moment: not for a thread that others wait for.
    pub(crate) fn graph(&self) -> impl FnOnce() -> Result<PathBuf, String> + Send + use<> {
        let (last, config) = (self.last.clone(), self.config.borrow().clone());
        move || {
            let (folder, heroku) = (places::graphs_folder(&config), &config.heroku);
            match last.as_deref().and_then(Picture::of_event) {
                Some(picture) => {
                    graph_files::keep(&folder, config.graph_format, config.graphs_keep, &picture, &TimeZone::system())
                        .map_err(|error| error.to_string())
                }
                None => graph_files::newest(&folder, &heroku.app_name, &heroku.process_type)
                    .ok_or_else(|| "there is nothing to draw yet: the first check brings it".into()),
            }
        }
    }
}

/// Hands over what the loop tells.
struct Teller {
    round: u64,
    place: usize,
    inputs: UnboundedSender<Input>,
}

impl Observer for Teller {
    fn observe(&mut self, event: &Arc<Event>) {
        // Nobody listens any more when the program ends.
        let _ = self.inputs.send(Input::Event(self.round, self.place, Arc::clone(event)));
    }

    fn next_check(&mut self, after: Option<Duration>) {
        let _ = self.inputs.send(Input::Next(self.round, self.place, after));
    }
}
