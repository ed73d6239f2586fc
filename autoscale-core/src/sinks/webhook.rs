//! Notices to a webhook: a POST of `{"text": …, "event": {…}}`, which Slack and its like understand. Sent by a task of
//! its own from a bounded queue, so that no check ever waits for it. What is worth a notice is known to
//! [`crate::sinks::notices`].

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderMap, Method};
use reqwest::Url;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::config::Secret;
use crate::engine::ports::{Failure, FailureKind, Observer};
use crate::engine::{Warnings, defect};
use crate::http::{Client, HttpOptions, Peer, Redaction};
use crate::model::event::{Event, Kind};
use crate::model::warning::Warning;
use crate::sinks::notices::{Notice, NoticeKind, Notices};
use crate::stores::file::read_whole;
use crate::stores::replace::replace;

const PEER: Peer = Peer {
    name: "the webhook",
    section: "NOTIFICATIONS",
    address_key: "webhook_url",
    takes_ca_file: false,
    longest_body: None,
    message: own_words,
};

/// Characters of the webhook's answer that a warning passes on.
const WORDS: usize = 100;

/// What the webhook says of a refusal, as Slack does in one word: "channel_is_archived". A page for browsers says nothing.
fn own_words(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_page = text.starts_with('<');
    (!is_page && !text.is_empty()).then(|| text.chars().filter(|c| !c.is_control()).take(WORDS).collect())
}

/// Notices that wait at most. A service that is down for longer gets the oldest of them; newer ones are dropped, and a
/// warning says so.
const QUEUE: usize = 64;
/// Attempts at a notice.
const ATTEMPTS: u32 = 5;
/// Longest pause before the second attempt, seconds; doubled before each further one.
const FIRST_PAUSE_S: f64 = 2.0;

/// Posts notices to a webhook.
pub struct Webhook {
    notices: Notices,
    /// Where it is kept what was told.
    memory: Option<PathBuf>,
    queue: mpsc::Sender<String>,
    idle: Option<(Post, mpsc::Receiver<String>)>,
    task: Option<JoinHandle<()>>,
    warnings: Warnings,
}

/// Where notices go.
struct Post {
    client: Client,
    path: String,
    first_pause: Duration,
    warnings: Warnings,
}

impl Webhook {
    /// For an address, which is a secret: whoever has it can post. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where it is no web address.
    pub fn new(url: &Secret, options: &HttpOptions, warnings: &Warnings) -> Result<Self, Failure> {
        let refused = || Failure::new(FailureKind::Refused, "[NOTIFICATIONS] webhook_url: no web address");
        let mut base = Url::parse(url.expose()).map_err(|_| refused())?;
        let query = base.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", base.path());
        base.set_path("");
        base.set_query(None);
        base.set_fragment(None);
        let redaction = Redaction::new([url, &Secret::new(path.clone())]);
        let client = Client::new(PEER, base.as_str(), None, HeaderMap::new(), url.expose(), redaction, options)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let first_pause = options.scaled(FIRST_PAUSE_S, 0.0);
        let post = Post { client, path, first_pause, warnings: warnings.clone() };
        Ok(Self {
            notices: Notices::default(),
            memory: None,
            queue,
            idle: Some((post, waiting)),
            task: None,
            warnings: warnings.clone(),
        })
    }

    /// Remembers what was told beyond the end of the process, in a file: what is told once is told once also by a process
    /// a check.
    pub fn remembering(mut self, path: PathBuf) -> Self {
        // Where there is none, or a damaged one, something may be told twice.
        let kept = read_whole(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        self.notices = kept.unwrap_or_default();
        self.memory = Some(path);
        self
    }

    /// What is to be told of an event; kept before it is sent.
    fn notice(&mut self, event: &Event) -> Option<Notice> {
        let before = self.notices.clone();
        let notice = self.notices.notice(event);
        if let Some(path) = self.memory.as_deref().filter(|_| self.notices != before) {
            let kept = serde_json::to_vec(&self.notices).map_err(Into::into);
            if let Err(error) = kept.and_then(|text| replace(path, &text)) {
                tracing::debug!("{}: {error}; a notice may be repeated", path.display());
            }
        }
        notice
    }

    /// Ends when all that waits has been sent, or `within` this time.
    pub async fn finish(mut self, within: Duration) {
        let (nobody, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.queue, nobody));
        if let Some(task) = &mut self.task
            && timeout(within, task).await.is_err()
        {
            self.warnings.add(Warning::WEBHOOK, "the webhook did not take all notices in time; the rest is dropped");
        }
    }

    fn send(&mut self, body: String) {
        if let Some((post, waiting)) = self.idle.take() {
            match Handle::try_current() {
                Ok(runtime) => self.task = Some(runtime.spawn(Clock::current().scope(post.run(waiting)))),
                Err(_) => self.idle = Some((post, waiting)),
            }
        }
        if self.queue.try_send(body).is_err() {
            let text = format!("the webhook does not keep up, {QUEUE} notices wait: this one is dropped");
            self.warnings.add(Warning::WEBHOOK, text);
        }
    }
}

impl Observer for Webhook {
    fn observe(&mut self, event: &Arc<Event>) {
        // That a reload went well is for the one who asked for it, not for a channel.
        // Nor is what is wrong with the channel: it would come of each attempt to say so.
        let own = matches!(&event.kind, Kind::Warning(warning) if warning.code == Warning::WEBHOOK);
        if own {
            return;
        }
        if let Some(notice) = self.notice(event).filter(|n| n.kind != NoticeKind::ConfigReloaded) {
            self.send(json!({ "text": escaped(&notice.text), "event": &**event }).to_string());
        }
    }
}

/// Text in which nothing is an instruction to Slack: a service's words must not mention a whole channel, nor link anywhere.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Drop for Webhook {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

impl Post {
    async fn run(self, mut waiting: mpsc::Receiver<String>) {
        while let Some(body) = waiting.recv().await {
            // A defect must not end this task: all later notices would be lost.
            match AssertUnwindSafe(self.deliver(body)).catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => {
                    self.warnings.add(Warning::WEBHOOK, format!("a notice could not be sent: {failure}"));
                }
                Err(panic) => {
                    let error = defect::text(&*panic);
                    let text =
                        format!("a notice could not be sent for a defect of autoscale, please report it: {error}");
                    self.warnings.add(Warning::DEFECT, text);
                }
            }
        }
    }

    async fn deliver(&self, body: String) -> Result<(), Failure> {
        let mut pause = self.first_pause;
        let mut attempt = 1;
        loop {
            let failure = match self.client.change(Method::POST, &self.path, body.clone(), None).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
                Ok(answer) => {
                    let text = self.client.status_text(&answer, Some("check [NOTIFICATIONS] webhook_url".into()));
                    return Err(Failure::new(FailureKind::Refused, text));
                }
                Err(failure) => failure,
            };
            if attempt == ATTEMPTS {
                return Err(failure);
            }
            let told = match failure.kind {
                FailureKind::RateLimited(wait) => wait,
                _ => Duration::ZERO,
            };
            sleep(told + pause.mul_f64(rand::random())).await;
            pause *= 2;
            attempt += 1;
        }
    }
}
