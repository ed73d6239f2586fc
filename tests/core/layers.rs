//! Where the value of a key comes from, and which of several goes first.

use std::fs;
use std::path::{Path, PathBuf};

use autoscale_core::workspace::config::{Config, Overrides, Pingdom, Problem, Table, examine, parse};
use autoscale_core::workspace::config_file::{Environment, IN_ENVIRONMENT, LoadErrorKind, Loaded, load_all, load_with};
use autoscale_core::workspace::sources::standard;

const HEAD: &str = "[HEROKU_INFOS]\napp_name: shop\n";

fn most(text: &str, overrides: &Overrides) -> u32 {
    parse(text, overrides).unwrap().config.bounds.max()
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| problem.in_file("a.ini").to_string()).collect()
}

fn problems(text: &str, overrides: &Overrides) -> Vec<String> {
    shown(&examine(text, overrides).problems)
}

#[test]
fn environment_then_file_then_its_default_then_defaults_ini_then_its_default_gives_a_value() {
    let (none, section) = (Overrides::default(), "[AUTOSCALE_SETTINGS]\nmax_dynos");
    let text = |own: &str| format!("{HEAD}{own}");
    assert_eq!(most(&text(""), &none), 10);
    let of_all = none.clone().with_defaults("defaults.ini", "[DEFAULT]\nmax_dynos: 20\n");
    assert_eq!(most(&text(""), &of_all), 20);
    let defaults = none.with_defaults("defaults.ini", &format!("[DEFAULT]\nmax_dynos: 20\n{section}: 30\n"));
    assert_eq!(most(&text(""), &defaults), 30);
    assert_eq!(most(&text("[DEFAULT]\nmax_dynos: 40\n"), &defaults), 40);
    let own = text(&format!("[DEFAULT]\nmax_dynos: 40\n{section}: 50\n"));
    assert_eq!(most(&own, &defaults), 50);
    assert_eq!(most(&own, &defaults.with_variable("AUTOSCALE_SETTINGS__MAX_DYNOS", " 60 ")), 60);
}

#[test]
fn a_problem_names_where_its_value_came_from() {
    let variable = Overrides::default().with_variable("AUTOSCALE_SETTINGS__MIN_DYNOS", "none");
    assert_eq!(
        problems(HEAD, &variable),
        ["AUTOSCALE_SETTINGS__MIN_DYNOS in the environment: [AUTOSCALE_SETTINGS] min_dynos: \"none\" is not a whole \
          number from 1 to 10000"]
    );
    let defaults = Overrides::default().with_defaults("defaults.ini", "\n[AUTOSCALE_SETTINGS]\nmin_dynos: x\nstray\n");
    assert_eq!(
        problems(HEAD, &defaults),
        [
            "defaults.ini:4: neither section, comment nor key: write it as `key: value`, or begin it with # to leave it out",
            "defaults.ini:3: [AUTOSCALE_SETTINGS] min_dynos: \"x\" is not a whole number from 1 to 10000",
        ]
    );
    let crossed = Overrides::default().with_variable("AUTOSCALE_SETTINGS__MIN_DYNOS", "5");
    assert_eq!(
        problems(&format!("{HEAD}[AUTOSCALE_SETTINGS]\nmax_dynos: 3\n"), &crossed),
        [
            "AUTOSCALE_SETTINGS__MIN_DYNOS in the environment: [AUTOSCALE_SETTINGS] min_dynos: 5 is above max_dynos (3, line \
          4): lower this or raise that"
        ]
    );
    assert_eq!(
        problems(&format!("{HEAD}[DEFAULT]\nmin_dynos: 0\n"), &Overrides::default()),
        [
            "a.ini:4: [AUTOSCALE_SETTINGS] min_dynos: \"0\" is too small: give a whole number from 1 to 10000; an app at 0 \
          dynos fails the very check that would wake it"
        ]
    );
}

