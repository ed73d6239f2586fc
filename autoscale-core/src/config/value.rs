//! One raw value to one typed value, or the words that say what is wrong with it. Knows forms and limits, no key.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::days;
use super::form::Form;
use super::overrides::Overrides;
use super::problem::quoted;
use super::separators::why_no_number;
use crate::model::money::DynoPrice;
use crate::model::schedule::DAY_MINUTES;

/// Text without the comment at its end.
pub(super) fn without_comment(text: &str) -> &str {
    let end = text
        .match_indices(';')
        .map(|(at, _)| at)
        .find(|at| text[..*at].chars().next_back().is_none_or(char::is_whitespace));
    text[..end.unwrap_or(text.len())].trim_end()
}

/// A whole number within the form's limits.
pub(super) fn whole(text: &str, form: Form) -> Result<u64, String> {
    let Form::Whole(min, max) = form else { unreachable!("the table says what form a key has") };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(no_number(format!("{} is not {form}", quoted(text)), text));
    }
    let number = match text.parse::<i128>() {
        Ok(number) => number,
        Err(_) if text.starts_with('-') => i128::MIN,
        Err(_) => i128::MAX,
    };
    if number < i128::from(min) {
        return Err(format!("{} is too small: give {form}", quoted(text)));
    }
    u64::try_from(number)
        .ok()
        .filter(|n| *n <= max)
        .ok_or_else(|| format!("{} is too large: give {form}", quoted(text)))
}

/// An error, with the cause where that can be told.
fn no_number(error: String, text: &str) -> String {
    why_no_number(text).map_or_else(|| error.clone(), |why| format!("{error}; {why}"))
}

/// A number within the form's limits.
pub(super) fn number(text: &str, form: Form) -> Result<f64, String> {
    let (min, max) = match form {
        Form::Number(min, max, _) | Form::Minutes(min, max) | Form::Seconds(min, max) | Form::Price(min, max) => {
            (min, max)
        }
        _ => unreachable!("the table says what form a key has"),
    };
    let number: f64 = match text.parse() {
        // "nan", "inf" and "infinity" parse, too.
        Ok(number) if !text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => number,
        _ => return Err(no_number(format!("{} is not a number: give digits only ({form})", quoted(text)), text)),
    };
    if number < min {
        Err(format!("{} is too small: give {form}", quoted(text)))
    } else if number > max {
        Err(format!("{} is too large: give {form}", quoted(text)))
    } else {
        // No "-0" in what people are shown.
        Ok(number + 0.0)
    }
}

/// A time, in the form's unit.
pub(super) fn duration(text: &str, form: Form) -> Result<Duration, String> {
    let unit = if matches!(form, Form::Minutes(..)) { 60.0 } else { 1.0 };
    number(text, form).map(|number| Duration::from_micros((number * unit * 1e6).round() as u64))
}

/// Yes or no, or this one word (`None`).
pub(super) fn flag_or(text: &str, word: &str) -> Result<Option<bool>, String> {
    if text.eq_ignore_ascii_case(word) {
        return Ok(None);
    }
    let refused = |_| format!("{} is neither yes nor no: give True, False or {word}", quoted(text));
    flag(text).map(Some).map_err(refused)
}

/// A price per month, and the code of its currency where one follows.
pub(super) fn price(text: &str, form: Form) -> Result<DynoPrice, String> {
    let (amount, code) = text.split_once(char::is_whitespace).map_or((text, None), |(n, code)| (n, Some(code.trim())));
    let per_month = number(amount, form)?;
    let currency = match code.map(str::parse) {
        None => None,
        Some(Ok(currency)) => Some(currency),
        Some(Err(())) => {
            return Err(format!("{} is not known: give a currency as three letters, as in 25 USD", quoted(text)));
        }
    };
    DynoPrice::new(per_month, currency).ok_or_else(|| format!("{} is not {form}", quoted(text)))
}

/// Yes or no, in any of Python's words.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(format!("{} is neither yes nor no: give True or False", quoted(text))),
    }
}

/// The place of a word among those of the form, in capitals or not.
pub(super) fn word(text: &str, form: Form) -> Result<&'static str, String> {
    let Form::Word(words) = form else { unreachable!("the table says what form a key has") };
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| format!("{} is not known: give {form}", quoted(text)))
}

/// A time of the day, in minutes after midnight; 24:00 is its end.
pub(super) fn time_of_day(text: &str, form: Form) -> Result<u16, String> {
    let part = |text: &str, most: u16| {
        let is_one = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|n: &u16| is_one && *n <= most)
    };
    let minutes = text.split_once(':').and_then(|(hours, minutes)| {
        let minutes = part(minutes, 59).filter(|_| minutes.len() == 2)?;
        Some(part(hours, 24)? * 60 + minutes)
    });
    let within = minutes.filter(|minutes| *minutes <= DAY_MINUTES);
    within.ok_or_else(|| format!("{} is not a time of the day: give {form}", quoted(text)))
}

