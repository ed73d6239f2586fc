//! The rule of the 2012 README, its directions put right, over real HTTP: Pingdom's results come from a script, so that a
//! plateau is exactly one; the formation is a sandbox's, which counts what reaches it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::config::{Overrides, Pingdom, parse};
use autoscale_core::workspace::engine::{Engine, Plan};
use autoscale_core::workspace::event::{Check, Kind, Outcome};
use autoscale_core::workspace::heroku::HerokuFormation;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use autoscale_core::workspace::time::Timestamp;
use serde_json::json;

use crate::support::scripted::{Answer, Server};

/// Response time in ms of the result of a minute; `None`: a time-out. Results began half an hour before minute 0.
type Script = dyn Fn(i64) -> Option<u32> + Send + Sync;

struct App {
    sandbox: Sandbox,
    /// Serves the script's results until it is dropped.
    _pingdom: Server,
    script: Arc<Mutex<Box<Script>>>,
    engine: Engine<PingdomResults, HerokuFormation>,
    start: Timestamp,
    minute: i64,
}

impl App {
    async fn new(dynos: u32, settings: &str, script: impl Fn(i64) -> Option<u32> + Send + Sync + 'static) -> Self {
        let options = SandboxOptions { dynos, load: Load::flat(0.0), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let start = sandbox.now() + Duration::from_secs(3600);
        let script: Arc<Mutex<Box<Script>>> = Arc::new(Mutex::new(Box::new(script)));
        let pingdom = Server::start({
            let script = Arc::clone(&script);
            move |request, _| {
                let [from, to] = ["from", "to"].map(|key| request.query(key).parse::<i64>().unwrap());
                let script = script.lock().unwrap();
                let time = |minute: i64| start.as_secs() + 60 * minute;
                let result = |minute| match script(minute) {
                    Some(ms) => json!({"probeid": 33, "time": time(minute), "status": "up", "responsetime": ms}),
                    None => {
                        json!({"probeid": 33, "time": time(minute), "status": "down", "statusdesc": "Timeout (> 30s)"})
                    }
                };
                let minutes = (-30..=3000).rev().filter(|minute| (from..=to).contains(&time(*minute)));
                let results: Vec<_> = minutes.map(result).collect();
                Answer::new(200, json!({"activeprobes": [33], "results": results}).to_string())
            }
        })
        .await;
        let info = sandbox.info();
        let text = format!(
            "[HEROKU_INFOS]\napi_key: {}\napp_name: {}\napi_url: {}\n[PINGDOM_INFOS]\napi_key: {}\ncheck_id: {}\n\
             api_url: {}\n[AUTOSCALE_SETTINGS]\ncheck_frequency: 1\n{settings}\n",
            info.heroku_api_key, info.app_name, info.heroku_url, info.pingdom_api_key, info.check_id, pingdom.url
        );
        let config: Config = parse(&text, &Overrides::default()).unwrap().config;
        let http = HttpOptions::default();
        let engine = Engine::new(
            Plan::from(&config),
            PingdomResults::new(config.sources.settings_as::<Pingdom>().expect("its section is read"), &http).unwrap(),
            HerokuFormation::new(&config.heroku, &http).unwrap(),
            (),
            Ledger::default(),
        );
        Self { sandbox, _pingdom: pingdom, script, engine, start, minute: 0 }
    }

    /// The check of the next minute, five seconds after its result.
    async fn check(&mut self) -> Check {
        let now = self.start + Duration::from_secs(60 * self.minute.unsigned_abs() + 5);
        self.minute += 1;
        match self.engine.check(now).await.pop().unwrap().kind {
            Kind::Checked(check) => *check,
            other => panic!("{other:?}"),
        }
    }

    /// So many checks: each change with its minute and its reason's code.
    async fn changes(&mut self, checks: u32) -> Vec<(i64, u32, u32, String)> {
        let mut changes = Vec::new();
        for _ in 0..checks {
            let minute = self.minute;
            let check = self.check().await;
            if check.outcome == Outcome::Scaled {
                changes.push((minute, check.dynos, check.applied, check.reason.code().to_owned()));
            }
        }
        changes
    }

    /// What the sandbox saw.
    fn patches(&self) -> Vec<(u32, u32)> {
        self.sandbox.report().patches.iter().map(|patch| (patch.from, patch.quantity)).collect()
    }
}

fn changes(expected: &[(i64, u32, u32, &str)]) -> Vec<(i64, u32, u32, String)> {
    expected.iter().map(|(minute, from, to, code)| (*minute, *from, *to, (*code).to_owned())).collect()
}

#[tokio::test]
async fn below_response_time_low_scales_down() {
    let mut app = App::new(4, "", |_| Some(200)).await;
    let check = app.check().await;
    assert_eq!((check.dynos, check.applied, check.reason.code()), (4, 3, "below_low"));
    assert_eq!(app.patches(), [(4, 3)]);
    let mut slower = App::new(4, "response_time_low: 150", |_| Some(200)).await;
    slower.check().await;
    assert_eq!(slower.patches(), []);
}

#[tokio::test]
async fn above_response_time_high_scales_up_once_the_newest_results_confirm_it() {
    // One result over the bound is no proof; the one after it is.
    let mut app = App::new(4, "", |minute| Some(if minute >= 3 { 3000 } else { 900 })).await;
    assert_eq!(app.changes(4).await, []);
    let check = app.check().await;
    assert_eq!((check.dynos, check.applied, check.reason.code()), (4, 8, "above_high"));
    assert_eq!(app.patches(), [(4, 8)]);
}

#[tokio::test]
async fn between_the_bounds_a_rising_trend_adds_a_dyno() {
    let mut app = App::new(4, "", |minute| Some(u32::try_from(1200 + 35 * minute).unwrap())).await;
    let check = app.check().await;
    assert!((500.0..=2000.0).contains(&check.mean_ms.unwrap()) && check.trend_ms_per_s.unwrap() > 0.5);
    assert_eq!((check.applied, check.reason.code()), (5, "trend_rising"));
    assert_eq!(app.patches(), [(4, 5)]);
}

#[tokio::test]
async fn between_the_bounds_a_falling_trend_removes_a_dyno() {
    let mut app = App::new(4, "", |minute| Some(u32::try_from(600 - 35 * minute).unwrap())).await;
    let check = app.check().await;
    assert!((500.0..=2000.0).contains(&check.mean_ms.unwrap()) && check.trend_ms_per_s.unwrap() < -0.5);
    assert_eq!((check.applied, check.reason.code()), (3, "trend_falling"));
    assert_eq!(app.patches(), [(4, 3)]);
}

#[tokio::test]
async fn between_the_bounds_without_a_trend_nothing_changes() {
    let mut app = App::new(4, "", |minute| Some(if minute % 2 == 0 { 1100 } else { 1200 })).await;
    assert_eq!(app.changes(60).await, []);
    assert_eq!((app.patches(), app.check().await.reason.code()), (vec![], "steady"));
}

#[tokio::test]
async fn a_flat_plateau_of_5000_ms_adds_dynos_up_to_max() {
    let mut app = App::new(1, "max_dynos: 2", |_| Some(5000)).await;
    assert_eq!(app.changes(60).await, changes(&[(0, 1, 2, "above_high")]));
    assert_eq!(app.check().await.reason.code(), "at_max");

    // Where dynos helped (time-outs became 5000 ms), it goes on to max: by one while nothing was answered, then doubling.
    let mut app = App::new(2, "", |minute| (minute > 1).then_some(5000)).await;
    app.changes(90).await;
    assert_eq!(app.patches(), [(2, 3), (3, 6), (6, 10)]);
    assert_eq!(app.check().await.reason.code(), "at_max");
}

#[tokio::test]
async fn a_flat_plateau_on_which_dynos_show_no_effect_stops_at_twice_the_dynos_and_says_so() {
    let mut app = App::new(2, "", |_| Some(5000)).await;
    assert_eq!(app.changes(20).await, changes(&[(0, 2, 4, "above_high")]));
    let check = app.check().await;
    assert_eq!((check.applied, check.reason.code()), (4, "futile"));
}

#[tokio::test]
async fn flat_idle_gives_dynos_back_to_min_and_not_below() {
    let mut app = App::new(6, "min_dynos: 2", |_| Some(80)).await;
    app.changes(120).await;
    assert_eq!(app.patches(), [(6, 5), (5, 4), (4, 3), (3, 2)]);
    assert_eq!(app.check().await.reason.code(), "at_min");
}

#[tokio::test]
async fn one_slow_minute_in_thirty_adds_none() {
    let mut app = App::new(3, "", |minute| Some(if minute % 30 == 7 { 9000 } else { 800 })).await;
    app.changes(120).await;
    assert_eq!(app.patches(), []);
}

#[tokio::test]
async fn it_never_leaves_min_and_max() {
    // Half an hour each of far too slow and idle, again and again.
    let mut app =
        App::new(3, "min_dynos: 2\nmax_dynos: 5", |minute| Some(if minute % 120 < 40 { 9000 } else { 50 })).await;
    app.changes(480).await;
    let patches = app.patches();
    assert!(patches.iter().all(|(from, to)| (2..=5).contains(from) && (2..=5).contains(to)), "{patches:?}");
    assert!(patches.iter().any(|patch| patch.1 == 5) && patches.iter().any(|patch| patch.1 == 2), "{patches:?}");
}

#[tokio::test]
async fn dry_run_sends_no_patch() {
    let mut app = App::new(3, "debug: True", |minute| Some(if minute % 120 < 40 { 9000 } else { 50 })).await;
    let mut would = 0;
    for _ in 0..240 {
        let check = app.check().await;
        assert!(matches!(check.outcome, Outcome::Held | Outcome::WouldScale));
        would += u32::from(check.outcome == Outcome::WouldScale);
    }
    assert!(would >= 4, "{would}");
    let report = app.sandbox.report();
    assert_eq!((report.patches_total, report.patches_refused, report.dynos), (0, 0, 3));
    // The very same, in earnest, does.
    app.engine.set_dry_run(false).await;
    *app.script.lock().unwrap() = Box::new(|_| Some(9000));
    for _ in 0..60 {
        app.check().await;
    }
    assert!(app.sandbox.report().patches_total > 0);
}
