//! A series of Prometheus's as a [`MetricSource`]: response times, and time-outs where a second query says that the app was
//! down. What they mean for the formation is not known here.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::settings::{Prometheus, SECTION, Unit};
use super::wire::{self, Answered, Series};
use crate::config::Secret;
use crate::engine::ports::{Failure, FailureKind, MetricSource, Reading};
use crate::http::{Answer, Client, HttpOptions, Peer, Redaction, secret_header, server_time};
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

const PEER: Peer = Peer {
    name: "Prometheus",
    section: SECTION,
    address_key: "url",
    takes_ca_file: true,
    // 10,000 values of 30 bytes take 0.3 MB.
    longest_body: Some(4 << 20),
    bucket: None,
    message: wire::parse_error,
};

/// Reads one series, and perhaps a second one.
pub struct PrometheusSeries {
    client: Client,
    query: String,
    up_query: Option<String>,
    unit: Unit,
    step_s: i64,
}

/// Values at their steps, and the server's clock.
struct Range {
    values: Vec<(f64, f64)>,
    server_time: Option<Timestamp>,
}

impl PrometheusSeries {
    /// For the queries of the configuration. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
    pub fn new(config: &Prometheus, options: &HttpOptions) -> Result<Self, Failure> {
        let missing = |key: &str| Failure::new(FailureKind::Refused, format!("[{SECTION}] {key} is missing"));
        let url = config.url.as_deref().ok_or_else(|| missing("url"))?;
        let query = config.query.clone().ok_or_else(|| missing("query"))?;
        let mut headers = HeaderMap::new();
        let mut asks = "";
        if let Some(token) = &config.token {
            asks = token.expose();
            headers.insert(AUTHORIZATION, unsendable(secret_header(&format!("Bearer {asks}")), "token")?);
        } else if let (Some(user), Some(password)) = (&config.user, &config.password) {
            asks = password.expose();
            let both = BASE64_STANDARD.encode(format!("{user}:{asks}"));
            headers.insert(AUTHORIZATION, unsendable(secret_header(&format!("Basic {both}")), "password")?);
        }
        let basic = config.user.as_ref().zip(config.password.as_ref());
        let basic = basic.map(|(user, password)| Secret::new(format!("{user}:{}", password.expose())));
        let secrets = [config.token.as_ref(), config.password.as_ref(), basic.as_ref()];
        let redaction = Redaction::new(secrets.into_iter().flatten());
        let client = Client::new(PEER, url, config.ca_file.as_deref(), headers, asks, redaction, options)?;
        let step_s = i64::try_from(config.step.as_secs()).unwrap_or(60).max(1);
        Ok(Self { client, query, up_query: config.up_query.clone(), unit: config.unit, step_s })
    }

    fn mend(status: u16, key: &str) -> Option<String> {
        match status {
            300..=399 => None,
            401 | 403 => Some(format!("check [{SECTION}] token, or user and password")),
            404 | 405 => Some(format!("check [{SECTION}] url: it is the address before /api/v1")),
            _ => Some(format!("check [{SECTION}] {key}")),
        }
    }

    /// The values of a query from one step to another; `None` where the server refuses it as a query of its own.
    async fn range(&self, query: &str, key: &str, (first, last): (i64, i64)) -> Result<(Answered, Range), Failure> {
        let path = wire::range_path(query, first, last, self.step_s);
        let parse = |answer: &Answer| Ok((wire::parse_range(&answer.body)?, server_time(&answer.headers)));
        let (answered, server_time) =
            self.client.read(&path, self.client.deadline(), parse, |status| Self::mend(status, key)).await?;
        let answered = answered.map_err(|error| {
            Failure::new(FailureKind::Refused, format!("Prometheus refuses [{SECTION}] {key}: {error}"))
        })?;
        Ok((answered, Range { values: Vec::new(), server_time }))
    }

    /// The one series of a query.
    async fn series(&self, query: &str, key: &str, steps: (i64, i64)) -> Result<Range, Failure> {
        let (mut answered, range) = self.range(query, key, steps).await?;
        for warning in &answered.warnings {
            let text = format!("Prometheus warns of [{SECTION}] {key}: {warning}");
            self.client.warnings().add_once(Warning::SERVICE, text);
        }
        let Series { values, .. } = one(&mut answered, key)?;
        Ok(Range { values, ..range })
    }

    /// What the scrapes of a query's series brought, each at its time. The times are read first, so that no value is newer
    /// than they tell.
    async fn scraped(
        &self,
        query: &str,
        key: &str,
        steps: (i64, i64),
    ) -> Result<(Vec<(Timestamp, f64)>, Option<Timestamp>), Failure> {
        let times = match self.range(&format!("timestamp({query})"), key, steps).await {
            Ok((mut answered, _)) => match &mut answered.series.items[..] {
                [times] => Some(std::mem::take(&mut times.values)),
                // What is wrong with it is told of the query itself.
                _ => None,
            },
            // A scalar has no times; another fault the query itself has as well.
            Err(Failure { kind: FailureKind::Refused, .. }) => None,
            Err(failure) => return Err(failure),
        };
        let Range { values, server_time } = self.series(query, key, steps).await?;
        Ok((wire::fresh(&values, times.as_deref()), server_time))
    }
}

fn unsendable(header: Option<HeaderValue>, key: &str) -> Result<HeaderValue, Failure> {
    let text = || format!("[{SECTION}] {key} holds a character that can't be sent");
    header.ok_or_else(|| Failure::new(FailureKind::Refused, text()))
}

/// The one series that a query is to give.
fn one(answered: &mut Answered, key: &str) -> Result<Series, Failure> {
    let refused = |text: String| Err(Failure::new(FailureKind::Refused, text));
    match &mut answered.series.items[..] {
        [] => refused(format!(
            "Prometheus has no series for [{SECTION}] {key} in the time that is looked at: try the query on its page, \
             and see whether the scrape works"
        )),
        [series] => Ok(std::mem::take(series)),
        [first, second, ..] => {
            let more = if answered.series.complete { "" } else { " and more" };
            refused(format!(
                "[{SECTION}] {key} gives several series, {first}, {second}{more}: name the one that is meant by its \
                 labels, or join them, as max(…) does"
            ))
        }
    }
}

impl MetricSource for PrometheusSeries {
    fn warnings(&mut self) -> Vec<Warning> {
        self.client.warnings().take()
    }

    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let steps = wire::steps(from, to, self.step_s);
        let times = self.scraped(&self.query, "query", steps);
        let ups = async {
            match &self.up_query {
                Some(query) => self.scraped(query, "up_query", steps).await.map(|(ups, _)| ups),
                None => Ok(Vec::new()),
            }
        };
        let ((times, server_time), ups) = tokio::try_join!(times, ups)?;
        let samples = wire::samples(&times, &ups, self.unit.ms(), self.step_s);
        Ok(Reading { server_time, ..Reading::of(samples) })
    }
}

impl std::fmt::Debug for PrometheusSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrometheusSeries").field("query", &self.query).finish_non_exhaustive()
    }
}
