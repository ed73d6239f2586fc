//! What holds of every decision of the threshold policy, whatever the samples, the settings and the order of events.

use std::time::Duration;

use autoscale_core::workspace::decision::Action;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, OnMissingData, PolicyKind, Settings};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;
use proptest::prelude::*;

/// One check of a random story.
#[derive(Clone, Debug)]
struct Check {
    passed: i64,
    results: Vec<(i64, f64, u8)>,
    bounds: (u32, u32),
    limit: Option<u32>,
    /// The formation: 0 = as decided, 1 = as it was, 2 = a quantity of somebody's.
    formation: u8,
    quantity: u32,
    changed_ago: Option<i64>,
    interval: u64,
    flags: u8,
}

fn dynos() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..40_u32, 1 => Just(0), 1 => Just(u32::MAX), 1 => any::<u32>()]
}

fn check() -> impl Strategy<Value = Check> {
    let bounds = (dynos(), dynos()).prop_map(|(a, b)| (a.min(b).max(1), a.max(b).max(1)));
    let ms = prop_oneof![0.0..1000.0, 1000.0..40_000.0, Just(f64::MAX), Just(f64::MIN_POSITIVE)];
    let passed = prop_oneof![6 => 10_i64..400, 1 => -5000_i64..0, 1 => 0_i64..1_000_000, 1 => any::<i64>()];
    (
        passed,
        prop::collection::vec((-2000_i64..400, ms, 0..6_u8), 0..12),
        bounds,
        prop::option::weighted(0.2, dynos()),
        0..3_u8,
        dynos(),
        prop::option::weighted(0.3, -2000..100_000_i64),
        prop_oneof![8 => 1..600_u64, 1 => Just(0), 1 => Just(u64::MAX)],
        prop_oneof![4 => Just(0_u8), 1 => 0..16_u8],
    )
        .prop_map(|(passed, results, bounds, limit, formation, quantity, changed_ago, interval, flags)| Check {
            passed,
            results,
            bounds,
            limit,
            formation,
            quantity,
            changed_ago,
            interval,
            flags,
        })
}

fn settings() -> impl Strategy<Value = Settings> {
    let wait = || prop_oneof![8 => 0..4000_u64, 1 => Just(u64::MAX)].prop_map(Duration::from_secs);
    let step = || prop::option::of(prop_oneof![4 => 1..5_u32, 1 => any::<u32>()]);
    (
        (1.0..3000.0_f64, 1.0..3000.0_f64, 0.0..2.0_f64),
        (wait(), wait(), wait(), wait()),
        (step(), step(), any::<bool>()),
    )
        .prop_map(|((low, more, trend), (period, boot_time, cooldown_up, cooldown_down), (up, down, to_max))| {
            Settings {
                response_time_low: low,
                response_time_high: low + more,
                trend_low: -trend,
                trend_high: trend,
                period,
                boot_time,
                cooldown_up,
                cooldown_down,
                max_step_up: up,
                max_step_down: down,
                on_missing_data: if to_max { OnMissingData::Max } else { OnMissingData::Hold },
                ..Settings::new(PolicyKind::Threshold)
            }
        })
}

fn tell(settings: Settings, story: &[Check]) -> Result<(), TestCaseError> {
    let (step_up, step_down) = (settings.max_step_up, settings.max_step_down);
    let period = settings.period;
    let mut decider = Decider::new(settings);
    let mut now = Timestamp::from_secs(1_700_000_000);
    let (mut results, mut n) = (Vec::new(), 3);
    for check in story {
        now = Timestamp::from_micros(now.as_micros().saturating_add(check.passed.saturating_mul(1_000_000)));
        results.extend(check.results.iter().filter_map(|(ago, ms, kind)| {
            let at = Timestamp::from_micros(now.as_micros().saturating_add(ago * 1_000_000));
            match kind {
                0 => Some(Sample::down(at, DownCause::Error)),
                1 => Some(Sample::down(at, DownCause::Timeout)),
                _ => Sample::up(at, *ms),
            }
        }));
        let window = Window::new(results.iter().copied(), now, period);
        n = if check.formation == 2 { check.quantity } else { n };
        let (min, max) = check.bounds;
        let seen = Observation::new(
            now,
            Formation {
                quantity: n,
                changed_at: check
                    .changed_ago
                    .map(|ago| Timestamp::from_micros(now.as_micros().saturating_sub(ago * 1_000_000))),
            },
            Bounds::new(min, max).unwrap(),
            &window,
        )
        .interval(Duration::from_secs(check.interval))
        .effective_max(check.limit)
        .maintenance(check.flags & 1 == 1)
        .override_until((check.flags & 2 == 2).then(|| now + Duration::from_secs(100)))
        .dry_run(check.flags & 4 == 4)
        .shadow(check.flags & 8 == 8);
        let d = decider.decide(&seen);
        let code = d.reason.code();
        prop_assert_eq!(d.from, n);
        prop_assert!(!d.to_string().is_empty());

        // Never out of the bounds, nor away from them.
        match d.action() {
            Action::Add => prop_assert!(d.target > n && d.target <= max.min(check.limit.unwrap_or(max)), "{:?}", d),
            Action::Remove => prop_assert!(d.target < n && d.target >= min, "{:?}", d),
            Action::Hold => prop_assert_eq!(d.target, n),
        }
        if n > max {
            prop_assert!(d.target >= max && d.target <= n, "{:?}", d);
        }
        // What precedes the policy holds.
        if n == 0 || seen.maintenance {
            prop_assert_eq!(d.target, n);
        } else if seen.override_until.is_some_and(|until| until > now) {
            prop_assert!(d.target == n || (d.target > n && code == "override_yields"), "{:?}", d);
        }
        // No step exceeds its limit.
        let (added, removed) = (d.target.saturating_sub(n), n.saturating_sub(d.target));
        match code {
            "below_min" => prop_assert!(d.target <= min),
            "missing_data" => {}
            "override_yields" => prop_assert!(added > 0 && added <= n.min(step_up.unwrap_or(u32::MAX))),
            "above_max" => prop_assert!(removed <= (n / 3).max(1)),
            "above_high" => prop_assert!(added <= n.min(step_up.unwrap_or(u32::MAX))),
            "trend_rising" | "outage_step" => prop_assert_eq!(added, 1),
            "trend_falling" => prop_assert_eq!(removed, 1),
            "trying_fewer" => prop_assert_eq!(removed, 1),
            "below_low" => prop_assert!(removed <= (n / 4).max(1).min(step_down.unwrap_or(u32::MAX))),
            _ => prop_assert_eq!(d.target, n, "{} changes nothing", code),
        }
        if check.formation == 0 {
            n = d.target;
        }
    }
    // Whatever was lived through can be saved and read back.
    let saved = decider.save();
    prop_assert_eq!(Decider::restore(decider.settings().clone(), &saved).unwrap().save(), saved);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_decision_leaves_the_bounds_exceeds_a_step_or_panics(
        settings in settings(),
        story in prop::collection::vec(check(), 1..40),
    ) {
        tell(settings, &story)?;
    }
}
