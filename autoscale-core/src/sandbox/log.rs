//! The app's log, as Heroku's log sessions show it: a router line for each request, states of dynos, scaling; with the
//! habits that were asked for. Virtual time enters as an argument; no sockets.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::model::calendar;
use crate::model::time::Timestamp;
use crate::simulation::{DynoState, Ended, Fate};

/// Lines that a session can still read; one that is slower loses the older ones (L11).
const KEPT: usize = 200_000;

/// How the log behaves.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LogHabits {
    /// Lines in the form of the router before Router 2.0.
    pub legacy: bool,
    /// So many virtual seconds late, each line by chance up to this.
    pub delay: f64,
    /// The share of lines that come twice, 0 to 1.
    pub doubled: f64,
    /// Virtual seconds after which a session ends.
    pub life: Option<f64>,
    /// After so many lines of a session some are dropped, and told of (L11).
    pub overflow: Option<u64>,
    /// The app writes a line of its own with each request.
    pub chatty: bool,
    /// Sessions are forbidden (L20).
    pub forbidden: bool,
}

/// What `--logs` takes.
pub const LOG_GRAMMAR: &str = "legacy, delay=SECONDS, doubled=SHARE, life=SECONDS, overflow=LINES, chatty, forbidden";

impl FromStr for LogHabits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut habits = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let number = |least: f64, most: f64| {
                let number = value.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
                number.ok_or_else(|| format!("{name} takes a number from {least} to {most}, not {value:?}"))
            };
            match name {
                "legacy" | "chatty" | "forbidden" if !value.is_empty() => {
                    return Err(format!("{name} takes no value"));
                }
                "legacy" => habits.legacy = true,
                "chatty" => habits.chatty = true,
                "forbidden" => habits.forbidden = true,
                "delay" => habits.delay = number(0.0, 600.0)?,
                "doubled" => habits.doubled = number(0.0, 1.0)?,
                "life" => habits.life = Some(number(1.0, 86_400.0)?),
                "overflow" => habits.overflow = Some(number(1.0, 1e9)? as u64),
                _ => return Err(format!("{name:?} is not known: give {LOG_GRAMMAR}")),
            }
        }
        Ok(habits)
    }
}

/// A line, and when it can be read.
#[derive(Clone, Debug)]
struct Entry {
    due: Timestamp,
    /// Is it one of the router's?
    router: bool,
    text: String,
}

/// The log from its first session on.
#[derive(Debug)]
pub(super) struct Log {
    habits: LogHabits,
    /// Number of the first entry that is kept.
    first: u64,
    entries: VecDeque<Entry>,
    /// Lines that come late.
    late: Vec<Entry>,
    rng: StdRng,
    dynos: Vec<(DynoState, Timestamp)>,
    pub(super) sessions: Vec<LogSession>,
    pub(super) is_on: bool,
}

/// A session.
#[derive(Clone, Debug)]
pub(super) struct LogSession {
    pub(super) id: String,
    router_only: bool,
    opened: Option<Timestamp>,
    next: u64,
    read: u64,
    dropped_since: Option<Timestamp>,
}

/// What a session gets at a moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Lines(String),
    Ended,
}

impl Log {
    pub(super) fn new(habits: LogHabits, seed: u64) -> Self {
        Self {
            habits,
            first: 0,
            entries: VecDeque::new(),
            late: Vec::new(),
            rng: StdRng::seed_from_u64(seed ^ 0x6c6f_6773),
            dynos: Vec::new(),
            sessions: Vec::new(),
            is_on: false,
        }
    }

    /// A session that reads from now on.
    pub(super) fn open(&mut self, id: String, router_only: bool) {
        // One that nobody reads is forgotten.
        if self.sessions.len() == 64 {
            self.sessions.remove(0);
        }
        let next = self.first + self.entries.len() as u64;
        let (opened, read, dropped_since) = (None, 0, None);
        self.sessions.push(LogSession { id, router_only, opened, next, read, dropped_since });
    }

