//! No secret of a configuration is in anything that the program writes: log, events, history, graphs, state, notices,
//! errors; with everything going wrong that can, and at the most talkative log level.

use std::fs;
use std::path::{Path, PathBuf};

use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;

use crate::support::scripted::{Answer, Fault, Server};
use crate::support::{Running, Stage, texts, wait_until, write};

const WEBHOOK_PATH: &str = "/services/T00/B00/w3bh00k-s3cret";

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A sandbox with faults, a webhook that answers now so and now so, and a configuration that writes all there is to write.
pub(crate) fn stage(api_version: &str, faults: &str) -> (Stage, Server, Vec<String>) {
    let options = SandboxOptions {
        // Two dynos are far from enough.
        load: Load::flat(40.0),
        speed: 200.0,
        faults: faults.parse().unwrap(),
        ..SandboxOptions::default()
    };
    let stage = Stage::new(options, "");
    let webhook = stage.runtime.block_on(Server::start(|request, n| match n % 4 {
        0 => Answer::new(200, "ok"),
        1 => Answer::new(404, format!("no {} here", request.target)),
        2 => Fault::Reset.into(),
        _ => Answer::new(503, request.target.clone()),
    }));
    let home = stage.home.path();
    let info = stage.sandbox.info();
    let login = Sandbox::PINGDOM_LOGIN;
    // 3.1 wants none; the sandbox's own for 2.1 is a word that is found everywhere.
    let password = if api_version == "2.1" { Sandbox::PINGDOM_PASSWORD } else { "p\\a\"s's%w#o;r=d:1" };
    let text = fs::read_to_string(&stage.config).unwrap();
    let text = text.replace(
        "[PINGDOM_INFOS]\n",
        &format!("[PINGDOM_INFOS]\nlogin: {login}\npassword: {password}\napi_version: {api_version}\n"),
    );
    let text = text.replace(
        "[AUTOSCALE_SETTINGS]\n",
        &format!(
            "[AUTOSCALE_SETTINGS]\nplot: True\ngraph_format: svg\nhistory_file: {0}/history.jsonl\nstate_dir: {0}/kept\n",
            home.display()
        ),
    );
    let text = format!("{text}[NOTIFICATIONS]\nwebhook_url: {}{WEBHOOK_PATH}\n", webhook.url);
    write(&stage.config, &text);
    let keys = [&info.heroku_api_key, &info.pingdom_api_key, WEBHOOK_PATH, "w3bh00k"].map(str::to_owned);
    let basic = base64(&format!("{login}:{password}"));
    let own = Some(password.to_owned()).filter(|_| api_version != "2.1");
    (stage, webhook, keys.into_iter().chain([basic]).chain(own).collect())
}

fn holds_none(secrets: &[String], what: &str, text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "{what} holds {secret}:\n{text}");
    }
}

#[cfg(unix)]
#[test]
fn no_secret_is_in_anything_that_is_written_while_everything_goes_wrong() {
    for (version, faults) in [("3.1", "all:*@0.25"), ("2.1", "pingdom:*@0.2,read:500@0.2,patch:401@0.5")] {
        let (stage, webhook, secrets) = stage(version, faults);
        let mut command = stage.run(&["--json"]);
        let running = Running::start(command.env("AUTOSCALE_LOG", "trace"));
        let written = |end: &str| files(stage.home.path()).iter().any(|path| path.to_string_lossy().ends_with(end));
        wait_until("all that can go wrong", || {
            let report = stage.report();
            let all = report.faults >= 10 && report.results_reads >= 12 && webhook.requests().len() >= 3;
            all && written("history.jsonl") && written(".svg") && written(".json")
        });
        let output = running.end("-TERM");
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        holds_none(&secrets, "stdout", &stdout);
        holds_none(&secrets, "stderr", &stderr);
        assert!(stderr.contains("DEBUG") && stderr.contains("request_id="), "it was talkative:\n{stderr}");
        let kept = files(stage.home.path());
        for path in kept.iter().filter(|path| **path != stage.config) {
            let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            holds_none(&secrets, &path.display().to_string(), &text);
        }
        let has = |end: &str| kept.iter().any(|path| path.to_string_lossy().ends_with(end));
        assert!(has("history.jsonl") && has(".svg") && has(".json"), "{kept:?}");
        for request in webhook.requests() {
            holds_none(&secrets, "a notice", &request.body);
        }
        // The secrets are the right ones: they are in the configuration.
        let config = fs::read_to_string(&stage.config).unwrap();
        assert!(secrets[..4].iter().all(|secret| config.contains(secret.as_str())), "{config}");
    }
}

#[test]
fn once_tells_no_secret_when_it_is_refused() {
    let (stage, webhook, secrets) = stage("3.1", "pingdom:401");
    let output = stage.run(&["--once", "--json"]).env("AUTOSCALE_LOG", "trace").output().unwrap();
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("check [PINGDOM_INFOS] api_key"), "{stderr}");
    holds_none(&secrets, "stdout", &stdout);
    holds_none(&secrets, "stderr", &stderr);
    for request in webhook.requests() {
        holds_none(&secrets, "a notice", &request.body);
    }
}

/// RFC 4648.
pub(crate) fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut coded = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            coded.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    coded
}
