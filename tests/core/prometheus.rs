//! The Prometheus source over real HTTP, against a server that plays bodies which a real one gave; and, where it is asked
//! for, against a real server. See `tests/fixtures/README.md` for where the bodies are from.

use std::time::Duration;

use autoscale_core::workspace::config::{Overrides, Secret, parse};
use autoscale_core::workspace::ports::{Failure, FailureKind, MetricSource, Reading};
use autoscale_core::workspace::prometheus::{Prometheus, PrometheusSeries, Unit};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;

use crate::support::clients::patient;
use crate::support::log::Log;
use crate::support::scripted::{Answer, Request, Server};

const FROM: Timestamp = Timestamp::from_secs(1_795_757_322);
const TO: Timestamp = Timestamp::from_secs(1_795_757_344);

macro_rules! body {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/prometheus/", $name))
    };
}

fn config(url: &str) -> Prometheus {
    Prometheus {
        url: Some(url.into()),
        query: Some("probe_duration_seconds{target=\"a\"}".into()),
        unit: Unit::Seconds,
        up_query: None,
        step: Duration::from_secs(1),
        token: Some(Secret::new("t0ken-never-shown")),
        user: None,
        password: None,
        ca_file: None,
    }
}

async fn read(config: Prometheus) -> (Result<Reading, Failure>, Vec<String>) {
    let mut source = PrometheusSeries::new(&config, &patient()).unwrap();
    let reading = source.samples(FROM, TO).await;
    (reading, source.warnings().into_iter().map(|warning| warning.text).collect())
}

/// A server with these answers to a query and to its times.
async fn server(value: &'static [u8], times: &'static [u8]) -> Server {
    let is_times = |request: &Request| request.query("query").starts_with("timestamp%28");
    Server::start(move |request, _| Answer::new(200, if is_times(request) { times } else { value })).await
}

async fn refusal(status: u16, body: &'static [u8]) -> Failure {
    let log = Log::listen();
    let server = Server::start(move |_, _| Answer::new(status, body)).await;
    let failure = read(config(&server.url)).await.0.unwrap_err();
    assert!(!log.text().contains("never-shown") && !failure.text.contains("never-shown"), "{}", log.text());
    failure
}

/// Time and ms, rounded; `None` for a time-out.
fn told(samples: &[Sample]) -> Vec<(i64, Option<i64>)> {
    samples.iter().map(|sample| (sample.at.as_secs(), sample.up_ms().map(|ms| ms.round() as i64))).collect()
}

#[tokio::test]
async fn each_scrape_is_one_sample_at_its_own_time() {
    let server = server(body!("range.json"), body!("times.json")).await;
    let reading = read(config(&server.url)).await.0.unwrap();
    // The server repeats each value until the next scrape, two steps later.
    let expected =
        [(326, 300), (328, 320), (330, 340), (332, 360), (334, 380), (336, 400), (338, 420), (340, 440), (342, 460)];
    let expected: Vec<_> = expected.iter().map(|(s, ms)| (1_795_757_000 + s, Some(*ms))).collect();
    assert_eq!(told(&reading.samples), expected);
    let requests = server.requests();
    assert_eq!(requests[0].query("query"), "timestamp%28probe%5Fduration%5Fseconds%7Btarget%3D%22a%22%7D%29");
    assert_eq!(
        (requests[0].query("start"), requests[0].query("end"), requests[0].query("step")),
        ("1795757322", "1795757344", "1")
    );
    assert!(requests.iter().all(|request| request.headers["authorization"] == "Bearer t0ken-never-shown"));
}

