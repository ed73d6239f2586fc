//! The adaptive policy against its reference: the same targets on every check of recorded runs. The recordings are made
//! by tests/tools/record_adaptive.py, which also says how they are spelled.

use std::path::Path;
use std::time::Duration;

use autoscale_core::workspace::decision::{Action, Decision};
use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{CorruptMemory, Decider, Observation, PolicyKind, Settings, Tuning};
use autoscale_core::workspace::reason::{Next, Reason};
use autoscale_core::workspace::sample::{DownCause, Sample};
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

/// One recorded run.
pub(crate) struct Recording {
    pub(crate) name: String,
    interval: Duration,
    pub(crate) settings: Settings,
    checks: Vec<Check>,
}

/// One recorded check.
pub(crate) struct Check {
    now: Timestamp,
    dynos: u32,
    bounds: Bounds,
    /// How many of the newest results are listed; `None`: all.
    newest: Option<usize>,
    pub(crate) target: u32,
    new: Vec<Sample>,
}

impl Recording {
    /// Those of the reference.
    pub(crate) fn all() -> Vec<Self> {
        Self::in_folder("../tests/fixtures/adaptive")
    }

    /// Those of the policy as it is.
    fn of_product() -> Vec<Self> {
        let mut recordings = Self::in_folder("../tests/fixtures/adaptive/now");
        recordings.iter_mut().for_each(|recording| recording.settings.tuning = Tuning::default());
        recordings
    }

