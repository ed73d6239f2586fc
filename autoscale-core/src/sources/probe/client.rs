//! The program's own outside check, for people with no Pingdom account: a GET every so often, timed, its results kept
//! in memory. A visitor's view: redirects are followed, each test takes a connection of its own, the whole body counts.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::redirect::Policy;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::settings::ProbeSettings;
use crate::engine::Warnings;
use crate::engine::ports::{Failure, FailureKind, MetricSource, Reading};
use crate::http::{HttpOptions, USER_AGENT, extra_roots, is_loopback, proxy_of, tls_config};
use crate::model::down::DownDetail;
use crate::model::sample::{DownCause, Sample};
use crate::model::time::Timestamp;
use crate::model::warning::Warning;

/// Most bytes of a page that are waited for; a larger page counts as answered then.
const LONGEST_BODY: usize = 16 << 20;
/// Most redirects that are followed, as browsers do.
const REDIRECTS: usize = 20;

/// Tests a web address in the background. The task ends when this is dropped.
pub struct Probe {
    shared: Arc<Shared>,
    /// The task that tests, and how many tests it has made.
    task: Option<(JoinHandle<()>, watch::Receiver<u64>)>,
    warnings: Warnings,
}

struct Shared {
    http: reqwest::Client,
    url: String,
    /// The proxy between, and whether it sees requests in the clear, so that it may answer in the app's place.
    proxy: Option<(String, bool)>,
    warnings: Warnings,
    every: Duration,
    timeout: Duration,
    keep: Duration,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    results: Mutex<VecDeque<Sample>>,
}

impl Probe {
    /// For the address of the configuration; results are kept for `keep`, and stamped by `clock`. Testing begins with
    /// the first call of [`MetricSource::samples`], which waits for the first result.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
    pub fn new(
        config: &ProbeSettings,
        keep: Duration,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        options: &HttpOptions,
    ) -> Result<Self, Failure> {
        let refused = |text: String| Failure::new(FailureKind::Refused, format!("[PROBE_INFOS] {text}"));
        let text = config.url.as_deref().ok_or_else(|| refused("url is missing".into()))?;
        let url = reqwest::Url::parse(text).map_err(|e| refused(format!("url: no web address: {e}")))?;
        // A redirect may lead to https, so that roots are needed in any case.
        let extra = config.ca_file.as_deref().map(extra_roots).transpose();
        let extra = extra.map_err(|error| refused(format!("ca_file: {error}")))?;
        let tls = tls_config(extra, Some(&options.roots)).map_err(refused)?;
        let timeout = options.timeout(config.timeout.as_secs_f64());
        let mut http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::limited(REDIRECTS))
            .user_agent(USER_AGENT)
            .timeout(timeout)
            // A new visitor has no connection yet.
            .pool_max_idle_per_host(0);
        if is_loopback(&url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|e| refused(format!("url: no HTTP client: {}", e.without_url())))?;
        let every = options.scaled(config.every.as_secs_f64(), 0.05);
        let warnings = Warnings::default();
        let shared = Shared {
            http,
            url: text.into(),
            proxy: proxy_of(&url).map(|proxy| (proxy, url.scheme() == "http")),
            warnings: warnings.clone(),
            every,
            timeout,
            keep,
            clock: Box::new(clock),
            results: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), task: None, warnings })
    }
}

impl MetricSource for Probe {
    fn warnings(&mut self) -> Vec<Warning> {
        self.warnings.take()
    }

    /// Takes over the results of an earlier one for the same address.
    fn take_over(&mut self, earlier: Box<dyn Any + Send>) {
        let Ok(earlier) = earlier.downcast::<Self>() else { return };
        if self.shared.url == earlier.shared.url && !Arc::ptr_eq(&self.shared, &earlier.shared) {
            let results = earlier.shared.results().clone();
            *self.shared.results() = results;
        }
    }

    async fn samples(&mut self, from: Timestamp, _: Timestamp) -> Result<Reading, Failure> {
        if let Some((ended, _)) = self.task.take_if(|(task, _)| task.is_finished())
            && let Err(error) = ended.await
        {
            let text = format!("the probe met a defect of autoscale, please report it, and starts again: {error}");
            self.warnings.add(Warning::DEFECT, text);
        }
        if self.task.is_none() {
            let (shared, (done, tests)) = (self.shared.clone(), watch::channel(0));
            self.task = Some((Handle::current().spawn(async move { shared.run(done).await }), tests));
        }
        if let Some((_, tests)) = self.task.as_mut().filter(|_| self.shared.results().is_empty()) {
            // A single check (`run --once`) is over before a second test is due.
            let _ = tokio::time::timeout(self.shared.timeout * 2, tests.wait_for(|tests| *tests > 0)).await;
        }
        // Also what has come since `to`, the start of the check: it may be what was just waited for.
        let samples = self.shared.results().iter().filter(|s| from <= s.at).copied().collect();
        Ok(Reading::of(samples))
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a key.
        f.write_str("Probe")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some((task, _)) = &self.task {
            task.abort();
        }
    }
}

