//! Pingdom's request paths and JSON bodies, to and from values: versions 3.1 and 2.1, which differ in their paths alone.
//! No IO, no clock, no judgement of the results.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::settings::PingdomVersion;
use crate::http::json;
use crate::http::listed::{AtMost, Listed};
use crate::model::down::DownDetail;
use crate::model::sample::{DownCause, Sample};
use crate::model::time::Timestamp;

/// Most results that one answer holds; a larger `limit` is silently cut to this.
pub const PAGE: usize = 1000;

/// Most entries of an answer that are believed: ten times what is asked for, for a gateway that does not know `limit`.
const MOST_ENTRIES: usize = 10 * PAGE;

/// Characters of a result's words that are read for what they say of its cause.
const LONGEST_WORDS: usize = 1000;

/// The largest `offset` that is accepted.
pub const LAST_OFFSET: usize = 43_200;

/// Path and query of a page of results from `from` to `to`, both included, in whole seconds outward.
pub fn results_path(version: PingdomVersion, check_id: u64, from: Timestamp, to: Timestamp, offset: usize) -> String {
    let to = to.as_micros().div_euclid(1_000_000) + i64::from(to.as_micros().rem_euclid(1_000_000) > 0);
    let from = from.as_secs();
    format!("{}/results/{check_id}?from={from}&to={to}&limit={PAGE}&offset={offset}", prefix(version))
}

/// Path of a check's description.
pub fn check_path(version: PingdomVersion, check_id: u64) -> String {
    format!("{}/checks/{check_id}", prefix(version))
}

/// Checks of one page of their list. The service would send 25,000; those are more than a body may hold here.
pub const CHECKS_PAGE: usize = 1000;

/// Path and query of a page of the list of checks.
pub fn checks_path(version: PingdomVersion, offset: usize) -> String {
    format!("{}/checks?limit={CHECKS_PAGE}&offset={offset}", prefix(version))
}

fn prefix(version: PingdomVersion) -> &'static str {
    match version {
        PingdomVersion::V3_1 => "/api/3.1",
        PingdomVersion::V2_1 => "/api/2.1",
    }
}

/// A body that is not what the API promises; says how.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// One page of results.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Page {
    /// Results that measured something, in the order of the body.
    pub results: Vec<ResultRow>,
    /// Entries of the body, with those that measured nothing or could not be read: a page of [`PAGE`] has a next one.
    pub entries: usize,
    /// Entries that could not be read.
    pub unreadable: usize,
}

/// One result and who measured it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ResultRow {
    /// The probe server; with the time it tells one result from another.
    pub probe: Option<i64>,
    /// What it measured.
    pub sample: Sample,
}

/// Reads the body of `results`. Results with nothing measured (`unknown`; `up` with no time or 0) are left out. A
/// result that can't be read does not spoil the others.
///
/// # Errors
/// Where the body is no such JSON, has far more results than were asked for, or most of them can't be read.
pub fn parse_results(body: &[u8]) -> Result<Page, Malformed> {
    let page = parse_recorded(body)?;
    if page.entries > MOST_ENTRIES {
        return Err(Malformed(format!("{} results at once, where at most {PAGE} were asked for", page.entries)));
    }
    Ok(page)
}

/// [`parse_results`] of a recording, which may hold many pages as one.
///
/// # Errors
/// As there, but for the number of results.
pub(crate) fn parse_recorded(body: &[u8]) -> Result<Page, Malformed> {
    #[derive(Deserialize)]
    struct Body {
        results: Page,
    }
    let Body { results: page } = json::read(body, "a list of results").map_err(Malformed)?;
    if page.unreadable * 2 > page.entries {
        let Page { unreadable, entries, .. } = page;
        return Err(Malformed(format!("{unreadable} of {entries} results can't be read")));
    }
    Ok(page)
}

/// Reads entry by entry: of one that can't be read nothing is kept but the number.
impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Page;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of results")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Page, A::Error> {
                let mut page = Page::default();
                while let Some(entry) = list.next_element::<&RawValue>()? {
                    page.entries += 1;
                    match serde_json::from_str::<Entry>(entry.get()).ok().and_then(Entry::read) {
                        Some(row) => page.results.extend(row),
                        None => page.unreadable += 1,
                    }
                }
                Ok(page)
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

