//! What outlives the process: one small file per app, replaced atomically. Never reads or changes what a ledger means.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::config::places::{SERVICE_DIR, file_stem, state_dir};
use crate::engine::ledger::Ledger;
use crate::engine::warnings::Warnings;
use crate::files;
use crate::model::warning::Warning;
use crate::stores::replace::{replace_shared, sweep};

/// The state file of one app.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The state file of a configuration's app.
    pub fn of(config: &Config) -> Self {
        Self { path: state_dir(config).join(file_stem(config) + ".json") }
    }

    /// The state file for one who only looks: that of [`StateFile::of`], else the one of a service in [`SERVICE_DIR`].
    pub fn find(config: &Config) -> Self {
        let own = Self::of(config);
        let services = Self { path: Path::new(SERVICE_DIR).join(file_stem(config) + ".json") };
        let elsewhere = config.state_dir.is_none() && !own.path.exists() && services.path.exists();
        if elsewhere { services } else { own }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` where there is none yet. A file that can't be read as a ledger is set aside, so that nothing
    /// is lost, and the loop starts afresh.
    ///
    /// # Errors
    /// The file is there but can't be read. That a damaged one was set aside is a warning.
    pub fn load(&self, warnings: &Warnings) -> io::Result<Option<Ledger>> {
        sweep(&self.path);
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        match ledger(&bytes) {
            Ok(ledger) => Ok(Some(ledger)),
            Err(error) => {
                let aside = self.path.with_extension("broken.json");
                let path = self.path.display();
                let text = match fs::rename(&self.path, &aside) {
                    Ok(()) => {
                        format!("{path} is damaged ({error}): set aside as {}, the loop starts afresh", aside.display())
                    }
                    Err(why) => {
                        format!("{path} is damaged ({error}), and can't be set aside ({why}): the loop starts afresh")
                    }
                };
                warnings.add(Warning::STARTS_AFRESH, text);
                Ok(None)
            }
        }
    }

    /// [`StateFile::load`] for one who only looks, while a loop may be writing it: changes nothing.
    ///
    /// # Errors
    /// The file is there but can't be read, or is damaged.
    pub fn look(&self) -> io::Result<Option<Ledger>> {
        self.bytes()?.map(|bytes| ledger(&bytes).map_err(io::Error::from)).transpose()
    }

    fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        match read_whole(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            // Nor can there be one below what is no folder.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces it, in one step.
    ///
    /// # Errors
    /// The folder can't be made or written to.
    pub fn save(&self, ledger: &Ledger) -> io::Result<()> {
        self.save_with(ledger, true)
    }

    /// [`StateFile::save`]; with `sync` it survives a power failure as soon as this returns.
    ///
    /// # Errors
    /// As [`StateFile::save`].
    pub(crate) fn save_with(&self, ledger: &Ledger, sync: bool) -> io::Result<()> {
        let text = serde_json::to_vec(ledger)?;
        replace_shared(&self.path, &text, sync)
    }
}

/// A ledger from what a file holds. Each field may be missing, for the state of an earlier version, but not all of them:
/// other JSON is no state.
fn ledger(bytes: &[u8]) -> serde_json::Result<Ledger> {
    #[derive(serde::Deserialize)]
    struct Marks {
        #[serde(rename = "failed_in_a_row")]
        _failed_in_a_row: u32,
        #[serde(rename = "memory")]
        _memory: String,
    }
    serde_json::from_slice::<Marks>(bytes)?;
    serde_json::from_slice(bytes)
}

/// Most bytes of a file that holds what outlives the process; it takes some 20 kB.
const MOST: u64 = 8 << 20;

/// What a file holds that this program wrote; of a file that can't be one, only the beginning, which is damaged then.
pub(crate) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
