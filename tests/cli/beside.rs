//! What stands beside the program: pipes, devices and links where a file is meant, files of other programs, a second
//! instance.
#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use autoscale_core::workspace::sandbox::SandboxOptions;
use autoscale_core::workspace::simulation::Load;
use serde_json::Value;

use crate::support::{Running, Stage, autoscale, texts, wait_until, write};

/// A user that no file of the system knows, without a home.
const UNKNOWN: u32 = 54_321;

fn calm() -> SandboxOptions {
    SandboxOptions { load: Load::flat(1.0), dynos: 2, speed: 1.0, ..SandboxOptions::default() }
}

fn stage(settings: &str) -> Stage {
    Stage::new(calm(), settings)
}

/// A named pipe that nobody else opens.
fn pipe(folder: &Path) -> PathBuf {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// How a command ended, and what it said.
fn said(output: &Output) -> (Option<i32>, String) {
    let (stdout, stderr) = texts(output);
    (output.status.code(), stdout + &stderr)
}

fn check(stage: &Stage) -> (Option<i32>, String) {
    said(&autoscale(stage.home.path()).arg("check-config").arg(&stage.config).output().unwrap())
}

/// Puts further settings into the configuration of a stage.
fn add(stage: &Stage, settings: &str) {
    let text = fs::read_to_string(&stage.config).unwrap();
    write(&stage.config, &format!("{text}[AUTOSCALE_SETTINGS]\n{settings}\n"));
}

#[test]
fn a_fifo_as_history_file_is_refused() {
    let stage = stage("");
    let pipe = pipe(stage.home.path());
    add(&stage, &format!("history_file: {}", pipe.display()));
    for (code, text) in [check(&stage), said(&stage.run(&["--once"]).output().unwrap())] {
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("history_file: ") && text.contains("a named pipe, not a regular file"), "{text}");
    }
}

