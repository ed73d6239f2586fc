//! Heroku's Platform API, version 3, as far as scaling and the official command line need it: who may call, which path is
//! which, and the errors. What the objects look like is in `heroku_json`; faults are not known here.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Answer, Call, Credentials};
use super::fault_injector::Plan;
use super::heroku_json as object;
use super::ranges;
use super::refusal::{error, too_many};
use super::sizes::SIZES;
use super::world::World;
use crate::model::time::Timestamp;

/// Answers a call, and carries out what it asks for.
pub(super) fn answer(world: &mut World, call: &Call, plan: &Plan, now: Timestamp) -> Answer {
    let counts = call.path != "/account/rate-limits";
    let allowed = !counts || world.heroku_budget.take(now);
    let (remaining, wait) = (world.heroku_budget.left(), world.heroku_budget.wait(now));
    let answer = if allowed { authorized(world, call, plan, now) } else { Err(too_many(&wait.to_string())) };
    let mut answer = answer.unwrap_or_else(|refused| refused).with("RateLimit-Remaining", remaining);
    if answer.status.is_success() && call.method == Method::GET {
        let tag = format!("\"{}\"", super::world::uuid(0, &String::from_utf8_lossy(&answer.body)));
        if call.header("if-none-match") == tag {
            answer.status = StatusCode::NOT_MODIFIED;
            answer.body.clear();
        }
        answer = answer.with("ETag", tag);
    }
    answer
}

/// What goes with every answer, also with those that a fault gives.
pub(super) fn finish(answer: Answer, call: &Call, plan: &Plan, request_id: &str) -> Answer {
    let echoed = match call.header("request-id") {
        "" => request_id,
        given => given,
    };
    let answer = answer.with("Request-Id", echoed);
    if plan.warning {
        answer.with("X-Heroku-Warning", "This is a warning that the sandbox was asked for.")
    } else {
        answer
    }
}

/// Where errors are explained.
const ERRORS: &str = "https://devcenter.heroku.com/articles/platform-api-reference#errors";

type Routed = Result<Answer, Answer>;

fn authorized(world: &mut World, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let key = match call.credentials() {
        Credentials::None => {
            let message =
                "There were no credentials in your `Authorization` header. Try `Authorization: Bearer <key>`.";
            return Err(error(401, "unauthorized", message));
        }
        Credentials::Bearer(key) | Credentials::Basic(_, key) => key,
    };
    if key != world.info.heroku_api_key {
        return Err(error(401, "unauthorized", "Invalid credentials provided."));
    }
    let accept = call.header("accept");
    if !(accept.contains("application/vnd.heroku+json") && accept.contains("version=3")) {
        let message = "Send `Accept: application/vnd.heroku+json; version=3`.";
        return Err(error(406, "not_acceptable", message));
    }
    route(world, call, plan, now)
}

