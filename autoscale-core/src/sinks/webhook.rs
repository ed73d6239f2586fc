//! Notices to a webhook: a POST of `{"text": …, "event": {…}}`, which Slack and its like understand. Sent by a task of
//! its own, so that no check ever waits for it. What is worth a notice is known to [`crate::sinks::notices`], what waits
//! and what is to be tried again to [`crate::sinks::outbox`].

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{HeaderMap, Method};
use reqwest::Url;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::config::Secret;
use crate::engine::ports::{Failure, FailureKind, Observer};
use crate::engine::{Warnings, defect};
use crate::http::{Client, HttpOptions, Peer, Redaction};
use crate::model::event::{Event, Kind};
use crate::model::warning::Warning;
use crate::sinks::notices::{Notice, NoticeKind};
use crate::sinks::outbox::{MOST, Outbox};

const PEER: Peer = Peer {
    name: "the webhook",
    section: "NOTIFICATIONS",
    address_key: "webhook_url",
    takes_ca_file: false,
    longest_body: None,
    bucket: None,
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

/// Attempts at a new notice; one that has been tried in vain has one a check.
const ATTEMPTS: u32 = 5;
/// Longest pause before the second attempt, seconds; doubled before each further one.
const FIRST_PAUSE_S: f64 = 2.0;

/// Posts notices to a webhook.
pub struct Webhook {
    outbox: Outbox,
    idle: Option<Post>,
    task: Option<JoinHandle<()>>,
    warnings: Warnings,
}

/// Where notices go.
struct Post {
    client: Client,
    path: String,
    first_pause: Duration,
    outbox: Outbox,
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
        let outbox = Outbox::default();
        let first_pause = options.scaled(FIRST_PAUSE_S, 0.0);
        let post = Post { client, path, first_pause, outbox: outbox.clone(), warnings: warnings.clone() };
        Ok(Self { outbox, idle: Some(post), task: None, warnings: warnings.clone() })
    }

    /// Remembers in a file, beyond the end of the process, what was told and what could not be delivered: what is told
    /// once is told once also by a process a check.
    pub fn remembering(self, path: PathBuf) -> Self {
        self.outbox.keep_in(path);
        self
    }

    /// Sends from now on what `earlier`, of the configuration before, has not sent.
    pub fn take_over(&mut self, earlier: &Self) {
        self.outbox = earlier.outbox.handed_over();
        if let Some(post) = &mut self.idle {
            post.outbox = self.outbox.clone();
        }
    }

    /// Ends when all that waits has been sent or tried in vain, or `within` this time.
    pub async fn finish(mut self, within: Duration) {
        self.outbox.close();
        if let Some(task) = &mut self.task
            && timeout(within, task).await.is_err()
        {
            let rest = if self.outbox.is_kept() { "is tried again while it holds" } else { "is dropped" };
            let text = format!("the webhook did not take all notices in time; the rest {rest}");
            self.warnings.add(Warning::WEBHOOK, text);
        }
    }

    fn start(&mut self) {
        if let Some(post) = self.idle.take() {
            match Handle::try_current() {
                Ok(runtime) => self.task = Some(runtime.spawn(Clock::current().scope(post.run()))),
                Err(_) => self.idle = Some(post),
            }
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
        let is_told = |notice: &Notice| notice.kind != NoticeKind::ConfigReloaded;
        let body = |notice: &Notice| json!({ "text": escaped(&notice.text), "event": &**event }).to_string();
        if !self.outbox.note(event, is_told, body) {
            let text = format!("the webhook does not keep up, {MOST} notices wait: this one is dropped");
            self.warnings.add(Warning::WEBHOOK, text);
        }
        self.start();
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
    async fn run(self) {
        while let Some(letter) = self.outbox.next().await {
            let tried = letter.tried;
            let attempts = if tried { 1 } else { ATTEMPTS };
            // A defect must not end this task: all later notices would be lost.
            match AssertUnwindSafe(self.deliver(letter.body.clone(), attempts)).catch_unwind().await {
                Ok(Ok(())) => letter.delivered(),
                Ok(Err(failure)) => {
                    let text = format!("a notice could not be sent, and is tried again while it holds: {failure}");
                    if tried {
                        tracing::debug!("{text}");
                    } else {
                        self.warnings.add(Warning::WEBHOOK, text);
                    }
                }
                Err(panic) => {
                    // It would come of each attempt.
                    letter.delivered();
                    let error = defect::text(&*panic);
                    let text =
                        format!("a notice could not be sent for a defect of autoscale, please report it: {error}");
                    self.warnings.add(Warning::DEFECT, text);
                }
            }
        }
    }

    async fn deliver(&self, body: String, attempts: u32) -> Result<(), Failure> {
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
            if attempt == attempts {
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