#[tokio::test]
async fn a_step_at_which_the_app_was_down_is_a_time_out_and_nothing_else() {
    let server = Server::start(|request, _| {
        let body: &[u8] =
            match (request.query("query").contains("success"), request.query("query").contains("timestamp")) {
                (true, true) => body!("up-times.json"),
                (true, false) => body!("up.json"),
                (false, true) => body!("times.json"),
                (false, false) => body!("range.json"),
            };
        Answer::new(200, body)
    })
    .await;
    let config = Prometheus { up_query: Some("probe_success{target=\"a\"}".into()), ..config(&server.url) };
    let mut samples = read(config).await.0.unwrap().samples;
    samples.sort_by(Sample::order);
    let downs: Vec<_> =
        told(&samples).into_iter().filter(|(_, ms)| ms.is_none()).map(|(at, _)| at - 1_795_757_000).collect();
    assert_eq!(downs, [330, 332, 334]);
    assert_eq!(samples.len(), 9, "no step is both: {:?}", told(&samples));
}

#[tokio::test]
async fn nan_and_infinity_measure_nothing_and_a_scalar_has_no_times() {
    let nothing = server(body!("nan.json"), body!("times.json")).await;
    assert_eq!(read(config(&nothing.url)).await.0.unwrap().samples, []);
    let infinite = server(body!("warning.json"), body!("times.json")).await;
    assert_eq!(read(config(&infinite.url)).await.0.unwrap().samples, []);
    let scalar = Server::start(|request, _| match request.query("query").starts_with("timestamp") {
        true => Answer::new(400, body!("error-timestamp-of-scalar.json")),
        false => Answer::new(200, body!("scalar.json")),
    })
    .await;
    let samples = read(config(&scalar.url)).await.0.unwrap().samples;
    assert_eq!((samples.len(), samples[0].up_ms()), (23, Some(1500.0)));
}

#[tokio::test]
async fn milliseconds_are_taken_as_they_are_and_a_user_is_sent_with_a_password() {
    let server = server(body!("range.json"), body!("times.json")).await;
    let (user, password) = (Some("ops".into()), Some(Secret::new("pa55word-never-shown")));
    let config = Prometheus { unit: Unit::Milliseconds, token: None, user, password, ..config(&server.url) };
    let samples = read(config).await.0.unwrap().samples;
    assert_eq!(samples[0].up_ms(), Some(0.3));
    assert_eq!(server.requests()[0].headers["authorization"], "Basic b3BzOnBhNTV3b3JkLW5ldmVyLXNob3du");
}

#[tokio::test]
async fn several_series_or_none_are_a_problem_that_says_what_to_do() {
    let several = server(body!("several.json"), body!("several.json")).await;
    let failure = read(config(&several.url)).await.0.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    let text = "[PROMETHEUS] query gives several series, {__name__=\"pages_seconds\", instance=\"127.0.0.1:39415\", \
                job=\"shop\", page=\"/\"}, {__name__=\"pages_seconds\", instance=\"127.0.0.1:39415\", job=\"shop\", \
                page=\"/cart\"}: name the one that is meant by its labels, or join them, as max(…) does";
    assert_eq!(failure.text, text);
    let none = server(body!("empty.json"), body!("empty.json")).await;
    let failure = read(config(&none.url)).await.0.unwrap_err();
    assert!(failure.text.starts_with("Prometheus has no series for [PROMETHEUS] query in the time"), "{failure}");
}

