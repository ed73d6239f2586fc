//! A session bus of the test's own: `dbus-daemon` with its own configuration, so that it starts no service of the
//! machine. Can hang, be killed, and come back at the same address.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::tray::wait_for;

pub(crate) struct Bus {
    folder: PathBuf,
    daemon: Child,
}

impl Bus {
    pub(crate) fn start(folder: &Path) -> Self {
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
             \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\
             <busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            folder.join("bus").display()
        );
        std::fs::write(folder.join("bus.conf"), text).unwrap();
        let daemon = launch(folder);
        Self { folder: folder.to_owned(), daemon }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:path={}", self.folder.join("bus").display())
    }

    pub(crate) fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    /// Goes on accepting connections, and answers none.
    pub(crate) fn hang(&self) {
        self.signal("STOP");
    }

    pub(crate) fn wake(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.daemon.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    pub(crate) fn come_back(&mut self) {
        self.daemon = launch(&self.folder);
    }
}

fn launch(folder: &Path) -> Child {
    let socket = folder.join("bus");
    let _ = std::fs::remove_file(&socket);
    let daemon = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", folder.join("bus.conf").display()))
        .args(["--nofork", "--nopidfile"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("dbus-daemon is there: `make setup` installs it");
    wait_for("the bus", || socket.exists().then_some(()));
    daemon
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
