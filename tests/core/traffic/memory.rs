//! What the traffic policy remembers outlives the process, and only what it can have saved is read back.

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{CorruptMemory, Decider, Observation, PolicyKind, Settings};
use autoscale_core::workspace::window::Window;

use super::recording::Recording;
use super::world::World;

/// The decisions on a recording's first checks. Before each, `between` may put another decider in place.
fn replay(name: &str, checks: usize, mut between: impl FnMut(usize, Decider) -> Decider) -> Vec<String> {
    let recording = Recording::named(name);
    let settings = Settings::new(PolicyKind::Traffic);
    let mut decider = Decider::new(settings.clone());
    let mut decisions = Vec::new();
    for (i, (seen, _)) in recording.checks().take(checks).enumerate() {
        decider = between(i, decider);
        let window = Window::new(seen.samples, seen.now, settings.period);
        let formation = Formation { quantity: seen.dynos, changed_at: None };
        let bounds = Bounds::new(seen.min.unwrap(), seen.max.unwrap()).unwrap();
        let seen = Observation::new(seen.now, formation, bounds, &window)
            .interval(recording.interval)
            .traffic(&seen.traffic)
            .rows_may_repeat(true);
        // Bit for bit: what is believed is in the evidence.
        decisions.push(format!("{:?}", decider.decide(&seen)));
    }
    decisions
}

#[test]
fn a_hundred_processes_that_save_and_restore_decide_as_one() {
    for name in ["d4-messy-60s", "d2-gaps-60s", "c4-300s"] {
        let checks = if name == "c4-300s" { 575 } else { 1200 };
        let whole = replay(name, checks, |_, decider| decider);
        let mut processes = 0;
        let cut = replay(name, checks, |i, decider| {
            if i % (checks / 100) != 0 {
                return decider;
            }
            processes += 1;
            let saved = decider.save();
            assert!(saved.len() < 96 * 1024, "{} bytes", saved.len());
            let restored = Decider::restore(decider.settings().clone(), &saved).unwrap();
            assert_eq!(restored.save(), saved, "nothing is lost on the way");
            restored
        });
        assert!(processes >= 100, "{processes}");
        assert_eq!(cut, whole, "{name}");
    }
}

#[test]
fn a_memory_that_no_policy_had_is_refused() {
    let settings = Settings::new(PolicyKind::Traffic);
    let mut world = World::new(settings.clone());
    world.minutes(40);
    let saved = world.decider.save();
    let restore = |bytes: &[u8]| Decider::restore(settings.clone(), bytes).map(|decider| decider.save());
    assert_eq!(restore(&saved), Ok(saved.clone()));
    assert_eq!(restore(&saved[..saved.len() - 1]), Err(CorruptMemory));
    for i in (0..saved.len()).step_by(997) {
        let mut damaged = saved.clone();
        damaged[i] ^= 0x10;
        assert_eq!(restore(&damaged), Err(CorruptMemory), "byte {i}");
    }
}

#[test]
fn numbers_that_no_belief_has_are_refused_even_where_the_bytes_are_whole() {
    let settings = Settings::new(PolicyKind::Traffic);
    let mut world = World::new(settings.clone());
    world.minutes(40);
    let saved = world.decider.save();
    let (mut refused, mut read) = (0, 0);
    // Behind magic, checksum and the names: eight bytes at a time become a number that is none.
    for at in (32..saved.len() - 8).step_by(61) {
        let mut forged = saved.clone();
        forged[at..at + 8].copy_from_slice(&f64::NAN.to_le_bytes());
        let sum = forged[16..]
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
        forged[8..16].copy_from_slice(&sum.to_le_bytes());
        match Decider::restore(settings.clone(), &forged) {
            Err(CorruptMemory) => refused += 1,
            Ok(decider) => {
                // What is read back decides within the bounds all the same.
                read += 1;
                let mut world = World { decider, ..World::new(settings.clone()) };
                world.now += 41 * 60;
                for decision in world.minutes(5) {
                    assert!((1..=20).contains(&decision.target), "{decision} after a change at {at}");
                }
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {read} read");
}
