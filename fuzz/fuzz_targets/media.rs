//! Runs the `media` check of `perhop-verify`'s tests on any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/perhop-verify/tests/support/messages.rs"]
mod messages;

fuzz_target!(|data: &[u8]| {
    messages::media(data);
});
