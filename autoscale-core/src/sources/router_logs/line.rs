//! A line of a log session: `TIME source[process]: text`. Only what Heroku itself writes is read; the app's own lines are
//! skipped unread. Judges nothing.

use super::router::{self, Request};
use super::stamp;
use crate::model::time::Timestamp;

/// What a line tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line<'a> {
    /// A request has ended.
    Request(Request),
    /// A dyno has changed its state.
    Dyno {
        /// When.
        at: Timestamp,
        /// "web.1"
        name: &'a str,
        /// Into which.
        state: DynoState,
    },
    /// The app has a new release.
    Release {
        /// When.
        at: Timestamp,
    },
    /// Somebody, or something, has set a formation.
    Scaled {
        /// When.
        at: Timestamp,
    },
    /// Lines were lost.
    Lost(Loss),
    /// Log sessions are forbidden for this app: it logs too much (L20).
    Forbidden,
    /// Something else.
    Other,
}

/// States of a dyno, as far as they matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DynoState {
    /// It boots.
    Starting,
    /// It serves.
    Up,
    /// Anything else.
    Other,
}

/// Lines that were lost on their way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loss {
    /// When it was told.
    pub at: Timestamp,
    /// 10 to 13: L10 to L13. 11 is the session itself, which was too slow for the log.
    pub code: u8,
    /// How many, where it is told.
    pub count: Option<u32>,
    /// Since when, where it is told.
    pub since: Option<Timestamp>,
}

/// Reads a line, without its end.
pub fn read(line: &[u8]) -> Line<'_> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some((at, rest)) = stamp::read(line) else { return Line::Other };
    let Some(rest) = rest.strip_prefix(b" ") else { return Line::Other };
    let Some(open) = rest.iter().take(64).position(|b| *b == b'[') else { return Line::Other };
    let (source, rest) = (&rest[..open], &rest[open + 1..]);
    let Some(close) = rest.iter().take(300).position(|b| *b == b']') else { return Line::Other };
    let (process, rest) = (&rest[..close], &rest[close + 1..]);
    let Some(text) = rest.strip_prefix(b": ") else { return Line::Other };
    entry(at, source, process, text)
}

/// What Heroku says in a line, whichever form it came in.
pub(super) fn entry<'a>(at: Timestamp, source: &[u8], process: &'a [u8], text: &'a [u8]) -> Line<'a> {
    match (source, process) {
        (b"heroku", b"router") => router::read(at, text).map_or(Line::Other, Line::Request),
        (b"heroku", b"logplex") | (b"app", b"log-shuttle") => loss(at, text),
        (b"heroku", dyno) => state(at, dyno, text),
        (b"app", b"api") => {
            if text.starts_with(b"Scaled to ") {
                Line::Scaled { at }
            } else if text.starts_with(b"Release v") {
                Line::Release { at }
            } else {
                Line::Other
            }
        }
        _ => Line::Other,
    }
}

/// `State changed from starting to up`.
fn state<'a>(at: Timestamp, dyno: &'a [u8], text: &[u8]) -> Line<'a> {
    let Some(change) = text.strip_prefix(b"State changed from ") else { return Line::Other };
    let Ok(name) = std::str::from_utf8(dyno) else { return Line::Other };
    let state = match change.rsplit(|b| *b == b' ').next() {
        Some(b"up") => DynoState::Up,
        Some(b"starting") => DynoState::Starting,
        _ => DynoState::Other,
    };
    Line::Dyno { at, name, state }
}

