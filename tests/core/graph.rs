//! Pictures of checks: what they say, that they never fail, and that files of them are whole and pruned.

use std::time::Duration;

use autoscale_core::workspace::belief::Belief;
use autoscale_core::workspace::decision::{Decision, Evidence};
use autoscale_core::workspace::event::Outcome;
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::graph::{self, Picture};
use autoscale_core::workspace::policy::{PolicyKind, Settings};
use autoscale_core::workspace::reason::{Next, Reason, Wait};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Trend;
use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;

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
    let ups: Vec<_> = samples.iter().filter_map(Sample::up_ms).collect();
    let recent = &ups[ups.len().saturating_sub(10)..];
    let mean_ms = (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64);
    let evidence = Evidence {
        samples_used: samples.len(),
        samples_fresh: samples.len(),
        mean_ms,
        trend: Trend::fit(&samples),
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
    let belief = |load_dynos, (load_low, load_high)| Belief {
        load_dynos,
        load_low,
        load_high,
        slow_share_now: 0.062,
        slow_share_target: 0.004,
        considered: 5,
        incurable_share: 0.03,
    };
    let weighed = Belief {
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
    let error =
        "Heroku answered 402: the account is delinquent; settle it, or use another HEROKU_INFOS api_key".to_owned();
    cases
        .push(("failed", Picture { outcome: Some(Outcome::Failed), error: Some(error), applied: 3, ..scaled.clone() }));
    let mut long = scaled.clone();
    long.app = "storefront-production-eu-west1".into();
    long.process = "background-image-worker".into();
    long.decision.reason = Reason::MoreAreCheaper {
        belief: Belief { load_dynos: 13.4, load_low: 10.8, load_high: 17.7, incurable_share: 0.9, ..weighed },
    };
    cases.push(("long_names", long));

    cases.push(("five", picture(answered(vec![620.0, 700.0, 590.0, 655.0, 640.0]), 2, 2, steady)));
    cases.push(("one", picture(answered(vec![640.0]), 2, 2, Reason::Settling { fresh: 1, needed: 3 })));
    cases.push(("none", picture(Vec::new(), 2, 2, Reason::NoData { newest: None, to_max_in: Wait(None) })));

    let day =
        restless(1_440, |x| 700.0 + 500.0 * (x * 6.3).sin() + if (0.6..0.64).contains(&x) { 2_500.0 } else { 0.0 });
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

    let mut down =
        picture(minutely(vec![None; 30]), 3, 3, Reason::Outage { errors: false, next: Next::Open, met: None });
    for sample in &mut down.samples[24..] {
        *sample = Sample::down(sample.at, DownCause::Error);
    }
    cases.push(("all_down", down));
    let mut some = rising().into_iter().map(Some).collect::<Vec<_>>();
    some[12] = None;
    some[13] = None;
    some[29] = None;
    let mut some = picture(minutely(some), 3, 3, Reason::DownNow { met: None });
    some.samples[20] = Sample::down(some.samples[20].at, DownCause::Error);
    cases.push(("some_down", some));

    let mut giant = restless(30, |_| 640.0);
    giant[18] = 61_500.0;
    cases.push(("giant", picture(answered(giant), 3, 3, steady)));
    cases.push(("far_bounds", {
        let mut far =
            picture(answered(restless(30, |_| 64.0)), 2, 1, Reason::BelowLow { mean_ms: 66.0, low_ms: 3_000.0 });
        far.low_high_ms = (3_000.0, 12_000.0);
        far.bounds = Bounds::new(1, 100).unwrap();
        far
    }));

    let mut adaptive = picture(answered(rising()), 3, 5, Reason::MoreAreCheaper { belief: weighed });
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

fn case(name: &str) -> Picture {
    cases().into_iter().find(|(known, _)| *known == name).unwrap().1
}

/// What the SVG of a case holds: its texts, and how many of a kind of mark.
fn svg(name: &str) -> String {
    graph::svg(&case(name), &TimeZone::UTC)
}

#[track_caller]
fn says(svg: &str, texts: &[&str]) {
    for text in texts {
        assert!(svg.contains(&format!(">\n{text}\n</text>")), "the picture does not say {text:?}");
    }
}

#[test]
fn a_picture_says_what_was_decided_and_on_what() {
    let svg = svg("thirty");
    says(&svg, &["3 → 4 dynos: too slow: 2 of the last 3 results over 2000 ms, the newest 2230 ms"]);
    says(&svg, &["shop · web", "24 Nov 2026, 09:34 UTC · 30 min", "09:05", "09:30", "500 ms", "2000 ms"]);
    says(&svg, &["high 2000 ms", "low 500 ms", "mean 1652 ms", "trend +1.00 ms/s"]);
    says(&svg, &["2 → 3", "3 dynos", "→ 4 dynos", "min 1", "max 10 ↑"]);
    assert_eq!(svg.matches("<circle ").count(), 30);
}

#[test]
fn an_svg_has_a_title_and_a_description_for_those_who_hear_it() {
    let svg = svg("thirty");
    let head = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"540\" viewBox=\"0 0 3840 2160\" role=\"img\">\n\
                <title>shop · web: 3 → 4 dynos: too slow: 2 of the last 3 results over 2000 ms, the newest 2230 ms</title>\n\
                <desc>From 24 Nov 2026, 09:04 UTC to 24 Nov 2026, 09:34 UTC: 30 results, 30 answered in 425 ms to 2230 ms. \
                Mean 1652 ms. Trend +1.00 ms/s. Low bound 500 ms, high bound 2000 ms. 3 dynos of 1 to 10; \
                2 → 3 at 24 Nov 2026, 09:17 UTC.</desc>\n";
    assert_eq!(&svg[..head.len()], head);
}

#[test]
fn names_cannot_break_out_of_an_svg() {
    let picture = Picture { app: "a<b>&\"c\u{1}".into(), ..case("thirty") };
    let svg = graph::svg(&picture, &TimeZone::UTC);
    assert!(svg.contains("<title>a&lt;b&gt;&amp;\"c  · web: "));
    says(&svg, &["a&lt;b&gt;&amp;&quot;c  · web"]);
    assert!(!svg.contains("a<b>") && !svg.contains('\u{1}'));
}

#[test]
fn the_same_picture_gives_the_same_text() {
    for ((name, a), (_, b)) in cases().into_iter().zip(cases()) {
        assert_eq!(graph::svg(&a, &TimeZone::UTC), graph::svg(&b, &TimeZone::UTC), "{name}");
    }
}

#[test]
fn times_are_local_with_their_zone() {
    let zone = TimeZone::fixed(Offset::from_seconds(-3 * 3600 - 1800).unwrap());
    let svg = graph::svg(&case("thirty"), &zone);
    says(&svg, &["24 Nov 2026, 06:04 UTC-03:30 · 30 min", "05:35", "06:00"]);
}

/// Left and right end of the line of the mean, pixels.
fn mean_line(picture: &Picture) -> (u32, u32) {
    let svg = graph::svg(picture, &TimeZone::UTC);
    let line = svg.lines().find(|line| line.contains("opacity=\"0.75\"") && line.contains("#222222")).expect("a mean");
    let points = line.split_once("points=\"").unwrap().1.split_once('"').unwrap().0;
    let x = |point: &str| point.split(',').next().unwrap().parse::<f64>().unwrap() / 4.0;
    let xs: Vec<_> = points.split_whitespace().map(|point| x(point).round() as u32).collect();
    (xs[0], xs[1])
}

#[test]
fn the_mean_is_drawn_over_the_results_that_it_is_of() {
    // The picture is 722 pixels wide from the 78th on, for thirty minutes; the newest result is 12 s old.
    let x = |minutes_ago: f64| (800.0 - 722.0 * minutes_ago / 30.0).round() as u32;
    let mut drawn = case("thirty");
    assert_eq!(mean_line(&drawn), (x(9.2), x(0.2)), "the last ten minutes");
    drawn.decision.evidence.samples_fresh = 4;
    assert_eq!(mean_line(&drawn), (x(3.2), x(0.2)), "the fresh ones");
    drawn.samples[28] = Sample::down(drawn.samples[28].at, DownCause::Timeout);
    drawn.samples[29] = Sample::down(drawn.samples[29].at, DownCause::Timeout);
    assert_eq!(mean_line(&drawn), (x(3.2), x(2.2)), "the answered ones");
    drawn.decision.evidence.samples_fresh = 2;
    assert_eq!(mean_line(&drawn), (x(9.2), x(2.2)), "all, where no fresh one was answered");
    let (left, right) = mean_line(&case("one"));
    assert_eq!((right, right - left), (x(0.2), 14), "a single one is seen");
    assert_eq!(mean_line(&case("five")), (x(4.2), x(0.2)));
}

#[test]
fn every_result_has_one_mark() {
    assert_eq!(svg("day").matches("<circle ").count(), 1_440);
    assert_eq!(svg("one").matches("<circle ").count(), 1);
    assert_eq!(svg("none").matches("<circle ").count(), 0);
    let down = svg("some_down");
    assert_eq!(down.matches("<circle ").count(), 26);
    says(&down, &["timed out", "failed with an error"]);
    assert!(down.contains(" 30 results, 26 answered in 425 ms to 2130 ms, 3 timed out, 1 failed with an error."));
    let giant = svg("giant");
    assert_eq!(giant.matches("<circle ").count(), 29);
    says(&giant, &["61.5 s", "slower than the axis shows"]);
}

#[test]
fn without_answered_results_it_says_so() {
    says(&svg("none"), &["Keep 2 dynos: no results: waiting for some", "no results in this time"]);
    says(&svg("all_down"), &["no answered result in this time"]);
    says(&svg("one"), &["too few results for a trend"]);
}

#[test]
fn what_came_of_a_decision_is_in_the_title() {
    let title = |name| {
        let svg = svg(name);
        let (_, title) = svg.split_once("<title>shop · web: ").unwrap();
        title.split_once("</title>").unwrap().0.to_owned()
    };
    let dry_run =
        "Dry run, would scale 3 → 4 dynos: too slow: 2 of the last 3 results over 2000 ms, the newest 2230 ms";
    assert_eq!(title("dry_run"), dry_run);
    says(&svg("dry_run"), &["would be 4"]);
    let failed = "Could not scale 3 → 4 dynos: Heroku answered 402: the account is delinquent; \
                  settle it, or use another HEROKU_INFOS api_key";
    assert_eq!(title("failed"), failed);
    assert_eq!(title("limited"), "3 → 4 dynos, not 6: Heroku allows no more than 4 dynos of this size");
    says(&svg("limited"), &["limit 4", "→ 4 dynos"]);
}

#[test]
fn the_believed_load_is_drawn_and_said() {
    let svg = svg("adaptive");
    says(&svg, &["load 2.6", "→ 5 dynos"]);
    assert!(svg.contains("Believed load 2.6 dynos (2.1 to 3.4)."));
}

#[test]
fn bounds_beyond_the_axis_are_named_at_its_top() {
    says(&svg("far_bounds"), &["high 12 s ↑", "low 3000 ms ↑", "max 100 ↑", "80 ms"]);
}

/// Pixels as (red, green, blue).
fn pixels(png: &[u8]) -> Vec<[u8; 3]> {
    let mut reader = png::Decoder::new(png).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height, info.color_type), (960, 540, png::ColorType::Rgb));
    bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect()
}

