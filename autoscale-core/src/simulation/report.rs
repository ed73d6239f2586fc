//! What a scenario came to: what the visitors got, what it cost, how restless the formation was, and one score of all that.

use std::time::Duration;

use crate::model::time::Timestamp;

use super::capacity::SLOW_PERCENT;
use super::{Incident, IncidentKind, SimulatedApp, Totals};

/// Two changes in opposite directions no further apart than this are a reversal, seconds.
const REVERSAL: f64 = 1800.0;

/// Minutes after an incident's end that still count as part of it.
const AFTERMATH: usize = 5;

/// Minutes for which the formation must stay where it would be, to be back there.
const BACK_FOR: usize = 5;

/// A change of the formation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Dynos before.
    pub from: u32,
    /// Dynos after.
    pub to: u32,
}

/// One minute of a scenario.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Minute {
    /// Requests per second that came on average.
    pub rps: f64,
    /// Dynos asked for at its end.
    pub dynos: u32,
    /// What happened in it.
    pub done: Totals,
}

/// What a scenario came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// Its length in hours.
    pub hours: f64,
    /// Dynos asked for, times hours.
    pub dyno_hours: f64,
    /// Those over the dyno-hours of one who knows the load beforehand and asks for dynos in time.
    pub cost: f64,
    /// Slow or failed requests, percent; without the time of incidents that no dyno cures.
    pub slow_percent: f64,
    /// Failed requests, percent; without the same.
    pub failed_percent: f64,
    /// Slow or failed requests in the worst hour, percent; with everything.
    pub worst_hour_percent: f64,
    /// Response time that 95 % of the requests kept, ms; with everything. `None` without requests.
    pub p95_ms: Option<f64>,
    /// Changes that took a recent one back, per day.
    pub reversals_a_day: f64,
    /// 100 for one slow request in a hundred at the cost of the one who knows; half of it at twice the cost, or with five
    /// more in a hundred slow.
    pub score: f64,
    /// Each change of the formation.
    pub changes: Vec<Change>,
    /// Each minute.
    pub minutes: Vec<Minute>,
}

/// What an incident did to the formation.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Aftermath {
    /// Slow or failed requests from its beginning to five minutes after its end, percent.
    pub slow_percent: f64,
    /// Dyno-hours more than without the incident, percent.
    pub extra_percent: f64,
    /// From its end until the formation stays within a dyno of what it is without it; `None`: not before the scenario ended.
    pub back_after: Option<Duration>,
}

impl Report {
    pub(super) fn new(
        app: &SimulatedApp,
        minutes: Vec<Minute>,
        changes: Vec<Change>,
        clairvoyant_hours: f64,
        incidents: &[Incident],
    ) -> Self {
        let hours = app.now().seconds_since(app.started_at()) / 3600.0;
        let dyno_hours = app.totals().dyno_seconds / 3600.0;
        let cost = dyno_hours / clairvoyant_hours.max(f64::MIN_POSITIVE);
        let counted = |minute: usize| !incidents.iter().any(|incident| excuses(incident, minute));
        let judged = sum(minutes.iter().enumerate().filter(|(minute, _)| counted(*minute)).map(|(_, m)| m));
        let slow_percent = judged.slow_percent();
        let hour = minutes.len().clamp(1, 60);
        let worst = minutes.windows(hour).map(|hour| sum(hour).slow_percent()).fold(0.0, f64::max);
        Self {
            hours,
            dyno_hours,
            cost,
            slow_percent,
            failed_percent: if judged.ended > 0.0 { 100.0 * judged.failed / judged.ended } else { 0.0 },
            worst_hour_percent: worst,
            p95_ms: app.percentile_ms(0.95),
            reversals_a_day: if hours > 0.0 { reversals(&changes) as f64 * 24.0 / hours } else { 0.0 },
            score: score(cost, slow_percent),
            changes,
            minutes,
        }
    }

