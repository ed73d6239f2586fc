//! What a service manager, or an init.d script, wants of a daemon: notices of its state, a watchdog, a pid file, a log
//! file, another user.

mod notifier;
mod privileges;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::logging::LogFormat;

pub(crate) use notifier::Notifier;

/// Flags for running as a service.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Service")]
#[group(id = "service")]
pub(crate) struct Args {
    /// Form of the log
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) log_format: LogFormat,

    /// Append the log to a file instead of stderr
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// Write the process id to a file, and remove it at the end
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,

    /// Become this user (name or number) after the log and pid files are open
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// Become this group (name or number) [default: the user's own]
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

impl Args {
    /// Writes the pid file and becomes another user, as asked. To be called while the process has one thread.
    pub(crate) fn become_service(&self) -> Result<Option<PidFile>, String> {
        let pid_file = match &self.pid_file {
            None => None,
            Some(path) => Some(PidFile::write(path).map_err(|error| format!("{}: {error}", path.display()))?),
        };
        privileges::become_user(self.user.as_deref(), self.group.as_deref())?;
        Ok(pid_file)
    }
}

/// A pid file of this process; removed when this is dropped, if it can be.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
}

impl PidFile {
    fn write(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::create(path)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // After a change of user the folder may be another's: then the file stays, and names a process that is gone.
        let _ = fs::remove_file(&self.path).or_else(|_| fs::write(&self.path, ""));
    }
}
