//! Windows and macOS, where the main thread belongs to the desktop's event loop; on Linux only to test that loop. Built
//! for Windows and macOS by the hosted workflow alone.

use std::collections::HashMap;

use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoopBuilder};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tray_icon::menu::{
    CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, MenuItemKind, PredefinedMenuItem, Submenu,
};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use crate::icon;
use crate::input::Input;
use crate::view::{Click, Entry, State, View};

/// These panels take one size and scale it.
const SIZE: u32 = 32;

/// What reaches the main thread from others.
enum Told {
    View(Box<View>),
    Menu(String),
    Icon,
    Over,
}

/// Runs the event loop on the main thread; ends the process when there are no more views. `views` runs on a thread of its
/// own, until then.
pub(crate) fn show(
    mut shown: watch::Receiver<View>,
    inputs: UnboundedSender<Input>,
    views: impl FnOnce(Box<dyn FnOnce() + Send>) + Send + 'static,
) -> ! {
    #[cfg_attr(not(target_os = "macos"), allow(unused_mut))]
    let mut event_loop = EventLoopBuilder::<Told>::with_user_event().build();
    #[cfg(target_os = "macos")]
    {
        use tao::platform::macos::{ActivationPolicy, EventLoopExtMacOS as _};
        // In the menu bar alone: neither in the Dock nor among what one switches between.
        event_loop.set_activation_policy(ActivationPolicy::Accessory);
    }
    let (proxy, over) = (event_loop.create_proxy(), event_loop.create_proxy());
    let clicked = event_loop.create_proxy();
    MenuEvent::set_event_handler(Some(move |event: MenuEvent| {
        let _ = clicked.send_event(Told::Menu(event.id.0));
    }));
    let clicked = event_loop.create_proxy();
    TrayIconEvent::set_event_handler(Some(move |event| {
        if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
            let _ = clicked.send_event(Told::Icon);
        }
    }));
    let mut view = shown.borrow_and_update().clone();
    std::thread::spawn(move || views(Box::new(move || drop(over.send_event(Told::Over)))));
    std::thread::spawn(move || {
        let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers starts");
        while waiting.block_on(shown.changed()).is_ok() {
            let view = Box::new(shown.borrow_and_update().clone());
            let _ = proxy.send_event(Told::View(view));
        }
    });
    let mut face: Option<Face> = None;
    event_loop.run(move |event, _, flow| {
        *flow = ControlFlow::Wait;
        let click = match event {
            Event::NewEvents(StartCause::Init) => return face = create(&view),
            Event::UserEvent(Told::View(new)) => {
                view = *new;
                return face.iter_mut().for_each(|face| face.show(&view));
            }
            Event::UserEvent(Told::Menu(id)) => face.as_ref().and_then(|face| face.items.click(&id)),
            Event::UserEvent(Told::Icon) => Some(view.primary.clone()),
            Event::UserEvent(Told::Over) => {
                face = None;
                *flow = ControlFlow::Exit;
                return;
            }
            _ => None,
        };
        if let Some(click) = click {
            let _ = inputs.send(Input::Click(click));
        }
    })
}

fn create(view: &View) -> Option<Face> {
    let builder = TrayIconBuilder::new().with_id("autoscale-tray").with_menu_on_left_click(false);
    match builder.build() {
        Ok(icon) => {
            let mut face = Face { icon, drawn: None, items: Items::default() };
            face.show(view);
            Some(face)
        }
        Err(error) => {
            tracing::warn!("no icon: {error}; scaling goes on");
            None
        }
    }
}

/// What is on the panel.
struct Face {
    icon: TrayIcon,
    drawn: Option<(State, bool)>,
    items: Items,
}

impl Face {
    fn show(&mut self, view: &View) {
        if let Err(error) = self.try_to_show(view) {
            tracing::warn!("the icon is not up to date: {error}; scaling goes on");
        }
        #[cfg(target_os = "linux")]
        self.icon.set_title(Some(&view.title));
    }

    fn try_to_show(&mut self, view: &View) -> Result<(), String> {
        if let Some(menu) = self.items.show(&view.menu).map_err(|error| error.to_string())? {
            self.icon.set_menu(Some(Box::new(menu)));
        }
        if self.drawn != Some((view.state, view.dry_run)) {
            let drawn = icon::draw(view.state, view.dry_run, SIZE);
            let icon = Icon::from_rgba(drawn.rgba, drawn.size, drawn.size).map_err(|error| error.to_string())?;
            self.icon.set_icon(Some(icon)).map_err(|error| error.to_string())?;
            self.drawn = Some((view.state, view.dry_run));
        }
        self.icon.set_tooltip(Some(&view.tooltip)).map_err(|error| error.to_string())
    }
}

/// The items of the menu. They stay the same ones while only their words change, since another menu would close the one
/// that somebody has open.
#[derive(Default)]
struct Items {
    menu: Menu,
    entries: Vec<Entry>,
    /// How many menus there were.
    generation: u64,
    /// What a click on an item means, by its id.
    clicks: HashMap<String, Click>,
    /// The same of the menu before this one: a click on it may still be on its way.
    clicks_before: HashMap<String, Click>,
}

