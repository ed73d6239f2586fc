//! A PostgreSQL of the tests' own: a cluster in a temporary folder, on a socket and on a loopback port with TLS. It ends
//! with the last of the tests that use it at the time.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use autoscale_core::workspace::config::Secret;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::LONG;

/// Whom a server of root's runs as: PostgreSQL refuses root.
const NOBODY: u32 = 65_534;

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
    server: Mutex<Option<Child>>,
    databases: AtomicU32,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

/// The newest PostgreSQL of this machine.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed: scripts/setup installs it");
    let newest = versions.filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.parse::<u32>().ok()).max();
    Path::new("/usr/lib/postgresql").join(newest.expect("a version of PostgreSQL").to_string()).join("bin")
}

/// A command of PostgreSQL's, as a user that may run it.
fn command(name: &str) -> Command {
    let mut command = Command::new(programs().join(name));
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn for_the_server(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

impl Cluster {
    /// The one that other tests use now, or a new one.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    /// One that no other test uses, for those that stop it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        for_the_server(folder.path(), 0o755);
        let data = folder.path().join("data");
        let mut initdb = command("initdb");
        initdb
            .args(["--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data);
        assert!(initdb.current_dir("/").status().unwrap().success(), "initdb failed");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tls");
        for name in ["server.pem", "server.key"] {
            fs::copy(fixtures.join(name), data.join(name)).unwrap();
            for_the_server(&data.join(name), 0o600);
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, port, server: Mutex::default(), databases: AtomicU32::new(0) };
        cluster.resume();
        cluster
    }

    /// Starts the server, after [`Cluster::kill`] or for the first time.
    pub(crate) fn resume(&self) {
        let data = self.folder.path().join("data");
        let mut server = command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(self.folder.path()).arg("-p").arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "ssl=on",
            "ssl_cert_file=server.pem",
            "ssl_key_file=server.key",
            "fsync=off",
            "max_connections=200",
            "shared_buffers=16MB",
        ] {
            server.args(["-c", setting]);
        }
        *self.server() = Some(server.current_dir("/").spawn().unwrap());
        let mut ready = command("pg_isready");
        ready.arg("-h").arg(self.folder.path()).arg("-p").arg(self.port.to_string());
        let begun = Instant::now();
        while !ready.status().unwrap().success() {
            assert!(begun.elapsed() < LONG, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server as a power failure would.
    pub(crate) fn kill(&self) {
        if let Some(mut server) = self.server().take() {
            let _ = kill(Pid::from_raw(server.id().cast_signed()), Signal::SIGQUIT);
            let _ = server.wait();
        }
    }

    /// A new database's address on the socket.
    pub(crate) fn database(&self) -> Secret {
        let name = format!("fleet_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut create = command("createdb");
        create.arg("-h").arg(self.folder.path()).arg("-p").arg(self.port.to_string()).args(["-U", "tester", &name]);
        assert!(create.status().unwrap().success(), "createdb failed");
        Secret::new(format!("postgres:///{name}?user=tester&host={}&port={}", self.folder.path().display(), self.port))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn server(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
    }
}
