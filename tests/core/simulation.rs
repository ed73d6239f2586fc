//! The simulated app against the formulas of queueing theory, and what it promises to those who build on it. Each run is
//! seeded and long enough that chance stays well within the 3 % that are asked for.

use std::time::Duration;

use autoscale_core::workspace::simulation::{
    Database, Discipline, DynoState, Incident, IncidentKind, Load, ProbeResult, Profile, SimulatedApp, Totals, Work,
};
use autoscale_core::workspace::time::Timestamp;

const START: Timestamp = Timestamp::from_secs(1_700_000_000);

/// No database, no cold dynos, no deploy, no end to the queue: what the formulas are about.
fn plain(workers: u32, work: Work) -> Profile {
    Profile {
        workers,
        work,
        backlog: 1_000_000,
        database: None,
        cold_factor: 1.0,
        deploy_at: None,
        missed_checks: 0.0,
        ..Profile::standard()
    }
}

/// After about so many requests.
fn after(requests: f64, profile: &Profile, rps: f64, dynos: u32) -> SimulatedApp {
    let mut app = SimulatedApp::new(profile.clone(), Load::flat(rps), 1, dynos, START);
    app.advance(START + Duration::from_secs_f64(requests / rps));
    app
}

fn mean_seconds(totals: Totals) -> f64 {
    assert!(totals.ended > 100_000.0);
    totals.response_seconds / totals.ended
}

#[track_caller]
fn assert_within_3_percent(found: f64, formula: f64) {
    assert!((found / formula - 1.0).abs() < 0.03, "{found}, by the formula {formula}");
}

#[test]
fn a_worker_with_random_work_waits_as_m_m_1_says() {
    for rho in [0.3, 0.6, 0.8] {
        // Random routing splits a Poisson stream into Poisson streams: each of the dynos is an M/M/1 of its own.
        let app = after(2e6, &plain(1, Work::Exponential(0.2)), 4.0 * rho / 0.2, 4);
        assert_within_3_percent(mean_seconds(app.totals()), 0.2 / (1.0 - rho));
    }
}

/// Erlang's C: the probability that all `k` workers are busy.
fn erlang_c(k: u32, rho: f64) -> f64 {
    let a = f64::from(k) * rho;
    let mut blocked = 1.0;
    for n in 1..=k {
        blocked = a * blocked / (f64::from(n) + a * blocked);
    }
    blocked / (1.0 - rho * (1.0 - blocked))
}

#[test]
fn several_workers_at_one_queue_wait_as_m_m_k_says() {
    for (k, rho) in [(2, 0.7), (4, 0.8), (8, 0.9)] {
        let app = after(2e6, &plain(k, Work::Exponential(0.2)), 2.0 * f64::from(k) * rho / 0.2, 2);
        let wait = erlang_c(k, rho) * 0.2 / (f64::from(k) * (1.0 - rho));
        assert_within_3_percent(mean_seconds(app.totals()) - 0.2, wait);
    }
}

#[test]
fn heavy_tailed_work_waits_as_pollaczek_and_khinchine_say() {
    for (variation, rho) in [(0.5, 0.7), (1.2, 0.6), (1.5, 0.5)] {
        let app = after(4e6, &plain(1, Work::LogNormal { mean: 0.1, variation }), 4.0 * rho / 0.1, 4);
        let wait = rho * 0.1 * (1.0 + variation * variation) / (2.0 * (1.0 - rho));
        assert_within_3_percent(mean_seconds(app.totals()) - 0.1, wait);
    }
}

#[test]
fn shared_workers_answer_as_m_g_1_ps_says_whatever_the_tail() {
    for (work, rho) in [
        (Work::Constant(0.1), 0.8),
        (Work::Exponential(0.1), 0.7),
        (Work::LogNormal { mean: 0.1, variation: 2.0 }, 0.6),
    ] {
        let profile = Profile { discipline: Discipline::Shared { threads: 1000 }, ..plain(1, work) };
        let app = after(2e6, &profile, 2.0 * rho / 0.1, 2);
        assert_within_3_percent(mean_seconds(app.totals()), 0.1 / (1.0 - rho));
    }
}

