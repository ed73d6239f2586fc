//! What a client is, to others and to itself: its name, and whether it asks its own machine.

use reqwest::Url;

/// How the program names itself.
pub(crate) const USER_AGENT: &str = concat!("libautoscale/", env!("CARGO_PKG_VERSION"));

/// Is it this machine itself?
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
