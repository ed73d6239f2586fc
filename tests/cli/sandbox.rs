//! `autoscale sandbox` as a process: its line, its configuration, its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{LONG, wait_until};

const AUTOSCALE: &str = env!("CARGO_BIN_EXE_autoscale");

struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    line: Value,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(arguments: &[&str]) -> Running {
    let mut child = Command::new(AUTOSCALE)
        .arg("sandbox")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    Running { child, stdout, line: serde_json::from_str(&line).unwrap() }
}

fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = Command::new(AUTOSCALE).arg("sandbox").args(arguments).output().unwrap();
    assert!(stdout.is_empty());
    (status.code(), String::from_utf8(stderr).unwrap())
}

impl Running {
    fn text(&self, key: &str) -> &str {
        self.line[key].as_str().unwrap()
    }

    /// One GET: status and body.
    fn get(&self, url: &str, path: &str, token: &str) -> (u16, Value) {
        let address = self.text(url).strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/vnd.heroku+json; version=3\r\n\
             Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    /// Sends a signal, and waits for the end: the exit code.
    #[cfg(unix)]
    fn end(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut rest = String::new();
                self.stdout.read_to_string(&mut rest).unwrap();
                assert_eq!(rest, "", "one line and no more");
                return status.code();
            }
            assert!(since.elapsed() < LONG, "still there {LONG:?} after {signal}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(unix)]
#[test]
fn it_says_one_line_of_json_serves_both_apis_and_ends_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let sandbox = start(&["--dynos", "3", "--app", "shop"]);
        let mut keys: Vec<_> = sandbox.line.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["app_name", "check_id", "heroku_api_key", "heroku_url", "pingdom_api_key", "pingdom_url"]);
        assert_eq!(sandbox.text("app_name"), "shop");
        let key = sandbox.text("heroku_api_key");
        let (status, web) = sandbox.get("heroku_url", "/apps/shop/formation/web", key);
        assert_eq!((status, &web["quantity"]), (200, &Value::from(3)));
        let path = format!("/api/3.1/results/{}", sandbox.line["check_id"]);
        let (status, results) = sandbox.get("pingdom_url", &path, sandbox.text("pingdom_api_key"));
        assert!(status == 200 && results["results"].as_array().unwrap().len() > 20, "{status} {results}");
        let (_, report) = sandbox.get("heroku_url", "/_sandbox", "");
        assert_eq!((&report["reads"], &report["results_reads"]), (&Value::from(1), &Value::from(1)));
        assert_eq!(sandbox.end(signal), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_call_that_waits_does_not_keep_it() {
    let sandbox = start(&["--fault", "all:timeout"]);
    let address = sandbox.text("heroku_url").strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /account HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    wait_until("the call", || sandbox.get("heroku_url", "/_sandbox", "").1["faults"] == 1);
    assert_eq!(sandbox.end("-TERM"), Some(0));
}

#[cfg(unix)]
#[test]
fn a_configuration_that_points_at_it_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.ini");
    std::fs::write(&path, "# Written by the sandbox: an older one, longer than the new one ".repeat(100)).unwrap();
    let sandbox = start(&["--speed", "60", "--write-config", path.to_str().unwrap()]);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for (key, value) in [
        ("api_url", sandbox.text("heroku_url")),
        ("api_url", sandbox.text("pingdom_url")),
        ("api_key", sandbox.text("heroku_api_key")),
        ("api_key", sandbox.text("pingdom_api_key")),
        ("app_name", sandbox.text("app_name")),
        ("check_id", &sandbox.line["check_id"].to_string()),
        ("speed", "60"),
    ] {
        assert!(text.lines().any(|line| line == format!("{key}: {value}")), "{key}: {value} in\n{text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
}

#[test]
fn a_configuration_that_no_sandbox_wrote_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.ini");
    let own = "[HEROKU_INFOS]\napi_key: the only one\n";
    std::fs::write(&path, own).unwrap();
    let (code, text) = fails(&["--write-config", path.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("config.ini: is there, and no sandbox wrote it"), "{code:?} {text}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), own);
    let (code, text) = fails(&["--write-config", folder.path().to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("no sandbox wrote it"), "{code:?} {text}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left behind");
}

#[test]
fn what_it_cannot_be_is_said_and_is_bad_usage() {
    let (code, text) = fails(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("listens on loopback addresses only"), "{text}");
    let (code, text) = fails(&["--fault", "all:explode"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("no kind of fault is called \"explode\""), "{text}");
    let (code, text) = fails(&["--load", "no-such-load"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("neither a built-in load (day, week, flash-crowd, steps, flat=RPS) nor a file"), "{text}");
    let (code, text) = fails(&["--speed", "0"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("a speed is from 0.01 to 10000, not 0"), "{text}");
}

#[test]
fn a_load_comes_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    std::fs::write(&path, "minute,rps\n0,1.5\n1,2\n").unwrap();
    let sandbox = start(&["--load", path.to_str().unwrap(), "--speed", "1000"]);
    assert_eq!(sandbox.get("heroku_url", "/_sandbox", "").0, 200);
    std::fs::write(&path, "minute,rps\n0,many\n").unwrap();
    let (code, text) = fails(&["--load", path.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(text.contains("line 2"), "{text}");
}

#[test]
fn help_says_how_faults_are_written_and_shows_examples() {
    let output = Command::new(AUTOSCALE).args(["sandbox", "--help"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["TARGET:KIND[@WHEN]", "every=7", "Examples:", "autoscale run --config sandbox.ini", "heroku ps:scale"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
