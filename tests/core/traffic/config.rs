//! Which policy a configuration gets by its source, and what is said where the two do not go together.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use autoscale_core::workspace::config::{
    Config, Key, Overrides, Problem, Reader, Registry, SourceKind, SourceSettings, Spacing, parse_with,
};
use autoscale_core::workspace::policy::{POLICIES, PolicyKind};
use autoscale_core::workspace::sources::SOURCES;

#[derive(PartialEq, Debug)]
struct Nothing;

impl SourceSettings for Nothing {
    fn missing_for_run(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn spacing(&self) -> Spacing {
        Spacing { every: Duration::from_secs(10), whose: "the router's" }
    }

    fn is_loopback(&self) -> bool {
        true
    }
}

/// A source that counts requests.
#[derive(Debug)]
struct Router;

impl SourceKind for Router {
    fn name(&self) -> &'static str {
        "router"
    }

    fn section(&self) -> &'static str {
        "ROUTER_INFOS"
    }

    fn keys(&self) -> &'static [&'static Key] {
        &[]
    }

    fn read(&self, _: &mut Reader<'_>) -> Option<Arc<dyn SourceSettings>> {
        Some(Arc::new(Nothing))
    }

    fn counts_requests(&self) -> bool {
        true
    }

    fn default_policy(&self) -> Option<PolicyKind> {
        Some(PolicyKind::Traffic)
    }
}

static ALL: LazyLock<Vec<&'static dyn SourceKind>> =
    LazyLock::new(|| SOURCES.iter().copied().chain([&Router as &dyn SourceKind]).collect());
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(&ALL, POLICIES));

fn parsed(settings: &str) -> (Config, Vec<String>) {
    let text = format!("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\n{settings}");
    let parsed = parse_with(&text, &Overrides::default(), &REGISTRY).unwrap();
    let warnings = parsed.warnings.into_iter().map(|problem| problem.text);
    (parsed.config, warnings.filter(|text| text.contains("request")).collect())
}

#[test]
fn a_source_that_counts_requests_is_decided_by_traffic_unless_said_otherwise() {
    let policy = |settings: &str| {
        let settings = parsed(settings).0.settings;
        (settings.policy, settings.slow_weight)
    };
    assert_eq!(policy(""), (PolicyKind::Threshold, 15.0));
    assert_eq!(policy("metric_source: router\n"), (PolicyKind::Traffic, 20.0));
    assert_eq!(policy("metric_source: router\npolicy: adaptive\n"), (PolicyKind::Adaptive, 15.0));
    assert_eq!(policy("metric_source: router\nslow_weight: 7\n"), (PolicyKind::Traffic, 7.0));
    assert_eq!(policy("fallback_source: router\n"), (PolicyKind::Threshold, 15.0), "the primary decides");
}

#[test]
fn traffic_without_a_source_that_counts_requests_is_worth_a_word() {
    assert_eq!(
        parsed("policy: traffic\n").1,
        [
            "traffic decides by every request, and pingdom counts none: it would decide as its fall-back adaptive does; give \
          another metric_source, or policy: adaptive"
        ]
    );
    assert_eq!(parsed("policy: traffic\nmetric_source: router\n").1, [""; 0]);
    assert_eq!(parsed("metric_source: router\n").1, [""; 0]);
    assert_eq!(parsed("policy: traffic\nfallback_source: router\n").1, [""; 0]);
}

#[test]
fn an_unknown_policy_is_a_problem_whatever_the_source() {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmetric_source: router\npolicy: magic\n";
    let problems = parse_with(text, &Overrides::default(), &REGISTRY).unwrap_err();
    assert_eq!(problems[0].text, "\"magic\" is not known: give threshold, adaptive or traffic");
}
