//! What holds for any bytes at every entrance: on the seeds of the fuzz targets, and on those with changes.

use std::path::Path;
use std::time::Duration;

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, POLICIES, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;
use proptest::prelude::*;

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own to the fuzz targets")]
mod properties;

use properties::ENTRANCES;

/// What a policy remembers of three slow minutes, without its seal: too large for a seed.
fn memory(kind: PolicyKind) -> Vec<u8> {
    let mut decider = Decider::new(Settings::new(kind));
    for minute in 0..3 {
        let now = Timestamp::from_secs(1_700_000_000 + 60 * minute);
        let slow = (0..10).filter_map(|minute| Sample::up(now - Duration::from_secs(60 * minute), 3000.0));
        let window = Window::new(slow, now, decider.settings().period);
        let formation = Formation { quantity: 2, changed_at: None };
        let bounds = Bounds::new(1, 10).expect("bounds");
        decider.decide(&Observation::new(now, formation, bounds, &window));
    }
    decider.save().split_off(16)
}

/// The seeds of an entrance, sorted by their names.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("seeds").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// The seeds of an entrance, and for that of states what every policy remembers.
fn examples(name: &str) -> Vec<Vec<u8>> {
    let memories = POLICIES.iter().filter(|_| name == "state").map(|kind| memory(*kind));
    seeds(name).into_iter().chain(memories).collect()
}

#[test]
fn every_entrance_takes_its_seeds_and_those_of_all_others() {
    let all: Vec<_> = ENTRANCES.iter().map(|(name, _)| examples(name)).collect();
    assert!(all.iter().all(|seeds| !seeds.is_empty()));
    for (_, entrance) in ENTRANCES {
        entrance(b"");
        all.iter().flatten().for_each(|seed| entrance(seed));
    }
}

#[test]
fn seeds_are_small() {
    let seeds: Vec<_> = ENTRANCES.iter().flat_map(|(name, _)| seeds(name)).collect();
    let (largest, all) = (seeds.iter().map(Vec::len).max().unwrap(), seeds.iter().map(Vec::len).sum::<usize>());
    assert!(largest <= 20 << 10 && all <= 100 << 10, "{largest} bytes at most, {all} in all");
}

/// A change of a text: bytes put in place of others.
fn changes() -> impl Strategy<Value = Vec<(usize, usize, Vec<u8>)>> {
    let odd = prop_oneof![
        Just(b"99999999999999999999".to_vec()),
        Just(b"1e400".to_vec()),
        Just(b"-1".to_vec()),
        Just(b"NaN".to_vec()),
        Just(b"\xff\xfe\0".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\"".to_vec()),
        Just("\u{202e}é".as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec((any::<usize>(), 0..12_usize, odd), 0..6)
}

proptest! {
    #[test]
    fn no_bytes_at_any_entrance_are_a_defect(
        which in 0..ENTRANCES.len(), seed in any::<usize>(), changes in changes(), cut in 0..4_usize,
    ) {
        let (name, entrance) = ENTRANCES[which];
        let seeds = examples(name);
        let mut bytes = seeds[seed % seeds.len()].clone();
        for (at, len, odd) in changes {
            let at = at % (bytes.len() + 1);
            let end = (at + len).min(bytes.len());
            bytes.splice(at..end, odd);
        }
        if cut == 0 {
            bytes.truncate(seed % (bytes.len() + 1));
        }
        entrance(&bytes);
    }

    #[test]
    fn nor_is_noise(which in 0..ENTRANCES.len(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        ENTRANCES[which].1(&bytes);
    }
}
