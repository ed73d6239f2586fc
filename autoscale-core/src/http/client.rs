//! Requests to one service: sent, timed, retried, counted against its budget, their bodies capped. What an answer means
//! is the caller's affair.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::RANGE;
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::budget::Budget;
use super::describe::transport;
use super::options::HttpOptions;
use super::peer::Peer;
use super::proxy::proxy_of;
use super::redaction::Redaction;
use super::retry_after::retry_after;
use crate::clock::later;
use crate::engine::Warnings;
use crate::engine::permit::Permit;
use crate::engine::ports::{Failure, FailureKind};
use crate::model::time::Timestamp;
use crate::model::units::Span;
use crate::model::warning::Warning;

/// Most bytes of a refusal's body that are read for the words in it, after decompression.
const LONGEST_REFUSAL: usize = 64 << 10;
/// Attempts at a read.
const ATTEMPTS: u32 = 4;
/// Longest pause before the second attempt, seconds; doubled before each further one.
const FIRST_PAUSE_S: f64 = 0.5;

/// An answer, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One service, with the credentials that it wants.
pub(crate) struct Client {
    http: reqwest::Client,
    headers: HeaderMap,
    peer: Peer,
    base: String,
    origin: String,
    /// The proxy that stands between, for errors.
    proxy: Option<String>,
    redaction: Redaction,
    budget: Arc<Budget>,
    options: HttpOptions,
    warned: Mutex<String>,
    warnings: Warnings,
}

/// Why there is no answer.
struct NoAnswer {
    text: String,
    /// Is it certain that the service did not get the request?
    unsent: bool,
}

impl Client {
    /// For `base`, an address without a slash at its end. `headers` go with each request; `token` tells whose budget it
    /// is.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where `base` is no address, or `ca_file` is not to be used.
    pub(crate) fn new(
        peer: Peer,
        base: &str,
        ca_file: Option<&Path>,
        headers: HeaderMap,
        token: &str,
        redaction: Redaction,
        options: &HttpOptions,
    ) -> Result<Self, Failure> {
        let Peer { section, address_key, .. } = peer;
        let refused = |key: &str, why: &str| Failure::new(FailureKind::Refused, format!("[{section}] {key}: {why}"));
        let url = Url::parse(base).map_err(|e| refused(address_key, &format!("no web address: {e}")))?;
        let client = options.pool.client(&url, ca_file, &options.roots, options.connect_timeout());
        let http = client.map_err(|(key, why)| refused(key.unwrap_or(address_key), &why))?;
        let origin = url.origin().ascii_serialization();
        Ok(Self {
            http,
            headers,
            peer,
            base: base.trim_end_matches('/').to_owned(),
            budget: options.budgets.of(&origin, token),
            origin,
            proxy: proxy_of(&url),
            redaction,
            options: options.clone(),
            warned: Mutex::default(),
            warnings: Warnings::default(),
        })
    }

    /// The moment by which a read that starts now is to be over.
    pub(crate) fn deadline(&self) -> Instant {
        later(self.options.deadline)
    }

    /// GETs `path` until `parse` takes the body of a 2xx, the deadline passes, or the service refuses: then `mend` says
    /// what to check, by the status.
    pub(crate) async fn read<T>(
        &self,
        path: &str,
        deadline: Instant,
        parse: impl Fn(&Answer) -> Result<T, String>,
        mend: impl Fn(u16) -> Option<String>,
    ) -> Result<T, Failure> {
        self.read_range(path, None, deadline, parse, mend).await
    }

