//! What several topics need: a sandbox in this process, and the program beside it with a home of its own; a terminal; a
//! server that answers as a script says.

#[cfg(unix)]
#[path = "../../core/support/postgres.rs"]
#[allow(dead_code)]
pub(crate) mod postgres;
#[cfg(unix)]
pub(crate) mod pty;
#[path = "../../core/support/scripted.rs"]
#[allow(dead_code, unreachable_pub)]
pub(crate) mod scripted;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use autoscale_core::workspace::sandbox::{Report, Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

/// A sandbox, a runtime that it lives on, and a home for the program, with a configuration that points at the sandbox.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) runtime: Runtime,
    pub(crate) home: tempfile::TempDir,
    pub(crate) config: PathBuf,
}

impl Stage {
    /// `settings` are further lines of the configuration, its sections included.
    pub(crate) fn new(options: SandboxOptions, settings: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let speed = options.speed;
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.ini");
        write(&config, &format!("{}{settings}\n", sandbox.info().config_text(speed)));
        Self { sandbox, runtime, home, config }
    }

    /// `autoscale run --config …`, with more arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Command {
        let mut command = autoscale(self.home.path());
        command.arg("run").arg("--config").arg(&self.config).args(arguments);
        command
    }

    pub(crate) fn report(&self) -> Report {
        self.sandbox.report()
    }
}

/// The program, with a home of its own, and deaf to the settings of whoever runs the tests.
pub(crate) fn autoscale(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autoscale"));
    command.stdin(Stdio::null()).current_dir(home).env("HOME", home).env("TMPDIR", home);
    command.env("XDG_CONFIG_HOME", home.join("config")).env("XDG_STATE_HOME", home.join("state"));
    for name in [
        "HEROKU_API_KEY",
        "PINGDOM_API_TOKEN",
        "CREDENTIALS_DIRECTORY",
        "STATE_DIRECTORY",
        "AUTOSCALE_STATE_URL",
        "DYNO",
    ] {
        command.env_remove(name);
    }
    for name in ["NOTIFY_SOCKET", "AUTOSCALE_LOG", "CLICOLOR_FORCE", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// Writes a file that nobody else may read.
pub(crate) fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// stdout and stderr as texts.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// A process that is killed when a test ends before it does.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Starts it; what it writes is kept for [`Running::end`].
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Sends a signal, and waits for the end: what came of it.
    #[cfg(unix)]
    pub(crate) fn end(mut self, signal: &str) -> Output {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Longer than anything takes on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    crate::running::soon(what, || so().then_some(()));
}
