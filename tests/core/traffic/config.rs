//! Which policy a configuration gets by its source, and what is said where the two do not go together.

use autoscale_core::workspace::config::{Config, Overrides, parse};
use autoscale_core::workspace::policy::PolicyKind;

fn parsed(settings: &str) -> (Config, Vec<String>) {
    let text = format!("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\n{settings}");
    let parsed = parse(&text, &Overrides::default()).unwrap();
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
    assert_eq!(policy("metric_source: router_logs\n"), (PolicyKind::Traffic, 20.0));
    assert_eq!(policy("metric_source: router_logs\npolicy: adaptive\n"), (PolicyKind::Adaptive, 15.0));
    assert_eq!(policy("metric_source: router_logs\nslow_weight: 7\n"), (PolicyKind::Traffic, 7.0));
    assert_eq!(policy("fallback_source: router_logs\n"), (PolicyKind::Threshold, 15.0), "the primary decides");
}

#[test]
fn a_policy_and_a_source_that_do_not_go_together_are_worth_a_word() {
    assert_eq!(
        parsed("policy: traffic\n").1,
        [
            "traffic decides by every request, and metric_source: pingdom does not count them: it decides as adaptive does; set \
          metric_source: router_logs"
        ]
    );
    assert_eq!(parsed("policy: traffic\nmetric_source: router_logs\n").1, [""; 0]);
    assert_eq!(parsed("metric_source: router_logs\n").1, [""; 0]);
    assert_eq!(
        parsed("metric_source: router_logs\npolicy: adaptive\n").1,
        ["adaptive takes one request of each ten seconds of the log; policy: traffic takes every request"]
    );
}

#[test]
fn an_unknown_policy_is_a_problem_whatever_the_source() {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmetric_source: router_logs\npolicy: magic\n";
    let problems = parse(text, &Overrides::default()).unwrap_err();
    assert_eq!(problems[0].text, "\"magic\" is not known: give threshold, adaptive or traffic");
}
