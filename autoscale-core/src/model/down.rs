//! What a check that found the app down met, in a word: a status, or what kept it from one. Says nothing of what follows.

use std::fmt;

/// What a check met instead of the app.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DownDetail {
    /// An answer with this HTTP status.
    Http(u16),
    /// A refused connection.
    Refused,
    /// A name that is not known.
    Dns,
    /// A TLS handshake that failed, mostly for its certificate.
    Tls,
    /// A ring of redirects.
    Redirects,
}

impl DownDetail {
    /// Its number: the status, or one below 100.
    pub const fn number(self) -> u16 {
        match self {
            Self::Http(status) => status,
            Self::Refused => 1,
            Self::Dns => 2,
            Self::Tls => 3,
            Self::Redirects => 4,
        }
    }

    /// The one of a number.
    pub const fn of_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Refused),
            2 => Some(Self::Dns),
            3 => Some(Self::Tls),
            4 => Some(Self::Redirects),
            100..1000 => Some(Self::Http(number)),
            _ => None,
        }
    }
}

/// "HTTP 401", "connection refused".
impl fmt::Display for DownDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(status) => write!(f, "HTTP {status}"),
            Self::Refused => f.write_str("connection refused"),
            Self::Dns => f.write_str("its name is not known to the DNS"),
            Self::Tls => f.write_str("TLS: its certificate or the handshake"),
            Self::Redirects => f.write_str("a ring of redirects"),
        }
    }
}

/// A detail in brackets after a space, or nothing where none is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct InBrackets(pub(crate) Option<DownDetail>);

impl fmt::Display for InBrackets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_comes_back_from_its_number() {
        use DownDetail::{Dns, Http, Redirects, Refused, Tls};
        for detail in [Http(401), Http(503), Refused, Dns, Tls, Redirects] {
            assert_eq!(DownDetail::of_number(detail.number()), Some(detail));
        }
        assert_eq!(DownDetail::of_number(0), None);
        assert_eq!(format!("down{}{}", InBrackets(Some(Http(401))), InBrackets(None)), "down (HTTP 401)");
    }
}