    /// Writes what has happened up to `now`.
    pub(super) fn write(&mut self, ended: Vec<(Timestamp, Ended)>, dynos: Vec<(DynoState, Timestamp)>, now: Timestamp) {
        if !self.is_on {
            return;
        }
        for (at, ended) in ended {
            let number = self.first + self.entries.len() as u64;
            let line = router_line(at, &ended, self.habits.legacy, number);
            self.push(at, true, line);
            if self.habits.chatty {
                let text =
                    format!("{} app[web.1]: at=info service=9ms status=500 order {number} of 203.0.113.7", stamp(at));
                self.push(at, false, text);
            }
        }
        for (place, (state, since)) in dynos.iter().enumerate() {
            let before = self.dynos.get(place).map(|before| before.0);
            let from = match before {
                Some(before) if before == *state => continue,
                Some(before) => state_name(before),
                None if *state == DynoState::Up => continue,
                None => "down",
            };
            let (name, to) = (place + 1, state_name(*state));
            let text = format!("{} heroku[web.{name}]: State changed from {from} to {to}", stamp(*since));
            self.push(*since, false, text);
        }
        self.dynos = dynos;
        // What is late comes when it is due.
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|entry: &Entry| entry.due <= now);
        self.late = late;
        self.entries.extend::<Vec<Entry>>(due);
        while self.entries.len() > KEPT {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// The formation was set by an API call.
    pub(super) fn scaled(&mut self, kind: &str, quantity: u32, now: Timestamp) {
        if self.is_on {
            let by = "somebody@example.com";
            let text = format!("{} app[api]: Scaled to {kind}@{quantity}:Standard-1X by user {by}", stamp(now));
            self.push(now, false, text);
        }
    }

    fn push(&mut self, at: Timestamp, router: bool, text: String) {
        let times = if router && self.rng.random::<f64>() < self.habits.doubled { 2 } else { 1 };
        for _ in 0..times {
            let delay = self.rng.random::<f64>() * self.habits.delay;
            let entry = Entry { due: at + Duration::from_secs_f64(delay), router, text: text.clone() };
            if delay > 0.0 { self.late.push(entry) } else { self.entries.push_back(entry) }
        }
    }

    /// What a session has not read yet; `None` where there is no such session.
    pub(super) fn read(&mut self, id: &str, now: Timestamp) -> Option<Read> {
        let end = self.first + self.entries.len() as u64;
        let place = self.sessions.iter().position(|session| session.id == id)?;
        let mut text = String::new();
        let session = &mut self.sessions[place];
        let opened = *session.opened.get_or_insert(now);
        if self.habits.forbidden {
            text = format!("{} heroku[logplex]: Error L20 (Tail sessions forbidden)\n", stamp(now));
            self.sessions.remove(place);
            return Some(Read::Lines(text));
        }
        if self.habits.life.is_some_and(|life| now.seconds_since(opened) >= life) {
            self.sessions.remove(place);
            return Some(Read::Ended);
        }
        let mut lost = 0;
        if session.next < self.first {
            lost = self.first - session.next;
            session.next = self.first;
        }
        let dropped = |session: &mut LogSession, count: u64, text: &mut String| {
            let since = session.dropped_since.replace(now).unwrap_or(opened);
            *text += &format!(
                "{} heroku[logplex]: Error L11 (Tail buffer overflow) -> This tail session dropped {count} messages since {}\n",
                stamp(now),
                stamp(since)
            );
        };
        if lost > 0 {
            dropped(session, lost, &mut text);
        }
        let mut over = 0;
        for entry in self.entries.iter().skip((session.next - self.first) as usize) {
            if session.router_only && !entry.router {
                continue;
            }
            session.read += 1;
            // A tenth of the lines is dropped after so many, as long as the session carries the app's own lines.
            if self.habits.overflow.is_some_and(|most| session.read % (most + most / 10 + 1) >= most)
                && !session.router_only
            {
                over += 1;
                continue;
            }
            text += &entry.text;
            text.push('\n');
        }
        session.next = end;
        if over > 0 {
            dropped(session, over, &mut text);
        }
        Some(Read::Lines(text))
    }
}

fn state_name(state: DynoState) -> &'static str {
    match state {
        DynoState::Starting => "starting",
        DynoState::Up => "up",
        DynoState::Crashed => "crashed",
    }
}

