//! The `Debug` of whatever holds a secret shows none.

use std::process::Command;

use autoscale_core::Autoscaler;
use autoscale_core::workspace::config_file;

const SECRETS: [&str; 4] = ["her0ku-s3cret", "pingd0m-s3cret", "p\\a\"s's%w#o;r=d:1", "w3bh00k-s3cret"];
/// Set in the process that has a home of its own.
const HOME: &str = "AUTOSCALE_TEST_SECRETS_HOME";

#[test]
fn the_debug_of_a_configuration_and_of_an_app_shows_no_secret() {
    let Some(home) = std::env::var_os(HOME) else {
        // An app takes its lock in the user's state folder: this very test, once more, with another one.
        let home = tempfile::tempdir().unwrap();
        let name = "secrets::the_debug_of_a_configuration_and_of_an_app_shows_no_secret";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", name, "--nocapture"]).env(HOME, home.path()).env("XDG_STATE_HOME", home.path());
        let output = again.env("HOME", home.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    };
    let path = std::path::Path::new(&home).join("config.ini");
    let [heroku, pingdom, password, webhook] = SECRETS;
    let text = format!(
        "[HEROKU_INFOS]\napi_key: {heroku}\napp_name: shop\n[PINGDOM_INFOS]\napi_key: {pingdom}\nlogin: ops\n\
         password: {password}\napi_version: 2.1\ncheck_id: 1\n[AUTOSCALE_SETTINGS]\nplot: True\n\
         history_file: history.jsonl\n[NOTIFICATIONS]\nwebhook_url: https://hooks.example.com/{webhook}\n"
    );
    std::fs::write(&path, text).unwrap();
    let loaded = config_file::load(&path, false).unwrap();
    let told = [format!("{:?}", loaded.config), format!("{loaded:#?}")];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let builder = Autoscaler::builder(loaded.config);
    let builder_told = format!("{builder:?}");
    let (app, handle) = runtime.block_on(builder.build()).unwrap();
    let told = told.into_iter().chain([builder_told, format!("{app:?}"), format!("{app:#?}"), format!("{handle:?}")]);
    for text in told {
        assert!(text.len() > 50);
        for secret in SECRETS {
            // `Debug` of a text escapes quotes and backslashes.
            let escaped = format!("{secret:?}");
            assert!(!text.contains(secret) && !text.contains(escaped.trim_matches('"')), "{secret} in {text}");
        }
    }
}
