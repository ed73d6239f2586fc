//! A call that came in and its answer, as values: what both APIs' routes are functions of. No sockets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// One whose head is this.
    pub(super) fn new(head: http::request::Parts, body: Bytes) -> Self {
        let query = head.uri.query().unwrap_or_default();
        Self {
            method: head.method,
            path: head.uri.path().trim_end_matches('/').to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: head.headers,
            body,
        }
    }

    /// A header's text; empty where it is absent.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The path between slashes.
    pub(super) fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }

    /// What `Authorization` holds.
    pub(super) fn credentials(&self) -> Credentials {
        let (scheme, rest) = self.header("authorization").split_once(' ').unwrap_or_default();
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Credentials::Bearer(rest.to_owned());
        }
        let decoded = BASE64.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|pair| pair.split_once(':')) {
            Some((user, password)) if scheme.eq_ignore_ascii_case("basic") => {
                Credentials::Basic(user.to_owned(), password.to_owned())
            }
            _ => Credentials::None,
        }
    }
}

/// Who a call says it is from.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Credentials {
    None,
    Bearer(String),
    Basic(String, String),
}

/// An answer: JSON, as long as no fault spoils it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Status 200 and this.
    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// This status and this.
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: serde_json::to_vec(body).expect("what is answered has a form in JSON"),
        }
    }

    /// With one more header.
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}
