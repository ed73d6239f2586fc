//! What an app's configuration asks to be kept and told of its events: a line of history, a graph, a notice to a webhook.
//! Each is written beside the loop, which waits for none of them; what is to be said of it is said on the loop's own
//! runtime. Trouble with any of them is a warning, once until it ends; scaling goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{Config, places};
use crate::engine::event_log::EventLog as _;
use crate::engine::ports::{Failure, Observer};
use crate::engine::{SharedEventLog, Warnings, defect};
use crate::http::HttpOptions;
use crate::model::event::Event;
use crate::model::warning::Warning;
use crate::sinks::webhook::Webhook;
use crate::sinks::writer::lost;

/// Events that wait for the history at most: as long as a disk hangs that takes nothing.
const QUEUE: usize = 1024;

/// The observers that a configuration names; none by default.
#[derive(Debug, Default)]
pub struct Records {
    history: Option<EventQueue>,
    webhook: Option<Webhook>,
    #[cfg(feature = "graph")]
    graphs: Option<graphs::Graphs>,
    warnings: Warnings,
}

impl Records {
    /// Those of a configuration, with the log of events that is given. What they have to say to an operator goes into
    /// `warnings`. What can't be opened now is tried again with each event.
    pub(crate) fn new(config: &Config, http: &HttpOptions, warnings: &Warnings, log: Option<SharedEventLog>) -> Self {
        let webhook = config.webhook_url.as_ref().and_then(|url| {
            let webhook =
                Webhook::new(url, http, warnings).map(|webhook| webhook.remembering(places::notices_file(config)));
            let told =
                |failure: &Failure| warnings.add(Warning::WEBHOOK, format!("notices can't be posted: {failure}"));
            webhook.inspect_err(told).ok()
        });
        Self {
            history: log.map(|log| EventQueue::new(log, warnings.clone())),
            webhook,
            #[cfg(feature = "graph")]
            graphs: config.plot.then(|| graphs::Graphs::new(config, warnings.clone())),
            warnings: warnings.clone(),
        }
    }
}

impl Records {
    /// Goes on with what those of the configuration before have not sent.
    pub fn take_over(&mut self, earlier: &Self) {
        if let Some((webhook, earlier)) = self.webhook.as_mut().zip(earlier.webhook.as_ref()) {
            webhook.take_over(earlier);
        }
    }

    /// Ends when what was begun is done, lines written, pictures drawn and notices posted, but `within` this time.
    pub async fn finish(self, within: Duration) {
        #[cfg(feature = "graph")]
        let drawn = async {
            if let Some(graphs) = self.graphs {
                let _ = tokio::time::timeout(within, graphs.finish()).await;
            }
        };
        #[cfg(not(feature = "graph"))]
        let drawn = std::future::ready(());
        let posted = async {
            if let Some(webhook) = self.webhook {
                webhook.finish(within).await;
            }
        };
        let written = async {
            if let Some(history) = self.history {
                history.finish(within).await;
            }
        };
        tokio::join!(written, drawn, posted);
    }
}

impl Observer for Records {
    fn observe(&mut self, event: &Arc<Event>) {
        if let Err(error) = defect::caught(|| self.record(event)) {
            let text =
                format!("history, graph or notice: a defect of autoscale, please report it; scaling goes on: {error}");
            self.warnings.add(Warning::DEFECT, text);
        }
    }
}

impl Records {
    fn record(&mut self, event: &Arc<Event>) {
        if let Some(history) = &mut self.history {
            history.append(event);
        }
        #[cfg(feature = "graph")]
        if let Some(graphs) = &mut self.graphs {
            graphs.draw(event);
        }
        if let Some(webhook) = &mut self.webhook {
            webhook.observe(event);
        }
    }
}

/// Hands events to a task, which appends them one after the other where a slow disk holds up nobody.
#[derive(Debug)]
struct EventQueue {
    keeper: Keeper,
    events: mpsc::Sender<Arc<Event>>,
    idle: Option<mpsc::Receiver<Arc<Event>>>,
    task: Option<JoinHandle<()>>,
}

/// What became of the events.
#[derive(Debug, Default)]
struct Fate {
    /// Not written yet.
    waiting: u64,
    /// Lost, and not told of yet.
    lost: u64,
    /// Why.
    why: Option<String>,
}

impl EventQueue {
    fn new(log: SharedEventLog, warnings: Warnings) -> Self {
        let (events, idle) = mpsc::channel(QUEUE);
        let keeper = Keeper { log, fate: Arc::default(), warnings };
        Self { keeper, events, idle: Some(idle), task: None }
    }

    fn append(&mut self, event: &Arc<Event>) {
        if let Ok(runtime) = Handle::try_current()
            && let Some(waiting) = self.idle.take()
        {
            self.task = Some(runtime.spawn(self.keeper.clone().keep(waiting)));
        }
        // Counted before the task can know of it.
        self.keeper.fate().waiting += 1;
        if self.events.try_send(Arc::clone(event)).is_err() {
            self.keeper.lost(format!("{QUEUE} events wait for it already"));
        }
    }

    /// Ends when all that waits is written, or `within` this time; then it is given up, and what is lost is said.
    async fn finish(self, within: Duration) {
        let Self { keeper, events, task, .. } = self;
        drop(events);
        if let Some(mut task) = task
            && timeout(within, &mut task).await.is_err()
        {
            task.abort();
        }
        let Fate { waiting, lost: given_up, why } = std::mem::take(&mut *keeper.fate());
        if waiting + given_up > 0 {
            let why = why.unwrap_or_else(|| "it did not take them in time".into());
            let lost = lost(waiting + given_up, "event");
            keeper.tell(format!("{lost}: {why}"));
        }
    }
}

