//! A loopback server that speaks Heroku's and Pingdom's APIs over a simulated app, for tests, demonstrations and clients
//! that nobody here wrote. [`Sandbox::start`] takes two ports; what its parts do:
//!
//! * `world`: the app, its formation and its check in virtual time, and what reached the sandbox
//! * `heroku`, `heroku_json`, `ranges`, `pingdom`: the routes, pure functions from a call to an answer
//! * `fault`, `dice`, `body`: what goes wrong, when, and how it looks on the wire
//! * `server`: sockets
//!
//! Never reachable from another machine, and never a secret: its keys are printed.

mod body;
mod budget;
mod call;
mod clock;
mod dice;
mod fault;
mod heroku;
mod heroku_json;
mod pingdom;
mod ranges;
mod report;
mod server;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::simulation::{Incident, Load, Profile, Totals};
use crate::time::Timestamp;

pub use fault::{FaultError, Faults, GRAMMAR};
pub use report::{Patch, Report};

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

[SANDBOX]
# Time passes so many times faster than the wall clock.
speed: {speed}
{since}"
        )
    }
}

/// A running sandbox. Ends when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    info: Info,
    seed: u64,
    shared: Arc<server::Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Sandbox {
    /// User of Pingdom's 2.1.
    pub const PINGDOM_LOGIN: &str = pingdom::LOGIN;
    /// Password of Pingdom's 2.1.
    pub const PINGDOM_PASSWORD: &str = pingdom::PASSWORD;

    /// Starts one on the current tokio runtime, whose time and IO drivers are on.
    ///
    /// # Errors
    /// `InvalidInput` where the address is not a loopback one or another option is out of its range; otherwise what
    /// binding the ports brought.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        check(&options)?;
        let heroku = bind(options.listen).await?;
        let heroku_at = heroku.local_addr()?;
        let second = match options.listen.port() {
            0 => 0,
            port => port.checked_add(1).ok_or_else(|| invalid("--listen: Pingdom's port would be above 65535"))?,
        };
        let pingdom = bind(SocketAddr::new(options.listen.ip(), second)).await?;
        let mut info = Info {
            heroku_url: format!("http://{heroku_at}"),
            pingdom_url: format!("http://{}", pingdom.local_addr()?),
            app_name: options.app_name.clone(),
            heroku_api_key: world::uuid(options.seed, "heroku key"),
            pingdom_api_key: world::uuid(options.seed, "pingdom key").replace('-', ""),
            check_id: 10_000_000 + options.seed % 1_000_000,
            since: None,
        };
        let start = options.start.unwrap_or_else(clock::wall_clock);
        let world = world::World::new(&options, info.clone(), start);
        // The clock starts only now: the history took a moment.
        let clock = clock::Clock::starting_at(start, options.speed);
        info.since = clock.meets_wall_clock();
        let shared = Arc::new(server::Shared::new(clock, world));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(heroku, server::Api::Heroku, Arc::clone(&shared), stopped.clone()));
        tasks.spawn(server::serve(pingdom, server::Api::Pingdom, Arc::clone(&shared), stopped.clone()));
        tasks.spawn(server::tick(Arc::clone(&shared), stopped));
        Ok(Self { info, seed: options.seed, shared, stop, tasks })
    }

    /// What a client needs to know.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Base address of Heroku's API.
    pub fn heroku_url(&self) -> &str {
        &self.info.heroku_url
    }

    /// Base address of Pingdom's API, without `/api/3.1`.
    pub fn pingdom_url(&self) -> &str {
        &self.info.pingdom_url
    }

    /// Virtual now.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// What reached it so far: the same as `GET /_sandbox`.
    pub fn report(&self) -> Report {
        self.shared.with(|world, _| world.report())
    }

    /// What happened in the app since it is served.
    pub fn totals(&self) -> Totals {
        self.shared.with(|world, _| world.totals())
    }

    /// From now on these things go wrong, and no others. Their dice start anew.
    pub fn set_faults(&self, faults: &Faults) {
        self.shared.with(|world, _| world.dice = dice::Dice::new(faults, self.seed));
    }

    /// The app enters or leaves maintenance mode.
    pub fn set_maintenance(&self, on: bool) {
        self.shared.with(|world, _| world.maintenance = on);
    }

    /// Somebody else sets the quantity of `web`, as from the dashboard: no call, no entry among the patches.
    pub fn scale_by_hand(&self, quantity: u32) {
        self.shared.with(|world, now| world.scale_unseen(quantity, now));
    }

    /// Ends it; when this returns, both ports are free and every connection is closed.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// They are listed anew at each call.
const MOST_OTHER_APPS: u32 = 10_000;

fn check(options: &SandboxOptions) -> io::Result<()> {
    if !options.listen.ip().is_loopback() {
        return Err(invalid(&format!(
            "the sandbox listens on loopback addresses only (127.0.0.1 or [::1]), not on {}: anybody may have its keys",
            options.listen.ip()
        )));
    }
    if !(0.01..=1e4).contains(&options.speed) {
        return Err(invalid(&format!("a speed is from 0.01 to 10000, not {}", options.speed)));
    }
    let name = options.app_name.as_bytes();
    let fits = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if !((3..=30).contains(&name.len())
        && name[0].is_ascii_lowercase()
        && name.iter().all(fits)
        && !name.ends_with(b"-"))
    {
        return Err(invalid(&format!(
            "\"{}\" is no name of an app: 3 to 30 of a-z, 0-9 and -, a letter first, no - last",
            options.app_name
        )));
    }
    if options.other_apps > MOST_OTHER_APPS {
        return Err(invalid(&format!("{} other apps are more than {MOST_OTHER_APPS}", options.other_apps)));
    }
    if options.app_name.starts_with(world::OTHER_APP) {
        return Err(invalid(&format!("\"{}\" begins like one of the other apps: give another name", options.app_name)));
    }
    if options.dynos > options.most_dynos {
        return Err(invalid(&format!("{} dynos are more than {}", options.dynos, options.most_dynos)));
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
