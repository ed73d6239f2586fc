//! Logplex frames, as a drain gets them: messages by their length, each `<PRI>1 TIME host APP PROCID - text`. Judges nothing.

use super::line::{self, Line};
use super::stamp;

/// The longest message that is read; Logplex cuts them at 10,240 bytes.
pub const LONGEST: usize = 64 << 10;

/// The messages of a body, one after the other.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

/// What is wrong with a body: its messages up to there are good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Bytes of the body that were not read.
    pub left: usize,
}

impl<'a> Frames<'a> {
    /// Of a body.
    pub fn of(body: &'a [u8]) -> Self {
        Self { rest: body }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Line<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((message, rest)) = split(self.rest) else {
            let left = std::mem::take(&mut self.rest).len();
            return Some(Err(Broken { left }));
        };
        self.rest = rest;
        Some(Ok(read(message)))
    }
}

/// The first message by its length, and what follows it.
fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = body.iter().take(8).position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(&body[..space]).ok()?.parse().ok()?;
    // A sign would be taken for a part of a number.
    if !body[0].is_ascii_digit() || length > LONGEST {
        return None;
    }
    body[space + 1..].split_at_checked(length)
}

/// Reads a message.
fn read(message: &[u8]) -> Line<'_> {
    let message = message.strip_suffix(b"\n").unwrap_or(message);
    let mut words = message.splitn(7, |b| *b == b' ');
    let (Some(pri), Some(time), Some(_), Some(app), Some(process), Some(_), Some(text)) =
        (words.next(), words.next(), words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Line::Other;
    };
    if !pri.starts_with(b"<") || !pri.ends_with(b">1") {
        return Line::Other;
    }
    let Some((at, b"")) = stamp::read(time) else { return Line::Other };
    line::entry(at, app, process, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: &str) -> String {
        format!("{} {message}", message.len())
    }

    #[test]
    fn messages_are_read_by_their_length_line_ends_within_them_included() {
        let router = "<158>1 2012-10-11T03:47:20+00:00 host heroku router - at=info method=GET path=/ host=x fwd=\"1.2.3.4\" dyno=web.1 connect=1ms service=18ms status=200 bytes=13\n";
        let body = [
            frame(router),
            frame("<190>1 2012-10-11T03:47:20+00:00 host app web.1 - two\nlines 12 <158>1\n"),
            frame("<172>1 2012-10-11T03:47:20+00:00 host heroku logplex - Error L10 (output buffer overflow): 500 messages dropped since 2012-10-11T03:47:00+00:00."),
            frame("<45>1 2012-10-11T03:47:20+00:00 host heroku web.1 - State changed from starting to up\n"),
        ]
        .concat();
        let lines: Vec<_> = Frames::of(body.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert!(matches!(lines[0], Line::Request(request) if request.service_ms == Some(18)), "{lines:?}");
        assert!(matches!(lines[1..], [Line::Other, Line::Lost(_), Line::Dyno { name: "web.1", .. }]), "{lines:?}");
    }

    #[test]
    fn a_body_that_is_broken_is_read_up_to_there() {
        let good = frame("<45>1 2012-10-11T03:47:20+00:00 host app web.1 - x");
        for bad in ["10 short", "99999999 x", "+4 xxxx", "-1 x", "x", " ", "70000 x"] {
            let body = good.clone() + bad;
            let lines: Vec<_> = Frames::of(body.as_bytes()).collect();
            assert_eq!(lines, [Ok(Line::Other), Err(Broken { left: bad.len() })], "{bad}");
        }
        assert_eq!(Frames::of(b"").next(), None);
    }
}
