//! The sandbox over real HTTP: what a client sees, and what the sandbox says that it saw.

mod clients;
mod faults;
mod heroku;
mod pingdom;

use std::time::Duration;

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::{Overrides, parse};
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::{Incident, IncidentKind, Load, Profile};
use autoscale_core::workspace::time::Timestamp;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::support::{LONG, until};

const ACCEPT: &str = "application/vnd.heroku+json; version=3";

/// 2026-11-24 09:38:20 UTC.
const START: i64 = 1_795_513_100;

/// A sandbox and somebody who calls it.
struct Rig {
    sandbox: Sandbox,
    http: reqwest::Client,
}

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A light load, a fixed start, hardly moving time.
fn options() -> SandboxOptions {
    SandboxOptions { load: Load::flat(2.0), start: Some(Timestamp::from_secs(START)), ..SandboxOptions::default() }
}

async fn rig(options: SandboxOptions) -> Rig {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().timeout(LONG).build().unwrap();
    Rig { sandbox: Sandbox::start(options).await.unwrap(), http }
}

async fn faulty(faults: &str) -> Rig {
    rig(SandboxOptions { faults: faults.parse().unwrap(), ..options() }).await
}

impl Rig {
    /// A call of Heroku's API as a good client makes it.
    fn heroku(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.sandbox.heroku_url()))
            .header("Accept", ACCEPT)
            .bearer_auth(&self.sandbox.info().heroku_api_key)
    }

    /// A call of Pingdom's API as a good client makes it.
    fn pingdom(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/3.1{path}", self.sandbox.pingdom_url());
        self.http.get(url).bearer_auth(&self.sandbox.info().pingdom_api_key)
    }

    async fn get(&self, path: &str) -> Seen {
        seen(self.heroku(Method::GET, path)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Seen {
        seen(self.heroku(Method::PATCH, path).body(body.to_string())).await
    }

    async fn results(&self, query: &str) -> Seen {
        seen(self.pingdom(&format!("/results/{}{query}", self.sandbox.info().check_id))).await
    }
}

async fn seen(request: reqwest::RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Seen { status, headers, body }
}

const WEB: &str = "/apps/sandbox-app/formation/web";

#[tokio::test]
async fn other_than_loopback_addresses_are_refused() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Sandbox::start(SandboxOptions { listen: listen.parse().unwrap(), ..options() }).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(
            text.starts_with("the sandbox listens on loopback addresses only (127.0.0.1 or [::1]), not on"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn what_no_sandbox_can_be_is_refused() {
    let said = async |options| Sandbox::start(options).await.unwrap_err().to_string();
    for (speed, text) in [(0.0, "0"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let expected = format!("a speed is from 0.01 to 10000, not {text}");
        assert_eq!(said(SandboxOptions { speed, ..options() }).await, expected);
    }
    assert_eq!(
        said(SandboxOptions { app_name: "Shop".into(), ..options() }).await,
        "\"Shop\" is no name of an app: 3 to 30 of a-z, 0-9 and -, a letter first, no - last"
    );
    assert_eq!(said(SandboxOptions { dynos: 101, ..options() }).await, "101 dynos are more than 100");
}

#[tokio::test]
async fn a_fixed_port_takes_the_next_one_too_and_both_are_free_after_it() {
    // Two neighbours that are free: somebody else may take them meanwhile, so a few tries.
    for attempt in 0.. {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let Ok(sandbox) = Sandbox::start(SandboxOptions { listen: free, ..options() }).await else {
            assert!(attempt < 20);
            continue;
        };
        assert_eq!(sandbox.heroku_url(), format!("http://{free}"));
        assert_eq!(sandbox.pingdom_url(), format!("http://127.0.0.1:{}", free.port() + 1));
        let taken = Sandbox::start(SandboxOptions { listen: free, ..options() }).await.unwrap_err();
        assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
        assert!(taken.to_string().starts_with(&format!("{free}: ")), "{taken}");
        sandbox.stop().await;
        Sandbox::start(SandboxOptions { listen: free, ..options() }).await.unwrap().stop().await;
        return;
    }
}

#[tokio::test]
async fn stopping_ends_calls_that_wait() {
    let rig = faulty("heroku:timeout").await;
    let waiting = tokio::spawn(rig.heroku(Method::GET, WEB).send());
    until("the call", || rig.sandbox.report().reads > 0).await;
    rig.sandbox.stop().await;
    let ended = tokio::time::timeout(LONG, waiting).await.unwrap().unwrap();
    assert!(ended.is_err());
}

#[tokio::test]
async fn a_sandbox_that_is_dropped_has_ended() {
    let rig = rig(options()).await;
    rig.get(WEB).await;
    let address = rig.sandbox.heroku_url().trim_start_matches("http://").to_owned();
    drop(rig);
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn virtual_time_passes_at_its_speed_and_both_apis_tell_it() {
    let rig = rig(SandboxOptions { speed: 3600.0, ..options() }).await;
    let before = rig.sandbox.now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let results = rig.results("?limit=1").await;
    let after = rig.sandbox.now();
    let told: i64 = results.header("server-time").parse().unwrap();
    assert!(before.as_secs() + 360 <= told && told <= after.as_secs(), "{before:?} {told} {after:?}");
    for date in [results.header("date").to_owned(), rig.get(WEB).await.header("date").to_owned()] {
        let date = httpdate::parse_http_date(&date).unwrap();
        let date = date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
        assert!(before.as_secs() <= date && date <= rig.sandbox.now().as_secs(), "{date}");
    }
    assert!(results.body["results"][0]["time"].as_i64().unwrap() >= told - 200, "results go on while nobody calls");
}

#[tokio::test]
async fn the_report_tells_what_reached_it_on_both_ports_without_a_key() {
    let rig = rig(options()).await;
    rig.get(WEB).await;
    rig.get("/apps/sandbox-app/formation").await;
    rig.get("/apps/sandbox-app").await;
    rig.results("").await;
    rig.patch(WEB, json!({ "quantity": 4 })).await;
    rig.patch(WEB, json!({ "quantity": 1000 })).await;
    let mut told = Vec::new();
    for url in [rig.sandbox.heroku_url(), rig.sandbox.pingdom_url()] {
        let report = seen(rig.http.get(format!("{url}/_sandbox"))).await;
        assert_eq!(report.status, 200);
        told.push(report.body);
    }
    let report = &told[0];
    let counts = ["dynos", "reads", "results_reads", "patches_total", "patches_refused", "faults", "started"];
    assert_eq!(counts.map(|key| report[key].as_i64().unwrap()), [4, 2, 1, 1, 1, 0, START]);
    let patch = &report["patches"][0];
    assert_eq!((&patch["from"], &patch["quantity"], &patch["answered"]), (&json!(2), &json!(4), &json!(true)));
    let at = patch["at"].as_f64().unwrap();
    assert!((START as f64..=rig.sandbox.now().as_secs_f64()).contains(&at), "{at}");
    assert!((0.0..=1.0).contains(&report["requests_slow_share"].as_f64().unwrap()));
    assert_eq!(told[0]["patches"], told[1]["patches"]);
    assert_eq!(rig.sandbox.report().patches.len(), 1);
}

#[tokio::test]
async fn a_change_by_hand_is_no_patch() {
    let rig = rig(options()).await;
    rig.sandbox.scale_by_hand(5);
    assert_eq!(rig.get(WEB).await.body["quantity"], 5);
    let report = rig.sandbox.report();
    assert_eq!((report.dynos, report.patches_total), (5, 0));
}

#[tokio::test]
async fn the_same_seed_has_the_same_history() {
    let history = async |seed| {
        let rig = rig(SandboxOptions { seed, load: Load::default(), ..options() }).await;
        rig.results(&format!("?to={START}")).await.body
    };
    let first = history(7).await;
    assert_eq!(first, history(7).await);
    assert_ne!(first, history(8).await);
}

#[tokio::test]
async fn more_dynos_make_the_app_faster_once_they_have_booted() {
    let mut profile = Profile::standard();
    profile.deploy_at = None;
    let load = Load::flat(3.0 * profile.requests_per_dyno());
    // 1000 virtual seconds a second; too few dynos to begin with.
    let rig = rig(SandboxOptions { speed: 1000.0, dynos: 2, load, profile, ..options() }).await;
    let slow = |body: &Value| {
        let slow = |r: &&Value| r["responsetime"].as_u64().is_none_or(|ms| ms > 2000);
        body["results"].as_array().unwrap().iter().filter(slow).count()
    };
    let before = rig.results(&format!("?to={START}")).await.body;
    assert!(slow(&before) > 15, "{} of 31 slow", slow(&before));
    rig.patch(WEB, json!({ "quantity": 8 })).await;
    let scaled = rig.sandbox.now().as_secs();
    let states = |body: &Value| body.as_array().unwrap().iter().filter(|d| d["state"] == "up").count();
    until("40 minutes", || rig.sandbox.now().as_secs() >= scaled + 2400).await;
    assert_eq!(states(&rig.get("/apps/sandbox-app/dynos").await.body), 8);
    let after = rig.results(&format!("?from={}&to={}", scaled + 600, scaled + 2400)).await.body;
    assert!(after["results"].as_array().unwrap().len() > 20);
    assert!(slow(&after) <= 3, "{} slow", slow(&after));
}

#[tokio::test]
async fn a_broken_app_is_down_in_its_results() {
    let outage = Incident::new(IncidentKind::Silence, 0.0, 600.0);
    let rig = rig(SandboxOptions { speed: 3600.0, incidents: vec![outage], ..options() }).await;
    until("the outage's end", || rig.sandbox.now().as_secs() >= START + 600).await;
    let results = rig.results(&format!("?from={}&to={}", START + 2, START + 600)).await.body;
    let results: Vec<_> = results["results"].as_array().unwrap().iter().rev().collect();
    assert!(results.len() >= 8);
    assert_eq!(results[0]["status"], "unconfirmed", "the first of a run is not yet confirmed");
    for result in results {
        assert_eq!(result["statusdesc"], "Timeout (> 30s)");
        assert_eq!(result.get("responsetime"), None);
    }
}

#[tokio::test]
async fn whoever_has_its_configuration_knows_its_time_without_asking() {
    // In November 2026, wherever the wall clock is by now.
    for speed in [60.0, 0.5, 3600.0] {
        let sandbox = Sandbox::start(SandboxOptions { speed, ..options() }).await.unwrap();
        let config = parse(&sandbox.info().config_text(speed), &Overrides::default()).unwrap().config;
        let clock = Clock::of(&config);
        let (before, seen, after) = (sandbox.now(), clock.now(), sandbox.now());
        // Five real seconds may lie between two looks at two clocks, on a very busy machine.
        let near = Duration::from_secs_f64(speed * 5.0);
        assert!(before - near <= seen && seen <= after + near, "{speed}: {before:?} {seen:?} {after:?}");
        let ahead = clock.after(Duration::from_secs(60)).seconds_since(clock.now());
        assert!(ahead <= 60.0 * speed && ahead > 30.0 * speed, "{ahead}");
    }
}
