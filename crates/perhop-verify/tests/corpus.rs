//! The seeds of the fuzz target `media`, run as plain tests.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input must fail"
)]

#[path = "support/messages.rs"]
mod messages;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/media");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_seed_leads_to_something() {
    let seeds = seeds();
    assert!(seeds.len() >= 8);
    for (number, seed) in seeds.iter().enumerate() {
        assert!(messages::media(seed), "seed {number}");
    }
}

proptest! {
    #[test]
    fn changed_seeds_break_nothing(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let seeds = seeds();
        let mut seed = seeds[which.index(seeds.len())].clone();
        for (at, value) in changes {
            let at = at.index(seed.len());
            seed[at] = value;
        }
        messages::media(&seed);
    }
}