#[test]
fn a_png_shows_the_lines_in_their_colours() {
    let pixels = pixels(&graph::png(&case("thirty"), &TimeZone::UTC));
    assert_eq!(pixels[0], [255; 3]);
    for colour in [[0, 114, 178], [200, 80, 0], [0, 121, 90]] {
        assert!(pixels.iter().filter(|p| **p == colour).count() > 50, "{colour:?}");
    }
    let without = graph::png(&case("none"), &TimeZone::UTC);
    assert_ne!(pixels, self::pixels(&without));
}

/// The README's picture: a shop whose visitors wake up, scaled once before and once now.
fn readme() -> Picture {
    let level = |x: f64| match x {
        ..0.42 => 430.0 + 1_500.0 * (x / 0.42).powi(3),
        ..0.50 => 1_900.0 - 1_280.0 * (x - 0.42) / 0.08,
        _ => 620.0 + 2_350.0 * ((x - 0.5) / 0.5) * ((x - 0.5) / 0.5),
    };
    let mut samples = answered(restless(30, level));
    samples[12] = Sample::down(samples[12].at, DownCause::Timeout);
    let newest_ms = samples[29].up_ms();
    let mut drawn = picture(samples, 3, 4, Reason::AboveHigh { over: 2, of: 3, newest_ms, high_ms: 2_000.0 });
    let changed = NOW - Duration::from_secs(60 * 17);
    drawn.formation = vec![(NOW - Duration::from_secs(36_000), 2), (changed, 3)];
    // The trend is that of the results since the change had time to show.
    let fresh = drawn.samples.partition_point(|s| s.at <= changed + Duration::from_secs(60));
    drawn.decision.evidence.trend = Trend::fit(&drawn.samples[fresh..]);
    Picture { outcome: Some(Outcome::Scaled), applied: 4, ..drawn }
}

