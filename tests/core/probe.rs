//! The program's own outside check over real HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use autoscale_core::workspace::config;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::{FailureKind, MetricSource};
use autoscale_core::workspace::probe::Probe;
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;

use crate::support::scripted::{Answer, Fault, Server, nobody};
use crate::support::{LONG, until};

const NOW: Timestamp = Timestamp::from_secs(1_780_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// A test each `every_ms`.
fn probe_each(url: &str, every_ms: u64, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Probe {
    probe_within(url, LONG, every_ms, clock)
}

fn probe_within(
    url: &str,
    timeout: Duration,
    every_ms: u64,
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
) -> Probe {
    let every = Duration::from_millis(every_ms);
    let config = config::ProbeSettings { url: Some(url.into()), timeout, every, ca_file: None };
    Probe::new(&config, HOUR, clock, &HttpOptions::default()).unwrap()
}

/// What the first test says.
async fn first(url: &str) -> Sample {
    first_within(url, LONG).await
}

async fn first_within(url: &str, timeout: Duration) -> Sample {
    let samples = probe_within(url, timeout, 600_000, || NOW).samples(NOW - HOUR, NOW).await.unwrap().samples;
    let [sample] = samples[..] else { panic!("{samples:?}") };
    assert_eq!(sample.at, NOW);
    sample
}

#[tokio::test]
async fn the_first_read_waits_for_the_first_result() {
    let server = Server::start(|_, _| Answer::new(200, "hello")).await;
    assert_eq!(first(&server.url).await.status().name(), "up");
    assert_eq!(server.count("GET"), 1);
    let headers = &server.requests()[0].headers;
    assert_eq!(headers["user-agent"], concat!("libautoscale/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn names_beyond_ascii_are_known_in_the_form_that_servers_know() {
    probe_each("https://xn--bcher-kva.example/straße", 60_000, || NOW);
}

#[tokio::test]
async fn the_whole_page_counts() {
    // 8 bytes, 50 ms each.
    let server = Server::start(|_, _| Answer::new(200, "somewhat").fault(Fault::Drip)).await;
    let ms = first(&server.url).await.up_ms().unwrap();
    assert!((350.0..LONG.as_secs_f64() * 1e3).contains(&ms), "{ms}");
}

#[tokio::test]
async fn redirects_are_followed_as_a_browser_does() {
    let server = Server::start(|request, _| match request.target.as_str() {
        "/" => Answer::new(302, "").header("location", "/shop"),
        _ => Answer::new(200, "welcome"),
    })
    .await;
    assert_eq!(first(&server.url).await.status().name(), "up");
    assert_eq!(server.count("GET"), 2);
}

#[tokio::test]
async fn errors_and_time_outs_are_told_apart_by_pingdoms_rule() {
    for (answer, kind) in [
        (Answer::new(404, ""), "error"),
        (Answer::new(503, ""), "error"),
        (Fault::Close.into(), "timeout"),
        (Answer::new(200, "half a page").fault(Fault::Half), "timeout"),
        (Answer::new(302, "").header("location", "/"), "error"),
    ] {
        let name = format!("{answer:.80?}");
        let server = Server::start(move |_, _| answer.clone()).await;
        assert_eq!(first(&server.url).await.status().name(), kind, "{name}");
    }
    // 10 s of dripping, and no end at all.
    for answer in [Answer::new(200, [b'x'; 200]).fault(Fault::Drip), Fault::Silence.into()] {
        let name = format!("{answer:.80?}");
        let server = Server::start(move |_, _| answer.clone()).await;
        assert_eq!(first_within(&server.url, Duration::from_secs(2)).await.status().name(), "timeout", "{name}");
    }
    assert_eq!(first(&nobody().await).await.status().name(), "error");
    // A label of a name has 63 characters at most: no resolver needs the network to say no.
    assert_eq!(first(&format!("http://{}.invalid/", "a".repeat(64))).await.status().name(), "error");
}

#[tokio::test]
async fn it_tests_in_the_background_by_the_clock_it_is_given_and_ends_with_its_owner() {
    let server = Server::start(|_, _| Answer::new(200, "")).await;
    // By this clock each test is 1,000 s after the one before.
    let seconds = Arc::new(AtomicI64::new(0));
    let ticks = Arc::clone(&seconds);
    let clock = move || NOW + Duration::from_secs(ticks.fetch_add(1000, Ordering::SeqCst) as u64);
    let mut probe = probe_each(&server.url, 60, clock);
    let far = NOW + 100 * HOUR;
    probe.samples(NOW, far).await.unwrap();
    until("six tests", || server.count("GET") >= 6).await;
    let samples = probe.samples(NOW, far).await.unwrap().samples;
    // What is older than an hour before the newest is forgotten: 1,000 s apart, four are left.
    let since: Vec<_> = samples.iter().map(|s| s.at.seconds_since(samples[0].at)).collect();
    assert_eq!(since, [0.0, 1000.0, 2000.0, 3000.0]);
    let (from, to) = (samples[1].at, samples[2].at);
    // What came since is given too: a single check begins before its test ends.
    assert_eq!(probe.samples(from, to).await.unwrap().samples, samples[1..]);

    let newest = samples[3].at;
    let mut later = probe_each(&server.url, 600_000, move || newest);
    later.take_over(Box::new(probe));
    assert_eq!(later.samples(from, to).await.unwrap().samples, samples[1..]);
    // Each test would ask the clock. It ended when it was dropped, whatever request is still on its way.
    let asked = seconds.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(seconds.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn an_address_that_is_missing_or_none_is_named() {
    let refusal = |url: Option<&str>| {
        let config = config::ProbeSettings { url: url.map(Into::into), timeout: HOUR, every: HOUR, ca_file: None };
        Probe::new(&config, HOUR, || NOW, &HttpOptions::default()).err().unwrap()
    };
    assert_eq!(refusal(None).kind, FailureKind::Refused);
    assert_eq!(refusal(None).text, "[PROBE_INFOS] url is missing");
    assert_eq!(refusal(Some("shop")).text, "[PROBE_INFOS] url: no web address: relative URL without a base");
}

#[tokio::test]
async fn what_kept_the_probe_from_the_app_is_told() {
    use autoscale_core::workspace::down::DownDetail;
    let server = Server::start(|_, _| Answer::new(401, "")).await;
    assert_eq!(first(&server.url).await.down_detail(), Some(DownDetail::Http(401)));
    assert_eq!(first(&nobody().await).await.down_detail(), Some(DownDetail::Refused));
    let ring = Server::start(|_, _| Answer::new(302, "").header("location", "/")).await;
    assert_eq!(first(&ring.url).await.down_detail(), Some(DownDetail::Redirects));
    let unknown = format!("http://{}.invalid/", "a".repeat(64));
    assert_eq!(first(&unknown).await.down_detail(), Some(DownDetail::Dns));
}
