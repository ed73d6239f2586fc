//! The built-in apps.

use super::profile::{Database, Discipline, Neighbours, Outside, Profile, Reloads, Work};

impl Default for Profile {
    fn default() -> Self {
        Self::standard()
    }
}

impl Profile {
    /// Names of the built-in profiles.
    pub const BUILT_IN: [&'static str; 7] =
        ["standard", "fast", "slow", "outside-service", "cold-cache", "noisy-dynos", "impatient-users"];

    /// Size of the dynos that the simulated app runs on, as Heroku calls it: what they cost.
    pub const DYNO_SIZE: &'static str = "Standard-2X";

    /// A built-in one by name.
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::standard()),
            "fast" => Some(Self::fast()),
            "slow" => Some(Self::slow()),
            "outside-service" => Some(Self::outside_service()),
            "cold-cache" => Some(Self::cold_cache()),
            "noisy-dynos" => Some(Self::noisy_dynos()),
            "impatient-users" => Some(Self::impatient_users()),
            _ => None,
        }
    }

    /// An ordinary web app: two workers a dyno, 0.2 s a request, a quarter of it in the database.
    pub fn standard() -> Self {
        Self {
            workers: 2,
            backlog: 2048,
            discipline: Discipline::FirstCome,
            work: Work::LogNormal { mean: 0.15, variation: 1.2 },
            database: Some(Database { mean: 0.05, capacity: 12.0, collapse: 0.5 }),
            cold_factor: 3.0,
            cold_seconds: 30.0,
            boot_seconds: (25.0, 60.0),
            network_ms: 60.0,
            missed_checks: 0.015,
            deploy_at: Some(10.0 * 3600.0),
            outside: None,
            neighbours: None,
            reloads: None,
        }
    }

    /// Quick requests on many workers.
    pub fn fast() -> Self {
        Self {
            workers: 4,
            backlog: 4096,
            work: Work::LogNormal { mean: 0.04, variation: 1.5 },
            database: Some(Database { mean: 0.015, capacity: 24.0, collapse: 0.5 }),
            ..Self::standard()
        }
    }

    /// Heavy requests, served by threads that share a processor.
    pub fn slow() -> Self {
        Self {
            workers: 1,
            backlog: 1024,
            discipline: Discipline::Shared { threads: 5 },
            work: Work::LogNormal { mean: 0.2, variation: 0.9 },
            database: Some(Database { mean: 0.05, capacity: 12.0, collapse: 0.5 }),
            ..Self::standard()
        }
    }

    /// Each request waits for a service outside that takes 0.4 s and now and then many seconds, through a pool of four
    /// connections a dyno.
    pub fn outside_service() -> Self {
        Self {
            workers: 5,
            work: Work::LogNormal { mean: 0.05, variation: 1.0 },
            database: None,
            outside: Some(Outside { mean: 0.4, shape: 2.4, timeout: 10.0, connections: 4 }),
            ..Self::standard()
        }
    }

    /// A dyno fills its cache for four minutes after each start, and is slower meanwhile.
    pub fn cold_cache() -> Self {
        Self { cold_factor: 2.5, cold_seconds: 240.0, ..Self::standard() }
    }

    /// Small dynos, one worker each, on machines whose other users can be felt.
    pub fn noisy_dynos() -> Self {
        Self {
            workers: 1,
            work: Work::LogNormal { mean: 0.1, variation: 1.0 },
            database: None,
            neighbours: Some(Neighbours { share: 0.06, factor: 2.5, seconds: 60.0 }),
            ..Self::standard()
        }
    }

    /// Half of the visitors reload a page that takes longer than eight seconds.
    pub fn impatient_users() -> Self {
        Self { reloads: Some(Reloads { after: 8.0, share: 0.5 }), ..Self::standard() }
    }
}