    fn in_folder(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
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
        settings.tuning = Tuning::reference();
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
    pub(crate) fn replay(&self, decider: &mut Decider, mut between: impl FnMut(&mut Decider, &Check, &Decision)) {
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
        Observation::new(self.now, Formation { quantity: self.dynos, changed_at: None }, self.bounds, window)
            .interval(interval)
    }
}

#[test]
fn every_recorded_check_gets_the_reference_target() {
    let recordings = Recording::all();
    assert!(recordings.len() >= 20, "{} recordings", recordings.len());
    let (checks, differences) = differences(&recordings);
    assert!(checks > 20_000, "{checks} checks");
    assert!(differences.is_empty(), "{} of {checks} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_policy_as_it_is_decides_as_it_did_when_it_was_recorded() {
    let recordings = Recording::of_product();
    assert!(recordings.len() >= 6, "{} recordings", recordings.len());
    let (checks, differences) = differences(&recordings);
    assert!(checks > 5_000, "{checks} checks");
    let how =
        "if that is meant, measure it (docs/adaptive-ideas.md) and record anew (tests/fixtures/adaptive/README.md)";
    assert!(differences.is_empty(), "{} of {checks} differ; {how}:\n{}", differences.len(), differences.join("\n"));
}

/// How many checks there are, and which are decided otherwise than recorded.
fn differences(recordings: &[Recording]) -> (u32, Vec<String>) {
    let mut differences = Vec::new();
    let mut checks = 0;
    for recording in recordings {
        let mut decider = Decider::new(recording.settings.clone());
        recording.replay(&mut decider, |_, check, decision| {
            checks += 1;
            if decision.target != check.target {
                differences.push(format!(
                    "{} at {}: {decision}, recorded {}",
                    recording.name,
                    check.now.as_secs_f64(),
                    check.target
                ));
            }
        });
    }
    (checks, differences)
}

#[test]
fn a_run_cut_into_many_processes_decides_as_one() {
    for name in ["incident", "five-flash", "nasa-fast"] {
        let mut recording = Recording::named(name);
        recording.settings.tuning = Tuning::default();
        let (mut cut, mut whole) = (Vec::new(), Vec::new());
        let mut decider = Decider::new(recording.settings.clone());
        recording.replay(&mut decider, |_, _, decision| whole.push(*decision));
        let mut decider = Decider::new(recording.settings.clone());
        recording.replay(&mut decider, |decider, _, decision| {
            cut.push(*decision);
            let saved = decider.save();
            assert!(saved.len() < 64 * 1024, "{} bytes", saved.len());
            *decider = Decider::restore(recording.settings.clone(), &saved).unwrap();
            assert_eq!(decider.save(), saved, "nothing is lost on the way");
        });
        // Bit for bit: the belief's numbers are in the evidence.
        assert_eq!(cut, whole, "{name}");
    }
}

#[test]
fn a_memory_that_no_policy_had_is_refused() {
    let recording = Recording::named("fixed");
    let mut decider = Decider::new(recording.settings.clone());
    recording.replay(&mut decider, |_, _, _| {});
    let saved = decider.save();
    let restore = |bytes: &[u8]| Decider::restore(recording.settings.clone(), bytes).map(|d| d.save());
    assert_eq!(restore(&saved), Ok(saved.clone()));
    assert_eq!(restore(&[]), Err(CorruptMemory));
    assert_eq!(restore(&saved[..saved.len() - 1]), Err(CorruptMemory));
    for i in (0..saved.len()).step_by(997) {
        let mut damaged = saved.clone();
        damaged[i] ^= 0x10;
        assert_eq!(restore(&damaged), Err(CorruptMemory), "byte {i}");
    }
}

#[test]
fn a_belief_that_is_no_distribution_is_refused_even_where_its_bytes_are_whole() {
    let settings = Settings::new(PolicyKind::Adaptive);
    let saved = Decider::new(settings.clone()).save();
    // Behind magic and checksum: the belief's first cells follow the common memory and the rule's number.
    let cell = 1.0 / (16.0 + 8.0 * 0.02) / 84.0;
    let is_cell = |bytes: &[u8]| (f64::from_le_bytes(bytes.try_into().unwrap()) / cell - 1.0).abs() < 1e-9;
    let first = saved.windows(8).position(is_cell).expect("the prior's first cell");
    for wrong in [f64::NAN, f64::INFINITY, -1e-3, 0.5] {
        let mut forged = saved.clone();
        forged[first..first + 8].copy_from_slice(&wrong.to_le_bytes());
        let sum = forged[16..]
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
        forged[8..16].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Decider::restore(settings.clone(), &forged).map(|_| ()), Err(CorruptMemory), "{wrong}");
    }
}

/// Decides each minute on results that come each minute, `ms` of them by `dynos`.
struct Loop {
    decider: Decider,
    known: Vec<Sample>,
    minute: i64,
    dynos: u32,
    max: u32,
    limit: Option<u32>,
    dry_run: bool,
    shadow: bool,
}

impl Loop {
    fn new(settings: Settings) -> Self {
        let decider = Decider::new(settings);
        Self { decider, known: Vec::new(), minute: 0, dynos: 4, max: 20, limit: None, dry_run: false, shadow: false }
    }

    /// A minute with this result just before its check; the decision is carried out unless in dry run.
    fn minute(&mut self, result: impl Fn(Timestamp) -> Option<Sample>) -> Decision {
        self.minute += 1;
        let now = Timestamp::from_secs(60 * self.minute);
        self.known.extend(result(now - Duration::from_secs(10)));
        let window = Window::new(self.known.iter().copied(), now, self.decider.settings().period);
        let decision = self.decider.decide(
            &Observation::new(
                now,
                Formation { quantity: self.dynos, changed_at: None },
                Bounds::new(1, self.max).unwrap(),
                &window,
            )
            .effective_max(self.limit)
            .dry_run(self.dry_run)
            .shadow(self.shadow),
        );
        if !(self.dry_run || self.shadow) {
            self.dynos = decision.target;
        }
        decision
    }

