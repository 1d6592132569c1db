//! Body: wire/rtp/src/fuzz.rs fuzz_packet
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire_rtp::fuzz_packet(data));
