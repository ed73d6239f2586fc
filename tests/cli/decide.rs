//! `autoscale decide`: a line in, a line out.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Decide {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Decide {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_autoscale"))
            .arg("decide")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// The answer to a line, while the input stays open.
    fn ask(&mut self, line: &str) -> String {
        self.write(format!("{line}\n").as_bytes());
        self.read()
    }

    /// The exit code after the end of the input.
    fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Decide {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program answers to all of this, and its exit code.
fn answers(args: &[&str], input: &[u8]) -> (Vec<String>, Option<i32>) {
    let mut decide = Decide::start(args);
    let mut stdin = decide.input.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input).unwrap());
        let lines = decide.output.by_ref().lines().map(|line| line.unwrap()).collect();
        (lines, decide.child.wait().unwrap().code())
    })
}

/// `dynos`, and a result of so many ms each minute up to now.
fn line(minute: i64, dynos: u32, ms: f64, rest: &str) -> String {
    let now = 1_700_000_000 + 60 * minute;
    let samples: Vec<String> = (0..30).rev().map(|i| format!("[{},{ms},true]", now - 60 * i)).collect();
    format!("{{\"now\":{now},\"dynos\":{dynos},\"samples\":[{}]{rest}}}", samples.join(","))
}

#[test]
fn each_line_is_answered_before_the_next_one_is_sent() {
    let mut decide = Decide::start(&[]);
    assert_eq!(
        decide.ask(&line(0, 3, 300.0, "")),
        r#"{"target":2,"action":"remove","reason":{"code":"below_low","text":"fast: mean 300 ms, under 500 ms"}}"#
    );
    assert_eq!(
        decide.ask(&line(1, 2, 2500.0, "")),
        r#"{"target":2,"action":"hold","reason":{"code":"settling","text":"too few results since the last change: 0 of the 3 it takes to judge"}}"#
    );
    assert_eq!(decide.end(), Some(0));
}

#[test]
fn half_a_line_keeps_no_answer_back() {
    let mut decide = Decide::start(&[]);
    let next = line(1, 3, 300.0, "");
    let (begin, rest) = next.split_at(20);
    decide.write(format!("{}\n{begin}", line(0, 3, 800.0, "")).as_bytes());
    assert!(decide.read().contains("steady"), "answered while the next line is under way");
    assert!(decide.ask(rest).contains("below_low"));
    assert_eq!(decide.end(), Some(0));
}

#[test]
fn a_bad_line_is_answered_with_its_number_and_the_stream_goes_on() {
    let good = line(0, 3, 800.0, "");
    let steady = r#"{"target":3,"action":"hold","reason":{"code":"steady","text":"steady at 800 ms"}}"#;
    let mut input = format!("\u{feff}{good}\r\n\n  \t\r\nnonsense\n{{\"now\":1,\"samples\":[]}}\n").into_bytes();
    input.extend(b"{\"now\":1,\"dynos\":1,\"app\":\"\xff\xfe\"}\n\0\0\n");
    input.extend(format!("{{\"now\":1,\"dynos\":2,\"samples\":[[1,\"fast\",true]]}}\n{good}").as_bytes());
    let (lines, code) = answers(&[], &input);
    assert_eq!(
        lines,
        [
            steady,
            r#"{"error":"line 4: not JSON: expected ident at column 2"}"#,
            r#"{"error":"line 5: dynos: missing"}"#,
            r#"{"error":"line 6: not UTF-8: byte 27 can't be read"}"#,
            r#"{"error":"line 7: not JSON: expected value at column 1"}"#,
            r#"{"error":"line 8: samples[0][1]: must be milliseconds, 0 or more, or null, not \"fast\""}"#,
            steady,
        ]
    );
    assert_eq!(code, Some(0));
}

#[test]
fn a_line_longer_than_64_mib_is_refused_and_the_next_one_answered() {
    let mut input = vec![b' '; (64 << 20) + 1];
    input.extend(format!("\n{}\n", line(0, 3, 800.0, "")).as_bytes());
    let (lines, code) = answers(&[], &input);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], r#"{"error":"line 1: longer than 64 MiB"}"#);
    assert!(lines[1].contains("steady"), "{}", lines[1]);
    assert_eq!(code, Some(0));
}

#[test]
fn apps_are_kept_apart_by_their_key() {
    let mut decide = Decide::start(&[]);
    let code = |answer: String| answer.split('"').nth(11).unwrap_or_default().to_owned();
    assert_eq!(code(decide.ask(&line(0, 3, 300.0, ",\"app\":\"a\""))), "below_low");
    assert_eq!(code(decide.ask(&line(1, 2, 300.0, ",\"app\":\"a\""))), "settling");
    assert_eq!(code(decide.ask(&line(1, 2, 300.0, ",\"app\":\"b\""))), "trying_fewer");
    assert_eq!(code(decide.ask(&line(1, 2, 300.0, ""))), "trying_fewer");
    assert_eq!(decide.end(), Some(0));
}

