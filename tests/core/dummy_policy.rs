//! A policy costs one file and one entry: this one keeps as many dynos as it counted checks, asks for no samples, and is
//! named, asked, saved and restored as the built-in ones are.

use std::sync::LazyLock;
use std::time::Duration;

use autoscale_core::workspace::config::{Config, Overrides, Registry, parse_with};
use autoscale_core::workspace::engine::{Engine, Plan};
use autoscale_core::workspace::event::Kind;
use autoscale_core::workspace::ledger::Ledger;
use autoscale_core::workspace::policy::{
    CorruptMemory, Decider, Maker, Observation, POLICIES, Policy, PolicyEntry, PolicyKind, Settings, Verdict, View,
};
use autoscale_core::workspace::ports::{Failure, FormationReading, MetricSource, Reading, ScaleTarget};
use autoscale_core::workspace::reason::Reason;
use autoscale_core::workspace::sources::SOURCES;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;
use autoscale_core::{Bounds, Formation};

#[derive(Clone, Debug)]
struct Counting {
    checks: u8,
}

impl Policy for Counting {
    fn observe(&mut self, _: &View<'_>) {
        self.checks = self.checks.saturating_add(1);
    }

    fn decide(&mut self, view: &View<'_>) -> Verdict {
        let target = u32::from(self.checks).clamp(view.min, view.max);
        Verdict::to(view, target, Reason::BelowMin { min: target })
    }

    fn save(&self) -> Vec<u8> {
        vec![self.checks]
    }

    fn restore(&mut self, saved: &[u8]) -> Result<(), CorruptMemory> {
        let [checks] = saved else { return Err(CorruptMemory) };
        self.checks = *checks;
        Ok(())
    }

    fn needs_samples(&self) -> bool {
        false
    }
}

static ENTRY: PolicyEntry = PolicyEntry {
    name: "counting",
    cooldown_down: Duration::from_secs(180),
    slow_weight: 15.0,
    falling_trend_samples: None,
    counts_requests: false,
    maker: &Maker(|| Box::new(Counting { checks: 2 })),
};

const COUNTING: PolicyKind = PolicyKind::of(&ENTRY);

static KINDS: LazyLock<Vec<PolicyKind>> = LazyLock::new(|| POLICIES.iter().copied().chain([COUNTING]).collect());
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(SOURCES, &KINDS));

fn config() -> Config {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npolicy: counting\n";
    parse_with(text, &Overrides::default(), &REGISTRY).unwrap().config
}

/// No samples, ever.
struct Nothing;

impl MetricSource for Nothing {
    async fn samples(&mut self, _: Timestamp, _: Timestamp) -> Result<Reading, Failure> {
        Ok(Reading::default())
    }
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

#[tokio::test]
async fn a_policy_of_ones_own_is_named_in_a_configuration_and_decides_without_samples_where_it_needs_none() {
    let config = config();
    assert_eq!(config.settings.cooldown_down, Duration::from_secs(180));
    let mut engine = Engine::new(Plan::from(&config), Nothing, Two, (), Ledger::default());
    let events = engine.check(Timestamp::from_secs(1_700_000_000)).await;
    let Some(Kind::Checked(check)) = events.last().map(|event| &event.kind) else { panic!("{events:?}") };
    assert_eq!((check.dynos, check.target, check.applied), (2, 3, 3), "{check:?}");
    let json = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(json["policy"], "counting");
}

#[test]
fn an_unknown_policy_is_refused_with_the_names_of_all() {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\npolicy: magic\n";
    let problems = parse_with(text, &Overrides::default(), &REGISTRY).unwrap_err();
    assert_eq!(problems[0].text, "\"magic\" is not known: give threshold, adaptive, traffic or counting");
}

/// Decides once over an empty window.
fn target(decider: &mut Decider) -> u32 {
    let now = Timestamp::from_secs(1_700_000_000);
    let formation = Formation { quantity: 2, changed_at: None };
    let window = Window::new([], now, Duration::from_secs(1800));
    decider.decide(&Observation::new(now, formation, Bounds::new(1, 10).unwrap(), &window)).target
}

#[test]
fn its_memory_is_saved_by_its_name_and_left_out_where_another_policy_decides() {
    let mut decider = Decider::new(Settings::new(COUNTING));
    assert_eq!((target(&mut decider), target(&mut decider)), (3, 4));
    let saved = decider.save();
    let mut restored = Decider::restore(Settings::new(COUNTING), &saved).unwrap();
    assert_eq!(target(&mut restored), 5);
    let mut other = Decider::restore(Settings::new(PolicyKind::Threshold), &saved).unwrap();
    assert_eq!(target(&mut other), 2, "a policy by samples holds without any");
    let mut back = Decider::restore(Settings::new(COUNTING), &other.save()).unwrap();
    assert_eq!(target(&mut back), 3, "afresh");
}
