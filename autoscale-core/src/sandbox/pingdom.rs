//! Pingdom's API, 3.1 (Bearer) and 2.1 (App-Key and Basic): one check and its results. Faults are not known here.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Answer, Call, Credentials};
use super::fault_injector::Plan;
use super::heroku_json::own_host;
use super::world::{CheckResult, PROBES, World};
use crate::model::time::Timestamp;

/// The user and the password of 2.1.
pub(super) const LOGIN: &str = "sandbox@example.com";
pub(super) const PASSWORD: &str = "sandbox";

/// `limit` is 1000 where it is absent, and silently cut to it where it is larger.
const MOST_RESULTS: usize = 1000;
/// `limit` of the list of checks where it is absent, and the largest.
const MOST_CHECKS: u32 = 25_000;
/// The largest `offset`.
const LARGEST_OFFSET: usize = 43_200;

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call, plan: &Plan, now: Timestamp) -> Answer {
    let [short, long] = &mut world.pingdom_budgets;
    let allowed = short.take(now) & long.take(now);
    let [short, long] = world
        .pingdom_budgets
        .map(|budget| format!("Remaining: {} Time until reset: {}", budget.left(), budget.wait(now)));
    let answer = if allowed { route(world, call, plan, now) } else { Err(too_many(None)) };
    answer.unwrap_or_else(|refused| refused).with("Req-Limit-Short", short).with("Req-Limit-Long", long)
}

/// An error in Pingdom's form.
pub(super) fn error(status: u16, message: &str) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let description = status.canonical_reason().unwrap_or("Error");
    let error = json!({ "statuscode": status.as_u16(), "statusdesc": description, "errormessage": message });
    Answer::json(status, &json!({ "error": error }))
}

/// 429, with a `Retry-After` if there is one.
pub(super) fn too_many(retry_after: Option<&str>) -> Answer {
    let answer = error(429, "Request limit exceeded, try again later");
    match retry_after {
        Some(text) => answer.with("Retry-After", text),
        None => answer,
    }
}

type Routed = Result<Answer, Answer>;

fn route(world: &World, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let segments = call.segments();
    let ["api", version @ ("3.1" | "2.0" | "2.1"), ref rest @ ..] = segments[..] else {
        return Err(error(404, "There is no such resource"));
    };
    authorize(world, call, version == "3.1")?;
    if call.method != Method::GET {
        return Err(error(405, "The sandbox's checks can only be read"));
    }
    // The simulated app's check is the first, and each other app's the next.
    let check = |id: &str| match id.parse::<u64>() {
        Ok(id) => match id.checked_sub(world.info.check_id) {
            Some(place) if place <= u64::from(world.other_apps) => Ok(place as u32),
            _ => Err(error(404, "Check not found")),
        },
        Err(_) => Err(error(400, "Invalid check identifier")),
    };
    match rest {
        ["results", id] => match check(id)? {
            0 => results(world, call, plan, now),
            _ => Ok(Answer::ok(&json!({ "activeprobes": [], "results": [] }))),
        },
        ["checks", id] => check(id).map(|place| {
            let mut found = object(world, place, plan.skew);
            found["type"] = json!({ "http": { "url": "/", "encryption": true, "port": 443 } });
            Answer::ok(&json!({ "check": found }))
        }),
        ["checks"] => checks(world, call, plan),
        ["probes"] => Ok(Answer::ok(&json!({ "probes": PROBES.map(probe) }))),
        ["servertime"] if version != "3.1" => Ok(Answer::ok(&json!({ "servertime": now.as_secs() + plan.skew }))),
        _ => Err(error(404, "There is no such resource")),
    }
}

fn authorize(world: &World, call: &Call, token: bool) -> Result<(), Answer> {
    let key = &world.info.pingdom_api_key;
    match call.credentials() {
        Credentials::None => Err(error(401, "User credentials missing")),
        Credentials::Bearer(given) | Credentials::Basic(given, _) if token => {
            if given == *key {
                Ok(())
            } else {
                Err(error(401, "Invalid API token"))
            }
        }
        Credentials::Basic(user, password) if user == LOGIN && password == PASSWORD => {
            if call.header("app-key") == key { Ok(()) } else { Err(error(401, "Invalid application key")) }
        }
        _ => Err(error(401, "Invalid email and/or password")),
    }
}

/// A parameter that is a number, 0 or more.
fn number(call: &Call, name: &str) -> Result<Option<i64>, Answer> {
    match call.parameter(name) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|n| *n >= 0)
            .map(Some)
            .ok_or_else(|| error(400, &format!("Invalid parameter value: {name}"))),
    }
}