/// `Error L10 (output buffer overflow): 500 messages dropped since 2013-04-17T19:04:46+00:00.`, in any of its forms.
fn loss(at: Timestamp, text: &[u8]) -> Line<'static> {
    let text = text.strip_prefix(b"Error ").unwrap_or(text);
    let code = match text.get(..3) {
        Some(b"L10") => 10,
        Some(b"L11") => 11,
        Some(b"L12") => 12,
        Some(b"L13") => 13,
        Some(b"L20") => return Line::Forbidden,
        _ => return Line::Other,
    };
    let words = || text.split(|b| *b == b' ').skip(1);
    let whole = |word: &[u8]| std::str::from_utf8(word).ok().and_then(|word| word.parse::<u32>().ok());
    let before_messages = words().zip(words().skip(1)).find(|(_, next)| next.starts_with(b"message"));
    let count = before_messages.and_then(|(word, _)| whole(word));
    let since =
        words().zip(words().skip(1)).find(|(word, _)| *word == b"since").and_then(|(_, next)| stamp::read(next));
    Line::Lost(Loss { at, code, count, since: since.map(|(since, _)| since).filter(|since| *since <= at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_748_380_635_562_837);

    fn line(rest: &str) -> String {
        format!("2025-05-27T21:17:15.562837+00:00 {rest}")
    }

    #[test]
    fn requests_dynos_releases_and_scaling_are_told_apart() {
        let request = line(
            "heroku[router]: at=info method=GET path=\"/\" host=x fwd=\"1.2.3.4\" dyno=web.1 connect=0ms service=1ms status=200 bytes=974 protocol=http2.0",
        );
        let Line::Request(told) = read(request.as_bytes()) else { panic!("a request") };
        assert_eq!((told.at, told.service_ms, told.status), (AT, Some(1), 200));
        let told = |rest: &str| format!("{:?}", read(line(rest).as_bytes()));
        assert_eq!(
            read(line("heroku[web.1]: State changed from starting to up").as_bytes()),
            Line::Dyno { at: AT, name: "web.1", state: DynoState::Up }
        );
        assert!(told("heroku[web.2]: State changed from up to starting\r").contains("Starting"));
        assert!(told("heroku[web.2]: State changed from up to crashed").contains("state: Other"));
        assert!(told("app[api]: Scaled to web@5:Standard-2X by user x@y").starts_with("Scaled"));
        assert!(told("app[api]: Release v9 created by user x@y").starts_with("Release"));
        for other in [
            "app[web.1]: at=info service=1ms status=200",
            "heroku[web.1]: Process exited with status 143",
            "nothing",
            "heroku[router",
            "heroku[router]:",
        ] {
            assert_eq!(told(other), "Other", "{other}");
        }
        assert_eq!(read(b"no time heroku[router]: at=info"), Line::Other);
    }

    #[test]
    fn every_form_of_a_loss_is_read() {
        let since = stamp::read(b"2025-05-27T21:10:46+00:00").unwrap().0;
        for (text, code, count) in [
            (
                "heroku[logplex]: Error L10 (output buffer overflow): 500 messages dropped since 2025-05-27T21:10:46+00:00.",
                10,
                Some(500),
            ),
            (
                "heroku[logplex]: Error L10 (output buffer overflow): drain 'd.1' dropped 12 messages since 2025-05-27T21:10:46+00:00.",
                10,
                Some(12),
            ),
            (
                "heroku[logplex]: L11 (Tail buffer overflow) -> This tail session dropped 1101 messages since 2025-05-27T21:10:46+00:00",
                11,
                Some(1101),
            ),
            ("app[log-shuttle]: Error L12: 222 messages dropped since 2025-05-27T21:10:46+00:00.", 12, Some(222)),
            ("app[log-shuttle]: Error L13: 111 messages lost since 2025-05-27T21:10:46+00:00.", 13, Some(111)),
        ] {
            let expected = Line::Lost(Loss { at: AT, code, count, since: Some(since) });
            assert_eq!(read(line(text).as_bytes()), expected, "{text}");
        }
        assert_eq!(read(line("heroku[logplex]: Error L20 (Tail sessions forbidden)").as_bytes()), Line::Forbidden);
        let odd = "heroku[logplex]: Error L10 since since messages since 9999";
        assert_eq!(read(line(odd).as_bytes()), Line::Lost(Loss { at: AT, code: 10, count: None, since: None }));
    }
}
