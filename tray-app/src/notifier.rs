//! Hands notes to the desktop's notification service, one call a note. Where there is none, that is said once, and what
//! would have been shown is in the log.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::session::Input;
use crate::view::Note;

/// How the service calls this program.
const NAME: &str = "Autoscale";

/// Shows notes until nobody sends any.
pub(crate) async fn run(mut notes: UnboundedReceiver<(u64, Note)>, inputs: UnboundedSender<Input>) {
    let mut service = Service::new(inputs);
    let mut silent = false;
    while let Some((round, note)) = notes.recv().await {
        match service.show(round, &note).await {
            Ok(()) if silent => {
                tracing::info!("notifications are shown again");
                silent = false;
            }
            Ok(()) => {}
            Err(error) => {
                if !silent {
                    tracing::warn!("notifications can't be shown: {error}; the log tells it all, scaling goes on");
                    silent = true;
                }
                tracing::info!("not shown: {}: {}", note.title, note.body);
            }
        }
    }
}

#[cfg(target_os = "linux")]
use linux::Service;

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Duration;

    use notify_rust::{Notification, NotificationResponse};
    use tokio::sync::mpsc::UnboundedSender;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::NAME;
    use crate::session::Input;
    use crate::view::Note;

    /// How long the service may take to answer.
    const ANSWER_WITHIN: Duration = Duration::from_secs(5);
    /// Notifications whose button still works; each costs a connection.
    const WAITED_FOR: usize = 8;
    const OPEN_GRAPH: &str = "open-graph";

    /// The notification service of a session bus.
    pub(super) struct Service {
        inputs: UnboundedSender<Input>,
        /// What it can do; asked again after trouble.
        abilities: Option<Abilities>,
        waiting: JoinSet<()>,
        order: std::collections::VecDeque<tokio::task::AbortHandle>,
    }

    #[derive(Clone, Copy)]
    struct Abilities {
        actions: bool,
        markup: bool,
    }

    impl Service {
        pub(super) fn new(inputs: UnboundedSender<Input>) -> Self {
            Self { inputs, abilities: None, waiting: JoinSet::new(), order: std::collections::VecDeque::new() }
        }

        pub(super) async fn show(&mut self, round: u64, note: &Note) -> Result<(), String> {
            let shown = timeout(ANSWER_WITHIN, self.try_to_show(round, note)).await;
            let shown = shown.unwrap_or_else(|_| Err("the service does not answer".into()));
            if shown.is_err() {
                self.abilities = None;
            }
            shown
        }

        async fn try_to_show(&mut self, round: u64, note: &Note) -> Result<(), String> {
            let abilities = match self.abilities {
                Some(abilities) => abilities,
                None => *self.abilities.insert(abilities().await.map_err(|error| error.to_string())?),
            };
            let body = if abilities.markup { escaped(&note.body) } else { note.body.clone() };
            let mut notification = Notification::new();
            notification.appname(NAME).summary(&note.title).body(&body).icon("autoscale-tray");
            notification.hint(notify_rust::Hint::DesktopEntry("autoscale-tray".into()));
            let place = note.graph_of.filter(|_| abilities.actions);
            if place.is_some() {
                notification.action("default", "Open graph").action(OPEN_GRAPH, "Open graph");
            }
            let handle = notification.show_async().await.map_err(|error| error.to_string())?;
            let Some(place) = place else { return Ok(()) };
            let inputs = self.inputs.clone();
            while self.waiting.try_join_next().is_some() {}
            self.order.retain(|task| !task.is_finished());
            self.order.push_back(self.waiting.spawn(async move {
                let asked = |response: &NotificationResponse| {
                    if !matches!(response, NotificationResponse::Closed(_)) {
                        let _ = inputs.send(Input::GraphOf(round, place));
                    }
                };
                handle.wait_for_action_async(asked).await;
            }));
            if self.order.len() > WAITED_FOR
                && let Some(oldest) = self.order.pop_front()
            {
                oldest.abort();
            }
            Ok(())
        }
    }

    async fn abilities() -> zbus::Result<Abilities> {
        const PATH: &str = "/org/freedesktop/Notifications";
        const NAME: &str = "org.freedesktop.Notifications";
        let bus = zbus::Connection::session().await?;
        let reply = bus.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &()).await?;
        let all: Vec<String> = reply.body().deserialize()?;
        let has = |wanted: &str| all.iter().any(|name| name == wanted);
        Ok(Abilities { actions: has("actions"), markup: has("body-markup") })
    }

    /// As markup that reads like the text.
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }
}

#[cfg(not(target_os = "linux"))]
use elsewhere::Service;

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Input, NAME, Note, UnboundedSender};

    /// The notification service of Windows and macOS.
    pub(super) struct Service;

    impl Service {
        pub(super) fn new(_: UnboundedSender<Input>) -> Self {
            Self
        }

        pub(super) async fn show(&mut self, _: u64, note: &Note) -> Result<(), String> {
            let (title, body) = (note.title.clone(), note.body.clone());
            let show = move || {
                let mut notification = notify_rust::Notification::new();
                let shown = notification.appname(NAME).summary(&title).body(&body).show();
                shown.map(drop).map_err(|error| error.to_string())
            };
            tokio::task::spawn_blocking(show).await.unwrap_or_else(|error| Err(error.to_string()))
        }
    }
}
