//! How many lines of a router's log are read and counted in a second on one core, beside counting the line ends of the same
//! bytes in the same run. `cargo bench -p autoscale-core --bench router_logs`.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use autoscale_core::workspace::router_logs::line::{Line, read};
use autoscale_core::workspace::router_logs::slots::Slots;
use autoscale_core::workspace::time::Timestamp;

const LINES: usize = 200_000;
/// The fastest of so many runs counts, since the machine is busy with other things as well.
const RUNS: usize = 9;

fn main() -> io::Result<()> {
    let start = Timestamp::from_secs(1_795_757_000);
    let mut text = String::new();
    for line in 0..LINES {
        let (second, ms) = (line / 2000, 5 + line * 7919 % 900);
        text += &format!(
            "2026-11-27T05:{:02}:{:02}.{:06}+00:00 heroku[router]: at=info method=GET path=\"/orders/{line}?page=1&limit=50\" \
             host=shop.example.com request_id=fec27cf5-ab1b-2497-6f71-{line:012} fwd=\"203.0.113.7\" dyno=web.{} connect=0ms \
             service={ms}ms status=200 bytes=974 protocol=http2.0 tls=true tls_version=tls1.3\n",
            23 + second / 60,
            second % 60,
            line % 1_000_000,
            line % 5,
        );
    }
    let bytes = text.as_bytes();
    let fastest = |mut run: Box<dyn FnMut() -> u64 + '_>| {
        let times = (0..RUNS).map(|_| {
            let begun = Instant::now();
            black_box(run());
            begun.elapsed().as_secs_f64()
        });
        times.fold(f64::INFINITY, f64::min)
    };
    let ends = fastest(Box::new(|| black_box(bytes).iter().filter(|b| **b == b'\n').count() as u64));
    let parsed = fastest(Box::new(|| {
        let requests = black_box(bytes).split(|b| *b == b'\n').filter(|line| matches!(read(line), Line::Request(_)));
        requests.count() as u64
    }));
    let counted = fastest(Box::new(|| {
        let mut slots = Slots::default();
        slots.opened(start - std::time::Duration::from_secs(20));
        let now = start + std::time::Duration::from_secs(600);
        for line in black_box(bytes).split(|b| *b == b'\n') {
            if let Line::Request(request) = read(line) {
                slots.count(&request, now);
            }
        }
        slots.hand_over(now).rows.iter().map(|row| u64::from(row.requests)).sum()
    }));
    let mut out = io::stdout().lock();
    let rate = |seconds: f64| LINES as f64 / seconds / 1e6;
    writeln!(out, "{LINES} lines, {:.0} bytes each", bytes.len() as f64 / LINES as f64)?;
    writeln!(out, "line ends alone   {:8.2} M lines/s", rate(ends))?;
    writeln!(out, "read              {:8.2} M lines/s, {:.1} times as long", rate(parsed), parsed / ends)?;
    writeln!(out, "read and counted  {:8.2} M lines/s, {:.1} times as long", rate(counted), counted / ends)
}
