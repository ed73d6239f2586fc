//! The Heroku client over real HTTP, against a server that plays a script.

use std::time::Duration;

use autoscale_core::workspace::config::{Heroku, Secret};
use autoscale_core::workspace::heroku::HerokuFormation;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::{Failure, FailureKind, FormationReading, ScaleTarget};
use autoscale_core::workspace::store::Permit;
use autoscale_core::workspace::time::Timestamp;

use crate::support::clients::{hasty, patient};
use crate::support::log::Log;
use crate::support::scripted::{Answer, Fault, Request, Server, nobody};

const TOKEN: &str = "hk-t0ken-never-shown";
const FORMATION: &[u8] = include_bytes!("../fixtures/heroku/formation.json");
const APP: &[u8] = include_bytes!("../fixtures/heroku/app.json");

fn config(url: &str) -> Heroku {
    Heroku {
        api_key: Some(Secret::new(TOKEN)),
        app_name: "shop".into(),
        process_type: "web".into(),
        api_url: url.into(),
        ca_file: None,
    }
}

fn client(url: &str) -> HerokuFormation {
    HerokuFormation::new(&config(url), &patient()).unwrap()
}

/// A healthy platform.
fn healthy(request: &Request) -> Answer {
    match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/apps/shop") => Answer::new(200, APP),
        ("GET" | "PATCH", "/apps/shop/formation/web") => Answer::new(200, FORMATION),
        ("GET", "/apps/01234567-89ab-cdef-0123-456789abcdef/formation/web/monitors") => {
            Answer::new(200, include_bytes!("../fixtures/heroku/monitors.json"))
        }
        _ => Answer::new(404, r#"{"id":"not_found","message":"Couldn't find that."}"#),
    }
}

/// What comes of a PATCH to 4 that is answered so, and how many PATCHes it took.
async fn scale(answer: impl Into<Answer>) -> (Result<u32, Failure>, usize) {
    let log = Log::listen();
    let answer = answer.into();
    let server = Server::start(move |_, _| answer.clone()).await;
    let result = client(&server.url).scale(4, &Permit::unlimited()).await;
    assert!(!log.text().contains("never-shown"), "{}", log.text());
    (result, server.count("PATCH"))
}

