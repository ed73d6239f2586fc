//! The program's own clients, pointed at a sandbox.

use autoscale_core::config::{Heroku, Pingdom, PingdomVersion, Secret};
use autoscale_core::heroku::HerokuFormation;
use autoscale_core::http::HttpOptions;
use autoscale_core::pingdom::PingdomResults;
use autoscale_core::sandbox::Sandbox;

const SPEED: f64 = 100.0;

pub(crate) fn heroku(sandbox: &Sandbox) -> HerokuFormation {
    let info = sandbox.info();
    let config = Heroku {
        api_key: Some(Secret::new(&info.heroku_api_key)),
        app_name: info.app_name.clone(),
        process_type: "web".into(),
        api_url: info.heroku_url.clone(),
        ca_file: None,
    };
    HerokuFormation::new(&config, &HttpOptions::at_speed(SPEED)).unwrap()
}

pub(crate) fn pingdom(sandbox: &Sandbox, api_version: PingdomVersion) -> PingdomResults {
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
    PingdomResults::new(&config, &HttpOptions::at_speed(SPEED)).unwrap()
}
