//! The Pingdom client over real HTTP, against a server that plays a script.

use std::time::{Duration, Instant, SystemTime};

use autoscale_core::config::{Pingdom, PingdomVersion, Secret};
use autoscale_core::http::HttpOptions;
use autoscale_core::pingdom::PingdomResults;
use autoscale_core::ports::{Failure, FailureKind, MetricSource, Reading};
use autoscale_core::time::Timestamp;

use crate::support::LONG;
use crate::support::clients::patient;
use crate::support::log::Log;
use crate::support::scripted::{Answer, Fault, Server, nobody};

const TOKEN: &str = "pd-t0ken-never-shown";
const RESULTS: &[u8] = include_bytes!("../fixtures/pingdom/results-3.1.json");
const FROM: Timestamp = Timestamp::from_secs(1_780_000_000);
const TO: Timestamp = Timestamp::from_secs(1_780_001_000);

fn config(url: &str) -> Pingdom {
    Pingdom {
        api_key: Some(Secret::new(TOKEN)),
        login: Some("ops@shop.example".into()),
        password: Some(Secret::new("pa55word-never-shown")),
        check_id: Some(85975),
        api_version: PingdomVersion::V3_1,
        api_url: url.into(),
        ca_file: None,
    }
}

fn client(url: &str) -> PingdomResults {
    PingdomResults::new(&config(url), &patient()).unwrap()
}

async fn read(server: &Server) -> Result<Reading, Failure> {
    client(&server.url).samples(FROM, TO).await
}

/// A server that always answers the same, what comes of a read, and how many requests it took.
async fn always(answer: impl Into<Answer>) -> (Failure, usize) {
    let log = Log::listen();
    let answer = answer.into();
    let server = Server::start(move |_, _| answer.clone()).await;
    let failure = read(&server).await.unwrap_err();
    assert!(!log.text().contains("never-shown"), "{}", log.text());
    (failure, server.count("GET"))
}

