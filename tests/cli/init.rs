//! `autoscale init` against a sandbox: from flags alone, at a terminal, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::simulation::Load;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

#[cfg(unix)]
use crate::support::pty::AtTerminal;
use crate::support::scripted::{Answer, Server};
use crate::support::{autoscale, texts};

/// What is said of a file with a token in it.
const PRIVATE: &str = if cfg!(unix) { ", so only you can read it (mode 600)" } else { ": show it to nobody" };

/// A sandbox, and a home with nothing in it.
struct Desk {
    sandbox: Sandbox,
    runtime: Runtime,
    home: tempfile::TempDir,
}

fn options() -> SandboxOptions {
    SandboxOptions { app_name: "shop".into(), load: Load::flat(1.0), speed: 2.0, ..SandboxOptions::default() }
}

impl Desk {
    fn new(options: SandboxOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        Self { sandbox, runtime, home: tempfile::tempdir().unwrap() }
    }

    /// `autoscale init` with the sandbox's addresses, and no token.
    fn bare(&self, arguments: &str) -> Command {
        let mut command = autoscale(self.home.path());
        let info = self.sandbox.info();
        command.args(["init", "--heroku-url", &info.heroku_url]);
        if !arguments.contains("--pingdom-url") {
            command.args(["--pingdom-url", &info.pingdom_url]);
        }
        command.args(arguments.split_whitespace());
        command
    }

