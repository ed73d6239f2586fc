//! Which checks are an app's, by their hosts. Pure.

use autoscale_core::workspace::pingdom::wire::CheckRow;

/// How well a host fits an app's domains: the lower the better, `None` not at all.
fn fit(host: &str, domains: &[String]) -> Option<u8> {
    let plain = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let host = plain(host);
    let one = |domain: &String| {
        let domain = plain(domain);
        if host.is_empty() {
            None
        } else if host == domain {
            Some(0)
        } else if bare(&host) == bare(&domain) {
            Some(1)
        } else {
            // A certificate's rule: the star stands for one label.
            let parent = domain.strip_prefix("*.")?;
            host.split_once('.').filter(|(_, rest)| *rest == parent).map(|_| 2)
        }
    };
    domains.iter().filter_map(one).min()
}

/// The checks whose host is the app's, as places in the list, best first: by how well the host fits, then by how often
/// they measure. Those that are paused measure nothing and are no suggestion.
pub(super) fn suggested(checks: &[CheckRow], domains: &[String]) -> Vec<usize> {
    let mut fitting: Vec<(u8, u32, usize)> = checks
        .iter()
        .enumerate()
        .filter(|(_, check)| !check.is_paused())
        .filter_map(|(place, check)| {
            Some((fit(&check.hostname, domains)?, check.resolution.unwrap_or(u32::MAX), place))
        })
        .collect();
    fitting.sort_unstable();
    fitting.into_iter().map(|(.., place)| place).collect()
}

/// The one check that is the app's, where there is no doubt.
pub(super) fn only(checks: &[CheckRow], domains: &[String]) -> Option<usize> {
    let suggested = suggested(checks, domains);
    let best = fit(&checks[*suggested.first()?].hostname, domains);
    let mut equal = suggested.into_iter().filter(|place| fit(&checks[*place].hostname, domains) == best);
    let first = equal.next();
    if equal.next().is_some() { None } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hostname: &str, resolution: u32, status: &str) -> CheckRow {
        CheckRow {
            id: 1,
            name: String::new(),
            hostname: hostname.into(),
            resolution: Some(resolution),
            kind: Some("http".into()),
            status: Some(status.into()),
        }
    }

    #[test]
    fn a_host_fits_by_itself_by_its_www_and_by_a_wildcard() {
        let domains = ["shop.example.com", "*.example.org", "shop.heroku.example"].map(str::to_owned);
        for (host, expected) in [
            ("shop.example.com", Some(0)),
            ("SHOP.example.com.", Some(0)),
            ("www.shop.example.com", Some(1)),
            ("eu.example.org", Some(2)),
            ("a.eu.example.org", None),
            ("example.org", None),
            ("myshop.example.com", None),
            ("", None),
        ] {
            assert_eq!(fit(host, &domains), expected, "{host}");
        }
    }

    #[test]
    fn the_best_host_comes_first_and_a_paused_check_not_at_all() {
        let domains = ["shop.example.com".to_owned()];
        let checks = [
            check("blog.example.com", 1, "up"),
            check("www.shop.example.com", 1, "up"),
            check("shop.example.com", 5, "down"),
            check("shop.example.com", 1, "paused"),
        ];
        assert_eq!(suggested(&checks, &domains), [2, 1]);
        assert_eq!(only(&checks, &domains), Some(2));
    }

    #[test]
    fn between_two_that_fit_as_well_there_is_doubt() {
        let domains = ["shop.example.com".to_owned()];
        let checks = [check("shop.example.com", 5, "up"), check("shop.example.com", 1, "up")];
        assert_eq!(suggested(&checks, &domains), [1, 0], "the finer one first");
        assert_eq!(only(&checks, &domains), None);
        assert_eq!(only(&checks[..1], &domains), Some(0));
        assert_eq!(only(&[], &domains), None);
    }
}
