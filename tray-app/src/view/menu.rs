//! From what is known to what is shown: the whole view is built anew from one [`Model`].

use jiff::tz::TimeZone;

use super::model::{AppModel, Model, Place};
use super::words::{bounds, cut, decision, status, status_and_next};
use super::{Click, Deed, Entry, View};

impl View {
    /// What a model looks like, with times as in this zone.
    pub(crate) fn of(model: &Model, zone: &TimeZone) -> Self {
        Self {
            state: model.state(),
            dry_run: model.apps.iter().any(|app| app.dry_run),
            title: title(model),
            tooltip: tooltip(model, zone),
            menu: menu(model, zone),
            primary: primary(model),
        }
    }
}

fn title(model: &Model) -> String {
    match model.apps.as_slice() {
        [] => "Autoscale: no configuration yet".into(),
        [app] => status(app),
        apps => {
            let first = model.foremost().map(|place| status(&apps[place])).unwrap_or_default();
            format!("{} apps; {first}", apps.len())
        }
    }
}

fn tooltip(model: &Model, zone: &TimeZone) -> String {
    let mut lines = Vec::new();
    for app in &model.apps {
        lines.push(status_and_next(app, zone));
        if let [one] = model.apps.as_slice() {
            lines.extend(decision(one).or_else(|| one.closed.first().cloned()));
        }
    }
    if model.apps.iter().any(|app| app.dry_run && !app.shadow) {
        lines.push("Dry run: changes are told, not made".into());
    }
    if model.apps.iter().any(|app| app.shadow) {
        lines.push("Shadow mode: changes nothing, compares with what others set".into());
    }
    if lines.is_empty() { "Click for what to do next".into() } else { lines.join("\n") }
}

fn primary(model: &Model) -> Click {
    match (model.foremost(), &model.place) {
        (Some(place), _) if model.apps[place].closed.is_empty() => Click::App(place, Deed::OpenGraph),
        (Some(place), _) => Click::Edit(model.apps[place].facts.path.clone()),
        (None, Some(Place { path, exists: true })) => Click::Edit(path.clone()),
        (None, _) => Click::About,
    }
}

fn menu(model: &Model, zone: &TimeZone) -> Vec<Entry> {
    let mut menu = match model.apps.as_slice() {
        [] => Vec::new(),
        [app] => entries(0, app, zone),
        apps => {
            let submenu = |(place, app)| Entry::Submenu(status(app), entries(place, app, zone));
            apps.iter().enumerate().map(submenu).collect()
        }
    };
    let mut first = first_steps(model);
    if !first.is_empty() {
        if !menu.is_empty() {
            menu.push(Entry::Separator);
        }
        menu.append(&mut first);
    }
    menu.push(Entry::Separator);
    menu.push(Entry::Item("About".into(), Click::About));
    menu.push(Entry::Item("Quit".into(), Click::Quit));
    menu
}

fn entries(place: usize, app: &AppModel, zone: &TimeZone) -> Vec<Entry> {
    let item = |label: &str, deed| Entry::Item(label.into(), Click::App(place, deed));
    let mut entries = vec![Entry::Text(status_and_next(app, zone))];
    if !app.closed.is_empty() {
        entries.extend(app.closed.iter().map(|problem| Entry::Text(cut(problem))));
        entries.push(Entry::Separator);
        entries.push(item("Open config", Deed::OpenConfig));
        entries.push(Entry::Item("Try again".into(), Click::Start));
        return entries;
    }
    entries.extend(decision(app).map(|text| Entry::Text(cut(&text))));
    entries.extend(bounds(app, zone).iter().map(|text| Entry::Text(cut(text))));
    entries.push(Entry::Separator);
    entries.push(match app.facts.forced_dry_run {
        _ if app.shadow => {
            let by = if app.facts.forced_shadow { "--shadow" } else { "debug: shadow" };
            Entry::Check { label: format!("Shadow mode (by {by})"), on: true, click: None }
        }
        true => Entry::Check { label: "Dry run (by --dry-run)".into(), on: true, click: None },
        false => {
            let click = Some(Click::App(place, Deed::DryRun(!app.dry_run)));
            Entry::Check { label: "Dry run".into(), on: app.dry_run, click }
        }
    });
    entries.push(item("Check now", Deed::CheckNow));
    entries.push(if app.paused { item("Resume", Deed::Resume) } else { item("Pause", Deed::Pause) });
    entries.push(item("Open latest graph", Deed::OpenGraph));
    entries.push(item("Open config", Deed::OpenConfig));
    entries.push(item("Reload config", Deed::Reload));
    entries
}

/// What a new user is offered.
fn first_steps(model: &Model) -> Vec<Entry> {
    let item = |label: &str, click| Entry::Item(label.into(), click);
    let mut steps = Vec::new();
    match &model.place {
        Some(Place { path, exists: false }) => {
            if !model.sandbox {
                steps.push(Entry::Text(format!("No configuration at {}", path.display())));
            }
            steps.push(item("Create config from sample", Click::CreateConfig));
        }
        Some(Place { path, exists: true }) => {
            if !model.sandbox {
                steps.push(Entry::Text(format!("Fill in {}, then start", path.display())));
            }
            steps.push(item("Open config", Click::Edit(path.clone())));
            steps.push(item("Start", Click::Start));
        }
        None => {}
    }
    if model.sandbox {
        steps.push(item("Leave the sandbox", Click::LeaveSandbox));
    } else if model.place.is_some() {
        steps.push(item("Try the sandbox", Click::TrySandbox));
    }
    steps
}
