//! The proxy that the environment names for an address, as errors name it: what it answers is not the service's doing.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use super::agent::is_loopback;

/// A proxy without the user and password that it may be asked with: "http://proxy.example.com:3128". `None` where an
/// address is asked directly. The same rules as the clients': `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.
pub(crate) fn proxy_of(url: &Url) -> Option<String> {
    if is_loopback(url) {
        return None;
    }
    proxy_by(&Matcher::from_system(), url)
}

fn proxy_by(matcher: &Matcher, url: &Url) -> Option<String> {
    let uri: http::Uri = url.as_str().parse().ok()?;
    let intercept = matcher.intercept(&uri)?;
    let proxy = intercept.uri();
    let port = proxy.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", proxy.scheme_str().unwrap_or("http"), proxy.host()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_without_its_password_and_only_where_it_is_asked() {
        let matcher =
            Matcher::builder().https("http://me:never-shown@proxy.example.com:3128").no("internal.example.com").build();
        let of = |url: &str| proxy_by(&matcher, &Url::parse(url).unwrap());
        assert_eq!(of("https://api.heroku.com/apps").as_deref(), Some("http://proxy.example.com:3128"));
        assert_eq!(of("http://api.heroku.com/"), None);
        assert_eq!(of("https://internal.example.com/"), None);
        assert_eq!(proxy_of(&Url::parse("https://127.0.0.1:1/").unwrap()), None);
    }
}
