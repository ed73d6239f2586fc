//! What values don't go together, and which cost something: looked at once all of them are read.

use std::time::Duration;

use super::keys;
use super::problem::ProblemKind;
use super::reader::Reader;
use super::source::Spacing;
use super::{Config, units, value};

/// Samples of a window that holds enough for every policy; fewer are not worth proposing.
const PLENTY: u32 = 8;
/// Heroku's limit of dynos of one process type (docs/heroku-and-pingdom.md).
pub(super) const HEROKU_MOST: u32 = 100;

pub(super) fn check(reader: &mut Reader<'_>, config: &Config) {
    window(reader, config);
    process_type(reader, config);
    requests(reader, config);
    if config.bounds.max() > HEROKU_MOST {
        let text =
            format!("{} is above {HEROKU_MOST}, the most that Heroku runs of a process type", config.bounds.max());
        reader.warn(keys::MAX_DYNOS, ProblemKind::Advice, text);
    }
    trial(reader, config);
    units::check(reader, config);
    if config.metrics_listen.is_some() {
        let text = "this version serves no metrics yet: the key has no effect";
        reader.warn(keys::METRICS_LISTEN, ProblemKind::Advice, text);
    }
    if config.sandbox_speed.is_some() && !all_loopback(config) {
        let text = "time is sped up only when every API address is on this machine: delete the line, or point api_url \
                    (or the probe's url) at the sandbox";
        reader.problem(keys::SPEED, ProblemKind::Conflict, text);
    }
    if config.sandbox_since.is_some() && config.sandbox_speed.is_none() {
        let text = "has no effect without speed: delete the line, or give the sandbox's speed";
        reader.warn(keys::SINCE, ProblemKind::Advice, text);
    }
}

fn window(reader: &mut Reader<'_>, config: &Config) {
    let (period, frequency) = (config.settings.period, config.check_frequency);
    let Spacing { every: spacing, whose } = config.sources.primary().settings().spacing();
    let falling = config.settings.policy.entry().falling_trend_samples;
    if frequency > period {
        let text = format!(
            "{} between checks is more than pingdom_check_period ({}, {}): the results of {} in each {0} are never looked at",
            time(frequency),
            time(period),
            reader.whence(keys::CHECK_PERIOD),
            time(frequency - period),
        );
        reader.warn(keys::CHECK_FREQUENCY, ProblemKind::Advice, text);
    }
    let needed = |results: u32| time(spacing * results);
    if period < spacing * 2 {
        let text = format!(
            "{} hold fewer than the 2 results that it takes to find an app too slow ({whose} come each {}): give {} or more",
            time(period),
            time(spacing),
            needed(falling.unwrap_or(PLENTY)),
        );
        reader.warn(keys::CHECK_PERIOD, ProblemKind::Advice, text);
    } else if let Some(falling) = falling.filter(|falling| period < spacing * *falling) {
        let text = format!(
            "{} hold fewer than the {falling} results that a falling trend needs ({whose} come each {}): dynos are \
             removed only below response_time_low; give {} or more",
            time(period),
            time(spacing),
            needed(falling),
        );
        reader.warn(keys::CHECK_PERIOD, ProblemKind::Advice, text);
    }
}

/// Heroku's router sends requests to this process type and to no other.
const ROUTED: &str = "web";

fn process_type(reader: &mut Reader<'_>, config: &Config) {
    let kind = config.heroku.process_type.as_str();
    let times_requests = config.sources.primary().kind().times_requests();
    if kind != ROUTED && times_requests {
        let text = format!(
            "Heroku sends HTTP requests to {ROUTED} only, so response times say nothing about {kind}: its dynos would \
             follow the load of {ROUTED}, whatever work waits for {kind}. Set process_type: {ROUTED}, or scale {kind} by \
             a metric of its own with the C or Python library"
        );
        reader.warn(keys::PROCESS_TYPE, ProblemKind::Advice, text);
    }
}

/// What a policy makes of a source that counts requests, or of one that does not.
fn requests(reader: &mut Reader<'_>, config: &Config) {
    let source = config.sources.primary();
    let counted = source.kind().counts_requests();
    let entry = config.settings.policy.entry();
    if entry.counts_requests && !counted {
        let text = format!(
            "{} decides by every request, and metric_source: {} does not count them: it decides as adaptive does; set \
             metric_source: router_logs",
            entry.name,
            source.name()
        );
        reader.warn(keys::POLICY, ProblemKind::Advice, text);
    } else if counted && !entry.counts_requests {
        let taken = match entry.falling_trend_samples {
            Some(_) => "a statistic of each ten seconds of the log (response_time_statistic)",
            None => "one request of each ten seconds of the log",
        };
        let text = format!("{} takes {taken}; policy: traffic takes every request", entry.name);
        reader.warn(keys::POLICY, ProblemKind::Advice, text);
    }
    if counted && config.sources.fallback().is_none() {
        let text = "while the log can't be read, nothing is scaled: a fallback_source, such as probe, would go on";
        reader.warn(keys::METRIC_SOURCE, ProblemKind::Advice, text);
    }
}

fn trial(reader: &mut Reader<'_>, config: &Config) {
    let cooldown = config.settings.cooldown_down;
    if let Some(trial) = config.settings.cooldown_down_trial.filter(|trial| *trial < cooldown) {
        let text = format!(
            "{} is less than cooldown_down ({}, {}), which holds for every removal: give {1} or more",
            time(trial),
            time(cooldown),
            reader.whence(keys::COOLDOWN_DOWN),
        );
        reader.warn(keys::COOLDOWN_DOWN_TRIAL, ProblemKind::Advice, text);
    }
}

fn all_loopback(config: &Config) -> bool {
    value::is_loopback_url(&config.heroku.api_url)
        && config.sources.used().all(|source| source.settings().is_loopback())
}

/// A time for people: "5 min", "1.5 min", "45 s".
pub(super) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 { format!("{seconds} s") } else { format!("{} min", (seconds / 0.6).round() / 100.0) }
}
