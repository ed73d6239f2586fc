//! Requests that brought no answer, in words: what happened, and what to mend.

use std::error::Error;
use std::time::Duration;

use super::peer::Peer;
use crate::model::units::Span;

/// Why there is no answer. `origin` is where it was looked for.
pub(super) fn transport(
    error: &reqwest::Error,
    peer: Peer,
    origin: &str,
    proxy: Option<&str>,
    timeout: Duration,
) -> String {
    let through = proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default();
    let Peer { name, .. } = peer;
    if error.is_timeout() && !error.is_connect() {
        return format!("{name} did not answer{through} within {}", Span(timeout));
    }
    let cause = root(error);
    if let Some(why) = distrust(&cause) {
        let mend = if peer.takes_ca_file { format!(": check [{}] ca_file", peer.section) } else { String::new() };
        return format!("{name} at {origin} shows a certificate that {why}{mend}");
    }
    if error.is_connect() {
        return format!("{name} could not be reached at {origin}{through}: {cause}");
    }
    format!("the connection to {name}{through} broke: {cause}")
}

/// Why a certificate is not trusted, where that is the cause. The words are those of rustls.
pub(crate) fn distrust(cause: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 8] = [
        ("UnknownIssuer", "is self-signed, or of an authority that nobody here trusts"),
        ("CaUsedAsEndEntity", "is self-signed, as an authority's own: a server needs one that an authority has signed"),
        ("expired", "has expired"),
        ("not valid yet", "is not valid yet, or the clock here is wrong"),
        ("not valid for name", "is another server's"),
        ("Revoked", "was revoked"),
        ("BadSignature", "is not signed by the authority that it names"),
        ("", "can't be trusted"),
    ];
    let is_certificate = cause.contains("peer certificate");
    WORDS.iter().find(|(word, _)| is_certificate && cause.contains(word)).map(|(_, why)| *why)
}

/// The innermost cause: the outer ones only say "error sending request", and name the address.
pub(crate) fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::eq(cause, error as &dyn Error) {
        return "no cause given".into();
    }
    let text = cause.to_string();
    // The number says nothing that the words before it do not.
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}