/// A time zone, by the name that the time-zone database gives it.
pub(super) fn time_zone(text: &str) -> Result<TimeZone, String> {
    let unknown = |_| format!("{} is not a time zone: give a name such as Europe/Berlin, or UTC", quoted(text));
    TimeZone::get(text).map_err(unknown)
}

/// Something that is sent in a header: the text never shows it.
pub(super) fn token(text: &str) -> Result<(), String> {
    if text.contains(['\n', '\r']) {
        Err("has a line break in it: give it in one line".into())
    } else if text.chars().any(char::is_control) {
        Err("has a control character in it: copy it again".into())
    } else if !text.is_ascii() {
        Err("has a character that can't be sent in a header, such as an accent or a typographic quote: copy it again"
            .into())
    } else {
        Ok(())
    }
}

/// A user or a password: sent encoded, so that only what is a mistake for sure is refused.
pub(super) fn password(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) { Err("has a control character in it: copy it again".into()) } else { Ok(()) }
}

/// Heroku's pattern of app names, `^[a-z][a-z0-9-]{1,28}[a-z0-9]$` (its API schema).
pub(super) fn app_name(text: &str) -> Result<(), String> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let bytes = text.as_bytes();
    let fits = (3..=30).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| inner(*b))
        && !text.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(format!(
        "{} can't be the name of a Heroku app: those have 3 to 30 characters out of a-z, 0-9 and -, begin with a letter \
         and don't end with -; `heroku apps` lists yours",
        quoted(text)
    ))
}

/// Heroku's pattern of process types, `^[-\w]{1,128}$` (its API schema).
pub(super) fn process_type(text: &str) -> Result<(), String> {
    let fits =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if fits {
        Ok(())
    } else {
        Err(format!("{} can't be a process type: give one that the Procfile names, such as web", quoted(text)))
    }
}

/// An address of an API, without a slash at its end. The text never shows it: a user may have put a password in.
pub(super) fn api_url(text: &str) -> Result<String, String> {
    let uri = base(text, "https://api.heroku.com")?;
    if uri.scheme_str() == Some("http") && !is_loopback(&uri) {
        return Err("http:// would send the key unencrypted: use https:// (http:// is only for 127.0.0.1, [::1] and \
                    localhost)"
            .into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An address of a server, without a slash at its end. The text never shows it: a user may have put a password in.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    base(text, "https://prometheus.example.com").map(|_| text.trim_end_matches('/').to_owned())
}

/// An address to which paths are appended.
fn base(text: &str, example: &str) -> Result<http::Uri, String> {
    let uri = uri(text, example)?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("has a user or password in it: leave them out, keys have settings of their own".into());
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("has a query or a fragment: give only scheme, host, port and path".into());
    }
    Ok(uri)
}

/// An address that is fetched or posted to; is it encrypted, or does it stay on this machine? Never shown either.
pub(super) fn url(text: &str) -> Result<bool, String> {
    let uri = uri(text, "https://example.com/")?;
    Ok(uri.scheme_str() == Some("https") || is_loopback(&uri))
}

/// Is it a webhook of Discord's in its own form? Discord reads notices only in Slack's form, at an address of its own.
pub(super) fn is_discords_own(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let discords = ["discord.com", "discordapp.com"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let path = uri.path().trim_end_matches('/');
    discords && path.starts_with("/api/") && path.contains("/webhooks/") && !path.ends_with("/slack")
}

/// Is this the address of a server on this machine?
pub(super) fn is_loopback_url(text: &str) -> bool {
    text.parse::<http::Uri>().is_ok_and(|uri| is_loopback(&uri))
}

fn uri(text: &str, example: &str) -> Result<http::Uri, String> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(format!("an address begins with https://, as in {example}"));
    }
    let host = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
    if !host.is_ascii() {
        return Err(
            "has letters beyond a to z in the name of its server: give the name's form that begins with xn--".into()
        );
    }
    let uri: http::Uri = text.parse().map_err(|_| format!("is not a web address: give one such as {example}"))?;
    // `Authority::port` is `None` for a port that is no number or too large as well.
    let port_fits = uri.authority().is_some_and(|authority| {
        let after_host = authority.as_str().rsplit_once(authority.host()).map_or("", |(_, rest)| rest);
        after_host.strip_prefix(':').is_none_or(|port| port.parse::<u16>().is_ok())
    });
    if uri.host().is_none_or(str::is_empty) || !port_fits {
        return Err(format!("is not a web address: give one such as {example}"));
    }
    Ok(uri)
}

fn is_loopback(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A path.
pub(super) fn path(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) { Err("has a control character in it: copy it again".into()) } else { Ok(()) }
}

