//! Any bytes as a line of a log session: read, and counted where they are a request.
#![no_main]

use autoscale_core::workspace::router_logs::line::{Line, read};
use autoscale_core::workspace::router_logs::slots::Slots;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut slots = Slots::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        match read(line) {
            Line::Request(request) => {
                slots.opened(request.at);
                assert!(slots.count(&request, request.at));
                assert!(slots.hand_over(request.at).rows.len() <= 400);
            }
            Line::Lost(loss) => slots.lost(loss.since.unwrap_or(loss.at), loss.at),
            _ => {}
        }
    }
});