/// "2026-11-27T05:39:27.123456+00:00".
fn stamp(at: Timestamp) -> String {
    let at = calendar::utc(at).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// The router's line of a request.
fn router_line(at: Timestamp, ended: &Ended, legacy: bool, number: u64) -> String {
    let ms = (ended.took * 1000.0).round().max(1.0) as u64;
    let (head, dyno, connect, service, status) = match ended.fate {
        Fate::Served => ("at=info", "web.1", "1ms", format!("{ms}ms"), 200),
        Fate::Broken => ("at=info", "web.1", "1ms", format!("{ms}ms"), 500),
        Fate::TimedOut => ("at=error code=H12 desc=\"Request timeout\"", "web.1", "1ms", "30000ms".into(), 503),
        Fate::Refused => ("at=error code=H11 desc=\"Backlog too deep\"", "", "", String::new(), 503),
        Fate::NoDyno => ("at=error code=H10 desc=\"App crashed\"", "", "", String::new(), 503),
        Fate::Cut => {
            ("at=error code=H13 desc=\"Connection closed without response\"", "web.1", "1ms", format!("{ms}ms"), 503)
        }
    };
    // What no log reader may keep: a path with a query, an address, an id.
    let path = format!("/orders/{number}?customer=jane.doe%40example.com&token=s3cr3t-in-a-query");
    let (protocol, path) = match legacy {
        true => ("protocol=https", path),
        false => ("protocol=http1.1 tls=true tls_version=tls1.3", format!("\"{path}\"")),
    };
    format!(
        "{} heroku[router]: {head} method=GET path={path} host=shop.example.com request_id=0f0f-{number} \
         fwd=\"203.0.113.{}\" dyno={dyno} connect={connect} service={service} status={status} bytes=1234 {protocol}",
        stamp(at),
        number % 250
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_secs(1_795_757_000 + s)
    }

    fn served(s: i64) -> Vec<(Timestamp, Ended)> {
        vec![(at(s), Ended { at: 0.0, took: 0.018, fate: Fate::Served })]
    }

    fn log(habits: &str) -> Log {
        let mut log = Log::new(habits.parse().unwrap(), 1);
        log.is_on = true;
        log.open("a".into(), false);
        log
    }

    fn lines(log: &mut Log, now: i64) -> Vec<String> {
        match log.read("a", at(now)) {
            Some(Read::Lines(text)) => text.lines().map(str::to_owned).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_a_line_that_a_session_reads_once() {
        let mut log = log("");
        log.write(served(1), vec![(DynoState::Up, at(-9))], at(2));
        let read = lines(&mut log, 2);
        assert_eq!(read.len(), 1);
        assert!(
            read[0]
                .starts_with("2026-11-27T05:23:21.000000+00:00 heroku[router]: at=info method=GET path=\"/orders/0?"),
            "{read:?}"
        );
        assert!(read[0].ends_with(
            "dyno=web.1 connect=1ms service=18ms status=200 bytes=1234 protocol=http1.1 tls=true tls_version=tls1.3"
        ));
        assert_eq!(lines(&mut log, 3), [""; 0]);
        log.write(Vec::new(), vec![(DynoState::Up, at(-9)), (DynoState::Starting, at(3))], at(4));
        assert!(lines(&mut log, 4)[0].ends_with("heroku[web.2]: State changed from down to starting"));
        assert_eq!(log.read("b", at(4)), None);
    }

    #[test]
    fn its_habits_are_those_that_were_asked_for() {
        let mut late = log("delay=10,doubled=1");
        late.write(served(1), Vec::new(), at(1));
        assert_eq!(lines(&mut late, 1).len(), 0);
        late.write(Vec::new(), Vec::new(), at(12));
        assert_eq!(lines(&mut late, 12).len(), 2);
        let mut short = log("life=60");
        assert_eq!(short.read("a", at(0)), Some(Read::Lines(String::new())));
        assert_eq!(short.read("a", at(60)), Some(Read::Ended));
        let mut over = log("overflow=10");
        (0..30).for_each(|s| over.write(served(s), Vec::new(), at(s)));
        assert!(lines(&mut over, 30).iter().any(|line| line.contains("Error L11")));
        assert!(lines(&mut log("forbidden"), 0)[0].contains("L20"));
        for bad in ["fast", "delay=-1", "doubled=2", "legacy=1", "life=x"] {
            assert!(bad.parse::<LogHabits>().is_err(), "{bad}");
        }
    }
}