#[tokio::test]
async fn results_come_with_the_services_own_time() {
    let server = Server::start(|_, _| Answer::new(200, RESULTS).header("Server-Time", 1_780_000_905)).await;
    let reading = read(&server).await.unwrap();
    assert_eq!(reading.samples.len(), 7);
    assert_eq!(reading.server_time, Some(Timestamp::from_secs(1_780_000_905)));
    let request = &server.requests()[0];
    assert_eq!(request.target, "/api/3.1/results/85975?from=1780000000&to=1780001000&limit=1000&offset=0");
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(request.headers["user-agent"], concat!("libautoscale/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.headers["accept-encoding"], "gzip");
    assert_eq!(request.headers["request-id"].len(), 36);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn date_stands_in_for_server_time() {
    let server = Server::start(|_, _| Answer::new(200, RESULTS).header("Date", "Thu, 15 Nov 2012 18:11:23 GMT")).await;
    assert_eq!(read(&server).await.unwrap().server_time, Some(Timestamp::from_secs(1_353_003_083)));
}

#[tokio::test]
async fn version_2_1_sends_app_key_and_basic() {
    let server = Server::start(|_, _| Answer::new(200, RESULTS)).await;
    let config = Pingdom { api_version: PingdomVersion::V2_1, ..config(&server.url) };
    let reading = PingdomResults::new(&config, &patient()).unwrap().samples(FROM, TO).await.unwrap();
    assert_eq!(reading.samples.len(), 7);
    let request = &server.requests()[0];
    assert!(request.target.starts_with("/api/2.1/results/85975?"), "{}", request.target);
    assert_eq!(request.headers["app-key"], TOKEN);
    assert_eq!(request.headers["authorization"], "Basic b3BzQHNob3AuZXhhbXBsZTpwYTU1d29yZC1uZXZlci1zaG93bg==");
}

#[tokio::test]
async fn a_key_that_is_missing_or_broken_is_named() {
    let refusal = |config: Pingdom| PingdomResults::new(&config, &patient()).unwrap_err();
    let text = |config| refusal(config).text;
    let valid = || config("https://api.pingdom.com");
    assert_eq!(refusal(Pingdom { api_key: None, ..valid() }).kind, FailureKind::Refused);
    assert_eq!(text(Pingdom { api_key: None, ..valid() }), "[PINGDOM_INFOS] api_key is missing");
    assert_eq!(text(Pingdom { check_id: None, ..valid() }), "[PINGDOM_INFOS] check_id is missing");
    let old = Pingdom { api_version: PingdomVersion::V2_1, ..valid() };
    assert_eq!(text(Pingdom { login: None, ..old.clone() }), "[PINGDOM_INFOS] login is missing");
    assert_eq!(text(Pingdom { password: None, ..old }), "[PINGDOM_INFOS] password is missing");
    let broken = Pingdom { api_key: Some(Secret::new("two\nlines")), ..valid() };
    assert_eq!(text(broken), "[PINGDOM_INFOS] api_key holds a character that no key has");
    let no_roots = Pingdom { ca_file: Some("/nonexistent/ca.pem".into()), ..valid() };
    assert!(text(no_roots).starts_with("[PINGDOM_INFOS] ca_file: /nonexistent/ca.pem: "));
}

#[tokio::test]
async fn a_read_that_fails_once_is_tried_again() {
    let broken = [
        Answer::new(503, "busy"),
        Answer::new(500, ""),
        Fault::Reset.into(),
        Fault::Close.into(),
        Answer::new(200, RESULTS).fault(Fault::Half),
        Answer::new(200, "<html>not JSON</html>"),
        Answer::new(200, vec![b' '; 9 << 20]),
    ];
    for first in broken {
        let name = format!("{first:.60?}");
        let server = Server::start(move |_, n| if n == 0 { first.clone() } else { Answer::new(200, RESULTS) }).await;
        let reading = read(&server).await;
        assert_eq!(reading.map(|r| r.samples.len()), Ok(7), "{name}");
        assert_eq!(server.count("GET"), 2, "{name}");
    }
}

#[tokio::test]
async fn a_read_that_keeps_failing_ends_after_four_attempts_and_says_why() {
    for (answer, text) in [
        (Answer::new(503, "busy"), "Pingdom answered 503"),
        (
            Answer::new(502, r#"{"error":{"statuscode":502,"errormessage":"upstream\n of pd-t0ken-never-shown"}}"#),
            "Pingdom answered 502 (upstream of [secret])",
        ),
        (Fault::Reset.into(), "the connection to Pingdom broke: Connection reset by peer"),
        (Fault::Close.into(), "the connection to Pingdom broke: connection closed before message completed"),
        (
            Answer::new(200, RESULTS).fault(Fault::Half),
            "the connection to Pingdom broke: end of file before message length reached",
        ),
        (
            Answer::new(200, "<html>"),
            "Pingdom's answer is not as its API says: not the JSON of a list of results: expected value at line 1 column 1",
        ),
        (Answer::new(200, vec![b' '; 9 << 20]), "Pingdom's answer is larger than 8 MiB"),
        (
            Answer::new(200, include_bytes!("../fixtures/pingdom/bomb.json.gz")).header("content-encoding", "gzip"),
            "Pingdom's answer is larger than 8 MiB",
        ),
    ] {
        if cfg!(windows) && text.contains("reset by peer") {
            continue; // Windows has words of its own.
        }
        let (failure, requests) = always(answer).await;
        assert_eq!(failure, Failure::new(FailureKind::Transient, text));
        assert_eq!(requests, 4, "{text}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_said_with_the_address() {
    let url = nobody().await;
    let failure = client(&url).samples(FROM, TO).await.unwrap_err();
    // Windows has words of its own.
    let cause = if cfg!(windows) { failure.text.rsplit(": ").next().unwrap() } else { "Connection refused" };
    let text = format!("Pingdom could not be reached at {url}: {cause}");
    assert_eq!(failure, Failure::new(FailureKind::Transient, text));
}

#[tokio::test]
async fn slow_drip_and_silence_end_at_the_time_out_within_the_deadline() {
    for fault in [Fault::Drip, Fault::Silence] {
        let server = Server::start(move |_, _| Answer::new(200, RESULTS).fault(fault)).await;
        let (min_timeout, deadline) = (Duration::from_secs(2), Duration::from_millis(2_500));
        let options = HttpOptions { min_timeout, deadline, ..patient() };
        let mut client = PingdomResults::new(&config(&server.url), &options).unwrap();
        let read = tokio::time::timeout(LONG, client.samples(FROM, TO)).await;
        let failure = read.expect("an end").unwrap_err();
        // A second attempt has only what is left of the deadline, and says so.
        assert_eq!(failure.kind, FailureKind::Transient);
        assert!(failure.text.starts_with("Pingdom did not answer within "), "{failure}");
        assert!(server.count("GET") <= 2);
    }
}

#[tokio::test]
async fn a_refusal_is_not_tried_again_and_names_the_key_to_mend() {
    let forbidden: &[u8] = include_bytes!("../fixtures/pingdom/error-403.json");
    let unauthorized = r#"{"error":{"statuscode":401,"errormessage":"no such token: pd-t0ken-never-shown"}}"#;
    for (answer, text) in [
        (Answer::new(401, ""), "Pingdom answered 401: check [PINGDOM_INFOS] api_key"),
        (
            Answer::new(401, unauthorized),
            "Pingdom answered 401 (no such token: [secret]): check [PINGDOM_INFOS] api_key",
        ),
        (
            Answer::new(403, forbidden),
            "Pingdom answered 403 (Insufficient permission for this check): \
             check [PINGDOM_INFOS] api_key (may it read this check?) and check_id",
        ),
        (Answer::new(404, ""), "Pingdom answered 404: check [PINGDOM_INFOS] check_id"),
        (
            Answer::new(301, "").header("location", "https://elsewhere.example/"),
            "Pingdom answered 301, a redirect, which is not followed: check [PINGDOM_INFOS] api_url",
        ),
    ] {
        let (failure, requests) = always(answer).await;
        assert_eq!(failure, Failure::new(FailureKind::Refused, text));
        assert_eq!(requests, 1, "{text}");
    }
}

#[tokio::test]
async fn a_short_wait_after_429_is_waited_for_however_it_is_told() {
    // At a hundred times the speed, 30 s are 0.3 s.
    type Form = fn(SystemTime) -> String;
    let forms: [(&str, Form); 3] = [
        ("seconds", |_| "30".to_owned()),
        ("a date", httpdate),
        ("an epoch", |at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string()),
    ];
    for (form, told) in forms {
        let server = Server::start(move |_, n| match n {
            0 => Answer::new(429, "").header("retry-after", told(SystemTime::now() + Duration::from_secs(31))),
            _ => Answer::new(200, RESULTS),
        })
        .await;
        let started = Instant::now();
        assert_eq!(read(&server).await.map(|r| r.samples.len()), Ok(7), "{form}");
        assert!(started.elapsed() >= Duration::from_millis(250), "{form}: {:?}", started.elapsed());
        assert_eq!(server.count("GET"), 2, "{form}");
    }
}

fn httpdate(at: SystemTime) -> String {
    let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let at = jiff::Timestamp::from_second(at.try_into().unwrap()).unwrap();
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn after_429_nobody_on_the_token_sends_before_the_time_told() {
    let server = Server::start(|_, _| Answer::new(429, "").header("retry-after", 600)).await;
    let options = HttpOptions::default();
    let read =
        async |config: &Pingdom| PingdomResults::new(config, &options).unwrap().samples(FROM, TO).await.unwrap_err();
    let same = config(&server.url);
    let first = read(&same).await;
    assert_eq!(first.kind, FailureKind::RateLimited(Duration::from_secs(600)));
    assert_eq!(first.text, "Pingdom's rate limit is reached (429); not asked again for 10 min");
    assert_eq!(server.count("GET"), 1);
    let second = read(&Pingdom { check_id: Some(7), ..same.clone() }).await;
    assert!(matches!(second.kind, FailureKind::RateLimited(left) if left > Duration::from_secs(500)), "{second:?}");
    assert_eq!(server.count("GET"), 1);
    read(&Pingdom { api_key: Some(Secret::new("another")), ..same }).await;
    assert_eq!(server.count("GET"), 2);
}

#[tokio::test]
async fn a_compressed_answer_is_understood() {
    let answer = Answer::new(200, include_bytes!("../fixtures/pingdom/results-3.1.json.gz"));
    let answer = answer.header("content-encoding", "gzip");
    let server = Server::start(move |_, _| answer.clone()).await;
    assert_eq!(read(&server).await.unwrap().samples.len(), 7);
}

/// `count` results, newest first, a minute apart.
fn results(count: usize, offset: usize) -> String {
    let result = |i: usize| {
        let time = 1_780_000_000 + (count - i) * 60;
        format!(r#"{{"probeid":{},"time":{time},"status":"up","responsetime":{}}}"#, i % 2, 100 + i)
    };
    let page: Vec<_> = (offset..count.min(offset + 1000)).map(result).collect();
    format!(r#"{{"results":[{}]}}"#, page.join(","))
}

#[tokio::test]
async fn a_window_of_more_than_1000_results_is_read_page_by_page_each_once() {
    // Another result comes in after each page, and shifts the rest by one.
    let server = Server::start(|request, n| {
        let offset: usize = request.query("offset").parse().unwrap();
        let shifted = results(2500, offset.saturating_sub(n));
        Answer::new(200, shifted)
    })
    .await;
    let reading = read(&server).await.unwrap();
    let mut times: Vec<_> = reading.samples.iter().map(|s| s.at).collect();
    times.sort();
    times.dedup();
    assert_eq!((reading.samples.len(), times.len()), (2500, 2500));
    let offsets: Vec<_> = server.requests().iter().map(|r| r.query("offset").to_owned()).collect();
    assert_eq!(offsets, ["0", "1000", "2000"]);
}

#[tokio::test]
async fn paging_ends_where_a_server_repeats_itself_and_at_the_last_offset() {
    let server = Server::start(|_, _| Answer::new(200, results(1000, 0))).await;
    assert_eq!(read(&server).await.unwrap().samples.len(), 1000);
    assert_eq!(server.count("GET"), 2);

    let server =
        Server::start(|request, _| Answer::new(200, results(60_000, request.query("offset").parse().unwrap()))).await;
    let reading = client(&server.url).samples(FROM, TO).await.unwrap();
    assert_eq!((reading.samples.len(), server.count("GET")), (44_000, 44));
}

#[tokio::test]
async fn the_resolution_of_the_check_is_read() {
    let server = Server::start(|_, _| Answer::new(200, include_bytes!("../fixtures/pingdom/check.json"))).await;
    assert_eq!(client(&server.url).resolution().await, Ok(Duration::from_secs(300)));
    assert_eq!(server.requests()[0].target, "/api/3.1/checks/85975");
}

#[tokio::test]
async fn results_that_could_not_be_read_and_a_low_budget_are_warned_of() {
    let log = Log::listen();
    let body = include_bytes!("../fixtures/pingdom/results-one-malformed.json");
    let server = Server::start(move |_, _| {
        Answer::new(200, body).header("Req-Limit-Short", "Remaining: 12 Time until reset: 3589")
    })
    .await;
    let mut client = client(&server.url);
    client.samples(FROM, TO).await.unwrap();
    client.samples(FROM, TO).await.unwrap();
    let unread = "Pingdom: 1 of 3 results could not be read; left out";
    let low = "Pingdom: only 12 requests are left for the next 60 min (Req-Limit-Short), for all that use this token";
    assert_eq!(log.warnings(), [low, unread, unread]);
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let shown = format!("{:?} {:?} {:?}", client("https://api.pingdom.com"), config("x"), patient());
    assert!(!shown.contains("never-shown"), "{shown}");
}
