//! Heroku's side: endpoints, fields, headers and errors as in its documentation.

use super::*;

#[tokio::test]
async fn a_formation_is_read_as_heroku_writes_it() {
    let rig = rig(options()).await;
    let web = rig.get(WEB).await;
    assert_eq!((web.status, web.header("content-type")), (200, "application/json; charset=utf-8"));
    assert_eq!(web.header("ratelimit-remaining"), "4499");
    assert_eq!(web.header("request-id").len(), 36);
    let body = &web.body;
    assert_eq!(
        (&body["type"], &body["quantity"], &body["size"], &body["dyno_size"]["name"], &body["app"]["name"]),
        (&json!("web"), &json!(2), &json!("Standard-2X"), &json!("Standard-2X"), &json!("sandbox-app"))
    );
    // The history of 31 minutes begins with the app.
    assert_eq!((&body["updated_at"], &body["created_at"]), (&json!("2026-11-24T09:07:20Z"), &body["updated_at"]));

    let all = rig.get("/apps/sandbox-app/formation").await.body;
    assert_eq!((&all[0], &all[1]["type"], &all[1]["quantity"]), (body, &json!("worker"), &json!(0)));
    let (app, id) = (body["app"]["id"].as_str().unwrap(), body["id"].as_str().unwrap());
    assert_eq!(rig.get(&format!("/apps/{app}/formation/{id}")).await.body, *body, "by ids as well");
}

#[tokio::test]
async fn a_patch_sets_the_quantity_and_answers_with_it() {
    let rig = rig(options()).await;
    let answer = rig.patch(WEB, json!({ "quantity": 3 })).await;
    assert_eq!((answer.status, &answer.body["quantity"]), (200, &json!(3)));
    assert!(answer.body["updated_at"].as_str().unwrap() >= "2026-11-24T09:38:20Z", "{}", answer.body);
    assert_eq!(rig.get(WEB).await.body["quantity"], 3);
    let dynos = rig.get("/apps/sandbox-app/dynos").await.body;
    let names: Vec<_> = dynos.as_array().unwrap().iter().map(|d| (d["name"].as_str(), d["state"].as_str())).collect();
    assert_eq!(names, [(Some("web.1"), Some("up")), (Some("web.2"), Some("up")), (Some("web.3"), Some("starting"))]);
    assert_eq!(rig.get("/apps/sandbox-app/dynos/web.2").await.body, dynos[1]);
    assert_eq!(rig.get("/apps/sandbox-app/dynos/web.9").await.status, 404);
    // What it is already is confirmed, and changes nothing.
    let again = rig.patch(WEB, json!({ "quantity": 3 })).await;
    assert_eq!(again.body, answer.body);
}

