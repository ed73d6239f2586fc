//! One log session: asked for, opened, and read line by line until it ends. What the lines mean is for `tail`.

use std::time::Duration;

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use crate::config;
use crate::engine::ports::{Failure, FailureKind};
use crate::http::{Client, HttpOptions, Peer, Redaction, json as bounded, secret_header};
use crate::targets::heroku::wire;

const PEER: Peer = Peer {
    name: "Heroku",
    section: "HEROKU_INFOS",
    address_key: "api_url",
    takes_ca_file: true,
    longest_body: Some(1 << 20),
    bucket: None,
    message: |body| wire::parse_error(body).map(|error| error.message),
};

/// The longest line that is read; a longer one is skipped. Logplex cuts lines at 10,000 bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Asks for log sessions.
pub(super) struct Sessions {
    client: Client,
    http: HttpOptions,
    ca_file: Option<std::path::PathBuf>,
    path: String,
    app: String,
    address: String,
}

/// An open session.
pub(super) struct Session {
    response: reqwest::Response,
    buffer: Vec<u8>,
    /// Is a line being skipped for its length?
    skipping: bool,
    idle: Duration,
}

impl Sessions {
    /// For the app of the configuration. Sends nothing yet.
    pub(super) fn new(heroku: &config::Heroku, http: &HttpOptions) -> Result<Self, Failure> {
        let refused = |text: &str| Failure::new(FailureKind::Refused, format!("[HEROKU_INFOS] {text}"));
        let api_key = heroku.api_key.as_ref().ok_or_else(|| refused("api_key is missing"))?;
        let bearer = secret_header(&format!("Bearer {}", api_key.expose()));
        let bearer = bearer.ok_or_else(|| refused("api_key holds a character that no key has"))?;
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(wire::ACCEPT)), (AUTHORIZATION, bearer)]);
        let client = Client::new(
            PEER,
            &heroku.api_url,
            heroku.ca_file.as_deref(),
            headers,
            api_key.expose(),
            Redaction::new([api_key]),
            http,
        )?;
        let path = format!("{}/log-sessions", wire::app_path(&heroku.app_name));
        let (app, ca_file) = (heroku.app_name.clone(), heroku.ca_file.clone());
        Ok(Self { client, http: http.clone(), ca_file, path, app, address: heroku.api_url.clone() })
    }

    /// Are they those of the same app, at the same address?
    pub(super) fn is_as(&self, other: &Self) -> bool {
        (&self.path, &self.address) == (&other.path, &other.address)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a session from now on: of the router alone, or of the whole log.
    pub(super) async fn open(&self, router_only: bool) -> Result<Session, Failure> {
        let body = if router_only {
            json!({ "source": "heroku", "dyno": "router", "tail": true, "lines": 0 })
        } else {
            json!({ "tail": true, "lines": 0 })
        };
        let answer = self.client.change(Method::POST, &self.path, body.to_string(), None).await?;
        if !(200..300).contains(&answer.status) {
            let app = &self.app;
            let mend = match answer.status {
                401 => "check [HEROKU_INFOS] api_key".into(),
                403 => format!(
                    "the key may not read the log of {app}: `heroku authorizations:create --scope \
                     read-protected,write-protected` gives one that may"
                ),
                404 => format!("check [HEROKU_INFOS] app_name: no {app} for this api_key"),
                _ => format!("no log session for {app}"),
            };
            let text = self.client.status_text(&answer, Some(mend));
            return Err(Failure::new(FailureKind::Refused, text));
        }
        #[derive(Deserialize)]
        struct Opened {
            logplex_url: String,
        }
        let malformed = |why: String| Failure::new(FailureKind::Transient, self.client.not_as_promised(&why));
        let opened: Opened = bounded::read(&answer.body, "a log session").map_err(malformed)?;
        // The address is a secret: whoever has it reads the log.
        let url = Url::parse(&opened.logplex_url).map_err(|_| malformed("a log session without an address".into()))?;
        let client = self.http.streaming_client(&url, self.ca_file.as_deref()).map_err(malformed)?;
        let request = client.get(url).header(ACCEPT, "text/event-stream, */*");
        let failed = |error: reqwest::Error| {
            Failure::new(FailureKind::Transient, format!("the log can't be read: {}", error.without_url()))
        };
        let late = || Failure::new(FailureKind::Transient, "the log session does not answer");
        let response = timeout(self.http.request_timeout(), request.send()).await.map_err(|_| late())?;
        let response = response.map_err(failed)?;
        if !response.status().is_success() {
            let text = format!("the log session answers {}", response.status().as_u16());
            return Err(Failure::new(FailureKind::Transient, text));
        }
        // A quiet log may say nothing for long; a connection that is gone says nothing for ever.
        let idle = self.http.timeout(600.0);
        Ok(Session { response, buffer: Vec::new(), skipping: false, idle })
    }
}

impl Session {
    /// Reads what comes next, and gives each whole line. `false`: the session has ended.
    pub(super) async fn next(&mut self, mut line: impl FnMut(&[u8])) -> bool {
        let chunk = match timeout(self.idle, self.response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            // It ended, broke off, or was silent for too long.
            Ok(Ok(None) | Err(_)) | Err(_) => return false,
        };
        let mut rest = &chunk[..];
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            if std::mem::take(&mut self.skipping) {
                self.buffer.clear();
            } else if self.buffer.is_empty() {
                line(event_data(head));
            } else {
                self.buffer.extend_from_slice(head);
                line(event_data(&self.buffer));
                self.buffer.clear();
            }
            rest = tail;
        }
        if self.skipping || self.buffer.len() + rest.len() > LONGEST_LINE {
            self.buffer.clear();
            self.skipping = true;
        } else {
            self.buffer.extend_from_slice(rest);
        }
        true
    }
}

/// A line as it is, or the data of an event of the stream.
fn event_data(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let data = line.strip_prefix(b"data:").map(|data| data.strip_prefix(b" ").unwrap_or(data));
    data.unwrap_or(line)
}
