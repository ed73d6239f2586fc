//! Golden files: the JSON of every kind of event and of every reason, with keys, order, types, numbers and codes, and
//! beside it the sentences. A change of the JSON breaks whoever reads a history; a change of a sentence does not, so that
//! the two stand in files of their own. `UPDATE_GOLDEN=1` writes both.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::belief::{Belief, TrafficBelief};
use autoscale_core::workspace::bounds_rule::{BoundsRule, SetBy};
use autoscale_core::workspace::decision::{Action, Decision, Evidence};
use autoscale_core::workspace::event::{Check, Event, JsonSample, Kind, Outcome, Stage, VERSION};
use autoscale_core::workspace::policy::PolicyKind;
use autoscale_core::workspace::reason::{Cooldown, Next, Reason, Wait};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::traffic::{SeenBelief, TrafficRow, TrafficSeen};
use autoscale_core::workspace::warning::Warning;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

/// Every reason, some in more than one form.
fn reasons() -> Vec<Reason> {
    let weighed = Belief {
        load_dynos: 2.5,
        load_low: 1.75,
        load_high: 3.25,
        slow_share_now: 0.125,
        slow_share_target: 0.004,
        considered: 4,
        incurable_share: 0.0625,
    };
    let traffic = TrafficBelief {
        requests_per_s: 47.0,
        forecast_per_s: 58.5,
        forecast_at: NOW + minutes(3),
        dyno_carries: 15.25,
        slow_share: 0.3125,
        incident: 0.75,
        considered: 4,
    };
    let (remaining, next) = (minutes(7), Next::Add(minutes(12)));
    vec![
        Reason::SwitchedOff,
        Reason::Maintenance,
        Reason::ManualOverride { remaining },
        Reason::NoData { newest: None, to_max_in: Wait(None) },
        Reason::NoData { newest: Some(minutes(9)), to_max_in: Wait(Some(minutes(3))) },
        Reason::MissingData { lasted: minutes(25), to_max: false },
        Reason::MissingData { lasted: minutes(25), to_max: true },
        Reason::BelowMin { min: 2 },
        Reason::AboveMax { max: 10 },
        Reason::AboveMaxButSlow { max: 10 },
        Reason::OverrideYields { remaining, over: 2, of: 3 },
        Reason::AboveHigh { over: 2, of: 3, newest_ms: Some(4100.0), high_ms: 2000.0 },
        Reason::AboveHigh { over: 3, of: 3, newest_ms: None, high_ms: 2000.0 },
        Reason::AtMax { max: 10, next: Next::Open },
        Reason::AtMin { min: 1 },
        Reason::Recovering,
        Reason::Futile { from: 2, next },
        Reason::Settling { fresh: 1, needed: 3 },
        Reason::TrendRising { slope: 0.75, limit: 0.5 },
        Reason::TrendFalling { slope: -0.75, limit: -0.5 },
        Reason::BelowLow { mean_ms: 320.0, low_ms: 500.0 },
        Reason::RisingBelowLow { slope: 0.75 },
        Reason::Steady { mean_ms: 640.0 },
        Reason::Unconfirmed { mean_ms: 2200.0, high_ms: 2000.0 },
        Reason::CoolingDown { remaining, rule: Cooldown::Up },
        Reason::CoolingDown { remaining, rule: Cooldown::Down },
        Reason::CoolingDown { remaining, rule: Cooldown::Trial { safe_ms: 250.0 } },
        Reason::CoolingDown { remaining, rule: Cooldown::AfterAdd },
        Reason::CoolingDown { remaining, rule: Cooldown::AfterRemoval },
        Reason::RecentlySlow { remaining, rule: Cooldown::Down },
        Reason::Barred { remaining },
        Reason::Outage { errors: true, next: Next::Open, met: None },
        Reason::Outage { errors: false, next, met: None },
        Reason::OutageStep,
        Reason::DownNow { met: None },
        Reason::TryingFewer { mean_ms: 448.0, low_ms: 500.0, calm: minutes(30) },
        Reason::MoreAreCheaper { belief: weighed },
        Reason::FewerAreCheaper { belief: weighed },
        Reason::Balanced { belief: weighed },
        Reason::AddWouldNotPay { belief: weighed },
        Reason::RemovalWouldNotPay { belief: weighed },
        Reason::WaitingForEffect { next: Next::StepBack(minutes(4)) },
        Reason::TrafficMore { traffic },
        Reason::TrafficAddWouldNotPay { traffic: TrafficBelief { forecast_per_s: 47.0, ..traffic } },
        Reason::TrafficSlow { traffic },
        Reason::TrafficIncident { traffic },
        Reason::TrafficStepBack { traffic },
        Reason::TrafficFewer { traffic },
        Reason::TrafficEnough { traffic },
        Reason::TrafficUnknown { traffic },
    ]
}

