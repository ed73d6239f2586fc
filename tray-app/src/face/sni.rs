//! Linux: a StatusNotifierItem with its menu over D-Bus, on the runtime of the loops. No display, no GTK. The bus, and the
//! panel that shows the item, may go and come back.

use std::time::Duration;

use futures_util::StreamExt as _;
use ksni::menu::{CheckmarkItem, MenuItem, StandardItem, SubMenu};
use ksni::{Handle, OfflineReason, TrayMethods as _};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::sleep;
use zbus::{Connection, MessageStream};

use crate::icon;
use crate::session::Input;
use crate::view::{Click, Entry, View};

/// How often a bus that is not there is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How long the panel may take to let an icon go.
const GO_WITHIN: Duration = Duration::from_millis(500);

/// Shows views until there are no more.
pub(crate) async fn show(mut shown: watch::Receiver<View>, inputs: UnboundedSender<Input>) {
    let mut missed = false;
    loop {
        match connect(&shown, &inputs).await {
            Ok((bus, item)) => {
                if missed {
                    tracing::info!("the session bus is back, and so is the icon");
                }
                let over = keep(&mut shown, &bus, &item).await;
                let _ = tokio::time::timeout(GO_WITHIN, item.shutdown()).await;
                if over {
                    return;
                }
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
        let over = async { while shown.changed().await.is_ok() {} };
        tokio::select! {
            () = over => return,
            () = sleep(LOOK_AGAIN) => {}
        }
    }
}

async fn connect(
    shown: &watch::Receiver<View>,
    inputs: &UnboundedSender<Input>,
) -> Result<(Connection, Handle<Item>), String> {
    // A connection of one's own tells when the bus goes; the item's does not.
    let bus = Connection::session().await.map_err(|error| error.to_string())?;
    let item = Item::new(shown.borrow().clone(), inputs.clone());
    // A panel may come later: the item waits for it.
    let item = item.assume_sni_available(true).spawn().await.map_err(|error| error.to_string())?;
    Ok((bus, item))
}

/// Shows views until there are no more (true) or the bus is gone (false).
async fn keep(shown: &mut watch::Receiver<View>, bus: &Connection, item: &Handle<Item>) -> bool {
    let mut messages = MessageStream::from(bus);
    shown.mark_changed();
    loop {
        tokio::select! {
            message = messages.next() => {
                if !matches!(message, Some(Ok(_))) {
                    return false;
                }
            }
            changed = shown.changed() => {
                if changed.is_err() {
                    return true;
                }
                let view = shown.borrow_and_update().clone();
                item.update(|item| item.set(view)).await;
            }
        }
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
