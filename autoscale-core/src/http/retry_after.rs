//! `Retry-After`, as it is really sent: seconds, a date, or an absolute unix time. Clamped: a service's mistake must not
//! stop the loop for a day.

use std::ops::RangeInclusive;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{AGE, DATE, RETRY_AFTER};

use crate::model::time::Timestamp;

/// Where a 429 says nothing of when.
const UNSAID_S: f64 = 60.0;
/// Longest wait that is believed.
const LONGEST_S: f64 = 900.0;
/// Numbers above this are unix times, not seconds to wait (it is 31 years).
const EPOCH_ABOVE: f64 = 1e9;

/// What a service's clock may say, 2001 to 2200: another would move the window to where no results are.
const CLOCKS: RangeInclusive<Timestamp> = Timestamp::from_secs(1_000_000_000)..=Timestamp::from_secs(7_258_118_400);

/// How long to wait. An absolute time is compared with the answer's own `Date`, else with `now`: the local clock may be
/// wrong.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    let now = date(headers).unwrap_or(now).as_secs_f64();
    let said = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::trim);
    let seconds = said.and_then(|text| match text.parse::<f64>() {
        Ok(number) if number >= EPOCH_ABOVE => Some(number - now),
        // "nan" is a number to Rust.
        Ok(number) => Some(number).filter(|n| !n.is_nan()),
        Err(_) => parse_date(text).map(|at| at.as_secs_f64() - now),
    });
    Duration::from_secs_f64(seconds.unwrap_or(UNSAID_S).clamp(1.0, LONGEST_S))
}

/// What the service's clock says: `Server-Time` (Pingdom, unix seconds), else `Date`. An answer out of a cache says
/// nothing.
pub fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()).map(str::trim);
    if age.is_some_and(|age| age != "0") {
        return None;
    }
    let said = headers.get("server-time").and_then(|v| v.to_str().ok()).and_then(|text| text.trim().parse().ok());
    said.and_then(Timestamp::from_secs_f64).filter(|at| CLOCKS.contains(at)).or_else(|| date(headers))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(DATE).and_then(|value| value.to_str().ok()).and_then(parse_date).filter(|at| CLOCKS.contains(at))
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_secs_f64(since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_353_003_000);

    fn wait(value: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers, NOW).as_secs()
    }

    #[test]
    fn seconds_a_date_and_an_absolute_epoch_are_understood() {
        assert_eq!(wait("7"), 7);
        assert_eq!(wait("Thu, 15 Nov 2012 18:11:33 GMT"), 93);
        assert_eq!(wait("1353003093"), 93);
    }

    #[test]
    fn nonsense_is_clamped_or_taken_as_unsaid() {
        assert_eq!(wait("0"), 1);
        assert_eq!(wait("-5"), 1);
        assert_eq!(wait("nan"), 60);
        assert_eq!(wait("86400"), 900);
        assert_eq!(wait("1353000000"), 1);
        assert_eq!(wait("99999999999"), 900);
        assert_eq!(wait("soon"), 60);
        for (text, seconds) in [
            ("99999999999999999999", 900),
            ("18446744073709551616", 900),
            ("1e400", 900),
            ("-1e400", 1),
            ("-99999999999999999999", 1),
            ("-nan", 60),
            ("inf", 900),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 900),
            ("Fri, 31 Dec 99999 23:59:59 GMT", 60),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ] {
            assert_eq!(wait(text), seconds, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), NOW).as_secs(), 60);
    }

    #[test]
    fn absolute_times_are_measured_by_the_answers_own_clock() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "1353003093".parse().unwrap());
        headers.insert(DATE, "Thu, 15 Nov 2012 18:11:23 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers, Timestamp::from_secs(1_900_000_000)).as_secs(), 10);
    }

    #[test]
    fn server_time_wins_over_date() {
        let mut headers = HeaderMap::new();
        assert_eq!(server_time(&headers), None);
        headers.insert(DATE, "Thu, 15 Nov 2012 18:11:23 GMT".parse().unwrap());
        assert_eq!(server_time(&headers), Some(Timestamp::from_secs(1_353_003_083)));
        headers.insert("server-time", "1353003085".parse().unwrap());
        assert_eq!(server_time(&headers), Some(Timestamp::from_secs(1_353_003_085)));
    }

    #[test]
    fn an_answer_out_of_a_cache_has_no_clock() {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, "Thu, 15 Nov 2012 18:11:23 GMT".parse().unwrap());
        headers.insert(AGE, "0".parse().unwrap());
        assert_eq!(server_time(&headers), Some(Timestamp::from_secs(1_353_003_083)));
        for age in ["3600", "1", "soon"] {
            headers.insert(AGE, age.parse().unwrap());
            assert_eq!(server_time(&headers), None, "{age}");
        }
    }

    #[test]
    fn a_clock_that_no_service_has_is_not_believed() {
        for text in ["99999999999999999999", "1e400", "6e12", "NaN", "-1353003085", "0", "18446744073709551616", "soon"]
        {
            let mut headers = HeaderMap::new();
            headers.insert("server-time", text.parse().unwrap());
            assert_eq!(server_time(&headers), None, "{text}");
            headers.insert(DATE, "Thu, 15 Nov 2012 18:11:23 GMT".parse().unwrap());
            assert_eq!(server_time(&headers), Some(Timestamp::from_secs(1_353_003_083)), "{text}");
        }
        for text in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT"]
        {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, text.parse().unwrap());
            assert_eq!(server_time(&headers), None, "{text}");
        }
    }
}
