//! The keys of the router's log: what they mean, how they are read, and what is missing to run. Sends nothing.

use std::time::Duration;

use crate::config::keys::Default::Value;
use crate::config::keys::{self, Form};
use crate::config::{Problem, Reader, SourceSettings, Spacing};
use crate::model::traffic::{ROW_S, TrafficRow};

/// Its section.
pub const SECTION: &str = "ROUTER_LOGS";

keys::keys! {
    KEYS:
    VIA = Key::new(SECTION, "via", Form::Word(&["tail"]), Value("tail"), "how the log is read: by a log session of Heroku's, as `heroku logs --tail` does").comment("With `metric_source: router_logs` (below) every request is read from the log of\nHeroku's router, with the key of [HEROKU_INFOS]: no add-on, no code in the app.");
    STATISTIC = Key::new(SECTION, "response_time_statistic", Form::Word(&["p95", "p99", "p50", "mean"]), Value("p95"), "what the policy threshold takes of the requests of ten seconds: 95 % are faster than p95").comment("What the policy threshold takes of the requests of ten seconds.");
}

/// What is taken of a row as its response time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Statistic {
    /// 95 % are faster.
    #[default]
    P95,
    /// 99 % are faster.
    P99,
    /// Half are faster.
    P50,
    /// The mean.
    Mean,
}

impl Statistic {
    /// Of a row, in ms; `None` where no service time is in it.
    pub fn of(self, row: &TrafficRow) -> Option<f64> {
        match self {
            Self::P95 => row.percentile_ms(0.95),
            Self::P99 => row.percentile_ms(0.99),
            Self::P50 => row.percentile_ms(0.5),
            Self::Mean => row.mean_ms(),
        }
    }
}

/// How the router's log is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RouterLogs {
    /// What the policy threshold takes of a row.
    pub statistic: Statistic,
}

impl RouterLogs {
    /// Reads the section. `None` where a value can't be used.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let via = reader.choice(VIA, &[("tail", ())]);
        let words =
            [("p95", Statistic::P95), ("p99", Statistic::P99), ("p50", Statistic::P50), ("mean", Statistic::Mean)];
        let statistic = reader.choice(STATISTIC, &words);
        via.and(statistic).map(|statistic| Self { statistic })
    }
}

impl SourceSettings for RouterLogs {
    /// The key and the app are the platform's.
    fn missing_for_run(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: Duration::from_secs(ROW_S as u64), whose: "the router log's" }
    }

    fn is_loopback(&self) -> bool {
        // It is read where the platform is, whose address is judged by itself.
        true
    }
}
