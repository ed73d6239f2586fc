//! Heroku's request paths and JSON bodies, to and from values. No IO, no clock. Of a formation only the quantity is ever
//! written, as an absolute number: a relative one would be applied twice when an answer is lost.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::http::json;
use crate::http::listed::{AtMost, Listed};
use crate::model::calendar;
use crate::model::time::Timestamp;

/// The media type that names version 3 of the Platform API.
pub const ACCEPT: &str = "application/vnd.heroku+json; version=3";

/// Path of the list of apps that a token sees.
pub const APPS_PATH: &str = "/apps";

/// Most entries of one page of a list (Dev Center, "ranges").
pub const PAGE: usize = 1000;

/// The `Range` of the first page of a list, in the order of ids. While pages follow, an answer has status 206 and a
/// `Next-Range`, which is sent as the next `Range`.
pub const FIRST_RANGE: &str = "id ..; max=1000";

/// Most process types that are read of an app.
pub const MOST_PROCESS_TYPES: usize = 200;

/// RFC 3986's unreserved characters stay as they are.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Path of an app.
pub fn app_path(app: &str) -> String {
    format!("/apps/{}", utf8_percent_encode(app, SEGMENT))
}

/// Path of the formation of one process type.
pub fn formation_path(app: &str, process_type: &str) -> String {
    format!("{}/formation/{}", app_path(app), utf8_percent_encode(process_type, SEGMENT))
}

/// Path of the formations of all process types of an app.
pub fn formations_path(app: &str) -> String {
    format!("{}/formation", app_path(app))
}

/// Path of the list of an app's domains.
pub fn domains_path(app: &str) -> String {
    format!("{}/domains", app_path(app))
}

/// Path of the monitors of Heroku's own autoscaling. Not part of the published API; the official command line uses it.
pub fn monitors_path(app_id: &str, process_type: &str) -> String {
    format!("{}/monitors", formation_path(app_id, process_type))
}

/// The body that sets a quantity, and nothing else.
pub fn scale_body(quantity: u32) -> String {
    serde_json::json!({ "quantity": quantity }).to_string()
}

/// A body that is not what the API promises; says how.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// The formation of one process type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormationBody {
    /// Dynos asked for.
    pub quantity: u32,
    /// When anything about it last changed; `None` where that is absent or no time.
    pub updated_at: Option<Timestamp>,
    /// Size of its dynos, by name where there is one.
    pub size: Option<String>,
    /// Process type that it is of, where the body says.
    pub process_type: Option<String>,
}

/// Most dynos that are believed: a hundred times what Heroku runs of an app.
const MOST_DYNOS: u32 = 10_000;

/// Reads a formation, from a GET or as the answer to a PATCH.
///
/// # Errors
/// Where the body is no such JSON, or has more dynos than there can be.
pub fn parse_formation(body: &[u8]) -> Result<FormationBody, Malformed> {
    let formation = json::read(body, "a formation").map_err(Malformed).map(RawFormation::read)?;
    if formation.quantity > MOST_DYNOS {
        return Err(Malformed(format!("a formation of {} dynos", formation.quantity)));
    }
    Ok(formation)
}

/// [`parse_formation`] of one process type.
///
/// # Errors
/// As there, and where it is another one's.
pub fn parse_formation_of(process_type: &str, body: &[u8]) -> Result<FormationBody, Malformed> {
    let formation = parse_formation(body)?;
    match &formation.process_type {
        Some(other) if other != process_type => {
            Err(Malformed(format!("the formation of another process type than {process_type}")))
        }
        _ => Ok(formation),
    }
}

/// A formation as the body has it.
#[derive(Deserialize)]
struct RawFormation {
    #[serde(rename = "type")]
    process_type: Option<String>,
    quantity: u32,
    updated_at: Option<String>,
    /// Deprecated since 2026 in favour of `dyno_size`; older servers and gateways send only this.
    size: Option<String>,
    dyno_size: Option<DynoSize>,
}

#[derive(Deserialize)]
struct DynoSize {
    name: Option<String>,
    id: Option<String>,
}

impl RawFormation {
    fn read(self) -> FormationBody {
        FormationBody {
            quantity: self.quantity,
            updated_at: self.updated_at.as_deref().and_then(calendar::parse),
            size: self.dyno_size.and_then(|size| size.name.or(size.id)).or(self.size),
            process_type: self.process_type,
        }
    }
}

/// One process type of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessBody {
    /// Its name, as the Procfile has it.
    pub process_type: String,
    /// Its formation.
    pub formation: FormationBody,
}

