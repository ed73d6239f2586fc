//! What costs scaling quality and can only be seen in the services themselves. Looked for once, beside the loop; changes
//! nothing.

use std::time::Duration;

use crate::config::Config;
use crate::http::HttpOptions;
use crate::sources::pingdom::{Pingdom, PingdomResults};
use crate::targets::heroku::HerokuFormation;

/// What is looked at, and how.
#[derive(Clone, Debug)]
pub(super) struct Startup {
    pub(super) config: Config,
    pub(super) http: HttpOptions,
}

impl Startup {
    /// Each finding as one line.
    pub(super) async fn run(self) -> Vec<String> {
        let Self { config, http } = self;
        let mut warnings = Vec::new();
        let pingdom = config.sources.primary().settings_as::<Pingdom>();
        if let Some(Ok(pingdom)) = pingdom.map(|pingdom| PingdomResults::new(pingdom, &http)) {
            match pingdom.resolution().await {
                Ok(resolution) => warnings.extend(resolution_warning(resolution, config.check_frequency)),
                Err(failure) => tracing::debug!("the check's resolution is not known: {failure}"),
            }
        }
        if let Ok(heroku) = HerokuFormation::new(&config.heroku, &http) {
            warnings.extend(heroku.native_autoscaling().await);
        }
        warnings
    }
}

/// What a resolution above a minute, Pingdom's finest, costs: `None` where there is nothing to warn of.
pub fn resolution_warning(resolution: Duration, check_frequency: Duration) -> Option<String> {
    let minutes = resolution.as_secs() / 60;
    if minutes <= 1 {
        return None;
    }
    let cost = if check_frequency < resolution * 2 {
        "fewer than 2 results come between two checks, so that slowness is confirmed late"
    } else {
        "slowness is seen late"
    };
    Some(format!("Pingdom checks each {minutes} min: {cost}; set the Pingdom check's resolution to 1 minute"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_resolution_is_nothing_to_warn_of() {
        let warning = |resolution: u64, frequency: u64| {
            resolution_warning(Duration::from_secs(60 * resolution), Duration::from_secs(60 * frequency))
        };
        assert_eq!(warning(1, 1), None);
        assert_eq!(warning(1, 5), None);
        let start = "Pingdom checks each 5 min: ";
        assert!(warning(5, 5).unwrap().starts_with(&format!("{start}fewer than 2 results come")));
        assert!(warning(5, 10).unwrap().starts_with(&format!("{start}slowness is seen late; set ")));
    }
}
