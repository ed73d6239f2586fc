//! The header is the one that the crate's comments make. With `AUTOSCALE_WRITE_HEADER=1`, as `make header` sets it, it is
//! written anew.

use std::collections::BTreeSet;
use std::path::Path;

use autoscale_core::workspace::reason::Reason;

/// Beside which the crate's own folder lies.
const CRATE: &str = env!("CARGO_MANIFEST_DIR");

fn generate() -> String {
    let mut config = cbindgen::Config::from_file(Path::new(CRATE).join("cbindgen.toml")).expect("cbindgen.toml");
    let parts = ["MAJOR", "MINOR", "PATCH"].into_iter().zip(env!("CARGO_PKG_VERSION").split('.'));
    for (name, number) in parts {
        let text = config.after_includes.take().unwrap_or_default();
        config.after_includes = Some(text.replace(&format!("@{name}@"), number));
    }
    let bindings = cbindgen::Builder::new().with_crate(CRATE).with_config(config).generate().expect("a header");
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).expect("a header is UTF-8")
}

fn committed() -> String {
    let path = Path::new(CRATE).join("../include/autoscale.h");
    if std::env::var_os("AUTOSCALE_WRITE_HEADER").is_some_and(|on| on == "1") {
        std::fs::write(&path, generate()).expect("the header can be written");
    }
    std::fs::read_to_string(path).expect("include/autoscale.h is there")
}

/// The functions that a header declares.
fn declared(header: &str) -> BTreeSet<String> {
    let word = |text: &str| text.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("").to_owned();
    let code: String = header.lines().filter(|line| !line.trim_start().starts_with('*')).collect::<Vec<_>>().join("\n");
    let names = code.match_indices('(').map(|(at, _)| word(&code[..at]));
    names.filter(|name| name.starts_with("autoscale_") && !name.ends_with("_fn")).collect()
}

#[test]
fn the_header_is_not_stale() {
    let (made, committed) = (generate(), committed());
    let first = made.lines().zip(committed.lines()).position(|(a, b)| a != b);
    assert!(made == committed, "include/autoscale.h is stale from line {:?}: `make header`", first.map(|n| n + 1));
}

#[test]
fn every_function_of_the_source_is_declared_and_described() {
    let header = committed();
    let mut exported = BTreeSet::new();
    for file in walk(&Path::new(CRATE).join("src")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for part in text.split("#[unsafe(no_mangle)]").skip(1) {
            let name = part.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a function");
            exported.insert(name.to_owned());
        }
        assert!(!text.contains("#[cfg(feature") || !text.contains("no_mangle") || !has_conditional_export(&text));
    }
    assert_eq!(declared(&header), exported);
    assert!(exported.len() >= 30, "{exported:?}");
    for name in &exported {
        let is_declaration =
            |line: &&str| !line.trim_start().starts_with(['*', '/']) && line.contains(&format!("{name}("));
        let line = header.lines().find(is_declaration).expect("it is declared");
        let before = &header[..header.find(line).expect("a line of it")];
        let comment = &before[before.rfind("/**").unwrap()..];
        let gap = &comment[comment.find("*/").unwrap()..];
        assert!(!gap.contains(';'), "{name} has no comment of its own");
        let freed = name.ends_with("_free") || name.ends_with("_fail");
        assert!(
            freed || comment.contains("hread-safe") || comment.contains("Legal only while"),
            "{name}: no thread rule"
        );
    }
}

/// An exported function must exist whatever is built in.
fn has_conditional_export(text: &str) -> bool {
    text.split("#[unsafe(no_mangle)]").any(|part| part.trim_end().lines().last().is_some_and(|l| l.contains("#[cfg(")))
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn the_reasons_are_the_engines() {
    let header = committed();
    for (number, code) in Reason::ALL {
        let line = format!("#define AUTOSCALE_REASON_{} {number}\n", code.to_uppercase());
        assert!(header.contains(&line), "{line} is not in the header");
    }
    assert_eq!(header.matches("#define AUTOSCALE_REASON_").count(), Reason::ALL.len());
}

#[test]
fn a_status_must_be_used_and_nothing_else_must() {
    let header = committed();
    let code: Vec<_> = header.lines().filter(|line| !line.trim_start().starts_with(['*', '/', '#'])).collect();
    let code = code.join(" ");
    let marked: Vec<_> = code.split("AUTOSCALE_MUST_USE").skip(1).map(str::trim_start).collect();
    assert!(marked.len() >= 20, "{marked:?}");
    for declaration in marked {
        assert!(declaration.starts_with("autoscale_status autoscale_"), "{declaration}");
    }
}
