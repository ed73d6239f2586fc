//! Where an app's files are, when its configuration says so and when it does not: names and folders alone. The one file
//! of `config` that reads the environment; never opens, makes or looks for a file.

use std::fmt::Write as _;
#[cfg(feature = "loop")]
use std::path::PathBuf;

use crate::config::Config;

/// Where the shipped units, the init.d script and the container keep state.
pub const SERVICE_DIR: &str = "/var/lib/heroku-autoscale";

/// Name of the program's folders.
#[cfg(feature = "loop")]
const FOLDER: &str = "heroku-autoscale";

/// The folder for state when the configuration names none: `$STATE_DIRECTORY` (systemd's, the first where it lists
/// several), else the platform's place for a user's state.
#[cfg(feature = "loop")]
pub fn default_dir() -> PathBuf {
    let systemd = std::env::var_os("STATE_DIRECTORY").and_then(|all| std::env::split_paths(&all).next());
    systemd.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(user_dir)
}

/// The platform's place for a user's state. Locks are always there, whatever a configuration says, so that two instances
/// of one user meet. Somebody without a home has that of the service: a folder in `/tmp` could be anybody's.
#[cfg(feature = "loop")]
pub fn user_dir() -> PathBuf {
    use etcetera::BaseStrategy;
    let dirs = etcetera::choose_base_strategy().ok();
    let dir = dirs.map(|dirs| dirs.state_dir().unwrap_or_else(|| dirs.data_dir()).join(FOLDER));
    dir.filter(|dir| dir.is_absolute()).unwrap_or_else(|| SERVICE_DIR.into())
}

/// The state directory of a configuration.
#[cfg(feature = "loop")]
pub fn state_dir(config: &Config) -> PathBuf {
    config.state_dir.clone().unwrap_or_else(default_dir)
}

/// The name of an app's files, without an extension: app, process type, and a short hash of the platform's address.
pub fn file_stem(config: &Config) -> String {
    let mut stem = format!("{}_{}_", config.heroku.app_name, config.heroku.process_type);
    // FNV-1a: the name only has to be the same tomorrow, and to differ between two addresses.
    let hash = config.heroku.api_url.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let _ = write!(stem, "{hash:08x}");
    stem
}

/// The file that remembers which notices were sent for an app, so that a new process does not repeat them.
#[cfg(feature = "loop")]
pub fn notices_file(config: &Config) -> PathBuf {
    state_dir(config).join(file_stem(config) + ".notices.json")
}

/// The folder where what an operator asks of the app waits, below a folder for state.
#[cfg(feature = "loop")]
pub fn commands_folder(state_dir: &std::path::Path, config: &Config) -> PathBuf {
    state_dir.join(file_stem(config) + ".commands")
}

/// Does it run on a dyno of Heroku's?
pub fn on_heroku() -> bool {
    std::env::var_os("DYNO").is_some_and(|dyno| !dyno.is_empty())
}

/// The folder for graphs of a configuration.
#[cfg(feature = "loop")]
pub fn graphs_folder(config: &Config) -> PathBuf {
    config.graphs_folder.clone().unwrap_or_else(|| state_dir(config).join("graphs"))
}
