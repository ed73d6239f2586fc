//! The scan for secrets, in twelve encodings, over what every command writes at trace level under every fault. That it finds
//! what is there is shown by secrets that are planted.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use autoscale_core::workspace::sandbox::Faults;

use crate::secrets::{base64, files, stage};
use crate::support::scripted::Server;
use crate::support::{Stage, autoscale, write};

/// Every kind of fault; the first are those of `make test`.
const FAULTS: [&str; 20] = [
    "pingdom:401",
    "heroku:403",
    "patch:422",
    "all:html",
    "all:shape",
    "all:half",
    "all:reset",
    "all:timeout",
    "all:400",
    "all:404",
    "all:407",
    "all:429=1",
    "all:429-date=1",
    "all:429-epoch=1",
    "all:503",
    "patch:lost",
    "patch:silent",
    "all:drip",
    "heroku:warning,pingdom:empty",
    "all:*@0.5",
];

fn faults() -> &'static [&'static str] {
    if std::env::var_os("AUTOSCALE_SOAK").is_some() { &FAULTS } else { &FAULTS[..6] }
}

/// Base64 of a secret that stands `shift` bytes into what is encoded: the letters that the secret alone determines.
fn base64_at(secret: &str, shift: usize) -> String {
    let coded = base64(&format!("{}{secret}", "\0".repeat(shift)));
    coded[(shift * 8).div_ceil(6)..(shift + secret.len()) * 8 / 6].to_owned()
}

