//! Lines for somebody who may not take them: a pipe that nobody reads, a terminal that was stopped, a disk that is full.
//! A thread of its own writes them from a bounded queue, so that whoever has something to say never waits. What finds no
//! room is lost, counted, and told once lines are taken again. Knows nothing of what the lines say.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Builder, ThreadId, sleep};
use std::time::{Duration, Instant};

/// Bytes that wait at most: over a thousand lines of log, some hundred events.
const QUEUE: usize = 256 * 1024;
/// Time between two attempts at a stream that does not block and takes nothing now, and between two looks at the queue.
const GLANCE: Duration = Duration::from_millis(5);

/// What a [`Writer`] has to tell of its lines. Told on its own thread, on which it may be written to without bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// A line could not be written: the first one since lines could.
    Failed(String),
    /// Lines are taken again. So many were lost; by the error, or, without one, since nobody took those before them.
    Lost(u64, Option<String>),
}

/// "1 event was lost", "2 events were lost".
pub fn lost(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what} was lost") } else { format!("{n} {what}s were lost") }
}

/// Writes lines on a thread of its own.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: Sender<Vec<u8>>,
    shared: Arc<Shared>,
    thread: ThreadId,
}

#[derive(Debug, Default)]
struct Shared {
    /// Bytes and lines that are not written yet; the one that is being written counts.
    bytes: AtomicUsize,
    lines: AtomicU64,
    /// Lines that were lost and not told of yet.
    lost: AtomicU64,
    /// The other end of the pipe is closed: nobody will ever take a line again.
    is_gone: AtomicBool,
}

impl Writer {
    /// Starts the thread. It ends when the last clone of this is dropped, as soon as all lines are taken; nobody waits
    /// for it.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(
        name: &str,
        sink: impl Write + Send + 'static,
        tell: impl FnMut(Told) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, waiting) = channel();
        let shared = Arc::new(Shared::default());
        let work = Work { sink, tell, shared: Arc::clone(&shared), error: None, is_torn: false };
        let thread = Builder::new().name(name.to_owned()).spawn(move || work.run(&waiting))?;
        Ok(Self { queue, shared, thread: thread.thread().id() })
    }

    /// Hands over a line, its end included. Returns at once: how many lines were lost since lines were taken the last
    /// time, this one included if it is; 0 where it is not.
    pub fn send(&self, line: Vec<u8>) -> u64 {
        let shared = &*self.shared;
        if shared.is_gone.load(Ordering::Relaxed) {
            return 0;
        }
        let length = line.len();
        let waiting = shared.bytes.fetch_add(length, Ordering::AcqRel);
        let has_room = waiting == 0 || waiting.saturating_add(length) <= QUEUE || thread::current().id() == self.thread;
        if !has_room {
            shared.bytes.fetch_sub(length, Ordering::AcqRel);
            return shared.lost.fetch_add(1, Ordering::AcqRel) + 1;
        }
        shared.lines.fetch_add(1, Ordering::AcqRel);
        if self.queue.send(line).is_err() {
            shared.took(length);
        }
        0
    }

    /// Waits until all lines are written, `within` this time. How many were lost in the end, or still wait; those that a
    /// closed pipe takes no more are told of already.
    pub fn finish(&self, within: Duration) -> u64 {
        let shared = &*self.shared;
        let since = Instant::now();
        while shared.lines.load(Ordering::Acquire) > 0 && since.elapsed() < within {
            sleep(GLANCE.min(within));
        }
        let is_gone = shared.is_gone.load(Ordering::Relaxed);
        if is_gone { 0 } else { shared.lines.load(Ordering::Acquire) + shared.lost.load(Ordering::Acquire) }
    }
}

