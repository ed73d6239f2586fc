//! The formation of one process type as a [`ScaleTarget`]: read with the app's maintenance mode, set to an absolute
//! quantity. How many there should be is not known here.

use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::Url;

use super::wire::{self, NativeAutoscaling};
use crate::config::{self, Secret};
use crate::engine::budgets::Bucket;
use crate::engine::permit::Permit;
use crate::engine::ports::{Failure, FailureKind, FormationReading, ScaleTarget};
use crate::http::{Answer, Client, HttpOptions, Peer, Redaction, is_loopback, secret_header};
use crate::model::warning::Warning;

pub(super) const PEER: Peer = Peer {
    name: "Heroku",
    section: "HEROKU_INFOS",
    address_key: "api_url",
    takes_ca_file: true,
    // Each of its objects takes a few kB.
    longest_body: Some(1 << 20),
    // https://devcenter.heroku.com/articles/platform-api-reference#rate-limits
    bucket: Some(Bucket { size: 4500.0, per_minute: 75.0 }),
    message: |body| wire::parse_error(body).map(|e| e.message),
};

/// Where the monitors of Heroku's own autoscaling are.
const METRICS_URL: &str = "https://api.metrics.heroku.com";
/// The address whose monitors are there.
const API_HOST: &str = "api.heroku.com";

/// Reads and sets the formation of one process type of one app.
pub struct HerokuFormation {
    client: Client,
    /// For the monitors; `None` where nobody knows their address, as behind a gateway.
    metrics: Option<Client>,
    app: String,
    process_type: String,
}

impl HerokuFormation {
    /// For the app of the configuration. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`] where a key is missing or unusable; the text names it.
    pub fn new(config: &config::Heroku, options: &HttpOptions) -> Result<Self, Failure> {
        let refused = |text: &str| Failure::new(FailureKind::Refused, format!("[HEROKU_INFOS] {text}"));
        let api_key = config.api_key.as_ref().ok_or_else(|| refused("api_key is missing"))?;
        let headers = headers(api_key).ok_or_else(|| refused("api_key holds a character that no key has"))?;
        let client = |base: &str| {
            let redaction = Redaction::new([api_key]);
            Client::new(PEER, base, config.ca_file.as_deref(), headers.clone(), api_key.expose(), redaction, options)
        };
        let metrics = match Url::parse(&config.api_url) {
            Ok(url) if url.host_str() == Some(API_HOST) => Some(client(METRICS_URL)?),
            Ok(url) if is_loopback(&url) => Some(client(&config.api_url)?),
            _ => None,
        };
        let (app, process_type) = (config.app_name.clone(), config.process_type.clone());
        Ok(Self { client: client(&config.api_url)?, metrics, app, process_type })
    }

    /// A warning where Heroku's own autoscaling is active on the same process type: the two would undo each other's
    /// work. Asked once, at the start. The endpoint is not part of the published API: where it does not answer, or not
    /// as the official command line expects, there is no warning and no error.
    pub async fn native_autoscaling(&self) -> Option<String> {
        let metrics = self.metrics.as_ref()?;
        let deadline = self.client.deadline();
        let app = self.read_app(deadline).await.ok()?;
        let path = wire::monitors_path(&app.id, &self.process_type);
        let parse = |answer: &Answer| wire::parse_monitors(&answer.body).map_err(|e| e.to_string());
        match metrics.read(&path, deadline, parse, |_| None).await {
            Ok(found) => found.map(|native| self.native_warning(native)),
            Err(failure) => {
                tracing::debug!("could not ask for Heroku's own autoscaling: {failure}");
                None
            }
        }
    }

    fn native_warning(&self, native: NativeAutoscaling) -> String {
        let Self { app, process_type, .. } = self;
        let range = match (native.min, native.max) {
            (Some(min), Some(max)) => format!(" ({min} to {max} dynos)"),
            _ => String::new(),
        };
        format!(
            "Heroku's own autoscaling is active on {app} {process_type}{range}: the two will undo each other's changes; \
             switch it off with `heroku ps:autoscale:disable {process_type} --app {app}`"
        )
    }

