//! Orders in a folder, one small file each, named so that they sort in the order in which they came. Whoever may write
//! into the folder may order. Knows nothing of what an order brings about.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::config::{Config, places};
use crate::engine::commands::{Commands, Order, Waiting};
use crate::engine::permit::StoreError;
use crate::engine::warnings::Warnings;
use crate::files;
use crate::model::warning::Warning;
use crate::stores::file::StateFile;
use crate::stores::private::create_folders;
use crate::stores::replace::replace_readable;

/// Orders that are taken up at one look, and bytes that are read of each.
const MOST: usize = 100;
const LONGEST: u64 = 4 << 10;

/// Tells orders of this process apart that came in the same microsecond.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The orders to an app, in a folder beside its state.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
    warnings: Warnings,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Content {
    v: u32,
    order: Order,
}

impl Spool {
    /// That of the process that runs the app.
    pub fn of(config: &Config) -> Self {
        Self::at(places::commands_folder(&places::state_dir(config), config))
    }

    /// That of the app for one who asks from outside: beside the state where there is one, also that of a service.
    pub fn find(config: &Config) -> Self {
        let state = StateFile::find(config);
        Self::at(places::commands_folder(state.path().parent().unwrap_or(Path::new("")), config))
    }

    fn at(folder: PathBuf) -> Self {
        Self { folder, warnings: Warnings::default() }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn unavailable(&self, error: &io::Error) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.folder.display()))
    }

    /// Does it on a thread that may wait for the disk.
    async fn off_executor<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let spool = self.clone();
        let done = spawn_blocking(move || work(&spool)).await;
        let done = done.map_err(|_| StoreError::Unavailable("the program is ending".into()))?;
        done.map_err(|error| self.unavailable(&error))
    }

    fn write(&self, order: Order) -> io::Result<()> {
        create_folders(&self.folder)?;
        hand_to_the_owner_of_its_parent(&self.folder);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name =
            format!("{:020}-{}-{}.json", since.as_micros(), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let content = serde_json::to_vec(&Content { v: 1, order }).map_err(io::Error::other)?;
        replace_readable(&self.folder.join(name), &content)
    }

    fn read(&self) -> io::Result<Vec<Waiting>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| is_order(name)).collect();
        names.sort_unstable();
        names.truncate(MOST);
        Ok(names.into_iter().filter_map(|id| self.read_one(&id).map(|order| Waiting { id, order })).collect())
    }

    /// One that can't be read is put away with a warning: it would be in the way for ever.
    fn read_one(&self, id: &str) -> Option<Order> {
        let path = self.folder.join(id);
        let why = match files::read(&path, LONGEST).map(|bytes| serde_json::from_slice::<Content>(&bytes)) {
            Ok(Ok(Content { v: 1, order })) => return Some(order),
            Ok(Ok(Content { v, .. })) => format!("of version {v}, which this program does not know"),
            Ok(Err(error)) => format!("no command: {error}"),
            // Somebody else has put it away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => error.to_string(),
        };
        self.warnings.add_once(Warning::COMMAND, format!("{}: {why}; it is not carried out", path.display()));
        let _ = fs::remove_file(&path);
        None
    }
}

/// Drafts and other people's files are left alone.
fn is_order(name: &str) -> bool {
    name.ends_with(".json") && name.starts_with(|first: char| first.is_ascii_digit())
}

/// A folder that root makes is for the user whose service has to put the orders away.
#[cfg(unix)]
fn hand_to_the_owner_of_its_parent(folder: &Path) {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let owner = folder.parent().and_then(|parent| fs::metadata(parent).ok());
    if let (Some(owner), Ok(own)) = (owner, fs::metadata(folder))
        && (owner.uid(), owner.gid()) != (own.uid(), own.gid())
    {
        // Only root can; for anybody else it is as it was.
        let _ = chown(folder, Some(owner.uid()), Some(owner.gid()));
    }
}

#[cfg(not(unix))]
fn hand_to_the_owner_of_its_parent(_: &Path) {}

impl Commands for Spool {
    async fn put(&mut self, order: Order) -> Result<(), StoreError> {
        self.off_executor(move |spool| spool.write(order)).await
    }

    async fn waiting(&mut self) -> Result<Vec<Waiting>, StoreError> {
        self.off_executor(Self::read).await
    }

    async fn done(&mut self, id: &str) -> Result<(), StoreError> {
        let path = self.folder.join(id);
        let removed = self.off_executor(move |_| match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        });
        removed.await
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.warnings.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_wait_in_their_order_until_they_are_put_away() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::at(dir.path().join("a/b"));
        assert!(spool.waiting().await.unwrap().is_empty(), "there is no folder yet");
        let until = crate::model::time::Timestamp::from_secs(1_800_000_000);
        let (pin, floor) = (Order::Pin { dynos: 8, until }, Order::Floor { dynos: 3, until });
        let all = [Order::Pause, Order::Check, pin, floor, Order::Resume];
        for order in all {
            spool.put(order).await.unwrap();
        }
        let waiting = spool.waiting().await.unwrap();
        let orders: Vec<_> = waiting.iter().map(|waiting| waiting.order).collect();
        assert_eq!(orders, all);
        spool.done(&waiting[0].id).await.unwrap();
        spool.done(&waiting[0].id).await.unwrap();
        assert_eq!(spool.waiting().await.unwrap(), waiting[1..]);
        assert!(spool.warnings().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_order_is_put_away_with_a_warning_and_a_draft_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::at(dir.path().to_owned());
        let large = "9".repeat(5000);
        for (name, text) in
            [("1.json", "{}"), ("2.json", "[["), ("3.json", "{\"v\":2,\"order\":\"pause\"}"), ("4.json", &large)]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        fs::write(dir.path().join(".draft.json"), "{").unwrap();
        assert!(spool.waiting().await.unwrap().is_empty());
        assert_eq!(spool.warnings().len(), 4);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
