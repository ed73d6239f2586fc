//! The program's own clients, pointed at a sandbox.

use std::time::Duration;

use autoscale_core::workspace::config::{Heroku, Pingdom, PingdomVersion, Secret};
use autoscale_core::workspace::heroku::HerokuFormation;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::sandbox::Sandbox;

use super::LONG;

/// Short pauses between attempts, and as much time for each as a busy machine may need.
pub(crate) fn patient() -> HttpOptions {
    HttpOptions { min_timeout: LONG, deadline: LONG, ..HttpOptions::at_speed(100.0) }
}

/// The same, for a server that never answers: gives up after 5 s.
pub(crate) fn hasty() -> HttpOptions {
    let limit = Duration::from_secs(5);
    HttpOptions { min_timeout: limit, deadline: limit, ..HttpOptions::at_speed(100.0) }
}

pub(crate) fn heroku(sandbox: &Sandbox, http: &HttpOptions) -> HerokuFormation {
    let info = sandbox.info();
    let config = Heroku {
        api_key: Some(Secret::new(&info.heroku_api_key)),
        app_name: info.app_name.clone(),
        process_type: "web".into(),
        api_url: info.heroku_url.clone(),
        ca_file: None,
    };
    HerokuFormation::new(&config, http).unwrap()
}

pub(crate) fn pingdom(sandbox: &Sandbox, api_version: PingdomVersion, http: &HttpOptions) -> PingdomResults {
    let info = sandbox.info();
    let config = Pingdom {
        api_key: Some(Secret::new(&info.pingdom_api_key)),
        login: Some(Sandbox::PINGDOM_LOGIN.into()),
        password: Some(Secret::new(Sandbox::PINGDOM_PASSWORD)),
        check_id: Some(info.check_id),
        api_version,
        api_url: info.pingdom_url.clone(),
        ca_file: None,
    };
    PingdomResults::new(&config, http).unwrap()
}
