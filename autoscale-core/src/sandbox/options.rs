//! What a sandbox is asked to be like, and what it tells its clients of itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::Faults;
use super::log::LogHabits;
use crate::model::time::Timestamp;
use crate::simulation::{Incident, Load, Profile};

/// What a sandbox is like.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// A loopback address. Heroku's API listens there, Pingdom's one port above; port 0: two that are free.
    pub listen: SocketAddr,
    /// Name of the app, as Heroku allows it.
    pub app_name: String,
    /// How the app behaves.
    pub profile: Profile,
    /// Requests that reach it, from when it begins to serve.
    pub load: Load,
    /// What goes wrong in the app itself; times are counted from when it begins to serve.
    pub incidents: Vec<Incident>,
    /// Virtual seconds in a second, 0.01 to 10,000.
    pub speed: f64,
    /// Of all that is left to chance.
    pub seed: u64,
    /// Dynos at the start.
    pub dynos: u32,
    /// What goes wrong.
    pub faults: Faults,
    /// Virtual time at which it begins to serve; `None`: the wall clock's.
    pub start: Option<Timestamp>,
    /// How long the app has lived, and has been checked, by then; rounded up to minutes.
    pub history: Duration,
    /// The most dynos of a process type; Heroku's own limit is 100 (Dev Center, "dyno scaling and process limits").
    pub most_dynos: u32,
    /// Calls that Heroku's rate limit lets through at once; refilled by 75 a virtual minute.
    pub heroku_calls: u32,
    /// Is Heroku's own autoscaling active on `web`?
    pub native_autoscaling: bool,
    /// Further apps of the account, `other-app-1` and so on, each with a check. They can be read and do nothing.
    pub other_apps: u32,
    /// How the app's log behaves.
    pub logs: LogHabits,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            app_name: "sandbox-app".into(),
            profile: Profile::default(),
            load: Load::default(),
            incidents: Vec::new(),
            speed: 1.0,
            seed: 1,
            dynos: 2,
            faults: Faults::default(),
            start: None,
            history: Duration::from_secs(31 * 60),
            most_dynos: 100,
            heroku_calls: 4500,
            native_autoscaling: false,
            other_apps: 0,
            logs: LogHabits::default(),
        }
    }
}

/// What a client needs to know: the JSON line that `autoscale sandbox` prints. Nothing in it is secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Info {
    /// Base address of Heroku's API.
    pub heroku_url: String,
    /// Base address of Pingdom's API, without `/api/3.1`.
    pub pingdom_url: String,
    /// Name of the app.
    pub app_name: String,
    /// Token for Heroku's API.
    pub heroku_api_key: String,
    /// Token of Pingdom's 3.1, application key of its 2.1.
    pub pingdom_api_key: String,
    /// The check whose results tell of the app.
    pub check_id: u64,
    /// When its time was that of the wall clock, for [`Info::config_text`]; `None` where the two go side by side.
    #[serde(skip)]
    pub since: Option<Timestamp>,
}

impl Info {
    /// As one line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts and a number have a form in JSON")
    }

    /// A configuration that points at this sandbox, which runs so many times faster than the wall clock.
    pub fn config_text(&self, speed: f64) -> String {
        self.config_text_with(speed, &[])
    }

    /// [`Info::config_text`] with further keys of `[AUTOSCALE_SETTINGS]`, each with its value.
    pub fn config_text_with(&self, speed: f64, settings: &[(&str, &str)]) -> String {
        let settings: String = settings.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let Self { heroku_url, pingdom_url, app_name, heroku_api_key, pingdom_api_key, check_id, since } = self;
        let since = since.map(|since| {
            format!(
                "# Since when: log, status and graphs tell the sandbox's time.\nsince: {:.6}\n",
                since.as_secs_f64()
            )
        });
        let since = since.unwrap_or_default();
        format!(
            "\
# Written by the sandbox: points at a simulated app that runs on this machine.

[HEROKU_INFOS]
api_key: {heroku_api_key}
app_name: {app_name}
api_url: {heroku_url}

[PINGDOM_INFOS]
api_key: {pingdom_api_key}
check_id: {check_id}
api_url: {pingdom_url}

[AUTOSCALE_SETTINGS]
min_dynos: 1
max_dynos: 10
response_time_low: 500
response_time_high: 2000
check_frequency: 1
pingdom_check_period: 30
{settings}
[SANDBOX]
# Time passes so many times faster than the wall clock.
speed: {speed}
{since}"
        )
    }
}
