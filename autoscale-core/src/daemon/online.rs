//! Whether a configuration works against the services themselves: every key and right that a loop will need is tried, but
//! for the right to scale. Changes nothing, and decides nothing.

use std::time::Duration;

use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::parts::{http_options, open_target};
use crate::daemon::startup::Startup;
use crate::engine::ports::{Failure, MetricSource as _, ScaleTarget as _};
use crate::http::Shared;
use crate::model::units::{Dynos, Span};
use crate::sources::open_each;

/// What the key needs beyond reading, which can't be tried without a change.
const SCOPE: &str = "that the key may scale can't be tried without a change: it needs Heroku's scope write, as \
                     `heroku authorizations:create --scope write` gives it";

/// Something that was tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// What it is about: "Heroku", or the name of a source.
    pub what: String,
    /// What came of it.
    pub result: Tried,
}

/// What came of an attempt, in one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tried {
    /// It works.
    Works(String),
    /// It does not, and what to mend.
    Fails(String),
    /// Something to know.
    Note(String),
}

/// Tries what a loop of this configuration will need: reads the formation, and each of its sources once.
pub async fn try_online(config: &Config, shared: &Shared) -> Vec<Attempt> {
    let clock = Clock::of(config);
    clock.scope(try_each(config, shared, clock)).await
}

async fn try_each(config: &Config, shared: &Shared, clock: Clock) -> Vec<Attempt> {
    let http = http_options(config, shared);
    let mut attempts = vec![Attempt { what: "Heroku".into(), result: formation(config, shared).await }];
    for (name, source) in open_each(config, clock, &http) {
        let result = match source {
            Err(failure) => Tried::Fails(failure.text),
            Ok(mut source) => {
                let (to, from) = (clock.now(), clock.now() - config.settings.period);
                match source.samples(from, to).await {
                    Err(failure) => Tried::Fails(failure.text),
                    Ok(reading) => {
                        let newest = reading.samples.iter().map(|sample| sample.at).max();
                        let age = newest.map(|at| to.seconds_since(at).max(0.0));
                        Tried::Works(told(reading.samples.len(), age, config.settings.period))
                    }
                }
            }
        };
        attempts.push(Attempt { what: name.into(), result });
    }
    let advice = Startup { config: config.clone(), http }.run().await.into_iter().map(Tried::Note);
    let notes = advice.chain([Tried::Note(SCOPE.into())]);
    attempts.extend(notes.map(|result| Attempt { what: "Heroku".into(), result }));
    attempts
}

async fn formation(config: &Config, shared: &Shared) -> Tried {
    let seen: Result<_, Failure> =
        async { open_target(config, &http_options(config, shared))?.formation().await }.await;
    match seen {
        Err(failure) => Tried::Fails(failure.text),
        Ok(seen) => {
            let crate::config::Heroku { app_name, process_type, .. } = &config.heroku;
            let size = seen.size.map(|size| format!(", {size}")).unwrap_or_default();
            let maintenance = if seen.maintenance { ", in maintenance mode" } else { "" };
            Tried::Works(format!("{app_name} {process_type} has {}{size}{maintenance}", Dynos(seen.quantity)))
        }
    }
}

/// How many samples there are, and how old the newest is, in seconds.
fn told(samples: usize, newest_s: Option<f64>, period: Duration) -> String {
    match newest_s {
        None => format!("can be read, and has no sample of the last {}", Span(period)),
        Some(age) => {
            let ago = if age < 1.0 { "just now".into() } else { format!("{} ago", Span::of_secs(age)) };
            let samples = if samples == 1 { "one sample".into() } else { format!("{samples} samples") };
            format!("{samples} of the last {}, the newest {ago}", Span(period))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_told_in_a_sentence() {
        let hour = Duration::from_secs(3600);
        assert_eq!(told(0, None, hour), "can be read, and has no sample of the last 60 min");
        assert_eq!(told(1, Some(0.2), hour), "one sample of the last 60 min, the newest just now");
        assert_eq!(told(58, Some(95.0), hour), "58 samples of the last 60 min, the newest 95 s ago");
    }
}
