//! The webhook over real HTTP: what is posted, and that nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::engine::Warnings;
use autoscale_core::workspace::event::{Event, Kind, VERSION};
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::Observer;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::webhook::Webhook;

use crate::support::LONG;
use crate::support::log::Log;
use crate::support::scripted::{Answer, Fault, Server};

const PATH: &str = "/services/T0/B0/never-shown?key=never-shown-too";

fn event(kind: Kind) -> Event {
    Event { v: VERSION, at: Timestamp::from_secs(1_780_000_000), app: "shop".into(), process: "web".into(), kind }
}

fn refused(problem: &str) -> Event {
    event(Kind::ConfigRefused { problems: vec![problem.into()] })
}

fn webhook(server: &Server) -> Webhook {
    let http = HttpOptions { min_timeout: LONG, ..HttpOptions::at_speed(200.0) };
    Webhook::new(&Secret::new(format!("{}{PATH}", server.url)), &http, &Warnings::default()).unwrap()
}

#[tokio::test]
async fn a_notice_is_posted_with_its_text_and_its_event() {
    let server = Server::start(|_, _| Answer::new(200, "ok")).await;
    let mut webhook = webhook(&server);
    webhook.observe(&Arc::new(refused("min_dynos: 0")));
    webhook.observe(&Arc::new(event(Kind::Paused)));
    webhook.observe(&Arc::new(event(Kind::ConfigReloaded { warnings: Vec::new() })));
    webhook.finish(LONG).await;
    let [post] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    assert_eq!((post.method.as_str(), post.target.as_str()), ("POST", PATH));
    assert_eq!(post.headers["content-type"], "application/json");
    assert!(!post.headers.contains_key("authorization"));
    let body: serde_json::Value = serde_json::from_str(&post.body).unwrap();
    let expected = serde_json::json!({
        "text": "shop web: new configuration refused, the old one stays: min_dynos: 0",
        "event": {
            "v": 1, "at": 1_780_000_000, "app": "shop", "process": "web",
            "event": "config_refused", "problems": ["min_dynos: 0"],
        },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn nothing_in_a_notice_is_an_instruction_to_slack() {
    let server = Server::start(|_, _| Answer::new(200, "ok")).await;
    let mut webhook = webhook(&server);
    webhook.observe(&Arc::new(refused("<!channel> <https://evil.example|log in> & more")));
    webhook.finish(LONG).await;
    let body: serde_json::Value = serde_json::from_str(&server.requests()[0].body).unwrap();
    let text = "shop web: new configuration refused, the old one stays: &lt;!channel&gt; &lt;https://evil.example|log in&gt; \
                &amp; more";
    assert_eq!(body["text"], text);
    assert_eq!(body["event"]["problems"][0], "<!channel> <https://evil.example|log in> & more", "as it was");
}

#[tokio::test]
async fn a_notice_is_tried_again_and_the_order_is_kept() {
    let server = Server::start(|_, n| match n {
        0 => Answer::new(500, ""),
        1 => Fault::Close.into(),
        2 => Answer::new(429, "").header("retry-after", 20),
        _ => Answer::new(200, "ok"),
    })
    .await;
    let mut webhook = webhook(&server);
    webhook.observe(&Arc::new(refused("first")));
    webhook.observe(&Arc::new(refused("second")));
    webhook.finish(LONG).await;
    let bodies: Vec<_> = server.requests().iter().map(|r| r.body.contains("first")).collect();
    assert_eq!(bodies, [true, true, true, true, false]);
}

#[tokio::test]
async fn a_webhook_that_refuses_is_named_by_its_key_and_never_shown() {
    let log = Log::listen();
    let server = Server::start(|_, _| Answer::new(404, "no_team")).await;
    let mut webhook = webhook(&server);
    webhook.observe(&Arc::new(refused("x")));
    assert_eq!(format!("{webhook:?}"), "Webhook");
    webhook.finish(LONG).await;
    assert_eq!(server.count("POST"), 1);
    let text = "a notice could not be sent, and is tried again while it holds: the webhook answered 404: check [NOTIFICATIONS] webhook_url";
    assert_eq!(log.warnings(), [text]);
    assert!(!log.text().contains("never-shown"), "{}", log.text());
    let failure = Webhook::new(&Secret::new("never-shown"), &HttpOptions::default(), &Warnings::default()).unwrap_err();
    assert_eq!(failure.text, "[NOTIFICATIONS] webhook_url: no web address");
}

#[tokio::test]
async fn a_webhook_that_hangs_holds_nobody_up_and_what_it_cannot_take_is_dropped_with_a_warning() {
    let log = Log::listen();
    let server = Server::start(|_, _| Fault::Silence.into()).await;
    let mut webhook = webhook(&server);
    for _ in 0..70 {
        webhook.observe(&Arc::new(refused("x")));
    }
    webhook.finish(Duration::from_millis(100)).await;
    let warnings = log.warnings();
    assert_eq!(warnings[0], "the webhook does not keep up, 64 notices wait: this one is dropped");
    assert_eq!(warnings.last().unwrap(), "the webhook did not take all notices in time; the rest is dropped");
}

/// A check that holds the formation where it is, or changes it.
fn checked(at: i64, outcome: &str, dynos: u32, applied: u32, code: &str) -> Arc<Event> {
    let action = if applied > dynos { "add" } else { "hold" };
    let json = serde_json::json!({
        "v": VERSION, "at": at, "app": "shop", "process": "web", "event": "checked", "policy": "threshold",
        "dynos": dynos, "changed_at": null, "min": 1, "max": 10, "mean_ms": null, "trend_ms_per_s": null,
        "effective_max": 10, "maintenance": false, "override_until": null, "action": action, "target": applied,
        "reason": { "code": code, "text": "why" }, "outcome": outcome, "applied": applied, "new_samples": [],
    });
    Arc::new(serde_json::from_value(json).unwrap())
}

/// Answers as told; what was posted, by what it says.
fn texts(server: &Server) -> Vec<String> {
    let text =
        |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["text"].as_str().unwrap().to_owned();
    server.requests().iter().map(|request| text(&request.body)).collect()
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_notice_whose_webhook_was_down_is_told_as_long_as_it_holds() {
    let server = Server::start(|_, n| if n < 5 { Answer::new(503, "") } else { Answer::new(200, "ok") }).await;
    let log = Log::listen();
    let mut webhook = webhook(&server);
    webhook.observe(&checked(1_780_000_000, "scaled", 3, 4, "above_high"));
    until("it gave up", || log.warnings().len() == 1).await;
    assert!(log.warnings()[0].contains("tried again while it holds"), "{:?}", log.warnings());
    webhook.observe(&checked(1_780_000_060, "held", 4, 4, "settling"));
    until("it was told", || server.count("POST") == 6).await;
    webhook.observe(&checked(1_780_000_120, "held", 4, 4, "settling"));
    webhook.finish(LONG).await;
    assert_eq!(texts(&server), ["shop web: 3 → 4 dynos: why"; 6], "once it was taken it is not sent again");
}

#[tokio::test]
async fn a_notice_that_no_longer_holds_is_not_told_late() {
    let server = Server::start(|_, n| if n < 5 { Answer::new(503, "") } else { Answer::new(200, "ok") }).await;
    let log = Log::listen();
    let mut webhook = webhook(&server);
    webhook.observe(&checked(1_780_000_000, "scaled", 3, 4, "above_high"));
    until("it gave up", || log.warnings().len() == 1).await;
    webhook.observe(&checked(1_780_000_060, "scaled", 4, 6, "above_high"));
    webhook.finish(LONG).await;
    assert_eq!(texts(&server)[5..], ["shop web: 4 → 6 dynos: why"]);
}

#[tokio::test]
async fn a_notice_that_was_not_delivered_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notices.json");
    let server = Server::start(|_, n| if n < 5 { Answer::new(503, "") } else { Answer::new(200, "ok") }).await;
    let mut first = webhook(&server).remembering(file.clone());
    first.observe(&checked(1_780_000_000, "scaled", 3, 4, "above_high"));
    first.finish(LONG).await;
    assert_eq!(server.count("POST"), 5);
    let mut second = webhook(&server).remembering(file.clone());
    second.observe(&checked(1_780_000_060, "held", 4, 4, "settling"));
    second.finish(LONG).await;
    let mut third = webhook(&server).remembering(file);
    third.observe(&checked(1_780_000_120, "held", 4, 4, "settling"));
    third.finish(LONG).await;
    assert_eq!(server.count("POST"), 6);
}

#[tokio::test]
async fn a_reload_hands_over_what_waits() {
    let server = Server::start(|_, n| if n < 5 { Answer::new(503, "") } else { Answer::new(200, "ok") }).await;
    let log = Log::listen();
    let mut before = webhook(&server);
    before.observe(&checked(1_780_000_000, "scaled", 3, 4, "above_high"));
    until("it gave up", || log.warnings().len() == 1).await;
    let mut after = webhook(&server);
    after.take_over(&before);
    before.finish(LONG).await;
    after.observe(&checked(1_780_000_060, "held", 4, 4, "settling"));
    after.finish(LONG).await;
    assert_eq!(texts(&server), ["shop web: 3 → 4 dynos: why"; 6]);
}

#[tokio::test]
async fn a_notice_in_hand_at_a_reload_is_sent_by_the_one_after_it() {
    let server = Server::start(|_, n| if n == 0 { Fault::Silence.into() } else { Answer::new(200, "ok") }).await;
    let mut before = webhook(&server);
    before.observe(&checked(1_780_000_000, "scaled", 3, 4, "above_high"));
    until("it hangs", || server.count("POST") == 1).await;
    let mut after = webhook(&server);
    after.take_over(&before);
    before.finish(Duration::from_millis(50)).await;
    // The check at which it is put back may be over already.
    for minute in 1..=2 {
        after.observe(&checked(1_780_000_000 + 60 * minute, "held", 4, 4, "settling"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("it was told", || server.count("POST") == 2).await;
    after.finish(LONG).await;
    assert_eq!(texts(&server), ["shop web: 3 → 4 dynos: why"; 2]);
}

#[tokio::test]
async fn what_a_webhook_answers_does_not_matter_once_it_has_taken_a_notice() {
    let log = Log::listen();
    let server = Server::start(|_, n| match n {
        0 => Answer::new(200, vec![b' '; 9 << 20]),
        _ => Answer::new(200, "ok").fault(Fault::Half),
    })
    .await;
    let mut webhook = webhook(&server);
    webhook.observe(&Arc::new(refused("first")));
    webhook.observe(&Arc::new(refused("second")));
    webhook.finish(LONG).await;
    let bodies: Vec<_> = server.requests().iter().map(|r| r.body.contains("first")).collect();
    assert_eq!(bodies, [true, false], "each is posted once");
    assert_eq!(log.warnings(), [""; 0]);
}
