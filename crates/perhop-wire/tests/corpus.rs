//! The seeds of the fuzz targets, run as plain tests.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its input must fail"
)]

#[path = "support/reading.rs"]
mod support;

use std::fs;
use std::path::Path;

use support::checks;

/// Runs all seeds of a target; how many of them lead to something.
fn run(target: &str, check: fn(&[u8]) -> bool) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    fs::read_dir(folder)
        .unwrap()
        .filter(|seed| check(&fs::read(seed.as_ref().unwrap().path()).unwrap()))
        .count()
}

#[test]
fn frames() {
    assert!(run("frame", checks::frame) >= 52);
}

#[test]
fn captures() {
    assert!(run("capture", checks::capture) >= 19);
}
