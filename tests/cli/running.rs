//! What the tests of running loops share: a sandbox in this process, a configuration that points at it in a folder of its
//! own, and the real binary with its log at hand. Judged by the sandbox's side: what reached it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use autoscale_core::workspace::sandbox::{Report, Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::LONG;

pub(crate) const AUTOSCALE: &str = env!("CARGO_BIN_EXE_autoscale");

/// A sandbox and a folder.
pub(crate) struct Site {
    _runtime: Runtime,
    pub(crate) sandbox: Sandbox,
    speed: f64,
    calm: &'static str,
    dir: TempDir,
}

/// Bounds that no result is outside of: the bounds of dynos are then all that there is to hold.
const CALM: &str = "response_time_low: 1\nresponse_time_high: 60000\nresponse_time_trend_low: -9999\n\
                    response_time_trend_high: 9999\n";

/// A quiet app, which is changed for the sake of its bounds only. A check each second, and 2 s for a request.
pub(crate) fn quiet(dynos: u32) -> SandboxOptions {
    SandboxOptions { load: Load::flat(2.0), dynos, speed: 60.0, app_name: "shop".into(), ..SandboxOptions::default() }
}

/// The same for what needs no clock: a check each minute, and 30 s for a request.
pub(crate) fn unhurried(dynos: u32) -> SandboxOptions {
    SandboxOptions { speed: 1.0, ..quiet(dynos) }
}

impl Site {
    pub(crate) fn start(options: SandboxOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (speed, calm) = (options.speed, if options.load == Load::flat(2.0) { CALM } else { "" });
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { _runtime: runtime, sandbox, speed, calm, dir: tempfile::tempdir().unwrap() }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The sandbox's configuration with more settings, which win; state and history are kept in the folder.
    pub(crate) fn config_text(&self, settings: &str) -> String {
        let text = self.sandbox.info().config_text(self.speed);
        let key = |line: &str| line.split_once(':').map(|(key, _)| key.to_owned());
        let given: Vec<_> = settings.lines().filter_map(key).collect();
        // What is given wins over what makes it calm, which wins over the sandbox's own.
        let calm: String =
            self.calm.lines().filter(|line| !given.contains(&key(line).unwrap())).flat_map(|l| [l, "\n"]).collect();
        let given: Vec<_> = given.into_iter().chain(calm.lines().filter_map(key)).collect();
        let kept = text.lines().filter(|line| key(line).is_none_or(|key| !given.contains(&key)));
        let text: String = kept.flat_map(|line| [line, "\n"]).collect();
        let settings = calm + settings;
        let state = self.path("state");
        let own =
            if settings.contains("state_dir:") { String::new() } else { format!("state_dir: {}\n", state.display()) };
        text.replace("[AUTOSCALE_SETTINGS]\n", &format!("[AUTOSCALE_SETTINGS]\n{own}{settings}\n"))
    }

    /// Writes a configuration of this sandbox.
    pub(crate) fn configure(&self, settings: &str) -> PathBuf {
        let path = self.path("shop.ini");
        write_private(&path, &self.config_text(settings));
        path
    }

    /// The binary with nothing of the tester's own surroundings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(self.dir(), arguments)
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `run --once --json`: its events.
    pub(crate) fn once(&self, config: &Path) -> Vec<Value> {
        let output = self.run(&["run", "--once", "--json", "--config", config.to_str().unwrap()]);
        events(&output.stdout)
    }

    pub(crate) fn report(&self) -> Report {
        self.sandbox.report()
    }

    /// The changes that were carried out: from, to.
    pub(crate) fn patches(&self) -> Vec<(u32, u32)> {
        self.report().patches.iter().map(|patch| (patch.from, patch.quantity)).collect()
    }
}

pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(AUTOSCALE);
    command.args(arguments).env_clear().env("HOME", home).env("XDG_STATE_HOME", home.join("user"));
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
    // Without it Windows opens no sockets.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command
}

pub(crate) fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Lines of JSON.
pub(crate) fn events(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The events of a kind.
pub(crate) fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

/// Waits for something to happen.
pub(crate) fn soon<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(since.elapsed() < LONG, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The binary, running; ended when this is dropped.
pub(crate) struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    stdout: Arc<Mutex<String>>,
    /// They end with the pipes.
    readers: Vec<JoinHandle<()>>,
}

impl Daemon {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (log, reader) = gather(child.stderr.take().unwrap());
        let (stdout, other) = gather(child.stdout.take().unwrap());
        Self { child, log, stdout, readers: vec![reader, other] }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far on stderr.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The events that it has printed so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.stdout.lock().unwrap().clone();
        events(text.as_bytes())
    }

    /// Waits until the log holds a text so many times.
    pub(crate) fn says(&self, text: &str, times: usize) {
        soon(&format!("{text:?} in {:?}", self.log()), || (self.log().matches(text).count() >= times).then_some(()));
    }

    /// Waits until it has printed so many events of a kind.
    pub(crate) fn prints(&self, kind: &str, times: usize) {
        soon(&format!("{times} {kind} in {}", self.log()), || {
            (of_kind(&self.events(), kind).len() >= times).then_some(())
        });
    }

    /// Sends a signal, as `kill` knows it.
    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let status = soon("the end", || self.child.try_wait().unwrap());
        self.read_to_the_end();
        status
    }

    /// Stops it: the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.ended().code()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.read_to_the_end();
    }

    /// What it said last may still be on its way through the pipes.
    fn read_to_the_end(&mut self) {
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on a thread of its own, line by line: half a line is not shown.
fn gather(from: impl std::io::Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&text);
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut text = shared.lock().unwrap();
            text.push_str(&line);
            text.push('\n');
        }
    });
    (text, reader)
}
