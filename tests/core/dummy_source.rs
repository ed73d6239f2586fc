//! A source costs one file and one entry: this one has a section of two keys, stands in a table beside the built-in ones,
//! and is named, read, opened and used as they are.

use std::any::Any;
use std::sync::{Arc, LazyLock};

use autoscale_core::workspace::clock::Clock;
use autoscale_core::workspace::config::keys::{Default as KeyDefault, Form, Shown};
use autoscale_core::workspace::config::{
    Config, Key, Overrides, Problem, Reader, Registry, SAMPLE, SourceKind, SourceSettings, Spacing, examine_with,
    parse_with,
};
use autoscale_core::workspace::engine::{AnySource, Engine, Plan};
use autoscale_core::workspace::event::Kind;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::POLICIES;
use autoscale_core::workspace::ports::{Failure, FailureKind, FormationReading, MetricSource, Reading, ScaleTarget};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::sources::{Opener, SOURCES, open_source, settings_as};
use autoscale_core::workspace::time::Timestamp;

const SECTION: &str = "DUMMY_INFOS";
const MS: &Key = &Key::new(SECTION, "ms", Form::Number(1.0, 1e6, "ms"), KeyDefault::Value("100"), "response time")
    .comment("What each sample says.");
const FAILS: &Key = &Key::new(SECTION, "fails", Form::Flag, KeyDefault::Value("False"), "whether a reading fails")
    .shown(Shown::Example("True"));

#[derive(Clone, PartialEq, Debug)]
struct Settings {
    ms: f64,
    fails: bool,
}

impl SourceSettings for Settings {
    fn missing_for_run(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: std::time::Duration::from_secs(60), whose: "the dummy's" }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Dummy;

impl SourceKind for Dummy {
    fn name(&self) -> &'static str {
        "dummy"
    }

    fn section(&self) -> &'static str {
        SECTION
    }

    fn keys(&self) -> &'static [&'static Key] {
        &[MS, FAILS]
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        let (ms, fails) = (reader.number(MS), reader.flag(FAILS));
        Some(Arc::new(Settings { ms: ms?, fails: fails? }))
    }

    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        static OPENER: Opener =
            Opener(|settings, _| Ok(AnySource::new(DummySource(settings_as::<Settings>(settings).clone()))));
        Some(&OPENER)
    }
}

struct DummySource(Settings);

impl MetricSource for DummySource {
    async fn samples(&mut self, from: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        if self.0.fails {
            return Err(Failure::new(FailureKind::Transient, "the dummy fails"));
        }
        let minutes = (0..30).map(|minute| to - std::time::Duration::from_secs(60 * minute));
        Ok(Reading::of(minutes.filter(|at| *at >= from).filter_map(|at| Sample::up(at, self.0.ms)).collect()))
    }
}

static KINDS: LazyLock<Vec<&'static dyn SourceKind>> =
    LazyLock::new(|| SOURCES.iter().copied().chain([&Dummy as &dyn SourceKind]).collect());
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(&KINDS, POLICIES));

const HEAD: &str = "[HEROKU_INFOS]\napp_name: shop\n";

fn config(text: &str) -> Config {
    parse_with(&format!("{HEAD}{text}"), &Overrides::default(), &REGISTRY).unwrap().config
}

struct Two;

impl ScaleTarget for Two {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        Ok(FormationReading { quantity: 2, updated_at: None, size: None, maintenance: false, released_at: None })
    }

    async fn scale(&mut self, quantity: u32, _: &autoscale_core::Permit) -> Result<u32, Failure> {
        Ok(quantity)
    }
}

/// The events of one check.
async fn check(config: &Config) -> Vec<Kind> {
    let source = open_source(config, Clock::default(), &HttpOptions::default()).unwrap();
    let mut engine = Engine::new(Plan::from(config), source, Two, (), Ledger::default());
    engine.check(Timestamp::from_secs(1_700_000_000)).await.into_iter().map(|event| event.kind).collect()
}

async fn mean(config: &Config) -> Option<f64> {
    let events = check(config).await;
    let Some(Kind::Checked(check)) = events.last() else { panic!("{events:?}") };
    check.mean_ms
}

#[tokio::test]
async fn a_source_of_ones_own_is_named_configured_and_read_as_the_built_in_ones() {
    let config = config("[AUTOSCALE_SETTINGS]\nmetric_source: dummy\n[DUMMY_INFOS]\nms: 321\n");
    assert_eq!(config.sources.primary().settings_as::<Settings>(), Some(&Settings { ms: 321.0, fails: false }));
    assert_eq!(config.missing_for_run().len(), 1, "Heroku's key alone");
    assert_eq!(mean(&config).await, Some(321.0));
}

