//! What a desktop may lack, or lose: a clear warning each, and scaling goes on.

use crate::desktop::Desktop;
use crate::tray::{Home, Simulated, wait_for};

fn count(log: &str, text: &str) -> usize {
    log.matches(text).count()
}

#[test]
fn without_a_bus_it_scales_and_says_once_that_there_is_no_icon() {
    let (mut home, simulated) = (Home::new(), Simulated::start("flat=40", 1, 60.0));
    home.bus.kill();
    let config = home.config(&simulated, "");
    let tray = home.start(&["--config", config.to_str().unwrap()]);
    wait_for("two changes", || (simulated.patches() > 1).then_some(()));
    tray.wait_for_log("notifications can't be shown");
    let log = tray.log();
    let no_icon =
        if cfg!(feature = "tao-loop") { "no icon: " } else { "no icon, since the session bus can't be reached" };
    assert_eq!(count(&log, no_icon), 1, "{log}");
    assert_eq!(count(&log, "notifications can't be shown"), 1, "{log}");
    assert_eq!(count(&log, "panicked"), 0, "{log}");
    simulated.stop();
}

#[test]
#[cfg_attr(feature = "tao-loop", ignore = "that loop's library does not tell whether there is a panel")]
fn without_a_panel_it_says_so_once_and_the_icon_comes_when_one_does() {
    let home = Home::new();
    let desktop = Desktop::empty(&home.bus.address());
    let tray = home.start(&[]);
    tray.wait_for_log("no panel here shows tray icons");
    tray.wait_for_log("notifications can't be shown");
    assert_eq!(desktop.registrations(), 0);
    desktop.bring_panel();
    desktop.item();
    desktop.take_panel_away();
    wait_for("a warning", || (count(&tray.log(), "no panel here shows tray icons") == 2).then_some(()));
    desktop.bring_panel();
    wait_for("the icon again", || (desktop.registrations() == 2).then_some(()));
    assert_eq!(count(&tray.log(), "notifications can't be shown"), 1, "{}", tray.log());
}

#[test]
fn headless_it_has_neither_icon_nor_notifications_and_warns_of_neither() {
    let (home, simulated) = (Home::new(), Simulated::start("flat=40", 1, 60.0));
    let desktop = Desktop::start(&home.bus.address());
    let config = home.config(&simulated, "");
    let tray = home.start(&["--headless", "--config", config.to_str().unwrap()]);
    wait_for("two changes", || (simulated.patches() > 1).then_some(()));
    assert_eq!((desktop.registrations(), desktop.notified().len()), (0, 0));
    assert!(!tray.log().contains("icon"), "{}", tray.log());
    simulated.stop();
}

#[test]
#[cfg_attr(feature = "tao-loop", ignore = "that loop keeps no connection of its own: it does not see the bus go")]
fn when_the_bus_is_killed_scaling_goes_on_and_the_icon_is_back_with_it() {
    let (mut home, simulated) = (Home::new(), Simulated::start("flat=3", 3, 60.0));
    let config = home.config(&simulated, "");
    let desktop = Desktop::start(&home.bus.address());
    let mut tray = home.start(&["--config", config.to_str().unwrap()]);
    let item = desktop.item();
    wait_for("a check", || item.title().contains(" ms").then_some(()));
    home.bus.kill();
    drop(desktop);
    tray.wait_for_log("the session bus is gone");
    simulated.wait_for_checks(5);
    home.bus.come_back();
    let desktop = Desktop::start(&home.bus.address());
    let item = desktop.item();
    tray.wait_for_log("the session bus is back");
    assert_eq!(count(&tray.log(), "the session bus is gone"), 1, "{}", tray.log());
    item.click("About");
    wait_for("a notification", || {
        desktop.notified().into_iter().find(|notified| notified.summary.starts_with("Autoscale "))
    });
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0));
    simulated.stop();
}

#[test]
#[cfg_attr(feature = "tao-loop", ignore = "that loop's library waits for the bus on the main thread")]
fn a_bus_that_does_not_answer_keeps_nobody_from_ending_and_is_warned_of() {
    let (home, simulated) = (Home::new(), Simulated::start("flat=3", 3, 60.0));
    let config = home.config(&simulated, "");
    home.bus.hang();
    let start = || home.start(&["--config", config.to_str().unwrap()]);
    let mut tray = start();
    simulated.wait_for_checks(2);
    let before = count(&tray.log(), "no icon");
    tray.signal("TERM");
    assert_eq!(tray.ended().code(), Some(0), "{}", tray.log());
    assert_eq!(count(&tray.log(), "no icon"), before, "it waited for the bus: {}", tray.log());

    let mut tray = start();
    tray.wait_for_log(
        "no icon, since the session bus can't be reached: it does not answer within 10 s; scaling goes on",
    );
    home.bus.wake();
    let desktop = Desktop::start(&home.bus.address());
    let item = desktop.item();
    tray.wait_for_log("the session bus is back");
    home.bus.hang();
    simulated.wait_for_checks(3);
    tray.signal("TERM");
    assert_eq!(tray.ended().code(), Some(0), "{}", tray.log());
    home.bus.wake();
    drop(item);
    simulated.stop();
}

#[test]
fn a_reader_of_its_log_that_goes_takes_nothing_with_it() {
    let (home, simulated) = (Home::new(), Simulated::start("flat=40", 1, 60.0));
    let config = home.config(&simulated, "");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let arguments = ["--headless", "--config", config.to_str().unwrap()];
    let mut tray = home.start_with(&arguments, |command| {
        command.stderr(writer);
    });
    wait_for("two changes", || (simulated.patches() > 1).then_some(()));
    simulated.wait_for_checks(2);
    assert!(!tray.has_ended());
    tray.signal("TERM");
    assert_eq!(tray.ended().code(), Some(0));
    simulated.stop();
}
