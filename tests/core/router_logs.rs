//! The router's log by a log session, from the sandbox over HTTP: what is counted, what is unknown, and what a session's
//! end, a loss or a refusal brings.

use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::engine::AnySource;
use autoscale_core::workspace::ports::{Failure, MetricSource, Reading};
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use autoscale_core::workspace::sources::open_source;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::traffic::TrafficRow;

use crate::support::LONG;
use crate::support::clients::patient;

const SPEED: f64 = 60.0;

struct Tail {
    sandbox: Sandbox,
    source: AnySource,
    clock: Clock,
    rows: Vec<TrafficRow>,
    warned: Vec<(String, String)>,
}

fn config(sandbox: &Sandbox, settings: &str) -> Config {
    let text = sandbox.info().config_text_with(SPEED, &[("metric_source", "router_logs"), ("policy", "threshold")]);
    parse(&format!("{text}\n{settings}"), &Overrides::default()).unwrap().config
}

async fn tail(logs: &str) -> Tail {
    let options = SandboxOptions {
        load: Load::flat(5.0),
        speed: SPEED,
        logs: logs.parse().unwrap(),
        dynos: 4,
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let config = config(&sandbox, "");
    let clock = Clock::of(&config);
    let source = open_source(&config, clock, &patient()).unwrap();
    Tail { sandbox, source, clock, rows: Vec::new(), warned: Vec::new() }
}

impl Tail {
    async fn read(&mut self) -> Result<Reading, Failure> {
        let now = self.clock.now();
        let reading = self.source.samples(now - Duration::from_secs(1800), now).await;
        let warnings = self.source.warnings().into_iter();
        self.warned.extend(warnings.map(|warning| (warning.code.into_owned(), warning.text)));
        if let Ok(reading) = &reading {
            self.rows.extend(&reading.traffic);
            self.source.acknowledge(reading.seq);
        }
        reading
    }

    /// Reads until so many rows are known.
    async fn rows(&mut self, count: usize) {
        let read = async {
            while self.rows.len() < count {
                self.read().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LONG, read).await.expect("rows");
    }

    fn is_warned(&self, code: &str, text: &str) -> bool {
        self.warned.iter().any(|(c, t)| c == code && t.contains(text))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_counted_once() {
    for habits in ["", "legacy"] {
        let mut tail = tail(habits).await;
        tail.rows(30).await;
        let starts: Vec<_> = tail.rows.iter().map(|row| row.from.as_secs()).collect();
        let first = starts[0];
        let complete: Vec<_> = (0..).map(|n| first + 10 * n).take_while(|at| starts.contains(at)).collect();
        assert!(complete.len() >= 30, "no row is missing: {starts:?}");
        let requests: u32 = tail.rows.iter().map(|row| row.requests).sum();
        let per_s = f64::from(requests) / (10 * complete.len()) as f64;
        assert!((4.0..6.0).contains(&per_s), "{habits}: {per_s} requests/s");
        assert!(tail.rows.iter().all(|row| row.timed() == u64::from(row.requests) && row.errors == 0));
        let samples = tail.read().await.unwrap().samples;
        assert!(samples.len() >= 30 && samples.iter().all(|sample| sample.up_ms().is_some()), "{samples:?}");
        assert_eq!(tail.warned, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_is_opened_again_and_the_row_between_is_unknown() {
    let mut tail = tail("life=60,delay=2").await;
    tail.rows(40).await;
    let mut starts: Vec<_> = tail.rows.iter().map(|row| row.from.as_secs()).collect();
    starts.sort_unstable();
    starts.dedup();
    let gaps = starts.windows(2).filter(|pair| pair[1] - pair[0] > 10).count();
    assert!(gaps >= 2, "{starts:?}");
    let known: f64 = tail.rows.iter().map(|row| f64::from(row.requests)).sum();
    let per_s = known / (10 * starts.len()) as f64;
    assert!((4.0..6.0).contains(&per_s), "{per_s} requests/s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_too_slow_for_the_whole_log_goes_on_with_the_routers_lines() {
    let mut tail = tail("chatty,overflow=100").await;
    let read = async {
        while !tail.is_warned("logs_lost", "from now on the router's lines alone are read") {
            tail.read().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, read).await.expect("a loss");
    let before = tail.rows.len();
    tail.rows(before + 20).await;
    let last = tail.rows.last().unwrap().from;
    let rows: Vec<_> = tail.rows.iter().filter(|row| last.seconds_since(row.from) < 150.0).collect();
    assert!(rows.iter().all(|row| row.requests > 10), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sessions_are_forbidden_the_reading_fails_and_says_so() {
    let mut tail = tail("forbidden").await;
    let read = async {
        loop {
            match tail.read().await {
                Ok(reading) => assert_eq!(reading.traffic, []),
                Err(failure) => break failure,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let failure = tokio::time::timeout(LONG, read).await.expect("a failure");
    assert!(failure.text.contains("L20"), "{failure}");
    assert!(tail.is_warned("logs_read", "L20"), "{:?}", tail.warned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_read_the_log_is_named_and_the_address_of_a_session_is_never_shown() {
    let log = crate::support::log::Log::listen();
    let tail = tail("").await;
    let mut config = config(&tail.sandbox, "");
    config.heroku.api_key = Some(autoscale_core::workspace::config::Secret::new("another-key-never-shown"));
    let mut source = open_source(&config, tail.clock, &patient()).unwrap();
    let read = async {
        loop {
            let now = tail.clock.now();
            if let Err(failure) = source.samples(now - Duration::from_secs(600), now).await {
                break failure;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let failure = tokio::time::timeout(LONG, read).await.expect("a failure");
    assert!(failure.text.contains("check [HEROKU_INFOS] api_key"), "{failure}");
    assert!(!log.text().contains("/streams/") && !log.text().contains("never-shown"), "{}", log.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_check_has_used_are_told_again() {
    let mut tail = tail("").await;
    tail.rows(3).await;
    let now = tail.clock.now();
    let told = async {
        loop {
            let reading = tail.source.samples(now - Duration::from_secs(600), now).await.unwrap();
            if reading.traffic.len() >= 3 {
                break reading;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let first = tokio::time::timeout(LONG, told).await.expect("rows");
    let again = tail.source.samples(now - Duration::from_secs(600), now).await.unwrap();
    assert_eq!(again.traffic[..first.traffic.len()], first.traffic[..]);
    tail.source.acknowledge(again.seq);
    let after = tail.source.samples(now - Duration::from_secs(600), now).await.unwrap();
    assert!(
        after.traffic.iter().all(|row| !first.traffic.contains(row) || row.from > Timestamp::from_secs(0)),
        "{after:?}"
    );
    assert!(after.traffic.len() < again.traffic.len());
}

mod any_bytes {
    use autoscale_core::workspace::router_logs::frame::Frames;
    use autoscale_core::workspace::router_logs::line::{Line, read};
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("at=info".to_owned()),
            Just("at=error code=H12".to_owned()),
            Just("service=18ms".to_owned()),
            Just("status=503".to_owned()),
            Just("\"".to_owned()),
            Just("2026-11-27T05:23:40.1+00:00".to_owned()),
            Just("heroku[router]:".to_owned()),
            Just("<158>1".to_owned()),
            "[ -~]{0,12}",
            "\\PC{0,4}",
        ];
        prop::collection::vec(word, 0..20).prop_map(|words| words.join(" ").into_bytes())
    }

    proptest! {
        #[test]
        fn no_line_and_no_frame_is_a_defect(line in text(), raw in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&line);
            read(&raw);
            Frames::of(&line).for_each(drop);
            Frames::of(&raw).for_each(drop);
        }

        #[test]
        fn what_a_visitor_chooses_changes_nothing(path in "[ -~]{0,60}", address in "[ -~]{0,40}", host in "[!-~]{0,30}") {
            let line = format!(
                "2026-11-27T05:23:40+00:00 heroku[router]: at=info method=GET path=\"{path}\" host={host} request_id=1 \
                 fwd=\"{address}\" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=https"
            );
            let Line::Request(request) = read(line.as_bytes()) else { panic!("{line}") };
            let told = (request.service_ms, request.connect_ms, request.status, request.code);
            prop_assert_eq!(told, (Some(18), Some(1), 200, None));
        }

        #[test]
        fn a_body_of_frames_gives_each_of_its_messages(texts in prop::collection::vec("[ -~\n]{0,40}", 0..10)) {
            let frame = |text: &String| {
                let message = format!("<190>1 2026-11-27T05:23:40+00:00 host app web.1 - {text}\n");
                format!("{} {message}", message.len())
            };
            let body: String = texts.iter().map(frame).collect();
            prop_assert_eq!(Frames::of(body.as_bytes()).filter(Result::is_ok).count(), texts.len());
        }
    }
}
