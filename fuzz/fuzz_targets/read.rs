//! Runs the check of `perhop-read`'s tests on any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/perhop-read/tests/support/reading.rs"]
mod support;

fuzz_target!(|data: &[u8]| {
    support::keeps_its_word(data);
});
