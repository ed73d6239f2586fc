//! Heroku's objects as JSON: app, formation, dynos, sizes, account. Field by field as in its schema (February 2026), with
//! both `size` and `dyno_size`.

use std::time::Duration;

use serde_json::{Value, json};

use super::clock::iso;
use super::sizes::{SIZES, Size};
use super::world::World;
use crate::model::time::Timestamp;
use crate::simulation::DynoState;

/// The size of this name, in any case, or id.
pub(super) fn find_size(world: &World, name: &str) -> Option<usize> {
    SIZES.iter().position(|size| size.name.eq_ignore_ascii_case(name) || world.uuid(size.name) == name)
}

pub(super) fn sizes(world: &World) -> Value {
    let one = |size: &Size| {
        json!({
            "architecture": "heroku-24",
            "compute": size.compute,
            "cost": { "cents": size.cents, "unit": "month" },
            "dedicated": size.dedicated,
            "dyno_units": size.units as u32,
            "generation": generation(world),
            "id": world.uuid(size.name),
            "memory": size.memory,
            "name": size.name,
            "precise_dyno_units": size.units,
            "private_space_only": false,
        })
    };
    SIZES.iter().map(one).collect()
}

pub(super) fn account(world: &World) -> Value {
    json!({
        "allow_tracking": false,
        "beta": false,
        "country_of_residence": null,
        "created_at": iso(world.created_at),
        "default_organization": null,
        "default_team": null,
        "delinquent_at": null,
        "email": EMAIL,
        "federated": false,
        "id": world.uuid("account"),
        "identity_provider": null,
        "last_login": iso(world.serving_since),
        "name": "Sandbox",
        "sms_number": null,
        "suspended_at": null,
        "two_factor_authentication": false,
        "updated_at": iso(world.created_at),
        "verified": true,
    })
}

const EMAIL: &str = "sandbox@example.com";

/// The simulated app or, by its name, another one.
pub(super) fn app(world: &World, name: &str, now: Timestamp, skew: i64) -> Value {
    json!({
        "acm": false,
        "archived_at": null,
        "build_stack": { "id": world.uuid("stack"), "name": "heroku-24" },
        "buildpack_provided_description": "Sandbox",
        "created_at": iso(ahead(world.created_at, skew)),
        "generation": generation(world),
        "git_url": format!("https://git.heroku.com/{name}.git"),
        "id": world.app_id(name),
        "internal_routing": null,
        "maintenance": name == world.info.app_name && world.in_maintenance(now),
        "name": name,
        "organization": null,
        "owner": { "email": EMAIL, "id": world.uuid("account") },
        "region": { "id": world.uuid("region"), "name": "eu" },
        "released_at": iso(ahead(world.created_at, skew)),
        "repo_size": null,
        "slug_size": 1_000_000,
        "space": null,
        "stack": { "id": world.uuid("stack"), "name": "heroku-24" },
        "team": null,
        "updated_at": iso(ahead(world.created_at, skew)),
        "web_url": format!("https://{}/", herokus_host(name)),
    })
}

/// The host under which Heroku itself serves an app.
fn herokus_host(name: &str) -> String {
    format!("{name}.heroku.example")
}

/// The host under which an app's owner has it served, and which its check asks.
pub(super) fn own_host(name: &str) -> String {
    format!("{name}.example.com")
}

/// An app's domains: Heroku's and its owner's.
pub(super) fn domains(world: &World, name: &str) -> Vec<Value> {
    let one = |kind: &str, hostname: String, cname: Option<&str>| {
        json!({
            "acm_status": null,
            "acm_status_reason": null,
            "app": { "id": world.app_id(name), "name": name },
            "cname": cname,
            "created_at": iso(world.created_at),
            "hostname": hostname,
            "id": world.uuid(&format!("domain {hostname}")),
            "kind": kind,
            "sni_endpoint": null,
            "status": if kind == "custom" { "succeeded" } else { "none" },
            "updated_at": iso(world.created_at),
        })
    };
    vec![one("heroku", herokus_host(name), None), one("custom", own_host(name), Some("sandbox.herokudns.example"))]
}

