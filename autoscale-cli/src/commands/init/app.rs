//! Which app and which process type: Heroku's token, what it sees, and the choice.

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::heroku::HerokuAccount;
use autoscale_core::workspace::heroku::wire::{AppBody, ProcessBody};
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::listed::Listed;
use autoscale_core::workspace::ports::{Failure, FailureKind};

use super::args::Args;
use super::ask::Terminal;
use super::choice::{Choice, Row};
use super::stop::Stop;
use super::token;

/// Where Heroku's token is looked for.
const VARIABLE: &str = "HEROKU_API_KEY";
/// How often a token may be typed.
const ATTEMPTS: u32 = 3;
/// Most names that an error lists.
const MOST_NAMED: usize = 20;
/// Sizes of which Heroku runs one dyno of a process type (Dev Center, "dyno scaling and process limits").
const ONE_DYNO: [&str; 4] = ["eco", "basic", "free", "hobby"];

/// The app to scale.
#[derive(Debug)]
pub(super) struct App {
    pub(super) name: String,
    pub(super) process_type: String,
    /// Dynos it has now.
    pub(super) quantity: u32,
    /// The host under which Heroku serves it.
    pub(super) web_host: Option<String>,
    /// What is worth knowing about it.
    pub(super) warnings: Vec<String>,
}

/// What a token gave: the one app that a flag names, or all.
enum Seen {
    One(AppBody),
    All(Listed<AppBody>),
}

/// The token's account, the token, and the app.
pub(super) async fn choose(
    args: &Args,
    terminal: Option<&Terminal>,
    http: &HttpOptions,
) -> Result<(HerokuAccount, Secret, App), Stop> {
    let (account, token, seen) = log_in(args, terminal, http).await?;
    let app = match (seen, terminal) {
        (Seen::One(app), _) => app,
        (Seen::All(apps), _) if apps.items.is_empty() => {
            let text = "this token sees no app: is it of the right account? An account sees its own apps and those that \
                        it is a collaborator or a team member of";
            return Err(Stop::failed(text));
        }
        (Seen::All(mut apps), Some(terminal)) => {
            if !apps.complete {
                let text = format!("Only the first {} apps are listed; --app names any other.", apps.items.len());
                terminal.say(&text);
            }
            let rows = apps.items.iter().map(|app| Row::plain(&app.name)).collect();
            let place = terminal.choose("App", Choice::new(rows, Vec::new()))?;
            apps.items.swap_remove(place)
        }
        (Seen::All(apps), None) => {
            let names = apps.items.iter().map(|app| app.name.as_str());
            return Err(Stop::usage(format!("--app is missing: this token sees {}", named(names))));
        }
    };
    let process = process(args, terminal, account.process_types(&app.name).await?, &app.name)?;
    let warnings = warnings(&app.name, &process);
    let web_host = app.web_host();
    let ProcessBody { process_type, formation } = process;
    let app = App { name: app.name, process_type, quantity: formation.quantity, web_host, warnings };
    Ok((account, token, app))
}

/// Takes the token that is given, or asks for one until Heroku takes it.
async fn log_in(
    args: &Args,
    terminal: Option<&Terminal>,
    http: &HttpOptions,
) -> Result<(HerokuAccount, Secret, Seen), Stop> {
    let command = HerokuAccount::TOKEN_COMMAND;
    let look = async |token: &Secret| -> Result<(HerokuAccount, Seen), Failure> {
        let account = HerokuAccount::new(token, &args.heroku_url, http)?;
        let seen = match &args.app {
            Some(name) => Seen::One(account.app(name).await?),
            None => Seen::All(account.apps().await?),
        };
        Ok((account, seen))
    };
    if let Some(token) = token::given(args.heroku_token_file.as_deref(), VARIABLE)? {
        let (account, seen) = look(&token).await?;
        return Ok((account, token, seen));
    }
    let Some(terminal) = terminal else {
        let text = format!(
            "no Heroku token: set {VARIABLE}, or name a file that holds it with --heroku-token-file; `{command}` makes one"
        );
        return Err(Stop::usage(text));
    };
    terminal.say(&format!("A Heroku token that can read and scale your apps, and nothing else:\n  {command}"));
    let mut attempt = 1;
    loop {
        let Some(token) = terminal.secret("Heroku token (not shown)")? else { continue };
        terminal.say("Reading your apps from Heroku…");
        match look(&token).await {
            Ok((account, seen)) => return Ok((account, token, seen)),
            Err(failure) if failure.kind == FailureKind::Refused && attempt < ATTEMPTS => {
                terminal.say(&format!("{failure}."));
                attempt += 1;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

fn process(
    args: &Args,
    terminal: Option<&Terminal>,
    mut found: Vec<ProcessBody>,
    app: &str,
) -> Result<ProcessBody, Stop> {
    let names = |found: &[ProcessBody]| named(found.iter().map(|process| process.process_type.as_str()));
    if found.is_empty() {
        return Err(Stop::failed(format!("{app} has no process types yet: deploy it first")));
    }
    if let Some(wanted) = &args.process_type {
        let place = found.iter().position(|process| process.process_type == *wanted);
        let place = place.ok_or_else(|| {
            Stop::usage(format!("--process-type {wanted}: {app} has no such process type, but {}", names(&found)))
        })?;
        return Ok(found.swap_remove(place));
    }
    let web = found.iter().position(|process| process.process_type == "web");
    match (terminal, web) {
        (_, Some(web)) if found.len() == 1 => Ok(found.swap_remove(web)),
        (Some(terminal), _) => {
            let rows = found.iter().map(|process| Row { key: process.process_type.clone(), label: described(process) });
            let place = terminal.choose("Process type", Choice::new(rows.collect(), web.into_iter().collect()))?;
            Ok(found.swap_remove(place))
        }
        (None, Some(web)) => Ok(found.swap_remove(web)),
        (None, None) => Err(Stop::usage(format!("--process-type is missing: {app} has no web, but {}", names(&found)))),
    }
}

/// "web       2 dynos, Standard-2X".
fn described(process: &ProcessBody) -> String {
    let ProcessBody { process_type, formation } = process;
    let plural = if formation.quantity == 1 { "" } else { "s" };
    let size = formation.size.as_deref().filter(|size| size.chars().all(|c| c.is_ascii_graphic()));
    let size = size.map(|size| format!(", {size}")).unwrap_or_default();
    format!("{process_type:<10} {} dyno{plural}{size}", formation.quantity)
}

fn warnings(app: &str, process: &ProcessBody) -> Vec<String> {
    let ProcessBody { process_type, formation } = process;
    let mut warnings = Vec::new();
    if formation.quantity == 0 {
        warnings.push(format!(
            "{process_type} is scaled to 0, where autoscale leaves it alone: `heroku ps:scale {process_type}=1 --app {app}` \
             starts it"
        ));
    }
    if let Some(size) =
        formation.size.as_deref().filter(|size| ONE_DYNO.iter().any(|one| size.eq_ignore_ascii_case(one)))
    {
        warnings.push(format!(
            "{process_type} runs on {size}, of which Heroku runs one dyno: `heroku ps:type {process_type}=standard-1x --app \
             {app}` moves it to a size that scales"
        ));
    }
    warnings
}

/// "3 apps: a, b and c" without the noun; long lists are cut.
fn named<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let shown = names.take(MOST_NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