    /// [`Client::read`] of a part of a list, which the header `Range` names.
    pub(crate) async fn read_range<T>(
        &self,
        path: &str,
        range: Option<&HeaderValue>,
        deadline: Instant,
        parse: impl Fn(&Answer) -> Result<T, String>,
        mend: impl Fn(u16) -> Option<String>,
    ) -> Result<T, Failure> {
        let mut pause = self.options.scaled(FIRST_PAUSE_S, 0.0);
        let mut attempt = 1;
        loop {
            if let Some(left) = self.budget.closed_for() {
                if later(left) >= deadline {
                    return Err(self.rate_limited(left));
                }
                // All who wait for this end wait for the same moment.
                sleep(left + pause.mul_f64(rand::random())).await;
                // The first of them may have been told to wait again.
                continue;
            }
            let timeout = self.options.request_timeout().min(deadline.saturating_duration_since(Instant::now()));
            if timeout.is_zero() {
                return Err(self.transient(format!("no time was left to ask {}", self.peer.name)));
            }
            let (failure, told) = match self.send(Method::GET, path, range, None, timeout).await {
                Ok(answer) if answer.is_success() => match parse(&answer) {
                    Ok(value) => return Ok(value),
                    Err(why) => (self.transient(self.not_as_promised(&why)), None),
                },
                Ok(answer) if answer.status == 429 => {
                    let wait = self.close_budget(&answer);
                    (self.rate_limited(wait), Some(wait))
                }
                Ok(answer) if answer.status >= 500 || answer.status == 408 => {
                    let wait = answer.headers.get("retry-after").map(|_| self.told_wait(&answer.headers));
                    (Failure::new(FailureKind::Transient, self.status_text(&answer, None)), wait)
                }
                Ok(answer) => {
                    let text = self.status_text(&answer, mend(answer.status));
                    return Err(Failure::new(FailureKind::Refused, text));
                }
                Err(no_answer) => (self.transient(no_answer.text), None),
            };
            // Full jitter: many programs that failed together must not come back together.
            let pause_now = told.unwrap_or_default() + pause.mul_f64(rand::random());
            // An attempt that has next to no time would only hide why the others failed.
            let least = self.options.request_timeout() / 10;
            if attempt == ATTEMPTS || later(pause_now + least) >= deadline {
                return Err(failure);
            }
            tracing::debug!(service = self.peer.name, attempt, error = %failure, "will be tried again");
            sleep(pause_now).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Sends a change, once. An answer below 500 is returned, whatever it says.
    ///
    /// # Errors
    /// [`FailureKind::Transient`] where it is certain that the service did not get it, [`FailureKind::Unknown`] where it
    /// may have, [`FailureKind::RateLimited`] where it refused or would refuse for that.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: String,
        permit: Option<&Permit>,
    ) -> Result<Answer, Failure> {
        if let Some(left) = self.budget.closed_for() {
            return Err(self.rate_limited(left));
        }
        let longest = permit.and_then(Permit::longest_answer).unwrap_or(Duration::MAX);
        let timeout = self.options.request_timeout().min(self.options.deadline).min(longest);
        match self.send(method, path, None, Some((body, permit)), timeout).await {
            Ok(answer) if answer.status == 429 => Err(self.rate_limited(self.close_budget(&answer))),
            Ok(answer) if answer.status >= 500 || answer.status == 408 => {
                Err(self.unknown(&self.status_text(&answer, None)))
            }
            Ok(answer) => Ok(answer),
            Err(NoAnswer { text, unsent: true }) => Err(self.transient(text)),
            Err(NoAnswer { text, unsent: false }) => Err(self.unknown(&text)),
        }
    }

    /// "Heroku answered 404 (Couldn't find that app.): check [HEROKU_INFOS] app_name".
    pub(crate) fn status_text(&self, answer: &Answer, mend: Option<String>) -> String {
        let message = (self.peer.message)(&answer.body).map(|text| self.redaction.apply(&text));
        let message = message.filter(|text| !text.is_empty()).map(|text| format!(" ({text})")).unwrap_or_default();
        let mend = match mend {
            Some(mend) => format!(": {mend}"),
            None if (300..400).contains(&answer.status) => {
                format!(", a redirect, which is not followed: check [{}] {}", self.peer.section, self.peer.address_key)
            }
            None => String::new(),
        };
        let name = self.peer.name;
        match &self.proxy {
            Some(proxy) if answer.status == 407 => {
                format!("the proxy {proxy} before {name} answered 407: it wants a user and password in HTTPS_PROXY")
            }
            Some(proxy) if (502..=504).contains(&answer.status) => {
                format!("{name}, or the proxy {proxy} before it, answered {}{message}{mend}", answer.status)
            }
            _ => format!("{name} answered {}{message}{mend}", answer.status),
        }
    }

    /// One request, and its whole answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        range: Option<&HeaderValue>,
        change: Option<(String, Option<&Permit>)>,
        timeout: Duration,
    ) -> Result<Answer, NoAnswer> {
        let begun = Instant::now();
        let Ok(_place) = timeout_at(begun + timeout, self.options.pool.place(&self.origin)).await else {
            // The requests that hold the places wait for the same service.
            let text = format!("{} did not answer within {}", self.peer.name, Span(timeout));
            return Err(NoAnswer { text, unsent: true });
        };
        let waited = begun.elapsed();
        if change.as_ref().is_some_and(|(_, permit)| permit.is_some_and(|permit| !permit.is_valid())) {
            let text = "no change is sent: the permit of the state store has expired".into();
            return Err(NoAnswer { text, unsent: true });
        }
        if let Some(bucket) = self.peer.bucket {
            self.budget.spend(bucket);
        }
        let id = Uuid::new_v4();
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .headers(self.headers.clone())
            .timeout(timeout.saturating_sub(waited))
            .header("request-id", id.to_string());
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        if let Some((body, _)) = change {
            request = request.header("content-type", HeaderValue::from_static("application/json")).body(body);
        }
        let path = self.redaction.apply(path);
        let started = Instant::now();
        let result = self.receive(request, timeout).await;
        let ms = started.elapsed().as_millis();
        match &result {
            Ok(answer) => {
                let (status, bytes) = (answer.status, answer.body.len());
                tracing::debug!(service = self.peer.name, %method, path, request_id = %id, status, bytes, ms, waited_ms = waited.as_millis(), "answered");
                self.learn(&answer.headers);
            }
            Err(no_answer) => {
                let error = self.redaction.apply(&no_answer.text);
                tracing::debug!(service = self.peer.name, %method, path, request_id = %id, error, ms, "not answered");
            }
        }
        result
    }

