//! Bodies as the services send them become values, and values the requests that they understand.

use std::time::Duration;

use autoscale_core::workspace::config::PingdomVersion;
use autoscale_core::workspace::heroku::wire as heroku;
use autoscale_core::workspace::pingdom::wire as pingdom;
use autoscale_core::workspace::time::Timestamp;
use proptest::prelude::*;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

/// Probe, seconds after `since`, ms or the kind of down.
fn rows(page: &pingdom::Page, since: i64) -> Vec<(Option<i64>, i64, String)> {
    let spell = |row: &pingdom::ResultRow| {
        let sample = row.sample;
        let came = sample.up_ms().map_or_else(|| sample.status().name().to_owned(), |ms| ms.to_string());
        (row.probe, sample.at.as_secs() - since, came)
    };
    page.results.iter().map(spell).collect()
}

#[test]
fn every_status_of_a_3_1_result_is_understood_and_what_measured_nothing_is_left_out() {
    let page = pingdom::parse_results(fixture!("pingdom/results-3.1.json")).unwrap();
    let expected = [
        (Some(261), 421, "734"),
        (Some(263), 482, "timeout"),
        (Some(257), 541, "error"),
        (Some(261), 600, "timeout"),
        (Some(263), 661, "error"),
        (Some(257), 720, "timeout"),
        (None, 901, "688.5"),
    ];
    assert_eq!(rows(&page, 1_780_000_000), expected.map(|(probe, at, came)| (probe, at, came.to_owned())));
    assert_eq!((page.entries, page.unreadable), (10, 0));
}

#[test]
fn results_of_2_1_are_the_same() {
    let page = pingdom::parse_results(fixture!("pingdom/results-2.1.json")).unwrap();
    let expected = [(Some(35), 541, "631"), (Some(33), 482, "702"), (Some(37), 421, "error")];
    assert_eq!(rows(&page, 1_311_110_000), expected.map(|(probe, at, came)| (probe, at, came.to_owned())));
}

#[test]
fn one_malformed_result_does_not_spoil_the_rest() {
    let page = pingdom::parse_results(fixture!("pingdom/results-one-malformed.json")).unwrap();
    assert_eq!(rows(&page, 1_780_000_000), [(Some(1), 60, "500".into()), (Some(1), 0, "510".into())]);
    assert_eq!((page.entries, page.unreadable), (3, 1));
}

#[test]
fn results_that_are_mostly_malformed_are_a_failure() {
    let error = pingdom::parse_results(fixture!("pingdom/invalid-results-most-malformed.json")).unwrap_err();
    assert_eq!(error.to_string(), "3 of 4 results can't be read");
}

