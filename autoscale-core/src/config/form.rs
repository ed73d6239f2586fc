//! What a value of the configuration looks like, and its limits. Reads no value: that is for `value`.

use std::fmt;

/// Days of a schedule, for people.
pub(super) const DAYS: &str =
    "days such as mon-fri, dates such as 2026-12-24, or file:/path of dates, with commas between";

/// What a value looks like.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Form {
    /// A whole number within limits, both included.
    Whole(u64, u64),
    /// A number within limits, both included, and its unit.
    Number(f64, f64, &'static str),
    /// A price within limits, both included, and perhaps its currency.
    Price(f64, f64),
    /// A time in minutes within limits, both included.
    Minutes(f64, f64),
    /// A time in seconds within limits, both included.
    Seconds(f64, f64),
    /// Yes or no.
    Flag,
    /// Yes, no, or this word.
    FlagOr(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A value that is never shown and can be sent in a header.
    Token,
    /// A value that is never shown.
    Password,
    /// A name of an app.
    AppName,
    /// A name of a process type.
    ProcessType,
    /// Base address of an API.
    ApiUrl,
    /// Base address of a server that may be reached unencrypted.
    BaseUrl,
    /// An address to fetch or to post to.
    Url,
    /// Any text in one line.
    Text,
    /// A path on this machine.
    Path,
    /// An address to listen on.
    Listen,
    /// Days of the week, dates, and files of dates.
    Days,
    /// A time of the day.
    TimeOfDay,
    /// Name of a time zone.
    TimeZone,
}

impl Form {
    /// Can ` ;` not be a part of the value, so that it begins a comment?
    pub(super) const fn ends_at_comment(self) -> bool {
        !matches!(self, Self::Token | Self::Password | Self::Path | Self::Url | Self::Text)
    }
}

/// The limits, for people.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(1, u64::MAX) => f.write_str("a whole number above 0"),
            Self::Whole(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::Number(min, max, "") => write!(f, "a number from {min} to {max}"),
            Self::Number(min, max, unit) => write!(f, "{unit}, from {min} to {max}"),
            Self::Price(min, max) => write!(f, "a price from {min} to {max}, as in 25 or 25 USD"),
            Self::Minutes(min, max) => write!(f, "minutes, from {min} to {max}"),
            Self::Seconds(min, max) => write!(f, "seconds, from {min} to {max}"),
            Self::Flag => f.write_str("True or False"),
            Self::FlagOr(word) => write!(f, "True, False or {word}"),
            Self::Word([first @ .., second_last, last]) => {
                first.iter().try_for_each(|word| write!(f, "{word}, "))?;
                write!(f, "{second_last} or {last}")
            }
            Self::Word(words) => f.write_str(&words.concat()),
            Self::Token | Self::Password => f.write_str("a secret"),
            Self::AppName => f.write_str("3 to 30 of a-z, 0-9 and -"),
            Self::ProcessType => f.write_str("1 to 128 letters, digits, - and _"),
            Self::ApiUrl => f.write_str("https:// address; http:// only for a loopback address"),
            Self::BaseUrl | Self::Url => f.write_str("https:// or http:// address"),
            Self::Text => f.write_str("a text"),
            Self::Path => f.write_str("a path"),
            Self::Listen => f.write_str("IP address and port"),
            Self::Days => f.write_str(DAYS),
            Self::TimeOfDay => f.write_str("a time such as 18:00, from 00:00 to 24:00"),
            Self::TimeZone => f.write_str("a name such as Europe/Berlin"),
        }
    }
}
