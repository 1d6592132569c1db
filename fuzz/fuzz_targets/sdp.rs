//! Body: wire/sdp/tests/common/mod.rs fuzz
#![no_main]

#[path = "../../wire/sdp/tests/common/mod.rs"]
#[allow(dead_code)]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::fuzz(data));
