#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| autoscale_fuzz::lines(bytes));
