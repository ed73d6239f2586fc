//! Hands notes to the desktop's notification service, one call a note. Where there is none, that is said once, and what
//! would have been shown is in the log.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use crate::input::Input;
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
    use std::collections::{HashMap, VecDeque};
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;
    use zbus::message::Type;
    use zbus::zvariant::Value;
    use zbus::{Connection, MatchRule, Message, MessageStream};

    use super::NAME;
    use crate::input::Input;
    use crate::view::Note;

    const SERVICE: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";
    /// How long the service may take to answer.
    const ANSWER_WITHIN: Duration = Duration::from_secs(5);
    /// Notifications whose button still works.
    const WAITED_FOR: usize = 64;

    /// The notification service of a session bus.
    pub(super) struct Service {
        inputs: UnboundedSender<Input>,
        bus: Option<Bus>,
    }

    /// The one connection for all notifications: panels take away what they show of a sender that has gone.
    struct Bus {
        connection: Connection,
        /// What the service can do; asked again after trouble.
        abilities: Option<Abilities>,
        buttons: UnboundedSender<Button>,
        listener: JoinHandle<()>,
    }

    #[derive(Clone, Copy)]
    struct Abilities {
        actions: bool,
        markup: bool,
    }

    /// "Open graph" on a notification.
    struct Button {
        notification: u32,
        round: u64,
        place: usize,
    }

    impl Service {
        pub(super) fn new(inputs: UnboundedSender<Input>) -> Self {
            Self { inputs, bus: None }
        }

        pub(super) async fn show(&mut self, round: u64, note: &Note) -> Result<(), String> {
            let shown = match timeout(ANSWER_WITHIN, self.try_to_show(round, note)).await {
                Ok(shown) => shown.map_err(|error| error.to_string()),
                Err(_) => Err("the service does not answer".into()),
            };
            if let (Err(_), Some(bus)) = (&shown, &mut self.bus) {
                bus.abilities = None;
            }
            shown
        }

        async fn try_to_show(&mut self, round: u64, note: &Note) -> zbus::Result<()> {
            // The listener ends with the connection.
            if let Some(mut bus) = self.bus.take().filter(|bus| !bus.listener.is_finished()) {
                match bus.show(round, note).await {
                    // The bus went, and the listener has not noticed yet: once more, over a connection to the one there is.
                    Err(zbus::Error::InputOutput(_)) => {}
                    shown => {
                        self.bus = Some(bus);
                        return shown;
                    }
                }
            }
            let bus = self.bus.insert(Bus::connect(self.inputs.clone()).await?);
            bus.show(round, note).await
        }
    }

    impl Bus {
        async fn connect(inputs: UnboundedSender<Input>) -> zbus::Result<Self> {
            let connection = Connection::session().await?;
            let told = MatchRule::builder().msg_type(Type::Signal).sender(SERVICE)?.interface(SERVICE)?.path(PATH)?;
            let told = MessageStream::for_match_rule(told.build(), &connection, None).await?;
            let (buttons, shown) = unbounded_channel();
            let listener = tokio::spawn(listen(told, shown, inputs));
            Ok(Self { connection, abilities: None, buttons, listener })
        }

        async fn show(&mut self, round: u64, note: &Note) -> zbus::Result<()> {
            let abilities = match self.abilities {
                Some(abilities) => abilities,
                None => *self.abilities.insert(abilities(&self.connection).await?),
            };
            let body = if abilities.markup { escaped(&note.body) } else { note.body.clone() };
            let place = note.graph_of.filter(|_| abilities.actions);
            let actions = match place {
                Some(_) => vec!["default", "Open graph", "open-graph", "Open graph"],
                None => Vec::new(),
            };
            let hints = HashMap::from([("desktop-entry", Value::from("autoscale-tray"))]);
            let (replaces_none, service_decides) = (0_u32, -1_i32);
            let notification =
                (NAME, replaces_none, "autoscale-tray", &note.title, &body, actions, hints, service_decides);
            let reply =
                self.connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "Notify", &notification).await?;
            let notification = reply.body().deserialize()?;
            if let Some(place) = place {
                let _ = self.buttons.send(Button { notification, round, place });
            }
            Ok(())
        }
    }

    /// Hands on what is pressed, until nobody shows any more or the connection is gone.
    async fn listen(mut told: MessageStream, mut shown: UnboundedReceiver<Button>, inputs: UnboundedSender<Input>) {
        let mut buttons = VecDeque::new();
        loop {
            tokio::select! {
                biased;
                button = shown.recv() => {
                    let Some(button) = button else { return };
                    // A service that came back counts from 1 again.
                    forget(&mut buttons, button.notification);
                    if buttons.len() == WAITED_FOR {
                        buttons.pop_front();
                    }
                    buttons.push_back(button);
                }
                signal = told.next() => {
                    let Some(Ok(signal)) = signal else { return };
                    hear(&signal, &mut buttons, &inputs);
                }
            }
        }
    }

    fn hear(signal: &Message, buttons: &mut VecDeque<Button>, inputs: &UnboundedSender<Input>) {
        let (header, body) = (signal.header(), signal.body());
        match header.member().map(|member| member.as_str()) {
            Some("ActionInvoked") => {
                let Ok((notification, _)) = body.deserialize::<(u32, &str)>() else { return };
                if let Some(button) = buttons.iter().find(|button| button.notification == notification) {
                    let _ = inputs.send(Input::GraphOf(button.round, button.place));
                }
            }
            Some("NotificationClosed") => {
                if let Ok((notification, _)) = body.deserialize::<(u32, u32)>() {
                    forget(buttons, notification);
                }
            }
            _ => {}
        }
    }

    fn forget(buttons: &mut VecDeque<Button>, notification: u32) {
        buttons.retain(|button| button.notification != notification);
    }

    async fn abilities(connection: &Connection) -> zbus::Result<Abilities> {
        let reply = connection.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetCapabilities", &()).await?;
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
            // A program outside a bundle tells in the name of another one; unless it names that, the first notification
            // asks where an application called "use_default" is.
            #[cfg(target_os = "macos")]
            if let Err(error) = notify_rust::set_application("com.apple.Finder") {
                tracing::debug!("notifications are in no application's name: {error}");
            }
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