    fn minutes(&mut self, n: usize, ms: f64) -> Vec<Decision> {
        (0..n).map(|_| self.minute(|at| Sample::up(at, ms))).collect()
    }
}

/// The minutes at which something was wanted, with the reason's code.
fn wanted(decisions: &[Decision]) -> Vec<(usize, u32, &'static str)> {
    let changes = decisions.iter().enumerate().filter(|(_, d)| d.action() != Action::Hold);
    changes.map(|(i, d)| (i + 1, d.target, d.reason.code())).collect()
}

#[test]
fn a_fast_app_gives_its_dynos_back_step_by_step_and_a_slow_one_gets_more_at_once() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.dynos = 12;
    let calm = app.minutes(60, 200.0);
    let down = wanted(&calm);
    assert!(down.iter().all(|(_, _, code)| *code == "fewer_are_cheaper"), "{down:?}");
    assert!(app.dynos <= 2, "{down:?}");
    for pair in down.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= 5, "five minutes between removals: {down:?}");
        assert!(pair[0].1 - pair[1].1 <= (pair[0].1 / 4).max(1), "a quarter at once: {down:?}");
    }
    let before = app.dynos;
    let slow = app.minutes(3, 9000.0);
    let up = wanted(&slow);
    assert_eq!(up.first().map(|(_, _, code)| *code), Some("more_are_cheaper"), "{up:?}");
    assert!(app.dynos >= before + 2, "{up:?}");
}

#[test]
fn steps_and_cool_downs_of_the_configuration_bind() {
    let mut settings = Settings::new(PolicyKind::Adaptive);
    (settings.max_step_up, settings.max_step_down) = (Some(1), Some(1));
    (settings.cooldown_up, settings.cooldown_down) = (Duration::from_secs(300), Duration::from_secs(1200));
    let mut app = Loop::new(settings);
    app.dynos = 12;
    let down = wanted(&app.minutes(90, 200.0));
    assert!(down.len() >= 3, "{down:?}");
    for pair in down.windows(2) {
        assert_eq!(pair[0].1 - pair[1].1, 1, "{down:?}");
        assert!(pair[1].0 - pair[0].0 >= 20, "{down:?}");
    }
    let slow = app.minutes(20, 9000.0);
    let up = wanted(&slow);
    for pair in up.windows(2) {
        assert_eq!(pair[1].1 - pair[0].1, 1, "{up:?}");
        assert!(pair[1].0 - pair[0].0 >= 5, "{up:?}");
    }
    assert!(slow.iter().any(|d| d.reason.code() == "cooling_down" && d.evidence.wait_until.is_some()), "{slow:?}");
}

#[test]
fn no_more_than_the_platform_allows_is_asked_for() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.limit = Some(6);
    let slow = app.minutes(30, 9000.0);
    assert!(slow.iter().all(|d| d.target <= 6), "{:?}", wanted(&slow));
    assert!(slow.iter().any(|d| d.reason.code() == "at_max" || d.target == 6), "{:?}", wanted(&slow));
}

#[test]
fn in_dry_run_what_was_wanted_counts_for_the_waits_but_not_for_the_dynos_there_are() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    (app.dry_run, app.dynos) = (true, 8);
    let calm = app.minutes(40, 200.0);
    let fewer: Vec<_> = wanted(&calm);
    assert!(fewer.len() >= 3, "{fewer:?}");
    assert!(fewer.iter().all(|(_, target, _)| *target == 6), "always from the eight that are there: {fewer:?}");
    assert!(fewer.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 5), "{fewer:?}");

    // The belief is that of an app that had eight dynos all along.
    let mut held = Loop::new(Settings::new(PolicyKind::Adaptive));
    held.dynos = 8;
    for dry in &calm {
        let real = held.minute(|at| Sample::up(at, 200.0));
        held.dynos = 8;
        let load = |decision: &Decision| decision.evidence.belief.unwrap().load_dynos;
        assert_eq!(load(dry), load(&real));
    }
}

#[test]
fn a_crash_buys_no_dynos() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.minutes(40, 250.0);
    let before = app.dynos;
    let crash: Vec<_> = (0..240).map(|_| app.minute(|at| Some(Sample::down(at, DownCause::Error)))).collect();
    let bought = crash.iter().map(|d| d.target).max().unwrap();
    assert!(bought <= before + 2, "{before} → {bought}: {:?}", wanted(&crash));
    assert_eq!(crash.last().unwrap().reason.code(), "outage");
    assert!(crash.iter().all(|d| d.action() != Action::Remove));
}

