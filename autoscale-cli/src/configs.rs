//! Which apps a command is about: the flags that name their configurations.

use std::path::PathBuf;

use autoscale_core::workspace::config_file::{Environment, LoadError, Loaded, load_each};

/// One or more configurations.
#[derive(Debug, clap::Args)]
pub(crate) struct Configs {
    /// A configuration; several for several apps [default: the first of the default places]
    #[arg(long, short, value_name = "FILE")]
    config: Vec<PathBuf>,

    /// A folder of configurations: every *.ini, one app each, and defaults.ini, whose values hold for all of them; several
    /// for several folders
    #[arg(long, value_name = "DIR")]
    config_dir: Vec<PathBuf>,
}

impl Configs {
    /// Loads them, with the environment of this process, each with its own result.
    pub(crate) fn load(&self, dry_run: bool) -> Vec<Result<Loaded, LoadError>> {
        load_each(&self.config, &self.config_dir, dry_run, &Environment::of_process())
    }
}