#[test]
fn a_stream_or_a_device_as_history_file_is_refused_with_the_word_for_it() {
    for (path, what) in [
        ("/dev/stdout", "history_file: - is standard output"),
        ("/proc/self/fd/1", "history_file: - is standard output"),
        ("/dev/zero", "a device, not a regular file"),
    ] {
        let (code, text) = check(&stage(&format!("[AUTOSCALE_SETTINGS]\nhistory_file: {path}")));
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn a_history_on_standard_output_prints_each_event_and_goes_not_with_json() {
    let stage = stage("[AUTOSCALE_SETTINGS]\nhistory_file: -");
    let output = stage.run(&["--once"]).output().unwrap();
    let (stdout, stderr) = texts(&output);
    let event: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    assert_eq!(event["event"], "checked");
    assert!(!stage.home.path().join("-").exists());
    let (code, text) = said(&stage.run(&["--once", "--json"]).output().unwrap());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("history_file: - is standard output, where --json prints the events already"), "{text}");
}

#[test]
fn what_is_no_regular_file_is_refused_as_any_input_and_holds_nothing_up() {
    let stage = stage("");
    let pipe = pipe(stage.home.path());
    let run = |arguments: &[&str]| said(&autoscale(stage.home.path()).args(arguments).output().unwrap());
    let config = stage.config.to_str().unwrap();
    for (path, what) in
        [(pipe.to_str().unwrap(), "a named pipe"), ("/dev/zero", "a device"), ("/dev/urandom", "a device")]
    {
        for arguments in [
            &["run", "--once", "--config", path][..],
            &["check-config", path],
            &["replay", "--config", config, "--samples", path],
            &["simulate", "--load", path],
            &["run", "--once", "--config", config, "--log-file", path],
            &["run", "--once", "--config", config, "--pid-file", path],
            &["init", "--app", "shop", "--heroku-token-file", path, "--output", "new.ini"],
        ] {
            let (code, text) = run(arguments);
            assert_ne!(code, Some(0), "{arguments:?}: {text}");
            assert!(text.contains(&format!("{what}, not a regular file")), "{arguments:?}: {text}");
        }
    }
    add(&stage, &format!("[HEROKU_INFOS]\nca_file: {}", pipe.display()));
    let (code, text) = run(&["check-config", config]);
    assert_eq!(code, Some(2), "{text}");
}

#[test]
fn a_link_as_log_or_pid_file_is_not_followed() {
    let stage = stage("");
    let [target, link, second] = ["target", "link", "second"].map(|name| stage.home.path().join(name));
    write(&target, "precious");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::hard_link(&target, &second).unwrap();
    for flag in ["--log-file", "--pid-file"] {
        for (path, what) in [(&link, "a symbolic link"), (&second, "a hard link")] {
            let (code, text) = said(&stage.run(&["--once", flag, path.to_str().unwrap()]).output().unwrap());
            assert_eq!(code, Some(1), "{text}");
            assert!(text.contains(what), "{flag}: {text}");
        }
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn beyond_the_largest_file_scaling_goes_on_and_no_half_line_is_left() {
    let stage = Stage::new(SandboxOptions { dynos: 5, ..calm() }, "");
    let path = stage.home.path().join("history.jsonl");
    add(&stage, &format!("history_file: {}", path.display()));
    let first = stage.run(&["--once", "--dry-run"]).output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    let before = fs::read_to_string(&path).unwrap();
    // One more event does not fit; the state does.
    write(&path, &before.repeat(80));
    let before = fs::read_to_string(&path).unwrap();
    let mut shell = limited(&stage.run(&["--once"]), &format!("ulimit -f {}", before.len() / 1024));
    let (code, text) = said(&shell.current_dir(stage.home.path()).output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("File too large") && text.contains("scaling goes on without it"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert_eq!(stage.report().dynos, 4, "it was scaled");
}

/// A command in a shell that sets a limit first.
fn limited(command: &Command, limit: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]).arg(command.get_program()).args(command.get_args());
    command.get_envs().for_each(|(name, value)| match value {
        Some(value) => drop(shell.env(name, value)),
        None => drop(shell.env_remove(name)),
    });
    shell
}

#[test]
fn where_there_is_no_memory_it_says_so_and_ends() {
    let stage = stage("");
    let results: String = (0..400_000).map(|minute| format!("{},600,up\n", 1_700_000_000 + 60 * minute)).collect();
    write(&stage.home.path().join("results.csv"), &results);
    let mut replay = autoscale(stage.home.path());
    replay.args(["replay", "--samples", "results.csv", "--config"]).arg(&stage.config);
    let mut named = 0;
    for kib in [10_000, 40_000, 60_000, 80_000, 4_000_000] {
        let mut limited = limited(&replay, &format!("ulimit -v {kib}"));
        let (code, text) = said(&limited.current_dir(stage.home.path()).output().unwrap());
        // Where not even its code has room, the system does not begin it.
        let has_begun = code.is_some_and(|code| code < 126);
        assert!(!has_begun || matches!(code, Some(0 | 1)), "with {kib} KiB: {code:?} {text}");
        assert!(!text.contains("panicked") && !text.contains("defect"), "with {kib} KiB: {text}");
        named += u32::from(code == Some(1) && text.contains("autoscale: no memory left: allow it more"));
    }
    assert!(named > 0, "no limit was met");
}

#[test]
fn where_there_are_no_threads_it_says_so_and_ends() {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let stage = stage("");
    let is_root = fs::metadata(&stage.config).unwrap().uid() == 0;
    let of_config = |arguments: &[&'static str]| [arguments, &["--config"]].concat();
    for arguments in [
        of_config(&["run", "--once"]),
        of_config(&["run"]),
        of_config(&["status"]),
        of_config(&["replay", "--last", "1h"]),
        vec!["check-config", "--online"],
    ] {
        let mut command = autoscale(stage.home.path());
        if is_root {
            // The limit does not hold for root.
            command = as_nobody_known(&mut command, &stage);
        }
        command.args(&arguments).arg(&stage.config);
        let mut limited = limited(&command, "ulimit -u 1");
        limited.env_clear().env("HOME", stage.home.path()).current_dir(stage.home.path());
        if is_root {
            limited.uid(UNKNOWN).gid(UNKNOWN);
        }
        let (code, text) = said(&limited.output().unwrap());
        assert!(matches!(code, Some(0..=3)), "{arguments:?}: {code:?} {text}");
        assert!(
            !text.contains("defect") && (arguments[0] != "run" || text.contains("thread")),
            "{arguments:?}: {text}"
        );
    }
}

#[test]
fn a_history_file_of_another_program_is_left_as_it_is() {
    let stage = stage("");
    let path = stage.home.path().join("hosts");
    add(&stage, &format!("history_file: {}", path.display()));
    for foreign in ["127.0.0.1 localhost\n::1 half a li", "127.0.0.1 localhost\n", "{\"a\":1}\n{\"a\":2"] {
        write(&path, foreign);
        for (code, text) in [check(&stage), said(&stage.run(&["--once"]).output().unwrap())] {
            assert_eq!(code, Some(2), "{text}");
            assert!(text.contains("its last line is not an event of autoscale"), "{text}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), foreign);
    }
    write(&path, "{\"v\":1,\"at\":17");
    let (code, text) = said(&stage.run(&["--once"]).output().unwrap());
    assert_eq!(code, Some(0), "the beginning of an event is removed: {text}");
    assert!(text.contains("the last line was cut off and is removed"), "{text}");
}

#[test]
fn two_instances_with_one_state_directory_and_two_homes_meet() {
    let stage = stage("");
    let state = stage.home.path().join("common");
    add(&stage, &format!("state_dir: {}", state.display()));
    let pid_file = stage.home.path().join("pid");
    let running = Running::start(&mut stage.run(&["--pid-file", pid_file.to_str().unwrap()]));
    wait_until("the first runs", || fs::read_to_string(&pid_file).is_ok_and(|text| text.ends_with('\n')));
    let other = tempfile::tempdir().unwrap();
    let second = autoscale(other.path()).args(["run", "--once", "--config"]).arg(&stage.config).output().unwrap();
    let (code, text) = said(&second);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains(&format!("another instance (pid {}) scales this app already", running.id())), "{text}");
    assert_eq!(running.end("-TERM").status.code(), Some(0));
}

/// As a user of whom this machine knows nothing, not even a home; only root can become one.
fn as_nobody_known(command: &mut Command, stage: &Stage) -> Command {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    let folder = stage.home.path();
    let program = folder.join("autoscale");
    // By another process: what this one writes may be held open by what another test begins meanwhile.
    assert!(Command::new("cp").arg(command.get_program()).arg(&program).status().unwrap().success());
    for path in [folder, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::chown(&stage.config, Some(UNKNOWN), Some(UNKNOWN)).unwrap();
    let mut unknown = Command::new(program);
    unknown.env_clear().current_dir(folder).uid(UNKNOWN).gid(UNKNOWN);
    unknown
}

#[test]
fn without_a_home_no_folder_of_everybodys_is_trusted() {
    use std::os::unix::fs::MetadataExt as _;
    let stage = stage("");
    let mut command = autoscale(stage.home.path());
    let is_root = fs::metadata(&stage.config).unwrap().uid() == 0;
    if is_root {
        command = as_nobody_known(&mut command, &stage);
    } else {
        let words = "left out: only root can become a user without a home; looked at with an empty HOME instead";
        writeln!(std::io::stderr(), "{words}").unwrap();
        command.env("HOME", "").env_remove("XDG_STATE_HOME");
    }
    let (stdout, stderr) = texts(&command.args(["status", "--json", "--config"]).arg(&stage.config).output().unwrap());
    let status: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    let file = Path::new(status["state_file"].as_str().unwrap());
    assert!(file.is_absolute() && !file.starts_with(std::env::temp_dir()), "{}", file.display());
    assert!(!is_root || file.starts_with("/var/lib/heroku-autoscale"), "{}", file.display());
}

#[test]
fn a_stray_date_or_an_endless_simulation_is_refused_before_it_costs_anything() {
    let stage = stage("");
    let (minutes, csv) = ((0..90).map(|minute| format!("{},600,up\n", 1_700_000_000 + 60 * minute)), "results.csv");
    write(&stage.home.path().join(csv), &(String::from("1400000000,600,up\n") + &minutes.collect::<String>()));
    let run = |arguments: &[&str]| said(&autoscale(stage.home.path()).args(arguments).output().unwrap());
    let (code, text) = run(&["replay", "--config", stage.config.to_str().unwrap(), "--samples", csv]);
    assert!(code == Some(1) && text.contains("is one of the times wrong?"), "{text}");
    let (code, text) = run(&["simulate", "--days", "1e9"]);
    assert!(code == Some(2) && text.contains("1000000000 days are too long: give at most 366"), "{text}");
}
