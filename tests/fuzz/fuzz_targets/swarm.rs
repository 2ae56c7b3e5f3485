#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sofw_sim::swarm::fuzz(data));
