//! What an app's configuration asks to be kept and told of its events: a line of history, a graph, a notice to a webhook.
//! Trouble with any of them is a warning, once until it ends; scaling goes on.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::defect;
use crate::event::Event;
use crate::history::History;
use crate::http::HttpOptions;
use crate::notify::Webhook;
use crate::ports::Observer;
use crate::state;

/// The observers that a configuration names; none by default.
#[derive(Debug, Default)]
pub struct Records {
    history: Option<HistoryFile>,
    webhook: Option<Webhook>,
    #[cfg(feature = "graph")]
    graphs: Option<graphs::Graphs>,
}

impl Records {
    /// Those of a configuration. What can't be opened now is tried again with each event.
    pub fn new(config: &Config, http: &HttpOptions) -> Self {
        let webhook = config.webhook_url.as_ref().and_then(|url| {
            let webhook = Webhook::new(url, http).map(|webhook| webhook.remembering(state::notices_file(config)));
            webhook.inspect_err(|failure| tracing::warn!("notices can't be posted: {failure}")).ok()
        });
        Self {
            history: config.history_file.clone().map(HistoryFile::new),
            webhook,
            #[cfg(feature = "graph")]
            graphs: config.plot.then(|| graphs::Graphs::new(config)),
        }
    }
}

impl Records {
    /// Ends when what was begun is done, pictures drawn and notices posted, but `within` this time.
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
        tokio::join!(drawn, posted);
    }
}

impl Observer for Records {
    fn observe(&mut self, event: &Event) {
        if let Err(error) = defect::caught(|| self.record(event)) {
            tracing::error!(
                "history, graph or notice: a defect of autoscale, please report it; scaling goes on: {error}"
            );
        }
    }
}

impl Records {
    fn record(&mut self, event: &Event) {
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

#[derive(Debug)]
struct HistoryFile {
    path: PathBuf,
    open: Option<History>,
    trouble: Trouble,
}

impl HistoryFile {
    fn new(path: PathBuf) -> Self {
        Self { path, open: None, trouble: Trouble::default() }
    }

    fn append(&mut self, event: &Event) {
        let appended = match &mut self.open {
            Some(history) => history.append(event),
            None => History::open(&self.path).and_then(|history| self.open.insert(history).append(event)),
        };
        self.trouble.note("history", &self.path, appended);
    }
}

/// Warns once until it ends.
#[derive(Debug, Default)]
struct Trouble(bool);

impl Trouble {
    fn note<E: std::fmt::Display>(&mut self, what: &str, path: &std::path::Path, result: Result<(), E>) {
        match result {
            Err(error) if !self.0 => {
                tracing::warn!("{what}: {}: {error}; scaling goes on without it", path.display());
                self.0 = true;
            }
            Ok(()) if self.0 => {
                tracing::info!("{what}: {}: works again", path.display());
                self.0 = false;
            }
            _ => {}
        }
    }
}

#[cfg(feature = "graph")]
mod graphs {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use jiff::tz::TimeZone;
    use tokio::task::JoinHandle;

    use super::Trouble;
    use crate::config::{Config, GraphFormat};
    use crate::defect;
    use crate::event::Event;
    use crate::graph::Picture;
    use crate::{graph_file, state};

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
    }

    #[derive(Debug, Default)]
    struct Easel {
        next: Option<Box<Picture>>,
        busy: bool,
        trouble: Trouble,
    }

    impl Graphs {
        pub(super) fn new(config: &Config) -> Self {
            let (format, keep) = (config.graph_format, config.graphs_keep);
            let artist = Artist { folder: state::graphs_folder(config), format, keep, easel: Mutex::default() };
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
                self.drawing = Some(tokio::task::spawn_blocking(move || artist.work()));
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
                    let drawn = graph_file::keep(&self.folder, self.format, self.keep, &picture, &TimeZone::system());
                    drawn.map(drop).map_err(|error| error.to_string())
                });
                self.easel().trouble.note("graph", &self.folder, drawn.flatten());
            }
        }
    }
}
