//! Without a configuration, with one that has to be mended, and with another tray there already.

use std::os::unix::fs::PermissionsExt as _;

use crate::desktop::Desktop;
use crate::tray::{Home, Simulated, wait_for};

#[test]
fn without_a_configuration_it_starts_and_offers_one_and_the_sandbox() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let mut tray = home.start(&[]);
    let item = desktop.item();
    let path = home.path().join(".config/heroku-autoscale/config.ini");
    let first = wait_for("a notification", || desktop.notified().into_iter().next());
    assert_eq!(first.summary, "Autoscale has no configuration yet");
    assert_eq!(item.lines()[0], format!("(No configuration at {})", path.display()));

    item.click("Create config from sample");
    wait_for("the editor", || home.opened().contains(&path).then_some(()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), autoscale_core::workspace::config::SAMPLE);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    wait_for("Start", || item.find("Start"));

    item.click("Try the sandbox");
    wait_for("a check", || item.title().starts_with("sandbox-shop: 2 dynos").then_some(()));
    item.click("Leave the sandbox");
    wait_for("the configuration", || item.title().starts_with("MY_APP_NAME: ").then_some(()));
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0), "{}", tray.log());
}

#[test]
fn a_second_tray_makes_the_first_show_itself_and_exits_with_4() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let first = home.start(&[]);
    desktop.item();
    wait_for("the first's port", || home.path().join(".local/state/heroku-autoscale/tray.port").exists().then_some(()));
    let mut second = home.start(&[]);
    assert_eq!(second.ended().code(), Some(4));
    second.wait_for_log(&format!("autoscale-tray: the tray runs already (pid {}): it shows itself", first.pid()));
    wait_for("a notification", || {
        let all = desktop.notified().into_iter().map(|notified| notified.summary + &notified.body);
        all.into_iter().find(|text| text.contains("Autoscale runs already"))
    });
}

#[test]
fn a_first_one_without_an_icon_is_not_said_to_show_itself() {
    let home = Home::new();
    let first = home.start(&["--headless"]);
    wait_for("the first's port", || home.path().join(".local/state/heroku-autoscale/tray.port").exists().then_some(()));
    let mut second = home.start(&[]);
    assert_eq!(second.ended().code(), Some(4));
    let pid = first.pid();
    second.wait_for_log(&format!("the tray runs already (pid {pid}), without an icon (--headless)"));
}

#[test]
fn the_sandbox_runs_beside_the_tray_and_once() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let _tray = home.start(&[]);
    desktop.item();
    let mut sandbox = home.start(&["--sandbox"]);
    wait_for("its icon", || (desktop.registrations() == 2).then_some(()));
    let item = desktop.item();
    wait_for("a check", || item.title().starts_with("sandbox-shop: 2 dynos").then_some(()));
    let mut second = home.start(&["--sandbox"]);
    assert_eq!(second.ended().code(), Some(4));
    second.wait_for_log(&format!("the sandbox runs already (pid {}): it shows itself", sandbox.pid()));
    item.click("Quit");
    assert_eq!(sandbox.ended().code(), Some(0), "{}", sandbox.log());
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_in_the_menu() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let path = home.path().join("bad.ini");
    std::fs::write(&path, "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmin_dynos: 0\n").unwrap();
    let _tray = home.start(&["--config", path.to_str().unwrap()]);
    let item = desktop.item();
    wait_for("the problem", || item.lines()[0].contains("not looked after").then_some(()));
    let lines = item.lines();
    assert_eq!(lines[0], "(bad.ini: not looked after)");
    assert!(lines[1].contains("min_dynos"), "{lines:?}");
    assert!(item.find("Try again").is_some());
}

#[test]
fn what_was_mended_is_looked_after_from_a_reload_on_and_what_ran_goes_on() {
    let (home, simulated, other) =
        (Home::new(), Simulated::start("flat=3", 3, 1.0), Simulated::start("flat=3", 3, 1.0));
    let blog = home.path().join("blog.ini");
    std::fs::rename(home.config(&other, ""), &blog).unwrap();
    let good = std::fs::read_to_string(&blog).unwrap();
    std::fs::write(&blog, good.replace("min_dynos: 1", "min_dynos: 0")).unwrap();
    let shop = home.config(&simulated, "");
    let tray = home.start(&["--headless", "--config", shop.to_str().unwrap(), "--config", blog.to_str().unwrap()]);
    tray.wait_for_log(": fast: mean");
    tray.wait_for_log(&format!("{}:14: [AUTOSCALE_SETTINGS] min_dynos", blog.display()));
    assert_eq!(other.reads(), 0);
    std::fs::write(&blog, good).unwrap();
    tray.signal("HUP");
    tray.wait_for_log(&format!("{}: shop is looked after now", blog.display()));
    wait_for("a check", || (other.reads() > 0).then_some(()));
    tray.wait_for_log("configuration reloaded");
    let log = tray.log();
    assert_eq!((log.matches("shop web: started").count(), log.matches("shop web: stopped").count()), (2, 0), "{log}");
    simulated.stop();
    other.stop();
}

#[test]
fn a_configuration_that_came_or_was_mended_is_taken_by_a_reload_or_by_trying_again() {
    let (home, simulated) = (Home::new(), Simulated::start("flat=3", 3, 1.0));
    let desktop = Desktop::start(&home.bus.address());
    let path = home.path().join(".config/heroku-autoscale/config.ini");
    let tray = home.start(&[]);
    tray.wait_for_log(&format!("{}: no configuration here", path.display()));
    let good = std::fs::read_to_string(home.config(&simulated, "")).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, good.replace("min_dynos: 1", "min_dynos: 0")).unwrap();
    tray.signal("HUP");
    let item = desktop.item();
    wait_for("the problem", || item.lines()[0].contains("config.ini: not looked after").then_some(()));
    std::fs::write(&path, good).unwrap();
    item.click("Try again");
    wait_for("a check", || item.title().starts_with("shop: 2 dynos").then_some(()));
    simulated.stop();
}

#[test]
fn the_sandbox_takes_its_configuration_anew() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let tray = home.start(&["--sandbox"]);
    let item = desktop.item();
    wait_for("a check", || item.title().starts_with("sandbox-shop: 2 dynos").then_some(()));
    item.click("Reload config");
    tray.wait_for_log("sandbox-shop web: configuration reloaded");
}

#[test]
fn started_with_the_desktop_it_ends_without_a_word_where_there_is_no_configuration() {
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let mut tray = home.start(&["--autostart"]);
    assert_eq!(tray.ended().code(), Some(0));
    assert_eq!((tray.log().as_str(), desktop.registrations(), desktop.notified().len()), ("", 0, 0));

    let path = home.path().join(".config/heroku-autoscale/config.ini");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "[HEROKU_INFOS]\n").unwrap();
    let _tray = home.start(&["--autostart"]);
    let item = desktop.item();
    wait_for("the problem", || item.lines()[0].contains("config.ini: not looked after").then_some(()));
}
