//! The lower floors are pure: what `autoscale-core` is built of without features knows no runtime, no network and no
//! drawing. The dependency list proves it; nothing here runs the engine.

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that `autoscale-core` is built of with these features, its own name left out.
fn dependencies(features: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--package", "autoscale-core", "--edges", "normal", "--prefix", "none"])
        .args(["--no-default-features", "--format", "{p}", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("crate names are UTF-8");
    let names = text.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    names.filter(|name| *name != "autoscale-core").map(str::to_owned).collect()
}

/// Crates that bring a runtime, a network, a log or a picture with them. (The calendar, jiff, does not: a recording's times
/// are text to it, and of the system it reads the time zones alone.)
const IMPURE: [&str; 12] = [
    "tokio",
    "reqwest",
    "hyper",
    "hyper-util",
    "rustls",
    "mio",
    "socket2",
    "tracing",
    "log",
    "plotters",
    "rand",
    "etcetera",
];

fn impure(dependencies: &BTreeSet<String>) -> Vec<&'static str> {
    IMPURE.into_iter().filter(|name| dependencies.contains(*name)).collect()
}

#[test]
fn without_features_there_is_no_runtime_no_network_and_no_picture() {
    let found = dependencies("");
    assert!(found.contains("serde_json"), "the list is empty or cut: {found:?}");
    assert_eq!(impure(&found), Vec::<&str>::new());
}

#[test]
fn the_loop_brings_no_http_client_and_no_pictures() {
    let found = dependencies("loop");
    assert!(found.contains("tokio"), "{found:?}");
    for absent in ["reqwest", "hyper", "rustls", "plotters"] {
        assert!(!found.contains(absent), "`loop` alone brings {absent}");
    }
}

#[test]
fn pictures_bring_no_runtime() {
    let found = dependencies("graph");
    assert!(found.contains("plotters"), "{found:?}");
    for absent in ["tokio", "reqwest", "hyper"] {
        assert!(!found.contains(absent), "`graph` brings {absent}");
    }
}

#[test]
fn everything_together_uses_one_tls_library() {
    let found = dependencies("http,graph,sandbox");
    assert!(found.contains("rustls") && found.contains("ring"), "{found:?}");
    for absent in ["openssl", "native-tls", "aws-lc-rs"] {
        assert!(!found.contains(absent), "{absent} is linked too");
    }
    // Addresses are ASCII here. `cargo update -p idna_adapter --precise 1.0.0` keeps Unicode's tables out.
    assert!(!found.contains("icu_normalizer"), "Unicode's tables of names are linked");
}