#[test]
fn far_more_results_than_were_asked_for_are_a_failure() {
    let body = |entries: usize| {
        let entries = vec![r#"{"time":1,"status":"up","responsetime":5}"#; entries].join(",");
        format!(r#"{{"results":[{entries}]}}"#)
    };
    assert_eq!(pingdom::parse_results(body(10_000).as_bytes()).unwrap().entries, 10_000);
    let error = pingdom::parse_results(body(10_001).as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "10001 results at once, where at most 1000 were asked for");
}

#[test]
fn a_resolution_that_no_check_has_is_no_resolution() {
    let said = |minutes: &str| pingdom::parse_check(format!(r#"{{"check":{{"resolution":{minutes}}}}}"#).as_bytes());
    assert_eq!(said("60").unwrap().resolution, Duration::from_secs(3600));
    assert_eq!(said("0").unwrap_err().to_string(), "a resolution of 0 min");
    assert_eq!(said("4294967295").unwrap_err().to_string(), "a resolution of 4294967295 min");
    assert!(said("1e400").is_err());
}

#[test]
fn no_results_are_no_failure_but_another_body_is() {
    assert_eq!(pingdom::parse_results(br#"{"results":[],"activeprobes":[]}"#).unwrap(), pingdom::Page::default());
    let said = |body: &[u8]| pingdom::parse_results(body).unwrap_err().to_string();
    assert_eq!(said(b"<html>"), "not the JSON of a list of results: expected value at line 1 column 1");
    assert_eq!(said(b"{}"), "not the JSON of a list of results: missing field `results` at line 1 column 2");
    assert!(said(br#"{"results":[{"#).starts_with("not the JSON of a list of results: EOF"));
}

#[test]
fn a_page_is_asked_for_by_whole_seconds_that_hold_the_period() {
    let (from, to) = (Timestamp::from_micros(1_500_000), Timestamp::from_micros(60_000_001));
    assert_eq!(
        pingdom::results_path(PingdomVersion::V3_1, 85975, from, to, 2000),
        "/api/3.1/results/85975?from=1&to=61&limit=1000&offset=2000"
    );
    let whole = Timestamp::from_secs(60);
    assert_eq!(
        pingdom::results_path(PingdomVersion::V2_1, 1, whole, whole, 0),
        "/api/2.1/results/1?from=60&to=60&limit=1000&offset=0"
    );
    assert_eq!(pingdom::check_path(PingdomVersion::V3_1, 85975), "/api/3.1/checks/85975");
}

#[test]
fn a_checks_resolution_and_name_are_read() {
    let check = pingdom::parse_check(fixture!("pingdom/check.json")).unwrap();
    assert_eq!((check.name.as_deref(), check.resolution), (Some("shop front page"), Duration::from_secs(300)));
}

#[test]
fn pingdoms_errors_are_read() {
    let said = pingdom::parse_error(fixture!("pingdom/error-403.json"));
    assert_eq!(said.as_deref(), Some("Insufficient permission for this check"));
    let short = br#"{"error":{"statuscode":401,"statusdesc":"Unauthorized"}}"#;
    assert_eq!(pingdom::parse_error(short).as_deref(), Some("Unauthorized"));
    assert_eq!(pingdom::parse_error(b"Bad Gateway"), None);
}

#[test]
fn a_formation_is_read_by_its_new_and_its_old_size() {
    let new = heroku::parse_formation(fixture!("heroku/formation.json")).unwrap();
    assert_eq!((new.quantity, new.size.as_deref()), (3, Some("Standard-2X")));
    assert_eq!(new.updated_at, Some(Timestamp::from_secs(1_780_000_001)));
    let old = heroku::parse_formation(fixture!("heroku/formation-old.json")).unwrap();
    assert_eq!((old.quantity, old.size.as_deref()), (1, Some("Hobby")));
    assert_eq!(old.updated_at, Some(Timestamp::from_micros(1_325_412_000_250_000)));
}

#[test]
fn a_formation_without_quantity_is_none_but_a_strange_time_is_only_unknown() {
    let error = heroku::parse_formation(br#"{"id":"x"}"#).unwrap_err().to_string();
    assert_eq!(error, "not the JSON of a formation: missing field `quantity` at line 1 column 10");
    assert!(heroku::parse_formation(br#"{"quantity":-1}"#).is_err());
    let strange = heroku::parse_formation(br#"{"quantity":2,"updated_at":"noon"}"#).unwrap();
    assert_eq!(strange, heroku::FormationBody { quantity: 2, updated_at: None, size: None, process_type: None });
    assert!(heroku::parse_formation(br#"{"quantity":4294967295}"#).is_err(), "more than there can be");
    let worker = br#"{"quantity":2,"type":"worker"}"#;
    assert_eq!(heroku::parse_formation_of("worker", worker).unwrap().quantity, 2);
    let error = heroku::parse_formation_of("web", worker).unwrap_err().to_string();
    assert_eq!(error, "the formation of another process type than web");
}

#[test]
fn only_an_absolute_quantity_is_ever_written() {
    assert_eq!(heroku::scale_body(7), r#"{"quantity":7}"#);
}

#[test]
fn names_cannot_leave_their_place_in_a_path() {
    assert_eq!(heroku::formation_path("shop", "web"), "/apps/shop/formation/web");
    assert_eq!(heroku::formation_path("a/../b?c", "we b#"), "/apps/a%2F..%2Fb%3Fc/formation/we%20b%23");
    assert_eq!(heroku::monitors_path("0-1", "web"), "/apps/0-1/formation/web/monitors");
}

#[test]
fn maintenance_is_read() {
    let app = heroku::parse_app(fixture!("heroku/app.json")).unwrap();
    assert_eq!((app.id.as_str(), app.maintenance), ("01234567-89ab-cdef-0123-456789abcdef", true));
}

#[test]
fn only_the_two_errors_about_it_name_a_limit_of_dynos() {
    let limit = |body: &[u8]| heroku::parse_error(body).unwrap().dyno_limit();
    assert_eq!(limit(fixture!("heroku/error-limit-run.json")), Some(2));
    assert_eq!(limit(fixture!("heroku/error-limit-update.json")), Some(10));
    assert_eq!(limit(fixture!("heroku/error-not-deployed.json")), None);
    assert_eq!(limit(br#"{"id":"rate_limit","message":"m","limit":4500}"#), None);
    let odd = heroku::parse_error(br#"{"id":"cannot_run_above_limit","message":"m","limit":"two"}"#).unwrap();
    assert_eq!((odd.dyno_limit(), odd.message.as_str()), (None, "m"));
}

#[test]
fn native_autoscaling_is_seen_when_it_is_active_and_scales() {
    let found = heroku::parse_monitors(fixture!("heroku/monitors.json")).unwrap();
    assert_eq!(found, Some(heroku::NativeAutoscaling { min: Some(2), max: Some(8) }));
    let off = br#"[{"action_type":"scale","is_active":false,"min_quantity":1,"max_quantity":2}]"#;
    assert_eq!(heroku::parse_monitors(off).unwrap(), None);
    assert_eq!(heroku::parse_monitors(b"[]").unwrap(), None);
}

#[test]
fn lists_are_read_with_what_a_choice_needs() {
    let apps = heroku::parse_apps(br#"[{"id":"1","name":"shop","web_url":"https://shop.example:443/x","stack":{}}]"#);
    let apps = apps.unwrap();
    assert_eq!((apps.items[0].name.as_str(), apps.items[0].web_host().as_deref()), ("shop", Some("shop.example")));
    let checks = pingdom::parse_checks(
        br#"{"checks":[{"id":1,"type":"ping","status":"paused"},{"id":2,"type":"httpcustom","resolution":5}],"counts":{}}"#,
    );
    let checks = checks.unwrap().items;
    assert_eq!([checks[0].times_a_page(), checks[0].is_paused()], [false, true]);
    assert_eq!([checks[1].times_a_page(), checks[1].is_paused()], [true, false]);
    let said = |body: &[u8]| heroku::parse_apps(body).unwrap_err().to_string();
    assert_eq!(said(b"{}"), "not the JSON of a list of apps: invalid type: map, expected a list at line 1 column 0");
    assert_eq!(said(br#"[{"name":"x"}]"#), "not the JSON of a list of apps: missing field `id` at line 1 column 13");
}

#[test]
fn no_list_is_read_beyond_its_limit() {
    let list = |entry: &str, n: usize| format!("[{}]", vec![entry; n].join(","));
    let apps = heroku::parse_apps(list(r#"{"id":"1"}"#, 1001).as_bytes()).unwrap();
    assert_eq!((apps.items.len(), apps.complete), (1000, false));
    let processes = heroku::parse_formations(list(r#"{"type":"web","quantity":1}"#, 201).as_bytes()).unwrap();
    assert_eq!(processes.len(), 200);
    let domains = heroku::parse_domains(list(r#"{"hostname":"a.example"}"#, 1001).as_bytes()).unwrap();
    assert_eq!(domains.len(), 1000);
    let checks = format!(r#"{{"checks":{}}}"#, list(r#"{"id":1}"#, 1001));
    assert_eq!(pingdom::parse_checks(checks.as_bytes()).unwrap().items.len(), 1000);
}

proptest! {
    #[test]
    fn no_body_whatever_makes_a_parser_panic_or_invent_a_measurement(
        which in 0..5usize,
        cut in 0..2000usize,
        changes in proptest::collection::vec((0..2000usize, any::<u8>()), 0..6),
    ) {
        let fixtures = [
            fixture!("pingdom/results-3.1.json"),
            fixture!("pingdom/check.json"),
            fixture!("heroku/formation.json"),
            fixture!("heroku/error-limit-run.json"),
            fixture!("heroku/monitors.json"),
        ];
        let mut body = fixtures[which].to_vec();
        body.truncate(body.len().max(1) - cut % body.len() % 40);
        for (at, byte) in changes {
            let at = at % body.len();
            body[at] = byte;
        }
        let _ = (pingdom::parse_check(&body), pingdom::parse_error(&body), heroku::parse_formation(&body));
        let _ = (heroku::parse_apps(&body), heroku::parse_formations(&body), heroku::parse_domains(&body));
        let _ = pingdom::parse_checks(&body);
        let _ = (heroku::parse_app(&body), heroku::parse_error(&body), heroku::parse_monitors(&body));
        if let Ok(page) = pingdom::parse_results(&body) {
            prop_assert!(page.results.len() + page.unreadable <= page.entries);
            prop_assert!(page.unreadable * 2 <= page.entries);
            prop_assert!(page.results.iter().all(|row| row.sample.up_ms().is_none_or(|ms| ms > 0.0)));
        }
    }
}