/// How a path is read that somebody may have meant otherwise, and what to write. A shell replaces `~` and variables, and
/// takes quotes away; nothing does so here.
pub(super) fn path_advice(text: &str) -> Option<String> {
    const WHOLE: &str = "write the whole path, from the root on";
    let folder = "the folder that the program is started in";
    let is_short = text.chars().nth(19).is_none();
    let read = if is_short { format!("./{text}") } else { "a path".into() };
    if is_quoted(text) {
        Some(format!("quotes are part of the value, so that it is read as {read} below {folder}: leave them out"))
    } else if text.starts_with('~') {
        Some(format!("~ is not replaced by a home here, so that it is read as {read} below {folder}: {WHOLE}"))
    } else if text.starts_with('$') {
        Some(format!("variables are not replaced here, so that it is read as {read} below {folder}: {WHOLE}"))
    } else if Path::new(text).has_root() {
        None
    } else {
        Some(format!("is read as {read} below {folder}, which is / for many a service: {WHOLE}"))
    }
}

/// Does it stand in quotes?
pub(super) fn is_quoted(text: &str) -> bool {
    text.len() >= 2 && ['"', '\''].iter().any(|quote| text.starts_with(*quote) && text.ends_with(*quote))
}

/// An address to listen on.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{} is not an IP address with a port: give one such as 127.0.0.1:9394", quoted(text)))
}

/// Is it still what a sample has in this place?
pub(super) fn is_placeholder(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    ["MY_", "YOUR_", "MY-", "YOUR-"].iter().any(|start| upper.starts_with(start)) && text == upper
        || text.starts_with('<') && text.ends_with('>')
        || upper.len() >= 3 && upper.bytes().all(|b| b == b'X')
}

impl Form {
    /// Could this be a value of this form? Says what is wrong with it, as the configuration's reader would.
    ///
    /// # Errors
    /// The words for it. They never hold the text of a secret or of an address.
    pub fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Whole(..) => whole(text, self).map(drop),
            Self::Number(..) => number(text, self).map(drop),
            Self::Minutes(..) | Self::Seconds(..) => duration(text, self).map(drop),
            Self::Price(..) => price(text, self).map(drop),
            Self::Flag => flag(text).map(drop),
            Self::FlagOr(word) => flag_or(text, word).map(drop),
            Self::Word(_) => word(text, self).map(drop),
            Self::Token => token(text),
            Self::Password => password(text),
            Self::AppName => app_name(text),
            Self::ProcessType => process_type(text),
            Self::ApiUrl => api_url(text).map(drop),
            Self::BaseUrl => base_url(text).map(drop),
            Self::Url => url(text).map(drop),
            Self::Text | Self::Path => path(text),
            Self::Listen => listen(text).map(drop),
            Self::Days => days::parse(text, &Overrides::default()).map(drop),
            Self::TimeOfDay => time_of_day(text, self).map(drop),
            Self::TimeZone => time_zone(text).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_after_a_space_begins_a_comment() {
        assert_eq!(without_comment("10 ; ten"), "10");
        assert_eq!(without_comment("10\t;;"), "10");
        assert_eq!(without_comment("; none"), "");
        assert_eq!(without_comment("10;11"), "10;11");
        assert_eq!(without_comment("10;11 ;x"), "10;11");
    }

    #[test]
    fn whole_numbers_are_whole_and_within_their_limits() {
        let form = Form::Whole(1, 100);
        assert_eq!(whole("1", form), Ok(1));
        assert_eq!(whole("+007", form), Ok(7));
        for (text, error) in [
            ("0", "\"0\" is too small: give a whole number from 1 to 100"),
            ("-3", "\"-3\" is too small: give a whole number from 1 to 100"),
            ("101", "\"101\" is too large: give a whole number from 1 to 100"),
            ("2.5", "\"2.5\" is not a whole number from 1 to 100"),
            ("ten", "\"ten\" is not a whole number from 1 to 100"),
            ("NaN", "\"NaN\" is not a whole number from 1 to 100"),
            ("1e1", "\"1e1\" is not a whole number from 1 to 100"),
            ("+", "\"+\" is not a whole number from 1 to 100"),
        ] {
            assert_eq!(whole(text, form), Err(error.into()));
        }
        assert!(whole(&"9".repeat(500), form).unwrap_err().contains("too large"));
        assert!(whole(&format!("-{}", "9".repeat(500)), form).unwrap_err().contains("too small"));
        assert_eq!(whole("18446744073709551615", Form::Whole(1, u64::MAX)), Ok(u64::MAX));
        assert!(whole("18446744073709551616", Form::Whole(1, u64::MAX)).unwrap_err().contains("too large"));
    }