#[test]
fn every_key_has_a_variable_and_each_variable_one_key() {
    let names: Vec<String> = standard().keys().iter().map(Table::variable).collect();
    for name in
        ["AUTOSCALE_HEROKU__API_KEY", "AUTOSCALE_PINGDOM__CHECK_ID", "AUTOSCALE_PROBE__URL", "AUTOSCALE_SANDBOX__SPEED"]
    {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(names.contains(&"AUTOSCALE_NOTIFICATIONS__WEBHOOK_URL".to_owned()));
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len());
    let unknown = Overrides::default().with_variable("AUTOSCALE_SETTINGS__MAX_DYNO", "3");
    assert_eq!(
        shown(&examine(HEAD, &unknown).warnings),
        ["AUTOSCALE_SETTINGS__MAX_DYNO in the environment: names no key, not read; did you mean \
          AUTOSCALE_SETTINGS__MAX_DYNOS?"]
    );
}

#[test]
fn a_secret_in_default_that_two_sections_would_take_is_a_problem() {
    let text = format!("{HEAD}[DEFAULT]\napi_key: s3cr3t\n");
    let found = problems(&text, &Overrides::default());
    assert_eq!(
        found,
        [
            "a.ini:4: [DEFAULT] api_key: a secret that [HEROKU_INFOS] and [PINGDOM_INFOS] would all take: give each of these \
          sections its own"
        ]
    );
    let own = format!("{HEAD}api_key: own\n[DEFAULT]\napi_key: s3cr3t\n");
    let config = parse(&own, &Overrides::default()).unwrap().config;
    assert_eq!(config.heroku.api_key.unwrap().expose(), "own");
    assert_eq!(config.sources.settings_as::<Pingdom>().unwrap().api_key.as_ref().unwrap().expose(), "s3cr3t");
}

#[test]
fn a_key_in_default_that_no_section_has_is_a_warning() {
    let text = format!("{HEAD}[DEFAULT]\nmax_dyno: 3\nca_file: /etc/ca.pem\n");
    let parsed = parse(&text, &Overrides::default()).unwrap();
    assert_eq!(shown(&parsed.warnings), ["a.ini:4: [DEFAULT] max_dyno: unknown key, not read; no section has it"]);
    let ca: Vec<_> = parsed.config.sources.used().map(|source| source.settings().ca_file().unwrap().1).collect();
    assert_eq!(
        (ca, parsed.config.heroku.ca_file.as_deref()),
        (vec![Path::new("/etc/ca.pem")], Some(Path::new("/etc/ca.pem")))
    );
}

// ---- files and the environment

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn load(folder: &Path, variables: &[(&str, &str)]) -> Result<Vec<Loaded>, Vec<String>> {
    let environment: Environment = variables.iter().copied().collect();
    let loaded = load_all(&[], &[folder.to_owned()], false, &environment);
    loaded.map_err(|errors| errors.iter().map(|error| error.to_string()).collect())
}

const A: (&str, &str) = ("a.ini", HEAD);
const B: (&str, &str) = ("b.ini", "[HEROKU_INFOS]\napp_name: blog\n[AUTOSCALE_SETTINGS]\nmax_dynos: 7\n");

fn most_of(loaded: &[Loaded]) -> Vec<u32> {
    loaded.iter().map(|loaded| loaded.config.bounds.max()).collect()
}

#[test]
fn defaults_ini_of_a_folder_holds_for_its_configurations_and_is_none_itself() {
    let folder = folder(&[A, B, ("defaults.ini", "[AUTOSCALE_SETTINGS]\nmax_dynos: 30\n")]);
    let loaded = load(folder.path(), &[]).unwrap();
    assert_eq!(most_of(&loaded), [30, 7]);
    let single = load_with(&folder.path().join("a.ini"), false, &Environment::default()).unwrap();
    assert_eq!(single.config.bounds.max(), 10, "a file that is named stands alone");
    fs::write(folder.path().join("defaults.ini"), "[AUTOSCALE_SETTINGS]\nmax_dynos: x\n").unwrap();
    let errors = load(folder.path(), &[]).unwrap_err();
    let start = format!("{}:2: [AUTOSCALE_SETTINGS] max_dynos: ", folder.path().join("defaults.ini").display());
    assert!(errors.len() == 1 && errors[0].starts_with(&start), "{errors:?}");
}

