//! The adaptive policy against its reference: the same targets on every check of recorded runs. The recordings are made
//! by tests/tools/record_adaptive.py, which also says how they are spelled.

use std::path::Path;
use std::time::Duration;

use autoscale_core::decision::Decision;
use autoscale_core::formation::{Bounds, Formation};
use autoscale_core::policy::{Decider, Observation, PolicyKind, Settings};
use autoscale_core::sample::{DownCause, Sample};
use autoscale_core::time::Timestamp;
use autoscale_core::window::Window;

/// One recorded run.
struct Recording {
    name: String,
    interval: Duration,
    settings: Settings,
    checks: Vec<Check>,
}

/// One recorded check.
struct Check {
    now: Timestamp,
    dynos: u32,
    bounds: Bounds,
    /// How many of the newest results are listed; `None`: all.
    newest: Option<usize>,
    target: u32,
    new: Vec<Sample>,
}

impl Recording {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/adaptive");
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "txt"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|recording| recording.name == name).unwrap()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let head: Vec<f64> = lines.next().unwrap().split(' ').map(|v| v.parse().unwrap()).collect();
        let mut settings = Settings::new(PolicyKind::Adaptive);
        settings.response_time_high = head[1];
        settings.slow_weight = head[2];
        settings.boot_time = Duration::from_secs_f64(head[3]);
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            interval: Duration::from_secs_f64(head[0]),
            settings,
            checks: lines.map(Check::read).collect(),
        }
    }

    /// Replays it. `between` is shown each decision beside the recorded target, and may put another policy in place.
    fn replay(&self, decider: &mut Decider, mut between: impl FnMut(&mut Decider, &Check, &Decision)) {
        let period = self.settings.period;
        let (mut known, mut window) = (Vec::new(), Window::default());
        for check in &self.checks {
            known.extend(&check.new);
            known.retain(|s: &Sample| s.at >= check.now - period);
            // In the order in which they came: a window sorts them.
            window.fill(known.iter().copied(), check.now, period);
            if let Some(newest) = check.newest {
                let few = window.newest(newest).to_vec();
                window.fill(few, check.now, period);
            }
            let decision = decider.decide(&check.observe(self.interval, &window));
            between(decider, check, &decision);
        }
    }
}

impl Check {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap();
        let seconds: f64 = next().parse().unwrap();
        let time = |secs| Timestamp::from_secs_f64(secs).unwrap();
        Self {
            now: time(seconds),
            dynos: next().parse().unwrap(),
            bounds: Bounds::new(next().parse().unwrap(), next().parse().unwrap()).unwrap(),
            newest: next().parse().ok(),
            target: next().parse().unwrap(),
            new: words
                .map(|word| {
                    let (age, result) = word.split_once(':').unwrap();
                    let at = time(seconds - age.parse::<f64>().unwrap());
                    match result {
                        "T" => Sample::down(at, DownCause::Timeout),
                        "E" => Sample::down(at, DownCause::Error),
                        ms => Sample::up(at, ms.parse().unwrap()).unwrap(),
                    }
                })
                .collect(),
        }
    }

    fn observe<'a>(&self, interval: Duration, window: &'a Window) -> Observation<'a> {
        Observation {
            now: self.now,
            formation: Formation { quantity: self.dynos, changed_at: None },
            bounds: self.bounds,
            effective_max: None,
            interval,
            window,
            maintenance: false,
            override_until: None,
            dry_run: false,
        }
    }
}

#[test]
fn every_recorded_check_gets_the_reference_target() {
    let recordings = Recording::all();
    assert!(recordings.len() >= 20, "{} recordings", recordings.len());
    let mut differences = Vec::new();
    let mut checks = 0;
    for recording in &recordings {
        let mut decider = Decider::new(recording.settings.clone());
        recording.replay(&mut decider, |_, check, decision| {
            checks += 1;
            if decision.target != check.target {
                differences.push(format!(
                    "{} at {}: {decision}, the reference {}",
                    recording.name,
                    check.now.as_secs_f64(),
                    check.target
                ));
            }
        });
    }
    assert!(checks > 20_000, "{checks} checks");
    assert!(differences.is_empty(), "{} of {checks} differ:\n{}", differences.len(), differences.join("\n"));
}