    /// With both tokens in the environment.
    fn command(&self, arguments: &str) -> Command {
        let mut command = self.bare(arguments);
        let info = self.sandbox.info();
        command.env("HEROKU_API_KEY", &info.heroku_api_key).env("PINGDOM_API_TOKEN", &info.pingdom_api_key);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs it, and asserts that no output holds a token: exit code, stdout, stderr.
    fn run(&self, command: &mut Command) -> (Option<i32>, String, String) {
        let output: Output = command.output().unwrap();
        let (stdout, stderr) = texts(&output);
        self.hides_tokens(&stdout);
        self.hides_tokens(&stderr);
        (output.status.code(), stdout, stderr)
    }

    fn hides_tokens(&self, text: &str) {
        let info = self.sandbox.info();
        for token in [&info.heroku_api_key, &info.pingdom_api_key] {
            assert!(!text.contains(token.as_str()), "a token is in:\n{text}");
        }
    }

    /// What a command says on stderr that ends with this exit code and writes nothing.
    fn refused(&self, exit: i32, command: &mut Command) -> String {
        let before = names(self.home.path());
        let (code, stdout, stderr) = self.run(command);
        assert_eq!((code, stdout.as_str()), (Some(exit), ""), "{stderr}");
        assert_eq!(names(self.home.path()), before, "nothing is written");
        stderr
    }

    /// Nothing but reads reached the sandbox.
    fn is_untouched(&self) {
        let report = self.sandbox.report();
        assert_eq!((report.patches_total, report.patches_refused), (0, 0));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn flags_alone_make_a_configuration_that_is_right_and_decides() {
    let desk = Desk::new(options());
    let info = desk.sandbox.info().clone();
    let (code, stdout, stderr) = desk.run(&mut desk.command("--app shop --max 4"));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let said = format!(
        "Wrote config.ini for shop (web). It holds both tokens{PRIVATE}.\n\n\
         Next, check it and watch it decide without changing anything:\n  \
         autoscale check-config config.ini\n  \
         autoscale run --config config.ini --shadow\n\n\
         After some days, compare it with what scales the app today:\n  \
         autoscale report --config config.ini\n"
    );
    assert_eq!(stdout, said);
    let expected = format!(
        "\
# Written by `autoscale init`. config.sample.ini has every key with its default.

[HEROKU_INFOS]
api_key: {}
app_name: shop
process_type: web
api_url: {}

[PINGDOM_INFOS]
api_key: {}
# shop, shop.example.com, every 1 min
check_id: {}
api_url: {}

[AUTOSCALE_SETTINGS]
# Never fewer dynos than this, and never more.
min_dynos: 1
max_dynos: 4
# Milliseconds. Faster than low on average removes dynos, slower than high adds them.
response_time_low: 500
response_time_high: 2000
# Minutes between two checks.
check_frequency: 5
metric_source: pingdom
policy: threshold
# Every check as a line of JSON: `autoscale report` and `autoscale status` read it.
history_file: {}

[SANDBOX]
# Time passes so many times faster than the wall clock.
speed: 2
",
        info.heroku_api_key,
        info.heroku_url,
        info.pingdom_api_key,
        info.check_id,
        info.pingdom_url,
        desk.path("state/heroku-autoscale/shop_web.history.jsonl").display(),
    );
    assert_eq!(desk.text("config.ini"), expected);
    #[cfg(unix)]
    assert_eq!(mode(&desk.path("config.ini")), 0o600);

    let checked = autoscale(desk.home.path()).args(["check-config", "config.ini"]).output().unwrap();
    assert_eq!(
        texts(&checked),
        (
            "ok: config.ini: shop (web): 1 to 4 dynos, 500 to 2000 ms, checked each 5 min, threshold policy\n".into(),
            String::new()
        )
    );
    let mut run = autoscale(desk.home.path());
    let (code, _, stderr) = desk.run(run.args(["run", "--config", "config.ini", "--once", "--dry-run"]));
    // What it decides is the policy's affair: that it does, on the app's own results, is what counts here.
    assert!(code == Some(0) && stderr.contains("shop web: 2 dynos: ") && stderr.contains(" ms"), "{stderr}");
    let history = desk.text("state/heroku-autoscale/shop_web.history.jsonl");
    assert!(
        history.lines().any(|line| line.contains("\"event\":\"checked\"")),
        "a report can be made of it: {history}"
    );
    desk.is_untouched();
}

#[test]
fn every_flag_is_in_the_file_and_json_says_what_was_written() {
    let desk = Desk::new(SandboxOptions { speed: 1.0, ..options() });
    let info = desk.sandbox.info().clone();
    let arguments = format!(
        "--app shop --process-type web --check {} --min 2 --max 7 --low 250.5 --high 900 --policy adaptive --no-secrets \
         --json --output made/shop.ini",
        info.check_id
    );
    let (code, stdout, stderr) = desk.run(&mut desk.command(&arguments));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(
        serde_json::from_str::<Value>(&stdout).unwrap(),
        json!({
            "config": "made/shop.ini",
            "app": "shop",
            "process_type": "web",
            "metric_source": "pingdom",
            "check_id": info.check_id,
            "url": null,
            "min_dynos": 2,
            "max_dynos": 7,
            "policy": "adaptive",
            "secrets_in_file": false,
            "warnings": [],
            "next": ["autoscale check-config made/shop.ini", "autoscale run --config made/shop.ini --shadow"],
        })
    );
    let text = desk.text("made/shop.ini");
    desk.hides_tokens(&text);
    for line in [
        "# The token comes from HEROKU_API_KEY in the environment.",
        "# The token comes from PINGDOM_API_TOKEN in the environment.",
        "# shop, every 1 min",
        "min_dynos: 2",
        "max_dynos: 7",
        "response_time_low: 250.5",
        "response_time_high: 900",
        "check_frequency: 1",
        "policy: adaptive",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert!(!text.contains("[SANDBOX]"), "the wall clock's speed needs no section:\n{text}");
    let mut run = autoscale(desk.home.path());
    run.args(["run", "--config", "made/shop.ini", "--once", "--dry-run"]);
    run.env("HEROKU_API_KEY", &info.heroku_api_key).env("PINGDOM_API_TOKEN", &info.pingdom_api_key);
    assert_eq!(desk.run(&mut run).0, Some(0), "the tokens come from the environment");
}

#[test]
fn tokens_come_from_files_as_well() {
    let desk = Desk::new(options());
    let info = desk.sandbox.info().clone();
    fs::write(desk.path("heroku"), format!("  {}\n", info.heroku_api_key)).unwrap();
    fs::write(desk.path("pingdom"), format!("{}\n", info.pingdom_api_key)).unwrap();
    let files = "--heroku-token-file heroku --pingdom-token-file pingdom --app shop";
    assert_eq!(desk.run(&mut desk.bare(files)).0, Some(0));
    assert!(desk.text("config.ini").contains(&format!("api_key: {}\n", info.heroku_api_key)));
    fs::write(desk.path("pingdom"), "\n").unwrap();
    let files = format!("{files} --output other.ini");
    let said = desk.refused(2, &mut desk.bare(&files));
    assert_eq!(said, "autoscale: pingdom is empty: put the token into it\n");
    fs::remove_file(desk.path("heroku")).unwrap();
    let said = desk.refused(1, &mut desk.bare(&files));
    assert!(said.starts_with("autoscale: cannot read the token in heroku: "), "{said}");
}

#[test]
fn a_file_that_is_there_is_replaced_by_force_only() {
    let desk = Desk::new(options());
    fs::write(desk.path("config.ini"), "mine").unwrap();
    let said = desk.refused(1, &mut desk.command("--app shop"));
    let text = "autoscale: config.ini exists and was left as it is: give --force to replace it, or another --output\n";
    assert_eq!((said.as_str(), desk.text("config.ini").as_str()), (text, "mine"));
    assert_eq!(desk.sandbox.report().reads, 0, "it is said before anybody is asked");
    assert_eq!(desk.run(&mut desk.command("--app shop --force")).0, Some(0));
    assert!(desk.text("config.ini").starts_with("# Written by `autoscale init`."));
    assert_eq!(names(desk.home.path()), ["config.ini"], "no draft is left behind");
    #[cfg(unix)]
    {
        assert_eq!(mode(&desk.path("config.ini")), 0o600);
        // A link stays one.
        std::os::unix::fs::symlink("config.ini", desk.path("link.ini")).unwrap();
        assert_eq!(desk.run(&mut desk.command("--app shop --max 3 --force --output link.ini")).0, Some(0));
        assert!(fs::symlink_metadata(desk.path("link.ini")).unwrap().is_symlink());
        assert!(desk.text("config.ini").contains("max_dynos: 3\n"));
    }
    fs::create_dir(desk.path("folder")).unwrap();
    let said = desk.refused(2, &mut desk.command("--app shop --force --output folder"));
    assert_eq!(said, "autoscale: --output folder is a folder: name a file in it\n");
}

#[test]
fn what_is_missing_where_nobody_can_be_asked_is_an_error_that_names_its_flag() {
    let desk = Desk::new(SandboxOptions { other_apps: 25, ..options() });
    let said = desk.refused(2, &mut desk.bare("--app shop"));
    assert_eq!(
        said,
        "autoscale: no Heroku token: set HEROKU_API_KEY, or name a file that holds it with --heroku-token-file; \
         `heroku authorizations:create --scope read,write --description autoscale` makes one\n"
    );
    let said = desk.refused(2, &mut desk.command("--yes"));
    assert!(said.starts_with("autoscale: --app is missing: this token sees other-app-1, other-app-10, "), "{said}");
    assert!(said.ends_with(" and 6 more\n"), "{said}");
    let said = desk.refused(2, desk.command("--app shop").env_remove("PINGDOM_API_TOKEN"));
    assert_eq!(
        said,
        "autoscale: no source of response times: set PINGDOM_API_TOKEN and name a check with --check, or name a page to \
         time without Pingdom with --url\n"
    );
    let said = desk.refused(2, desk.command("--app shop --check 1").env_remove("PINGDOM_API_TOKEN"));
    let text =
        "autoscale: no Pingdom token: set PINGDOM_API_TOKEN, or name a file that holds it with --pingdom-token-file\n";
    assert_eq!(said, text);
    let said = desk.refused(2, &mut desk.command("--app shop --process-type clock"));
    assert_eq!(said, "autoscale: --process-type clock: shop has no such process type, but web, worker\n");
    for (arguments, text) in [
        ("--min 5 --max 3", "--min 5 is above --max 3: lower one or raise the other"),
        ("--low 3000", "--low 3000 is not below --high 2000: lower one or raise the other"),
    ] {
        assert_eq!(desk.refused(2, &mut desk.command(arguments)), format!("autoscale: {text}\n"));
    }
    for (arguments, text) in [
        ("--app Shop", "\"Shop\" can't be the name of a Heroku app"),
        ("--min 0", "\"0\" is too small: give a whole number from 1 to 10000"),
        ("--url shop.example", "an address begins with https://"),
        ("--check 1 --url https://a.example/", "cannot be used with"),
        ("--policy magic", "invalid value 'magic'"),
    ] {
        let said = desk.refused(2, &mut desk.command(arguments));
        assert!(said.contains(text), "{arguments}: {said}");
    }
    desk.is_untouched();
}

#[test]
fn a_token_or_a_name_that_does_not_work_is_said_with_what_to_do() {
    let desk = Desk::new(options());
    let command = "`heroku authorizations:create --scope read,write --description autoscale`";
    let said = desk.refused(1, desk.command("--app shop").env("HEROKU_API_KEY", "wrong"));
    assert_eq!(
        said,
        format!(
            "autoscale: Heroku answered 401 (Invalid credentials provided.): the token is wrong, expired or revoked; \
             {command} makes a new one\n"
        )
    );
    let said = desk.refused(1, desk.command("--app shop").env("PINGDOM_API_TOKEN", "wrong"));
    assert_eq!(
        said,
        "autoscale: Pingdom answered 401 (Invalid API token): the token is wrong or was deleted; Pingdom makes a new one \
         under Settings, Pingdom API; read access is enough\n"
    );
    let said = desk.refused(1, &mut desk.command("--app nope"));
    assert_eq!(said, "autoscale: Heroku answered 404 (Couldn't find that app.): this token sees no app nope\n");
    let said = desk.refused(1, &mut desk.command("--app shop --check 5"));
    assert_eq!(said, "autoscale: Pingdom answered 404 (Check not found): this token sees no check 5\n");
    desk.sandbox.set_faults(&"read:403".parse().unwrap());
    let said = desk.refused(1, &mut desk.command(""));
    let may_not = format!("the token may not list apps; {command} makes one that may");
    assert_eq!(said, format!("autoscale: Heroku answered 403 (The sandbox was asked for this fault.): {may_not}\n"));
}

/// A Pingdom that lists these.
fn pingdom(desk: &Desk, checks: Value) -> Server {
    let body = json!({ "checks": checks, "counts": {} }).to_string();
    desk.runtime.block_on(Server::start(move |_, _| Answer::new(200, body.clone())))
}

#[test]
fn without_a_check_a_page_is_timed() {
    let desk = Desk::new(options());
    for (checks, text) in [
        (
            json!([]),
            "autoscale: this token sees no Pingdom check: make one, or name a page to time without Pingdom with --url\n",
        ),
        (
            json!([{ "id": 1, "name": "mail", "hostname": "shop.example.com", "type": "smtp" }]),
            "autoscale: none of Pingdom's 1 checks times a page: make one, or name a page to time without Pingdom with --url\n",
        ),
        (
            json!([{ "id": 1, "name": "blog", "hostname": "blog.example.com", "type": "http", "resolution": 1 }]),
            "autoscale: --check is missing, and no check has the host of this app: name one, or name a page to time without \
             Pingdom with --url\n  --check 1  blog, blog.example.com, every 1 min\n",
        ),
        (
            json!([
                { "id": 1, "name": "front", "hostname": "shop.example.com", "type": "http", "resolution": 5 },
                { "id": 2, "name": "cart", "hostname": "shop.example.com", "type": "http", "resolution": 1 },
            ]),
            "autoscale: --check is missing, and several have the host of this app: name one, or name a page to time without \
             Pingdom with --url\n  --check 2  cart, shop.example.com, every 1 min\n  --check 1  front, shop.example.com, every \
             5 min\n",
        ),
    ] {
        let server = pingdom(&desk, checks);
        let arguments = format!("--app shop --pingdom-url {}", server.url);
        assert_eq!(desk.refused(2, &mut desk.command(&arguments)), text);
    }
    let url = format!("{}/_sandbox", desk.sandbox.heroku_url());
    let (code, stdout, _) = desk.run(desk.command(&format!("--app shop --url {url}")).env_remove("PINGDOM_API_TOKEN"));
    let first = format!("Wrote config.ini for shop (web). It holds the Heroku token{PRIVATE}.\n");
    assert!(code == Some(0) && stdout.starts_with(&first), "{stdout}");
    let text = desk.text("config.ini");
    assert!(text.contains(&format!("url: {url}\n")) && text.contains("metric_source: probe\n"), "{text}");
    assert!(!text.contains("[PINGDOM_INFOS]") && text.contains("speed: 2\n"), "{text}");
    let mut run = autoscale(desk.home.path());
    let (code, _, stderr) = desk.run(run.args(["run", "--config", "config.ini", "--once", "--dry-run"]));
    assert!(code == Some(0) && stderr.contains("shop web: "), "{stderr}");
}

#[test]
fn what_will_not_scale_well_is_warned_of() {
    let desk = Desk::new(SandboxOptions { dynos: 15, native_autoscaling: true, ..options() });
    let (code, stdout, _) = desk.run(&mut desk.command("--app shop --json"));
    let written: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &written["max_dynos"]), (Some(0), &json!(15)), "no dyno goes because of a maximum nobody named");
    let warnings = written["warnings"].as_array().unwrap();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().starts_with("Heroku's own autoscaling is active"));
    let (_, stdout, _) = desk.run(&mut desk.command("--app shop --process-type worker --output worker.ini"));
    for warning in [
        "\nwarning: [HEROKU_INFOS] process_type: Heroku sends HTTP requests to web only, so response times say nothing about \
         worker: its dynos would follow the load of web",
        "\nwarning: worker is scaled to 0, where autoscale leaves it alone: `heroku ps:scale worker=1 --app shop` starts it\n",
    ] {
        assert!(stdout.contains(warning), "{warning}\n{stdout}");
    }
    let heroku = desk.runtime.block_on(Server::start(|request, _| {
        Answer::new(
            200,
            match request.target.as_str() {
                "/apps/blog" => json!({ "id": "1", "name": "blog" }).to_string(),
                "/apps/blog/formation" => json!([{ "type": "web", "quantity": 1, "size": "Basic" }]).to_string(),
                _ => "[]".to_owned(),
            },
        )
    }));
    let server = pingdom(&desk, json!([]));
    let mut command = autoscale(desk.home.path());
    command.args(["init", "--app", "blog", "--url", "https://blog.example/", "--output", "blog.ini"]);
    command.args(["--heroku-url", &heroku.url, "--pingdom-url", &server.url]).env("HEROKU_API_KEY", "k3y");
    let (code, stdout, stderr) = desk.run(&mut command);
    let warning = "warning: web runs on Basic, of which Heroku runs one dyno: `heroku ps:type web=standard-1x --app blog` \
                   moves it to a size that scales\n";
    assert!(code == Some(0) && stdout.contains(warning), "{stdout}{stderr}");
}

#[cfg(unix)]
#[test]
fn at_a_terminal_it_asks_for_what_is_open_and_shows_no_token() {
    let desk = Desk::new(SandboxOptions { other_apps: 40, ..options() });
    let info = desk.sandbox.info().clone();
    let mut terminal = AtTerminal::start(&mut desk.bare(""));
    terminal.expect("  heroku authorizations:create --scope read,write --description autoscale\n");
    terminal.expect("Heroku token (not shown): ");
    terminal.type_hidden("wrong");
    terminal.expect("401 (Invalid credentials provided.): the token is wrong, expired or revoked; ");
    terminal.expect("Heroku token (not shown): ");
    terminal.type_hidden(&info.heroku_api_key);
    terminal.expect("App: part of a name, to narrow down the 41: ");
    terminal.type_line("zzz");
    terminal.expect("None of the 41 has \"zzz\" in its name.\n");
    terminal.expect("App: part of a name, to narrow down the 41: ");
    terminal.type_line("app-4");
    terminal
        .expect("   1  other-app-4\n   2  other-app-40\n  2 of 41\nApp: number, or part of a name (Enter: all 41): ");
    terminal.type_line("HO");
    terminal.expect("   1  shop\n  1 of 41\nApp: number, or part of a name [1]: ");
    terminal.type_line("1");
    terminal.expect("   1  web        2 dynos, Standard-2X\n   2  worker     0 dynos, Standard-2X\n");
    terminal.expect("Process type: number, or part of a name [1]: ");
    terminal.type_line("");
    terminal.expect("Pingdom API token (not shown): ");
    terminal.type_hidden(&info.pingdom_api_key);
    terminal.expect("Suggested: shop.example.com, a host of this app.\n");
    terminal.expect("   1  shop, shop.example.com, every 1 min\n  1 of 42\nCheck: number, or part of a name [1]: ");
    terminal.type_line("");
    terminal.expect("Fewest dynos [1]: ");
    terminal.type_line("none");
    terminal.expect("\"none\" is not a whole number from 1 to 10000.\nFewest dynos [1]: ");
    terminal.type_line("2");
    terminal.expect("Most dynos, which you are ready to pay for [10]: ");
    terminal.type_line("1");
    terminal.expect("1 is below the fewest, 2.\nMost dynos, which you are ready to pay for [10]: ");
    terminal.type_line("");
    terminal.expect("Wrote config.ini for shop (web). It holds both tokens, so only you can read it (mode 600).\n");
    terminal.expect("autoscale run --config config.ini --shadow\n");
    assert_eq!(terminal.end().code(), Some(0));
    let screen = terminal.screen();
    desk.hides_tokens(&screen);
    assert!(!screen.contains("wrong\n"), "{screen}");
    assert_eq!(mode(&desk.path("config.ini")), 0o600);
    let text = desk.text("config.ini");
    for line in [format!("check_id: {}", info.check_id), "min_dynos: 2".into(), "max_dynos: 10".into()] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    let checked = autoscale(desk.home.path()).args(["check-config", "config.ini"]).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    desk.is_untouched();
}

#[cfg(unix)]
#[test]
fn at_a_terminal_a_page_is_timed_for_whoever_has_no_pingdom() {
    let desk = Desk::new(options());
    let mut command = desk.command("--app shop --process-type web --min 1 --max 5");
    let mut terminal = AtTerminal::start(command.env_remove("PINGDOM_API_TOKEN"));
    terminal.expect("No account? Press Enter, and autoscale times a page of yours itself.\n");
    terminal.expect("Pingdom API token (not shown): ");
    terminal.type_hidden("");
    terminal.expect("Page to time [https://shop.example.com/]: ");
    terminal.type_line("shop");
    terminal.expect("An address begins with https://, as in https://example.com/.\n");
    terminal.expect("Page to time [https://shop.example.com/]: ");
    terminal.type_line("");
    terminal.expect("Wrote config.ini for shop (web). It holds the Heroku token, ");
    assert_eq!(terminal.end().code(), Some(0));
    assert!(desk.text("config.ini").contains("url: https://shop.example.com/\n"));

    // The same where Pingdom has none, or none of them is chosen.
    let server = pingdom(&desk, json!([{ "id": 1, "name": "up?", "hostname": "shop.example.com", "type": "ping" }]));
    let arguments = format!("--app shop --process-type web --min 1 --max 5 --force --pingdom-url {}", server.url);
    let mut terminal = AtTerminal::start(&mut desk.command(&arguments));
    terminal.expect("Pingdom has no check that times a page for this token, so autoscale times a page itself.\n");
    terminal.expect("Page to time [https://shop.example.com/]: ");
    terminal.type_line("https://shop.example.com/cart");
    assert_eq!(terminal.end().code(), Some(0));
    assert!(desk.text("config.ini").contains("url: https://shop.example.com/cart\n"));
    let mut terminal = AtTerminal::start(&mut desk.command("--app shop --process-type web --min 1 --max 5 --force"));
    terminal.expect("   2  none of them: autoscale times a page itself\nCheck: number, or part of a name [1]: ");
    terminal.type_line("2");
    terminal.expect("Page to time [https://shop.example.com/]: ");
    terminal.type_line("");
    assert_eq!(terminal.end().code(), Some(0));
    assert!(desk.text("config.ini").contains("metric_source: probe\n"));
}

#[cfg(unix)]
#[test]
fn who_leaves_in_the_middle_finds_nothing_written_and_the_terminal_as_it_was() {
    let desk = Desk::new(options());
    let mut terminal = AtTerminal::start(&mut desk.bare(""));
    terminal.expect("Heroku token (not shown): ");
    crate::support::wait_until("a terminal that hides what is typed", || !terminal.echoes());
    let sent = Command::new("kill").args(["-INT", &terminal.id().to_string()]).status().unwrap();
    assert!(sent.success());
    terminal.expect("Stopped; nothing was written.\n");
    assert_eq!((terminal.end().code(), terminal.echoes()), (Some(1), true));

    let mut terminal = AtTerminal::start(&mut desk.command(""));
    terminal.expect("   1  shop\nApp: number, or part of a name: ");
    // Ctrl-D.
    terminal.type_raw("\u{4}");
    terminal.expect("autoscale: no more input; nothing was written\n");
    assert_eq!(terminal.end().code(), Some(1));
    assert_eq!(names(desk.home.path()), [""; 0]);
}
