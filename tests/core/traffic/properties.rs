//! What holds of every decision of the traffic policy, whatever rows, samples, settings and clock.

use std::time::Duration;

use autoscale_core::TrafficRow;
use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;
use proptest::prelude::*;

/// One check of a random story.
#[derive(Clone, Debug)]
struct Check {
    passed: i64,
    rows: Vec<Row>,
    samples: Vec<(i64, f64)>,
    bounds: (u32, u32),
    limit: Option<u32>,
    /// `None`: the formation is as decided.
    quantity: Option<u32>,
    interval: u64,
    flags: u8,
    /// Is the policy saved and restored before it?
    restarts: bool,
}

/// A row: seconds before now, requests beyond those with a service time, and these by bucket.
#[derive(Clone, Debug)]
struct Row {
    ago: i64,
    untimed: u32,
    service_times: Vec<(usize, u32)>,
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..200_u32, 2 => 0..20_000_u32, 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn row() -> impl Strategy<Value = Row> {
    let ago = prop_oneof![12 => 0..300_i64, 2 => -700..4000_i64, 1 => any::<i64>()];
    // Mostly whole slots, as a source has them.
    let ago = (ago, prop::bool::weighted(0.9)).prop_map(|(ago, whole)| if whole { ago / 10 * 10 } else { ago });
    let counts = prop::collection::vec((prop_oneof![4 => 12..24_usize, 1 => 0..40_usize], count()), 0..6);
    (ago, prop_oneof![4 => Just(0_u32), 1 => count()], counts).prop_map(|(ago, untimed, service_times)| Row {
        ago,
        untimed,
        service_times,
    })
}

fn dynos() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..40_u32, 1 => Just(0), 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn check() -> impl Strategy<Value = Check> {
    let bounds = prop_oneof![
        4 => (1..5_u32, 5..30_u32),
        1 => (dynos(), 0..5000_u32).prop_map(|(a, more)| (a.max(1), a.max(1).saturating_add(more)))
    ];
    let passed =
        prop_oneof![10 => Just(60_i64), 4 => 1_i64..400, 1 => -5000_i64..0, 1 => 0_i64..1_000_000, 1 => any::<i64>()];
    (
        (passed, prop::collection::vec(row(), 0..14)),
        prop::collection::vec((0_i64..400, 1.0..20_000.0), 0..3),
        (bounds, prop::option::weighted(0.2, dynos()), prop::option::weighted(0.15, dynos())),
        prop_oneof![8 => 1..600_u64, 1 => Just(0), 1 => Just(u64::MAX)],
        (prop_oneof![4 => Just(0_u8), 1 => 0..32_u8], prop::bool::weighted(0.1)),
    )
        .prop_map(|((passed, rows), samples, (bounds, limit, quantity), interval, (flags, restarts))| Check {
            passed,
            rows,
            samples,
            bounds,
            limit,
            quantity,
            interval,
            flags,
            restarts,
        })
}

fn settings() -> impl Strategy<Value = Settings> {
    let wait = || prop_oneof![8 => 0..4000_u64, 1 => Just(u64::MAX)].prop_map(Duration::from_secs);
    let step = || prop::option::of(prop_oneof![4 => 1..5_u32, 1 => any::<u32>()]);
    let high = prop_oneof![4 => Just(2000.0), 1 => 1.0..1e6_f64];
    let weight = prop_oneof![4 => Just(20.0), 1 => 0.01..10_000.0_f64];
    ((high, weight), (wait(), 0..3600_u64, wait()), (step(), step(), any::<bool>())).prop_map(
        |((high, slow_weight), (cooldown_up, boot, cooldown_down), (up, down, to_max))| Settings {
            response_time_high: high,
            slow_weight,
            boot_time: Duration::from_secs(boot),
            cooldown_up,
            cooldown_down,
            max_step_up: up,
            max_step_down: down,
            on_missing_data: if to_max { OnMissingData::Max } else { OnMissingData::Hold },
            ..Settings::new(PolicyKind::Traffic)
        },
    )
}

fn rows(check: &Check, now: Timestamp) -> Vec<TrafficRow> {
    let row = |row: &Row| {
        let mut service_times = [0_u32; 40];
        for (bucket, count) in &row.service_times {
            service_times[*bucket] = service_times[*bucket].saturating_add(*count);
        }
        let timed = service_times.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        let at = now.as_micros().saturating_sub(row.ago.saturating_mul(1_000_000));
        TrafficRow {
            from: Timestamp::from_micros(at),
            requests: timed.saturating_add(row.untimed),
            errors: row.untimed,
            timeouts: 0,
            router_errors: 0,
            connect_ms: 0,
            service_times,
        }
    };
    check.rows.iter().map(row).collect()
}

fn tell(settings: Settings, story: &[Check]) -> Result<(), TestCaseError> {
    let (step_up, step_down) = (settings.max_step_up, settings.max_step_down);
    let mut decider = Decider::new(settings.clone());
    let mut now = Timestamp::from_secs(1_700_000_000);
    let (mut samples, mut n) = (Vec::new(), 3);
    for check in story {
        now = Timestamp::from_micros(now.as_micros().saturating_add(check.passed.saturating_mul(1_000_000)));
        samples.extend(check.samples.iter().filter_map(|(ago, ms)| {
            Sample::up(Timestamp::from_micros(now.as_micros().saturating_sub(ago * 1_000_000)), *ms)
        }));
        let window = Window::new(samples.iter().copied(), now, settings.period);
        n = check.quantity.unwrap_or(n);
        if check.restarts {
            let saved = decider.save();
            let restored = Decider::restore(settings.clone(), &saved);
            prop_assert!(restored.is_ok(), "whatever was lived through can be read back");
            decider = restored.unwrap();
            prop_assert_eq!(decider.save(), saved);
        }
        let (min, max) = check.bounds;
        let rows = rows(check, now);
        let seen =
            Observation::new(now, Formation { quantity: n, changed_at: None }, Bounds::new(min, max).unwrap(), &window)
                .interval(Duration::from_secs(check.interval))
                .effective_max(check.limit)
                .traffic(&rows)
                .rows_may_repeat(check.flags & 16 == 16)
                .maintenance(check.flags & 1 == 1)
                .override_until((check.flags & 2 == 2).then(|| now + Duration::from_secs(100)))
                .dry_run(check.flags & 4 == 4)
                .shadow(check.flags & 8 == 8);
        let d = decider.decide(&seen);
        prop_assert_eq!(d.from, n);
        prop_assert!(!d.to_string().is_empty());

        // Never out of the bounds, nor away from them.
        match d.action() {
            Action::Add => prop_assert!(d.target > n && d.target <= max.min(check.limit.unwrap_or(max)), "{:?}", d),
            Action::Remove => prop_assert!(d.target < n && d.target >= min, "{:?}", d),
            Action::Hold => prop_assert_eq!(d.target, n),
        }
        // What precedes the policy holds.
        if n == 0 || seen.maintenance {
            prop_assert_eq!(d.target, n);
        } else if seen.override_until.is_some_and(|until| until > now) {
            prop_assert!(d.target == n || d.target > n && d.reason.code() == "override_yields", "{:?}", d);
        }
        // No step exceeds its limit, and numbers are numbers.
        let (added, removed) = (d.target.saturating_sub(n), n.saturating_sub(d.target));
        match d.reason.code() {
            "traffic_more" => prop_assert!(added <= step_up.unwrap_or(u32::MAX).max(1) && removed == 0),
            "traffic_fewer" => {
                prop_assert!(added == 0 && removed <= (n / 4).max(1).min(step_down.unwrap_or(u32::MAX).max(1)));
            }
            "traffic_step_back" => prop_assert!(added == 0 && removed <= (n / 2).max(1)),
            code if code.starts_with("traffic_") => prop_assert_eq!(d.target, n, "{} changes nothing", code),
            _ => {}
        }
        if let Some(traffic) = d.evidence.traffic {
            let shares = [traffic.slow_share, traffic.incident];
            prop_assert!(shares.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)), "{:?}", traffic);
            let rates = [traffic.requests_per_s, traffic.forecast_per_s, traffic.dyno_carries];
            prop_assert!(rates.iter().all(|rate| rate.is_finite() && *rate >= 0.0), "{:?}", traffic);
        }
        if check.quantity.is_none() {
            n = d.target;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_decision_leaves_the_bounds_exceeds_a_step_or_panics(
        settings in settings(),
        story in prop::collection::vec(check(), 1..60),
    ) {
        tell(settings, &story)?;
    }
}
