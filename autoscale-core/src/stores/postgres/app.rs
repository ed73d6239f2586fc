//! An app's key in the database, and the shard that it falls into: the same in every process.

use crate::config::Config;

/// Shards of a database.
pub(super) const SHARDS: u64 = 1024;

/// Which app, at which platform.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AppKey(String);

impl AppKey {
    /// That of a configuration's app.
    pub fn of(config: &Config) -> Self {
        let crate::config::Heroku { api_url, app_name, process_type, .. } = &config.heroku;
        Self(format!("{api_url} {app_name} {process_type}"))
    }

    /// As it stands in the database: base address, app, process type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shard that it falls into. Never to be changed: processes of different versions must agree.
    pub fn shard(&self) -> i16 {
        // FNV-1a, its halves folded: the lowest bits alone depend on the lowest bits of each byte alone.
        let hash =
            self.0.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        i16::try_from((hash ^ (hash >> 32)) % SHARDS).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_an_app_never_changes_and_many_apps_are_spread() {
        let key = |n: usize| AppKey(format!("https://api.heroku.com app-{n} web"));
        assert_eq!([1, 2, 3].map(|n| key(n).shard()), [373, 374, 100]);
        let mut counts = [0_u32; SHARDS as usize];
        for n in 0..10_240 {
            counts[usize::try_from(key(n).shard()).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (1..30).contains(count)), "{counts:?}");
    }
}
