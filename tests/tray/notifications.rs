//! For every scale event one notification, and none without an event.

use std::time::Duration;

use crate::desktop::Desktop;
use crate::tray::{Home, Scene, wait_for};

/// "shop: 3 → 4 dynos" for each scale event of the history.
fn expected(home: &Home) -> Vec<String> {
    let titles = home.history().into_iter().filter(|event| event["outcome"] == "scaled").map(|event| {
        let (from, to) = (event["dynos"].as_u64().unwrap(), event["applied"].as_u64().unwrap());
        format!("shop: {from} → {to} dyno{}", if to == 1 { "" } else { "s" })
    });
    titles.collect()
}

fn told(desktop: &Desktop) -> Vec<String> {
    let titles = desktop.notified().into_iter().map(|notified| notified.summary);
    titles.filter(|title| title.contains(" → ")).collect()
}

#[test]
fn a_flash_crowd_brings_one_notification_for_each_scale_event_and_none_besides() {
    let Scene { home, simulated, desktop, mut tray, .. } = Scene::start("flash-crowd", 2, 300.0, "");
    let item = desktop.item();
    // The crowd comes in minute 25 and is gone in minute 100; and again two hours later, for a loop that missed it.
    wait_for("dynos that come and go", || {
        let changes = simulated.sandbox.report().patches;
        let up = changes.iter().position(|patch| patch.quantity > patch.from)?;
        changes[up..].iter().any(|patch| patch.quantity < patch.from).then_some(())
    });
    let last = desktop.notified().last().cloned();
    item.click("Pause");
    wait_for("resume", || item.find("Resume"));
    wait_for("the notifications", || (told(&desktop).len() >= expected(&home).len()).then_some(()));
    // One too many would come now.
    std::thread::sleep(Duration::from_millis(500));
    let expected = expected(&home);
    assert_eq!(told(&desktop), expected);
    assert!(expected.len() >= 2, "{expected:?}");
    let scaled = desktop.notified().into_iter().find(|notified| notified.summary.contains(" → ")).unwrap();
    assert!(scaled.body.ends_with("ms"), "why, in a sentence: {}", scaled.body);
    assert!(scaled.actions.contains(&"Open graph".to_owned()), "{:?}", scaled.actions);
    assert!(desktop.notified().iter().all(|notified| notified.sender == scaled.sender), "one connection for all");

    let pressed = last
        .filter(|notified| notified.summary.contains(" → "))
        .unwrap_or_else(|| desktop.notified().into_iter().rfind(|notified| notified.summary.contains(" → ")).unwrap());
    desktop.press(&pressed, "open-graph");
    wait_for("the graph", || home.opened().pop());
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0));
    simulated.stop();
}

#[test]
fn the_sender_of_a_notification_without_a_button_stays_on_the_bus() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let _tray = home.start(&[]);
    let item = desktop.item();
    let first = wait_for("a notification", || desktop.notified().pop());
    assert_eq!(first.actions, Vec::<String>::new());
    std::thread::sleep(Duration::from_secs(3));
    assert!(desktop.has_owner(&first.sender), "a panel would have taken the notification away");
    item.click("About");
    let second = wait_for("a notification", || desktop.notified().get(1).cloned());
    assert!(second.summary.starts_with("Autoscale "), "{second:?}");
    assert_eq!(second.sender, first.sender);
}

#[test]
fn a_new_configuration_and_a_bad_one_are_told() {
    let Scene { home: _home, simulated, desktop, config, tray } = Scene::start("flat=3", 3, 1.0, "");
    let item = desktop.item();
    tray.wait_for_log(": fast: mean");
    item.click("Reload config");
    let titles = || desktop.notified().into_iter().map(|notified| notified.summary).collect::<Vec<_>>();
    wait_for("a word of it", || titles().contains(&"shop: new configuration in force".into()).then_some(()));
    let good = std::fs::read_to_string(&config).unwrap();
    let scaled = told(&desktop).len();
    std::fs::write(&config, good.replace("[SANDBOX]", "debug: True\n[SANDBOX]")).unwrap();
    item.click("Reload config");
    wait_for("the check mark", || item.find("Dry run").filter(|entry| entry.checked));
    // Told before the next comes: in a burst they would be one.
    wait_for("a word of it", || (titles().len() == 2 + scaled).then_some(()));
    std::fs::write(&config, good.replace("min_dynos: 1", "min_dynos: 0")).unwrap();
    item.click("Reload config");
    let refused = "shop: new configuration refused, the old one stays".to_owned();
    wait_for("a word of it", || titles().contains(&refused).then_some(()));
    let body = desktop.notified().pop().unwrap().body;
    assert!(body.contains("min_dynos"), "{body}");
    simulated.stop();
}
