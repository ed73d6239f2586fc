//! An answer's body on the wire, whole or as a fault spoils it.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, Stream};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::call::Answer;
use super::fault::Kind;
use super::log::Read;

/// What hyper sends.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

const MIB: usize = 1 << 20;
/// MiB of a huge body.
const HUGE: usize = 256;
/// Between two bytes of a dripping body.
const DRIP: Duration = Duration::from_millis(200);

const HTML: &[u8] =
    b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>\n";
const SHAPE: &[u8] = br#"{"status":"ok","quantity":"many","results":{"time":[]},"check":7,"data":[1,[2,{"id":null}]]}"#;

/// The answer as a response, spoilt as `kind` says; compressed if it is whole and `gzip` is accepted.
pub(super) fn response(answer: Answer, kind: Option<Kind>, gzip: bool) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name.to_ascii_lowercase().parse::<http::HeaderName>().expect("a header's name"), value);
        }
    }
    let body = answer.body;
    let length = body.len();
    *response.body_mut() = match kind {
        Some(Kind::Truncated) => {
            headers.insert(CONTENT_LENGTH, length.into());
            frames(half(body))
        }
        Some(Kind::SlowBody) => {
            headers.insert(CONTENT_LENGTH, length.into());
            frames(drip(body))
        }
        Some(Kind::Huge) => frames(huge()),
        Some(Kind::Html) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            *response.status_mut() = StatusCode::OK;
            full(HTML.into())
        }
        Some(Kind::WrongShape) => {
            *response.status_mut() = StatusCode::OK;
            full(SHAPE.into())
        }
        _ if gzip && !body.is_empty() => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            full(zipped(&body).into())
        }
        _ => full(body.into()),
    };
    response
}

/// A log session: what it has now, and then what comes, asked for each `every`.
pub(super) fn stream(
    first: Option<Read>,
    as_events: bool,
    every: Duration,
    more: impl FnMut() -> Option<Read> + Send + 'static,
) -> Response<Body> {
    let chunks = stream::unfold((first, more), move |(first, mut more)| async move {
        let mut read = first;
        loop {
            match read {
                Some(Read::Lines(text)) if !text.is_empty() => {
                    let text = if as_events { events(&text) } else { text };
                    return Some((Ok(Bytes::from(text)), (Some(Read::Lines(String::new())), more)));
                }
                Some(Read::Lines(_)) => tokio::time::sleep(every).await,
                Some(Read::Ended) | None => return None,
            }
            read = more();
        }
    });
    let mut response = Response::new(frames(chunks));
    let kind = if as_events { "text/event-stream" } else { "text/plain" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Lines as events of a stream.
fn events(lines: &str) -> String {
    lines.lines().enumerate().map(|(id, line)| format!("id: {id}\ndata: {line}\n\n")).collect()
}

fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn frames(chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    use futures_util::StreamExt as _;
    StreamBody::new(chunks.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("a Vec takes all that is written")
}

/// The first half, and then the end of the connection. (The pause lets the half be sent before.)
fn half(mut body: Vec<u8>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    body.truncate(body.len() / 2);
    stream::unfold(Some(Bytes::from(body)), |state| async {
        match state {
            Some(first) => Some((Ok(first), None)),
            None => {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Some((Err(io::ErrorKind::ConnectionAborted.into()), None))
            }
        }
    })
}

fn drip(body: Vec<u8>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Bytes::from(body), |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(DRIP).await;
        let byte = left.split_to(1);
        Some((Ok(byte), left))
    })
}

/// The beginning of JSON that never ends: a text of `A`.
fn huge() -> impl Stream<Item = io::Result<Bytes>> + Send {
    let filler = Bytes::from(vec![b'A'; MIB]);
    stream::unfold(0, move |chunk| {
        let bytes = if chunk == 0 { Bytes::from_static(br#"{"results":[{"statusdesc":""#) } else { filler.clone() };
        async move { (chunk <= HUGE).then_some((Ok(bytes), chunk + 1)) }
    })
}
