//! Somebody who does not read, or locks what he can read: the log, the events, the history. Checks and signals don't wait
//! for them. Judged by what reaches the sandbox meanwhile.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use autoscale_core::workspace::sandbox::SandboxOptions;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon, write_private};
use crate::service::Posts;

/// A second, and what a busy machine takes on top.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

fn run(site: &Site, config: &Path, more: &[&str]) -> Command {
    site.command(&[&["run", "--json", "--config", config.to_str().unwrap()], more].concat())
}

/// A pipe that has no room for a single byte.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    // SAFETY: a pipe that is open, here and below.
    let flags = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_GETFL) };
    let set = |flags: i32| assert_eq!(unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, flags) }, 0);
    set(flags | libc::O_NONBLOCK);
    while (&writer).write(&[b'\n'; 4096]).is_ok() {}
    while (&writer).write(b"\n").is_ok() {}
    set(flags);
    (reader, writer)
}

/// Ended when this is dropped.
struct Process(Child);

impl Process {
    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    fn stop(&mut self) {
        self.signal("-TERM");
        let since = Instant::now();
        let status = soon("the end", || self.0.try_wait().unwrap());
        assert!(since.elapsed() < STOPPED_WITHIN, "{:?}", since.elapsed());
        assert_eq!(status.code(), Some(0));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `run` for the app of a sandbox and a dozen that it does not know, each of which has a failed check to tell of every tenth of a
/// second.
fn run_a_dozen(site: &Site, settings: &str, more: &[&str]) -> Command {
    let folder = site.path("apps");
    fs::create_dir(&folder).unwrap();
    let text = site.config_text(settings);
    for n in 0..=12 {
        let name = if n == 0 { "shop".to_owned() } else { format!("stranger-{n}") };
        let own = text.replace("app_name: shop", &format!("app_name: {name}"));
        write_private(&folder.join(name + ".ini"), &own);
    }
    site.command(&[&["run", "--json", "--config-dir", folder.to_str().unwrap()], more].concat())
}

/// Waits for so many checks more, as the sandbox sees them.
fn further_checks(site: &Site, checks: u64) {
    let before = site.report().results_reads;
    soon("further checks", || (site.report().results_reads >= before + checks).then_some(()));
}

#[test]
fn a_lock_on_the_history_holds_up_neither_checks_nor_the_end_and_it_grows_all_the_same() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let history = site.path("history.jsonl");
    fs::write(&history, "").unwrap();
    let lock = File::options().read(true).open(&history).unwrap();
    lock.lock().unwrap();
    let config = site.configure(&format!("history_file: {}\n", history.display()));
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    let locked = format!(
        "history: {}: locked by another process: it still grows, but is not rotated until the lock is free",
        history.display()
    );
    daemon.says(&locked, 1);
    daemon.prints("checked", 5);
    lock.unlock().unwrap();
    daemon.says("no longer locked by another process", 1);
    lock.lock_shared().unwrap();
    daemon.says(&locked, 2);
    let since = Instant::now();
    assert_eq!(daemon.stop(), Some(0));
    assert!(since.elapsed() < STOPPED_WITHIN, "{:?}", since.elapsed());
    let kept = events(&fs::read(&history).unwrap());
    assert_eq!(kept, daemon.events(), "each event, in its order, to the last");
    assert_eq!(kept.last().unwrap()["event"], "stopped");
    assert!(
        daemon.log().contains("every user of this machine can read it, and lock it: chmod 600"),
        "{}",
        daemon.log()
    );
}

#[test]
fn events_that_nobody_reads_hold_up_neither_checks_nor_signals() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let config = site.configure("");
    let (_unread, stdout) = full_pipe();
    let log = site.path("log");
    let mut command = run(&site, &config, &["--log-file", log.to_str().unwrap()]);
    let mut process = Process(command.stdout(stdout).stderr(Stdio::null()).spawn().unwrap());
    let log = || fs::read_to_string(&log).unwrap_or_default();
    further_checks(&site, 6);
    process.signal("-HUP");
    soon("the reload", || log().contains("configuration reloaded").then_some(()));
    further_checks(&site, 6);
    process.stop();
    let log = log();
    let said = log.lines().last().unwrap();
    assert!(said.ends_with("events were lost: stdout was not read to the end"), "{log}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_neither_checks_nor_signals() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let config = site.configure("");
    let (_unread, stderr) = full_pipe();
    let stdout = File::create(site.path("events")).unwrap();
    let mut command = run(&site, &config, &[]);
    command.env("AUTOSCALE_LOG", "trace");
    let mut process = Process(command.stdout(stdout).stderr(stderr).spawn().unwrap());
    let told = |kind: &str| of_kind(&events(&fs::read(site.path("events")).unwrap()), kind).len();
    soon("a check", || (told("checked") > 0).then_some(()));
    process.signal("-HUP");
    soon("the reload", || (told("config_reloaded") == 1).then_some(()));
    further_checks(&site, 6);
    process.stop();
    assert_eq!(told("stopped"), 1);
}

#[test]
fn with_nobody_who_reads_anything_and_the_history_locked_it_scales_on_and_ends_in_time() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(20) });
    let history = site.path("history.jsonl");
    let lock = File::create_new(&history).unwrap();
    lock.lock().unwrap();
    let config = site.configure(&format!("max_dynos: 5\nhistory_file: {}\n", history.display()));
    let ((_unread, stdout), (_unread_either, stderr)) = (full_pipe(), full_pipe());
    let mut process = Process(run(&site, &config, &[]).stdout(stdout).stderr(stderr).spawn().unwrap());
    soon("all steps down", || (site.report().dynos == 5).then_some(()));
    further_checks(&site, 3);
    process.stop();
    assert_eq!(of_kind(&events(&fs::read(&history).unwrap()), "stopped").len(), 1);
}

