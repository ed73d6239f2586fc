//! A panel and a notification service as small as can be: they register what reaches them, and click.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedValue, Value};

use crate::tray::wait_for;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Vec<String>>>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        self.0.lock().unwrap().push(service);
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A call of `Notify`.
#[derive(Clone, Debug)]
pub(crate) struct Notified {
    /// Who called, as the bus names it.
    pub(crate) sender: String,
    pub(crate) id: u32,
    pub(crate) summary: String,
    pub(crate) body: String,
    pub(crate) actions: Vec<String>,
}

#[derive(Clone, Default)]
struct Notifications(Arc<Mutex<Vec<Notified>>>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".into(), "body".into(), "body-markup".into()]
    }

    #[allow(clippy::too_many_arguments)] // as the protocol has it
    fn notify(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        _app: String,
        _replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        let mut all = self.0.lock().unwrap();
        let id = u32::try_from(all.len()).unwrap() + 1;
        let sender = header.sender().unwrap().to_string();
        all.push(Notified { sender, id, summary, body, actions });
        id
    }
}

/// A desktop that looks at one bus.
pub(crate) struct Desktop {
    bus: Connection,
    watcher: Watcher,
    notifications: Notifications,
}

impl Desktop {
    /// With a panel and a notification service.
    pub(crate) fn start(address: &str) -> Self {
        let desktop = Self::empty(address);
        desktop.bring_panel();
        desktop.bring_notifications();
        desktop
    }

    /// With neither.
    pub(crate) fn empty(address: &str) -> Self {
        let (watcher, notifications) = (Watcher::default(), Notifications::default());
        let bus = Builder::address(address)
            .unwrap()
            .serve_at("/StatusNotifierWatcher", watcher.clone())
            .unwrap()
            .serve_at("/org/freedesktop/Notifications", notifications.clone())
            .unwrap()
            .build()
            .unwrap();
        Self { bus, watcher, notifications }
    }

    pub(crate) fn bring_panel(&self) {
        self.bus.request_name(WATCHER).unwrap();
    }

    pub(crate) fn take_panel_away(&self) {
        self.bus.release_name(WATCHER).unwrap();
    }

    pub(crate) fn bring_notifications(&self) {
        self.bus.request_name(NOTIFICATIONS).unwrap();
    }

    /// How often an item registered.
    pub(crate) fn registrations(&self) -> usize {
        self.watcher.0.lock().unwrap().len()
    }

    /// The item that registered last.
    pub(crate) fn item(&self) -> Item<'_> {
        let service = wait_for("an item", || self.watcher.0.lock().unwrap().last().cloned());
        Item { desktop: self, service }
    }

    pub(crate) fn notified(&self) -> Vec<Notified> {
        self.notifications.0.lock().unwrap().clone()
    }

    /// Presses a button of a notification.
    pub(crate) fn press(&self, notified: &Notified, action: &str) {
        let path = "/org/freedesktop/Notifications";
        self.bus.emit_signal(None::<&str>, path, NOTIFICATIONS, "ActionInvoked", &(notified.id, action)).unwrap();
    }

    /// Does somebody own this name?
    pub(crate) fn has_owner(&self, name: &str) -> bool {
        let proxy = zbus::blocking::fdo::DBusProxy::new(&self.bus).unwrap();
        proxy.name_has_owner(name.try_into().unwrap()).unwrap()
    }
}

type Properties = HashMap<String, OwnedValue>;
type RawLayout = (u32, (i32, Properties, Vec<OwnedValue>));

/// An entry of a menu.
#[derive(Debug)]
pub(crate) struct Entry {
    id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
    pub(crate) checked: bool,
    pub(crate) separator: bool,
}

pub(crate) struct Item<'a> {
    desktop: &'a Desktop,
    pub(crate) service: String,
}