#[tokio::test]
async fn a_formation_comes_with_its_app_s_maintenance_mode() {
    let server = Server::start(|request, _| healthy(request)).await;
    let reading = client(&server.url).formation().await.unwrap();
    let updated_at = Some(Timestamp::from_secs(1_780_000_001));
    let size = Some("Standard-2X".into());
    assert_eq!(reading, FormationReading { quantity: 3, updated_at, size, maintenance: true, released_at: None });
    let mut targets: Vec<_> = server.requests().iter().map(|r| r.target.clone()).collect();
    targets.sort();
    assert_eq!(targets, ["/apps/shop", "/apps/shop/formation/web"]);
    for request in server.requests() {
        assert_eq!(request.headers["accept"], "application/vnd.heroku+json; version=3");
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(request.headers["user-agent"], concat!("libautoscale/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.headers["request-id"].len(), 36);
    }
}

#[tokio::test]
async fn a_change_sends_only_the_absolute_quantity_and_returns_the_confirmed_one() {
    let server = Server::start(|request, _| healthy(request)).await;
    assert_eq!(client(&server.url).scale(4, &Permit::unlimited()).await, Ok(3));
    let [patch] = &server.requests()[..] else { panic!("{:?}", server.requests()) };
    assert_eq!((patch.method.as_str(), patch.target.as_str()), ("PATCH", "/apps/shop/formation/web"));
    assert_eq!(patch.body, r#"{"quantity":4}"#);
    assert_eq!(patch.headers["content-type"], "application/json");
    assert_eq!(patch.headers["accept"], "application/vnd.heroku+json; version=3");
}

#[tokio::test]
async fn the_request_id_is_logged() {
    let log = Log::listen();
    let server = Server::start(|request, _| healthy(request)).await;
    client(&server.url).scale(4, &Permit::unlimited()).await.unwrap();
    let id = format!("request_id={}", server.requests()[0].headers["request-id"]);
    assert!(log.text().contains(&id), "{id} is not in {}", log.text());
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_unknown_and_never_sent_twice() {
    let unknown = "; whether the change was carried out is not known";
    for (answer, text) in [
        (
            Fault::Close.into(),
            format!("the connection to Heroku broke: connection closed before message completed{unknown}"),
        ),
        (
            Answer::new(200, FORMATION).fault(Fault::Half),
            format!("the connection to Heroku broke: end of file before message length reached{unknown}"),
        ),
        (Answer::new(503, "busy"), "Heroku answered 503; whether the change was carried out is not known".into()),
        (
            Answer::new(200, "<html>"),
            format!(
                "Heroku's answer is not as its API says: \
                 not the JSON of a formation: expected value at line 1 column 1{unknown}"
            ),
        ),
    ] {
        let (result, patches) = scale(answer).await;
        assert_eq!(result, Err(Failure::new(FailureKind::Unknown, text)));
        assert_eq!(patches, 1);
    }
    let (result, patches) = scale(Fault::Reset).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Unknown);
    assert_eq!(patches, 1);
    let server = Server::start(|_, _| Fault::Silence.into()).await;
    let result = HerokuFormation::new(&config(&server.url), &hasty()).unwrap().scale(4, &Permit::unlimited()).await;
    let text = format!("Heroku did not answer within 5 s{unknown}");
    assert_eq!(result, Err(Failure::new(FailureKind::Unknown, text)));
    assert_eq!(server.count("PATCH"), 1);
}

#[tokio::test]
async fn the_formation_of_another_process_type_is_none_that_was_asked_for() {
    let worker = r#"{"quantity":4,"type":"worker"}"#;
    let (result, patches) = scale(Answer::new(200, worker)).await;
    let text = "Heroku's answer is not as its API says: the formation of another process type than web; whether the change \
                was carried out is not known";
    assert_eq!(result, Err(Failure::new(FailureKind::Unknown, text)));
    assert_eq!(patches, 1);
    let server = Server::start(move |request, _| match request.target.as_str() {
        "/apps/shop/formation/web" => Answer::new(200, worker),
        _ => healthy(request),
    })
    .await;
    assert_eq!(client(&server.url).formation().await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn a_change_that_cannot_have_arrived_is_only_transient() {
    let url = nobody().await;
    let failure = client(&url).scale(4, &Permit::unlimited()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.text.starts_with(&format!("Heroku could not be reached at {url}: ")), "{failure}");
}

#[tokio::test]
async fn a_limit_in_a_422_is_a_limit() {
    let (result, patches) = scale(Answer::new(422, include_bytes!("../fixtures/heroku/error-limit-run.json"))).await;
    let text = "Heroku answered 422 (Cannot run more than 2 Eco size dynos.)";
    assert_eq!(result, Err(Failure::new(FailureKind::Limit(2), text)));
    assert_eq!(patches, 1);
    let (result, _) = scale(Answer::new(422, include_bytes!("../fixtures/heroku/error-limit-update.json"))).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Limit(10));
}

#[tokio::test]
async fn a_refused_change_names_what_to_mend() {
    let echo = r#"{"id":"unauthorized","message":"Bad key hk-t0ken-never-shown"}"#;
    for (answer, text) in [
        (
            Answer::new(401, include_bytes!("../fixtures/heroku/error-401.json")),
            "Heroku answered 401 (Invalid credentials provided.): check [HEROKU_INFOS] api_key",
        ),
        (Answer::new(401, echo), "Heroku answered 401 (Bad key [secret]): check [HEROKU_INFOS] api_key"),
        (Answer::new(402, ""), "Heroku answered 402: the account is behind with its payments"),
        (Answer::new(403, ""), "Heroku answered 403: check [HEROKU_INFOS] api_key: may it write to shop?"),
        (Answer::new(404, ""), "Heroku answered 404: check [HEROKU_INFOS] process_type: shop has no web, or app_name"),
        (
            Answer::new(422, include_bytes!("../fixtures/heroku/error-not-deployed.json")),
            "Heroku answered 422 (App must be deployed before dynos can be scaled.)",
        ),
        (
            Answer::new(302, "").header("location", "https://elsewhere.example/"),
            "Heroku answered 302, a redirect, which is not followed: check [HEROKU_INFOS] api_url",
        ),
    ] {
        let (result, patches) = scale(answer).await;
        assert_eq!(result, Err(Failure::new(FailureKind::Refused, text)));
        assert_eq!(patches, 1, "{text}");
    }
}

#[tokio::test]
async fn a_conflict_may_work_next_time() {
    let (result, _) = scale(Answer::new(409, r#"{"id":"conflict","message":"Try again."}"#)).await;
    assert_eq!(result, Err(Failure::new(FailureKind::Transient, "Heroku answered 409 (Try again.)")));
}

#[tokio::test]
async fn a_rate_limit_holds_for_reads_and_changes_alike() {
    let server = Server::start(|_, _| Answer::new(429, "").header("retry-after", 120)).await;
    let mut client = HerokuFormation::new(&config(&server.url), &HttpOptions::default()).unwrap();
    let failure = client.scale(4, &Permit::unlimited()).await.unwrap_err();
    let text = "Heroku's rate limit is reached (429); not asked again for 2 min";
    assert_eq!(failure, Failure::new(FailureKind::RateLimited(Duration::from_secs(120)), text));
    assert!(matches!(client.formation().await.unwrap_err().kind, FailureKind::RateLimited(_)));
    assert!(matches!(client.scale(5, &Permit::unlimited()).await.unwrap_err().kind, FailureKind::RateLimited(_)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_missing_process_type_and_a_missing_app_are_told_apart() {
    let server = Server::start(|request, _| healthy(request)).await;
    let worker = Heroku { process_type: "worker".into(), ..config(&server.url) };
    let failure = HerokuFormation::new(&worker, &HttpOptions::default()).unwrap().formation().await.unwrap_err();
    let text = "Heroku answered 404 (Couldn't find that.): \
                check [HEROKU_INFOS] process_type: shop has no worker, or app_name";
    assert_eq!(failure, Failure::new(FailureKind::Refused, text));
    let nowhere = Heroku { app_name: "shoop".into(), ..config(&server.url) };
    let failure = HerokuFormation::new(&nowhere, &HttpOptions::default()).unwrap().formation().await.unwrap_err();
    let text = "Heroku answered 404 (Couldn't find that.): check [HEROKU_INFOS] app_name: no shoop for this api_key";
    assert_eq!(failure, Failure::new(FailureKind::Refused, text));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn reads_are_tried_again() {
    let server = Server::start(|request, n| if n < 2 { Answer::new(503, "") } else { healthy(request) }).await;
    assert_eq!(client(&server.url).formation().await.map(|reading| reading.quantity), Ok(3));
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn heroku_s_warnings_and_a_low_budget_are_passed_on_once() {
    let log = Log::listen();
    let server = Server::start(|request, _| {
        healthy(request).header("X-Heroku-Warning", "heroku-20 is deprecated.").header("RateLimit-Remaining", 17)
    })
    .await;
    let mut client = client(&server.url);
    client.formation().await.unwrap();
    client.scale(3, &Permit::unlimited()).await.unwrap();
    let mut warnings = log.warnings();
    warnings.sort();
    let low = "Heroku: only 17 requests are left (RateLimit-Remaining), for all that use this token";
    assert_eq!(warnings, ["Heroku warns: heroku-20 is deprecated.", low]);
}

#[tokio::test]
async fn native_autoscaling_is_warned_of() {
    let server = Server::start(|request, _| healthy(request)).await;
    assert_eq!(
        client(&server.url).native_autoscaling().await.as_deref(),
        Some(
            "Heroku's own autoscaling is active on shop web (2 to 8 dynos): the two will undo each other's changes; \
             switch it off with `heroku ps:autoscale:disable web --app shop`"
        )
    );
}

#[tokio::test]
async fn where_the_monitors_do_not_answer_there_is_no_warning() {
    let server = Server::start(|request, _| match request.target.ends_with("/monitors") {
        true => Answer::new(404, "not here"),
        false => healthy(request),
    })
    .await;
    assert_eq!(client(&server.url).native_autoscaling().await, None);
}

#[tokio::test]
async fn a_key_that_is_missing_is_named_and_none_is_shown() {
    let missing = Heroku { api_key: None, ..config("https://api.heroku.com") };
    let failure = HerokuFormation::new(&missing, &HttpOptions::default()).unwrap_err();
    assert_eq!(failure, Failure::new(FailureKind::Refused, "[HEROKU_INFOS] api_key is missing"));
    let shown = format!("{:?} {:?}", client("https://api.heroku.com"), config("https://api.heroku.com"));
    assert!(!shown.contains("never-shown"), "{shown}");
}
