//! The icon and its menu: they read as the view says, and what is clicked happens.

use std::time::{Duration, SystemTime};

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::simulation::Load;

use crate::desktop::Desktop;
use crate::tray::{Home, Scene, Simulated, wait_for};

#[test]
fn the_item_registers_and_its_menu_reads_as_the_view_says() {
    let Scene { home: _home, simulated, desktop, mut tray, .. } = Scene::start("flat=3", 3, 60.0, "");
    let item = desktop.item();
    let title = wait_for("a check", || Some(item.title()).filter(|title| title.contains(" ms")));
    assert!(title.starts_with("shop: "), "{title}");
    let sizes = if cfg!(feature = "tao-loop") { vec![(32, 32)] } else { [16, 22, 24, 32, 48].map(|s| (s, s)).to_vec() };
    assert_eq!(item.icon_sizes(), sizes);
    assert!(item.tooltip().starts_with("shop: "), "{}", item.tooltip());
    let lines = item.lines();
    assert!(lines[0].starts_with("(shop: ") && lines[0].contains(", next check "), "{lines:?}");
    let rest = ["--", "Dry run", "Check now", "Pause", "Open latest graph", "Open config", "Reload config", "--"];
    assert_eq!(lines[2..10], rest);
    assert_eq!(lines[10..], ["About", "Quit"]);

    let (service, name) = (item.service.clone(), format!("org.kde.StatusNotifierItem-{}-1", tray.pid()));
    assert_eq!(service, name);
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0), "{}", tray.log());
    wait_for("the item to go", || (!desktop.has_owner(&name)).then_some(()));
    simulated.stop();
}

#[test]
fn dry_run_holds_from_the_very_next_check_until_it_is_switched_off_and_survives_a_restart() {
    // One dyno for a load of several: more are wanted all the time.
    let (home, simulated) = (Home::new(), Simulated::start("flat=40", 1, 60.0));
    let desktop = Desktop::start(&home.bus.address());
    let config = home.config(&simulated, "manual_override: 0");
    let arguments = ["--config", config.to_str().unwrap()];
    let mut tray = home.start_with(&arguments, |_| {});
    let item = desktop.item();
    wait_for("a change", || (simulated.patches() > 0).then_some(()));
    let plain = item.icon();
    item.click("Dry run");
    wait_for("the check mark", || item.find("Dry run").filter(|entry| entry.checked));
    wait_for("the overlay", || (item.icon() != plain).then_some(()));
    let patches = simulated.patches();
    simulated.sandbox.scale_by_hand(1);
    simulated.wait_for_checks(8);
    assert_eq!(simulated.patches(), patches, "dry run sends nothing");

    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0));
    let before = desktop.registrations();
    let mut tray = home.start(&arguments);
    wait_for("the icon", || (desktop.registrations() > before).then_some(()));
    let item = desktop.item();
    wait_for("the check mark", || item.find("Dry run").filter(|entry| entry.checked));
    simulated.wait_for_checks(4);
    assert_eq!(simulated.patches(), patches, "the choice survives");

    item.click("Dry run");
    wait_for("no check mark", || item.find("Dry run").filter(|entry| !entry.checked));
    wait_for("a change", || (simulated.patches() > patches).then_some(()));
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0));
    simulated.stop();
}

#[test]
fn check_now_checks_at_once_and_pause_rests() {
    // At the speed of life the next check is a minute away.
    let Scene { home: _home, simulated, desktop, tray, .. } = Scene::start("flat=3", 3, 1.0, "");
    let item = desktop.item();
    tray.wait_for_log(": fast: mean");
    let reads = simulated.reads();
    item.click("Check now");
    wait_for("a check", || (simulated.reads() > reads).then_some(()));
    item.click("Pause");
    wait_for("resume", || item.find("Resume"));
    assert!(item.lines()[0].ends_with(", paused)"), "{:?}", item.lines());
    item.click("Resume");
    wait_for("pause", || item.find("Pause"));
    simulated.stop();
}

#[test]
fn the_latest_graph_is_drawn_and_opened_though_none_are_kept() {
    let Scene { home, simulated, desktop, config, tray } = Scene::start("flat=3", 3, 1.0, "plot: False");
    let item = desktop.item();
    tray.wait_for_log(": fast: mean");
    let checked = SystemTime::now();
    std::thread::sleep(Duration::from_millis(20));
    item.click("Open latest graph");
    let opened = wait_for("a graph", || home.opened().pop());
    let bytes = std::fs::read(&opened).unwrap();
    assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{}", opened.display());
    assert!(std::fs::metadata(&opened).unwrap().modified().unwrap() > checked);
    assert!(opened.starts_with(home.path()), "{}", opened.display());
    item.activate();
    wait_for("a graph by a click on the icon", || (home.opened().len() == 2).then_some(()));
    item.click("Open config");
    wait_for("the configuration", || home.opened().contains(&config).then_some(()));
    simulated.stop();
}