#[test]
fn a_full_queue_refuses_as_m_m_1_k_says() {
    for (rho, k) in [(0.9, 5), (1.0, 10), (1.5, 4)] {
        let profile = Profile { backlog: k - 1, ..plain(1, Work::Exponential(0.2)) };
        let totals = after(1e6, &profile, 4.0 * rho / 0.2, 4).totals();
        let refused: f64 = if rho == 1.0 {
            1.0 / f64::from(k + 1)
        } else {
            (1.0 - rho) * f64::powi(rho, k as i32) / (1.0 - f64::powi(rho, k as i32 + 1))
        };
        assert_within_3_percent(totals.failed / totals.requests, refused);
    }
}

#[test]
fn an_outside_check_sees_what_the_requests_see() {
    for discipline in [Discipline::FirstCome, Discipline::Shared { threads: 1000 }] {
        let profile = Profile { network_ms: 0.0, discipline, ..plain(2, Work::Exponential(0.2)) };
        let mut app = SimulatedApp::new(profile, Load::flat(16.0), 3, 2, START);
        let mut seen = 0.0;
        const CHECKS: u32 = 100_000;
        for i in 1..=CHECKS {
            app.advance(START + Duration::from_secs(u64::from(i)));
            let ProbeResult::Up(ms) = app.probe() else { panic!("down") };
            seen += ms / f64::from(CHECKS);
        }
        assert_within_3_percent(seen, 1000.0 * mean_seconds(app.totals()));
    }
}

