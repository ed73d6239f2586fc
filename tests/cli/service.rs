//! The daemon among its surroundings: signals, service manager, init.d, files, another user, webhook, graphs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use autoscale_core::workspace::sandbox::{Faults, SandboxOptions};
use serde_json::Value;

use crate::running::{Daemon, Site, events, of_kind, quiet, soon, unhurried, write_private};
#[cfg(target_os = "linux")]
use crate::support::LONG;

/// A web server that takes whatever is posted.
pub(crate) struct Posts {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Posts {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                seen.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                let _ = write!(reader.get_mut(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        });
        Self { url, bodies }
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.bodies.lock().unwrap().iter().map(|body| body["text"].as_str().unwrap().to_owned()).collect()
    }
}

fn run(site: &Site, config: &Path, more: &[&str]) -> Command {
    site.command(&[&["run", "--json", "--config", config.to_str().unwrap()], more].concat())
}

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../autoscale-core/schema/event.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

#[test]
fn three_apps_one_of_which_hangs_and_the_others_do_not_wait_for_it() {
    let app = |name: &str, speed: f64| SandboxOptions { app_name: name.into(), speed, ..quiet(2) };
    // Two check each second. The third, on a clock of its own, waits for its first answer meanwhile.
    let sites = [Site::start(app("app-a", 60.0)), Site::start(app("app-b", 60.0)), Site::start(app("app-c", 1.0))];
    sites[2].sandbox.set_faults(&"all:timeout".parse().unwrap());
    let folder = sites[0].path("conf.d");
    std::fs::create_dir(&folder).unwrap();
    for (site, name) in sites.iter().zip(["a.ini", "b.ini", "c.ini"]) {
        write_private(&folder.join(name), &site.config_text(""));
    }
    let mut daemon = Daemon::start(sites[0].command(&["run", "--json", "--config-dir", folder.to_str().unwrap()]));
    let checks = |app: &str| {
        let of_app = |event: &&Value| event["app"] == app;
        let all = daemon.events();
        (
            of_kind(&all, "checked").into_iter().filter(of_app).count(),
            of_kind(&all, "check_failed").into_iter().filter(of_app).count(),
        )
    };
    soon("a request that hangs", || (sites[2].report().faults > 0).then_some(()));
    soon("checks of the others", || (checks("app-a").0 >= 5 && checks("app-b").0 >= 5).then_some(()));
    // Where they waited for it, it would have failed as often.
    let hung = checks("app-c");
    assert!(hung.0 == 0 && hung.1 <= 2, "{hung:?}");
    assert_eq!(daemon.stop(), Some(0));
}

