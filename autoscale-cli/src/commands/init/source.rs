//! Where response times come from: a Pingdom check, suggested by the app's domains, or a page that the program times.

use std::time::Duration;

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::heroku::HerokuAccount;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::listed::Listed;
use autoscale_core::workspace::pingdom::PingdomAccount;
use autoscale_core::workspace::pingdom::wire::CheckRow;
use autoscale_core::workspace::ports::{Failure, FailureKind};
use autoscale_core::workspace::probe::settings as probe_keys;

use super::app::App;
use super::args::Args;
use super::ask::Terminal;
use super::choice::{Choice, Row};
use super::stop::Stop;
use super::{suggest, token};

/// Where Pingdom's token is looked for.
const VARIABLE: &str = "PINGDOM_API_TOKEN";
/// How often a token may be typed.
const ATTEMPTS: u32 = 3;
/// A check's resolution where Pingdom does not say it: its default.
const USUAL_RESOLUTION: u32 = 5;

/// Where response times come from.
pub(super) enum Source {
    /// A check of Pingdom's.
    Pingdom {
        token: Secret,
        check: u64,
        /// What it is called and does, in one line.
        about: String,
        /// Time between two of its tests.
        resolution: Duration,
    },
    /// A page that the program times itself.
    Probe { url: String },
}

impl Source {
    /// The value of `metric_source`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Pingdom { .. } => "pingdom",
            Self::Probe { .. } => "probe",
        }
    }

    /// Pingdom's token, where it is used.
    pub(super) fn token(&self) -> Option<&Secret> {
        match self {
            Self::Pingdom { token, .. } => Some(token),
            Self::Probe { .. } => None,
        }
    }

    fn of_row(token: Secret, row: &CheckRow) -> Self {
        let resolution = Duration::from_secs(60 * u64::from(row.resolution.unwrap_or(USUAL_RESOLUTION)));
        Self::Pingdom { token, check: row.id, about: described(row), resolution }
    }
}

pub(super) async fn choose(
    args: &Args,
    terminal: Option<&Terminal>,
    heroku: &HerokuAccount,
    app: &App,
    http: &HttpOptions,
) -> Result<Source, Stop> {
    if let Some(url) = &args.url {
        return Ok(Source::Probe { url: url.clone() });
    }
    let given = token::given(args.pingdom_token_file.as_deref(), VARIABLE)?;
    if given.is_none() && terminal.is_none() {
        let text = match args.check {
            Some(_) => {
                format!("no Pingdom token: set {VARIABLE}, or name a file that holds it with --pingdom-token-file")
            }
            None => format!(
                "no source of response times: set {VARIABLE} and name a check with --check, or name a page to time \
                 without Pingdom with --url"
            ),
        };
        return Err(Stop::usage(text));
    }
    if let Some(id) = args.check {
        return named_check(args, terminal, given, id, http).await;
    }
    // Only a suggestion depends on them.
    let mut domains = heroku.domains(&app.name).await.unwrap_or_default();
    domains.extend(app.web_host.clone());
    let (token, checks) = match (given, terminal) {
        (Some(token), _) => {
            let checks = PingdomAccount::new(&token, &args.pingdom_url, http)?.checks().await?;
            (token, checks)
        }
        (None, Some(terminal)) => match log_in(args, terminal, http).await? {
            Some(found) => found,
            None => return probe(terminal, &domains),
        },
        (None, None) => unreachable!("refused above"),
    };
    let all = checks.items.len();
    let checks = Listed { items: checks.items.into_iter().filter(CheckRow::times_a_page).collect(), ..checks };
    match terminal {
        Some(terminal) => ask_for_check(terminal, token, &checks, all, &domains),
        None => {
            let place = suggest::only(&checks.items, &domains).ok_or_else(|| no_check(&checks.items, all, &domains))?;
            Ok(Source::of_row(token, &checks.items[place]))
        }
    }
}

/// The check that a flag names, once Pingdom says that it is there.
async fn named_check(
    args: &Args,
    terminal: Option<&Terminal>,
    given: Option<Secret>,
    id: u64,
    http: &HttpOptions,
) -> Result<Source, Stop> {
    let mut attempt = 1;
    let mut token = given;
    loop {
        let typed = token.is_none();
        let used = match (token.take(), terminal) {
            (Some(token), _) => token,
            (None, Some(terminal)) => match terminal.secret("Pingdom API token (not shown)")? {
                Some(token) => token,
                None => continue,
            },
            (None, None) => return Err(Stop::usage(format!("no Pingdom token: set {VARIABLE}"))),
        };
        match PingdomAccount::new(&used, &args.pingdom_url, http)?.check(id).await {
            Ok(check) => {
                let minutes = check.resolution.as_secs() / 60;
                let about = format!("{}, every {minutes} min", check.name.as_deref().unwrap_or("check"));
                return Ok(Source::Pingdom { token: used, check: id, about, resolution: check.resolution });
            }
            Err(failure) => again(terminal.filter(|_| typed), failure, &mut attempt)?,
        }
    }
}