    async fn read_app(&self, deadline: tokio::time::Instant) -> Result<wire::AppBody, Failure> {
        let parse = |answer: &Answer| wire::parse_app(&answer.body).map_err(|e| e.to_string());
        self.client.read(&wire::app_path(&self.app), deadline, parse, |status| self.mend(status, false)).await
    }

    /// What to check after a refusal. An app that is not there answers both reads with 404; `formation`: only the
    /// formation's did.
    fn mend(&self, status: u16, formation: bool) -> Option<String> {
        let Self { app, process_type, .. } = self;
        Some(match status {
            401 => "check [HEROKU_INFOS] api_key".into(),
            402 => "the account is behind with its payments".into(),
            403 => format!("check [HEROKU_INFOS] api_key: may it write to {app}?"),
            404 if formation => {
                format!("check [HEROKU_INFOS] process_type: {app} has no {process_type}, or app_name")
            }
            404 => format!("check [HEROKU_INFOS] app_name: no {app} for this api_key"),
            300..=399 => return None,
            _ => "check [HEROKU_INFOS] app_name and process_type".into(),
        })
    }
}

/// What goes with each request; `None` where the key can't stand in a header.
pub(super) fn headers(api_key: &Secret) -> Option<HeaderMap> {
    let bearer = secret_header(&format!("Bearer {}", api_key.expose()))?;
    Some(HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(wire::ACCEPT)), (AUTHORIZATION, bearer)]))
}

impl ScaleTarget for HerokuFormation {
    fn warnings(&mut self) -> Vec<Warning> {
        self.client.warnings().take()
    }

    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        let deadline = self.client.deadline();
        let path = wire::formation_path(&self.app, &self.process_type);
        let parse =
            |answer: &Answer| wire::parse_formation_of(&self.process_type, &answer.body).map_err(|e| e.to_string());
        let formation = self.client.read(&path, deadline, parse, |status| self.mend(status, true));
        // Where both fail, the app's failure is the one that says more: no app, no formation.
        let (app, formation) = tokio::join!(self.read_app(deadline), formation);
        let (app, formation) = (app?, formation?);
        Ok(FormationReading {
            quantity: formation.quantity,
            updated_at: formation.updated_at,
            size: formation.size,
            maintenance: app.maintenance,
            released_at: app.released_at(),
        })
    }

    async fn scale(&mut self, quantity: u32, permit: &Permit) -> Result<u32, Failure> {
        let path = wire::formation_path(&self.app, &self.process_type);
        let answer = self.client.change(Method::PATCH, &path, wire::scale_body(quantity), Some(permit)).await?;
        match answer.status {
            200..300 => wire::parse_formation_of(&self.process_type, &answer.body)
                .map(|formation| formation.quantity)
                .map_err(|e| self.client.unknown(&self.client.not_as_promised(&e.to_string()))),
            422 => match wire::parse_error(&answer.body).and_then(|error| error.dyno_limit()) {
                Some(limit) => Err(Failure::new(FailureKind::Limit(limit), self.client.status_text(&answer, None))),
                None => Err(Failure::new(FailureKind::Refused, self.client.status_text(&answer, None))),
            },
            // Another change of the same app is under way.
            409 => Err(Failure::new(FailureKind::Transient, self.client.status_text(&answer, None))),
            status => {
                let text = self.client.status_text(&answer, self.mend(status, true));
                Err(Failure::new(FailureKind::Refused, text))
            }
        }
    }
}

impl std::fmt::Debug for HerokuFormation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { app, process_type, .. } = self;
        f.debug_struct("HerokuFormation").field("app", app).field("process_type", process_type).finish_non_exhaustive()
    }
}
