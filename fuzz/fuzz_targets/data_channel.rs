//! Body: core/data-channel/src/fuzz.rs fuzz_dcep
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    core_data_channel::fuzz_dcep(data);
    core_data_channel::fuzz_association(std::time::Instant::now(), data);
});