fn time_out(at: Timestamp) -> Option<Sample> {
    Some(Sample::down(at, DownCause::Timeout))
}

/// An hour of calm, `minutes` of time-outs whatever is done, and an hour of calm again: the dynos before, the most
/// meanwhile, those at the end of the time-outs and of each minute after.
fn outage(tuning: Tuning, minutes: usize) -> (u32, u32, u32, Vec<u32>) {
    let mut app = Loop::new(Settings { tuning, ..Settings::new(PolicyKind::Adaptive) });
    app.minutes(60, 250.0);
    let before = app.dynos;
    let most = (0..minutes).map(|_| app.minute(time_out).target).max().unwrap();
    let end = app.dynos;
    (before, most, end, app.minutes(60, 250.0).iter().map(|d| d.target).collect())
}

#[test]
fn dynos_that_show_no_effect_are_given_back_while_the_outage_still_lasts() {
    let (before, most, end, after) = outage(Tuning::default(), 45);
    assert!(most >= before + 5, "{before}, up to {most}");
    assert_eq!(end, before, "up to {most}");
    assert!(after.iter().all(|dynos| *dynos <= before + 1), "{before}: {after:?}");
    let (before, most, end, _) = outage(Tuning::reference(), 45);
    assert!(end >= most && end > before + 4, "the reference keeps them: {before}, {most}, {end}");
}

#[test]
fn dynos_that_show_no_effect_are_given_back_when_it_was_told_and_tried_again_when_it_was_told() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.minutes(60, 250.0);
    let outage: Vec<_> = (0..90).map(|_| app.minute(time_out)).collect();
    let next = |d: &Decision| match d.reason {
        Reason::Outage { next, .. } | Reason::Futile { next, .. } | Reason::WaitingForEffect { next } => next,
        _ => Next::Open,
    };
    let at = |i: usize| Timestamp::from_secs(60 * (61 + i as i64));
    let back = outage.iter().position(|d| d.action() == Action::Remove).unwrap();
    let told: Vec<_> = outage[..back].iter().filter(|d| matches!(next(d), Next::StepBack(_))).collect();
    assert!(told.len() >= 8, "{:?}", wanted(&outage));
    assert!(told.iter().all(|d| d.evidence.wait_until == Some(at(back))), "{told:?}");
    let again = back + outage[back..].iter().position(|d| d.action() == Action::Add).unwrap();
    for held in &outage[back + 1..again] {
        assert!(matches!(next(held), Next::Add(_)) && held.evidence.wait_until == Some(at(again)), "{held:?}");
    }
}

#[test]
fn at_the_most_no_add_is_told_of() {
    let mut app = Loop::new(Settings { cooldown_up: Duration::from_secs(1800), ..Settings::new(PolicyKind::Adaptive) });
    (app.dynos, app.max) = (5, 6);
    let slow = app.minutes(20, 9000.0);
    assert_eq!(wanted(&slow).iter().map(|w| w.1).collect::<Vec<_>>(), [6], "the most");
    let told = slow.iter().filter(|d| d.evidence.wait_until.is_some() && !d.to_string().contains("giving"));
    assert_eq!(told.collect::<Vec<_>>(), Vec::<&Decision>::new());
}

