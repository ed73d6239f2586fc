//! The results of a Pingdom check as a [`MetricSource`]: read page by page. What they mean for the formation is not
//! known here.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::locations::without_lone_downs;
use super::settings::{Pingdom, PingdomVersion};
use super::wire::{self, CheckDescription, ResultRow};
use crate::config::Secret;
use crate::engine::ports::{Failure, FailureKind, MetricSource, Reading};
use crate::http::{Answer, Client, HttpOptions, Peer, Redaction, server_time};
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

pub(super) const PEER: Peer = Peer {
    name: "Pingdom",
    section: "PINGDOM_INFOS",
    address_key: "api_url",
    takes_ca_file: true,
    // A full page of results takes 0.2 MB.
    longest_body: Some(4 << 20),
    bucket: None,
    message: wire::parse_error,
};

/// Most results that its pages hold together: `offset` reaches no further.
const MOST_RESULTS: usize = wire::LAST_OFFSET + wire::PAGE;

/// Reads the results of one check.
pub struct PingdomResults {
    client: Client,
    version: PingdomVersion,
    check_id: u64,
}

impl PingdomResults {
    /// For the check of the configuration. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
    pub fn new(config: &Pingdom, options: &HttpOptions) -> Result<Self, Failure> {
        let missing = |key: &str| Failure::new(FailureKind::Refused, format!("[PINGDOM_INFOS] {key} is missing"));
        let api_key = config.api_key.as_ref().ok_or_else(|| missing("api_key"))?;
        let check_id = config.check_id.ok_or_else(|| missing("check_id"))?;
        let mut headers = HeaderMap::new();
        match config.api_version {
            PingdomVersion::V3_1 => {
                headers.insert(AUTHORIZATION, secret_header(&format!("Bearer {}", api_key.expose()))?);
            }
            PingdomVersion::V2_1 => {
                let login = config.login.as_deref().ok_or_else(|| missing("login"))?;
                let password = config.password.as_ref().ok_or_else(|| missing("password"))?;
                let both = BASE64_STANDARD.encode(format!("{login}:{}", password.expose()));
                headers.insert(AUTHORIZATION, secret_header(&format!("Basic {both}"))?);
                headers.insert("app-key", secret_header(api_key.expose())?);
            }
        }
        let basic = config.login.as_ref().zip(config.password.as_ref());
        let basic = basic.map(|(login, password)| Secret::new(format!("{login}:{}", password.expose())));
        let secrets = [Some(api_key), config.password.as_ref(), basic.as_ref()].into_iter().flatten();
        let client = Client::new(
            PEER,
            &config.api_url,
            config.ca_file.as_deref(),
            headers,
            api_key.expose(),
            Redaction::new(secrets),
            options,
        )?;
        Ok(Self { client, version: config.api_version, check_id })
    }

    /// Time between two tests of the check, and its name: for the warnings at the start.
    ///
    /// # Errors
    /// As [`MetricSource::samples`].
    pub async fn description(&self) -> Result<CheckDescription, Failure> {
        let path = wire::check_path(self.version, self.check_id);
        let parse = |answer: &Answer| wire::parse_check(&answer.body).map_err(|e| e.to_string());
        self.client.read(&path, self.client.deadline(), parse, |status| self.mend(status)).await
    }

    /// Time between two tests of the check; see [`PingdomResults::description`].
    ///
    /// # Errors
    /// As [`MetricSource::samples`].
    pub async fn resolution(&self) -> Result<Duration, Failure> {
        Ok(self.description().await?.resolution)
    }

    fn mend(&self, status: u16) -> Option<String> {
        let keys = match (status, self.version) {
            (401, PingdomVersion::V3_1) => "api_key",
            (401, PingdomVersion::V2_1) => "login, password and api_key",
            (402, _) => return Some("the account's plan or payment does not allow it".into()),
            (403, _) => "api_key (may it read this check?) and check_id",
            (404, _) => "check_id",
            (300..=399, _) => return None,
            _ => "check_id and api_version",
        };
        Some(format!("check [PINGDOM_INFOS] {keys}"))
    }
}

impl MetricSource for PingdomResults {
    fn warnings(&mut self) -> Vec<Warning> {
        self.client.warnings().take()
    }

    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let deadline = self.client.deadline();
        let mut reading = Reading::default();
        let mut rows: Vec<ResultRow> = Vec::new();
        let mut seen = HashSet::new();
        for offset in (0..=wire::LAST_OFFSET).step_by(wire::PAGE) {
            let path = wire::results_path(self.version, self.check_id, from, to, offset);
            let parse = |answer: &Answer| {
                let page = wire::parse_results(&answer.body).map_err(|e| e.to_string())?;
                Ok((page, server_time(&answer.headers)))
            };
            let (page, server_time) = self.client.read(&path, deadline, parse, |status| self.mend(status)).await?;
            reading.server_time = server_time.or(reading.server_time);
            if page.unreadable > 0 {
                let (unreadable, entries) = (page.unreadable, page.entries);
                let text = format!("Pingdom: {unreadable} of {entries} results could not be read; left out");
                self.client.warnings().add(Warning::UNREADABLE_SAMPLES, text);
            }
            // A result that comes in between two pages shifts the rest, and one is listed twice. Within a page all
            // count: a probe without an id may well measure twice in a second.
            if rows.len() + page.results.len() > MOST_RESULTS {
                let text = self.client.not_as_promised(&format!("more than {MOST_RESULTS} results"));
                return Err(Failure::new(FailureKind::Transient, text));
            }
            let before = rows.len();
            rows.extend(page.results.iter().filter(|row| !seen.contains(&(row.probe, row.sample.at))));
            let nothing_new = rows.len() == before;
            seen.extend(page.results.iter().map(|row| (row.probe, row.sample.at)));
            if page.entries < wire::PAGE || (nothing_new && !page.results.is_empty()) {
                break;
            }
        }
        let (samples, locations) = without_lone_downs(rows);
        for location in locations {
            let text = format!(
                "Pingdom's location {location} can't reach the app, and all others can: its failures are left out"
            );
            self.client.warnings().add_once(Warning::UNREADABLE_SAMPLES, text);
        }
        reading.samples = samples;
        Ok(reading)
    }
}

pub(super) fn secret_header(value: &str) -> Result<HeaderValue, Failure> {
    crate::http::secret_header(value)
        .ok_or_else(|| Failure::new(FailureKind::Refused, "[PINGDOM_INFOS] api_key holds a character that no key has"))
}

impl std::fmt::Debug for PingdomResults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PingdomResults").field("check_id", &self.check_id).finish_non_exhaustive()
    }
}
