//! Everything that is logged on this thread, at every level, by every crate: what hides a secret has to hide it here.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// Listens until it is dropped.
pub(crate) struct Log {
    lines: Lines,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(lines.clone())
            .finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// The messages of the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let text = self.text();
        // Those that become events are at the level debug.
        let told = " DEBUG autoscale_core::engine::warnings: ";
        let warnings = text.lines().filter_map(|line| {
            let logged = line.split_once(" WARN ").and_then(|(_, rest)| rest.split_once(": "));
            logged.or_else(|| line.split_once(told)).map(|(_, text)| text.to_owned())
        });
        warnings.collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