fn checks(world: &World, call: &Call, plan: &Plan) -> Routed {
    let place = |name| number(call, name).map(|n| n.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
    let limit = place("limit")?.unwrap_or(MOST_CHECKS);
    if limit > MOST_CHECKS {
        return Err(error(400, &format!("Invalid parameter value: limit may be {MOST_CHECKS} at most")));
    }
    let all = 1 + world.other_apps;
    let first = place("offset")?.unwrap_or_default().min(all);
    let page = first..all.min(first.saturating_add(limit));
    let counts = json!({ "total": all, "limited": page.len(), "filtered": all });
    let one = |place| {
        let mut found = object(world, place, plan.skew);
        found["type"] = json!("http");
        found
    };
    Ok(Answer::ok(&json!({ "checks": page.map(one).collect::<Value>(), "counts": counts })))
}

fn results(world: &World, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let number = |name| number(call, name);
    let to = number("to")?.unwrap_or(now.as_secs() + plan.skew);
    let from = number("from")?.unwrap_or(to - 86_400);
    let limit = number("limit")?.map_or(MOST_RESULTS, |n| usize::try_from(n).unwrap_or(MOST_RESULTS)).min(MOST_RESULTS);
    let offset = number("offset")?.map_or(0, |n| usize::try_from(n).unwrap_or(usize::MAX));
    if offset > LARGEST_OFFSET {
        return Err(error(400, &format!("Invalid parameter value: offset may be {LARGEST_OFFSET} at most")));
    }
    if from > to {
        return Err(error(400, "Invalid parameter value: from is later than to"));
    }
    let statuses = call.parameter("status").filter(|text| !text.is_empty());
    let unknown = |status: &&str| !matches!(*status, "up" | "down" | "unconfirmed" | "unknown");
    if statuses.is_some_and(|text| text.split(',').any(|status| unknown(&status))) {
        return Err(error(400, "Invalid parameter value: status"));
    }
    let listed = |wanted: Option<&str>, text: &str| wanted.is_none_or(|list| list.split(',').any(|one| one == text));
    let probes = call.parameter("probes").filter(|text| !text.is_empty());
    let found: Vec<&CheckResult> = world
        .results()
        .filter(|_| !plan.empty)
        .filter(|result| (from..=to).contains(&(result.time + plan.skew)))
        .filter(|result| listed(statuses, result.status) && listed(probes, &result.probe.to_string()))
        .skip(offset)
        .take(limit)
        .collect();
    let mut active: Vec<u32> = found.iter().map(|result| result.probe).collect();
    active.sort_unstable();
    active.dedup();
    let one = |result: &&CheckResult| {
        let mut json = json!({
            "probeid": result.probe,
            "time": result.time + plan.skew,
            "status": result.status,
            "statusdesc": result.words,
            "statusdesclong": result.words,
        });
        if let Some(ms) = result.ms {
            json["responsetime"] = ms.into();
        }
        json
    };
    Ok(Answer::ok(&json!({ "activeprobes": active, "results": found.iter().map(one).collect::<Value>() })))
}

/// The check of an app, by the app's place in the account.
fn object(world: &World, place: u32, skew: i64) -> Value {
    let name = world.app_name(place);
    let newest = world.results().next().filter(|_| place == 0);
    let mut json = json!({
        "created": world.created_at.as_secs() + skew,
        "hostname": own_host(&name),
        "id": world.info.check_id + u64::from(place),
        "ipv6": false,
        "name": name,
        "resolution": if place == 0 { 1 } else { 5 },
        "status": match newest {
            None => "unknown",
            Some(result) if result.status == "unconfirmed" => "unconfirmed_down",
            Some(result) => result.status,
        },
        "tags": [],
        "verify_certificate": true,
    });
    if let Some(result) = newest {
        json["lasttesttime"] = (result.time + skew).into();
        json["lastresponsetime"] = result.ms.unwrap_or_default().into();
    }
    if let Some(down) = world.results().filter(|_| place == 0).find(|result| result.ms.is_none()) {
        json["lasterrortime"] = (down.time + skew).into();
    }
    json
}

fn probe((id, country, city, code): (u32, &str, &str, &str)) -> Value {
    json!({
        "active": true,
        "city": city,
        "country": country,
        "countryiso": code,
        "hostname": format!("probe-{id}.example.com"),
        "id": id,
        "ip": format!("192.0.2.{id}"),
        "name": format!("{city}, {country}"),
        "region": if matches!(code, "US" | "CA") { "NA" } else { "EU" },
    })
}
