//! The real binary against services that are out to harm it: answers that unpack to megabytes of nothing, headers with
//! numbers that no type holds. It keeps its memory, and lives.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use autoscale_core::workspace::time::Timestamp;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::running::{Daemon, command, soon, write_private};

/// What is answered to a request, if not the honest answer.
#[derive(Clone)]
struct Trap {
    /// In the path of the requests that it is for; "PATCH" for changes.
    to: &'static str,
    status: u16,
    headers: String,
    body: Vec<u8>,
}

/// Both services in one, honest until told otherwise.
struct Services {
    url: String,
    trap: Arc<Mutex<Option<Trap>>>,
    sprung: Arc<Mutex<usize>>,
}

impl Services {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (trap, sprung) = (Arc::new(Mutex::new(None::<Trap>)), Arc::new(Mutex::new(0)));
        let shared = (Arc::clone(&trap), Arc::clone(&sprung));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (trap, sprung) = (Arc::clone(&shared.0), Arc::clone(&shared.1));
                // A client may leave in the middle of an answer.
                std::thread::spawn(move || serve(stream, &trap, &sprung));
            }
        });
        Self { url, trap, sprung }
    }

    fn set(&self, trap: Option<Trap>) {
        *self.trap.lock().unwrap() = trap;
        *self.sprung.lock().unwrap() = 0;
    }
}