impl Shared {
    fn results(&self) -> std::sync::MutexGuard<'_, VecDeque<Sample>> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, done: watch::Sender<u64>) {
        let mut ticks = interval(self.every);
        // After a suspend, or a test that took longer than the interval: no burst.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let at = (self.clock)();
            let sample = self.test(at).await;
            let mut results = self.results();
            let oldest = at - self.keep;
            // From a clock that has been put back since: they would be the newest again when it gets there.
            results.retain(|s| oldest <= s.at && s.at <= at);
            results.extend(sample);
            drop(results);
            done.send_modify(|tests| *tests += 1);
        }
    }

    /// One test. `None`: it measured nothing.
    async fn test(&self, at: Timestamp) -> Option<Sample> {
        let started = Instant::now();
        let outcome = self.fetch().await;
        let ms = started.elapsed().as_secs_f64() * 1e3;
        match outcome {
            Ok(status) if status < 400 => Sample::up(at, ms),
            Ok(status) if self.is_the_proxys(status) => self.not_measured(&format!("answered {status}")),
            Ok(status) => {
                let cause = DownCause::of_http_status(status, Some(ms));
                Some(Sample::down(at, cause).met(Some(DownDetail::Http(status))))
            }
            Err(error) => {
                let cause = crate::http::root(&error);
                tracing::debug!(error = cause, ms, "the probe found the app down");
                if self.proxy.is_some() && error.is_connect() {
                    return self.not_measured(&format!("did not connect: {cause}"));
                }
                Some(Sample::down(at, down_cause(&error)).met(down_detail(&error)))
            }
        }
    }

    /// Is an answer with this status a proxy's own? 407 is one's always; the others only where it sees the request.
    fn is_the_proxys(&self, status: u16) -> bool {
        match self.proxy {
            None => false,
            Some((_, in_the_clear)) => status == 407 || (in_the_clear && matches!(status, 502 | 504)),
        }
    }

    /// A proxy kept the probe from the app: that says nothing of the app.
    fn not_measured(&self, why: &str) -> Option<Sample> {
        if let Some((proxy, _)) = &self.proxy {
            let text = format!(
                "the proxy {proxy} {why}: such a test counts as none; check HTTPS_PROXY, or name the app's host in NO_PROXY"
            );
            self.warnings.add_kind(Warning::SERVICE, "proxy", text);
        }
        None
    }

    /// The status, once the whole page is there.
    async fn fetch(&self) -> Result<u16, reqwest::Error> {
        let mut response = self.http.get(&self.url).send().await?;
        let mut bytes = 0;
        while let Some(chunk) = response.chunk().await? {
            bytes += chunk.len();
            if bytes > LONGEST_BODY {
                break;
            }
        }
        Ok(response.status().as_u16())
    }
}

/// The rule of [`crate::sources::pingdom::wire::down_cause`]: refused, DNS, TLS are errors, and so is a ring of redirects;
/// everything else is a time-out.
fn down_cause(error: &reqwest::Error) -> DownCause {
    let error_now = (error.is_connect() && !error.is_timeout() && !timed_out(error)) || error.is_redirect();
    if error_now { DownCause::Error } else { DownCause::Timeout }
}

/// What kept it from an answer, where that is known.
fn down_detail(error: &reqwest::Error) -> Option<DownDetail> {
    if error.is_redirect() {
        return Some(DownDetail::Redirects);
    }
    let cause = crate::http::root(error);
    let words = cause.to_ascii_lowercase();
    let has = |word: &str| words.contains(word);
    let refused = io_error(error).is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused);
    if refused {
        Some(DownDetail::Refused)
    } else if has("peer certificate") || has("handshake") || has("tls") {
        Some(DownDetail::Tls)
    } else if has("lookup address") || has("name or service") || has("nodename") || has("no such host") {
        Some(DownDetail::Dns)
    } else {
        None
    }
}

/// Did the operating system give up waiting?
fn timed_out(error: &reqwest::Error) -> bool {
    io_error(error).is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}

/// The operating system's error among the causes, the innermost.
fn io_error(error: &reqwest::Error) -> Option<&std::io::Error> {
    let mut found = None;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = cause {
        found = e.downcast_ref::<std::io::Error>().or(found);
        cause = e.source();
    }
    found
}
