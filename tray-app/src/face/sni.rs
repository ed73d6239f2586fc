//! Linux: a StatusNotifierItem with its menu over D-Bus, on the runtime of the loops. No display, no GTK. The bus, and the
//! panel that shows the item, may go and come back.

use std::time::Duration;

use futures_util::StreamExt as _;
use ksni::menu::{CheckmarkItem, MenuItem, StandardItem, SubMenu};
use ksni::{Handle, OfflineReason, TrayMethods as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use zbus::{Connection, MessageStream};

use crate::icon;
use crate::input::Input;
use crate::view::{Click, Entry, View};

/// How often a bus that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long the bus may take to answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the panel may take to let an icon go.
const GO_WITHIN: Duration = Duration::from_millis(500);

/// Shows views until there are no more: then at once, whatever the bus is at.
pub(crate) async fn show(shown: watch::Receiver<View>, inputs: UnboundedSender<Input>) {
    let mut views = shown.clone();
    let over = async move { while views.changed().await.is_ok() {} };
    let mut item = None;
    tokio::select! {
        () = over => {}
        () = follow(shown, &inputs, &mut item) => {}
    }
    let_go(item).await;
}

/// Shows views on whichever bus is there, as `item`.
async fn follow(mut shown: watch::Receiver<View>, inputs: &UnboundedSender<Input>, item: &mut Option<Handle<Item>>) {
    let mut missed = false;
    loop {
        let view = shown.borrow().clone();
        let connected = timeout(CONNECT_WITHIN, connect(view, inputs)).await;
        let no_answer = || format!("it does not answer within {} s", CONNECT_WITHIN.as_secs());
        match connected.unwrap_or_else(|_| Err(no_answer())) {
            Ok((bus, connected)) => {
                if missed {
                    tracing::info!("the session bus is back, and so is the icon");
                }
                keep(&mut shown, &bus, item.insert(connected)).await;
                let_go(item.take()).await;
                tracing::warn!(
                    "the session bus is gone: no icon and no notifications until it is back; scaling goes on"
                );
            }
            Err(error) if !missed => {
                tracing::warn!("no icon, since the session bus can't be reached: {error}; scaling goes on");
            }
            Err(_) => {}
        }
        missed = true;
        sleep(LOOK_AGAIN).await;
    }
}

async fn connect(view: View, inputs: &UnboundedSender<Input>) -> Result<(Connection, Handle<Item>), String> {
    // A connection of one's own tells when the bus goes; the item's does not.
    let bus = Connection::session().await.map_err(|error| error.to_string())?;
    let item = Item::new(view, inputs.clone());
    // A panel may come later: the item waits for it.
    let item = item.assume_sni_available(true).spawn().await.map_err(|error| error.to_string())?;
    Ok((bus, item))
}

/// Shows views until the bus is gone.
async fn keep(shown: &mut watch::Receiver<View>, bus: &Connection, item: &Handle<Item>) {
    let mut messages = MessageStream::from(bus);
    shown.mark_changed();
    loop {
        tokio::select! {
            message = messages.next() => {
                if !matches!(message, Some(Ok(_))) {
                    return;
                }
            }
            Ok(()) = shown.changed() => {
                let view = shown.borrow_and_update().clone();
                item.update(|item| item.set(view)).await;
            }
        }
    }
}

async fn let_go(item: Option<Handle<Item>>) {
    if let Some(item) = item {
        let _ = timeout(GO_WITHIN, item.shutdown()).await;
    }
}

/// What the panel sees.
struct Item {
    view: View,
    icons: Vec<ksni::Icon>,
    inputs: UnboundedSender<Input>,
}

impl Item {
    fn new(view: View, inputs: UnboundedSender<Input>) -> Self {
        Self { icons: icons(&view), view, inputs }
    }

    fn set(&mut self, view: View) {
        if (view.state, view.dry_run) != (self.view.state, self.view.dry_run) {
            self.icons = icons(&view);
        }
        self.view = view;
    }

    fn click(&self, click: Click) {
        let _ = self.inputs.send(Input::Click(click));
    }
}

impl ksni::Tray for Item {
    fn id(&self) -> String {
        "autoscale-tray".into()
    }

    fn title(&self) -> String {
        self.view.title.clone()
    }

    fn icon_pixmap(&self) -> Vec<ksni::Icon> {
        self.icons.clone()
    }

    fn tool_tip(&self) -> ksni::ToolTip {
        let description = self.view.tooltip.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        ksni::ToolTip { title: "Autoscale".into(), description, ..ksni::ToolTip::default() }
    }

    fn activate(&mut self, _: i32, _: i32) {
        self.click(self.view.primary.clone());
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        self.view.menu.iter().map(menu_item).collect()
    }

    fn watcher_online(&self) {
        tracing::info!("a panel that shows tray icons is there");
    }

    fn watcher_offline(&self, _: OfflineReason) -> bool {
        tracing::warn!(
            "no panel here shows tray icons (nobody owns org.kde.StatusNotifierWatcher): the icon comes when one does; \
             on GNOME the extension AppIndicator brings it"
        );
        true
    }
}

fn icons(view: &View) -> Vec<ksni::Icon> {
    let sizes = icon::SIZES.into_iter();
    let drawn = sizes.map(|size| {
        let icon::Image { size, rgba: mut data } = icon::draw(view.state, view.dry_run, size);
        // ARGB, as the protocol has it.
        data.chunks_exact_mut(4).for_each(|pixel| pixel.rotate_right(1));
        let size = i32::try_from(size).unwrap_or_default();
        ksni::Icon { width: size, height: size, data }
    });
    drawn.collect()
}

fn menu_item(entry: &Entry) -> MenuItem<Item> {
    match entry {
        Entry::Text(label) => StandardItem { label: plain(label), enabled: false, ..StandardItem::default() }.into(),
        Entry::Item(label, click) => {
            let click = click.clone();
            let activate = Box::new(move |item: &mut Item| item.click(click.clone()));
            StandardItem { label: plain(label), activate, ..StandardItem::default() }.into()
        }
        Entry::Check { label, on, click } => {
            let (enabled, click) = (click.is_some(), click.clone());
            let activate = Box::new(move |item: &mut Item| click.iter().for_each(|click| item.click(click.clone())));
            CheckmarkItem { label: plain(label), checked: *on, enabled, activate, ..CheckmarkItem::default() }.into()
        }
        Entry::Submenu(label, entries) => {
            let submenu = entries.iter().map(menu_item).collect();
            SubMenu { label: plain(label), submenu, ..SubMenu::default() }.into()
        }
        Entry::Separator => MenuItem::Separator,
    }
}

/// An underscore marks an access key; two of them are one.
fn plain(label: &str) -> String {
    label.replace('_', "__")
}