/// Appends events, and keeps count of what becomes of them.
#[derive(Clone, Debug)]
struct Keeper {
    log: SharedEventLog,
    fate: Arc<Mutex<Fate>>,
    warnings: Warnings,
}

impl Keeper {
    /// Never held while something is waited for.
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, text: String) {
        self.warnings.add(Warning::HISTORY, format!("{}: {text}", self.log.name()));
    }

    /// Appends what comes, until nobody sends any more.
    async fn keep(self, mut events: mpsc::Receiver<Arc<Event>>) {
        while let Some(event) = events.recv().await {
            let mut log = self.log.lock().await;
            match log.append(event).await {
                Ok(()) => self.kept(),
                Err(error) => self.lost(error.to_string()),
            }
            log.warnings().into_iter().for_each(|Warning { text, .. }| self.warnings.add(Warning::HISTORY, text));
        }
    }

    /// Counts one of those that wait as lost. Said once until the log works again.
    fn lost(&self, why: String) {
        let before = {
            let mut fate = self.fate();
            fate.waiting -= 1;
            fate.lost += 1;
            fate.why.replace(why.clone())
        };
        if before.is_none() {
            self.tell(format!("{why}; scaling goes on without it"));
        }
    }

    /// One of those that wait was written: says what was lost before it.
    fn kept(&self) {
        let (lost_events, why) = {
            let mut fate = self.fate();
            fate.waiting -= 1;
            (std::mem::take(&mut fate.lost), fate.why.take())
        };
        if let Some(why) = why {
            let lost = lost(lost_events, "event");
            self.tell(format!("works again; {lost}: {why}"));
        }
    }
}

#[cfg(feature = "graph")]
mod graphs {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use jiff::tz::TimeZone;
    use tokio::task::JoinHandle;

    use crate::clock::Clock;
    use crate::config::{Config, GraphFormat, places};
    use crate::engine::{Warnings, defect};
    use crate::graph::Picture;
    use crate::model::event::Event;
    use crate::model::warning::Warning;
    use crate::sinks::graph_files;

    /// Draws each check into a folder, one after the other. Where checks come faster than pictures are drawn, some are
    /// left out, never the last one.
    #[derive(Debug)]
    pub(super) struct Graphs {
        artist: Arc<Artist>,
        drawing: Option<JoinHandle<()>>,
    }

    #[derive(Debug)]
    struct Artist {
        folder: PathBuf,
        format: GraphFormat,
        keep: usize,
        easel: Mutex<Easel>,
        warnings: Warnings,
    }

    #[derive(Debug, Default)]
    struct Easel {
        next: Option<Box<Picture>>,
        busy: bool,
        trouble: Trouble,
    }

    /// Warns once until it ends.
    #[derive(Debug, Default)]
    struct Trouble(bool);

    impl Trouble {
        fn note(&mut self, folder: &std::path::Path, warnings: &Warnings, drawn: Result<(), String>) {
            let folder = folder.display();
            match drawn {
                Err(error) if !self.0 => {
                    warnings.add(Warning::GRAPH, format!("graph: {folder}: {error}; scaling goes on without it"));
                    self.0 = true;
                }
                Ok(()) if self.0 => {
                    warnings.add(Warning::GRAPH, format!("graph: {folder}: works again"));
                    self.0 = false;
                }
                _ => {}
            }
        }
    }

    impl Graphs {
        pub(super) fn new(config: &Config, warnings: Warnings) -> Self {
            let (format, keep) = (config.graph_format, config.graphs_keep);
            let artist =
                Artist { folder: places::graphs_folder(config), format, keep, easel: Mutex::default(), warnings };
            Self { artist: Arc::new(artist), drawing: None }
        }

        /// Ends when the last picture is drawn.
        pub(super) async fn finish(self) {
            if let Some(drawing) = self.drawing {
                let _ = drawing.await;
            }
        }

        /// Draws it on a thread where nobody waits for it: a picture takes longer than a check.
        pub(super) fn draw(&mut self, event: &Event) {
            let Some(picture) = Picture::of_event(event) else { return };
            let busy = {
                let mut easel = self.artist.easel();
                easel.next = Some(Box::new(picture));
                std::mem::replace(&mut easel.busy, true)
            };
            if !busy {
                let artist = Arc::clone(&self.artist);
                let clock = Clock::current();
                self.drawing = Some(tokio::task::spawn_blocking(move || clock.scope_sync(|| artist.work())));
            }
        }
    }

    impl Artist {
        fn easel(&self) -> MutexGuard<'_, Easel> {
            self.easel.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn work(&self) {
            loop {
                let picture = {
                    let mut easel = self.easel();
                    let next = easel.next.take();
                    easel.busy = next.is_some();
                    next
                };
                let Some(picture) = picture else { return };
                // A picture that can't be drawn for a defect must not end all later ones.
                let drawn = defect::caught(|| {
                    let drawn = graph_files::keep(&self.folder, self.format, self.keep, &picture, &TimeZone::system());
                    drawn.map(drop).map_err(|error| error.to_string())
                });
                self.easel().trouble.note(&self.folder, &self.warnings, drawn.flatten());
            }
        }
    }
}
