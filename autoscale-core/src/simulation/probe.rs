//! Outside checks of the app: one request through the same router, queue and database, whose answer is worked out at once
//! from what stands before it. Looking changes nothing in the app.

use rand::RngExt;
use rand_distr::{Distribution, Gamma};

use crate::model::sample::{DownCause, Sample};

use super::SimulatedApp;
use super::app::Front;
use super::arrivals::{Draws, Request};
use super::dyno::Phase;
use super::fleet::pick;
use super::incident::IncidentKind;
use super::profile::Discipline;
use super::request_log::ROUTER_TIMEOUT;

/// Pingdom's words for no answer within its 30 seconds.
const TIMED_OUT: &str = "Timeout (> 30s)";
/// ... for what the router answers when it can't hand a request to any dyno (errors H10, H11, H14).
const REFUSED: &str = "HTTP Error 503";
/// ... for an error of the app's own.
const BROKEN: &str = "HTTP Error 500";

/// What one outside check saw.
#[derive(Clone, PartialEq, Debug)]
pub enum ProbeResult {
    /// Answered in so many ms.
    Up(f64),
    /// Not answered properly: why, in Pingdom's words.
    Down(DownCause, &'static str),
}

impl SimulatedApp {
    /// One outside check, now.
    pub fn probe(&mut self) -> ProbeResult {
        // All that chance has to say is drawn first, so that what the check meets does not shift the checks after it.
        let network = self.network_seconds();
        let request = Draws::of(self.profile()).draw(self.clock, &mut self.checks);
        let among = if self.fleet.ready.is_empty() { &self.fleet.booting } else { &self.fleet.ready };
        let dyno = pick(among, &mut self.checks);
        match self.front {
            Front::Errors => return ProbeResult::Down(DownCause::Error, BROKEN),
            Front::Silent => return ProbeResult::Down(DownCause::Timeout, TIMED_OUT),
            Front::Open => {}
        }
        match dyno.and_then(|dyno| self.response_seconds(dyno, &request)) {
            None => ProbeResult::Down(DownCause::Error, REFUSED),
            Some(seconds) if seconds + network < ROUTER_TIMEOUT => ProbeResult::Up(1000.0 * (seconds + network)),
            Some(_) => ProbeResult::Down(DownCause::Timeout, TIMED_OUT),
        }
    }

    /// One check of a monitoring service, now: what [`SimulatedApp::probe`] saw, as a result; `None` where a blackout or
    /// the service's own weakness leaves one out.
    pub fn watch(&mut self) -> Option<Sample> {
        let missed = self.checks.random::<f64>() < self.profile().missed_checks;
        let seen = self.probe();
        if missed || self.is_blacked_out() {
            return None;
        }
        match seen {
            ProbeResult::Up(ms) => Sample::up(self.now(), (10.0 * ms).round().max(1.0) / 10.0),
            ProbeResult::Down(cause, _) => Some(Sample::down(self.now(), cause)),
        }
    }

    /// Do outside checks bring no results now?
    pub fn is_blacked_out(&self) -> bool {
        self.active.contains(&IncidentKind::Blackout)
    }

    /// The way to the app and back: a gamma distribution of shape 4, so that a check is sometimes twice as far away.
    fn network_seconds(&mut self) -> f64 {
        const SHAPE: f64 = 4.0;
        let mean = self.profile().network_ms / 1000.0;
        Gamma::new(SHAPE, mean / SHAPE).map_or(0.0, |gamma| gamma.sample(&mut self.checks))
    }

    /// Seconds in which a request that comes now would be answered by this dyno; `None` when its queue is full.
    fn response_seconds(&self, dyno: usize, request: &Request) -> Option<f64> {
        let now = self.clock;
        let profile = self.profile();
        let place = &self.fleet.dynos[dyno];
        if place.queue.len() >= profile.backlog as usize {
            return None;
        }
        let booted = if place.phase == Phase::Starting { place.ready_at } else { now };
        let (own, _) = self.fleet.service(booted, dyno, request);
        let queue = place.queue.iter().map(|waiting| (waiting, self.fleet.service(now, dyno, waiting).0));
        if profile.discipline != Discipline::FirstCome {
            // As fast as if as many stayed with it throughout: right on average in a steady state.
            let workers = f64::from(profile.workers);
            let together = (place.serving.len() + place.queue.len() + 1).min(profile.places()) as f64;
            let wait: f64 = queue.map(|(_, seconds)| seconds / workers).sum();
            return Some(booted - now + wait + own * (together / workers).max(1.0));
        }
        // When each worker is free; those waiting are served in order by whichever is free first.
        let mut free: Vec<f64> = place.serving.iter().map(|served| served.done).collect();
        free.resize(profile.places(), booted);
        let first = |free: &[f64]| (0..free.len()).min_by(|a, b| free[*a].total_cmp(&free[*b])).unwrap_or_default();
        let mut connections = place.connections.clone();
        for (waiting, seconds) in queue {
            let worker = first(&free);
            if free[worker] - waiting.arrived < ROUTER_TIMEOUT {
                free[worker] = connections.call(free[worker] + seconds, waiting.outside, profile.outside);
            }
        }
        Some(connections.call(free[first(&free)] + own, request.outside, profile.outside) - now)
    }
}
