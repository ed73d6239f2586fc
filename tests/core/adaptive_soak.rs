//! The adaptive policy under anything at all: random checks in the tens of thousands, each held against what must never
//! happen: 100,000, a million under `make soak` (`AUTOSCALE_SOAK`), or as many as `SOAK_STEPS` says.

use std::time::Duration;

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, PolicyKind, Settings};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

/// Checks of one run; each run has its own settings and temper.
const RUN: u64 = 500;

/// Knuth's MMIX generator, its high bits.
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.unit() * f64::from(n)) as u32
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }
}

/// One app, its checks and what is done to them.
struct Run {
    chance: Chance,
    decider: Decider,
    now: f64,
    n: u32,
    min: u32,
    max: u32,
    /// The response time that this app tends to, ms.
    usual_ms: f64,
    known: Vec<Sample>,
    window: Window,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut settings = Settings::new(PolicyKind::Adaptive);
        settings.response_time_high = chance.one_of(&[2000.0, 2000.0, 300.0, 100.0, 5000.0, 1e6]);
        settings.slow_weight = chance.one_of(&[15.0, 15.0, 0.0, 1.0, 1000.0]);
        settings.boot_time = Duration::from_secs(chance.one_of(&[60, 0, 600]));
        settings.period = Duration::from_secs(chance.one_of(&[1800, 1800, 60, 7200]));
        settings.max_step_up = chance.one_of(&[None, None, Some(1), Some(5)]);
        settings.max_step_down = chance.one_of(&[None, None, Some(1), Some(5)]);
        let min = 1 + chance.one_of(&[0, 0, 1, 7]);
        let max = min + chance.one_of(&[0, 9, 19, 999]);
        Self {
            decider: Decider::new(settings),
            now: chance.one_of(&[0.0, 1.7e9, -1e6, 1e11]),
            n: min + chance.below(max - min + 1),
            usual_ms: 10_f64.powf(1.0 + 3.5 * chance.unit()),
            min,
            max,
            chance,
            known: Vec::new(),
            window: Window::default(),
        }
    }

    fn result(&mut self) -> Sample {
        let chance = &mut self.chance;
        let age = match chance.below(10) {
            0 => 1800.0 * chance.unit(),
            1 => -400.0 * chance.unit(),
            2 => 130.0 * chance.unit(),
            _ => (50.0 * chance.unit()).floor(),
        };
        let at = Timestamp::from_secs_f64(self.now - age).unwrap();
        match chance.below(20) {
            0 => Sample::down(at, DownCause::Error),
            1 => Sample::down(at, DownCause::Timeout),
            2 => Sample::up(at, chance.one_of(&[1e-300, 1e-3, 1.0, 1e5, 1e9, f64::MAX])).unwrap(),
            _ => Sample::up(at, self.usual_ms * 4_f64.powf(chance.unit() - 0.5)).unwrap(),
        }
    }

    fn step(&mut self) {
        let interval = self.chance.one_of(&[60.0, 60.0, 60.0, 300.0, 1.0]);
        self.now += match self.chance.below(200) {
            0 => 86_400.0,
            1 => 86_400.0 * 400.0,
            2 => -3600.0,
            3 => 0.0,
            _ => interval,
        };
        if self.chance.is(0.01) {
            self.usual_ms = 10_f64.powf(1.0 + 3.5 * self.chance.unit());
        }
        let news = match self.chance.below(100) {
            0 => 40,
            1..4 => 5,
            4..60 => 1,
            _ => 0,
        };
        for _ in 0..news {
            let result = self.result();
            self.known.push(result);
            if self.chance.is(0.1) {
                self.known.push(result);
            }
        }
        let (now, period) = (Timestamp::from_secs_f64(self.now).unwrap(), self.decider.settings().period);
        self.known.retain(|s| s.at >= now - period && s.at <= now + Duration::from_secs(3600));
        // A service may list its results in any order, and leave some out.
        let listed = if self.chance.is(0.05) { self.known.len() / 2 } else { self.known.len() };
        self.window.fill(self.known.iter().rev().take(listed).copied(), now, period);
        if self.chance.is(0.02) {
            self.n = self.chance.one_of(&[0, 1, self.min, self.max, self.max + 5, self.max.div_ceil(2), 1000]);
        }
        let limit = self.chance.is(0.05).then(|| 1 + self.chance.below(self.max));
        self.check(now, Duration::from_secs_f64(interval), limit);
    }

    fn check(&mut self, now: Timestamp, interval: Duration, limit: Option<u32>) {
        let (n, min, max) = (self.n, self.min, self.max);
        let decision = self.decider.decide(
            &Observation::new(
                now,
                Formation { quantity: n, changed_at: self.chance.is(0.1).then_some(now) },
                Bounds::new(min, max).unwrap(),
                &self.window,
            )
            .interval(interval)
            .effective_max(limit)
            .maintenance(self.chance.is(0.01))
            .dry_run(self.chance.is(0.05))
            .shadow(self.chance.is(0.05)),
        );
        let target = decision.target;
        match n {
            0 => assert_eq!(target, 0, "{decision}"),
            // To min_dynos, or as far as the platform allows.
            _ if n < min => {
                let to = min.min(limit.unwrap_or(min).max(n));
                assert!(target == n || target == to, "{limit:?}: {decision}");
            }
            _ if n > max => assert!((max..=n).contains(&target), "{decision}"),
            _ => {
                assert!((min..=max).contains(&target), "{min}..={max}: {decision}");
                let settings = self.decider.settings();
                assert!(target.saturating_sub(n) <= settings.max_step_up.unwrap_or(u32::MAX), "{decision}");
                assert!(n.saturating_sub(target) <= settings.max_step_down.unwrap_or(u32::MAX), "{decision}");
                assert!(target <= limit.unwrap_or(max).max(n), "{limit:?}: {decision}");
            }
        }
        if let Some(belief) = decision.evidence.belief {
            let (low, high) = (belief.load_low, belief.load_high);
            assert!(0.09 < low && low <= high && high < 63.0, "{belief:?}");
            assert!((0.09..63.0).contains(&belief.load_dynos), "{belief:?}");
            for share in [belief.slow_share_now, belief.slow_share_target, belief.incurable_share] {
                assert!((0.0..=1.0 + 1e-9).contains(&share), "{belief:?}");
            }
        }
        assert!(!decision.to_string().contains("NaN"), "{decision}");
        self.n = target;
    }
}

/// Runs every second one of so many runs.
fn soak(steps: u64, first: u64) {
    for seed in (first..steps.div_ceil(RUN)).step_by(2) {
        let mut run = Run::new(seed + 1);
        for step in 0..RUN {
            run.step();
            // What is saved is validated when it is read: probabilities are finite and sum to 1.
            if step % 50 == 49 {
                let settings = run.decider.settings().clone();
                run.decider = Decider::restore(settings, &run.decider.save())
                    .unwrap_or_else(|e| panic!("run {seed}, step {step}: {e}"));
            }
        }
    }
}

fn steps() -> u64 {
    let usual = if std::env::var_os("AUTOSCALE_SOAK").is_some() { 1_000_000 } else { 100_000 };
    std::env::var("SOAK_STEPS").map_or(usual, |steps| steps.parse().expect("SOAK_STEPS is a number"))
}

#[test]
fn whatever_comes_targets_stay_in_bounds_and_the_belief_a_distribution() {
    soak(steps(), 0);
}

#[test]
fn whatever_else_comes_targets_stay_in_bounds_and_the_belief_a_distribution() {
    soak(steps(), 1);
}