fn check(reason: &Reason) -> Check {
    Check {
        dynos: 3,
        changed_at: Some(NOW - minutes(20)),
        min: 1,
        max: 10,
        mean_ms: Some(640.0),
        trend_ms_per_s: Some(0.02),
        new_samples: vec![
            JsonSample(Sample::up(NOW - minutes(2), 640.5).expect("a time")),
            JsonSample(Sample::down(NOW - minutes(1), DownCause::Timeout)),
            JsonSample(Sample::down(NOW, DownCause::Error)),
        ],
        effective_max: 10,
        maintenance: false,
        override_until: None,
        policy: PolicyKind::Threshold,
        action: Action::Hold,
        target: 3,
        shadow: false,
        reason: (*reason).into(),
        outcome: Outcome::Held,
        applied: 3,
        error: None,
        load: None,
        traffic: None,
        size: None,
        bounds_by: Vec::new(),
        detail: None,
    }
}

fn event(kind: Kind) -> Event {
    Event { v: VERSION, at: NOW, app: "shop".into(), process: "web".into(), kind }
}

/// What sets bounds, of each kind, with all that may be absent.
fn rules() -> Vec<BoundsRule> {
    let until = Some(NOW + minutes(90));
    let of =
        |by, name: Option<&str>, min, max, until| BoundsRule { by, name: name.map(str::to_owned), min, max, until };
    vec![
        of(SetBy::Schedule, Some("evening"), Some(5), Some(20), until),
        of(SetBy::Schedule, Some("always"), None, Some(12), None),
        of(SetBy::Floor, None, Some(4), None, until),
    ]
}

