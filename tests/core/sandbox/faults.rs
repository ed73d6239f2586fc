//! Faults by their effect on the wire: what a client meets, and whether a change was carried out.

use super::*;

use std::pin::pin;

use autoscale_core::workspace::sandbox::Faults;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What comes back for one call, read by hand: all bytes, and how the connection ended.
async fn raw(rig: &Rig, method: &str, body: &str) -> (Vec<u8>, std::io::Result<()>) {
    let address = rig.sandbox.heroku_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {WEB} HTTP/1.1\r\nHost: {address}\r\nAccept: {ACCEPT}\r\nAuthorization: Bearer {}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        rig.sandbox.info().heroku_api_key,
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).await.map(drop);
    (bytes, ended)
}

const FOUR: &str = r#"{"quantity":4}"#;

/// Dynos after a PATCH to 4 that met this fault, and its record: carried out, of these answered.
async fn after_patch(rig: &Rig) -> (u32, usize, usize) {
    let report = rig.sandbox.report();
    (report.dynos, report.patches.len(), report.patches.iter().filter(|patch| patch.answered).count())
}

#[tokio::test]
async fn a_reset_is_a_reset_and_carries_nothing_out() {
    let rig = faulty("heroku:reset").await;
    let (bytes, ended) = raw(&rig, "PATCH", FOUR).await;
    assert_eq!((bytes.len(), ended.unwrap_err().kind()), (0, std::io::ErrorKind::ConnectionReset));
    assert_eq!(after_patch(&rig).await, (2, 0, 0));
    let report = rig.sandbox.report();
    assert_eq!((report.patches_refused, report.faults), (1, 1));
}

#[tokio::test]
async fn a_lost_answer_is_a_reset_after_the_change() {
    let rig = faulty("patch:lost").await;
    let (bytes, ended) = raw(&rig, "PATCH", FOUR).await;
    assert_eq!((bytes.len(), ended.unwrap_err().kind()), (0, std::io::ErrorKind::ConnectionReset));
    assert_eq!(after_patch(&rig).await, (4, 1, 0));
    assert_eq!(rig.get(WEB).await.body["quantity"], 4, "reads are not struck");
}

#[tokio::test]
async fn silence_lasts_until_the_client_gives_up() {
    for (faults, after) in [("patch:silent", (4, 1, 0)), ("patch:timeout", (2, 0, 0))] {
        let rig = faulty(faults).await;
        let mut call = pin!(raw(&rig, "PATCH", FOUR));
        tokio::select! {
            _ = &mut call => panic!("{faults}: answered"),
            () = until("the fault", || rig.sandbox.report().faults == 1) => {}
        }
        assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err(), "{faults}");
        assert_eq!(after_patch(&rig).await, after, "{faults}");
    }
}

#[tokio::test]
async fn half_a_body_ends_in_its_middle_and_the_change_is_carried_out() {
    let rig = faulty("patch:half").await;
    let (bytes, _) = raw(&rig, "PATCH", FOUR).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length: usize = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(body.len(), length / 2);
    assert_eq!(after_patch(&rig).await, (4, 1, 0));
}

#[tokio::test]
async fn spoilt_answers_are_not_what_they_should_be() {
    let rig = faulty("").await;
    let say = |faults: &str| rig.sandbox.set_faults(&faults.parse::<Faults>().unwrap());

    say("all:html");
    let page = rig.heroku(Method::GET, WEB).send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    say("all:shape");
    let shaped = rig.get(WEB).await;
    assert_eq!((shaped.status, &shaped.body["quantity"]), (200, &json!("many")));
    assert!(rig.results("").await.body["results"].is_object());

    say("all:drip");
    let mut dripping = rig.heroku(Method::GET, WEB).send().await.unwrap();
    for _ in 0..3 {
        assert_eq!(dripping.chunk().await.unwrap().unwrap().len(), 1);
    }
    drop(dripping);

    say("all:huge");
    let mut huge = rig.heroku(Method::GET, WEB).send().await.unwrap();
    let mut length = 0;
    while length < 20 << 20 {
        length += huge.chunk().await.unwrap().unwrap().len();
    }
    drop(huge);

    say("");
    assert_eq!(rig.get(WEB).await.body["quantity"], 2, "and all is well again");
    assert_eq!(rig.sandbox.report().faults, 5);
}

#[tokio::test]
async fn a_huge_body_ends_after_256_mib() {
    let rig = faulty("heroku:huge").await;
    let mut huge = rig.heroku(Method::GET, WEB).send().await.unwrap();
    let mut length = 0;
    while let Some(chunk) = huge.chunk().await.unwrap() {
        length += chunk.len();
    }
    assert_eq!(length >> 20, 256);
}

