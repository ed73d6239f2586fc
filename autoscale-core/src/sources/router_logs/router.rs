//! A line of the router's: one request. Of what it says, status, times and code are read; path, host, address and request
//! id are never kept, not even for a moment.

use super::codes::{Class, TIMED_OUT, class};
use crate::model::time::Timestamp;

/// A request as the router logged it, when it had ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// When the line was written: the end of the request.
    pub at: Timestamp,
    /// Milliseconds from the hand-over to a dyno to the last byte; `None` where no dyno served it.
    pub service_ms: Option<u32>,
    /// Milliseconds to connect to a dyno.
    pub connect_ms: Option<u32>,
    /// HTTP status; 0 where the line has none.
    pub status: u16,
    /// The number of its H code, where it has one.
    pub code: Option<u16>,
}

impl Request {
    /// Is it a request that dynos had to do with, or should have?
    pub fn is_traffic(&self) -> bool {
        self.code.is_none_or(|code| class(code) != Class::NoTraffic)
    }

    /// Is its service time one that a visitor waited for? Not of a web socket, nor of a visitor who left.
    pub fn times_service(&self) -> bool {
        let class = self.code.map(class);
        self.status != 101 && self.status != 499 && !matches!(class, Some(Class::Client | Class::Down))
    }

    /// Did the router give it up after 30 s?
    pub fn is_timed_out(&self) -> bool {
        self.code == Some(TIMED_OUT)
    }
}

/// A number of the line: what no field can hold is not believed.
const MOST: u32 = 100_000_000;

/// Reads what follows `heroku[router]: `. Unknown keys and any order are accepted.
pub(super) fn read(at: Timestamp, text: &[u8]) -> Option<Request> {
    let mut request = Request { at, service_ms: None, connect_ms: None, status: 0, code: None };
    // What a visitor chooses stands in quotes: path, host, address. A quote in it can't be told from its end, so that a
    // visitor could write fields into the line. In every line that a router writes the code comes before all of that, and
    // status and times come after it: the last quote parts them. Where they are not found there, the order is another one.
    let tail = text.iter().rposition(|b| *b == b'"').map_or(text, |quote| &text[quote + 1..]);
    let mut found = false;
    for (key, value) in fields(tail) {
        found |= request.note(key, value);
    }
    if !found {
        quoted_fields(text, |key, value| found |= request.note(key, value));
    }
    request.code = code(text);
    (found || request.code.is_some()).then_some(request)
}

impl Request {
    fn note(&mut self, key: &[u8], value: &[u8]) -> bool {
        match key {
            b"service" => self.service_ms = milliseconds(value).or(self.service_ms),
            b"connect" => self.connect_ms = milliseconds(value).or(self.connect_ms),
            b"status" => match number(value).and_then(|status| u16::try_from(status).ok()) {
                Some(status) if status < 1000 => self.status = status,
                _ => return false,
            },
            _ => return false,
        }
        true
    }
}

/// The number of the H code: only where the line says `at=error` or `at=warning` first, but for `sock=`, and only what
/// stands between that and the first quote but those of `desc` and `cause`.
fn code(text: &[u8]) -> Option<u16> {
    let text = text.strip_prefix(b"sock=client ").or_else(|| text.strip_prefix(b"sock=backend ")).unwrap_or(text);
    let rest = text.strip_prefix(b"at=error ").or_else(|| text.strip_prefix(b"at=warning "))?;
    let digits = rest.strip_prefix(b"code=H")?;
    let end = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    number(&digits[..end]).and_then(|number| u16::try_from(number).ok())
}

/// Keys and values of a text without quotes, parted by spaces.
fn fields(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|b| *b == b' ').filter_map(|field| {
        let equals = field.iter().position(|b| *b == b'=')?;
        Some((&field[..equals], &field[equals + 1..]))
    })
}

/// Keys and values of a text with quotes, in which a space does not end a value.
fn quoted_fields<'a>(mut text: &'a [u8], mut note: impl FnMut(&'a [u8], &'a [u8])) {
    while let Some(equals) = text.iter().position(|b| *b == b'=') {
        let key = text[..equals].rsplit(|b| *b == b' ').next().unwrap_or_default();
        let value = &text[equals + 1..];
        let (value, rest) = match value.strip_prefix(b"\"") {
            Some(quoted) => match quoted.iter().position(|b| *b == b'"') {
                Some(end) => (&quoted[..end], &quoted[end + 1..]),
                None => return,
            },
            None => {
                let end = value.iter().position(|b| *b == b' ').unwrap_or(value.len());
                value.split_at(end)
            }
        };
        note(key, value);
        text = rest;
    }
}