/// One result as the body has it. "All attributes of a method response are not always present."
#[derive(Deserialize)]
struct Entry {
    probeid: Option<i64>,
    time: f64,
    status: String,
    responsetime: Option<f64>,
    statusdesc: Option<String>,
    statusdesclong: Option<String>,
}

impl Entry {
    /// `None`: can't be read. `Some(None)`: measured nothing.
    fn read(self) -> Option<Option<ResultRow>> {
        let at = Timestamp::from_secs_f64(self.time)?;
        let sample = match self.status.as_str() {
            "up" => Sample::up(at, self.responsetime.unwrap_or_default()),
            // The results' own enumeration says "unconfirmed", that of the checks "unconfirmed_down".
            "down" | "unconfirmed" | "unconfirmed_down" => {
                let texts = [self.statusdesc.as_deref(), self.statusdesclong.as_deref()];
                let (cause, met) = down_cause(texts, self.responsetime);
                Some(Sample::down(at, cause).met(met))
            }
            "unknown" => None,
            _ => return None,
        };
        Some(sample.map(|sample| ResultRow { probe: self.probeid, sample }))
    }
}

/// What Pingdom's words for a down result (`statusdesc`, `statusdesclong`) say of its cause: error where they speak of
/// a 4xx, of a 5xx that came in under 5 s, of a refused connection, DNS or TLS; everything else, and nothing said, is
/// a time-out.
pub fn down_cause(texts: [Option<&str>; 2], response_time_ms: Option<f64>) -> (DownCause, Option<DownDetail>) {
    /// In lower case; each is part of a text that names the failure.
    const ERRORS: [(&str, DownDetail); 15] = [
        ("refused", DownDetail::Refused),
        ("dns", DownDetail::Dns),
        ("resolve", DownDetail::Dns),
        ("unknown host", DownDetail::Dns),
        ("host not found", DownDetail::Dns),
        ("no such host", DownDetail::Dns),
        ("name or service not known", DownDetail::Dns),
        ("nodename nor servname", DownDetail::Dns),
        ("name resolution", DownDetail::Dns),
        ("nxdomain", DownDetail::Dns),
        ("tls", DownDetail::Tls),
        ("ssl", DownDetail::Tls),
        ("certificate", DownDetail::Tls),
        ("handshake", DownDetail::Tls),
        ("self signed", DownDetail::Tls),
    ];
    let took = response_time_ms.filter(|ms| *ms > 0.0);
    let texts = texts.map(|text| {
        let text = text.unwrap_or_default();
        let end = text.char_indices().nth(LONGEST_WORDS).map_or(text.len(), |(end, _)| end);
        text[..end].to_ascii_lowercase()
    });
    if let Some(status) = texts.iter().find_map(|text| http_error_status(text)) {
        return (DownCause::of_http_status(status, took), Some(DownDetail::Http(status)));
    }
    // "Timeout while connecting (TLS handshake)": that it took too long is what counts.
    if texts.iter().any(|text| ["timeout", "time-out", "timed out", "time out"].iter().any(|t| text.contains(t))) {
        return (DownCause::Timeout, None);
    }
    let met = ERRORS.iter().find(|(word, _)| texts.iter().any(|text| text.contains(word))).map(|(_, met)| *met);
    (if met.is_some() { DownCause::Error } else { DownCause::Timeout }, met)
}

/// The first number from 400 to 599 that stands by itself and is no span of time: 503 in "HTTP Error 503", none in
/// "Timeout (> 500 ms)".
fn http_error_status(text: &str) -> Option<u16> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.iter().enumerate().find_map(|(i, word)| {
        let unit = words.get(i + 1).is_some_and(|next| ["ms", "s", "sec", "seconds", "milliseconds"].contains(next));
        word.parse().ok().filter(|status| (400..600).contains(status) && word.len() == 3 && !unit)
    })
}

/// A day, in minutes: Pingdom's own resolutions end at an hour.
const LONGEST_RESOLUTION: u32 = 1440;

