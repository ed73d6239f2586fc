//! Files that are made from the tables of the program. A stale one fails; `make generate` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use autoscale_core::workspace::reason::ReasonKind;
use autoscale_core::workspace::sources::standard;

/// Gives what a file must hold.
type Generator = fn() -> String;

/// Each file below the top of the repository, and what it must hold.
const GENERATED: &[(&str, Generator)] = &[
    ("config.sample.ini", sample),
    ("autoscale-core/src/config/config.sample.ini", sample),
    ("README.md", readme),
    ("autoscale-ffi/src/reason.rs", c_reasons),
    ("autoscale-ffi/python/autoscale/_reason.py", python_reasons),
];

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

/// What a reason means, as a note of at most this many columns after `prefix` on each line.
fn meaning(kind: ReasonKind, prefix: &str, columns: usize) -> String {
    let meaning = kind.meaning().trim().replace('`', "");
    let mut chars = meaning.chars();
    let first = chars.next().expect("a meaning is not empty").to_lowercase();
    let text = format!("Reason: {}{}", first, chars.as_str());
    let mut note = String::new();
    let mut line = prefix.to_owned();
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > columns {
            note += &format!("{line}\n");
            line = prefix.to_owned();
        }
        line += &format!(" {word}");
    }
    note + &line + "\n"
}

/// The reasons as constants of the C interface.
fn c_reasons() -> String {
    let mut text =
        "//! Why a decision was taken, as numbers. Made from the table of reasons by `make generate`.\n".to_owned();
    for kind in ReasonKind::ALL {
        let (name, number) = (kind.code().to_uppercase(), kind.number());
        text += &format!("\n{}pub const AUTOSCALE_REASON_{name}: i32 = {number};", meaning(*kind, "///", 118));
    }
    text + "\n"
}

/// The reasons as an enum of the Python package.
fn python_reasons() -> String {
    let mut text = "\"\"\"Why a decision was taken. Made from the table of reasons by `make generate`.\"\"\"\n\n\
        from __future__ import annotations\n\nimport enum\n\n\n\
        class Reason(enum.IntEnum):\n    \
        \"\"\"Why. The numbers are frozen; a later library may have more, which are plain numbers here.\"\"\"\n\n"
        .to_owned();
    for kind in ReasonKind::ALL {
        text += &format!("    {} = {}\n", kind.code().to_uppercase(), kind.number());
    }
    text
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
