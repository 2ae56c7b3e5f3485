#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sofw_core::testing::fuzz::sip_server(data));
