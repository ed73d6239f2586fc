//! The program under test with all that is around it: a home of its own, a bus, a desktop, a sandbox, an opener that
//! writes down what it is asked to open.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::bus::Bus;
use crate::desktop::Desktop;

/// How long anything may take on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A user's home on a machine, with a bus.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) bus: Bus,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let bus = Bus::start(folder.path());
        let home = Self { folder, bus };
        home.open_with("");
        home
    }

    /// What is opened is written down, then this is run.
    pub(crate) fn open_with(&self, script: &str) {
        let opener = self.path().join("bin/xdg-open");
        let opened = self.path().join("opened");
        std::fs::write(&opener, format!("#!/bin/sh\necho \"$1\" >>{}\n{script}\n", opened.display())).unwrap();
        std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Files that were opened, first to last.
    pub(crate) fn opened(&self) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(self.path().join("opened")).unwrap_or_default();
        text.lines().map(PathBuf::from).collect()
    }

    /// A configuration that points at a sandbox; `more` goes under `AUTOSCALE_SETTINGS`.
    pub(crate) fn config(&self, simulated: &Simulated, more: &str) -> PathBuf {
        let text = simulated.sandbox.info().config_text(simulated.speed);
        // The sandbox's app has had its dynos for half an hour: one too many goes at the first check.
        let more = format!(
            "history_file: {}\ncooldown_down_trial: 30\n{more}\n[SANDBOX]",
            self.path().join("history").display()
        );
        let path = self.path().join("shop.ini");
        std::fs::write(&path, text.replace("[SANDBOX]", &more)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The history's lines.
    pub(crate) fn history(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path().join("history")).unwrap_or_default();
        // The last line may be written just now.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Tray {
        self.start_with(arguments, |_| {})
    }

    pub(crate) fn start_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Tray {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_autoscale-tray"));
        command
            .args(arguments)
            .env("PATH", format!("{}:{path}", self.path().join("bin").display()))
            .env("HOME", self.path())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.address())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_STATE_HOME")
            .env_remove("STATE_DIRECTORY")
            .env_remove("AUTOSCALE_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let written = Arc::clone(&log);
        if let Some(stderr) = process.stderr.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    let mut log = written.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        Tray { process, log }
    }
}

/// The program on a desktop, with the configuration of an app in a sandbox.
pub(crate) struct Scene {
    pub(crate) home: Home,
    pub(crate) simulated: Simulated,
    pub(crate) desktop: Desktop,
    pub(crate) config: PathBuf,
    pub(crate) tray: Tray,
}

impl Scene {
    /// Started; `more` goes under `AUTOSCALE_SETTINGS`.
    pub(crate) fn start(load: &str, dynos: u32, speed: f64, more: &str) -> Self {
        let (home, simulated) = (Home::new(), Simulated::start(load, dynos, speed));
        let desktop = Desktop::start(&home.bus.address());
        let config = home.config(&simulated, more);
        let tray = home.start(&["--config", config.to_str().unwrap()]);
        Self { home, simulated, desktop, config, tray }
    }
}

/// The running program.
pub(crate) struct Tray {
    process: Child,
    log: Arc<Mutex<String>>,
}

impl Tray {
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "{text:?} is not in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// How it ends by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        wait_for("the end", || self.process.try_wait().unwrap())
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the tray's log:\n{}", self.log());
        }
    }
}

/// A sandbox in this process.
pub(crate) struct Simulated {
    runtime: Runtime,
    pub(crate) sandbox: Sandbox,
    pub(crate) speed: f64,
}

impl Simulated {
    pub(crate) fn start(load: &str, dynos: u32, speed: f64) -> Self {
        let load = Load::built_in(load).unwrap();
        let options = SandboxOptions { load, dynos, speed, app_name: "shop".into(), ..SandboxOptions::default() };
        Self::with(options)
    }

    pub(crate) fn with(options: SandboxOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let speed = options.speed;
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { runtime, sandbox, speed }
    }

    pub(crate) fn patches(&self) -> u64 {
        self.sandbox.report().patches_total
    }

    pub(crate) fn reads(&self) -> u64 {
        self.sandbox.report().reads
    }

    /// Waits until so many more checks have begun.
    pub(crate) fn wait_for_checks(&self, count: u64) {
        let before = self.reads();
        wait_for("checks", || (self.reads() >= before + count).then_some(()));
    }

    pub(crate) fn stop(self) {
        self.runtime.block_on(self.sandbox.stop());
    }
}