#[test]
fn after_a_reload_graphs_and_trend_are_those_of_the_new_configuration() {
    let trend = |limit: f64| format!("response_time_trend_low: -{limit}\nresponse_time_trend_high: {limit}");
    let Scene { home, simulated, desktop, config, tray } = Scene::start("flat=3", 2, 1.0, &trend(1000.0));
    let item = desktop.item();
    wait_for("a trend", || item.title().ends_with(", steady").then_some(()));
    let folder = home.path().join("pictures");
    let graphs = format!("graphs_folder: {}\ngraph_format: svg\ngraphs_keep: 1", folder.display());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace(&trend(1000.0), &format!("{}\n{graphs}", trend(0.0)))).unwrap();
    tray.signal("HUP");
    wait_for("the new limits", || {
        let title = item.title();
        (title.ends_with(", rising") || title.ends_with(", falling")).then_some(())
    });
    for count in 1..3 {
        item.click("Open latest graph");
        let opened = wait_for("a graph", || home.opened().get(count - 1).cloned());
        assert!(opened.starts_with(&folder), "{}", opened.display());
        assert!(opened.extension().is_some_and(|extension| extension == "svg"), "{}", opened.display());
        let kept = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let kept: Vec<_> = kept.filter(|name| !name.to_string_lossy().starts_with("latest.")).collect();
        assert_eq!(kept, [opened.file_name().unwrap()]);
        // Names of graphs tell whole seconds apart.
        std::thread::sleep(Duration::from_millis(1100));
        let reads = simulated.reads();
        item.click("Check now");
        wait_for("a check", || (simulated.reads() > reads).then_some(()));
        std::thread::sleep(Duration::from_millis(300));
    }
    simulated.stop();
}

#[test]
fn it_quits_though_a_viewer_that_it_opened_stays_open() {
    let (home, simulated) = (Home::new(), Simulated::start("flat=3", 3, 1.0));
    let viewer = home.path().join("viewer");
    home.open_with(&format!("echo $$ >{}\nexec sleep 300", viewer.display()));
    let desktop = Desktop::start(&home.bus.address());
    let config = home.config(&simulated, "");
    let mut tray = home.start(&["--config", config.to_str().unwrap()]);
    let item = desktop.item();
    item.click("Open config");
    let pid = wait_for("the viewer", || std::fs::read_to_string(&viewer).ok().filter(|pid| pid.ends_with('\n')));
    item.click("Quit");
    assert_eq!(tray.ended().code(), Some(0));
    assert!(std::process::Command::new("kill").arg(pid.trim()).status().unwrap().success(), "the viewer is gone too");
    simulated.stop();
}

#[test]
fn the_next_check_and_the_log_tell_a_sandboxs_time() {
    let start = Clock::default().now() + Duration::from_secs(5 * 3600);
    let load = Load::built_in("flat=3").unwrap();
    let app_name = "shop".into();
    let simulated = Simulated::with(SandboxOptions {
        load,
        speed: 60.0,
        app_name,
        start: Some(start),
        ..SandboxOptions::default()
    });
    let home = Home::new();
    let desktop = Desktop::start(&home.bus.address());
    let config = home.config(&simulated, "");
    let tray = home.start_with(&["--config", config.to_str().unwrap()], |command| {
        command.env("TZ", "UTC");
    });
    let item = desktop.item();
    wait_for("a check", || Some(item.title()).filter(|title| title.contains(" ms")));
    // Half an hour of the sandbox is half a minute for a busy machine; the wall clock is five hours away.
    let near = |seconds: f64| (seconds - simulated.sandbox.now().as_secs_f64()).rem_euclid(86_400.0);
    let is_near = |seconds: f64| near(seconds) < 1800.0 || near(seconds) > 86_400.0 - 1800.0;

    let line = item.lines().swap_remove(0);
    let next = line.strip_suffix(" (sandbox time))").and_then(|line| line.rsplit_once(' ')).expect(&line).1;
    let next: jiff::civil::Time = next.parse().expect(&line);
    let next = next.duration_since(jiff::civil::Time::midnight());
    assert!(is_near(next.as_secs_f64()), "{line}");
    let log = tray.log();
    for line in log.lines().filter(|line| line.contains(" shop web: ")) {
        let time: jiff::Timestamp = line.split_whitespace().next().unwrap().parse().expect(line);
        assert!(is_near(time.as_microsecond() as f64 / 1e6), "{line}");
    }
    assert!(log.contains("times are sandbox time, 60 times as fast as the wall clock"), "{log}");
}
