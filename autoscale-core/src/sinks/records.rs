//! What an app's configuration asks to be kept and told of its events: a line of history, a graph, a notice to a webhook.
//! Each is written beside the loop, which waits for none of them; what is to be said of it is said on the loop's own
//! runtime. Trouble with any of them is a warning, once until it ends; scaling goes on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::config::{Config, places};
use crate::engine::ports::{Failure, Observer};
use crate::engine::{Warnings, defect};
use crate::http::HttpOptions;
use crate::model::event::Event;
use crate::model::warning::Warning;
use crate::sinks::history::{Appended, History};
use crate::sinks::webhook::Webhook;
use crate::sinks::writer::lost;

/// Events that wait for the history at most: as long as a disk hangs that takes nothing.
const QUEUE: usize = 1024;

/// The observers that a configuration names; none by default.
#[derive(Debug, Default)]
pub struct Records {
    history: Option<HistoryFile>,
    webhook: Option<Webhook>,
    #[cfg(feature = "graph")]
    graphs: Option<graphs::Graphs>,
    warnings: Warnings,
}

impl Records {
    /// What they have to say to an operator goes into `warnings`. Those of a configuration. What can't be opened now is tried again with each event.
    pub fn new(config: &Config, http: &HttpOptions, warnings: &Warnings) -> Self {
        let webhook = config.webhook_url.as_ref().and_then(|url| {
            let webhook =
                Webhook::new(url, http, warnings).map(|webhook| webhook.remembering(places::notices_file(config)));
            let told =
                |failure: &Failure| warnings.add(Warning::WEBHOOK, format!("notices can't be posted: {failure}"));
            webhook.inspect_err(told).ok()
        });
        Self {
            history: config.history_file.clone().map(|path| HistoryFile::new(path, warnings.clone())),
            webhook,
            #[cfg(feature = "graph")]
            graphs: config.plot.then(|| graphs::Graphs::new(config, warnings.clone())),
            warnings: warnings.clone(),
        }
    }
}

impl Records {
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
struct HistoryFile {
    path: PathBuf,
    lines: mpsc::Sender<String>,
    idle: Option<mpsc::Receiver<String>>,
    task: Option<JoinHandle<()>>,
    fate: Arc<Mutex<Fate>>,
    warnings: Warnings,
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

impl HistoryFile {
    fn new(path: PathBuf, warnings: Warnings) -> Self {
        let (lines, idle) = mpsc::channel(QUEUE);
        Self { path, lines, idle: Some(idle), task: None, fate: Arc::default(), warnings }
    }

    fn append(&mut self, event: &Event) {
        if let Ok(runtime) = Handle::try_current()
            && let Some(waiting) = self.idle.take()
        {
            self.task =
                Some(runtime.spawn(keep(self.path.clone(), waiting, Arc::clone(&self.fate), self.warnings.clone())));
        }
        // Counted before the task can know of it.
        fate(&self.fate).waiting += 1;
        if self.lines.try_send(event.to_json()).is_err() {
            lose(&self.path, &self.fate, &self.warnings, format!("{QUEUE} events wait for it already"));
        }
    }

    /// Ends when all that waits is written, or `within` this time; then it is given up, and what is lost is said.
    async fn finish(self, within: Duration) {
        let Self { path, lines, task, fate: shared, warnings, .. } = self;
        drop(lines);
        if let Some(mut task) = task
            && timeout(within, &mut task).await.is_err()
        {
            task.abort();
        }
        let Fate { waiting, lost: given_up, why } = std::mem::take(&mut *fate(&shared));
        if waiting + given_up > 0 {
            let why = why.unwrap_or_else(|| "it did not take them in time".into());
            let lost = lost(waiting + given_up, "event");
            warnings.add(Warning::HISTORY, format!("history: {}: {lost}: {why}", path.display()));
        }
    }
}

/// Never held while something is waited for.
fn fate(shared: &Mutex<Fate>) -> MutexGuard<'_, Fate> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts one of those that wait as lost. Said once until the history works again.
fn lose(path: &Path, shared: &Mutex<Fate>, warnings: &Warnings, why: String) {
    let before = {
        let mut fate = fate(shared);
        fate.waiting -= 1;
        fate.lost += 1;
        fate.why.replace(why.clone())
    };
    if before.is_none() {
        let text = format!("history: {}: {why}; scaling goes on without it", path.display());
        warnings.add(Warning::HISTORY, text);
    }
}

/// One of those that wait was written: says what was lost before it.
fn kept(path: &Path, shared: &Mutex<Fate>, warnings: &Warnings) {
    let (lost_events, why) = {
        let mut fate = fate(shared);
        fate.waiting -= 1;
        (std::mem::take(&mut fate.lost), fate.why.take())
    };
    if let Some(why) = why {
        let lost = lost(lost_events, "event");
        warnings.add(Warning::HISTORY, format!("history: {}: works again; {lost}: {why}", path.display()));
    }
}

/// Appends what comes, until nobody sends any more.
async fn keep(path: PathBuf, mut lines: mpsc::Receiver<String>, shared: Arc<Mutex<Fate>>, warnings: Warnings) {
    let mut history = History::new(&path);
    let mut known = Appended::default();
    while let Some(line) = lines.recv().await {
        let appended = spawn_blocking(move || {
            let appended = history.append_line(&line);
            (history, appended)
        });
        // It was not begun: the runtime ends.
        let Ok((back, appended)) = appended.await else { return };
        history = back;
        match appended {
            Ok(appended) => {
                kept(&path, &shared, &warnings);
                remark(&path, &warnings, known, appended);
                known = appended;
            }
            Err(error) => lose(&path, &shared, &warnings, error.to_string()),
        }
    }
}

/// Says what is odd about a line's way into the history, and was not so with the one before.
fn remark(path: &Path, warnings: &Warnings, before: Appended, now: Appended) {
    let path = path.display();
    let tell = |text: String| warnings.add(Warning::HISTORY, text);
    if now.removed_half_a_line {
        tell(format!("history: {path}: the last line was cut off and is removed"));
    }
    if now.open_to_others && !before.open_to_others {
        tell(format!("history: {path}: every user of this machine can read it, and lock it: chmod 600 {path}"));
    }
    match (before.unlocked, now.unlocked) {
        (false, true) => tell(format!(
            "history: {path}: locked by another process: it still grows, but is not rotated until the lock is free"
        )),
        (true, false) => tell(format!("history: {path}: no longer locked by another process")),
        _ => {}
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