impl Item<'_> {
    fn proxy(&self, path: &'static str, interface: &'static str) -> Proxy<'static> {
        let builder = zbus::blocking::proxy::Builder::<Proxy<'_>>::new(&self.desktop.bus);
        let builder = builder.destination(self.service.clone()).unwrap().path(path).unwrap();
        let builder = builder.interface(interface).unwrap().cache_properties(zbus::proxy::CacheProperties::No);
        builder.build().unwrap()
    }

    pub(crate) fn title(&self) -> String {
        self.proxy("/StatusNotifierItem", ITEM).get_property("Title").unwrap()
    }

    pub(crate) fn tooltip(&self) -> String {
        type Raw = (String, Vec<(i32, i32, Vec<u8>)>, String, String);
        let raw: OwnedValue = self.proxy("/StatusNotifierItem", ITEM).get_property("ToolTip").unwrap();
        Raw::try_from(raw).unwrap().3
    }

    /// Widths and heights of the icons.
    pub(crate) fn icon_sizes(&self) -> Vec<(i32, i32)> {
        let raw: OwnedValue = self.proxy("/StatusNotifierItem", ITEM).get_property("IconPixmap").unwrap();
        let icons: Vec<(i32, i32, Vec<u8>)> = raw.try_into().unwrap();
        assert!(icons.iter().all(|(width, height, data)| data.len() == (width * height * 4) as usize));
        icons.into_iter().map(|(width, height, _)| (width, height)).collect()
    }

    /// The icon itself, to compare with another one.
    pub(crate) fn icon(&self) -> Vec<u8> {
        let raw: OwnedValue = self.proxy("/StatusNotifierItem", ITEM).get_property("IconPixmap").unwrap();
        let icons: Vec<(i32, i32, Vec<u8>)> = raw.try_into().unwrap();
        icons.into_iter().last().unwrap().2
    }

    /// A left click.
    pub(crate) fn activate(&self) {
        self.proxy("/StatusNotifierItem", ITEM).call::<_, _, ()>("Activate", &(0, 0)).unwrap();
    }

    /// The menu, top to bottom, as far as it has no menus of its own.
    pub(crate) fn menu(&self) -> Vec<Entry> {
        let menu = self.proxy("/MenuBar", MENU);
        let (_, (_, _, children)): RawLayout = menu.call("GetLayout", &(0, -1, Vec::<String>::new())).unwrap();
        let entry = |child: OwnedValue| {
            let (id, properties, _) = <(i32, Properties, Vec<OwnedValue>)>::try_from(child).unwrap();
            let text = |key: &str| properties.get(key).and_then(|value| String::try_from(value.clone()).ok());
            Entry {
                id,
                label: text("label").unwrap_or_default().replace("__", "_"),
                separator: text("type").as_deref() == Some("separator"),
                enabled: !matches!(properties.get("enabled").map(|value| &**value), Some(Value::Bool(false))),
                checked: matches!(properties.get("toggle-state").map(|value| &**value), Some(Value::I32(1))),
            }
        };
        children.into_iter().map(entry).collect()
    }

    /// The entry with this label.
    pub(crate) fn find(&self, label: &str) -> Option<Entry> {
        self.menu().into_iter().find(|entry| entry.label == label)
    }

    /// Clicks the entry with this label, once it is there.
    pub(crate) fn click(&self, label: &str) {
        wait_for(label, || {
            let entry = self.find(label).filter(|entry| entry.enabled)?;
            let arguments = (entry.id, "clicked", Value::I32(0), 0_u32);
            // The menu may have been built anew in between: then the id is none any more.
            self.proxy("/MenuBar", MENU).call::<_, _, ()>("Event", &arguments).ok()
        });
    }

    /// The menu as it reads: "(…)" what can't be clicked, "[x]" what is switched on.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |entry: Entry| match entry {
            Entry { separator: true, .. } => "--".to_owned(),
            Entry { enabled: false, label, .. } => format!("({label})"),
            Entry { checked: true, label, .. } => format!("[x] {label}"),
            Entry { label, .. } => label,
        };
        self.menu().into_iter().map(line).collect()
    }
}