/// A secret in the twelve forms in which it is looked for.
fn forms(secret: &str) -> [(&'static str, Vec<u8>); 12] {
    let each = |form: &dyn Fn(u8) -> String| secret.bytes().map(form).collect::<Vec<_>>();
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let percent = each(&|byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    let url_safe = base64_at(secret, 0).replace('+', "-").replace('/', "_");
    let utf_16 = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = |text: String| text.into_bytes();
    [
        ("as it is", text(secret.to_owned())),
        ("percent-encoded", text(percent.concat())),
        ("percent-encoded throughout", text(each(&|byte| format!("%{byte:02x}")).concat())),
        ("hexadecimal", text(each(&|byte| format!("{byte:02x}")).concat())),
        ("hexadecimal, in capitals", text(each(&|byte| format!("{byte:02X}")).concat())),
        ("base64", text(base64_at(secret, 0))),
        ("base64, a byte in", text(base64_at(secret, 1))),
        ("base64, two bytes in", text(base64_at(secret, 2))),
        ("base64 for URLs", text(url_safe)),
        ("escaped as in JSON", text(each(&|byte| format!("\\u{byte:04x}")).concat())),
        ("a list of bytes", text(each(&|byte| byte.to_string()).join(", "))),
        ("UTF-16", utf_16),
    ]
}

/// The secrets that a text holds, with the form of each.
fn found(secrets: &[String], text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        for (form, bytes) in forms(secret) {
            if bytes.len() >= 6 && text.windows(bytes.len()).any(|window| window == bytes) {
                found.push(format!("{secret} ({form})"));
            }
        }
    }
    found
}

fn holds_none(secrets: &[String], what: &str, text: &[u8]) {
    let found = found(secrets, text);
    assert!(found.is_empty(), "{what} holds {found:?}:\n{}", String::from_utf8_lossy(text));
}

/// What a command says, and all that lies in its home afterwards, but for the configurations.
fn scan(stage: &Stage, webhook: &Server, secrets: &[String], what: &str, output: &Output) {
    holds_none(secrets, &format!("stdout of {what}"), &output.stdout);
    holds_none(secrets, &format!("stderr of {what}"), &output.stderr);
    for path in files(stage.home.path()).iter().filter(|path| path.extension().is_none_or(|end| end != "ini")) {
        // A file may be replaced meanwhile.
        let text = fs::read(path).unwrap_or_default();
        holds_none(secrets, &format!("{} after {what}", path.display()), &text);
    }
    for request in webhook.requests() {
        holds_none(secrets, &format!("a notice of {what}"), request.body.as_bytes());
    }
}

fn traced(home: &Path, arguments: &[&str]) -> Command {
    let mut command = autoscale(home);
    command.args(arguments).env("AUTOSCALE_LOG", "trace");
    command
}

#[test]
fn a_planted_secret_is_found_in_each_of_its_twelve_forms() {
    let secret = "p\\a\"s's%w#o;r=d:1".to_owned();
    let others = ["another-one".to_owned()];
    for (form, bytes) in forms(&secret) {
        let text = [b"level=trace body=".as_slice(), &bytes, b" end"].concat();
        let found_here = found(std::slice::from_ref(&secret), &text);
        assert!(found_here.iter().any(|found| found.ends_with(&format!("({form})"))), "{form}: {found_here:?}");
        assert_eq!(found(&others, &text), Vec::<String>::new());
    }
    // As part of a login, it is found at whichever of the three places it begins.
    for login in ["a", "ab", "abc"] {
        let coded = base64(&format!("{login}:{secret}"));
        assert!(!found(std::slice::from_ref(&secret), coded.as_bytes()).is_empty(), "{login}");
    }
}

#[cfg(unix)]
#[test]
fn no_command_tells_a_secret_under_any_fault() {
    let (stage, webhook, secrets) = stage("3.1", "");
    let home = stage.home.path();
    let config = stage.config.to_str().unwrap();
    for fault in faults() {
        stage.sandbox.set_faults(&fault.parse::<Faults>().unwrap());
        let output = traced(home, &["run", "--once", "--json", "--config", config]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("DEBUG"), "{fault}: it was talkative");
        scan(&stage, &webhook, &secrets, fault, &output);
    }
    stage.sandbox.set_faults(&Faults::default());
    let history = stage.home.path().join("history.jsonl");
    let history = history.to_str().unwrap();
    let picture = home.join("picture.svg");
    for arguments in [
        vec!["run", "--once", "--config", config],
        vec!["run", "--once", "--dry-run", "--json", "--config", config],
        vec!["check-config", config],
        vec!["check-config", "--json", config],
        vec!["status", "--config", config],
        vec!["status", "--json", "--config", config],
        vec!["pause", "--config", config],
        vec!["resume", "--config", config],
        vec!["check", "--config", config],
        vec!["report", "--config", config],
        vec!["replay", "--samples", history, "--config", config],
        vec!["graph", "--samples", history, "--config", config, "--output", picture.to_str().unwrap()],
        vec!["decide", "--config", config],
        vec!["simulate", "--config", config, "--days", "0.1"],
    ] {
        let output = traced(home, &arguments).output().unwrap();
        assert!(
            output.stdout.len() + output.stderr.len() > 0 || arguments[0] == "decide",
            "{arguments:?} said nothing"
        );
        scan(&stage, &webhook, &secrets, &arguments.join(" "), &output);
    }
}

#[test]
fn no_problem_of_a_configuration_quotes_a_secret() {
    let (stage, webhook, secrets) = stage("3.1", "");
    let home = stage.home.path();
    let text = fs::read_to_string(&stage.config).unwrap();
    let key = &secrets[0];
    for (what, broken) in [
        ("an unknown section", text.replace("[PINGDOM_INFOS]", "[PINGDOM]")),
        ("a key twice", text.replace("[HEROKU_INFOS]\n", &format!("[HEROKU_INFOS]\napi_key: {key}\n"))),
        ("a key that is a number elsewhere", format!("{text}\n[AUTOSCALE_SETTINGS]\nmax_dynos: {key}\n")),
        ("a key in quotes", text.replace(key.as_str(), &format!("\"{key}\""))),
        ("a line without a key", format!("{text}\n{key}\n")),
    ] {
        let path = home.join("broken.ini");
        write(&path, &broken);
        for arguments in [
            ["check-config", path.to_str().unwrap()].as_slice(),
            &["run", "--once", "--config", path.to_str().unwrap()],
        ] {
            let output = traced(home, arguments).output().unwrap();
            scan(&stage, &webhook, &secrets, &format!("{} with {what}", arguments[0]), &output);
        }
    }
}
