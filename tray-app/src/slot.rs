//! One app of the tray: its loop runs on the runtime in the background; events come out, commands go in.

use std::path::PathBuf;
use std::time::Duration;

use autoscale_core::workspace::app::{App, AppOptions};
use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::event::{Check, Event, Kind};
use autoscale_core::workspace::graph::Picture;
use autoscale_core::workspace::graph_files;
use autoscale_core::workspace::places;
use autoscale_core::workspace::ports::Observer;
use autoscale_core::workspace::runner::Command;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::input::Input;
use crate::view::Facts;

/// An app that is looked after.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) facts: Facts,
    pub(crate) clock: Clock,
    commands: UnboundedSender<Command>,
    /// Its configuration, as the last reload left it.
    config: watch::Receiver<Config>,
    last: Option<Event>,
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

impl Slot {
    /// Starts the loop of an app. What it tells carries `round` and `place`.
    pub(crate) fn start(
        app: App,
        options: &AppOptions,
        (round, place): (u64, usize),
        first_after: Duration,
        inputs: &UnboundedSender<Input>,
        loops: &mut JoinSet<()>,
    ) -> (Self, Before) {
        let clock = app.clock;
        clock.scope_sync(|| app.warnings.iter().for_each(|warning| tracing::warn!("{warning}")));
        let outside = app.outside_warnings();
        let outside = async move { outside.await.iter().for_each(|warning| tracing::warn!("{warning}")) };
        loops.spawn(clock.scope(outside));

        let config = app.in_force();
        let facts = Facts {
            name: name(&app.config),
            path: app.path.clone(),
            trend: trend(&app.config),
            forced_dry_run: options.dry_run,
            forced_shadow: options.shadow,
            fast: clock.speed() != 1.0,
        };
        let ledger = app.engine.ledger();
        let before = Before {
            dry_run: app.engine.is_dry_run(),
            shadow: app.engine.is_shadow(),
            paused: ledger.paused,
            last: ledger.last_check.as_ref().and_then(|event| match &event.kind {
                Kind::Checked(check) => Some(check.as_ref().clone()),
                _ => None,
            }),
        };
        let (commands, receiver) = unbounded_channel();
        let teller = Teller { round, place, inputs: inputs.clone() };
        loops.spawn(app.into_loop(first_after, Box::new(teller)).run(receiver));
        (Self { facts, clock, commands, config, last: None }, before)
    }

    /// Tells the loop.
    pub(crate) fn tell(&self, command: Command) {
        // A loop that has ended needs to be told nothing.
        let _ = self.commands.send(command);
    }

    /// Keeps what a graph is drawn from.
    pub(crate) fn note(&mut self, event: &Event) {
        if matches!(event.kind, Kind::Checked(_)) {
            self.last = Some(event.clone());
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
            match last.as_ref().and_then(Picture::of_event) {
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
    fn observe(&mut self, event: &Event) {
        // Nobody listens any more when the program ends.
        let _ = self.inputs.send(Input::Event(self.round, self.place, Box::new(event.clone())));
    }

    fn next_check(&mut self, after: Option<Duration>) {
        let _ = self.inputs.send(Input::Next(self.round, self.place, after));
    }
}