#[cfg(unix)]
#[test]
fn hup_with_a_broken_file_keeps_the_old_one_and_with_a_good_one_the_next_check_uses_it() {
    let site = Site::start(quiet(2));
    let config = site.configure("min_dynos: 2\n");
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 1);
    site.configure("min_dynos: 0\nresponse_time_low: 90000\n");
    daemon.signal("-HUP");
    daemon.prints("config_refused", 1);
    let count = of_kind(&daemon.events(), "checked").len();
    daemon.prints("checked", count + 1);
    let all = daemon.events();
    let problems = of_kind(&all, "config_refused")[0]["problems"].to_string();
    assert!(problems.contains("shop.ini:") && problems.contains("min_dynos") && problems.contains("response_time_low"));
    assert!(daemon.log().contains("new configuration refused, the old one stays: "), "{}", daemon.log());
    assert_eq!(of_kind(&all, "checked").last().unwrap()["min"], 2, "the old one");
    assert_eq!(site.report().dynos, 2);

    site.configure("min_dynos: 3\n");
    daemon.signal("-HUP");
    daemon.prints("config_reloaded", 1);
    let next = soon("a check after the reload", || {
        let all = daemon.events();
        let reloaded = all.iter().position(|event| event["event"] == "config_reloaded").unwrap();
        of_kind(&all[reloaded..], "checked").first().copied().cloned()
    });
    assert_eq!((&next["min"], &next["applied"]), (&3.into(), &3.into()));
    assert_eq!(site.patches(), [(2, 3)]);
    assert_eq!(daemon.stop(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_reload_tells_each_warning_by_itself_and_names_a_key_that_needs_a_restart() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("started", 1);
    site.configure("max_dyno: 3\nmax_dynos: 101\n");
    daemon.signal("-HUP");
    daemon.says("is above 100", 1);
    let log = daemon.log();
    let told = |text: &str| log.lines().filter(|line| line.contains(text)).collect::<Vec<_>>();
    assert!(
        matches!(*told("configuration reloaded"), [line] if line.ends_with("shop web: configuration reloaded")),
        "{log}"
    );
    for warning in ["[AUTOSCALE_SETTINGS] max_dyno: unknown key", "[AUTOSCALE_SETTINGS] max_dynos: 101 is above 100"] {
        assert!(matches!(*told(warning), [line] if line.contains(" WARN ") && line.contains("shop.ini:")), "{log}");
    }

    let other = site.path("other");
    site.configure(&format!("state_dir: {}\n", other.display()));
    let text = std::fs::read_to_string(&config).unwrap();
    let line = 1 + text.lines().position(|line| line.starts_with("state_dir: ")).unwrap();
    daemon.signal("-HUP");
    daemon.prints("config_refused", 1);
    let old = site.path("state");
    assert_eq!(
        of_kind(&daemon.events(), "config_refused")[0]["problems"],
        serde_json::json!([format!(
            "{}:{line}: [AUTOSCALE_SETTINGS] state_dir: {} instead of {} needs a restart",
            config.display(),
            other.display(),
            old.display()
        )])
    );
    assert_eq!(daemon.stop(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_stop_waits_for_no_answer() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    site.sandbox.set_faults(&"all:timeout".parse().unwrap());
    for signal in ["-TERM", "-INT"] {
        let before = site.report().faults;
        let mut daemon = Daemon::start(run(&site, &config, &[]));
        soon("a request that hangs", || (site.report().faults > before).then_some(()));
        daemon.signal(signal);
        assert_eq!(daemon.ended().code(), Some(0));
        // In between would stand the check that failed after 30 s of waiting.
        let kinds: Vec<_> = daemon.events().iter().map(|event| event["event"].clone()).collect();
        assert_eq!(kinds, ["started", "stopped"]);
    }
}

/// A service manager's socket.
#[cfg(target_os = "linux")]
struct Notify(std::os::unix::net::UnixDatagram);

#[cfg(target_os = "linux")]
impl Notify {
    fn bind(path: &Path) -> Self {
        let socket = std::os::unix::net::UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self(socket)
    }

    /// Waits for a message with this in it, others passed over.
    fn hears(&self, text: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let length = self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("no {text}: {error}"));
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if message.contains(text) {
                return message;
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_service_manager_is_told_of_everything_that_it_waits_for() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let notify = Notify::bind(&site.path("notify"));
    let mut command = run(&site, &config, &[]);
    command.env("NOTIFY_SOCKET", site.path("notify")).env("WATCHDOG_USEC", "300000");
    let mut daemon = Daemon::start(command);
    notify.hears("READY=1");
    notify.hears("WATCHDOG=1");
    daemon.signal("-HUP");
    assert!(notify.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    notify.hears("READY=1");
    daemon.prints("config_reloaded", 1);
    notify.hears("WATCHDOG=1");
    daemon.signal("-TERM");
    notify.hears("STOPPING=1");
    assert_eq!(daemon.ended().code(), Some(0));
}

/// The words of a unit's line, the installed paths replaced.
#[cfg(target_os = "linux")]
fn words_of(unit: &str, key: &str, replace: &[(&str, &str)]) -> Vec<String> {
    let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
    let line = replace.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
    line.split_whitespace().map(str::to_owned).collect()
}

/// A configuration without keys, as the units want it, and the keys beside it.
#[cfg(target_os = "linux")]
fn without_keys(site: &Site, settings: &str) -> (String, PathBuf) {
    let text = site.config_text(settings);
    let text: String =
        text.lines().filter(|line| !line.starts_with("api_key:")).flat_map(|line| [line, "\n"]).collect();
    let text = text.replace(&format!("state_dir: {}\n", site.path("state").display()), "");
    let credentials = site.path("credentials");
    std::fs::create_dir_all(&credentials).unwrap();
    let info = site.sandbox.info();
    // With the line's end that editors leave.
    write_private(&credentials.join("heroku_api_key"), &format!("{}\n", info.heroku_api_key));
    write_private(&credentials.join("pingdom_api_token"), &format!("{}\n", info.pingdom_api_key));
    (text, credentials)
}

#[cfg(target_os = "linux")]
#[test]
fn both_units_start_it_by_their_own_lines() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    for unit in ["autoscale.service", "autoscale@.service"] {
        let site = Site::start(unhurried(2));
        let (text, credentials) = without_keys(&site, "min_dynos: 3\n");
        let etc = site.path("etc");
        std::fs::create_dir_all(etc.join("shop.d")).unwrap();
        let (one, of_folder) = (etc.join("config.ini"), etc.join("shop.d/shop.ini"));
        write_private(&one, &text);
        write_private(&of_folder, &text);
        let unit = std::fs::read_to_string(units.join(unit)).unwrap();
        let paths = [
            ("/usr/local/bin/autoscale", crate::running::AUTOSCALE),
            ("/etc/heroku-autoscale", etc.to_str().unwrap()),
            ("%i", "shop"),
        ];
        let words = words_of(&unit, "ExecStart", &paths);
        let state = site.path("var");
        let notify = Notify::bind(&site.path("notify"));
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            // As under DynamicUser=: no home that could be written to.
            .env("HOME", "/dev/null")
            .env("STATE_DIRECTORY", &state)
            .env("CREDENTIALS_DIRECTORY", &credentials)
            .env("NOTIFY_SOCKET", site.path("notify"))
            .env("WATCHDOG_USEC", "120000000");
        let mut daemon = Daemon::start(command);
        notify.hears("READY=1");
        daemon.says("2 → 3", 1);
        let pid = daemon.pid().to_string();
        let reload = words_of(&unit, "ExecReload", &[("$MAINPID", &pid)]);
        assert!(Command::new(&reload[0]).args(&reload[1..]).status().unwrap().success());
        daemon.says("configuration reloaded", 1);
        // A draft of the state file may be there for a moment.
        let names = || {
            let all = std::fs::read_dir(&state).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
            all.filter(|name| !name.starts_with('.')).collect::<Vec<_>>()
        };
        assert_eq!(names().len(), 2, "state and lock: {:?}", names());
        assert_eq!(daemon.stop(), Some(0));
        assert_eq!(site.patches(), [(2, 3)]);
        let log = daemon.log();
        assert!(
            !log.contains("can't be kept") && !log.contains("no lock"),
            "state and lock are where the unit lets them be: {log}"
        );
        assert_eq!(names().len(), 1, "state; a sandbox's lock goes with the run: {:?}", names());
        // The keys are in the configuration, and the unit's blank credentials stand for "not given here".
        write_private(&credentials.join("heroku_api_key"), "\n");
        write_private(&credentials.join("pingdom_api_token"), "\n");
        let with_keys = site.config_text("min_dynos: 3\n");
        write_private(&one, &with_keys);
        write_private(&of_folder, &with_keys);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("--once").env_clear().env("HOME", site.dir());
        command.env("STATE_DIRECTORY", &state).env("CREDENTIALS_DIRECTORY", &credentials);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn both_kubernetes_objects_start_it_by_their_own_arguments() {
    let site = Site::start(unhurried(2));
    let (text, _) = without_keys(&site, "min_dynos: 3\n");
    let config = site.path("config.ini");
    write_private(&config, &text);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes");
    for object in ["deployment.yaml", "cronjob.yaml"] {
        let yaml = std::fs::read_to_string(folder.join(object)).unwrap();
        let args = yaml.lines().find_map(|line| line.trim().strip_prefix("args: [")?.strip_suffix(']')).unwrap();
        let args = args.replace("/etc/heroku-autoscale/config.ini", config.to_str().unwrap());
        let args: Vec<_> = args.split(", ").collect();
        let mut command = site.command(&args);
        let info = site.sandbox.info();
        command.env("HEROKU_API_KEY", &info.heroku_api_key).env("PINGDOM_API_TOKEN", &info.pingdom_api_key);
        // A root that is read-only, but for the volume.
        command.env("HOME", "/dev/null").env_remove("XDG_STATE_HOME").env("STATE_DIRECTORY", site.path("volume"));
        let mut daemon = Daemon::start(command);
        let once = args.contains(&"--once");
        if !once {
            daemon.says("2 → 3", 1);
            daemon.signal("-TERM");
        }
        assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
        for line in daemon.log().lines() {
            assert!(serde_json::from_str::<Value>(line).unwrap()["message"].is_string(), "{line}");
        }
        // And the probe that its users would write.
        let mut status = site.command(&["status", "--config", config.to_str().unwrap()]);
        status.env("HEROKU_API_KEY", &info.heroku_api_key).env("PINGDOM_API_TOKEN", &info.pingdom_api_key);
        status.env("STATE_DIRECTORY", site.path("volume"));
        assert_eq!(status.output().unwrap().status.code(), Some(0));
    }
    // The sample in the ConfigMap is a configuration.
    let yaml = std::fs::read_to_string(folder.join("deployment.yaml")).unwrap();
    let sample = yaml.split("config.ini: |\n").nth(1).unwrap().split("---").next().unwrap();
    write_private(&config, &sample.replace("\n    ", "\n").trim_start().replace("    ", ""));
    let output = site.run(&["check-config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}

#[cfg(unix)]
#[test]
fn pid_file_and_log_file_tell_of_the_loop_that_runs_and_of_no_other() {
    let site = Site::start(unhurried(2));
    let config = site.configure("");
    let (pid, log) = (site.path("a.pid"), site.path("a.log"));
    let files = ["--pid-file", pid.to_str().unwrap(), "--log-file", log.to_str().unwrap(), "--log-format", "json"];
    let mut daemon = Daemon::start(run(&site, &config, &files));
    let text = soon("the pid file", || std::fs::read_to_string(&pid).ok().filter(|text| !text.is_empty()));
    assert_eq!(text, format!("{}\n", daemon.pid()));
    let second = run(&site, &config, &files).output().unwrap();
    assert_eq!(second.status.code(), Some(4));
    let why = format!("another instance (pid {}) scales this app already", daemon.pid());
    assert!(String::from_utf8_lossy(&second.stderr).contains(&why), "{second:?}");
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), text, "the second one leaves it alone");
    daemon.prints("checked", 1);
    assert_eq!(daemon.stop(), Some(0));
    assert!(!pid.exists());
    assert_eq!(daemon.log(), "");
    let lines = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |text: &str| lines.iter().any(|line| line["message"].as_str().unwrap().contains(text));
    assert!(told("shop web: started") && told("shop web: stopped"), "{lines:?}");
    assert!(told(&why), "the second one says it in the log as well: {lines:?}");
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()));

    write_private(&config, "[HEROKU_INFOS]\n");
    assert_eq!(run(&site, &config, &files).output().unwrap().status.code(), Some(2));
    assert!(!pid.exists(), "one that never ran leaves none");
    let last = std::fs::read_to_string(&log).unwrap().lines().last().map(str::to_owned).unwrap();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(
        last["level"] == "ERROR" && last["message"].as_str().unwrap().contains("[HEROKU_INFOS] app_name: not given")
    );
}

/// Says what could not be tested here, where `make test` tells it at its end.
#[cfg(target_os = "linux")]
fn left_out(what: &str) {
    let mut file: Box<dyn std::io::Write> = match std::env::var_os("LEFT_OUT") {
        Some(path) => Box::new(std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap()),
        None => Box::new(std::io::stderr()),
    };
    writeln!(file, "{what}").unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn it_becomes_another_user_after_its_files_are_open() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ids = |status: &str, what: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    if ids(&status, "Uid:")[1] != "0" {
        left_out("--user and --group: only root can use them");
        return;
    }
    let site = Site::start(unhurried(2));
    let (text, _) = without_keys(&site, "");
    let info = site.sandbox.info();
    let config = site.path("config.ini");
    std::fs::write(&config, text).unwrap();
    for (folder, mode) in [(site.dir(), 0o711), (&site.path("var"), 0o777)] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (log, pid) = (site.path("a.log"), site.path("a.pid"));
    let more = ["--user", "nobody", "--group", "65534", "--log-file", log.to_str().unwrap(), "--pid-file"];
    let mut command = run(&site, &config, &[&more[..], &[pid.to_str().unwrap()]].concat());
    command.env("HEROKU_API_KEY", &info.heroku_api_key).env("PINGDOM_API_TOKEN", &info.pingdom_api_key);
    command.env_remove("XDG_STATE_HOME").env("STATE_DIRECTORY", site.path("var"));
    let mut daemon = Daemon::start(command);
    daemon.prints("checked", 1);
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    assert_eq!(ids(&status, "Uid:"), ["65534"; 4]);
    assert_eq!(ids(&status, "Gid:"), ["65534"; 4]);
    assert!(ids(&status, "Groups:").iter().all(|group| group == "65534"), "root's groups are gone");
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), format!("{}\n", daemon.pid()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(std::fs::read_to_string(&pid).unwrap(), "", "its folder is root's: emptied instead");
    assert!(std::fs::read_to_string(&log).unwrap().contains("stopped"));
    assert_eq!(std::fs::metadata(&log).unwrap().uid(), 65534, "so that it can be rotated");

    // Whoever the account is, it may have put a link to what is root's in the place of its log.
    let (link, target) = (site.path("link.log"), site.path("target"));
    std::fs::write(&target, "root's").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let output = run(&site, &config, &["--user", "nobody", "--log-file", link.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("link.log: a symbolic link"));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "root's");

    let output = run(&site, &config, &["--user", "no-such-user-here"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--user no-such-user-here: no such user"));
}

#[cfg(unix)]
#[test]
fn a_log_that_nobody_reads_any_more_does_not_end_the_loop() {
    use std::io::Read as _;
    use std::process::Stdio;

    let site = Site::start(quiet(2));
    let config = site.configure("");
    let mut command = run(&site, &config, &[]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_exact(&mut [0]).unwrap();
    drop(stderr);
    let reads = site.report().reads;
    soon("further checks", || (site.report().reads > reads + 2).then_some(()));
    assert_eq!(child.try_wait().unwrap(), None);
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_history_holds_every_event_and_all_are_as_the_schema_says() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let history = site.path("deep/history.jsonl");
    let config = site.configure(&format!("min_dynos: 4\nhistory_file: {}\n", history.display()));
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 2);
    site.sandbox.set_faults(&"pingdom:404".parse().unwrap());
    daemon.prints("check_failed", 2);
    site.sandbox.set_faults(&Faults::default());
    daemon.prints("recovered", 1);
    #[cfg(unix)]
    {
        let good = std::fs::read_to_string(&config).unwrap();
        daemon.signal("-HUP");
        daemon.prints("config_reloaded", 1);
        write_private(&config, "nonsense");
        daemon.signal("-HUP");
        daemon.prints("config_refused", 1);
        write_private(&config, &good);
        assert_eq!(daemon.stop(), Some(0));
    }
    drop(daemon);
    let lines = events(&std::fs::read(&history).unwrap());
    let schema = schema();
    for line in &lines {
        assert!(
            schema.is_valid(line),
            "{line}: {:?}",
            schema.iter_errors(line).map(|e| e.to_string()).collect::<Vec<_>>()
        );
    }
    let kinds = ["started", "checked", "check_failed", "recovered"];
    let more = ["config_reloaded", "config_refused", "stopped"];
    for kind in kinds.iter().chain(if cfg!(unix) { &more[..] } else { &[] }) {
        assert!(!of_kind(&lines, kind).is_empty(), "{kind}");
    }
    assert!(!schema.is_valid(&serde_json::json!({"v": 1, "at": 1, "app": "a", "process": "web", "event": "checked"})));
    let mut crashed = serde_json::json!({
        "v": 1, "at": 1, "app": "a", "process": "web",
        "event": "crashed", "error": "one is 1", "in_a_row": 1, "restart_in_s": 5.0,
    });
    assert!(schema.is_valid(&crashed));
    let read: autoscale_core::workspace::event::Event = serde_json::from_value(crashed.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), crashed, "no test can make one happen here");
    crashed["in_a_row"] = 0.into();
    assert!(!schema.is_valid(&crashed));
}

#[test]
fn every_golden_event_is_as_the_schema_says() {
    let schema = schema();
    let golden = include_str!("../fixtures/golden/events.txt").lines().filter(|line| line.starts_with('{'));
    let mut with_traffic = 0;
    for line in golden {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let errors: Vec<_> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
        with_traffic += usize::from(event.get("traffic").is_some());
    }
    assert!(with_traffic > 0);
    let first = include_str!("../fixtures/golden/events.txt").lines().next().unwrap();
    let mut event: serde_json::Value = serde_json::from_str(first).unwrap();
    let traffic = |rows: serde_json::Value| serde_json::json!({"requests_per_s": 1, "p50": 20, "p95": null, "p99": null, "errors": 0, "rows": rows});
    event["traffic"] = traffic(serde_json::json!([[0, 60, 1, 0, 0, 0, 0, []]]));
    assert!(!schema.is_valid(&event), "rows are of ten seconds");
    event["traffic"] = traffic(serde_json::json!([[0, 10, 1, 0, 0, 0, 0, [1]]]));
    assert!(schema.is_valid(&event));
}

#[test]
fn a_graph_a_check_is_kept_the_oldest_go_and_the_latest_is_whole() {
    let site = Site::start(SandboxOptions { speed: 300.0, ..quiet(2) });
    let config = site.configure("plot: True\ngraphs_keep: 3\nmin_dynos: 3\n");
    let graphs = site.path("state/graphs");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&graphs).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let png = |bytes: &[u8]| bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82");
    site.once(&config);
    assert_eq!(names().len(), 2, "one check, one graph and the latest: {:?}", names());
    let first = names().into_iter().find(|name| name.starts_with("shop_web_")).unwrap();
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 8);
    soon("the oldest to go", || (!names().contains(&first)).then_some(()));
    // Whoever looks meanwhile sees a whole one.
    assert!(png(&std::fs::read(graphs.join("latest.png")).unwrap()));
    #[cfg(unix)]
    assert_eq!(daemon.stop(), Some(0));
    daemon.kill();
    // The last one may have been cut off, as it does not wait for long when it is told to stop. This one waits.
    site.once(&config);
    let (kept, others): (Vec<_>, Vec<_>) = names().into_iter().partition(|name| name.starts_with("shop_web_"));
    assert_eq!((kept.len(), others), (3, vec!["latest.png".to_owned()]), "{kept:?}");
    let newest = kept.iter().max().unwrap();
    let latest = std::fs::read(graphs.join("latest.png")).unwrap();
    assert!(png(&latest) && latest == std::fs::read(graphs.join(newest)).unwrap());
}

#[test]
fn notices_reach_the_webhook_also_those_of_the_last_moment() {
    let site = Site::start(unhurried(2));
    let posts = Posts::listen();
    let config = site.configure("min_dynos: 4\n");
    let text = std::fs::read_to_string(&config).unwrap();
    write_private(&config, &format!("{text}[NOTIFICATIONS]\nwebhook_url: {}/hook?key=never-shown\n", posts.url));
    let output = run(&site, &config, &["--once"]).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    let texts = posts.texts();
    assert!(texts.len() == 1 && texts[0].starts_with("shop web: 2 → 4 dynos: "), "{texts:?}");
    let event = posts.bodies.lock().unwrap()[0]["event"].clone();
    assert!(schema().is_valid(&event), "{event}");
    assert!(!log.contains("never-shown"), "{log}");

    // And one that is on its way when the loop is told to stop.
    #[cfg(unix)]
    {
        site.sandbox.scale_by_hand(2);
        let mut daemon = Daemon::start(run(&site, &config, &[]));
        daemon.prints("checked", 1);
        assert_eq!(daemon.stop(), Some(0));
        // It does not wait for long, and says so.
        let dropped = daemon.log().contains("the webhook did not take all notices in time; the rest is dropped");
        let texts = posts.texts();
        assert!(
            dropped || texts.len() == 2 && texts[1].starts_with("shop web: somebody else set 2 dynos: "),
            "{texts:?}"
        );
    }
}