    async fn receive(&self, request: reqwest::RequestBuilder, timeout: Duration) -> Result<Answer, NoAnswer> {
        let name = self.peer.name;
        let failed = |e: reqwest::Error| NoAnswer {
            text: transport(&e, self.peer, &self.origin, self.proxy.as_deref(), timeout),
            unsent: e.is_connect() || e.is_builder(),
        };
        let mut response = request.send().await.map_err(failed)?;
        let is_success = response.status().is_success();
        let mut body = Vec::new();
        if let Some(longest) = self.peer.longest_body {
            let most = if is_success { longest } else { LONGEST_REFUSAL };
            while let Some(chunk) = response.chunk().await.map_err(|e| NoAnswer { unsent: false, ..failed(e) })? {
                let room = most - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() <= room {
                    continue;
                }
                if is_success {
                    let text = format!("{name}'s answer is larger than {} MiB", most >> 20);
                    return Err(NoAnswer { text, unsent: false });
                }
                // That it refuses is known; the rest of its words is not waited for.
                break;
            }
        }
        Ok(Answer { status: response.status().as_u16(), headers: std::mem::take(response.headers_mut()), body })
    }

    /// Where what it has to say to an operator waits.
    pub(crate) fn warnings(&self) -> &Warnings {
        &self.warnings
    }

    /// What the headers say beside the matter: a budget that runs low, Heroku's warnings. Each is said once.
    fn learn(&self, headers: &HeaderMap) {
        if let Some(text) = self.budget.learn(headers) {
            self.warnings.add(Warning::REQUEST_BUDGET, format!("{}: {text}", self.peer.name));
        }
        if let Some(warning) = headers.get("x-heroku-warning") {
            let text = self.redaction.apply(&String::from_utf8_lossy(warning.as_bytes()));
            let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
            if *warned != text {
                self.warnings.add(Warning::SERVICE, format!("{} warns: {text}", self.peer.name));
                *warned = text;
            }
        }
    }

    fn close_budget(&self, answer: &Answer) -> Duration {
        let wait = self.told_wait(&answer.headers);
        self.budget.close(wait);
        wait
    }

    fn told_wait(&self, headers: &HeaderMap) -> Duration {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        self.options.real(retry_after(headers, now))
    }

    fn rate_limited(&self, wait: Duration) -> Failure {
        let name = self.peer.name;
        let text = if self.budget.is_used_up() {
            format!("this process's share of {name}'s rate limit is used up; not asked again for {}", Span(wait))
        } else {
            format!("{name}'s rate limit is reached (429); not asked again for {}", Span(wait))
        };
        Failure::new(FailureKind::RateLimited(wait), text)
    }

    /// A change may or may not have been carried out.
    pub(crate) fn unknown(&self, why: &str) -> Failure {
        let text = format!("{}; whether the change was carried out is not known", self.redaction.apply(why));
        Failure::new(FailureKind::Unknown, text)
    }

    /// An answer that holds something else than its API promises.
    pub(crate) fn not_as_promised(&self, why: &str) -> String {
        format!("{}'s answer is not as its API says: {why}", self.peer.name)
    }

    fn transient(&self, text: String) -> Failure {
        Failure::new(FailureKind::Transient, self.redaction.apply(&text))
    }
}