    /// What `incident`, which this scenario went through and `without` did not, did to the formation.
    pub fn aftermath(&self, without: &Self, incident: &Incident) -> Aftermath {
        let dynos = |report: &Self, minute: usize| report.minutes.get(minute).map(|m| m.dynos);
        let end = incident.to.as_secs().div_ceil(60) as usize;
        let near = |minute| {
            dynos(self, minute).zip(dynos(without, minute)).is_some_and(|(dynos, other)| dynos.abs_diff(other) <= 1)
        };
        let back = (end..self.minutes.len()).find(|minute| (*minute..*minute + BACK_FOR).all(near));
        let during = self.minutes.iter().enumerate().filter(|(minute, _)| is_during(incident, *minute));
        Aftermath {
            slow_percent: sum(during.map(|(_, minute)| minute)).slow_percent(),
            extra_percent: 100.0 * (self.dyno_hours / without.dyno_hours.max(f64::MIN_POSITIVE) - 1.0),
            back_after: back.map(|minute| Duration::from_secs(60 * (minute - end) as u64)),
        }
    }
}

/// 100 / (max(1, cost) · (1 + max(0, slow − 1) / 5)). Cost below the one who knows earns nothing: it is too few dynos.
pub fn score(cost: f64, slow_percent: f64) -> f64 {
    100.0 / (cost.max(1.0) * (1.0 + (slow_percent - SLOW_PERCENT).max(0.0) / 5.0))
}

/// Is a minute part of an incident for which no formation is to blame?
fn excuses(incident: &Incident, minute: usize) -> bool {
    let blameless = match incident.kind {
        IncidentKind::Blackout | IncidentKind::Deploy => false,
        IncidentKind::Database(_) | IncidentKind::Outage | IncidentKind::Silence | IncidentKind::CrashLoop => true,
    };
    blameless && is_during(incident, minute)
}

fn is_during(incident: &Incident, minute: usize) -> bool {
    let from = incident.from.as_secs() as usize / 60;
    let to = incident.to.as_secs().div_ceil(60) as usize + AFTERMATH;
    (from..to).contains(&minute)
}

fn sum<'a>(minutes: impl IntoIterator<Item = &'a Minute>) -> Totals {
    minutes.into_iter().fold(Totals::default(), |mut all, minute| {
        let Totals { requests, slow, failed, dyno_seconds, ended, response_seconds } = minute.done;
        all.requests += requests;
        all.slow += slow;
        all.failed += failed;
        all.dyno_seconds += dyno_seconds;
        all.ended += ended;
        all.response_seconds += response_seconds;
        all
    })
}

fn reversals(changes: &[Change]) -> usize {
    let is_reversal = |pair: &&[Change]| {
        (pair[0].to > pair[0].from) != (pair[1].to > pair[1].from) && pair[1].at.seconds_since(pair[0].at) <= REVERSAL
    };
    changes.windows(2).filter(is_reversal).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_halves_at_twice_the_cost_or_five_points_more_of_slow_requests() {
        assert_eq!(score(1.0, 1.0), 100.0);
        assert_eq!(score(2.0, 0.0), 50.0);
        assert_eq!(score(0.5, 6.0), 50.0);
    }

    #[test]
    fn a_change_taken_back_within_half_an_hour_is_a_reversal() {
        let change = |minute: i64, from, to| Change { at: Timestamp::from_secs(60 * minute), from, to };
        let changes = [change(0, 1, 2), change(30, 2, 1), change(61, 1, 2), change(62, 2, 4), change(70, 4, 3)];
        assert_eq!(reversals(&changes), 2);
    }

    #[test]
    fn an_incident_excuses_itself_and_five_minutes_more() {
        let database = Incident::new(IncidentKind::Database(6.0), 10.0, 10.0);
        assert_eq!([9, 10, 24, 25].map(|minute| excuses(&database, minute)), [false, true, true, false]);
        assert!(!excuses(&Incident::new(IncidentKind::Blackout, 10.0, 10.0), 15));
    }
}