#[test]
fn its_keys_are_judged_with_all_others_and_the_sample_shows_them() {
    let text = format!("{HEAD}[AUTOSCALE_SETTINGS]\nmetric_source: dumy\n[DUMMY_INFOS]\nms: 0\nfail: True\n");
    let examined = examine_with(&text, &Overrides::default(), &REGISTRY);
    let shown: Vec<_> =
        examined.problems.iter().chain(&examined.warnings).map(|p| p.in_file("c").to_string()).collect();
    assert_eq!(
        shown,
        [
            "c:4: [AUTOSCALE_SETTINGS] metric_source: \"dumy\" is not known: give pingdom, probe, prometheus, router_logs or dummy",
            "c:6: [DUMMY_INFOS] ms: \"0\" is too small: give ms, from 1 to 1000000",
            "c:7: [DUMMY_INFOS] fail: unknown key, not read; did you mean fails?",
        ]
    );
    let sample = REGISTRY.sample();
    assert!(sample.contains("\n[DUMMY_INFOS]\n# What each sample says.\n#ms: 100\n#fails: True\n"), "{sample}");
    assert!(sample.contains("\n# Where response times come from: pingdom, probe, prometheus, router_logs or dummy.\n"));
    assert_eq!(
        sample.len() - SAMPLE.len(),
        "\n[DUMMY_INFOS]\n# What each sample says.\n#ms: 100\n#fails: True\n, dummy".len()
    );
    assert!(REGISTRY.markdown().contains("| `DUMMY_INFOS` | `ms` | `100` | response time (ms, from 1 to 1000000) |"));
}

/// A second source of its own, so that one can stand behind the other.
#[derive(Debug)]
struct Spare;

const SPARE: &Key =
    &Key::new("SPARE_INFOS", "ms", Form::Number(1.0, 1e6, "ms"), KeyDefault::Value("9"), "response time");

impl SourceKind for Spare {
    fn name(&self) -> &'static str {
        "spare"
    }

    fn section(&self) -> &'static str {
        "SPARE_INFOS"
    }

    fn keys(&self) -> &'static [&'static Key] {
        &[SPARE]
    }

    fn read(&self, reader: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        let ms = reader.number(SPARE)?;
        Some(Arc::new(Settings { ms, fails: ms == 1.0 }))
    }

    fn opener(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        Dummy.opener()
    }
}

static TWO: &[&dyn SourceKind] = &[&Dummy, &Spare];
static PAIR: LazyLock<Registry> = LazyLock::new(|| Registry::new(TWO, POLICIES));

fn pair(settings: &str, sections: &str) -> Result<Config, Vec<String>> {
    let text = format!("{HEAD}[AUTOSCALE_SETTINGS]\nmetric_source: dummy\n{settings}\n{sections}");
    let parsed = parse_with(&text, &Overrides::default(), &PAIR);
    parsed.map(|parsed| parsed.config).map_err(|all| all.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn a_fall_back_is_read_while_the_primary_source_can_not_be_and_both_failing_is_the_primarys_failure() {
    let fine = pair("fallback_source: spare", "[DUMMY_INFOS]\nms: 50\n[SPARE_INFOS]\nms: 70\n").unwrap();
    assert_eq!(mean(&fine).await, Some(50.0));
    let failing = pair("fallback_source: spare", "[DUMMY_INFOS]\nfails: True\n[SPARE_INFOS]\nms: 70\n").unwrap();
    assert_eq!(mean(&failing).await, Some(70.0));
    let both = pair("fallback_source: spare", "[DUMMY_INFOS]\nfails: True\n[SPARE_INFOS]\nms: 1\n").unwrap();
    let events = check(&both).await;
    assert!(matches!(events.last(), Some(Kind::CheckFailed { error, .. }) if error == "the dummy fails"), "{events:?}");
    let alone = pair("", "[DUMMY_INFOS]\nfails: True\n").unwrap();
    assert!(matches!(check(&alone).await.last(), Some(Kind::CheckFailed { .. })));
}

#[test]
fn a_fall_back_is_another_source_than_metric_source() {
    assert_eq!(
        pair("fallback_source: dummy", "").unwrap_err(),
        ["[AUTOSCALE_SETTINGS] fallback_source: is metric_source itself: give another source, or delete the line"]
    );
    let none = pair("", "").unwrap();
    assert!(none.sources.fallback().is_none());
    assert!(pair("fallback_source: other", "").is_err());
}