#[test]
fn log_lines_that_were_lost_are_counted_and_said_once_somebody_reads_again() {
    let site = Site::start(SandboxOptions { speed: 600.0, ..quiet(2) });
    let (unread, stderr) = full_pipe();
    let mut command = run_a_dozen(&site, "", &["--log-format", "json"]);
    // Some lines for each request.
    command.env("AUTOSCALE_LOG", "debug").stdout(File::create(site.path("events")).unwrap()).stderr(stderr);
    let mut process = Process(command.spawn().unwrap());
    // Its own end of the pipe is still open here: else there would be no end to read to.
    drop(command);
    let told = || fs::read_to_string(site.path("events")).unwrap().lines().count();
    soon("many checks", || (told() > 600).then_some(()));
    let lines = std::thread::spawn(move || read(unread));
    let so_far = told();
    soon("more checks", || (told() > so_far + 30).then_some(()));
    process.stop();
    let lines = lines.join().unwrap();
    let said: Vec<_> = lines.iter().filter(|line| line.contains("were lost because stderr was not read")).collect();
    assert!(!said.is_empty(), "{} lines", lines.len());
    let said: serde_json::Value = serde_json::from_str(said[0]).unwrap();
    let count = said["message"].as_str().unwrap().split(' ').next().unwrap();
    assert!(said["level"] == "WARN" && count.parse::<u64>().unwrap() > 0, "{said}");
    for line in &lines {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "each line is whole: {line}");
    }
}

#[test]
fn events_that_were_lost_are_counted_and_said_once_somebody_reads_again() {
    let site = Site::start(SandboxOptions { speed: 600.0, ..quiet(2) });
    let (history, log) = (site.path("history.jsonl"), site.path("log"));
    let (unread, stdout) = full_pipe();
    let settings = format!("history_file: {}\n", history.display());
    let mut command = run_a_dozen(&site, &settings, &["--log-file", log.to_str().unwrap()]);
    command.stdout(stdout).stderr(Stdio::null());
    let mut process = Process(command.spawn().unwrap());
    drop(command);
    let log = || fs::read_to_string(&log).unwrap_or_default();
    soon("a loss", || log().contains("stdout is not read: events are lost until it is").then_some(()));
    let lines = std::thread::spawn(move || read(unread));
    soon("what was lost", || log().contains("lost because stdout was not read").then_some(()));
    process.stop();
    let printed = events(lines.join().unwrap().join("\n").as_bytes());
    let kept = events(&fs::read(&history).unwrap());
    let log = log();
    let said =
        log.lines().filter_map(|line| line.split_once(" lost because stdout was not read")?.0.rsplit(' ').nth(2));
    let lost: usize = said.map(|count| count.parse::<usize>().unwrap()).sum();
    assert!(lost > 0 && printed.len() + lost == kept.len(), "{} + {lost} = {}", printed.len(), kept.len());
    assert_eq!(printed.last().unwrap()["event"], "stopped");
}

/// All lines that a process has left in a full pipe, and those that it writes from now on.
fn read(pipe: PipeReader) -> Vec<String> {
    let lines = BufReader::new(pipe).lines().map_while(Result::ok);
    lines.filter(|line| !line.is_empty()).collect()
}

#[test]
fn what_it_writes_is_for_its_owner_and_the_state_for_its_group_whatever_the_umask_says() {
    for umask in ["000", "022"] {
        let site = Site::start(quiet(2));
        let posts = Posts::listen();
        let files = ["history.jsonl", "log", "pid"].map(|name| site.path(name));
        let config = site.configure(&format!("min_dynos: 3\nplot: True\nhistory_file: {}\n", files[0].display()));
        let text = fs::read_to_string(&config).unwrap();
        write_private(&config, &format!("{text}[NOTIFICATIONS]\nwebhook_url: {}/hook\n", posts.url));
        let more = ["--log-file", files[1].to_str().unwrap(), "--pid-file", files[2].to_str().unwrap()];
        let plain = run(&site, &config, &more);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(plain.get_program());
        command.args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut daemon = Daemon::start(command);
        daemon.prints("checked", 2);
        soon("the notice", || (!posts.texts().is_empty()).then_some(()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(files.each_ref().map(|path| mode(path)), [0o600, 0o600, 0o644], "umask {umask}");
        let mut kinds = Vec::new();
        let folder = site.path("state");
        assert_eq!(mode(&folder), 0o755, "{}", folder.display());
        for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_file() {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let kind = name.split_once('.').unwrap().1.to_owned();
                // `status` works for whoever is of the folder's group.
                let expected = if kind == "notices.json" { 0o600 } else { 0o640 };
                assert_eq!(mode(&file), expected, "{}", file.display());
                kinds.push(kind);
            }
        }
        kinds.sort();
        assert_eq!(kinds, ["json", "lock", "notices.json"]);
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn a_run_against_a_sandbox_leaves_no_lock_file() {
    let site = Site::start(quiet(2));
    let config = site.configure("");
    site.once(&config);
    let names = fs::read_dir(site.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let left: Vec<_> = names.filter(|path| path.extension().is_some_and(|extension| extension == "lock")).collect();
    assert!(left.is_empty() && !site.path("user/heroku-autoscale").exists(), "{left:?}");
}