/// Reads the formations of an app; at most [`MOST_PROCESS_TYPES`] of them.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_formations(body: &[u8]) -> Result<Vec<ProcessBody>, Malformed> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(flatten)]
        formation: RawFormation,
    }
    let AtMost(list): AtMost<Entry, MOST_PROCESS_TYPES> =
        json::read(body, "a list of formations").map_err(Malformed)?;
    let read = |entry: Entry| {
        let formation = entry.formation.read();
        Some(ProcessBody { process_type: formation.process_type.clone()?, formation })
    };
    Ok(list.items.into_iter().filter_map(read).collect())
}

/// An app.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct AppBody {
    /// Its id; apps can be renamed.
    pub id: String,
    /// Its name; empty where the body has none.
    #[serde(default)]
    pub name: String,
    /// Is it in maintenance mode?
    #[serde(default)]
    pub maintenance: bool,
    /// Address under which Heroku serves it.
    pub web_url: Option<String>,
    /// When it was last released, as the body has it.
    #[serde(default)]
    pub released_at: Option<String>,
}

impl AppBody {
    /// When it was last released; `None` where that is absent or no time.
    pub fn released_at(&self) -> Option<Timestamp> {
        self.released_at.as_deref().and_then(calendar::parse)
    }

    /// The host of [`AppBody::web_url`].
    pub fn web_host(&self) -> Option<String> {
        let url: http::Uri = self.web_url.as_deref()?.parse().ok()?;
        url.host().map(str::to_owned)
    }
}

/// Reads an app.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_app(body: &[u8]) -> Result<AppBody, Malformed> {
    json::read(body, "an app").map_err(Malformed)
}

/// Reads a page of the list of apps; at most [`PAGE`] of them.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_apps(body: &[u8]) -> Result<Listed<AppBody>, Malformed> {
    json::read(body, "a list of apps").map_err(Malformed).map(|AtMost::<AppBody, PAGE>(list)| list)
}

/// Reads the host names of an app, those of its owner before Heroku's own; at most [`PAGE`] of them.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_domains(body: &[u8]) -> Result<Vec<String>, Malformed> {
    #[derive(Deserialize)]
    struct Domain {
        hostname: String,
        kind: Option<String>,
    }
    let AtMost(mut list): AtMost<Domain, PAGE> = json::read(body, "a list of domains").map_err(Malformed)?;
    list.items.sort_by_key(|domain| domain.kind.as_deref() == Some("heroku"));
    Ok(list.items.into_iter().map(|domain| domain.hostname).collect())
}

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ErrorBody {
    /// Its name: `unauthorized`, `not_found`, `cannot_run_above_limit`…
    pub id: String,
    /// In words.
    pub message: String,
    /// Most dynos that are allowed, where it is about that.
    pub limit: Option<u32>,
}

impl ErrorBody {
    /// The most dynos that the platform allows, where that is why it refused.
    pub fn dyno_limit(&self) -> Option<u32> {
        let about_limit = ["cannot_run_above_limit", "cannot_update_above_limit"].contains(&self.id.as_str());
        self.limit.filter(|_| about_limit)
    }
}

/// What an error's body says, if it says anything.
pub fn parse_error(body: &[u8]) -> Option<ErrorBody> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(default)]
        id: String,
        #[serde(default)]
        message: String,
        // A limit of another kind than a number of dynos must not hide the message.
        #[serde(borrow)]
        limit: Option<&'a RawValue>,
    }
    let Body { id, message, limit } = serde_json::from_slice(body).ok()?;
    let limit = limit.and_then(|limit| serde_json::from_str(limit.get()).ok());
    Some(ErrorBody { id, message, limit })
}

/// Heroku's own autoscaling of a process type, while it is active.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NativeAutoscaling {
    /// The fewest dynos that it leaves.
    pub min: Option<u32>,
    /// The most dynos that it takes.
    pub max: Option<u32>,
}

/// Reads the monitors; `None` where none of them scales.
///
/// # Errors
/// Where the body is no such JSON.
pub fn parse_monitors(body: &[u8]) -> Result<Option<NativeAutoscaling>, Malformed> {
    #[derive(Deserialize)]
    struct Monitor {
        action_type: Option<String>,
        is_active: Option<bool>,
        min_quantity: Option<u32>,
        max_quantity: Option<u32>,
    }
    /// The first that scales.
    struct Monitors(Option<NativeAutoscaling>);
    impl<'de> Deserialize<'de> for Monitors {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(Each)
        }
    }
    struct Each;
    impl<'de> Visitor<'de> for Each {
        type Value = Monitors;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of monitors")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Monitors, A::Error> {
            let mut found = None;
            while let Some(monitor) = list.next_element::<Monitor>()? {
                let scales = monitor.action_type.as_deref() == Some("scale") && monitor.is_active == Some(true);
                found = found.or_else(|| {
                    scales.then_some(NativeAutoscaling { min: monitor.min_quantity, max: monitor.max_quantity })
                });
            }
            Ok(Monitors(found))
        }
    }
    let Monitors(found) = json::read(body, "a list of monitors").map_err(Malformed)?;
    Ok(found)
}
