//! Runs the `capture` check of `perhop-wire`'s tests on any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/perhop-wire/tests/support/reading.rs"]
mod support;

fuzz_target!(|data: &[u8]| {
    support::checks::capture(data);
});
