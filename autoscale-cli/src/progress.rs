//! How far something is that takes a while: a bar on a terminal from two seconds on, nothing elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no bar.
const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// Steps of a bar.
const STEPS: u64 = 10_000;

/// A bar for several parts of the same length, which may go on at the same time.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    since: Instant,
    parts: u64,
}

impl Progress {
    /// "replaying ████ 40 %". It is not shown yet.
    pub(crate) fn new(doing: &str, parts: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %") {
            bar.set_style(style);
        }
        bar.set_message(doing.to_owned());
        Self { bar, since: Instant::now(), parts: u64::try_from(parts).unwrap_or(u64::MAX).max(1) }
    }

    /// Takes how much of one part is done, from 0 to 1, as often as it is said.
    pub(crate) fn part(&self) -> impl FnMut(f64) {
        let mut told = 0;
        move |done| {
            // Below the length of a bar.
            let now = (done.clamp(0.0, 1.0) * STEPS as f64) as u64 / self.parts;
            if now > told {
                self.bar.inc(now - told);
                told = now;
                self.show();
            }
        }
    }

    fn show(&self) {
        if self.bar.is_hidden() && self.since.elapsed() >= SHOWN_AFTER && std::io::stderr().is_terminal() {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
