//! What the log shows: by default what is new, and each check where somebody looks on or asks for it.

use std::path::Path;
use std::process::Command;

use crate::running::{Daemon, Site, of_kind, quiet};

/// Nothing to do, check after check.
const CALM: &str = "min_dynos: 2\nmax_dynos: 2\n";
/// Each check would have more.
const AT_MAX: &str = "min_dynos: 2\nmax_dynos: 2\nresponse_time_low: 1\nresponse_time_high: 2\n";

fn run(site: &Site, config: &Path, more: &[&str]) -> Command {
    site.command(&[&["run", "--json", "--config", config.to_str().unwrap()], more].concat())
}

/// Lines that tell of a check, in a log of so many checks at least.
fn told_of(site: &Site, more: &[&str], level: &str) -> (usize, usize) {
    let config = site.configure(CALM);
    let mut command = run(site, &config, more);
    command.env("AUTOSCALE_LOG", level);
    let mut daemon = Daemon::start(command);
    daemon.prints("checked", 6);
    #[cfg(unix)]
    assert_eq!(daemon.stop(), Some(0));
    daemon.kill();
    let log = daemon.log();
    let lines = log.lines().filter(|line| line.contains("shop web: 2 dynos: ")).count();
    (lines, of_kind(&daemon.events(), "checked").len())
}

#[test]
fn a_pipe_shows_what_is_new_and_a_level_shows_each_check() {
    let site = Site::start(autoscale_core::workspace::sandbox::SandboxOptions { speed: 300.0, ..quiet(2) });
    for (more, level) in [(&[][..], ""), (&[], "notice"), (&["--log-level", "notice"], "trace")] {
        assert_eq!(told_of(&site, more, level).0, 1, "the first alone: {more:?} {level}");
    }
    for (more, level) in [(&[][..], "info"), (&["--log-level", "info"], ""), (&["--log-level", "debug"], "error")] {
        let (lines, checks) = told_of(&site, more, level);
        assert_eq!(lines, checks, "{more:?} {level}");
    }
    assert_eq!(told_of(&site, &[], "warn").0, 0);
}

#[test]
fn a_level_that_is_none_is_refused_with_those_there_are() {
    let site = Site::start(quiet(2));
    let output = site.run(&["run", "--log-level", "verbose"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("[possible values: off, error, warn, notice, info, debug, trace]"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_hold_for_another_reason_is_shown_once_and_its_end_once() {
    let site = Site::start(autoscale_core::workspace::sandbox::SandboxOptions { speed: 300.0, ..quiet(2) });
    let config = site.configure(CALM);
    let mut daemon = Daemon::start(run(&site, &config, &[]));
    daemon.prints("checked", 4);
    site.configure(AT_MAX);
    daemon.signal("-HUP");
    let at_max = "shop web: 2 dynos: needs more, but already has the most it may have (2 dynos)";
    daemon.says(at_max, 1);
    let so_far = of_kind(&daemon.events(), "checked").len();
    daemon.prints("checked", so_far + 5);
    site.configure(CALM);
    daemon.signal("-HUP");
    daemon.says("shop web: 2 dynos: steady at ", 2);
    let so_far = of_kind(&daemon.events(), "checked").len();
    daemon.prints("checked", so_far + 5);
    assert_eq!(daemon.stop(), Some(0));
    let log = daemon.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains("shop web: 2 dynos: ")).collect();
    assert!(told.len() == 3 && told[1].ends_with(at_max), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn somebody_at_a_terminal_sees_each_check() {
    use std::fs::File;
    use std::io::Read as _;
    use std::os::fd::FromRawFd as _;
    use std::process::Stdio;

    let site = Site::start(autoscale_core::workspace::sandbox::SandboxOptions { speed: 300.0, ..quiet(2) });
    let config = site.configure(CALM);
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: two places for numbers; the rest may be null.
    let opened = unsafe {
        libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null(), std::ptr::null())
    };
    assert_eq!(opened, 0);
    // SAFETY: both were opened here and are nobody else's.
    let (mut screen, terminal) = unsafe { (File::from_raw_fd(master), Stdio::from(File::from_raw_fd(slave))) };
    let mut command = run(&site, &config, &[]);
    let mut child = command.stdout(Stdio::null()).stderr(terminal).spawn().unwrap();
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while text.matches("shop web: 2 dynos: ").count() < 5 {
        let length = screen.read(&mut bytes).unwrap();
        text += &String::from_utf8_lossy(&bytes[..length]);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