#[tokio::test]
async fn a_refusal_names_the_key_to_mend_and_passes_on_what_the_server_says() {
    let failure = refusal(400, body!("error-400.json")).await;
    let text = "Prometheus answered 400 (1:6: parse error: unclosed left parenthesis): check [PROMETHEUS] query";
    assert_eq!((failure.kind, failure.text.as_str()), (FailureKind::Refused, text));
    let failure = refusal(200, body!("error-400.json")).await;
    let text = "Prometheus refuses [PROMETHEUS] query: 1:6: parse error: unclosed left parenthesis";
    assert_eq!((failure.kind, failure.text.as_str()), (FailureKind::Refused, text));
    let text = refusal(401, b"").await.text;
    assert_eq!(text, "Prometheus answered 401: check [PROMETHEUS] token, or user and password");
    let text = refusal(404, b"").await.text;
    assert_eq!(text, "Prometheus answered 404: check [PROMETHEUS] url: it is the address before /api/v1");
    let failure = refusal(503, br#"{"status":"error","errorType":"timeout","error":"query timed out"}"#).await;
    assert_eq!(
        (failure.kind, failure.text.as_str()),
        (FailureKind::Transient, "Prometheus answered 503 (query timed out)")
    );
}

#[tokio::test]
async fn what_no_server_should_send_is_an_error_and_takes_no_memory() {
    let many = format!("[{}]", vec!["[1795757327,\"1\"]"; 10_002].join(","));
    let labels: String = (0..1000).map(|n| format!("\"label{n}\":\"{}\",", "x".repeat(1000))).collect();
    let with = |metric: &str, values: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{{metric}}},"values":{values}}}]}}}}"#
        )
    };
    for (name, body) in [
        ("many values", with("", &many)),
        ("no number", with("", "[[1795757327,\"five\"]]")),
        ("no time", with("", "[[\"x\",\"1\"]]")),
        ("a vector", r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#.into()),
        ("no data", r#"{"status":"success"}"#.into()),
        ("a page", "<html>".into()),
    ] {
        let server = Server::start(move |_, _| Answer::new(200, body.clone())).await;
        let failure = read(config(&server.url)).await.0.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{name}: {failure}");
        assert!(failure.text.chars().count() < 600, "{name}: {failure}");
    }
    let labels = with(labels.trim_end_matches(','), "[[1795757327,\"1e999\"],[1795757328,\"1\"]]");
    let server = Server::start(move |_, _| Answer::new(200, labels.clone())).await;
    let samples = read(config(&server.url)).await.0.unwrap().samples;
    assert!(samples.len() <= 2, "{samples:?}");
}

#[tokio::test]
async fn what_the_server_warns_of_is_told_once() {
    let body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1795757327,"1"]]}]},"warnings":["remote_read: connection refused"]}"#;
    let server = Server::start(move |_, _| Answer::new(200, body)).await;
    let mut source = PrometheusSeries::new(&config(&server.url), &patient()).unwrap();
    source.samples(FROM, TO).await.unwrap();
    source.samples(FROM, TO).await.unwrap();
    let told: Vec<_> = source.warnings().into_iter().map(|warning| warning.text).collect();
    assert_eq!(told, ["Prometheus warns of [PROMETHEUS] query: remote_read: connection refused"]);
}

fn problems(section: &str) -> Vec<String> {
    let text = format!(
        "[HEROKU_INFOS]\napp_name: shop\napi_key: k\n[AUTOSCALE_SETTINGS]\nmetric_source: prometheus\n[PROMETHEUS]\n{section}"
    );
    match parse(&text, &Overrides::default()) {
        Ok(parsed) => parsed.config.unready(&parsed.warnings).iter().map(ToString::to_string).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_section_that_can_not_be_used_says_each_fault() {
    let good = "url: http://10.0.0.7:9090/prometheus/\nquery: max(probe_duration_seconds{job=\"a; b\"})\n";
    assert_eq!(problems(good), [""; 0]);
    let secret = problems(&format!("{good}token: t"));
    assert_eq!(secret.len(), 1, "{secret:?}");
    assert!(secret[0].contains("would send the token or password unencrypted"), "{secret:?}");
    let lacks = problems("user: ops");
    for key in ["url", "query", "password"] {
        assert!(lacks.iter().any(|problem| problem.contains(&format!("[PROMETHEUS] {key}"))), "{key}: {lacks:?}");
    }
    let both = problems("url: https://p.example.com\nquery: q\ntoken: t\nuser: u\npassword: p\nunit: minutes\nstep: 0");
    for word in ["beside a token", "\"minutes\" is not known: give s or ms", "\"0\" is too small"] {
        assert!(both.iter().any(|problem| problem.contains(word)), "{word}: {both:?}");
    }
}
