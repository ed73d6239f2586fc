//! Lines of JSON as `autoscale decide` reads and writes them.

use std::time::Duration;

use autoscale_core::TrafficRow;
use autoscale_core::workspace::decide_line::{DecideRequest, DecideStream, MAX_APPS};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;

fn stream() -> DecideStream {
    DecideStream::new(Settings::new(PolicyKind::Threshold), Bounds::new(1, 10).unwrap(), Duration::from_secs(60))
}

/// The form of a row, as errors have it.
const ROW: &str = "[t0, 10, requests, 5xx, h12, other router errors, connect ms, [service times]]";

fn error(line: &str) -> String {
    DecideRequest::from_json(line.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_line_is_read_with_all_its_fields() {
    let line = r#"{"now":1700000000.5,"dynos":3,"min":2,"max":9,"changed_at":1699999000,"interval":0.5,"app":"shop",
        "samples":[[60,250.5,true],[1.25,null,false],[2,30000,"timeout"],[3,0,"error"],[4,7,"up"]],
        "traffic":[[50,10,7,3,1,1,25,[0,4,2]]],"later":{"x":[1]}}"#;
    let mut service_times = [0; 40];
    service_times[1..3].copy_from_slice(&[4, 2]);
    let at = |s: f64| Timestamp::from_secs_f64(s).unwrap();
    assert_eq!(
        DecideRequest::from_json(line.as_bytes()).unwrap(),
        DecideRequest {
            now: at(1_700_000_000.5),
            dynos: 3,
            min: Some(2),
            max: Some(9),
            samples: vec![
                Sample::up(at(60.0), 250.5).unwrap(),
                Sample::down(at(1.25), DownCause::Timeout),
                Sample::down(at(2.0), DownCause::Timeout),
                Sample::down(at(3.0), DownCause::Error),
                Sample::up(at(4.0), 7.0).unwrap(),
            ],
            traffic: vec![TrafficRow {
                from: at(50.0),
                requests: 7,
                errors: 3,
                timeouts: 1,
                router_errors: 1,
                connect_ms: 25,
                service_times,
            }],
            changed_at: Some(at(1_699_999_000.0)),
            interval: Some(Duration::from_millis(500)),
            app: Some("shop".into()),
        }
    );
}

#[test]
fn what_may_be_left_out_may_be_null() {
    let line =
        r#"{"now":1,"dynos":3.0,"samples":[],"min":null,"max":null,"changed_at":null,"interval":null,"app":null}"#;
    let short = r#"{"now":1,"dynos":3,"samples":[]}"#;
    assert_eq!(DecideRequest::from_json(line.as_bytes()), DecideRequest::from_json(short.as_bytes()));
}

#[test]
fn up_without_a_time_is_no_measurement() {
    let line = r#"{"now":1,"dynos":3,"samples":[[1,null,true],[1,0,true],[1,0.0,"up"]]}"#;
    assert_eq!(DecideRequest::from_json(line.as_bytes()).unwrap().samples, []);
}

#[test]
fn errors_name_the_field() {
    let dynos = "must be a whole number of dynos, 0 to 4294967295, not";
    let up = r#"must be true, false, "timeout" or "error", not"#;
    for (line, expected) in [
        (r#"{"dynos":1,"samples":[]}"#, "now: missing".into()),
        (r#"{"now":1,"samples":[]}"#, "dynos: missing".into()),
        (r#"{"now":1,"dynos":1}"#, "samples: missing".into()),
        (r#"{"now":"1"}"#, "now: must be a time in unix seconds, not \"1\"".into()),
        (r#"{"now":1e300}"#, "now: must be a time in unix seconds, not 1e300".into()),
        (r#"{"now":null}"#, "now: must be a time in unix seconds, not null".into()),
        (r#"{"dynos":-1}"#, format!("dynos: {dynos} -1")),
        (r#"{"dynos":1.5}"#, format!("dynos: {dynos} 1.5")),
        (r#"{"dynos":4294967296}"#, format!("dynos: {dynos} 4294967296")),
        (r#"{"dynos":[1]}"#, format!("dynos: {dynos} a list")),
        (r#"{"dynos":{"n":1}}"#, format!("dynos: {dynos} an object")),
        (r#"{"min":0}"#, "min: must be at least 1: an app at 0 fails the very check that would wake it".into()),
        (r#"{"max":true}"#, format!("max: {dynos} true")),
        (r#"{"interval":0}"#, "interval: must be seconds, above 0, not 0".into()),
        (r#"{"changed_at":"now"}"#, "changed_at: must be a time in unix seconds, not \"now\"".into()),
        (r#"{"app":7}"#, "app: must be a text, not 7".into()),
        (r#"{"now":1,"now":1}"#, "now: given twice".into()),
        (r#"{"samples":7}"#, "invalid type: integer `7`, expected samples: a list of [t, ms, up]".into()),
        (r#"{"samples":[[1,2,true],3]}"#, "invalid type: integer `3`, expected samples[1]: [t, ms, up]".into()),
        (r#"{"samples":[[1,2]]}"#, "samples[0]: must be [t, ms, up], three values".into()),
        (r#"{"samples":[[1,2,true,4]]}"#, "samples[0]: must be [t, ms, up], three values".into()),
        (r#"{"samples":[[null,2,true]]}"#, "samples[0][0]: must be a time in unix seconds, not null".into()),
        (r#"{"samples":[[1,-2,true]]}"#, "samples[0][1]: must be milliseconds, 0 or more, or null, not -2".into()),
        (r#"{"samples":[[1,"2",true]]}"#, "samples[0][1]: must be milliseconds, 0 or more, or null, not \"2\"".into()),
        (r#"{"samples":[[1,2,"down"]]}"#, format!("samples[0][2]: {up} \"down\"")),
        (r#"{"samples":[[1,2,1]]}"#, format!("samples[0][2]: {up} 1")),
        (r#"{"traffic":7}"#, format!("invalid type: integer `7`, expected traffic: a list of {ROW}, or null")),
        (r#"{"traffic":[7]}"#, format!("invalid type: integer `7`, expected traffic[0]: {ROW}")),
        (r#"{"traffic":[[0,10,1,0,0,0,0]]}"#, format!("traffic[0]: must be {ROW}, eight values")),
        (r#"{"traffic":[[0,10,1,0,0,0,0,[],1]]}"#, format!("traffic[0]: must be {ROW}, eight values")),
        (r#"{"traffic":[[5,10,1,0,0,0,0,[]]]}"#, "traffic[0][0]: must be a multiple of 10 s, not 5".into()),
        (r#"{"traffic":[[0,60,1,0,0,0,0,[]]]}"#, "traffic[0][1]: must be 10, the seconds of a row, not 60".into()),
        (
            r#"{"traffic":[[0,10,-1,0,0,0,0,[]]]}"#,
            "traffic[0][2]: must be a whole number, 0 to 4294967295, not -1".into(),
        ),
        (
            r#"{"traffic":[[0,10,1,0,0,0,0,[]],[0,10,1,0,0,0.5,0,[]]]}"#,
            "traffic[1][5]: must be a whole number, 0 to 4294967295, not 0.5".into(),
        ),
        (r#"{"traffic":[[0,10,1,0,0,0,0,[1,1]]]}"#, "traffic[0][7]: 2 service times of 1 requests".into()),
        (
            r#"{"traffic":[[0,10,1,0,0,0,0,[null]]]}"#,
            "traffic[0][7][0]: must be a whole number, 0 to 4294967295, not null".into(),
        ),
        (
            r#"{"traffic":[[0,10,1,0,0,0,0,3]]}"#,
            "invalid type: integer `3`, expected traffic[0][7]: a list of at most 40 counts".into(),
        ),
        (r#"{"now":NaN}"#, "not JSON: expected value at column 8, in or after now".into()),
        (r#"{"now":1,"dynos":1e400}"#, "not JSON: number out of range at column 22, in or after dynos".into()),
        (r#"{"now":1"#, "not JSON: EOF while parsing an object at column 8, in or after now".into()),
        (
            r#"{"now":1,"dynos":1,"samples":[]} {}"#,
            "not JSON: trailing characters at column 34, in or after samples".into(),
        ),
        (
            "7",
            "invalid type: integer `7`, expected an object such as {\"now\":…,\"dynos\":…,\"samples\":[[t,ms,up],…]}"
                .into(),
        ),
    ] {
        assert_eq!(error(line), expected, "{line}");
    }
    let bytes = DecideRequest::from_json(b"{\"app\":\"\xff\"}").unwrap_err().to_string();
    assert_eq!(bytes, "not UTF-8: byte 9 can't be read");
}

#[test]
fn rows_are_bounded() {
    let row = "[0,10,0,0,0,0,0,[]],";
    assert_eq!(error(&format!("{{\"traffic\":[{}0]}}", row.repeat(10_001))), "traffic: more than 10000 rows");
    let counts = "0,".repeat(40);
    assert_eq!(error(&format!("{{\"traffic\":[[0,10,0,0,0,0,0,[{counts}0]]]}}")), "traffic[0][7]: more than 40 counts");
    let line =
        format!("{{\"now\":1,\"dynos\":1,\"samples\":[],\"traffic\":[[0,10,0,0,0,0,0,[{}0]]]}}", "0,".repeat(39));
    assert_eq!(DecideRequest::from_json(line.as_bytes()).unwrap().traffic.len(), 1);
    let none = br#"{"now":1,"dynos":1,"samples":[],"traffic":null}"#;
    assert_eq!(DecideRequest::from_json(none).unwrap().traffic, []);
}

#[test]
fn an_error_is_short_whatever_the_line() {
    for long in ["x".repeat(100_000), "é".repeat(100_000)] {
        assert!(error(&format!("{{\"samples\":\"{long}\"}}")).chars().count() < 400);
        assert!(error(&format!("{{\"now\":\"{long}\"}}")).chars().count() < 400);
        assert_eq!(error(&format!("{{\"app\":\"{long}\"}}")), "app: must be at most 256 bytes long");
    }
    assert!(error(&"[".repeat(100_000)).len() < 400);
    assert!(error(&format!("{{\"x\":{}", "[".repeat(100_000))).contains("EOF"));
}

#[test]
fn min_and_max_of_a_line_go_before_the_configured_ones() {
    let mut stream = stream();
    let slow = "\"samples\":[[0,2500,true],[60,2500,true],[120,2500,true]]";
    let mut target = |rest: &str| stream.answer(format!("{{\"now\":120,{slow},{rest}}}").as_bytes()).map(|r| r.target);
    assert_eq!(target("\"dynos\":8,\"app\":\"a\""), Ok(10));
    assert_eq!(target("\"dynos\":8,\"app\":\"b\",\"max\":12"), Ok(12));
    assert_eq!(target("\"dynos\":1,\"app\":\"c\",\"min\":5"), Ok(5));
    let crossed = target("\"dynos\":1,\"min\":11").unwrap_err().to_string();
    assert_eq!(crossed, "min: 11 is above max: 10 (configured)");
}

#[test]
fn the_reply_has_target_action_and_reason() {
    let line = br#"{"now":120,"dynos":2,"samples":[[120,2500,true],[0,2500,true],[60,2500,true]]}"#;
    assert_eq!(
        serde_json::to_string(&stream().answer(line).unwrap()).unwrap(),
        r#"{"target":4,"action":"add","reason":{"code":"above_high","text":"too slow: 3 of the last 3 results over 2000 ms, the newest 2500 ms"}}"#
    );
}

#[test]
fn state_is_kept_apart_for_each_app() {
    let mut stream = stream();
    let mut ask = |app: &str, now: u32, dynos: u32| {
        let samples: Vec<_> = (0..=now / 60).map(|i| (i * 60, 300, true)).collect();
        let line = serde_json::json!({"now": now, "dynos": dynos, "samples": samples, "app": app}).to_string();
        stream.answer(line.as_bytes()).unwrap().reason.code().to_owned()
    };
    assert_eq!(ask("a", 600, 3), "below_low");
    assert_eq!(ask("a", 660, 2), "settling", "a remembers its change");
    assert_eq!(ask("b", 660, 2), "trying_fewer", "b has none");
}

#[test]
fn an_interval_of_the_line_goes_before_the_configured_one() {
    let mut stream = stream();
    let mut code = |rest: &str| {
        let line = format!("{{\"now\":500,\"dynos\":2,\"samples\":[[0,800,true],[10,800,true],[20,800,true]]{rest}}}");
        stream.answer(line.as_bytes()).unwrap().reason.code().to_owned()
    };
    assert_eq!(code(""), "no_data");
    assert_eq!(code(",\"interval\":300"), "steady");
}

#[test]
fn the_app_that_was_not_heard_of_for_the_longest_is_forgotten_first() {
    let mut stream = stream();
    let mut ask = |app: &str, now: u32, dynos: u32| {
        let samples: Vec<_> = (0..=now / 60).map(|i| (i * 60, 300, true)).collect();
        let line = serde_json::json!({"now": now, "dynos": dynos, "samples": samples, "app": app}).to_string();
        let code = stream.answer(line.as_bytes()).unwrap().reason.code().to_owned();
        (code, stream.apps())
    };
    ask("first", 600, 3);
    ask("second", 600, 3);
    ask("first", 601, 3);
    for i in 2..=MAX_APPS {
        let heard = ask(&format!("app {i}"), 60, 3).1;
        assert_eq!(heard, (i + 1).min(MAX_APPS));
    }
    assert_eq!(ask("first", 660, 2).0, "settling", "remembered: spoken of last");
    assert_eq!(ask("second", 660, 2), ("trying_fewer".into(), MAX_APPS), "forgotten");
}

#[test]
fn times_in_milliseconds_are_errors_that_name_the_unit() {
    let says = "must be a time in unix seconds, and 1700000000000 is one in milliseconds: divide by 1000";
    for (field, line) in [
        ("now", r#"{"now":1700000000000,"dynos":1,"samples":[]}"#),
        ("changed_at", r#"{"now":1700000000,"dynos":1,"changed_at":1700000000000,"samples":[]}"#),
        ("samples[0][0]", r#"{"now":1700000000,"dynos":1,"samples":[[1700000000000,5,true]]}"#),
    ] {
        assert!(error(line).contains(&format!("{field}: {says}")), "{}", error(line));
    }
}
