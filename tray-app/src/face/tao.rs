//! Windows and macOS, where the main thread belongs to the desktop's event loop; on Linux only to test that loop. Built
//! for Windows and macOS by the hosted workflow alone.

use tao::event::{Event, StartCause};
use tao::event_loop::{ControlFlow, EventLoopBuilder};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tray_icon::menu::{CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu};
use tray_icon::{Icon, MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};

use crate::icon;
use crate::session::Input;
use crate::view::{Click, Entry, View};

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
    let event_loop = EventLoopBuilder::<Told>::with_user_event().build();
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
    let mut item: Option<TrayIcon> = None;
    let mut clicks = Vec::new();
    event_loop.run(move |event, _, flow| {
        *flow = ControlFlow::Wait;
        let click = match event {
            Event::NewEvents(StartCause::Init) => return create(&mut item, &view, &mut clicks),
            Event::UserEvent(Told::View(new)) => {
                view = *new;
                return update(item.as_mut(), &view, &mut clicks);
            }
            Event::UserEvent(Told::Menu(id)) => id.parse().ok().and_then(|place: usize| clicks.get(place).cloned()),
            Event::UserEvent(Told::Icon) => Some(view.primary.clone()),
            Event::UserEvent(Told::Over) => {
                item = None;
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

fn create(item: &mut Option<TrayIcon>, view: &View, clicks: &mut Vec<Click>) {
    let builder = TrayIconBuilder::new().with_id("autoscale-tray").with_menu_on_left_click(false);
    match builder.build() {
        Ok(built) => update(Some(item.insert(built)), view, clicks),
        Err(error) => tracing::warn!("no icon: {error}; scaling goes on"),
    }
}

fn update(item: Option<&mut TrayIcon>, view: &View, clicks: &mut Vec<Click>) {
    let Some(item) = item else { return };
    let drawn = icon::draw(view.state, view.dry_run, SIZE);
    let icon = Icon::from_rgba(drawn.rgba, drawn.size, drawn.size).ok();
    clicks.clear();
    let entries: Vec<_> = view.menu.iter().map(|entry| menu_item(entry, clicks)).collect();
    let menu = Menu::with_items(&entries.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let updated = menu.map(|menu| item.set_menu(Some(Box::new(menu)))).map_err(|error| error.to_string());
    let shown = item.set_icon(icon).and_then(|()| item.set_tooltip(Some(&view.tooltip)));
    if let Err(error) = updated.and_then(|()| shown.map_err(|error| error.to_string())) {
        tracing::warn!("the icon is not up to date: {error}; scaling goes on");
    }
    #[cfg(target_os = "linux")]
    item.set_title(Some(&view.title));
}

/// An entry's id is the place of its click.
fn menu_item(entry: &Entry, clicks: &mut Vec<Click>) -> Box<dyn IsMenuItem> {
    let mut id = |click: &Click| {
        clicks.push(click.clone());
        (clicks.len() - 1).to_string()
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
                let _ = menu.append(menu_item(entry, clicks).as_ref());
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
