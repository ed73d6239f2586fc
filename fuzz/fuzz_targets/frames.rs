//! Any bytes as the body of a drain's request: no more messages than bytes, and an end.
#![no_main]

use autoscale_core::workspace::router_logs::frame::Frames;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (mut messages, mut broken) = (0, 0);
    for frame in Frames::of(bytes) {
        match frame {
            Ok(_) => messages += 1,
            Err(end) => {
                broken += 1;
                assert!(end.left <= bytes.len());
            }
        }
    }
    assert!(messages <= bytes.len() && broken <= 1);
});