#[test]
fn an_outage_of_hours_is_tried_against_less_and_less_often() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.minutes(60, 250.0);
    let before = app.dynos;
    let targets: Vec<_> = (0..600).map(|_| app.minute(time_out).target).collect();
    // When it went up from the dynos before, and when it came back to them.
    let starts: Vec<_> = (1..600).filter(|i| targets[i - 1] == before && targets[*i] > before).collect();
    let backs: Vec<_> = (1..600).filter(|i| targets[i - 1] > before && targets[*i] == before).collect();
    assert!(starts.len() >= 3, "{starts:?}");
    for (i, (back, start)) in backs.iter().zip(&starts[1..]).enumerate() {
        let (waited, wait) = (start - back, 45 << i);
        assert!((wait..wait + 3).contains(&waited), "waited {waited} min, not {wait}: {starts:?} {backs:?}");
    }
    let dyno_minutes: u32 = targets.iter().map(|dynos| dynos - before).sum();
    assert!(dyno_minutes < 600 * 3, "{} dynos more on average", f64::from(dyno_minutes) / 600.0);
}

#[test]
fn after_a_short_outage_the_load_is_believed_to_be_what_it_was() {
    let (before, most, _, after) = outage(Tuning::default(), 10);
    assert!(most >= before + 4, "{before}, up to {most}");
    assert!(after[40] <= before + 1, "{before}: {after:?}");
    let (before, _, _, after) = outage(Tuning::reference(), 10);
    assert!(after[40] > before + 1, "the reference still believes in a crowd: {before}: {after:?}");
}

#[test]
fn a_step_back_keeps_to_the_steps_and_cool_downs_of_the_configuration() {
    let mut settings = Settings::new(PolicyKind::Adaptive);
    (settings.max_step_down, settings.cooldown_down) = (Some(3), Duration::from_secs(900));
    let mut app = Loop::new(settings);
    app.minutes(60, 250.0);
    let outage: Vec<_> = (0..120).map(|_| app.minute(time_out)).collect();
    let down: Vec<_> = outage.iter().enumerate().filter(|(_, d)| d.target < d.from).collect();
    assert!(down.len() >= 2, "{:?}", wanted(&outage));
    assert!(down.iter().all(|(_, d)| d.from - d.target <= 3 && d.reason.code() == "futile"), "{:?}", wanted(&outage));
    assert!(down.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 15), "{:?}", wanted(&outage));
}

#[test]
fn nothing_is_decided_without_results() {
    let mut app = Loop::new(Settings::new(PolicyKind::Adaptive));
    app.minutes(30, 250.0);
    let before = app.dynos;
    let blind: Vec<_> = (0..200).map(|_| app.minute(|_| None)).collect();
    assert!(blind[4..].iter().all(|d| d.target == before && d.evidence.belief.is_none()));
}

#[test]
fn each_decision_says_what_was_believed_in_one_sentence() {
    let recording = Recording::named("incident");
    let mut said = Vec::new();
    recording.replay(&mut Decider::new(recording.settings.clone()), |_, check, decision| {
        said.push((check.now.as_secs(), decision.to_string()));
    });
    let at = |secs: i64| said.iter().find(|(now, _)| *now == secs).unwrap().1.as_str();
    // The incident begins at 14400 s: no dyno can cure it.
    let expected = [
        (
            14280,
            "keep 12 dynos: load 7.3 dynos (6.3 to 8.7), 1.6 % of requests slow: neither more nor fewer are cheaper",
        ),
        (14460, "12 → 15 dynos: load 8.8 dynos (7.2 to 11.4), 14 % of requests slow; 2.3 % with 15"),
        (14700, "keep 18 dynos: fewer would do: removing in 8 min (10 min after an add)"),
        (
            16020,
            "keep 15 dynos: load 7.9 dynos (5.5 to 11.3), 100 % of requests slow, though not for want of dynos: \
             neither more nor fewer are cheaper",
        ),
        (17280, "15 → 14 dynos: load 7.2 dynos (4.6 to 10.8), 1.3 % of requests slow; 1.8 % with 14"),
        (
            17640,
            "keep 16 dynos: load 7.8 dynos (4.9 to 11.5), 1.1 % of requests slow: fewer would save less than they cost",
        ),
        (18480, "keep 15 dynos: fewer would do, but that was tried and had to be undone: not again for 15 min"),
    ];
    for (secs, sentence) in expected {
        assert_eq!(at(secs), sentence, "at {secs}");
    }
}
