//! From sockets to calls and back: accepts, lets a fault strike, hands the rest to the routes. No API is known here beyond
//! which side a port is.

use std::io;
use std::net::TcpStream as StdStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::body::{self, Body};
use super::call::{Answer, Call};
use super::clock::{Clock, http_date};
use super::fault::{Kind, RetryAfter};
use super::fault_injector::{Plan, Side};
use super::world::World;
use super::{heroku, pingdom, refusal};
use crate::model::time::Timestamp;

/// A request's body may be so long.
const LONGEST_REQUEST: usize = 1 << 20;

/// What the two ports and the ticker share.
#[derive(Debug)]
pub(super) struct Shared {
    clock: Clock,
    world: Mutex<World>,
}

/// Which API a port speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Api {
    Heroku,
    Pingdom,
}

impl Shared {
    pub(super) fn new(clock: Clock, world: World) -> Self {
        Self { clock, world: Mutex::new(world) }
    }

    /// Virtual now.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Brings the world to virtual now and works on it.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        world.advance(now);
        work(&mut world, now)
    }
}

/// The world lives on although nobody calls, until told to stop.
pub(super) async fn tick(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(Duration::from_millis(100)) => shared.with(|_, _| ()),
        }
    }
}

/// Serves one port until told to stop; then all its connections end.
pub(super) async fn serve(listener: TcpListener, api: Api, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, api, Arc::clone(&shared)))),
                // Out of file descriptors, or gone before it was accepted: others may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, api: Api, shared: Arc<Shared>) {
    let Ok((stream, handle)) = with_handle(stream) else { return };
    let (shared, handle) = (&shared, &handle);
    let service = service_fn(move |request| async move {
        match exchange(request, api, shared).await {
            Some(response) => Ok(response),
            None => {
                // Nothing lingers: closing the socket sends RST.
                let _ = socket2::SockRef::from(handle).set_linger(Some(Duration::ZERO));
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        }
    });
    // An error here is the client's going away, or a fault at work.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The stream, and a second handle on its socket, whose options they share.
fn with_handle(stream: TcpStream) -> io::Result<(TcpStream, StdStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let handle = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, handle))
}

/// One call and its answer; `None`: the connection is to be reset.
async fn exchange(request: Request<Incoming>, api: Api, shared: &Arc<Shared>) -> Option<Response<Body>> {
    let (head, incoming) = request.into_parts();
    let body = match Limited::new(incoming, LONGEST_REQUEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let answer = Answer::json(StatusCode::PAYLOAD_TOO_LARGE, &serde_json::json!({ "id": "too_large" }));
            return Some(body::response(answer, None, false));
        }
    };
    let call = Call::new(head, body);
    if call.path == "/_sandbox" && call.method == Method::GET {
        let report = shared.with(|world, _| world.report());
        return Some(body::response(Answer::ok(&report), None, false));
    }
    if let ["streams", id] = call.segments()[..]
        && call.method == Method::GET
    {
        return Some(log_stream(shared, id, call.header("accept").contains("text/event-stream")));
    }
    let (plan, answer) = shared.with(|world, now| carry_out(world, &call, api, now));
    match plan.kind {
        Some(Kind::Timeout | Kind::Silent) => std::future::pending().await,
        Some(Kind::Reset | Kind::Lost) => None,
        kind => {
            let zipped = api == Api::Pingdom && call.header("accept-encoding").contains("gzip");
            Some(body::response(answer, kind, zipped))
        }
    }
}

/// A log session as it goes on.
fn log_stream(shared: &Arc<Shared>, id: &str, as_events: bool) -> Response<Body> {
    let known = shared.with(|world, now| world.log.read(id, now));
    if known.is_none() {
        return body::response(refusal::error(404, "not_found", "The log session has expired."), None, false);
    }
    let shared = Arc::clone(shared);
    let id = id.to_owned();
    // Often enough for a second of the sandbox, and no more often than a machine can.
    let every =
        Duration::from_secs_f64(1.0 / shared.clock.speed()).clamp(Duration::from_millis(5), Duration::from_millis(50));
    body::stream(known, as_events, every, move || shared.with(|world, now| world.log.read(&id, now)))
}

/// Asks for the faults of a call, keeps count, and answers.
fn carry_out(world: &mut World, call: &Call, api: Api, now: Timestamp) -> (Plan, Answer) {
    let reads = matches!(call.method, Method::GET | Method::HEAD);
    let side = match api {
        Api::Pingdom => Side::Pingdom,
        Api::Heroku if reads => Side::HerokuRead,
        Api::Heroku => Side::HerokuPatch,
    };
    let segments = call.segments();
    let is_formation = matches!(segments[..], ["apps", _, "formation"] | ["apps", _, "formation", _]);
    world.reads += u64::from(side == Side::HerokuRead && is_formation);
    world.results_reads += u64::from(reads && matches!(segments[..], ["api", _, "results", _]));

    let elapsed = world.elapsed(now);
    let plan = world.injector.next(side, elapsed);
    world.faults += u64::from(plan.strikes());
    let shown = Timestamp::from_micros(now.as_micros().saturating_add(plan.skew * 1_000_000));
    let answer = match plan.kind {
        Some(Kind::Status(status)) => injected(api, status),
        Some(Kind::TooMany(form, seconds)) => {
            let again = shown + Duration::from_secs(u64::from(seconds));
            let text = match form {
                RetryAfter::Seconds => seconds.to_string(),
                RetryAfter::Date => http_date(again),
                RetryAfter::Epoch => again.as_secs().to_string(),
            };
            match api {
                Api::Heroku => refusal::too_many(&text),
                Api::Pingdom => pingdom::too_many(Some(&text)),
            }
        }
        _ if plan.replaces() => injected(api, 500),
        _ => match api {
            Api::Heroku => heroku::answer(world, call, &plan, now),
            Api::Pingdom => pingdom::answer(world, call, &plan, now),
        },
    };
    if side == Side::HerokuPatch && is_formation && !answer.status.is_success() {
        world.refused += 1;
    }
    let answer = answer.with("Date", http_date(shown));
    let answer = match api {
        Api::Heroku => {
            let id = world.uuid(&format!("request {} {}", now.as_micros(), world.reads));
            heroku::finish(answer, call, &plan, &id)
        }
        Api::Pingdom => answer.with("Server-Time", shown.as_secs()),
    };
    (plan, answer)
}

/// An error that a fault asks for, in the form of the API it strikes.
fn injected(api: Api, status: u16) -> Answer {
    let message = "The sandbox was asked for this fault.";
    match api {
        Api::Heroku => refusal::error(status, refusal::error_id(status), message),
        Api::Pingdom => pingdom::error(status, message),
    }
}
