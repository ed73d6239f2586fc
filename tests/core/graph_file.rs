//! Graphs as files: whole or not there, the newest kept, nothing else touched.

use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::config::GraphFormat;
use autoscale_core::workspace::decision::{Decision, Evidence};
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::graph::{self, Picture};
use autoscale_core::workspace::graph_files::{self, Error};
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::reason::Reason;
use autoscale_core::workspace::reason::Wait;
use autoscale_core::workspace::time::Timestamp;
use jiff::tz::TimeZone;

/// 2026-11-24 09:34 UTC.
const NOW: Timestamp = Timestamp::from_secs(1_795_512_840);

fn picture(app: &str, process: &str, minute: u64) -> Picture {
    let decision = Decision {
        from: 2,
        target: 2,
        reason: Reason::NoData { newest: None, to_max_in: Wait(None) },
        evidence: Evidence::default(),
    };
    let formation = Formation { quantity: 2, changed_at: None };
    let settings = Settings::new(PolicyKind::Threshold);
    let at = NOW + Duration::from_secs(60 * minute);
    let drawn = Picture::of_decision(at, [], formation, Bounds::new(1, 10).unwrap(), &settings, decision);
    Picture { app: app.into(), process: process.into(), ..drawn }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn keep(folder: &Path, picture: &Picture) -> PathBuf {
    graph_files::keep(folder, GraphFormat::Svg, 2, picture, &TimeZone::UTC).unwrap()
}

#[test]
fn the_newest_are_kept_and_the_latest_is_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let folder = &folder.path().join("made/when/needed");
    let paths: Vec<_> = (0..4).map(|minute| keep(folder, &picture("shop", "web", minute))).collect();
    assert_eq!(names(folder), ["latest.svg", "shop_web_20261124T093600Z.svg", "shop_web_20261124T093700Z.svg"]);
    assert_eq!(paths[3], folder.join("shop_web_20261124T093700Z.svg"));
    let expected = graph::svg(&picture("shop", "web", 3), &TimeZone::UTC);
    assert_eq!(std::fs::read_to_string(folder.join("latest.svg")).unwrap(), expected);
    assert_eq!(std::fs::read_to_string(&paths[3]).unwrap(), expected);
}

#[test]
fn the_newest_of_an_app_is_found_among_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(graph_files::newest(folder, "shop", "web"), None);
    for minute in [0, 1] {
        keep(folder, &picture("shop", "web", minute));
    }
    keep(folder, &picture("zoo", "web", 2));
    assert_eq!(graph_files::newest(folder, "shop", "web"), Some(folder.join("shop_web_20261124T093500Z.svg")));
    assert_eq!(graph_files::newest(&folder.join("gone"), "shop", "web"), None);
}

#[test]
fn no_other_file_is_ever_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let others = [
        "shop_web.svg",
        "shop_web_.svg",
        "shop_web_20200101T000000Z.pdf",
        "shop_web_20200101T000000Z_old.svg",
        "shop_web_2_20200101T000000Z.svg",
        "shop_webhook_20200101T000000Z.svg",
        "my-shop_web_20200101T000000Z.svg",
        "shop_web_summer-2020-party.svg",
        "blog_web_20200101T000000Z.svg",
    ];
    for name in others {
        std::fs::write(folder.join(name), "mine").unwrap();
    }
    // The same series in the other format counts.
    std::fs::write(folder.join("shop_web_20200101T000000Z.png"), "old").unwrap();
    for minute in 0..3 {
        keep(folder, &picture("shop", "web", minute));
    }
    let mut expected = others.map(String::from).to_vec();
    expected.extend(["latest.svg", "shop_web_20261124T093500Z.svg", "shop_web_20261124T093600Z.svg"].map(String::from));
    expected.sort();
    assert_eq!(names(folder), expected);
}

#[test]
fn what_a_crash_left_is_taken_away_by_the_next_graph() {
    let folder = tempfile::tempdir().unwrap();
    for name in [".shop_web_.svg.part", ".latestshop_web.svg.part"] {
        std::fs::write(folder.path().join(name), "<svg").unwrap();
    }
    keep(folder.path(), &picture("shop", "web", 0));
    assert_eq!(names(folder.path()), ["latest.svg", "shop_web_20261124T093400Z.svg"]);
}

#[test]
fn names_stay_in_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = keep(folder.path(), &picture("../etc/x y", "web", 0));
    assert_eq!(path, folder.path().join("..-etc-x-y_web_20261124T093400Z.svg"));
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let picture = picture("shop", "web", 0);
    let error = graph_files::keep(Path::new("/dev/null/graphs"), GraphFormat::Png, 2, &picture, &TimeZone::UTC);
    let text = error.unwrap_err().to_string();
    assert!(text.starts_with("/dev/null/graphs: "), "{text}");
    let error = graph_files::write(Path::new("/dev/null/graph.png"), &picture, &TimeZone::UTC).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn the_extension_says_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let picture = picture("shop", "web", 0);
    let write = |name: &str| graph_files::write(&folder.path().join(name), &picture, &TimeZone::UTC);
    write("a.svg").unwrap();
    write("b.PNG").unwrap();
    assert_eq!(names(folder.path()), ["a.svg", "b.PNG"]);
    assert!(std::fs::read(folder.path().join("b.PNG")).unwrap().starts_with(b"\x89PNG"));
    let text = write("c.jpg").unwrap_err().to_string();
    assert!(text.ends_with("c.jpg: a graph's name ends in .png or .svg"), "{text}");
}

#[test]
fn what_cannot_be_replaced_stays_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("a.svg");
    std::fs::create_dir(&in_the_way).unwrap();
    assert!(graph_files::write(&in_the_way, &picture("shop", "web", 0), &TimeZone::UTC).is_err());
    assert_eq!(names(folder.path()), ["a.svg"]);
}
