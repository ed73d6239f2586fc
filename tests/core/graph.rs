//! Pictures of checks: what they say, that they never fail, and that files of them are whole and pruned.

use std::time::Duration;

use autoscale_core::decision::{Belief, Decision, Evidence};
use autoscale_core::event::Outcome;
use autoscale_core::formation::{Bounds, Formation};
use autoscale_core::graph::{self, Picture};
use autoscale_core::policy::{PolicyKind, Settings};
use autoscale_core::reason::{Reason, Weighed};
use autoscale_core::sample::{DownCause, Sample};
use autoscale_core::time::Timestamp;
use autoscale_core::window::Trend;
use jiff::tz::TimeZone;

/// 2026-11-24 09:34 UTC.
const NOW: Timestamp = Timestamp::from_secs(1_795_512_840);

/// One result a minute up to now; `None` is a time-out.
fn minutely(ms: impl IntoIterator<Item = Option<f64>>) -> Vec<Sample> {
    let ms: Vec<_> = ms.into_iter().collect();
    let at = |k: usize| NOW - Duration::from_secs(60 * (ms.len() - 1 - k) as u64 + 12);
    let sample = |(k, ms): (usize, &Option<f64>)| match ms {
        Some(ms) => Sample::up(at(k), *ms).unwrap(),
        None => Sample::down(at(k), DownCause::Timeout),
    };
    ms.iter().enumerate().map(sample).collect()
}

/// Restless response times around a level, the same at every run.
fn restless(count: usize, level: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut state = 1_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    (0..count).map(|k| level(k as f64 / count as f64) * (0.8 + 0.5 * noise() * noise() + 0.15 * noise())).collect()
}

fn answered(ms: Vec<f64>) -> Vec<Sample> {
    minutely(ms.into_iter().map(Some))
}

fn picture(samples: Vec<Sample>, from: u32, target: u32, reason: Reason) -> Picture {
    let ups: Vec<_> = samples.iter().filter_map(|s| s.up_ms().map(|ms| (s.at, ms))).collect();
    let recent = &ups[ups.len().saturating_sub(10)..];
    let mean_ms = (!recent.is_empty()).then(|| recent.iter().map(|(_, ms)| ms).sum::<f64>() / recent.len() as f64);
    let evidence = Evidence {
        samples_used: samples.len(),
        samples_fresh: samples.len(),
        mean_ms,
        trend: Trend::fit(ups),
        ..Evidence::default()
    };
    let decision = Decision { from, target, reason, evidence };
    let formation = Formation { quantity: from, changed_at: None };
    let settings = Settings::new(PolicyKind::Threshold);
    let drawn = Picture::of_decision(NOW, samples, formation, Bounds::new(1, 10).unwrap(), &settings, decision);
    Picture { app: "shop".into(), process: "web".into(), ..drawn }
}

fn slow() -> Reason {
    Reason::AboveHigh { over: 2, of: 3, newest_ms: rising().last().copied(), high_ms: 2_000.0 }
}

fn rising() -> Vec<f64> {
    restless(30, |x| 450.0 + 2_300.0 * x * x * x)
}