#[test]
fn arrivals_follow_a_load_that_changes() {
    let load = Load::from_minutes([0.0, 60.0, 0.0, 0.0]);
    let mut app = SimulatedApp::new(plain(1, Work::Constant(0.001)), load, 1, 5, START);
    let mut by_half_minute = [0.0; 8];
    for i in 0..2000 {
        let before = app.totals().requests;
        app.advance(START + Duration::from_secs(30 * (i + 1)));
        by_half_minute[i as usize % 8] += app.totals().requests - before;
    }
    // Up from 0:30 to 1:30, down to 2:30: a quarter of a minute's 1800 in the first half, three quarters in the second.
    for (found, wanted) in by_half_minute.into_iter().zip([0.0, 450.0, 1350.0, 1350.0, 450.0, 0.0, 0.0, 0.0]) {
        assert!((found / 250.0 - wanted).abs() <= 0.01 * wanted, "{by_half_minute:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_however_it_is_stepped_or_watched() {
    let run = |seed, step: u64, watched: bool| {
        let incidents = ["crash-loop@20+10", "database@50+20", "deploy@80"].map(|text| text.parse().unwrap());
        let load = Load::built_in("flash-crowd").unwrap();
        let mut app = SimulatedApp::new(Profile::standard(), load, seed, 4, START).with_incidents(incidents);
        for second in (step..=7200).step_by(step as usize) {
            app.advance(START + Duration::from_secs(second));
            if watched {
                app.watch();
            }
            if second == 1800 {
                app.scale(7);
            }
        }
        Totals { dyno_seconds: app.totals().dyno_seconds.round(), ..app.totals() }
    };
    let one = run(7, 60, false);
    assert_eq!(one, run(7, 5, true));
    assert_eq!(one, run(7, 1800, true));
    assert_ne!(one, run(8, 60, false));
}

#[test]
fn a_dyno_is_billed_while_it_boots_and_serves_within_a_minute() {
    let mut app = SimulatedApp::new(Profile::standard(), Load::flat(1.0), 1, 1, START);
    let second = |s| START + Duration::from_secs(s);
    app.advance(second(100));
    app.scale(3);
    assert_eq!((app.quantity(), app.changed_at()), (3, second(100)));
    app.advance(second(124));
    let states = |app: &SimulatedApp| app.dynos().into_iter().map(|dyno| dyno.0).collect::<Vec<_>>();
    assert_eq!(states(&app), [DynoState::Up, DynoState::Starting, DynoState::Starting]);
    app.advance(second(160));
    assert_eq!(states(&app), [DynoState::Up; 3]);
    app.scale(1);
    app.advance(second(200));
    assert_eq!(app.totals().dyno_seconds.round(), 100.0 + 3.0 * 60.0 + 40.0);
    assert_eq!(app.dynos().len(), 1);
}

#[test]
fn a_removed_dyno_has_thirty_seconds_for_what_it_took() {
    // Twenty requests of ten seconds each wait at two dynos; after thirty seconds the removed one is killed.
    let profile = Profile { work: Work::Constant(10.0), ..plain(1, Work::Constant(10.0)) };
    let mut app = SimulatedApp::new(profile, Load::flat(2.0), 1, 2, START);
    app.advance(START + Duration::from_secs(10));
    app.scale(1);
    app.advance(START + Duration::from_secs(39));
    assert_eq!(app.totals().failed, 0.0);
    app.advance(START + Duration::from_secs(41));
    assert!(app.totals().failed > 5.0, "{:?}", app.totals());
}

#[test]
fn an_app_without_dynos_refuses_and_an_overloaded_one_times_out() {
    let mut none = SimulatedApp::new(Profile::standard(), Load::flat(5.0), 1, 0, START);
    none.advance(START + Duration::from_secs(60));
    assert_eq!(none.probe(), ProbeResult::Down(autoscale_core::workspace::sample::DownCause::Error, "HTTP Error 503"));
    assert_eq!(none.totals().failed, none.totals().requests);

    let mut few = SimulatedApp::new(Profile::standard(), Load::flat(30.0), 1, 1, START);
    few.advance(START + Duration::from_secs(60));
    let timed_out = (0..100).filter(|_| few.probe() == timeout()).count();
    assert!(timed_out > 90, "{timed_out}");
}

fn timeout() -> ProbeResult {
    ProbeResult::Down(autoscale_core::workspace::sample::DownCause::Timeout, "Timeout (> 30s)")
}

#[test]
fn past_its_capacity_the_database_gets_less_done_the_more_is_asked_of_it() {
    let database = Database { mean: 0.1, capacity: 4.0, collapse: 1.0 };
    let profile = Profile { database: Some(database), backlog: 50, ..plain(4, Work::Constant(0.01)) };
    let served = |dynos| {
        let totals = after(1e6, &profile, 500.0, dynos).totals();
        1.0 - totals.failed / totals.requests
    };
    let (one, four, ten) = (served(1), served(4), served(10));
    assert!(one > 1.5 * four && four > 1.5 * ten, "{one} {four} {ten}");
}

#[test]
fn incidents_do_what_they_say_and_end() {
    let at = |app: &mut SimulatedApp, minute: u64| {
        app.advance(START + Duration::from_secs(60 * minute));
        app.probe()
    };
    let app = |kind| {
        let incident = Incident::new(kind, 10.0, 10.0);
        SimulatedApp::new(Profile::standard(), Load::flat(5.0), 1, 2, START).with_incidents([incident])
    };
    let up = |seen: ProbeResult| matches!(seen, ProbeResult::Up(ms) if ms < 3000.0);

    let mut outage = app(IncidentKind::Outage);
    assert!(up(at(&mut outage, 9)));
    assert_eq!(
        at(&mut outage, 15),
        ProbeResult::Down(autoscale_core::workspace::sample::DownCause::Error, "HTTP Error 500")
    );
    assert!(up(at(&mut outage, 21)));

    let mut silence = app(IncidentKind::Silence);
    assert_eq!(at(&mut silence, 15), timeout());

    let mut blackout = app(IncidentKind::Blackout);
    assert!(up(at(&mut blackout, 15)));
    assert_eq!((blackout.is_blacked_out(), blackout.watch()), (true, None));
    at(&mut blackout, 21);
    assert!(blackout.watch().is_some());

    let mut crashes = app(IncidentKind::CrashLoop);
    at(&mut crashes, 10);
    let before = crashes.totals();
    at(&mut crashes, 20);
    assert!(crashes.totals().since(&before).slow_percent() > 50.0, "{:?}", crashes.totals().since(&before));
    at(&mut crashes, 30);
    let before = crashes.totals();
    at(&mut crashes, 40);
    assert!(crashes.totals().since(&before).slow_percent() < 2.0);

    let mut database = app(IncidentKind::Database(6.0));
    at(&mut database, 10);
    let before = database.totals();
    at(&mut database, 20);
    assert!(database.totals().since(&before).mean_ms() > Some(1000.0));

    let mut deploy = app(IncidentKind::Deploy);
    at(&mut deploy, 10);
    assert!(deploy.dynos().iter().all(|dyno| dyno.0 == DynoState::Starting));
}