#[tokio::test]
async fn a_batch_takes_texts_and_steps_as_the_official_command_line_sends_them() {
    let rig = rig(options()).await;
    let batch = async |updates: Value| rig.patch("/apps/sandbox-app/formation", json!({ "updates": updates })).await;
    let quantities = |seen: &Seen| {
        let one = |p: &Value| (p["type"].as_str().unwrap().to_owned(), p["quantity"].as_u64().unwrap());
        seen.body.as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    let answer = batch(json!([{ "type": "web", "quantity": "3" }, { "type": "worker", "quantity": 1 }])).await;
    assert_eq!(quantities(&answer), [("web".to_owned(), 3), ("worker".to_owned(), 1)]);
    assert_eq!(quantities(&batch(json!([{ "type": "web", "quantity": "+2" }])).await), [("web".to_owned(), 5)]);
    assert_eq!(quantities(&batch(json!([{ "type": "web", "quantity": "-1" }])).await), [("web".to_owned(), 4)]);
    let sized = batch(json!([{ "type": "web", "quantity": "2", "size": "performance-m" }])).await;
    assert_eq!((&sized.body[0]["size"], &sized.body[0]["quantity"]), (&json!("Performance-M"), &json!(2)));
    // All or none.
    let half_good = batch(json!([{ "type": "web", "quantity": 1 }, { "type": "clock", "quantity": 1 }])).await;
    assert_eq!((half_good.status, &half_good.body["message"]), (404, &json!("Couldn't find that process type.")));
    assert_eq!(rig.sandbox.report().dynos, 2);
    let quantities: Vec<_> = rig.sandbox.report().patches.iter().map(|p| (p.from, p.quantity)).collect();
    assert_eq!(quantities, [(2, 3), (3, 5), (5, 4), (4, 2)], "the worker's are not among them");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused() {
    let rig = rig(options()).await;
    for (body, message) in [
        (json!({ "quantity": -1 }), "quantity must be an integer, 0 or more."),
        (json!({ "quantity": 1.5 }), "quantity must be an integer, 0 or more."),
        (json!({ "quantity": "many" }), "quantity must be an integer, 0 or more."),
        (json!({ "quantity": 1, "colour": "red" }), "Unknown parameter: colour."),
        (
            json!({ "dyno_size": { "name": "Huge" } }),
            "Process tier is invalid. Available process tiers are Eco, Basic, Production, Private, and Shield.",
        ),
    ] {
        let answer = rig.patch(WEB, body.clone()).await;
        assert_eq!((answer.status, &answer.body["id"]), (422, &json!("invalid_params")), "{body}");
        assert_eq!(answer.body["message"], message);
    }
    let above = rig.patch(WEB, json!({ "quantity": 101 })).await;
    assert_eq!((above.status, &above.body["id"]), (422, &json!("cannot_update_above_limit")));
    assert_eq!(above.body["limit"], 100);
    assert_eq!(above.body["message"], "Cannot update to more than 100 Standard-2X size dynos per process type.");
    let broken = seen(rig.heroku(Method::PATCH, WEB).body("{")).await;
    assert_eq!((broken.status, &broken.body["id"]), (400, &json!("bad_request")));
    let report = rig.sandbox.report();
    assert_eq!((report.dynos, report.patches_total, report.patches_refused), (2, 0, 7));
}

#[tokio::test]
async fn who_may_not_call_is_told_why() {
    let rig = rig(options()).await;
    let url = format!("{}{WEB}", rig.sandbox.heroku_url());
    let key = rig.sandbox.info().heroku_api_key.clone();
    let call = |auth: Option<String>, accept: &str| {
        let request = rig.http.get(&url).header("Accept", accept);
        auth.into_iter().fold(request, |request, auth| request.header("Authorization", auth))
    };
    for auth in [None, Some("Bearer wrong".to_owned()), Some("Basic !".to_owned()), Some(format!("Token {key}"))] {
        let refused = seen(call(auth, ACCEPT)).await;
        assert_eq!((refused.status, &refused.body["id"]), (401, &json!("unauthorized")));
    }
    // As the netrc file has it: any user, the key as the password.
    assert_eq!(seen(rig.http.get(&url).header("Accept", ACCEPT).basic_auth("me", Some(&key))).await.status, 200);
    let refused = seen(call(Some(format!("Bearer {key}")), "application/json")).await;
    assert_eq!((refused.status, &refused.body["id"]), (406, &json!("not_acceptable")));
    let sdk = "application/vnd.heroku+json; version=3.sdk";
    assert_eq!(seen(call(Some(format!("Bearer {key}")), sdk)).await.status, 200);
    for (path, message) in [
        ("/apps/other-app/formation/web", "Couldn't find that app."),
        ("/apps/sandbox-app/formation/clock", "Couldn't find that process type."),
        ("/nothing", "The requested API endpoint was not found."),
    ] {
        let refused = rig.get(path).await;
        assert_eq!((refused.status, &refused.body["id"]), (404, &json!("not_found")));
        assert_eq!(refused.body["message"], message);
    }
}

#[tokio::test]
async fn the_rate_limit_is_counted_and_held() {
    let rig = rig(SandboxOptions { heroku_calls: 2, ..options() }).await;
    assert_eq!(rig.get(WEB).await.header("ratelimit-remaining"), "1");
    assert_eq!(rig.get("/account/rate-limits").await.body, json!({ "remaining": 1 }), "which itself does not count");
    rig.get(WEB).await;
    let refused = rig.get(WEB).await;
    assert_eq!((refused.status, &refused.body["id"]), (429, &json!("rate_limit")));
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-remaining")), ("1", "0"));
}

#[tokio::test]
async fn maintenance_is_told_and_set_and_shows_in_the_results() {
    let rig = rig(SandboxOptions { speed: 3600.0, ..options() }).await;
    assert_eq!(rig.get("/apps/sandbox-app").await.body["maintenance"], false);
    assert_eq!(rig.patch("/apps/sandbox-app", json!({ "maintenance": true })).await.body["maintenance"], true);
    let begun = rig.sandbox.now().as_secs();
    until("five minutes", || rig.sandbox.now().as_secs() >= begun + 300).await;
    let newest = rig.results("?limit=1").await.body["results"][0].clone();
    assert_eq!((&newest["status"], &newest["statusdesc"]), (&json!("down"), &json!("HTTP Error 503")));
    assert_eq!(rig.patch("/apps/sandbox-app", json!({ "maintenance": false })).await.body["maintenance"], false);
    assert_eq!(rig.patch("/apps/sandbox-app", json!({ "maintenance": "x" })).await.status, 422);
}

#[tokio::test]
async fn a_request_id_comes_back_and_a_known_tag_saves_the_body() {
    let rig = rig(options()).await;
    let first = seen(rig.heroku(Method::GET, WEB).header("Request-Id", "my-id")).await;
    assert_eq!(first.header("request-id"), "my-id");
    let again = seen(rig.heroku(Method::GET, WEB).header("If-None-Match", first.header("etag"))).await;
    assert_eq!((again.status, again.body), (304, Value::Null));
    rig.patch(WEB, json!({ "quantity": 3 })).await;
    let changed = seen(rig.heroku(Method::GET, WEB).header("If-None-Match", first.header("etag"))).await;
    assert_eq!((changed.status, &changed.body["quantity"]), (200, &json!(3)));
}

#[tokio::test]
async fn what_clients_ask_for_besides_is_there() {
    let rig = rig(options()).await;
    assert_eq!(rig.get("/account").await.body["email"], "sandbox@example.com");
    assert_eq!(rig.get("/apps").await.body[0]["name"], "sandbox-app");
    let sizes = rig.get("/apps/sandbox-app/available-dyno-sizes").await.body;
    assert_eq!(sizes, rig.get("/dyno-sizes").await.body);
    assert_eq!((&sizes[3]["name"], &sizes[3]["memory"]), (&json!("Standard-2X"), &json!(1.0)));
    assert_eq!(rig.get("/apps/sandbox-app/releases").await.body[0]["version"], 1);
}

#[tokio::test]
async fn native_autoscaling_is_off_unless_asked_for() {
    let path = "/apps/sandbox-app/formation/web/monitors";
    assert_eq!(rig(options()).await.get(path).await.body, json!([]));
    let active = rig(SandboxOptions { native_autoscaling: true, ..options() }).await;
    let monitors = active.get(path).await.body;
    assert_eq!((&monitors[0]["action_type"], &monitors[0]["is_active"]), (&json!("scale"), &json!(true)));
    assert_eq!(active.get("/apps/sandbox-app/formation/worker/monitors").await.body, json!([]));
}

async fn ranged(rig: &Rig, range: &str) -> Seen {
    seen(rig.heroku(Method::GET, "/apps").header("Range", range)).await
}

fn names(seen: &Seen) -> Vec<&str> {
    seen.body.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn apps_are_listed_in_pages_as_their_range_asks() {
    let rig = rig(SandboxOptions { other_apps: 250, ..options() }).await;
    let first = rig.get("/apps").await;
    assert_eq!((first.status, first.body.as_array().unwrap().len()), (206, 200), "200 where nobody says how many");
    assert_eq!(first.header("accept-ranges"), "id, name, updated_at");
    let id = |at: usize| first.body[at]["id"].as_str().unwrap();
    assert_eq!(first.header("content-range"), format!("id {}..{}", id(0), id(199)));
    assert_eq!(first.header("next-range"), format!("id ]{}..; max=200", id(199)));
    let second = ranged(&rig, first.header("next-range")).await;
    assert_eq!((second.status, second.body.as_array().unwrap().len(), second.header("next-range")), (200, 51, ""));
    let mut all: Vec<_> = names(&first).into_iter().chain(names(&second)).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 251, "each once");

    let named = ranged(&rig, "name other-app-248..; max=2").await;
    assert_eq!(names(&named), ["other-app-248", "other-app-249"]);
    assert_eq!(named.header("next-range"), "name ]other-app-249..; max=2");
    assert_eq!(names(&ranged(&rig, "name ]other-app-97..other-app-99").await), ["other-app-98", "other-app-99"]);
    let last = ranged(&rig, "name ..; order=desc,max=2;").await;
    assert_eq!(names(&last), ["sandbox-app", "other-app-99"]);
    assert_eq!(last.header("next-range"), "name ]other-app-99..; max=2,order=desc");
    for range in ["id ..; max=1001", "id ..; max=0", "id", "id ..; order=up", "id ..; page=2"] {
        let refused = ranged(&rig, range).await;
        assert_eq!((refused.status, &refused.body["id"]), (416, &json!("requested_range_not_satisfiable")), "{range}");
    }
}

#[tokio::test]
async fn another_app_can_be_read_and_not_changed() {
    let rig = rig(SandboxOptions { other_apps: 2, ..options() }).await;
    let web = rig.get("/apps/other-app-2/formation/web").await.body;
    assert_eq!((&web["quantity"], &web["app"]["name"]), (&json!(1), &json!("other-app-2")));
    let id = web["app"]["id"].as_str().unwrap();
    assert_eq!(rig.get(&format!("/apps/{id}")).await.body["name"], "other-app-2", "by its id as well");
    let domains = rig.get("/apps/other-app-2/domains").await.body;
    let hosts: Vec<_> =
        domains.as_array().unwrap().iter().map(|d| (d["kind"].as_str(), d["hostname"].as_str())).collect();
    assert!(hosts.contains(&(Some("custom"), Some("other-app-2.example.com"))), "{hosts:?}");
    assert!(hosts.contains(&(Some("heroku"), Some("other-app-2.heroku.example"))), "{hosts:?}");
    let refused = rig.patch("/apps/other-app-2/formation/web", json!({ "quantity": 5 })).await;
    assert_eq!((refused.status, &refused.body["id"]), (403, &json!("forbidden")));
    assert_eq!(rig.get("/apps/other-app-3").await.status, 404);
    assert_eq!(rig.get("/apps/other-app-2/formation/worker").await.status, 404);
}