#[test]
fn the_environment_holds_for_all_but_says_of_none_which_app_it_is() {
    let folder = folder(&[A, B]);
    assert_eq!(most_of(&load(folder.path(), &[("AUTOSCALE_SETTINGS__MAX_DYNOS", "12")]).unwrap()), [12, 12]);
    for name in
        ["HEROKU__APP_NAME", "HEROKU__PROCESS_TYPE", "PINGDOM__CHECK_ID", "PROBE__URL", "SETTINGS__HISTORY_FILE"]
    {
        let name = format!("AUTOSCALE_{name}");
        let errors = load(folder.path(), &[(&name, "1")]).unwrap_err();
        let start = format!("{name} in the environment: ");
        assert!(
            errors.len() == 2 && errors.iter().all(|e| e.contains(&start) && e.contains("belongs to one app")),
            "{errors:?}"
        );
    }
    let one = load_with(
        &folder.path().join("a.ini"),
        false,
        &[("AUTOSCALE_HEROKU__APP_NAME", "other")].into_iter().collect(),
    );
    assert_eq!(one.unwrap().config.heroku.app_name, "other");
}

#[test]
fn a_whole_configuration_comes_from_the_environment_where_no_file_is_named() {
    let load = |text: &str| load_all(&[], &[], false, &[("AUTOSCALE_CONFIG", text)].into_iter().collect());
    let loaded = load(HEAD).unwrap();
    assert_eq!((loaded.len(), &loaded[0].path), (1, &PathBuf::from(IN_ENVIRONMENT)));
    assert_eq!(loaded[0].config.heroku.app_name, "shop");
    let errors = load("[HEROKU_INFOS]\napp_name: S\n").unwrap_err();
    assert!(errors[0].to_string().starts_with("$AUTOSCALE_CONFIG:2: [HEROKU_INFOS] app_name: "), "{}", errors[0]);
    let named = folder(&[B]);
    let environment = [("AUTOSCALE_CONFIG", HEAD)].into_iter().collect();
    let loaded = load_all(&[named.path().join("b.ini")], &[], false, &environment).unwrap();
    assert_eq!(loaded[0].config.heroku.app_name, "blog");
}

#[test]
fn two_values_of_what_is_the_processs_are_a_problem() {
    let listen = |port: u16| format!("[AUTOSCALE_SETTINGS]\nmetrics_listen: 127.0.0.1:{port}");
    let (a, b) = (format!("{HEAD}{}\n", listen(1)), format!("[HEROKU_INFOS]\napp_name: blog\n{} ; ours\n", listen(1)));
    let folder = folder(&[("a.ini", &a), ("b.ini", &b), ("c.ini", "[HEROKU_INFOS]\napp_name: third\n")]);
    let configs: Vec<Config> = load(folder.path(), &[]).unwrap().into_iter().map(|loaded| loaded.config).collect();
    assert_eq!(configs.len(), 3, "one that gives none agrees with all");
    fs::write(folder.path().join("b.ini"), b.replace(":1 ;", ":2 ;")).unwrap();
    let errors = load_all(&[], &[folder.path().to_owned()], false, &Environment::default()).unwrap_err();
    assert_eq!((errors.len(), errors[0].kind), (1, LoadErrorKind::Invalid));
    let text = errors[0].to_string();
    assert!(
        text.contains("b.ini:4: [AUTOSCALE_SETTINGS] metrics_listen: differs from ") && text.contains("a.ini"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn secrets_in_defaults_ini_are_not_for_others_either() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[A, ("defaults.ini", "[HEROKU_INFOS]\napi_key: s3cr3t\n")]);
    let defaults = folder.path().join("defaults.ini");
    fs::set_permissions(&defaults, fs::Permissions::from_mode(0o644)).unwrap();
    let warned = |loaded: &[Loaded]| {
        shown(&loaded[0].warnings).iter().any(|w| w.starts_with(&format!("{}: others", defaults.display())))
    };
    assert!(warned(&load(folder.path(), &[]).unwrap()));
    fs::set_permissions(&defaults, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!warned(&load(folder.path(), &[]).unwrap()));
    let loaded = load(folder.path(), &[("AUTOSCALE_HEROKU__API_KEY", "t0ken")]).unwrap();
    assert_eq!(loaded[0].config.heroku.api_key.as_ref().unwrap().expose(), "t0ken");
    assert!(!format!("{loaded:?}").contains("s3cr3t") && !format!("{loaded:?}").contains("t0ken"));
}