#[tokio::test]
async fn errors_come_in_the_form_of_the_api_they_strike() {
    let rig = faulty("all:503").await;
    let (heroku, pingdom) = (rig.get(WEB).await, rig.results("").await);
    assert_eq!((heroku.status, &heroku.body["id"]), (503, &json!("service_unavailable")));
    assert_eq!((pingdom.status, &pingdom.body["error"]["statusdesc"]), (503, &json!("Service Unavailable")));
    let rig = faulty("heroku:401").await;
    assert_eq!(rig.get(WEB).await.body["id"], "unauthorized");
    assert_eq!(rig.results("").await.status, 200, "the other side is not struck");
}

#[tokio::test]
async fn too_many_requests_says_when_in_three_ways() {
    let rig = faulty("heroku:429=60,pingdom:429-epoch=90").await;
    let seconds = rig.get(WEB).await;
    assert_eq!((seconds.status, &seconds.body["id"], seconds.header("retry-after")), (429, &json!("rate_limit"), "60"));
    let epoch = rig.results("").await;
    let server: i64 = epoch.header("server-time").parse().unwrap();
    assert_eq!((epoch.status, epoch.header("retry-after")), (429, (server + 90).to_string().as_str()));
    rig.sandbox.set_faults(&"heroku:429-date=10".parse().unwrap());
    let date = rig.get(WEB).await;
    let [again, now] = ["retry-after", "date"].map(|h| httpdate::parse_http_date(date.header(h)).unwrap());
    assert_eq!(again.duration_since(now).unwrap(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_limit_is_named_and_holds_for_more_dynos_alone() {
    let rig = faulty("patch:limit=3").await;
    let refused = rig.patch(WEB, json!({ "quantity": 4 })).await;
    assert_eq!((refused.status, &refused.body["id"]), (422, &json!("cannot_update_above_limit")));
    assert_eq!(refused.body["limit"], 3);
    assert_eq!(rig.patch(WEB, json!({ "quantity": 3 })).await.status, 200);
    rig.sandbox.scale_by_hand(8);
    assert_eq!(rig.patch(WEB, json!({ "quantity": 6 })).await.body["quantity"], 6, "fewer is always allowed");
}

#[tokio::test]
async fn a_blackout_has_no_results() {
    let rig = faulty("pingdom:empty").await;
    let empty = rig.results("").await;
    assert_eq!((empty.status, empty.body), (200, json!({ "activeprobes": [], "results": [] })));
}

#[tokio::test]
async fn a_skewed_side_is_ahead_in_all_it_says() {
    let rig = faulty("pingdom:skew=600,heroku:skew=-600").await;
    let ahead = rig.results("?limit=1").await;
    let server: i64 = ahead.header("server-time").parse().unwrap();
    assert!((START + 600..=START + 600 + LONG.as_secs() as i64).contains(&server), "{server}");
    let newest = ahead.body["results"][0]["time"].as_i64().unwrap();
    assert!(newest > START + 400, "{newest}");
    let behind = rig.get(WEB).await;
    assert_eq!(behind.body["updated_at"], "2026-11-24T08:57:20Z");
    let date = httpdate::parse_http_date(behind.header("date")).unwrap().duration_since(std::time::UNIX_EPOCH);
    let date = date.unwrap().as_secs() as i64;
    assert!((START - 600..=START - 600 + LONG.as_secs() as i64).contains(&date), "{}", behind.header("date"));
}

#[tokio::test]
async fn warnings_and_maintenance_can_be_asked_for() {
    let rig = faulty("heroku:warning,heroku:maintenance").await;
    let app = rig.get("/apps/sandbox-app").await;
    assert_eq!(app.body["maintenance"], true);
    assert_eq!(app.header("x-heroku-warning"), "This is a warning that the sandbox was asked for.");
    let rig = faulty("heroku:maintenance@from=3600..").await;
    assert_eq!(rig.get("/apps/sandbox-app").await.body["maintenance"], false);
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_calls() {
    let struck = async |seed| {
        let rig = rig(SandboxOptions { seed, faults: "read:500@0.4".parse().unwrap(), ..options() }).await;
        let mut all = Vec::new();
        for _ in 0..40 {
            all.push(rig.get(WEB).await.status);
        }
        all
    };
    let first = struck(3).await;
    assert!(first.contains(&200) && first.contains(&500));
    assert_eq!(first, struck(3).await);
    assert_ne!(first, struck(4).await);
}
