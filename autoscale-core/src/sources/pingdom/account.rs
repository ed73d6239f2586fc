//! What a Pingdom token can see: its checks, for whoever writes a configuration. Reads only, and only version 3.1 of the
//! API.

use std::collections::HashSet;

use http::header::{AUTHORIZATION, HeaderMap};

use super::client::{PEER, secret_header};
use super::settings::PingdomVersion;
use super::wire::{self, CheckDescription, CheckRow};
use crate::config::Secret;
use crate::engine::ports::Failure;
use crate::http::listed::Listed;
use crate::http::{Answer, Client, HttpOptions, Peer, Redaction};

/// Pages of the list of checks that are read: 10,000 checks.
const MOST_PAGES: usize = 10;
const VERSION: PingdomVersion = PingdomVersion::V3_1;

/// A token's view of Pingdom.
pub struct PingdomAccount {
    client: Client,
    redaction: Redaction,
}

impl PingdomAccount {
    /// For a token, at the base address of an API, without `/api/3.1`. Sends nothing yet.
    ///
    /// # Errors
    /// [`FailureKind::Refused`](crate::engine::ports::FailureKind::Refused) where the token can't be sent, or the address is
    /// none.
    pub fn new(token: &Secret, api_url: &str, options: &HttpOptions) -> Result<Self, Failure> {
        let bearer = secret_header(&format!("Bearer {}", token.expose()))?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let redaction = Redaction::new([token]);
        // There is no configuration yet, whose roots could be trusted.
        let peer = Peer { takes_ca_file: false, ..PEER };
        let client = Client::new(peer, api_url, None, headers, token.expose(), redaction.clone(), options)?;
        Ok(Self { client, redaction })
    }

    /// The checks that the token sees, in Pingdom's order, their names in one line each. At most 10,000.
    ///
    /// # Errors
    /// As [`MetricSource::samples`](crate::engine::ports::MetricSource::samples).
    pub async fn checks(&self) -> Result<Listed<CheckRow>, Failure> {
        let deadline = self.client.deadline();
        let mut checks: Listed<CheckRow> = Listed { items: Vec::new(), complete: true };
        let mut seen = HashSet::new();
        for page in 0..MOST_PAGES {
            let path = wire::checks_path(VERSION, page * wire::CHECKS_PAGE);
            let parse = |answer: &Answer| wire::parse_checks(&answer.body).map_err(|e| e.to_string());
            let found = self.client.read(&path, deadline, parse, |s| mend(s, None)).await?;
            let (entries, before) = (found.items.len(), seen.len());
            // One that is made between two pages shifts the rest; a server that ignores the offset repeats all of it.
            checks.items.extend(found.items.into_iter().filter(|row| seen.insert(row.id)));
            if entries < wire::CHECKS_PAGE || seen.len() == before {
                break;
            }
            checks.complete = page + 1 < MOST_PAGES;
        }
        for check in &mut checks.items {
            check.name = self.redaction.apply(&check.name);
            check.hostname = self.redaction.apply(&check.hostname);
        }
        Ok(checks)
    }

    /// One check.
    ///
    /// # Errors
    /// As [`PingdomAccount::checks`].
    pub async fn check(&self, id: u64) -> Result<CheckDescription, Failure> {
        let parse = |answer: &Answer| wire::parse_check(&answer.body).map_err(|e| e.to_string());
        let path = wire::check_path(VERSION, id);
        let mut check = self.client.read(&path, self.client.deadline(), parse, |s| mend(s, Some(id))).await?;
        check.name = check.name.map(|name| self.redaction.apply(&name));
        Ok(check)
    }
}

/// What to do about a refusal.
fn mend(status: u16, check: Option<u64>) -> Option<String> {
    let make_one = "Pingdom makes a new one under Settings, Pingdom API; read access is enough";
    Some(match (status, check) {
        (401, _) => format!("the token is wrong or was deleted; {make_one}"),
        (402, _) => "the account's plan or payment does not allow it".into(),
        (403, None) => format!("the token may not list checks; {make_one}"),
        (403 | 404, Some(id)) => format!("this token sees no check {id}"),
        _ => return None,
    })
}

impl std::fmt::Debug for PingdomAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PingdomAccount").finish_non_exhaustive()
    }
}