    #[test]
    fn numbers_are_finite_and_within_their_limits() {
        let form = Form::Minutes(1.0, 10_080.0);
        assert_eq!(number("1.5", form), Ok(1.5));
        assert_eq!(number("5e1", form), Ok(50.0));
        assert_eq!(duration("1.5", form), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0.5", Form::Seconds(0.0, 9.0)), Ok(Duration::from_millis(500)));
        for text in ["NaN", "nan", "inf", "-Infinity", "5m", "500ms", "1,5", "0x10", "five", ""] {
            let error = format!("{text:?} is not a number: give digits only (minutes, from 1 to 10080)");
            assert!(number(text, form).unwrap_err().starts_with(&error), "{text}");
        }
        assert!(number("5m", form).unwrap_err().ends_with("; leave out the unit"));
        assert_eq!(number("0.99", form), Err("\"0.99\" is too small: give minutes, from 1 to 10080".into()));
        assert!(number("1e999", form).unwrap_err().contains("too large"));
        assert!(number("-0", Form::Number(0.0, 1.0, "")).unwrap().is_sign_positive());
    }

    #[test]
    fn a_price_is_a_number_and_perhaps_a_currency() {
        let form = Form::Price(0.01, 1e6);
        let told = |text: &str| price(text, form).map(|price| price.per_month(1).to_string());
        assert_eq!(
            [told("25"), told("25 USD"), told("22.50\teur")],
            [Ok("25".into()), Ok("$25".into()), Ok("22.50 EUR".into())]
        );
        for text in ["$25", "25USD", "25,50", "nan", "inf USD"] {
            assert!(told(text).unwrap_err().contains("is not a number: give digits only (a price from 0.01"), "{text}");
        }
        for text in ["25 $", "25 dollars", "25 USD a month"] {
            assert!(told(text).unwrap_err().ends_with("give a currency as three letters, as in 25 USD"), "{text}");
        }
        let form = "give a price from 0.01 to 1000000, as in 25 or 25 USD";
        assert_eq!(told("0 USD"), Err(format!("\"0\" is too small: {form}")));
        assert_eq!(told("1000001"), Err(format!("\"1000001\" is too large: {form}")));
    }

    #[test]
    fn names_beyond_ascii_are_given_as_servers_know_them() {
        for text in ["https://bücher.example/", "https://bücher.example", "https://bücher.example:8080?q"] {
            assert!(url(text).unwrap_err().contains("xn--"), "{text}");
        }
        assert_eq!(url("https://xn--bcher-kva.example/straße"), Ok(true));
    }

    #[test]
    fn http_is_for_this_machine_only() {
        for url in
            ["http://127.0.0.1:80", "http://127.9.9.9/base", "http://[::1]:8080/", "HTTP://LocalHost/", "https://a.b/"]
        {
            assert_eq!(api_url(url).as_deref(), Ok(url.trim_end_matches('/')));
        }
        for url in
            ["http://10.0.0.1", "http://localhost.example.com", "http://128.0.0.1", "http://127.0.0.1.example.com"]
        {
            assert!(api_url(url).unwrap_err().starts_with("http:// would send the key unencrypted"), "{url}");
        }
        for url in [
            "api.heroku.com",
            "ftp://a.b",
            "://",
            "https://",
            "https:///x",
            "https://a b",
            "https://a:99999",
            "https://a:",
            "x",
        ] {
            assert!(api_url(url).is_err(), "{url}");
        }
        assert!(api_url("https://user:pw@a.b").unwrap_err().starts_with("has a user or password"));
        assert!(api_url("https://a.b/?x=1").unwrap_err().starts_with("has a query"));
    }

    #[test]
    fn names_fit_the_platforms_patterns() {
        for name in ["shop", "a-b", "abc", "a12345678901234567890123456789"] {
            assert_eq!(app_name(name), Ok(()));
        }
        for name in ["ab", "Shop", "1shop", "shop-", "my app", "a123456789012345678901234567890", "é-é"] {
            assert!(app_name(name).is_err(), "{name}");
        }
        assert_eq!(process_type("web-2_x"), Ok(()));
        assert!(process_type("web 2").is_err());
        assert!(process_type(&"w".repeat(129)).is_err());
    }

    #[test]
    fn placeholders_are_known_by_their_look() {
        for text in ["MY_API_KEY", "YOUR_API_KEY", "<api key>", "xxx", "XXXXXXXX"] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["myKey", "my-shop", "xx", "HRKU-x", "MYSTERY"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_sent_is_refused_without_being_shown() {
        for text in ["a\tb", "a\u{7f}b", "na\u{ef}ve", "a\nb", "\u{201c}a\u{201d}"] {
            let error = token(text).unwrap_err();
            assert!(!error.contains(text), "{error}");
        }
        assert_eq!(token(r#"p\a"s's%w#o;r=d:1"#), Ok(()));
        assert_eq!(password("na\u{ef}ve \u{201c}"), Ok(()));
    }
}