fn route(world: &mut World, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let skew = plan.skew;
    let segments = call.segments();
    let get = call.method == Method::GET;
    let patch = call.method == Method::PATCH;
    match segments[..] {
        ["account"] if get => Ok(Answer::ok(&object::account(world))),
        ["account", "rate-limits"] if get => Ok(Answer::ok(&json!({ "remaining": world.heroku_budget.left() }))),
        ["apps"] | ["users", _, "apps"] if get => {
            ranges::page(call, world.apps().map(|name| object::app(world, &name, now, skew)).collect())
        }
        ["dyno-sizes"] if get => Ok(Answer::ok(&object::sizes(world))),
        ["account", "features"] | ["teams"] | ["pipelines"] if get => Ok(Answer::ok(&json!([]))),
        ["apps", app, ref rest @ ..] if app == world.info.app_name || app == world.uuid("app") => match rest {
            [] if get => Ok(Answer::ok(&object::app(world, app, now, skew))),
            [] if patch => update_app(world, call, now, skew),
            ["formation"] if get => Ok(Answer::ok(&object::formation(world, skew))),
            ["formation"] if patch => update_batch(world, call, plan, now),
            ["formation", kind] if get => {
                find(world, kind).map(|index| Answer::ok(&object::process(world, index, skew)))
            }
            ["formation", kind] if patch => update_one(world, kind, call, plan, now),
            ["formation", kind, "monitors"] if get => {
                let index = find(world, kind)?;
                let monitored = world.native_autoscaling && world.processes[index].kind == "web";
                Ok(Answer::ok(&if monitored { json!([object::monitor(world)]) } else { json!([]) }))
            }
            ["log-sessions"] if call.method == Method::POST => {
                let asked: Value = serde_json::from_slice(&call.body).unwrap_or_default();
                let id = world.open_log_session(asked["dyno"] == "router", now);
                let logplex_url = format!("{}/streams/{id}?srv=1", world.info.heroku_url);
                let body = json!({ "id": id, "logplex_url": logplex_url, "created_at": super::clock::iso(now), "updated_at": super::clock::iso(now) });
                Ok(Answer::json(StatusCode::CREATED, &body))
            }
            ["dynos"] if get => Ok(Answer::ok(&Value::Array(object::dynos(world, skew)))),
            ["dynos", name] if get => {
                let wanted = |dyno: &Value| dyno["name"] == *name || dyno["id"] == *name;
                let dyno = object::dynos(world, skew).into_iter().find(wanted);
                dyno.map(|dyno| Answer::ok(&dyno)).ok_or_else(|| not_found("dyno"))
            }
            ["available-dyno-sizes"] if get => Ok(Answer::ok(&object::sizes(world))),
            ["releases"] if get => Ok(Answer::ok(&json!([object::release(world)]))),
            ["config-vars"] if get => Ok(Answer::ok(&json!({}))),
            ["domains"] if get => ranges::page(call, object::domains(world, &world.info.app_name)),
            ["addons" | "collaborators" | "features"] if get => Ok(Answer::ok(&json!([]))),
            _ => Err(error(404, "not_found", "The requested API endpoint was not found.")),
        },
        ["apps", app, ref rest @ ..] => {
            let name = world.other_app(app).ok_or_else(|| not_found("app"))?;
            other_app(world, &name, rest, call, now, skew)
        }
        _ => Err(error(404, "not_found", "The requested API endpoint was not found.")),
    }
}

/// An app beside the simulated one: it has a dyno, and answers what `autoscale init` and the like ask.
fn other_app(world: &World, name: &str, rest: &[&str], call: &Call, now: Timestamp, skew: i64) -> Routed {
    if call.method != Method::GET {
        return Err(error(403, "forbidden", "Only the simulated app can be changed."));
    }
    match rest {
        [] => Ok(Answer::ok(&object::app(world, name, now, skew))),
        ["formation"] => Ok(Answer::ok(&json!([object::other_process(world, name, skew)]))),
        ["formation", "web"] => Ok(Answer::ok(&object::other_process(world, name, skew))),
        ["formation", ..] => Err(not_found("process type")),
        ["domains"] => ranges::page(call, object::domains(world, name)),
        _ => Err(error(404, "not_found", "The requested API endpoint was not found.")),
    }
}

fn not_found(what: &str) -> Answer {
    error(404, "not_found", &format!("Couldn't find that {what}."))
}

fn find(world: &World, kind: &str) -> Result<usize, Answer> {
    let same = |name: &str| name == kind || world.uuid(&format!("formation {name}")) == kind;
    world.processes.iter().position(|process| same(process.kind)).ok_or_else(|| not_found("process type"))
}

fn update_app(world: &mut World, call: &Call, now: Timestamp, skew: i64) -> Routed {
    match body(call)?.get("maintenance") {
        None => {}
        Some(Value::Bool(on)) => world.maintenance = *on,
        // A public client library sends 0.
        Some(Value::Number(n)) if matches!(n.as_u64(), Some(0 | 1)) => world.maintenance = n.as_u64() == Some(1),
        Some(_) => return Err(invalid("maintenance must be a boolean.")),
    }
    Ok(Answer::ok(&object::app(world, &world.info.app_name, now, skew)))
}

fn update_one(world: &mut World, kind: &str, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let change = change(world, find(world, kind)?, &body(call)?, plan)?;
    apply(world, change, call, plan, now);
    Ok(Answer::ok(&object::process(world, change.index, plan.skew)))
}