/// Each write is a line.
impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.send(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn took(&self, length: usize) {
        self.bytes.fetch_sub(length, Ordering::AcqRel);
        self.lines.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What the thread has.
struct Work<W, T> {
    sink: W,
    tell: T,
    shared: Arc<Shared>,
    /// Why the last line was not written.
    error: Option<String>,
    /// Was the last line cut off?
    is_torn: bool,
}

impl<W: Write, T: FnMut(Told)> Work<W, T> {
    fn run(mut self, waiting: &Receiver<Vec<u8>>) {
        while let Ok(line) = waiting.recv() {
            if !self.shared.is_gone.load(Ordering::Relaxed) {
                self.take(&line);
            }
            self.shared.took(line.len());
        }
    }

    fn take(&mut self, line: &[u8]) {
        if let Err(error) = self.write(line) {
            self.shared.lost.fetch_add(1, Ordering::AcqRel);
            self.shared.is_gone.store(error.kind() == io::ErrorKind::BrokenPipe, Ordering::Relaxed);
            let text = error.to_string();
            if self.error.replace(text.clone()).is_none() {
                (self.tell)(Told::Failed(text));
            }
            return;
        }
        // Not with each line that finds room where another did not: when there is room for many.
        if self.error.is_some() || self.shared.bytes.load(Ordering::Acquire) <= QUEUE / 2 {
            let error = self.error.take();
            let lost = self.shared.lost.swap(0, Ordering::AcqRel);
            if lost > 0 {
                (self.tell)(Told::Lost(lost, error));
            }
        }
    }

    /// The whole line; after one that was cut off, on a line of its own.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.write_all(b"\n")?;
            self.is_torn = false;
        }
        self.write_all(line)?;
        loop {
            match self.sink.flush() {
                Err(error) if is_for_now(&error) => {}
                flushed => return flushed,
            }
        }
    }

    fn write_all(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let whole = rest.len();
        while !rest.is_empty() {
            match self.sink.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => rest = &rest[n..],
                Err(error) if is_for_now(&error) => {}
                Err(error) => {
                    self.is_torn = rest.len() < whole;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// Is an attempt to be made again? A stream that others have made non-blocking is given a moment.
fn is_for_now(error: &io::Error) -> bool {
    if error.kind() == io::ErrorKind::WouldBlock {
        sleep(GLANCE);
    }
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
    use std::sync::{Condvar, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// Takes lines while it is open; fails where it is told to.
    #[derive(Clone, Default)]
    struct Sink(Arc<(Mutex<State>, Condvar)>);

    #[derive(Default)]
    struct State {
        is_open: bool,
        fails: Vec<io::ErrorKind>,
        text: String,
    }

    impl Sink {
        fn change(&self, change: impl FnOnce(&mut State)) {
            change(&mut self.0.0.lock().unwrap());
            self.0.1.notify_all();
        }

        fn text(&self) -> String {
            self.0.0.lock().unwrap().text.clone()
        }
    }

    impl Write for Sink {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let mut state = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| !state.is_open).unwrap();
            if let Some(kind) = state.fails.pop() {
                return Err(kind.into());
            }
            // In two parts, to be put together again.
            let part = line.len().div_ceil(2);
            state.text.push_str(std::str::from_utf8(&line[..part]).unwrap());
            Ok(part)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start(sink: &Sink, told: SyncSender<Told>) -> Writer {
        Writer::start("test", sink.clone(), move |what| told.send(what).unwrap()).unwrap()
    }

    #[test]
    fn nobody_waits_for_one_who_takes_nothing_and_what_was_lost_is_told_when_he_does() {
        let (sink, (told, tells)) = (Sink::default(), sync_channel(9));
        let writer = start(&sink, told);
        let line = [b'x'; 1023].iter().chain(b"\n").copied().collect::<Vec<_>>();
        let lost: Vec<u64> = (0..300).map(|_| writer.send(line.clone())).collect();
        assert_eq!(lost[..256], [0; 256]);
        assert_eq!(lost[256..], (1..=44).collect::<Vec<_>>());
        assert_eq!(writer.finish(Duration::from_millis(20)), 300, "none was taken");
        assert_eq!(tells.recv_timeout(Duration::ZERO).unwrap_err(), RecvTimeoutError::Timeout);
        sink.change(|state| state.is_open = true);
        assert_eq!(tells.recv_timeout(LONG).unwrap(), Told::Lost(44, None));
        assert_eq!(writer.finish(LONG), 0);
        assert_eq!(sink.text().len(), 256 * 1024, "all that waited");
    }

    #[test]
    fn a_line_that_fails_is_lost_alone_and_told_of() {
        let (sink, (told, tells)) = (Sink::default(), sync_channel(9));
        let writer = start(&sink, told);
        sink.change(|state| {
            (state.is_open, state.fails) = (true, vec![io::ErrorKind::StorageFull, io::ErrorKind::WouldBlock]);
        });
        for line in ["one\n", "two\n"] {
            assert_eq!(writer.send(line.into()), 0);
        }
        let full = io::Error::from(io::ErrorKind::StorageFull).to_string();
        assert_eq!(tells.recv_timeout(LONG).unwrap(), Told::Failed(full.clone()));
        assert_eq!(tells.recv_timeout(LONG).unwrap(), Told::Lost(1, Some(full)));
        assert_eq!((writer.finish(LONG), sink.text().as_str()), (0, "two\n"));
    }

    #[test]
    fn a_closed_pipe_is_told_once_and_nothing_waits_for_it() {
        let (sink, (told, tells)) = (Sink::default(), sync_channel(9));
        let writer = start(&sink, told);
        sink.change(|state| (state.is_open, state.fails) = (true, vec![io::ErrorKind::BrokenPipe]));
        writer.send(b"one\n".to_vec());
        assert_eq!(
            tells.recv_timeout(LONG).unwrap(),
            Told::Failed(io::Error::from(io::ErrorKind::BrokenPipe).to_string())
        );
        writer.finish(LONG);
        assert_eq!(writer.send(b"two\n".to_vec()), 0);
        assert_eq!((writer.finish(LONG), sink.text().as_str()), (0, ""));
    }
}
