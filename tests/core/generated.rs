//! Files that are made from the tables of the program. A stale one fails; `make generate` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use autoscale_core::workspace::sources::standard;

/// Gives what a file must hold.
type Generator = fn() -> String;

/// Each file below the top of the repository, and what it must hold.
const GENERATED: &[(&str, Generator)] =
    &[("config.sample.ini", sample), ("autoscale-core/src/config/config.sample.ini", sample), ("README.md", readme)];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sample() -> String {
    standard().sample()
}

/// The README with its key table as it must be.
fn readme() -> String {
    let text = fs::read_to_string(top().join("README.md")).expect("the README is there");
    let start = text.find("| section | key |").expect("the README has a table of keys");
    let table: String = text[start..].split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    [&text[..start], &standard().markdown(), &text[start + table.len()..]].concat()
}

#[test]
fn what_is_generated_is_not_stale() {
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let mut stale = Vec::new();
    for (path, generate) in GENERATED {
        let (file, wanted) = (top().join(path), generate());
        if fs::read_to_string(&file).is_ok_and(|there| there == wanted) {
            continue;
        }
        if update {
            fs::write(&file, wanted).expect("a generated file can be written");
        } else {
            stale.push(*path);
        }
    }
    assert!(stale.is_empty(), "stale: {}; `make generate` writes them", stale.join(", "));
}