fn update_batch(world: &mut World, call: &Call, plan: &Plan, now: Timestamp) -> Routed {
    let body = body(call)?;
    let Some(updates) = body.get("updates").and_then(Value::as_array) else {
        return Err(invalid("updates must be an array."));
    };
    let mut changes = Vec::new();
    for update in updates {
        let kind = update.get("type").or_else(|| update.get("process")).and_then(Value::as_str);
        let index = find(world, kind.ok_or_else(|| invalid("Each update needs a type."))?)?;
        changes.push(change(world, index, update, plan)?);
    }
    // All or none.
    for change in &changes {
        apply(world, *change, call, plan, now);
    }
    let answered = |change: &Change| object::process(world, change.index, plan.skew);
    Ok(Answer::ok(&changes.iter().map(answered).collect::<Vec<_>>()))
}

#[derive(Clone, Copy)]
struct Change {
    index: usize,
    quantity: Option<u32>,
    size: Option<usize>,
}

/// What an update asks for, checked.
fn change(world: &World, index: usize, update: &Value, plan: &Plan) -> Result<Change, Answer> {
    let Value::Object(fields) = update else { return Err(invalid("An update must be an object.")) };
    let known = ["type", "process", "quantity", "size", "dyno_size"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(invalid(&format!("Unknown parameter: {unknown}.")));
    }
    let size = match fields.get("dyno_size").or_else(|| fields.get("size")) {
        None | Some(Value::Null) => None,
        Some(size) => {
            let name = size.as_str().or_else(|| size.get("name")?.as_str()).or_else(|| size.get("id")?.as_str());
            let tiers =
                "Process tier is invalid. Available process tiers are Eco, Basic, Production, Private, and Shield.";
            Some(object::find_size(world, name.unwrap_or_default()).ok_or_else(|| invalid(tiers))?)
        }
    };
    let now = world.processes[index].quantity;
    let quantity = match fields.get("quantity") {
        None | Some(Value::Null) => None,
        Some(Value::Number(n)) => Some(n.as_u64()),
        // The official command line sends texts, also relative ones.
        Some(Value::String(text)) => Some(match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(more), _) => more.parse::<u32>().ok().map(|n| u64::from(now) + u64::from(n)),
            (_, Some(fewer)) => fewer.parse::<u32>().ok().map(|n| u64::from(now.saturating_sub(n))),
            _ => text.parse::<u32>().ok().map(u64::from),
        }),
        Some(_) => Some(None),
    };
    let quantity = match quantity {
        None => None,
        Some(None) => return Err(invalid("quantity must be an integer, 0 or more.")),
        Some(Some(wanted)) => {
            let size = SIZES[size.unwrap_or(world.processes[index].size)];
            let limit = plan.limit.unwrap_or(u32::MAX).min(world.most_dynos).min(size.most);
            // What an app has already it keeps, also above a limit.
            let allowed = u32::try_from(wanted).ok().filter(|wanted| *wanted <= limit.max(now));
            Some(allowed.ok_or_else(|| above(limit, size.name))?)
        }
    };
    Ok(Change { index, quantity, size })
}

fn apply(world: &mut World, change: Change, call: &Call, plan: &Plan, now: Timestamp) {
    if let Some(size) = change.size {
        let process = &mut world.processes[change.index];
        if process.size != size {
            process.size = size;
            process.updated_at = now;
        }
    }
    if let Some(quantity) = change.quantity {
        world.scale(change.index, quantity, (!plan.spoils(), call.header("user-agent")), now);
    }
}

fn body(call: &Call) -> Result<Value, Answer> {
    match serde_json::from_slice(&call.body) {
        Ok(body @ Value::Object(_)) => Ok(body),
        _ => Err(error(400, "bad_request", "Unable to parse the request's body as a JSON object.")),
    }
}

fn invalid(message: &str) -> Answer {
    error(422, "invalid_params", message)
}

fn above(limit: u32, size: &str) -> Answer {
    let message = format!("Cannot update to more than {limit} {size} size dynos per process type.");
    let body = json!({
        "id": "cannot_update_above_limit",
        "message": message,
        "limit": limit,
        "size": size,
        "url": ERRORS,
    });
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}