impl Items {
    /// Takes the words of these entries; or gives another menu, where it takes one.
    fn show(&mut self, entries: &[Entry]) -> Result<Option<Menu>, tray_icon::menu::Error> {
        if same_but_for_words(&self.entries, entries) {
            say(&self.menu.items(), entries);
            self.entries = entries.to_vec();
            return Ok(None);
        }
        self.generation += 1;
        let mut clicks = HashMap::new();
        let items: Vec<_> = entries.iter().map(|entry| menu_item(entry, self.generation, &mut clicks)).collect();
        let menu = Menu::with_items(&items.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
        self.clicks_before = std::mem::replace(&mut self.clicks, clicks);
        self.menu = menu.clone();
        self.entries = entries.to_vec();
        Ok(Some(menu))
    }

    /// What somebody meant who clicked the item with this id.
    fn click(&self, id: &str) -> Option<Click> {
        self.clicks.get(id).or_else(|| self.clicks_before.get(id)).cloned()
    }
}

/// Are these of one kind each, and does a click on each mean the same?
fn same_but_for_words(some: &[Entry], others: &[Entry]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|pair| match pair {
            (Entry::Text(_), Entry::Text(_)) | (Entry::Separator, Entry::Separator) => true,
            (Entry::Item(_, one), Entry::Item(_, other)) => one == other,
            (Entry::Check { click: one, .. }, Entry::Check { click: other, .. }) => one == other,
            (Entry::Submenu(_, some), Entry::Submenu(_, others)) => same_but_for_words(some, others),
            _ => false,
        })
}

/// Has items read as entries do that are [`same_but_for_words`].
fn say(items: &[MenuItemKind], entries: &[Entry]) {
    for pair in items.iter().zip(entries) {
        match pair {
            (MenuItemKind::MenuItem(item), Entry::Text(label) | Entry::Item(label, _))
                if item.text() != plain(label) =>
            {
                item.set_text(plain(label));
            }
            (MenuItemKind::Check(item), Entry::Check { label, on, .. }) => {
                if item.text() != plain(label) {
                    item.set_text(plain(label));
                }
                // A click has switched it already, whatever came of it.
                if item.is_checked() != *on {
                    item.set_checked(*on);
                }
            }
            (MenuItemKind::Submenu(menu), Entry::Submenu(label, entries)) => {
                if menu.text() != plain(label) {
                    menu.set_text(plain(label));
                }
                say(&menu.items(), entries);
            }
            _ => {}
        }
    }
}

/// Its id is of no other item, nor of one in another menu.
fn menu_item(entry: &Entry, generation: u64, clicks: &mut HashMap<String, Click>) -> Box<dyn IsMenuItem> {
    let mut id = |click: &Click| {
        let id = format!("{generation}.{}", clicks.len());
        clicks.insert(id.clone(), click.clone());
        id
    };
    match entry {
        Entry::Text(label) => Box::new(MenuItem::new(plain(label), false, None)),
        Entry::Item(label, click) => Box::new(MenuItem::with_id(id(click), plain(label), true, None)),
        Entry::Check { label, on, click: Some(click) } => {
            Box::new(CheckMenuItem::with_id(id(click), plain(label), true, *on, None))
        }
        Entry::Check { label, on, click: None } => Box::new(CheckMenuItem::new(plain(label), false, *on, None)),
        Entry::Submenu(label, entries) => {
            let menu = Submenu::new(plain(label), true);
            for entry in entries {
                let _ = menu.append(menu_item(entry, generation, clicks).as_ref());
            }
            Box::new(menu)
        }
        Entry::Separator => Box::new(PredefinedMenuItem::separator()),
    }
}

/// An ampersand marks an access key; two of them are one.
fn plain(label: &str) -> String {
    label.replace('&', "&&")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::view::Deed;

    fn entries(status: &str, on: bool, last: (&str, Deed)) -> Vec<Entry> {
        let check = Entry::Check { label: "Dry run".into(), on, click: Some(Click::App(0, Deed::DryRun(true))) };
        let last = Entry::Item(last.0.into(), Click::App(0, last.1));
        vec![Entry::Text(status.into()), Entry::Separator, Entry::Submenu("R&D".into(), vec![check]), last]
    }

    fn read(items: &[MenuItemKind]) -> Vec<(String, String)> {
        let line = |item: &MenuItemKind| match item {
            MenuItemKind::MenuItem(item) => vec![(item.id().0.clone(), item.text())],
            MenuItemKind::Check(item) => vec![(item.id().0.clone(), format!("{} {}", item.text(), item.is_checked()))],
            MenuItemKind::Submenu(menu) => {
                let mut lines = vec![(menu.id().0.clone(), menu.text())];
                lines.extend(read(&menu.items()));
                lines
            }
            _ => Vec::new(),
        };
        items.iter().flat_map(line).collect()
    }

    fn split(read: Vec<(String, String)>) -> (Vec<String>, Vec<String>) {
        read.into_iter().unzip()
    }

    #[test]
    fn other_words_are_said_by_the_same_menu_and_other_clicks_by_another_one() {
        let mut items = Items::default();
        let menu = items.show(&entries("3 dynos", false, ("Pause", Deed::Pause))).unwrap().expect("a first menu");
        let (ids, words) = split(read(&menu.items()));
        assert_eq!(words, ["3 dynos", "R&&D", "Dry run false", "Pause"]);

        assert!(items.show(&entries("4 dynos", true, ("Rest", Deed::Pause))).unwrap().is_none());
        assert_eq!(
            split(read(&menu.items())),
            (ids.clone(), ["4 dynos", "R&&D", "Dry run true", "Rest"].map(str::to_owned).to_vec())
        );

        let other = items.show(&entries("4 dynos", true, ("Resume", Deed::Resume))).unwrap().expect("another menu");
        let (other_ids, _) = split(read(&other.items()));
        assert_eq!(items.click(&other_ids[3]), Some(Click::App(0, Deed::Resume)));
        assert_eq!(items.click(&ids[3]), Some(Click::App(0, Deed::Pause)), "on its way when the menu changed");
        items.show(&entries("4 dynos", true, ("Pause", Deed::Pause))).unwrap().expect("a third menu");
        assert_eq!(items.click(&ids[3]), None);
    }
}