/// Every case that was looked at by eye, with its name. `AUTOSCALE_PICTURES=folder cargo test … every_picture` writes
/// them there.
fn cases() -> Vec<(&'static str, Picture)> {
    let minute = |m: u64| Duration::from_secs(60 * m);
    let steady = Reason::Steady { mean_ms: 640.0 };
    let belief = |load_dynos, load_range| Belief {
        load_dynos,
        load_range,
        slow_share_now: 0.062,
        slow_share_target: 0.004,
        incurable_share: 0.03,
    };
    let weighed = Weighed {
        load_dynos: 2.6,
        load_low: 2.1,
        load_high: 3.4,
        slow_share_now: 0.062,
        slow_share_target: 0.004,
        considered: 5,
        incurable_share: 0.03,
    };
    let mut cases = Vec::new();

    let mut scaled = picture(answered(rising()), 3, 4, slow());
    scaled.outcome = Some(Outcome::Scaled);
    scaled.applied = 4;
    scaled.formation = vec![(NOW - minute(600), 2), (NOW - minute(17), 3)];
    cases.push(("thirty", scaled.clone()));
    let would = Picture { outcome: Some(Outcome::WouldScale), applied: 3, ..scaled.clone() };
    cases.push(("dry_run", would));
    let error = "Heroku answered 402: the account is delinquent; settle it, or use another HEROKU_INFOS api_key".to_owned();
    cases.push(("failed", Picture { outcome: Some(Outcome::Failed), error: Some(error), applied: 3, ..scaled.clone() }));
    let mut long = scaled.clone();
    long.app = "storefront-production-eu-west1".into();
    long.process = "background-image-worker".into();
    long.decision.reason =
        Reason::MoreAreCheaper(Weighed { load_dynos: 13.4, load_low: 10.8, load_high: 17.7, incurable_share: 0.9, ..weighed });
    cases.push(("long_names", long));

    cases.push(("five", picture(answered(vec![620.0, 700.0, 590.0, 655.0, 640.0]), 2, 2, steady)));
    cases.push(("one", picture(answered(vec![640.0]), 2, 2, Reason::Settling { fresh: 1, needed: 3 })));
    cases.push(("none", picture(Vec::new(), 2, 2, Reason::NoData { newest: None })));

    let day = restless(1_440, |x| 700.0 + 500.0 * (x * 6.3).sin() + if (0.6..0.64).contains(&x) { 2_500.0 } else { 0.0 });
    let mut day = picture(answered(day), 3, 3, steady);
    day.from = NOW - minute(1_440);
    day.formation = vec![
        (NOW - minute(2_000), 2),
        (NOW - minute(1_200), 3),
        (NOW - minute(574), 4),
        (NOW - minute(570), 6),
        (NOW - minute(450), 5),
        (NOW - minute(440), 4),
        (NOW - minute(300), 3),
    ];
    cases.push(("day", day));

    let mut down = picture(minutely(vec![None; 30]), 3, 3, Reason::Outage { errors: false });
    for sample in &mut down.samples[24..] {
        *sample = Sample::down(sample.at, DownCause::Error);
    }
    cases.push(("all_down", down));
    let mut some = rising().into_iter().map(Some).collect::<Vec<_>>();
    some[12] = None;
    some[13] = None;
    some[29] = None;
    let mut some = picture(minutely(some), 3, 3, Reason::DownNow);
    some.samples[20] = Sample::down(some.samples[20].at, DownCause::Error);
    cases.push(("some_down", some));

    let mut giant = restless(30, |_| 640.0);
    giant[18] = 61_500.0;
    cases.push(("giant", picture(answered(giant), 3, 3, steady)));
    cases.push(("far_bounds", {
        let mut far = picture(answered(restless(30, |_| 64.0)), 2, 1, Reason::BelowLow { mean_ms: 66.0, low_ms: 3_000.0 });
        far.low_high_ms = (3_000.0, 12_000.0);
        far.bounds = Bounds::new(1, 100).unwrap();
        far
    }));

    let mut adaptive = picture(answered(rising()), 3, 5, Reason::MoreAreCheaper(weighed));
    adaptive.decision.evidence.belief = Some(belief(2.6, (2.1, 3.4)));
    adaptive.outcome = Some(Outcome::Scaled);
    adaptive.applied = 5;
    cases.push(("adaptive", adaptive));

    let middle = restless(30, |x| if x < 0.5 { 900.0 + 2_600.0 * x } else { 1_900.0 - 1_500.0 * x });
    let mut middle = picture(answered(middle), 4, 4, Reason::Steady { mean_ms: 610.0 });
    middle.formation = vec![(NOW - minute(31), 2), (NOW - minute(15), 4)];
    middle.outcome = Some(Outcome::Held);
    cases.push(("middle", middle));

    let mut limited = picture(answered(rising()), 3, 6, slow());
    limited.outcome = Some(Outcome::Limited);
    limited.applied = 4;
    limited.effective_max = Some(4);
    limited.error = Some("Heroku allows no more than 4 dynos of this size".into());
    cases.push(("limited", limited));
    cases
}

#[test]
fn every_picture_is_drawn() {
    let folder = std::env::var_os("AUTOSCALE_PICTURES").map(std::path::PathBuf::from);
    for (name, picture) in cases() {
        let (svg, png) = (graph::svg(&picture, &TimeZone::UTC), graph::png(&picture, &TimeZone::UTC));
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{name}");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        if let Some(folder) = &folder {
            std::fs::write(folder.join(format!("{name}.svg")), svg).unwrap();
            std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
        }
    }
}
