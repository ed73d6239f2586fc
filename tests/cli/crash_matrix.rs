//! Killed over and over, at six kinds of moments: in reads, in a change, while the state, the history or a graph is written,
//! and in a reload. Whatever was under way, the next start goes on from it: no step is made twice, no change of its own is
//! taken for somebody else's, nothing is removed without results, and every file is whole. `make soak` kills 204 times.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use autoscale_core::workspace::sandbox::{Faults, SandboxOptions};
use serde_json::Value;

use crate::crash::{assert_no_step_twice, run};
use crate::running::{Daemon, Site, events, of_kind, quiet, soon};

/// Kills of each kind.
fn rounds() -> u64 {
    if std::env::var_os("AUTOSCALE_SOAK").is_some() { 34 } else { 3 }
}

/// Where it is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Read,
    Change,
    State,
    History,
    Graph,
    Reload,
}

const MOMENTS: [Moment; 6] =
    [Moment::Read, Moment::Change, Moment::State, Moment::History, Moment::Graph, Moment::Reload];

/// The bounds that are wanted next: the other ones once those of before are reached. Down goes by several steps.
fn bounds(site: &Site) -> &'static str {
    if site.report().dynos > 5 { "min_dynos: 5\nmax_dynos: 5\n" } else { "min_dynos: 20\nmax_dynos: 20\n" }
}

fn settings(site: &Site, bounds: &str) -> String {
    format!("{bounds}plot: True\nhistory_file: {}\n", site.path("history.jsonl").display())
}

/// Names, lengths and times of the files of a folder.
fn look(folder: &Path) -> BTreeSet<(String, u64, Option<SystemTime>)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let seen = entries.filter_map(|entry| {
        let data = entry.metadata().ok()?;
        let length = if data.is_dir() { 0 } else { data.len() };
        let time = if data.is_dir() { None } else { data.modified().ok() };
        Some((entry.file_name().to_string_lossy().into_owned(), length, time))
    });
    seen.collect()
}

/// Waits for a file of a folder to be written, closely: until a first sign of it.
fn written(what: &str, folder: &Path, which: impl Fn(&str) -> bool) {
    let only = |seen: BTreeSet<(String, u64, Option<SystemTime>)>| -> BTreeSet<_> {
        seen.into_iter().filter(|(name, ..)| which(name)).collect()
    };
    let before = only(look(folder));
    let since = std::time::Instant::now();
    while only(look(folder)) == before {
        assert!(since.elapsed() < crate::support::LONG, "{what} is not written");
    }
}

/// Runs it up to the moment, and kills it there.
fn kill(site: &Site, moment: Moment, round: u64) {
    let config = site.configure(&settings(site, bounds(site)));
    let faults = match moment {
        Moment::Read => ["pingdom:timeout", "read:timeout"][round as usize % 2],
        Moment::Change => ["patch:timeout", "patch:silent"][round as usize % 2],
        _ => "",
    };
    let before = site.report();
    site.sandbox.set_faults(&if faults.is_empty() { Faults::default() } else { faults.parse().unwrap() });
    let mut daemon = Daemon::start(run(site, &config, &[]));
    let folder = site.path("state");
    match moment {
        Moment::Read => soon("a read that hangs", || (site.report().faults > before.faults).then_some(())),
        // There may be nothing to change just now.
        Moment::Change => soon("a change that hangs, or a check", || {
            let checked = of_kind(&daemon.events(), "checked").len() > 1;
            (checked || site.report().faults > before.faults).then_some(())
        }),
        Moment::State => written("the state", &folder, |name| name != "graphs"),
        Moment::History => written("the history", site.dir(), |name| name.starts_with("history.jsonl")),
        Moment::Graph => written("a graph", &folder.join("graphs"), |_| true),
        Moment::Reload => {
            daemon.prints("checked", 1);
            site.configure(&settings(site, bounds(site)));
            daemon.signal("-HUP");
        }
    }
    std::thread::sleep(Duration::from_micros(700 * round % 9_000));
    daemon.kill();
    site.sandbox.set_faults(&Faults::default());
    if moment == Moment::Read {
        let new = &site.patches()[before.patches.len()..];
        assert!(new.iter().all(|(from, to)| from < to), "removed without having read: {new:?}");
    }
    assert_whole(site);
    assert_no_step_twice(site);
}

/// What a kill has left: whole lines but for the last one, a state that can be read, a whole picture.
fn assert_whole(site: &Site) {
    let text = std::fs::read_to_string(site.path("history.jsonl")).unwrap_or_default();
    events(text.rsplit_once('\n').map_or("", |(whole, _)| whole).as_bytes());
    for entry in std::fs::read_dir(site.path("state")).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "json") {
            let state = std::fs::read(&path).unwrap();
            serde_json::from_slice::<serde_json::Value>(&state).expect("a whole state");
        }
    }
    if let Ok(latest) = std::fs::read(site.path("state/graphs/latest.png")) {
        assert!(latest.starts_with(b"\x89PNG") && latest.ends_with(b"IEND\xaeB`\x82"), "a whole graph");
    }
}

/// The changes that a history tells of, sorted.
fn told(lines: &[Value]) -> Vec<(u64, u64)> {
    let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
    let checks = of_kind(lines, "checked").into_iter().map(|line| (number(line, "dynos"), number(line, "applied")));
    let later = of_kind(lines, "change_confirmed").into_iter().map(|line| (number(line, "from"), number(line, "to")));
    let mut told: Vec<_> = checks.chain(later).filter(|(from, to)| from != to).collect();
    told.sort_unstable();
    told
}

/// The changes that were made, sorted.
fn made(patches: &[(u32, u32)]) -> Vec<(u64, u64)> {
    let changes = patches.iter().filter(|(from, to)| from != to);
    let mut made: Vec<_> = changes.map(|(from, to)| (u64::from(*from), u64::from(*to))).collect();
    made.sort_unstable();
    made
}

#[test]
fn killed_in_reads_changes_writes_and_reloads_it_makes_no_step_twice() {
    let site = Site::start(SandboxOptions { speed: 120.0, ..quiet(20) });
    let mut kills = 0;
    for round in 0..rounds() {
        for moment in MOMENTS {
            kill(&site, moment, round);
            kills += 1;
        }
    }
    // The rest of the way, whatever it was at last.
    let wanted = if site.report().dynos > 5 { 5 } else { 20 };
    let config = site.configure(&settings(&site, bounds(&site)));
    soon("the bounds", || {
        site.once(&config);
        (site.report().dynos == wanted).then_some(())
    });
    let lines = events(&std::fs::read(site.path("history.jsonl")).unwrap());
    let checks = of_kind(&lines, "checked");
    let others = checks.iter().filter(|check| !check["override_until"].is_null()).count();
    assert_eq!(others, 0, "none of its own changes is taken for somebody else's");
    assert!(of_kind(&lines, "crashed").is_empty());
    assert_no_step_twice(&site);
    let patches = site.patches();
    assert_eq!(told(&lines), made(&patches), "each change is told, and once");
    assert!(patches.iter().all(|(_, to)| (5..=20).contains(to)), "{patches:?}");
    assert!(
        kills >= 18 && patches.len() > 5 && checks.len() > 5,
        "{kills} kills, {} checks, {patches:?}",
        checks.len()
    );
}
