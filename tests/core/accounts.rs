//! What a token can see: lists that come in pages, and the words for what a token may not.

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::heroku::HerokuAccount;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::pingdom::PingdomAccount;
use autoscale_core::workspace::ports::{Failure, FailureKind};
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::support::log::Log;
use crate::support::scripted::{Answer, Server};

const TOKEN: &str = "t0ken-never-shown";

fn options() -> HttpOptions {
    HttpOptions::at_speed(100.0)
}

fn heroku(url: &str) -> HerokuAccount {
    HerokuAccount::new(&Secret::new(TOKEN), url, &options()).unwrap()
}

fn pingdom(url: &str) -> PingdomAccount {
    PingdomAccount::new(&Secret::new(TOKEN), url, &options()).unwrap()
}

fn app(name: &str) -> Value {
    json!({ "id": format!("id of {name}"), "name": name, "web_url": format!("https://{name}.heroku.example/") })
}

#[tokio::test]
async fn apps_come_page_by_page_as_next_range_says_and_in_the_order_of_their_names() {
    let server = Server::start(|request, _| match request.headers["range"].as_str() {
        "id ..; max=1000" => Answer::new(206, json!([app("shop"), app("blog")]).to_string())
            .header("Next-Range", "id ]second..; max=1000"),
        "id ]second..; max=1000" => Answer::new(200, json!([app("api"), app("blog")]).to_string()),
        other => panic!("{other}"),
    })
    .await;
    let apps = heroku(&server.url).apps().await.unwrap();
    assert_eq!(apps.items.iter().map(|app| app.name.as_str()).collect::<Vec<_>>(), ["api", "blog", "shop"]);
    assert_eq!(apps.items[2].web_host().as_deref(), Some("shop.heroku.example"));
    assert!(apps.complete);
    for request in server.requests() {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/apps"));
        assert_eq!(request.headers["accept"], "application/vnd.heroku+json; version=3");
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_list_that_never_ends_is_left_after_five_pages() {
    let server = Server::start(|_, n| {
        Answer::new(206, json!([app(&format!("app-{n}"))]).to_string())
            .header("Next-Range", format!("id ]{n}..; max=1000"))
    })
    .await;
    let apps = heroku(&server.url).apps().await.unwrap();
    assert_eq!((apps.items.len(), apps.complete, server.requests().len()), (5, false, 5));
    // One that names the same page over and over has no more of them.
    let server = Server::start(|_, _| {
        Answer::new(206, json!([app("shop")]).to_string()).header("Next-Range", "id ]again..; max=1000")
    })
    .await;
    let apps = heroku(&server.url).apps().await.unwrap();
    assert_eq!((apps.items.len(), apps.complete, server.requests().len()), (1, true, 2));
}

#[tokio::test]
async fn names_that_no_app_and_no_process_type_has_are_left_out() {
    let server = Server::start(|request, _| {
        let process = |kind: &str| json!({ "type": kind, "quantity": 2, "size": "Basic" });
        let body = match request.target.as_str() {
            "/apps" => json!([app("\u{1b}[31mred"), app("Shop"), json!({ "id": "nameless" }), app("shop")]),
            "/apps/shop/formation" => json!([process("worker"), process("w\u{7}eb"), process("web")]),
            "/apps/shop/domains" => json!([
                { "hostname": "shop.heroku.example", "kind": "heroku" },
                { "hostname": "shop.example\u{1b}.com", "kind": "custom" },
                { "hostname": "shop.example.com", "kind": "custom" },
                { "hostname": "x".repeat(254), "kind": "custom" },
            ]),
            other => panic!("{other}"),
        };
        Answer::new(200, body.to_string())
    })
    .await;
    let account = heroku(&server.url);
    let names: Vec<_> = account.apps().await.unwrap().items.into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["shop"]);
    let processes = account.process_types("shop").await.unwrap();
    let seen: Vec<_> = processes.iter().map(|p| (p.process_type.as_str(), p.formation.quantity)).collect();
    assert_eq!(seen, [("web", 2), ("worker", 2)], "web first");
    assert_eq!(
        account.domains("shop").await.unwrap(),
        ["shop.example.com", "shop.heroku.example"],
        "the owner's first"
    );
}

#[tokio::test]
async fn a_refusal_of_herokus_says_which_command_makes_a_token_that_may() {
    let command = "`heroku authorizations:create --scope read,write --description autoscale`";
    let log = Log::listen();
    for (status, of_the_list, of_an_app) in [
        (401, format!("the token is wrong, expired or revoked; {command} makes a new one"), None),
        (
            403,
            format!("the token may not list apps; {command} makes one that may"),
            Some(format!("the token may not read shop; {command} makes one that may")),
        ),
    ] {
        let server = Server::start(move |_, _| Answer::new(status, format!(r#"{{"message":"no {TOKEN}"}}"#))).await;
        let refused =
            |why: &str| Failure::new(FailureKind::Refused, format!("Heroku answered {status} (no [secret]): {why}"));
        let account = heroku(&server.url);
        assert_eq!(account.apps().await.unwrap_err(), refused(&of_the_list));
        let of_an_app = of_an_app.unwrap_or(of_the_list);
        assert_eq!(account.app("shop").await.unwrap_err(), refused(&of_an_app));
        assert_eq!(account.process_types("shop").await.unwrap_err(), refused(&of_an_app));
        assert_eq!(server.requests().len(), 3, "none was sent twice");
    }
    let server = Server::start(|_, _| Answer::new(404, r#"{"message":"Couldn't find that app."}"#)).await;
    let text = "Heroku answered 404 (Couldn't find that app.): this token sees no app shop";
    assert_eq!(heroku(&server.url).app("shop").await.unwrap_err(), Failure::new(FailureKind::Refused, text));
    assert!(!log.text().contains("never-shown") && !format!("{:?}", heroku(&server.url)).contains("never-shown"));
}

#[tokio::test]
async fn checks_come_page_by_page_and_their_names_in_one_line() {
    let server = Server::start(|request, _| {
        let offset: usize = request.query("offset").parse().unwrap();
        assert_eq!((request.query("limit"), request.target.starts_with("/api/3.1/checks?")), ("1000", true));
        let one = |n: usize| json!({ "id": n, "name": format!("check\n[HEROKU_INFOS] {n}"), "hostname": "a.example" });
        // The check 999 has moved to the second page meanwhile.
        let ids = if offset == 0 { 1..1001 } else { 1000..1003 };
        Answer::new(200, json!({ "checks": ids.map(one).collect::<Value>(), "counts": {} }).to_string())
    })
    .await;
    let checks = pingdom(&server.url).checks().await.unwrap();
    assert_eq!((checks.items.len(), checks.complete, server.requests().len()), (1002, true, 2));
    assert_eq!(checks.items[1001].id, 1002);
    assert_eq!(checks.items[0].name, "check [HEROKU_INFOS] 1");
    assert!(checks.items[0].times_a_page() && !checks.items[0].is_paused(), "what is not said may be so");
}

#[tokio::test]
async fn a_server_that_knows_no_offset_is_asked_twice_and_one_without_end_ten_times() {
    for (moves, requests, complete) in [(false, 2, true), (true, 10, false)] {
        let server = Server::start(move |_, n| {
            let first = if moves { n * 1000 } else { 0 };
            let one = |id: usize| json!({ "id": id });
            Answer::new(200, json!({ "checks": (first..first + 1000).map(one).collect::<Value>() }).to_string())
        })
        .await;
        let checks = pingdom(&server.url).checks().await.unwrap();
        assert_eq!((server.requests().len(), checks.complete), (requests, complete));
    }
}

#[tokio::test]
async fn a_refusal_of_pingdoms_says_where_a_token_is_made() {
    let make = "Pingdom makes a new one under Settings, Pingdom API; read access is enough";
    for (status, of_the_list, of_a_check) in [
        (
            401,
            format!("the token is wrong or was deleted; {make}"),
            format!("the token is wrong or was deleted; {make}"),
        ),
        (403, format!("the token may not list checks; {make}"), "this token sees no check 7".to_owned()),
    ] {
        let server = Server::start(move |_, _| Answer::new(status, "")).await;
        let refused = |why: &str| Failure::new(FailureKind::Refused, format!("Pingdom answered {status}: {why}"));
        assert_eq!(pingdom(&server.url).checks().await.unwrap_err(), refused(&of_the_list));
        assert_eq!(pingdom(&server.url).check(7).await.unwrap_err(), refused(&of_a_check));
    }
    assert!(!format!("{:?}", pingdom("https://api.pingdom.com")).contains("never-shown"));
}

#[tokio::test]
async fn what_the_sandbox_lists_is_what_the_accounts_read() {
    let options = SandboxOptions { other_apps: 1200, speed: 60.0, ..SandboxOptions::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    let info = sandbox.info().clone();
    let account =
        HerokuAccount::new(&Secret::new(&info.heroku_api_key), &info.heroku_url, &HttpOptions::default()).unwrap();
    let apps = account.apps().await.unwrap();
    assert_eq!((apps.items.len(), apps.complete), (1201, true));
    assert_eq!((apps.items[0].name.as_str(), apps.items[1200].name.as_str()), ("other-app-1", "sandbox-app"));
    assert_eq!(account.app("sandbox-app").await.unwrap(), apps.items[1200]);
    assert_eq!(account.app("other-app-1").await.unwrap(), apps.items[0]);
    let processes = account.process_types("sandbox-app").await.unwrap();
    let seen: Vec<_> = processes.iter().map(|p| (p.process_type.as_str(), p.formation.quantity)).collect();
    assert_eq!(seen, [("web", 2), ("worker", 0)]);
    assert_eq!(account.process_types("other-app-7").await.unwrap()[0].formation.size.as_deref(), Some("Standard-2X"));
    assert_eq!(
        account.domains("sandbox-app").await.unwrap(),
        ["sandbox-app.example.com", "sandbox-app.heroku.example"]
    );
    assert_eq!(account.sandbox_speed().await, Some(60.0));

    let account =
        PingdomAccount::new(&Secret::new(&info.pingdom_api_key), &info.pingdom_url, &HttpOptions::default()).unwrap();
    let checks = account.checks().await.unwrap();
    assert_eq!((checks.items.len(), checks.complete), (1201, true));
    assert_eq!((checks.items[0].id, checks.items[0].hostname.as_str()), (info.check_id, "sandbox-app.example.com"));
    assert_eq!((checks.items[7].name.as_str(), checks.items[7].resolution), ("other-app-7", Some(5)));
    assert_eq!(account.check(info.check_id + 7).await.unwrap().name.as_deref(), Some("other-app-7"));
    assert_eq!(sandbox.report().patches_total + sandbox.report().patches_refused, 0);
    sandbox.stop().await;
}

#[tokio::test]
async fn only_a_sandbox_on_this_machine_has_a_speed() {
    let server = Server::start(|_, _| Answer::new(404, "")).await;
    assert_eq!(heroku(&server.url).sandbox_speed().await, None);
    assert_eq!(server.requests()[0].target, "/_sandbox");
    assert_eq!(heroku("https://api.heroku.com").sandbox_speed().await, None, "and nobody was asked");
    let server = Server::start(|_, _| Answer::new(200, r#"{"speed":-1}"#)).await;
    assert_eq!(heroku(&server.url).sandbox_speed().await, None);
}