/// The one process type of an app that is not simulated.
pub(super) fn other_process(world: &World, name: &str, skew: i64) -> Value {
    let size = SIZES[3].name;
    json!({
        "app": { "id": world.app_id(name), "name": name },
        "command": "bin/web --port $PORT",
        "created_at": iso(ahead(world.created_at, skew)),
        "dyno_size": { "id": world.uuid(size), "name": size },
        "id": world.uuid(&format!("formation web {name}")),
        "quantity": 1,
        "size": size,
        "type": "web",
        "updated_at": iso(ahead(world.created_at, skew)),
    })
}

pub(super) fn formation(world: &World, skew: i64) -> Value {
    (0..world.processes.len()).map(|index| process(world, index, skew)).collect()
}

pub(super) fn process(world: &World, index: usize, skew: i64) -> Value {
    let process = &world.processes[index];
    let size = SIZES[process.size].name;
    json!({
        "app": app_ref(world),
        "command": process.command,
        "created_at": iso(ahead(world.created_at, skew)),
        "dyno_size": { "id": world.uuid(size), "name": size },
        "id": world.uuid(&format!("formation {}", process.kind)),
        "quantity": process.quantity,
        "size": size,
        "type": process.kind,
        "updated_at": iso(ahead(process.updated_at, skew)),
    })
}

pub(super) fn dynos(world: &World, skew: i64) -> Vec<Value> {
    let web = (1..).zip(world.app.dynos()).map(|(n, (state, since))| (0, n, state, since));
    let worker = &world.processes[1];
    let workers = (1..=worker.quantity).map(|n| (1, n, DynoState::Up, worker.updated_at));
    let one = |(index, n, state, since): (usize, u32, DynoState, Timestamp)| {
        let process = &world.processes[index];
        let size = SIZES[process.size].name;
        let name = format!("{}.{n}", process.kind);
        json!({
            "app": app_ref(world),
            "attach_url": null,
            "command": process.command,
            "created_at": iso(ahead(since, skew)),
            "dyno_size": { "id": world.uuid(size), "name": size },
            "id": world.uuid(&format!("{name} {}", since.as_micros())),
            "name": name,
            "release": { "id": world.uuid("release"), "version": 1 },
            "size": size,
            "state": match state {
                DynoState::Starting => "starting",
                DynoState::Up => "up",
                DynoState::Crashed => "crashed",
            },
            "type": process.kind,
            "updated_at": iso(ahead(since, skew)),
        })
    };
    web.chain(workers).map(one).collect()
}

pub(super) fn release(world: &World) -> Value {
    json!({
        "app": app_ref(world),
        "created_at": iso(world.created_at),
        "current": true,
        "description": "Deploy sandbox",
        "id": world.uuid("release"),
        "slug": { "id": world.uuid("slug") },
        "status": "succeeded",
        "updated_at": iso(world.created_at),
        "user": { "email": EMAIL, "id": world.uuid("account") },
        "version": 1,
    })
}

/// Heroku's own autoscaling, as its command line reads it.
pub(super) fn monitor(world: &World) -> Value {
    json!({
        "action_type": "scale",
        "app_id": world.uuid("app"),
        "id": world.uuid("monitor"),
        "is_active": true,
        "max_quantity": 10,
        "min_quantity": 1,
        "name": "LATENCY_SCALE",
        "notification_period": 1440,
        "op": "GREATER_OR_EQUAL",
        "period": 1,
        "process_type": "web",
        "state": "enabled",
        "value": 1000,
    })
}

fn app_ref(world: &World) -> Value {
    json!({ "id": world.uuid("app"), "name": world.info.app_name })
}

fn generation(world: &World) -> Value {
    json!({ "id": world.uuid("cedar"), "name": "cedar" })
}

fn ahead(at: Timestamp, skew: i64) -> Timestamp {
    let by = Duration::from_secs(skew.unsigned_abs());
    if skew < 0 { at - by } else { at + by }
}
