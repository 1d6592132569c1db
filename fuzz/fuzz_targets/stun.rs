//! Body: wire/stun/src/message.rs fuzz_message
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire_stun::fuzz_message(data));
