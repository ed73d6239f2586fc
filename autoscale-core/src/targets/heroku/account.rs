//! What a Heroku token can see: apps, their process types and their domains, for whoever writes a configuration. Reads
//! only: nothing here can send a change.

use http::HeaderValue;
use reqwest::Url;
use serde::Deserialize;

use super::client::{PEER, headers};
use super::wire::{self, AppBody, ProcessBody};
use crate::config::{Secret, keys};
use crate::engine::ports::{Failure, FailureKind};
use crate::http::listed::Listed;
use crate::http::{Answer, Client, HttpOptions, Peer, Redaction, is_loopback};

/// Pages of the list of apps that are read: 5,000 apps.
const MOST_PAGES: usize = 5;
/// Longest name of a host (RFC 1035), in bytes.
const LONGEST_HOST: usize = 253;

/// A token's view of the platform.
pub struct HerokuAccount {
    client: Client,
    is_loopback: bool,
}

impl HerokuAccount {
    /// The command that makes a token which can read apps and scale them, and nothing else.
    pub const TOKEN_COMMAND: &str = "heroku authorizations:create --scope read,write --description autoscale";

    /// For a token, at the base address of an API. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where the token can't be sent, or the address is none.
    pub fn new(token: &Secret, api_url: &str, options: &HttpOptions) -> Result<Self, Failure> {
        let refused = || Failure::new(FailureKind::Refused, "Heroku's token holds a character that no token has");
        let headers = headers(token).ok_or_else(refused)?;
        // There is no configuration yet, whose roots could be trusted.
        let peer = Peer { takes_ca_file: false, ..PEER };
        let client = Client::new(peer, api_url, None, headers, token.expose(), Redaction::new([token]), options)?;
        let is_loopback = Url::parse(api_url).is_ok_and(|url| is_loopback(&url));
        Ok(Self { client, is_loopback })
    }

    /// The apps that the token sees, by name: those of its account and those that others share with it. At most 5,000.
    ///
    /// # Errors
    /// As [`ScaleTarget::formation`](crate::engine::ports::ScaleTarget::formation); the text says how to make a token that may.
    pub async fn apps(&self) -> Result<Listed<AppBody>, Failure> {
        let deadline = self.client.deadline();
        let mut apps = Listed { items: Vec::new(), complete: true };
        let mut range = HeaderValue::from_static(wire::FIRST_RANGE);
        for page in 1..=MOST_PAGES {
            let parse = |answer: &Answer| {
                let page = wire::parse_apps(&answer.body).map_err(|e| e.to_string())?;
                let next = answer.headers.get("next-range").filter(|_| answer.status == 206);
                Ok((page, next.cloned()))
            };
            let (found, next) =
                self.client.read_range(wire::APPS_PATH, Some(&range), deadline, parse, |s| mend(s, None)).await?;
            apps.complete &= found.complete;
            apps.items.extend(found.items);
            // A server that names the same page again would be asked for ever.
            let Some(next) = next.filter(|next| *next != range) else { break };
            apps.complete &= page < MOST_PAGES;
            range = next;
        }
        // A configuration takes no other name, and a terminal should be shown none.
        apps.items.retain(|app| keys::APP_NAME.form.check(&app.name).is_ok());
        apps.items.sort_by(|a, b| a.name.cmp(&b.name));
        apps.items.dedup_by(|a, b| a.id == b.id);
        Ok(apps)
    }

    /// One app.
    ///
    /// # Errors
    /// As [`HerokuAccount::apps`].
    pub async fn app(&self, name: &str) -> Result<AppBody, Failure> {
        let parse = |answer: &Answer| wire::parse_app(&answer.body).map_err(|e| e.to_string());
        self.client.read(&wire::app_path(name), self.client.deadline(), parse, |s| mend(s, Some(name))).await
    }

    /// The process types of an app, `web` first.
    ///
    /// # Errors
    /// As [`HerokuAccount::apps`].
    pub async fn process_types(&self, app: &str) -> Result<Vec<ProcessBody>, Failure> {
        let parse = |answer: &Answer| wire::parse_formations(&answer.body).map_err(|e| e.to_string());
        let (path, deadline) = (wire::formations_path(app), self.client.deadline());
        let mut found = self.client.read(&path, deadline, parse, |s| mend(s, Some(app))).await?;
        found.retain(|process| keys::PROCESS_TYPE.form.check(&process.process_type).is_ok());
        found.sort_by(|a, b| {
            let key = |p: &ProcessBody| (p.process_type != "web", p.process_type.clone());
            key(a).cmp(&key(b))
        });
        Ok(found)
    }

    /// The host names of an app, those of its owner before Heroku's own.
    ///
    /// # Errors
    /// As [`HerokuAccount::apps`].
    pub async fn domains(&self, app: &str) -> Result<Vec<String>, Failure> {
        let parse = |answer: &Answer| wire::parse_domains(&answer.body).map_err(|e| e.to_string());
        let (path, range) = (wire::domains_path(app), HeaderValue::from_static(wire::FIRST_RANGE));
        let deadline = self.client.deadline();
        let mut found = self.client.read_range(&path, Some(&range), deadline, parse, |s| mend(s, Some(app))).await?;
        let fits = |host: &String| {
            !host.is_empty() && host.len() <= LONGEST_HOST && host.bytes().all(|byte| byte.is_ascii_graphic())
        };
        found.retain(fits);
        Ok(found)
    }

    /// How many times faster than the wall clock time passes behind this address, where `autoscale sandbox` serves it.
    /// Only a loopback address is asked.
    pub async fn sandbox_speed(&self) -> Option<f64> {
        #[derive(Deserialize)]
        struct Report {
            speed: f64,
        }
        if !self.is_loopback {
            return None;
        }
        let parse = |answer: &Answer| serde_json::from_slice::<Report>(&answer.body).map_err(|e| e.to_string());
        let report = self.client.read("/_sandbox", self.client.deadline(), parse, |_| None).await.ok()?;
        Some(report.speed).filter(|speed| speed.is_finite() && *speed > 0.0)
    }
}

/// What to do about a refusal.
fn mend(status: u16, app: Option<&str>) -> Option<String> {
    let command = HerokuAccount::TOKEN_COMMAND;
    Some(match (status, app) {
        (401, _) => format!("the token is wrong, expired or revoked; `{command}` makes a new one"),
        (402, _) => "the account is behind with its payments".into(),
        (403, None) => format!("the token may not list apps; `{command}` makes one that may"),
        (403, Some(app)) => format!("the token may not read {app}; `{command}` makes one that may"),
        (404, Some(app)) => format!("this token sees no app {app}"),
        _ => return None,
    })
}

impl std::fmt::Debug for HerokuAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HerokuAccount").finish_non_exhaustive()
    }
}
