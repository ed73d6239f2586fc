//! The folders of `autoscale-core/src` show its floors: a file imports only from its own folder and from the rows above it.
//! In every crate of the workspace no two files import each other, directly or over others. Judged by the paths in the
//! source (`use`, and paths written out), tests and re-exports apart: a name that a `mod.rs` only passes on counts as its
//! own file's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The rows, top first; the folders of one row do not know each other.
const ROWS: &[&[&str]] = &[
    &["model"],
    &["config"],
    &["policy"],
    &["engine"],
    &["clock"],
    &["files"],
    &["http"],
    &["targets", "stores"],
    &["sources"],
    &["offline"],
    &["graph"],
    &["sinks"],
    &["daemon"],
    &["simulation"],
    &["sandbox"],
];

/// A module's path below the crate, `["policy", "adaptive", "grid"]`.
type Module = Vec<String>;

/// Where each name that a module passes on comes from: the path that its `pub use` gives.
type PassedOn = BTreeMap<(Module, String), Vec<String>>;

#[derive(Default)]
struct House {
    files: BTreeMap<Module, syn::File>,
    passed_on: PassedOn,
}

impl House {
    fn read(root: &Path) -> Self {
        let mut house = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the crate's sources are there") {
                let path = entry.expect("a folder can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).expect("a source can be read");
                    let module = module_of(path.strip_prefix(root).expect("below the root"));
                    house.add(module, &text);
                }
            }
        }
        house
    }

    fn add(&mut self, module: Module, text: &str) {
        // What gathers the crate's names for others imports from everywhere by design.
        if module == ["workspace"] {
            return;
        }
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", shown(&module)));
        for item in &file.items {
            if let syn::Item::Use(item) = item
                && !matches!(item.vis, syn::Visibility::Inherited)
            {
                for (path, name) in leaves(&item.tree) {
                    self.passed_on.insert((module.clone(), name), path);
                }
            }
        }
        self.files.insert(module, file);
    }

    /// The file that a path from within `module` leads to; `None` where it leaves the crate.
    fn file_of(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut at: Module = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => module.clone(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            first if self.files.contains_key(&child(module, first)) => child(module, first),
            _ => return None,
        };
        for (i, name) in path.iter().enumerate().skip(1) {
            if name == "super" {
                at.pop();
            } else if self.is_module(&child(&at, name)) {
                at.push(name.clone());
            } else if let Some(onward) = self.passed_on.get(&(at.clone(), name.clone())) {
                let whole: Vec<String> = onward.iter().chain(&path[i + 1..]).cloned().collect();
                return self.file_of(&at, &whole).or(Some(at));
            } else {
                break;
            }
        }
        self.files.contains_key(&at).then_some(at)
    }

    fn is_module(&self, module: &Module) -> bool {
        self.files.keys().any(|known| known.starts_with(module))
    }

    /// Which files each file imports from.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        self.files
            .iter()
            .map(|(module, file)| {
                let mut paths = Paths::default();
                paths.visit_file(file);
                let to = paths.found.iter().filter_map(|path| self.file_of(module, path));
                (module, to.filter(|to| to != module).collect())
            })
            .collect()
    }
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn module_of(path: &Path) -> Module {
    let mut parts: Vec<String> =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

/// A module's path as text; the root's file has none.
fn shown(module: &[String]) -> String {
    if module.is_empty() { "the crate's root".into() } else { module.join("::") }
}

/// The paths of a `use`, each with the name by which it is known then.
fn leaves(tree: &syn::UseTree) -> Vec<(Vec<String>, String)> {
    match tree {
        syn::UseTree::Path(path) => {
            let within = leaves(&path.tree).into_iter();
            within
                .map(|(mut rest, name)| {
                    rest.insert(0, path.ident.to_string());
                    (rest, name)
                })
                .collect()
        }
        syn::UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        syn::UseTree::Rename(rename) => vec![(vec![rename.ident.to_string()], rename.rename.to_string())],
        syn::UseTree::Glob(_) => vec![(Vec::new(), "*".into())],
        syn::UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// Every path of a file outside of its tests.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
    /// How many modules within the file stand around what is visited: `super` leads out of them first.
    depth: usize,
}

impl Paths {
    fn note(&mut self, mut path: Vec<String>) {
        for _ in 0..self.depth {
            match path.first().map(String::as_str) {
                Some("super") => drop(path.remove(0)),
                Some("crate") => break,
                _ => return,
            }
        }
        if self.depth > 0 && path.first().is_some_and(|first| first != "crate" && first != "super") {
            path.insert(0, "self".into());
        }
        self.found.push(path);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|what| what == "test")
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            self.depth += 1;
            visit::visit_item_mod(self, item);
            self.depth -= 1;
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // What is only passed on is not imported; privately it is.
        if matches!(item.vis, syn::Visibility::Inherited) && !is_test(&item.attrs) {
            leaves(&item.tree).into_iter().for_each(|(path, _)| self.note(path));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.note(names);
        }
        visit::visit_path(self, path);
    }
}

fn row_of(module: &Module) -> Option<usize> {
    ROWS.iter().position(|row| module.first().is_some_and(|folder| row.contains(&folder.as_str())))
}

/// What breaks the rule of the rows.
fn upside_down(house: &House) -> Vec<String> {
    let mut wrong = Vec::new();
    // The root declares the floors, and imports none of them.
    for (from, imports) in house.imports().into_iter().filter(|(module, _)| !module.is_empty()) {
        let Some(row) = row_of(from) else {
            wrong.push(format!("{} stands in no row: give its folder one", shown(from)));
            continue;
        };
        for to in imports {
            if to.first() != from.first() && row_of(&to).is_none_or(|other| other >= row) {
                wrong.push(format!("{} imports from {}, which is not above it", shown(from), shown(&to)));
            }
        }
    }
    wrong
}

/// Files that import each other: each circle once, as its files in a row.
fn circles(house: &House) -> Vec<String> {
    let imports = house.imports();
    let reach = |start: &Module| {
        let mut seen = BTreeSet::new();
        let mut next = vec![start.clone()];
        while let Some(at) = next.pop() {
            for to in imports.get(&at).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    next.push(to.clone());
                }
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> = imports.keys().map(|module| (*module, reach(module))).collect();
    let mut told: BTreeSet<Module> = BTreeSet::new();
    let mut wrong = Vec::new();
    for (module, reached) in &all {
        if !reached.contains(*module) || told.contains(*module) {
            continue;
        }
        let mut text = String::new();
        for other in reached.iter().filter(|other| all[other].contains(*module)) {
            let _ = write!(text, "{}{}", if text.is_empty() { "" } else { ", " }, shown(other));
            told.insert(other.clone());
        }
        wrong.push(format!("these import each other: {text}"));
    }
    wrong
}

/// The sources of a crate of this workspace.
fn sources(krate: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace").join(krate).join("src")
}

#[test]
fn a_file_imports_only_from_its_own_folder_and_from_rows_above() {
    let wrong = upside_down(&House::read(&sources("autoscale-core")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other() {
    let mut wrong = Vec::new();
    for krate in ["autoscale-core", "autoscale-ffi", "autoscale-cli", "tray-app"] {
        let house = House::read(&sources(krate));
        assert!(house.files.len() > 5, "{krate}: its sources are not where they were");
        wrong.extend(circles(&house).into_iter().map(|circle| format!("{krate}: {circle}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Pages below `docs/` that a text names.
fn pages(text: &str) -> Vec<&str> {
    let named = text.match_indices("docs/").map(|(at, _)| &text[at..]);
    let end =
        |rest: &str| rest.find(|c: char| !(c.is_ascii_alphanumeric() || "/-_.".contains(c))).unwrap_or(rest.len());
    named.map(|rest| &rest[..end(rest)]).filter_map(|name| Some(&name[..name.rfind(".md")? + 3])).collect()
}

#[test]
fn every_page_that_a_source_cites_is_in_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace");
    let mut cited = BTreeSet::new();
    let mut folders: Vec<PathBuf> =
        ["autoscale-core", "autoscale-ffi", "autoscale-cli", "tray-app"].map(sources).into();
    folders.push(root.join("tests"));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("core/house.rs") {
                let text = fs::read_to_string(&path).expect("a source can be read");
                cited.extend(pages(&text).into_iter().map(str::to_owned));
            }
        }
    }
    assert!(cited.contains("docs/policy.md"), "{cited:?}");
    let missing: Vec<_> = cited.iter().filter(|page| !root.join(page).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(pages("see docs/a-b.md, docs/c.md (rule 3) and docs/d.png"), ["docs/a-b.md", "docs/c.md"]);
}

#[test]
fn what_breaks_the_rules_is_found() {
    let module = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let mut house = House::default();
    house.add(
        module("model::time"),
        "use crate::engine::Engine;\n#[cfg(test)]\nmod tests { use crate::sandbox::World; }",
    );
    house.add(module("engine"), "mod ports;\npub use ports::Source;\nstruct Engine;");
    house.add(module("engine::ports"), "fn f() -> super::ledger::Ledger { loop {} }");
    house.add(module("engine::ledger"), "use super::Source;\nmod inner { use super::super::super::model::time::T; }");
    house.add(module("sources::probe"), "use crate::{model::time::T, stores::file::F, daemon::run::R};");
    house.add(module("stores::file"), "");
    house.add(module("daemon::run"), "");
    house.add(module("sandbox"), "struct World;");
    assert_eq!(
        upside_down(&house),
        [
            "model::time imports from engine, which is not above it",
            "sources::probe imports from daemon::run, which is not above it",
        ]
    );
    assert_eq!(circles(&house), ["these import each other: engine::ledger, engine::ports"]);

    let mut program = House::default();
    program.add(Module::new(), "mod logging;\npub(crate) fn complain() { logging::set_up() }");
    program.add(module("logging"), "use crate::complain;");
    assert_eq!(circles(&program), ["these import each other: the crate's root, logging"]);
}