/// What is known of a check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckDescription {
    /// Its name.
    pub name: Option<String>,
    /// Time between two of its tests: 1, 5, 15, 30 or 60 minutes.
    pub resolution: Duration,
}

/// Reads the body of `checks/{id}`.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_check(body: &[u8]) -> Result<CheckDescription, Malformed> {
    #[derive(Deserialize)]
    struct Body {
        check: Check,
    }
    #[derive(Deserialize)]
    struct Check {
        name: Option<String>,
        resolution: u32,
    }
    let Body { check } = json::read(body, "a description of a check").map_err(Malformed)?;
    if !(1..=LONGEST_RESOLUTION).contains(&check.resolution) {
        return Err(Malformed(format!("a resolution of {} min", check.resolution)));
    }
    Ok(CheckDescription { name: check.name, resolution: Duration::from_secs(u64::from(check.resolution) * 60) })
}

/// A check as the list of checks has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct CheckRow {
    /// Its number.
    pub id: u64,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Host that it asks.
    #[serde(default)]
    pub hostname: String,
    /// Minutes between two of its tests.
    pub resolution: Option<u32>,
    /// What it does: `http`, `httpcustom`, `ping`, `tcp`…
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `up`, `down`, `unconfirmed_down`, `unknown` or `paused`.
    pub status: Option<String>,
}

impl CheckRow {
    /// Does it time a page? A check that says nothing of its kind may.
    pub fn times_a_page(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| matches!(kind, "http" | "httpcustom"))
    }

    /// Has somebody paused it, so that it measures nothing?
    pub fn is_paused(&self) -> bool {
        self.status.as_deref() == Some("paused")
    }
}

/// Reads a page of the list of checks; at most [`CHECKS_PAGE`] of them.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_checks(body: &[u8]) -> Result<Listed<CheckRow>, Malformed> {
    #[derive(Deserialize)]
    struct Body {
        checks: AtMost<CheckRow, CHECKS_PAGE>,
    }
    json::read(body, "list of checks").map_err(Malformed).map(|body: Body| body.checks.0)
}

/// What an error's body says, if it says anything.
pub fn parse_error(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        errormessage: Option<String>,
        statusdesc: Option<String>,
    }
    let Body { error } = serde_json::from_slice(body).ok()?;
    error.errormessage.or(error.statusdesc).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_down_is_read_from_pingdoms_words() {
        use DownCause::{Error, Timeout};
        for (short, long, ms, cause) in [
            ("Connection refused", "", None, Error),
            ("DNS error", "Could not resolve host", None, Error),
            ("Unknown host", "", Some(0.0), Error),
            ("SSL error", "certificate has expired", Some(80.0), Error),
            ("HTTP Error 404", "Not Found", Some(30.0), Error),
            ("HTTP Error 404", "Not Found", None, Error),
            ("HTTP Error 500", "Internal Server Error", Some(4_999.0), Error),
            ("HTTP Error 500", "Internal Server Error", Some(5_000.0), Timeout),
            ("HTTP Error 503", "Service Unavailable", None, Timeout),
            ("", "504 Gateway Timeout", Some(100.0), Error),
            ("Timeout (> 500 ms)", "", Some(501.0), Timeout),
            ("Timeout", "timed out during the TLS handshake", None, Timeout),
            ("Socket timeout, unable to connect to server", "", None, Timeout),
            ("Network is unreachable", "", None, Timeout),
            ("Port 5432 closed early", "", None, Timeout),
            ("", "", None, Timeout),
        ] {
            assert_eq!(down_cause([Some(short), Some(long)], ms).0, cause, "{short:?} {long:?} {ms:?}");
        }
        assert_eq!(down_cause([None, None], Some(10.0)), (Timeout, None));
        for (text, met) in [
            ("Connection refused", DownDetail::Refused),
            ("HTTP Error 401", DownDetail::Http(401)),
            ("Could not resolve host", DownDetail::Dns),
            ("certificate has expired", DownDetail::Tls),
        ] {
            assert_eq!(down_cause([Some(text), None], Some(30.0)), (Error, Some(met)), "{text}");
        }
    }
}