fn serve(mut stream: TcpStream, trap: &Mutex<Option<Trap>>, sprung: &Mutex<usize>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)])?;
    let request = head.lines().next().unwrap_or_default();
    let found = trap.lock().unwrap().clone().filter(|trap| request.contains(trap.to));
    let (status, headers, body) = match found {
        Some(Trap { status, headers, body, .. }) => {
            *sprung.lock().unwrap() += 1;
            (status, headers, body)
        }
        None => (200, String::new(), honest(request).into_bytes()),
    };
    write!(stream, "HTTP/1.1 {status} Answer\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn honest(request: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let result = |k: u64| format!(r#"{{"probeid":1,"time":{},"status":"up","responsetime":900}}"#, now - 60 * k);
    match request {
        _ if request.contains("/results/") => {
            format!(r#"{{"results":[{}]}}"#, (0..10).map(result).collect::<Vec<_>>().join(","))
        }
        _ if request.contains("/checks/") => r#"{"check":{"name":"shop","resolution":1}}"#.into(),
        _ if request.contains("/monitors") => "[]".into(),
        _ if request.contains("/formation/") => r#"{"quantity":2}"#.into(),
        _ => r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","maintenance":false}"#.into(),
    }
}

/// As much of `start`, entries, `end` as so many bytes hold; some kB once packed.
fn packed(size: usize, start: &str, entry: &str, end: &str) -> Vec<u8> {
    let mut body = start.to_owned();
    while body.len() + entry.len() + 1 + end.len() <= size {
        body.push_str(entry);
        body.push(',');
    }
    body.pop();
    body.push_str(end);
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(body.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn trap(to: &'static str, status: u16, body: Vec<u8>) -> Trap {
    Trap { to, status, headers: "content-encoding: gzip\r\n".into(), body }
}

/// A line of `/proc/…/status`, kB.
fn kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The daemon with these services in the place of Heroku and Pingdom; it has made a check.
fn daemon(services: &Services, dir: &tempfile::TempDir, settings: &str) -> Daemon {
    let config = dir.path().join("shop.ini");
    let url = &services.url;
    let text = format!(
        "[HEROKU_INFOS]\napi_key: hrku-never-shown\napp_name: shop\napi_url: {url}\n\
         [PINGDOM_INFOS]\napi_key: pd-never-shown\ncheck_id: 1\napi_url: {url}\n\
         [AUTOSCALE_SETTINGS]\ncheck_frequency: 60\nresponse_time_low: 1\nresponse_time_high: 60000\n\
         state_dir: {}\n{settings}",
        dir.path().join("state").display()
    );
    write_private(&config, &text);
    let daemon = Daemon::start(command(dir.path(), &["run", "--json", "--config", config.to_str().unwrap()]));
    daemon.prints("checked", 1);
    daemon
}

/// Most memory that an answer may cost beyond what the program has at rest, kB.
const MOST_KIB: u64 = 64 << 10;

#[test]
fn no_answer_costs_more_than_64_mib_and_they_are_given_back() {
    let services = Services::start();
    let dir = tempfile::tempdir().unwrap();
    let daemon = daemon(&services, &dir, "");
    let idle = kib(daemon.pid(), "VmRSS");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let short = format!(r#"{{"time":{now},"status":"up","responsetime":5}}"#);
    let nothing = r#"{"a":0}"#;
    // Too long to be read at all, and as long as may be.
    let (results, error) = ((r#"{"results":["#, "]}"), (r#"{"error":["#, "]}"));
    let traps = [
        ("/results/", 200, 8 << 20, results, nothing, "Pingdom's answer is larger than 4 MiB"),
        ("/results/", 200, 4 << 20, results, nothing, "524286 of 524286 results can't be read"),
        ("/results/", 200, 4 << 20, results, &short, "results at once, where at most 1000 were asked for"),
        ("/results/", 200, 4 << 20, error, nothing, "not the JSON of a list of results: missing field `results`"),
        ("/results/", 403, 8 << 20, error, nothing, "Pingdom answered 403: check [PINGDOM_INFOS]"),
        ("/apps/", 403, 8 << 20, error, nothing, "Heroku answered 403: check [HEROKU_INFOS]"),
        ("/apps/", 403, 64 << 10, (r#"{"id":"x","message":""#, "\"}"), "a b c", "Heroku answered 403 (a b c,a b c,"),
        ("/apps/", 200, 8 << 20, error, nothing, "Heroku's answer is larger than 1 MiB"),
        ("/apps/", 200, 1 << 20, error, nothing, "not the JSON of a"),
        ("/formation/", 200, 1 << 20, (r#"{"quantity":""#, "\"}"), "a b c", "invalid type: string \"a b c,a b c,"),
    ];
    for (count, (to, status, size, (start, end), entry, said)) in traps.into_iter().enumerate() {
        let (name, refusal) = (format!("{size} of {start}{entry} to {to}"), status == 403);
        let trap = trap(to, status, packed(size, start, entry, end));
        assert!(trap.body.len() < 64 << 10, "{name}: {} bytes on the wire", trap.body.len());
        services.set(Some(trap));
        // A reload checks at once.
        daemon.signal("-HUP");
        daemon.prints("check_failed", count + 1);
        assert!(*services.sprung.lock().unwrap() >= if refusal { 1 } else { 4 }, "{name}: with its retries");
        let events = daemon.events();
        let error = events.iter().rfind(|event| event["event"] == "check_failed").unwrap()["error"].as_str().unwrap();
        assert!(error.contains(said), "{name}: {error}");
        let peak = kib(daemon.pid(), "VmHWM");
        assert!(peak < idle + MOST_KIB, "{name}: {peak} kB at the peak, {idle} kB at rest");
        services.set(None);
        daemon.signal("-HUP");
        daemon.prints("recovered", count + 1);
    }
    let after = kib(daemon.pid(), "VmRSS");
    assert!(after < idle + MOST_KIB / 2, "{after} kB afterwards, {idle} kB at rest");
    let log = daemon.log();
    assert!(!log.contains("never-shown"), "{log}");
    assert!(log.lines().all(|line| line.len() < 1000), "no line of the log is as long as an answer");
}

#[test]
fn a_refused_change_and_heroku_s_own_autoscaling_cost_no_more_either() {
    let services = Services::start();
    let dir = tempfile::tempdir().unwrap();
    let monitors = packed(1 << 20, "[", r#"{"a":0}"#, "]");
    services.set(Some(trap("/monitors", 200, monitors)));
    let daemon = daemon(&services, &dir, "");
    soon("the monitors are asked for", || (*services.sprung.lock().unwrap() >= 1).then_some(()));
    let idle = kib(daemon.pid(), "VmRSS");
    services.set(Some(trap("PATCH", 422, packed(8 << 20, r#"{"error":["#, r#"{"a":0}"#, "]}"))));
    let config = dir.path().join("shop.ini");
    let text = std::fs::read_to_string(&config).unwrap();
    write_private(&config, &format!("{text}min_dynos: 3\n"));
    daemon.signal("-HUP");
    daemon.prints("checked", 2);
    let events = daemon.events();
    let last = events.iter().rfind(|event| event["event"] == "checked").unwrap();
    assert_eq!(
        (&last["outcome"], &last["error"]),
        (&"failed".into(), &"Heroku answered 422; tried again in 60 min".into())
    );
    let peak = kib(daemon.pid(), "VmHWM");
    assert!(peak < idle + MOST_KIB, "{peak} kB at the peak, {idle} kB at rest");
}

#[test]
fn no_number_of_a_header_ends_the_daemon() {
    let services = Services::start();
    let dir = tempfile::tempdir().unwrap();
    let daemon = daemon(&services, &dir, "");
    let far = "99999999999999999999";
    let mut failures = 0;
    for (status, headers) in [
        (200, format!("Req-Limit-Short: Remaining: 0 Time until reset: {far}\r\n")),
        (200, format!("Req-Limit-Long: Remaining: {far} Time until reset: {far}\r\nRateLimit-Remaining: {far}\r\n")),
        (200, "RateLimit-Remaining: 1e400\r\n".into()),
        (200, "RateLimit-Remaining: -5\r\nServer-Time: NaN\r\n".into()),
        (200, format!("Server-Time: {far}\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\nAge: {far}\r\n")),
        (200, "Server-Time: 1e400\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n".into()),
        (200, "Server-Time: 18446744073709551616\r\n".into()),
        (503, format!("Retry-After: {far}\r\n")),
        (503, "Retry-After: 1e400\r\n".into()),
        (503, "Retry-After: NaN\r\n".into()),
        (503, "Retry-After: -18446744073709551616\r\n".into()),
    ] {
        let body = honest("GET /api/3.1/results/1").into_bytes();
        services.set(Some(Trap { to: "/results/", status, headers: headers.clone(), body }));
        let before = daemon.events().len();
        daemon.signal("-HUP");
        failures += usize::from(status == 503);
        if status == 503 {
            daemon.prints("check_failed", failures);
        }
        soon(&format!("a check after {headers:?} in {}", daemon.log()), || {
            let events = daemon.events();
            let kinds: Vec<_> = events[before..].iter().map(|event| event["event"].as_str().unwrap()).collect();
            kinds.iter().any(|kind| kind.starts_with("check")).then_some(())
        });
    }
    let events = daemon.events();
    assert!(events.iter().all(|event| event["event"] != "crashed"), "{events:?}");
    let last = events.iter().rfind(|event| event["event"] == "checked").unwrap();
    let at = Timestamp::from_secs_f64(last["at"].as_f64().unwrap()).unwrap();
    let now = autoscale_core::workspace::clock::Clock::default().now();
    assert!(now.seconds_since(at).abs() < 300.0, "no clock of the year 9999 was believed: {last}");
    let left = "only 0 requests are left for the next 744 h (Req-Limit-Short)";
    assert!(daemon.log().contains(left), "{}", daemon.log());
}