/// `18ms`, or `0`; `None` for nothing.
fn milliseconds(value: &[u8]) -> Option<u32> {
    number(value.strip_suffix(b"ms").unwrap_or(value))
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let mut number = 0_u32;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u32::from(digit);
    }
    (number <= MOST).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Service and connect time, status, code.
    type Told = (Option<u32>, Option<u32>, u16, Option<u16>);

    fn told(line: &str) -> Option<Told> {
        let request = read(Timestamp::from_secs(0), line.as_bytes())?;
        Some((request.service_ms, request.connect_ms, request.status, request.code))
    }

    #[test]
    fn lines_of_both_routers_are_read() {
        for (line, expected) in [
            (
                r#"at=info method=GET path=/ host=x request_id=8601b555 fwd="204.204.204.204" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 tls_version=tls1.1 protocol=http"#,
                (Some(18), Some(1), 200, None),
            ),
            (
                r#"at=info method=GET path="/a" host=x request_id=ea6a6ea1 fwd="" dyno=web.1 connect=0ms service=2ms status=304 bytes=0 protocol=http1.1 tls=true tls_version=unknown"#,
                (Some(2), Some(0), 304, None),
            ),
            (
                r#"at=error code=H12 desc="Request timeout" method=GET path=/ host=x request_id=8601b555 fwd="204.204.204.204" dyno=web.1 connect= service=30000ms status=503 bytes=0 protocol=http"#,
                (Some(30_000), None, 503, Some(12)),
            ),
            (
                r#"sock=backend at=error code=H18 desc="Server Request Interrupted" method=POST path="/s" host=x fwd="100.27.26.255" dyno=web.1 connect=0ms service=710ms status=200 bytes=0 protocol=http1.1"#,
                (Some(710), Some(0), 200, Some(18)),
            ),
            (
                r#"at=error code=H11 desc="Backlog too deep" method=GET path="/" host=x fwd=17.17.17.17 dyno= connect= service= status=503 bytes="#,
                (None, None, 503, Some(11)),
            ),
            (
                r#"sock=client at=warning code=H27 desc="Client Request Interrupted" method=POST path="/submit/" host=x fwd=17.17.17.17 dyno=web.1 connect=1ms service=0ms status=499 bytes=0"#,
                (Some(0), Some(1), 499, Some(27)),
            ),
        ] {
            assert_eq!(told(line), Some(expected), "{line}");
        }
        assert_eq!(told("Starting process"), None);
        assert_eq!(told(""), None);
    }

    #[test]
    fn what_a_visitor_writes_into_the_line_is_no_field() {
        let rest =
            r#"request_id=1 fwd="1.2.3.4" dyno=web.1 connect=1ms service=18ms status=200 bytes=13 protocol=http"#;
        for path in [
            r#""/ service=9ms status=500""#,
            r#""/" service=9ms status=500 code=H12 ""#,
            r#""/"" at=error code=H12 service=9ms "#,
            r#""/x service=30000ms"#,
            r#"/"code=H12"#,
        ] {
            let line = format!("at=info method=GET path={path} host=a {rest}");
            assert_eq!(told(&line), Some((Some(18), Some(1), 200, None)), "{line}");
        }
        let line = r#"at=info method=GET path="/" host=x request_id=1 fwd="1, service=9ms status=500 "x" y=" dyno=web.1 connect=1ms service=18ms status=200 bytes=13"#;
        assert_eq!(told(line), Some((Some(18), Some(1), 200, None)));
    }

    #[test]
    fn any_order_and_unknown_keys_are_accepted() {
        let line = r#"at=info status=200 new=1 service=5ms connect=0 method=GET path="/a b" fwd="x""#;
        assert_eq!(told(line), Some((Some(5), Some(0), 200, None)));
    }

    #[test]
    fn numbers_that_no_field_holds_are_not_believed() {
        let line = |service: &str, status: &str| format!("at=info service={service} status={status}");
        assert_eq!(told(&line("99999999999999999999ms", "200")), Some((None, None, 200, None)));
        assert_eq!(told(&line("-5ms", "99999")), Some((None, None, 0, None)));
        assert_eq!(told(&line("1e3ms", "200")), Some((None, None, 200, None)));
    }
}
