//! What holds for any bytes whatever, one function an entrance: the fuzz targets give it bytes by the million, and the
//! tests of the engine the seeds, with changes. Each returns or panics; a panic is a defect.

use std::time::Duration;

use autoscale_core::workspace::config::{Overrides, examine};
use autoscale_core::workspace::decide_line::DecideStream;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::heroku::wire as heroku;
use autoscale_core::workspace::http::{RateBudgets, retry_after, server_time};
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::pingdom::wire as pingdom;
use autoscale_core::workspace::policy::{Decider, Observation, POLICIES, Settings};
use autoscale_core::workspace::prometheus::wire as prometheus;
use autoscale_core::workspace::recording;
use autoscale_core::workspace::router_logs::frame::Frames;
use autoscale_core::workspace::router_logs::line::{Line, read};
use autoscale_core::workspace::router_logs::slots::Slots;
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;
use http::{HeaderMap, HeaderName, HeaderValue};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// An entrance, by the name of its target and of its folder of seeds.
pub type Entrance = (&'static str, fn(&[u8]));

/// Every entrance.
pub const ENTRANCES: [Entrance; 8] = [
    ("config", config),
    ("wires", wires),
    ("headers", headers),
    ("decide", decide),
    ("recordings", recordings),
    ("state", state),
    ("lines", lines),
    ("frames", frames),
];

/// A configuration, as text: a sound one, or problems that say where.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let examined = examine(&text, &Overrides::default());
    let count = text.split(['\n', '\r']).count();
    for problem in examined.problems.iter().chain(&examined.warnings) {
        assert!(problem.line.is_none_or(|line| 1 <= line && line <= count));
        assert!(!problem.text.is_empty() && !problem.to_string().contains(['\n', '\r', '\u{1b}']));
    }
    assert_eq!(examined.config.is_some(), examined.problems.is_empty());
    if let Some(config) = examined.config {
        assert!(1 <= config.bounds.min() && config.bounds.min() <= config.bounds.max());
        assert!(config.settings.response_time_low < config.settings.response_time_high);
        assert!(config.check_frequency >= Duration::from_secs(60));
    }
}

/// A body of Pingdom's, Heroku's or Prometheus': no measurement is invented.
pub fn wires(bytes: &[u8]) {
    let _ = (pingdom::parse_check(bytes), pingdom::parse_checks(bytes), pingdom::parse_error(bytes));
    let _ = (heroku::parse_app(bytes), heroku::parse_apps(bytes), heroku::parse_error(bytes));
    let _ = (heroku::parse_formation(bytes), heroku::parse_formations(bytes), heroku::parse_domains(bytes));
    let _ = (heroku::parse_monitors(bytes), prometheus::parse_range(bytes), prometheus::parse_error(bytes));
    if let Ok(page) = pingdom::parse_results(bytes) {
        assert!(page.results.len() + page.unreadable <= page.entries);
        assert!(page.results.iter().all(|row| row.sample.up_ms().is_none_or(|ms| ms > 0.0 && ms.is_finite())));
    }
}

/// Headers, a `Name: value` a line: no wait is longer than 15 minutes, no clock out of its centuries.
pub fn headers(bytes: &[u8]) {
    let mut map = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            map.append(name, value);
        }
    }
    let wait = retry_after(&map, NOW);
    assert!(Duration::from_secs(1) <= wait && wait <= Duration::from_secs(900), "{wait:?}");
    if let Some(clock) = server_time(&map) {
        assert!((1_000_000_000..=7_258_118_400).contains(&clock.as_secs()), "{clock:?}");
    }
    let budget = RateBudgets::default().of("host", "token");
    let said = budget.learn(&map);
    assert!(said.is_none_or(|text| text.starts_with("only ") && text.len() < 300));
    assert_eq!(budget.learn(&map), None, "said once");
}

/// Lines of `decide`: an answer within the bounds that a line can name, or an error.
pub fn decide(bytes: &[u8]) {
    for kind in POLICIES {
        let bounds = Bounds::new(1, 10).expect("bounds");
        let mut stream = DecideStream::new(Settings::new(*kind), bounds, Duration::from_secs(60));
        for line in bytes.split(|byte| *byte == b'\n') {
            match stream.answer(line) {
                Ok(reply) => assert!(serde_json::to_string(&reply).is_ok_and(|text| !text.contains('\n'))),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// A recording: what was measured, or the line that is wrong.
pub fn recordings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match recording::parse(&text) {
        Ok(recording) => {
            let sound = |ms: f64| ms.is_finite() && ms >= 0.0;
            assert!(recording.samples.iter().all(|sample| sample.up_ms().is_none_or(sound)));
        }
        Err(wrong) => assert!(wrong.line <= text.split(['\n', '\r']).count() && !wrong.text.is_empty()),
    }
    let _ = recording::parse_of(&text, "shop", "web");
}

/// A state file, and a policy's memory: refused, or as good as one that this program wrote.
pub fn state(bytes: &[u8]) {
    if let Ok(ledger) = serde_json::from_slice::<Ledger>(bytes) {
        let written = serde_json::to_vec(&ledger).expect("a ledger is written");
        let again: Ledger = serde_json::from_slice(&written).expect("what was written is read");
        assert_eq!(serde_json::to_vec(&again).expect("a ledger is written"), written);
    }
    for kind in POLICIES {
        let settings = Settings::new(*kind);
        let _ = Decider::restore(settings.clone(), bytes);
        let magic = &Decider::new(settings.clone()).save()[..8];
        let sealed = [magic, &fnv(bytes).to_le_bytes(), bytes].concat();
        let Ok(mut decider) = Decider::restore(settings.clone(), &sealed) else { continue };
        let slow = (0..10).filter_map(|minute| Sample::up(NOW - Duration::from_secs(60 * minute), 5000.0));
        let window = Window::new(slow, NOW, settings.period);
        let formation = Formation { quantity: 2, changed_at: None };
        let bounds = Bounds::new(1, 10).expect("bounds");
        let decision = decider.decide(&Observation::new(NOW, formation, bounds, &window));
        assert!((1..=10).contains(&decision.target), "{decision:?}");
        assert!(Decider::restore(settings, &decider.save()).is_ok());
    }
}

/// Lines of a log session: read, and counted where they are a request.
pub fn lines(bytes: &[u8]) {
    let mut slots = Slots::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        match read(line) {
            Line::Request(request) => {
                slots.opened(request.at);
                assert!(slots.count(&request, request.at));
                assert!(slots.hand_over(request.at).rows.len() <= 400);
            }
            Line::Lost(loss) => slots.lost(loss.since.unwrap_or(loss.at), loss.at),
            _ => {}
        }
    }
}

/// The body of a drain's request: no more messages than bytes, and an end.
pub fn frames(bytes: &[u8]) {
    let (mut messages, mut broken) = (0, 0);
    for frame in Frames::of(bytes) {
        match frame {
            Ok(_) => messages += 1,
            Err(end) => {
                broken += 1;
                assert!(end.left <= bytes.len());
            }
        }
    }
    assert!(messages <= bytes.len() && broken <= 1);
}

/// FNV-1a, with which a saved memory is sealed.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}
