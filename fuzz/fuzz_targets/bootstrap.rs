//! Body: core/bootstrap/tests/fuzz_body/mod.rs fuzz
#![no_main]

#[path = "../../core/bootstrap/tests/fuzz_body/mod.rs"]
#[allow(dead_code)]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::fuzz(data));