/// Asks for a token until Pingdom takes it; `None` where there is none.
async fn log_in(
    args: &Args,
    terminal: &Terminal,
    http: &HttpOptions,
) -> Result<Option<(Secret, Listed<CheckRow>)>, Stop> {
    terminal.say(
        "A Pingdom API token with read access (in Pingdom: Settings, Pingdom API).\n\
         No account? Press Enter, and autoscale times a page of yours itself.",
    );
    let mut attempt = 1;
    loop {
        let Some(token) = terminal.secret("Pingdom API token (not shown)")? else { return Ok(None) };
        terminal.say("Reading your checks from Pingdom…");
        match PingdomAccount::new(&token, &args.pingdom_url, http)?.checks().await {
            Ok(checks) => return Ok(Some((token, checks))),
            Err(failure) => again(Some(terminal), failure, &mut attempt)?,
        }
    }
}

/// May a token be typed once more after this failure?
fn again(terminal: Option<&Terminal>, failure: Failure, attempt: &mut u32) -> Result<(), Stop> {
    match terminal {
        Some(terminal) if failure.kind == FailureKind::Refused && *attempt < ATTEMPTS => {
            terminal.say(&format!("{failure}."));
            *attempt += 1;
            Ok(())
        }
        _ => Err(failure.into()),
    }
}

fn ask_for_check(
    terminal: &Terminal,
    token: Secret,
    checks: &Listed<CheckRow>,
    all: usize,
    domains: &[String],
) -> Result<Source, Stop> {
    let rows = &checks.items;
    let others = all - rows.len();
    if rows.is_empty() {
        let text = if others > 0 { "Pingdom has no check that times a page" } else { "Pingdom has no checks" };
        terminal.say(&format!("{text} for this token, so autoscale times a page itself."));
        return probe(terminal, domains);
    }
    if !checks.complete {
        terminal.say(&format!("Only the first {all} checks are listed; --check names any other."));
    }
    if others > 0 {
        let (s, do_not) = if others == 1 { ("", "does not") } else { ("s", "do not") };
        terminal.say(&format!("{others} other check{s} {do_not} time a page, such as a ping, and are left out."));
    }
    let suggested = suggest::suggested(rows, domains);
    match suggested[..] {
        [] => terminal.say("No check has the host of this app, so none is suggested."),
        [best, ..] => terminal.say(&format!("Suggested: {}, a host of this app.", rows[best].hostname)),
    }
    let mut choices: Vec<Row> =
        rows.iter().map(|check| Row { key: check.id.to_string(), label: described(check) }).collect();
    choices.push(Row { key: "none".into(), label: "none of them: autoscale times a page itself".into() });
    let choice = Choice::new(choices, suggested);
    if choice.is_narrowed() || choice.shown().is_none() {
        terminal.say("For another check, type a part of its name; for a page without Pingdom, type none.");
    }
    match rows.get(terminal.choose("Check", choice)?) {
        Some(row) => Ok(Source::of_row(token, row)),
        None => probe(terminal, domains),
    }
}

fn probe(terminal: &Terminal, domains: &[String]) -> Result<Source, Stop> {
    // A wildcard is no address.
    let host = domains.iter().find(|host| !host.contains('*'));
    let url = host.map(|host| format!("https://{host}/"));
    let read = |text: &str| probe_keys::URL.form.check(text).map(|()| text.to_owned());
    let url = match url.filter(|url| read(url).is_ok()) {
        Some(url) => terminal.ask("Page to time", &url, read)?,
        None => terminal.ask("Page to time", "https://…", read)?,
    };
    Ok(Source::Probe { url })
}

/// Why no check is taken where nobody can be asked.
fn no_check(checks: &[CheckRow], all: usize, domains: &[String]) -> Stop {
    let or = "or name a page to time without Pingdom with --url";
    let suggested = suggest::suggested(checks, domains);
    let listed = |places: &[usize]| {
        let one = |place: &usize| format!("\n  --check {}  {}", checks[*place].id, described(&checks[*place]));
        let cut = if places.len() > 20 { format!("\n  and {} more", places.len() - 20) } else { String::new() };
        places.iter().take(20).map(one).collect::<String>() + &cut
    };
    Stop::usage(match (checks.len(), suggested.len()) {
        (0, _) if all > 0 => format!("none of Pingdom's {all} checks times a page: make one, {or}"),
        (0, _) => format!("this token sees no Pingdom check: make one, {or}"),
        (_, 0) => {
            let places: Vec<usize> = (0..checks.len()).collect();
            format!("--check is missing, and no check has the host of this app: name one, {or}{}", listed(&places))
        }
        _ => format!("--check is missing, and several have the host of this app: name one, {or}{}", listed(&suggested)),
    })
}

/// "front page, shop.example.com, every 1 min".
fn described(check: &CheckRow) -> String {
    let mut parts: Vec<String> = [&check.name, &check.hostname].map(Clone::clone).to_vec();
    parts.retain(|part| !part.is_empty());
    parts.dedup();
    if let Some(minutes) = check.resolution {
        parts.push(format!("every {minutes} min"));
    }
    if check.is_paused() {
        parts.push("paused".into());
    }
    parts.join(", ")
}