/// Every kind of event, checks in each outcome and with all that may be absent.
fn kinds() -> Vec<Event> {
    let steady = check(&Reason::Steady { mean_ms: 640.0 });
    let outcome = |outcome, more: fn(&mut Check)| {
        let mut check = Check { outcome, action: Action::Add, target: 4, ..steady.clone() };
        more(&mut check);
        Kind::Checked(Box::new(check))
    };
    let empty: fn(&mut Check) = |check| {
        (check.changed_at, check.mean_ms, check.trend_ms_per_s) = (None, None, None);
        check.new_samples.clear();
    };
    let full: fn(&mut Check) = |check| {
        check.override_until = Some(NOW + minutes(30));
        (check.load, check.size) = (Some([2.5, 1.75, 3.25]), Some("Standard-2X".into()));
        (check.policy, check.maintenance, check.effective_max) = (PolicyKind::Adaptive, true, 8);
    };
    let failed: fn(&mut Check) = |check| check.error = Some("Heroku answered 422".into());
    let kinds = vec![
        outcome(Outcome::Held, empty),
        outcome(Outcome::Held, full),
        outcome(Outcome::Scaled, |check| check.applied = 4),
        outcome(Outcome::WouldScale, |_| {}),
        outcome(Outcome::WouldScale, |check| check.shadow = true),
        outcome(Outcome::Limited, failed),
        outcome(Outcome::Failed, failed),
        Kind::CheckFailed { stage: Stage::Metric, error: "Pingdom is down".into(), in_a_row: 1, unanswered: None },
        Kind::CheckFailed {
            stage: Stage::Formation,
            error: "Heroku is down".into(),
            in_a_row: 2,
            unanswered: Some([3, 4]),
        },
        Kind::ChangeConfirmed { from: 3, to: 4, sent_at: NOW - minutes(1) },
        Kind::Crashed { error: "a defect".into(), in_a_row: 1, restart_in_s: Some(5.0) },
        Kind::Crashed { error: "a defect".into(), in_a_row: 2, restart_in_s: None },
        Kind::Recovered { failed: 2 },
        Kind::Started { dry_run: false, shadow: false },
        Kind::Started { dry_run: true, shadow: true },
        Kind::Stopped,
        Kind::Paused,
        Kind::Resumed,
        Kind::DryRunChanged { dry_run: true, shadow: false },
        Kind::ConfigReloaded { warnings: vec!["a warning".into()] },
        Kind::ConfigRefused { problems: vec!["a problem".into()] },
        Kind::Warning(Warning::new(Warning::CLOCK, "a warning")),
        Kind::BoundsChanged { min: 5, max: 20, by: rules() },
        Kind::BoundsChanged { min: 1, max: 10, by: Vec::new() },
        outcome(Outcome::Held, |check| (check.min, check.max, check.bounds_by) = (5, 20, rules())),
        outcome(Outcome::Held, |check| {
            let mut row = TrafficRow::empty(NOW - minutes(1));
            (row.requests, row.errors, row.timeouts, row.connect_ms) = (20, 2, 1, 9);
            (row.service_times[18], row.service_times[39]) = (18, 1);
            let belief = SeenBelief {
                dyno_carries: 15.25,
                load: 47.0,
                forecast: 58.5,
                forecast_at: NOW + minutes(3),
                slow_share: 0.05,
                incident: 0.0,
            };
            let seen = TrafficSeen::of(vec![row, TrafficRow::empty(NOW - minutes(2))]).expect("rows");
            (check.policy, check.traffic) =
                (PolicyKind::Traffic, Some(Box::new(TrafficSeen { belief: Some(belief), ..seen })));
        }),
    ];
    kinds.into_iter().map(event).collect()
}

/// The JSON of all of them, a line each, with the reasons' sentences left out; and the sentences.
fn golden() -> (String, String) {
    let (mut json, mut texts) = (String::new(), String::new());
    let checked = |reason: Reason| event(Kind::Checked(Box::new(check(&reason))));
    for event in kinds().into_iter().chain(reasons().into_iter().map(checked)) {
        let line = event.to_json();
        let line = match &event.kind {
            Kind::Checked(check) => {
                let said = serde_json::to_string(&check.reason.to_string()).expect("a text");
                assert!(line.contains(&format!("\"text\":{said}")), "{line}");
                line.replace(&format!("\"text\":{said}"), "\"text\":\"…\"")
            }
            _ => line,
        };
        let _ = writeln!(json, "{line}");
        let _ = writeln!(texts, "{event}");
    }
    let numbers = |reason: &Reason| {
        let decision = Decision { from: 3, target: 3, reason: *reason, evidence: Evidence::default() };
        format!("{} {} {:?}", reason.number(), reason.code(), decision.reason.numbers())
    };
    for reason in reasons() {
        let _ = writeln!(json, "{}", numbers(&reason));
    }
    (json, texts)
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden").join(name)
}

fn compare(name: &str, now: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file("")).expect("a folder can be made");
        std::fs::write(file(name), now).expect("a golden file can be written");
    }
    let kept = std::fs::read_to_string(file(name)).expect("the golden file is there");
    for (n, (kept, now)) in kept.lines().zip(now.lines()).enumerate() {
        assert_eq!(now, kept, "{name}:{}", n + 1);
    }
    assert_eq!(now.lines().count(), kept.lines().count(), "{name}: lines");
}

#[test]
fn the_json_of_events_and_the_numbers_of_reasons_stay_as_they_are() {
    compare("events.txt", &golden().0);
}

#[test]
fn the_sentences_of_events_are_those_of_the_golden_file() {
    compare("sentences.txt", &golden().1);
}

#[test]
fn every_reason_there_is_has_its_line() {
    let numbers: std::collections::BTreeSet<i32> = reasons().iter().map(Reason::number).collect();
    assert_eq!(numbers, Reason::ALL.iter().map(|(number, _)| *number).collect());
}
