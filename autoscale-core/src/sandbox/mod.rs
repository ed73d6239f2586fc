//! A loopback server that speaks Heroku's and Pingdom's APIs over a simulated app, for tests, demonstrations and clients
//! that nobody here wrote. [`Sandbox::start`] takes two ports; what its parts do:
//!
//! * `world`: the app, its formation and its check in virtual time, and what reached the sandbox
//! * `heroku`, `heroku_json`, `sizes`, `refusal`, `ranges`, `pingdom`: the routes, pure functions from a call to an answer
//! * `log`: the log of the router, and its sessions
//! * `fault`, `fault_injector`, `body`: what goes wrong, when, and how it looks on the wire
//! * `server`: sockets
//!
//! Never reachable from another machine, and never a secret: its keys are printed.

mod body;
mod budget;
mod call;
mod clock;
mod fault;
mod fault_injector;
mod heroku;
mod heroku_json;
mod log;
mod options;
mod pingdom;
mod ranges;
mod refusal;
mod report;
mod server;
mod sizes;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::model::time::Timestamp;
use crate::simulation::Totals;

pub use fault::{FaultError, Faults, GRAMMAR};
pub use log::{LOG_GRAMMAR, LogHabits};
pub use options::{Info, SandboxOptions};
pub use report::{Patch, Report};

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

    /// From now on these things go wrong, and no others. Counts and random numbers start over.
    pub fn set_faults(&self, faults: &Faults) {
        self.shared.with(|world, _| world.injector = fault_injector::FaultInjector::new(faults, self.seed));
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
