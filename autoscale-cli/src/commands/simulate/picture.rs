//! What `autoscale simulate` draws: the scenario and its reports as the plain numbers that the library's picture takes.

use autoscale_core::workspace::graph::comparison::{Comparison, Curve};
use autoscale_core::workspace::simulation::Scenario;

use super::played::Played;

pub(super) fn of(scenario: &Scenario, load: &str, played: &[Played]) -> Comparison {
    let name = std::path::Path::new(load).file_stem().map_or(load.into(), |stem| stem.to_string_lossy());
    Comparison {
        title: format!("{name}: load, dynos and response times under {} policies", played.len()),
        rps: played.first().map(|p| p.report.minutes.iter().map(|m| m.rps).collect()).unwrap_or_default(),
        needed: scenario.needed(),
        curves: played.iter().map(curve).collect(),
        incidents: scenario
            .incidents
            .iter()
            .map(|incident| {
                let text = incident.to_string();
                let kind = text.split(['@', '=']).next().unwrap_or_default().to_owned();
                (incident.from.as_secs_f64() / 60.0, incident.to.as_secs_f64() / 60.0, kind)
            })
            .collect(),
    }
}

fn curve(Played { strategy, report, .. }: &Played) -> Curve {
    Curve {
        name: strategy.name().into_owned(),
        summary: vec![
            format!("score {:.0}", report.score),
            format!("{:.1} % slow", report.slow_percent),
            format!("cost {:.2}", report.cost),
        ],
        dynos: report.minutes.iter().map(|minute| minute.dynos).collect(),
        response_ms: report.minutes.iter().map(|minute| minute.done.mean_ms()).collect(),
    }
}