/// `AUTOSCALE_UPDATE=1 cargo test … readme` draws them again.
#[test]
fn the_pictures_of_the_readme_are_what_is_drawn() {
    let docs = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let (svg, png) = (graph::svg(&readme(), &zone), graph::png(&readme(), &zone));
    if std::env::var_os("AUTOSCALE_UPDATE").is_some() {
        std::fs::create_dir_all(docs).unwrap();
        std::fs::write(docs.join("graph.svg"), &svg).unwrap();
        std::fs::write(docs.join("graph.png"), &png).unwrap();
    }
    // Line ends may be the checkout's.
    let committed = std::fs::read_to_string(docs.join("graph.svg")).unwrap().replace("\r\n", "\n");
    assert!(committed == svg, "docs/graph.svg is not what is drawn; draw it again with AUTOSCALE_UPDATE=1");
    assert_eq!(pixels(&std::fs::read(docs.join("graph.png")).unwrap()), pixels(&png));
}

fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    let at = prop_oneof![
        Just(NOW),
        (0_i64..1_800).prop_map(|s| NOW - Duration::from_secs(s as u64)),
        any::<i64>().prop_map(Timestamp::from_micros)
    ];
    let ms = prop_oneof![1e-9..1e9, Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(1e9)];
    let sample = (at, ms, 0_u8..6).prop_map(|(at, ms, kind)| match kind {
        0 => Sample::down(at, DownCause::Error),
        1 => Sample::down(at, DownCause::Timeout),
        _ => Sample::up(at, ms).unwrap(),
    });
    prop::collection::vec(sample, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_values_make_it_fail(
        samples in any_samples(),
        (from, target, max) in (any::<u32>(), any::<u32>(), 1..=u32::MAX),
        span in prop_oneof![Just(0_u64), 1_u64..100_000, Just(u64::MAX)],
        low_high in prop_oneof![Just((500.0, 2000.0)), Just((f64::NAN, f64::INFINITY)), Just((0.0, 0.0)), Just((-1.0, 1e300))],
        name in ".{0,60}",
    ) {
        let mut picture = picture(samples, from, target, slow());
        picture.bounds = Bounds::new(1, max).unwrap();
        picture.from = NOW - Duration::from_secs(span);
        picture.low_high_ms = low_high;
        picture.formation = vec![(NOW, max), (picture.from, target), (NOW, from)];
        picture.app = name;
        let text = graph::svg(&picture, &TimeZone::UTC);
        prop_assert!(!text.contains("NaN") || picture.app.contains("NaN") || low_high.0.is_nan());
        // Slower by far, and of the same marks.
        if picture.samples.len().is_multiple_of(4) {
            graph::png(&picture, &TimeZone::UTC);
        }
    }
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