#[test]
fn the_interval_of_the_command_line_counts_where_a_line_says_none() {
    let now = 1_700_000_000;
    let old = format!("{{\"now\":{now},\"dynos\":3,\"samples\":[[{},800,true]]}}\n", now - 500);
    assert!(answers(&[], old.as_bytes()).0[0].contains("settling"), "5 minutes by default: 500 s is recent");
    assert!(answers(&["--interval", "60"], old.as_bytes()).0[0].contains("no_data"));
}

#[test]
fn settings_bounds_and_interval_come_from_the_configuration() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(
        file,
        "[HEROKU_INFOS]\napp_name = shop\n[PINGDOM_INFOS]\ncheck_id = 1\n[AUTOSCALE_SETTINGS]\nmax_dynos = 4\n\
         response_time_high = 700\n"
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let (lines, code) = answers(&["--config", path], format!("{}\n", line(0, 3, 800.0, "")).as_bytes());
    assert!(lines[0].starts_with(r#"{"target":4,"action":"add""#), "{lines:?}");
    assert_eq!(code, Some(0));
}

#[test]
fn nothing_but_bad_lines_is_a_failure_of_the_whole() {
    assert_eq!(answers(&[], b"nonsense\n{}\n\n").1, Some(1));
    let (lines, code) = answers(&[], format!("nonsense\n{}\nnonsense\n", line(0, 3, 800.0, "")).as_bytes());
    assert_eq!((lines.len(), code), (3, Some(0)), "one good line is enough");
    assert_eq!(answers(&[], b"\n \n").1, Some(0), "as is no line at all");
}

#[test]
fn no_input_is_no_error_and_bad_usage_is() {
    assert_eq!(answers(&[], b""), (vec![], Some(0)));
    let code = |args: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_autoscale"))
            .arg("decide")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(code(&["--interval", "0"]), Some(2));
    assert_eq!(code(&["--policy", "guess"]), Some(2));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_autoscale"))
        .arg("decide")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    let _ = input.write_all(format!("{}\n", line(0, 3, 800.0, "")).as_bytes());
    drop(input);
    let done = child.wait_with_output().unwrap();
    assert_eq!((done.status.code(), String::from_utf8(done.stderr).unwrap()), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_lines_take_no_more_memory_than_a_thousand() {
    let mut decide = Decide::start(&[]);
    let mut input = decide.input.take().unwrap();
    let pid = decide.child.id();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        for i in 0..100_000_i64 {
            if i == 1000 {
                wait.recv().unwrap();
            }
            let ms = if i % 50 < 10 { 2600.0 } else { 400.0 };
            let text = match i % 10 {
                0 => "not a line\n".to_owned(),
                k => line(i / 10, 2 + (i / 100 % 5) as u32, ms, &format!(",\"app\":\"app {k}\"")) + "\n",
            };
            input.write_all(text.as_bytes()).unwrap();
        }
        // Kept open: at the end of its input the program ends.
        input
    });
    let (mut decisions, mut errors) = (0, 0);
    let mut read = |decide: &mut Decide, lines: usize| {
        for _ in 0..lines {
            let answer = decide.read();
            if answer.starts_with("{\"error\":\"line ") {
                errors += 1
            } else {
                decisions += 1
            }
            assert!(!answer.is_empty());
        }
    };
    read(&mut decide, 1000);
    let before = resident_kib(pid);
    go_on.send(()).unwrap();
    read(&mut decide, 99_000);
    let after = resident_kib(pid);
    drop(writer.join().unwrap());
    assert_eq!((decisions, errors), (90_000, 10_000));
    assert!(after <= before + 1024, "{before} KiB after 1,000 lines, {after} KiB after 100,000");
}

/// A minute of requests at 20 a second, in rows of ten seconds.
fn minute(now: i64, dynos: u32) -> String {
    let times = format!("[{}200]", "0,".repeat(18));
    let rows: Vec<_> = (0..6).map(|i| format!("[{},10,200,0,0,0,200,{times}]", now - 60 + 10 * i)).collect();
    format!(r#"{{"now":{now},"dynos":{dynos},"max":20,"samples":[],"traffic":[{}]}}"#, rows.join(","))
}

#[test]
fn traffic_decides_by_rows_and_leaves_out_those_that_came_twice() {
    let mut decide = Decide::start(&["--policy", "traffic", "--interval", "60"]);
    let mut dynos = 4;
    for i in 1..=20 {
        let reply: serde_json::Value = serde_json::from_str(&decide.ask(&minute(60_000 + 60 * i, dynos))).unwrap();
        dynos = reply["target"].as_u64().unwrap() as u32;
    }
    let last = minute(60_000 + 60 * 20, dynos);
    let again: serde_json::Value = serde_json::from_str(&decide.ask(&last)).unwrap();
    let text = again["reason"]["text"].as_str().unwrap();
    assert!(text.starts_with("20 requests/s, a dyno carries "), "{text}");
    let wrong = decide.ask(r#"{"now":60,"dynos":1,"samples":[],"traffic":[[5,10,1,0,0,0,0,[]]]}"#);
    assert_eq!(wrong, r#"{"error":"line 22: traffic[0][0]: must be a multiple of 10 s, not 5"}"#);
    assert_eq!(decide.end(), Some(0));
}
