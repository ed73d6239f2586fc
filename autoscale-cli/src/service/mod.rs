//! What a service manager, or an init.d script, wants of a daemon: notices of its state, a watchdog, a pid file, a log
//! file, another user.

mod notifier;
mod privileges;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use autoscale_core::workspace::log::LEVELS;
use autoscale_core::workspace::private::{for_all_to_read, for_its_owner};
use clap::builder::PossibleValuesParser;

use crate::logging::{LogFile, LogFormat};

pub(crate) use notifier::Notifier;
pub(crate) use privileges::Account;

/// Flags for running as a service.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Service")]
#[group(id = "service")]
pub(crate) struct Args {
    /// Form of the log
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) log_format: LogFormat,

    /// How much to log: `notice` is changes, failures and recoveries, `info` every check as well
    /// [default: AUTOSCALE_LOG, else info on a terminal, notice elsewhere]
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS))]
    pub(crate) log_level: Option<String>,

    /// Append the log to a file instead of stderr
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// Write the process id to a file once all apps run, and remove it at the end
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
    /// The account to become.
    pub(crate) fn account(&self) -> Result<Account, String> {
        Account::find(self.user.as_deref(), self.group.as_deref())
    }

    /// Opens the log file, if one is asked for.
    pub(crate) fn open_log(&self, account: &Account) -> Result<Option<LogFile>, String> {
        let open = |path: &PathBuf| {
            let opened = account.open(path, for_its_owner(OpenOptions::new().append(true)));
            let file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(LogFile::new(path.clone(), file))
        };
        self.log_file.as_ref().map(open).transpose()
    }

    /// Opens the pid file and becomes the account. To be called while the process has one thread.
    pub(crate) fn become_service(&self, account: Account) -> Result<Option<PidFile>, String> {
        let open =
            |path: &PathBuf| PidFile::open(path, &account).map_err(|error| format!("{}: {error}", path.display()));
        let pid_file = self.pid_file.as_ref().map(open).transpose()?;
        account.become_it()?;
        Ok(pid_file)
    }
}

/// A pid file of this process: says nothing until all runs, and is removed when this is dropped, if it can be.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl PidFile {
    /// Opens it, what it says unchanged: it may be that of another instance.
    fn open(path: &Path, account: &Account) -> io::Result<Self> {
        let file = account.open(path, for_all_to_read(OpenOptions::new().write(true).truncate(false)))?;
        Ok(Self { path: path.to_owned(), file, written: false })
    }

    /// All runs: says so.
    pub(crate) fn write(&mut self) {
        let written = self.file.set_len(0).and_then(|()| writeln!(self.file, "{}", std::process::id()));
        match written {
            Ok(()) => self.written = true,
            Err(error) => tracing::warn!("{}: {error}", self.path.display()),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let is_empty = self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if self.written || is_empty {
            // After a change of user the folder may be another's: then the file stays, and is empty.
            let _ = fs::remove_file(&self.path).or_else(|_| self.file.set_len(0));
        }
    }
}
