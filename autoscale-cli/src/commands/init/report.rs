//! What `init` says at the end: what was written, what to mind, and which command is next; as text or as JSON.

use autoscale_core::workspace::config_file::in_a_shell;
use serde_json::json;

use super::args::Args;
use super::draft::Draft;
use super::source::Source;
use crate::output::say;
use crate::show::{BOLD, YELLOW};

/// What follows from a token in the file.
const PRIVATE: &str = if cfg!(unix) { ", so only you can read it (mode 600)" } else { ": show it to nobody" };

pub(super) fn tell(args: &Args, draft: &Draft<'_>, source: &Source, warnings: &[String]) {
    let file = in_a_shell(&args.output);
    let next = [format!("autoscale check-config {file}"), format!("autoscale run --config {file} --shadow")];
    if args.json {
        let (check, url) = match source {
            Source::Pingdom { check, .. } => (Some(*check), None),
            Source::Probe { url } => (None, Some(url)),
        };
        let written = json!({
            "config": args.output.to_string_lossy(),
            "app": draft.app,
            "process_type": draft.process_type,
            "metric_source": source.word(),
            "check_id": check,
            "url": url,
            "min_dynos": draft.min,
            "max_dynos": draft.max,
            "policy": draft.policy,
            "secrets_in_file": !args.no_secrets,
            "warnings": warnings,
            "next": next,
        });
        return say(&written.to_string());
    }
    let secrets = match (args.no_secrets, source) {
        (false, Source::Pingdom { .. }) => format!("It holds both tokens{PRIVATE}."),
        (false, Source::Probe { .. }) => format!("It holds the Heroku token{PRIVATE}."),
        (true, Source::Pingdom { .. }) => {
            "The tokens are not in it: set HEROKU_API_KEY and PINGDOM_API_TOKEN to run it.".into()
        }
        (true, Source::Probe { .. }) => "The token is not in it: set HEROKU_API_KEY to run it.".into(),
    };
    say(&format!("Wrote {} for {} ({}). {secrets}", args.output.display(), draft.app, draft.process_type));
    warnings.iter().for_each(|warning| say(&format!("{YELLOW}warning:{YELLOW:#} {warning}")));
    say("\nNext, check it and watch it decide without changing anything:");
    next.iter().for_each(|command| say(&format!("  {BOLD}{command}{BOLD:#}")));
    say("\nAfter some days, compare it with what scales the app today:");
    say(&format!("  {BOLD}autoscale report --config {file}{BOLD:#}"));
}
