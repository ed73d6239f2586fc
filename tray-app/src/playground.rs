//! "Try the sandbox": a simulated app in this process, with a configuration that points at it, in a folder that goes when
//! it is left.

use std::time::Duration;

use autoscale_core::workspace::config_file::{self, Loaded};
use autoscale_core::workspace::replacing::replace;
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use tempfile::TempDir;

/// Virtual seconds in a second: a check each second.
const SPEED: f64 = 60.0;

/// A running sandbox and its folder.
pub(crate) struct Playground {
    sandbox: Sandbox,
    _folder: TempDir,
}

impl Playground {
    /// Starts one; says what could not be done.
    pub(crate) async fn open() -> Result<(Self, Loaded), String> {
        let load = Load::built_in("flash-crowd").ok_or("no load called flash-crowd")?;
        let options = SandboxOptions {
            load,
            speed: SPEED,
            app_name: "sandbox-shop".into(),
            history: Duration::from_secs(31 * 60),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).await.map_err(|error| error.to_string())?;
        let folder = tempfile::Builder::new().prefix("autoscale-sandbox-").tempdir().map_err(|e| e.to_string())?;
        let path = folder.path().join("sandbox.ini");
        // In the file, since a reload takes what is there.
        let state_dir = folder.path().display().to_string();
        let text = sandbox.info().config_text_with(SPEED, &[("state_dir", &state_dir)]);
        replace(&path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))?;
        let loaded = config_file::load(&path, false).map_err(|error| error.to_string())?;
        Ok((Self { sandbox, _folder: folder }, loaded))
    }

    /// Ends it.
    pub(crate) async fn close(self) {
        self.sandbox.stop().await;
    }
}
