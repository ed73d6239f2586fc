//! Pingdom's side: results with their quirks, the check, who may call.

use super::*;

fn times(seen: &Seen) -> Vec<i64> {
    seen.body["results"].as_array().unwrap().iter().map(|r| r["time"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn results_come_newest_first_about_a_minute_apart_from_several_probes() {
    let rig = rig(SandboxOptions { history: Duration::from_secs(24 * 3600), ..options() }).await;
    let answer = rig.results(&format!("?from={}&to={START}&limit=600", START - 86_400)).await;
    assert_eq!(answer.status, 200);
    let times = times(&answer);
    assert_eq!(times.len(), 600);
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[0] - pair[1]).collect();
    assert!(gaps.iter().all(|gap| (57..=185).contains(gap)), "{gaps:?}");
    assert!([59, 61].iter().all(|gap| gaps.contains(gap)), "times are not on a grid");
    let missing = gaps.iter().filter(|gap| **gap > 90).count();
    assert!((1..30).contains(&missing), "{missing} of 600 missing");
    let results = answer.body["results"].as_array().unwrap();
    let mut probes: Vec<_> = results.iter().map(|r| r["probeid"].as_u64().unwrap()).collect();
    probes.sort_unstable();
    probes.dedup();
    assert!(probes.len() > 3);
    assert_eq!(answer.body["activeprobes"], json!(probes));
    assert!(results.iter().all(|r| r["status"] != "up" || r["responsetime"].as_u64().unwrap() > 0));
}

#[tokio::test]
async fn the_first_check_finds_a_window_of_half_an_hour() {
    let rig = rig(options()).await;
    let times = times(&rig.results(&format!("?from={}&to={START}", START - 1800)).await);
    assert!((27..=31).contains(&times.len()), "{}", times.len());
    assert_eq!(rig.get(WEB).await.body["updated_at"], "2026-11-24T09:07:20Z");
}

#[tokio::test]
async fn limit_is_cut_to_1000_in_silence_and_offset_pages_on() {
    let rig = rig(SandboxOptions { history: Duration::from_secs(30 * 3600), load: Load::flat(0.5), ..options() }).await;
    let from = START - 30 * 3600;
    let page = async |more: &str| times(&rig.results(&format!("?from={from}&to={START}{more}")).await);
    let first = page("&limit=1440").await;
    assert_eq!(first.len(), 1000);
    assert_eq!(page("").await, first, "1000 is the default");
    let second = page("&offset=1000").await;
    assert!((700..=800).contains(&second.len()), "{}", second.len());
    assert!(first.last() > second.first());
    assert_eq!(page("&limit=2&offset=999").await, [first[999], second[0]]);
    assert_eq!(page("&offset=43200").await, [0; 0]);
    assert_eq!(rig.results("?offset=43201").await.status, 400);
}

#[tokio::test]
async fn both_ends_of_a_period_belong_to_it_and_the_default_is_a_day() {
    let rig = rig(SandboxOptions { history: Duration::from_secs(25 * 3600), load: Load::flat(0.5), ..options() }).await;
    let all = times(&rig.results(&format!("?from={}&to={START}", START - 25 * 3600)).await);
    let (newest, fifth) = (all[0], all[4]);
    assert_eq!(times(&rig.results(&format!("?from={fifth}&to={newest}")).await), all[..5]);
    let day = times(&rig.results("?offset=1000").await);
    let oldest = *day.last().unwrap();
    assert!((START - 86_400..START - 86_000).contains(&oldest), "{oldest}");
}

#[tokio::test]
async fn statuses_can_be_chosen_and_a_down_result_has_no_response_time() {
    // A load that no dyno can carry.
    let rig = rig(SandboxOptions { dynos: 1, load: Load::flat(200.0), ..options() }).await;
    let down = rig.results(&format!("?to={START}&status=down,unconfirmed")).await;
    let results = down.body["results"].as_array().unwrap();
    assert!(results.len() > 10, "{}", results.len());
    for result in results {
        assert_eq!(result.get("responsetime"), None);
        assert!(matches!(result["statusdesc"].as_str().unwrap(), "Timeout (> 30s)" | "HTTP Error 503"), "{result}");
        assert_eq!(result["statusdesc"], result["statusdesclong"]);
    }
    let all = times(&rig.results(&format!("?to={START}")).await).len();
    let up = times(&rig.results(&format!("?to={START}&status=up")).await).len();
    assert_eq!(all, up + results.len());
    let check = seen(rig.pingdom(&format!("/checks/{}", rig.sandbox.info().check_id))).await.body;
    assert_eq!(check["check"]["status"], "down");
}

#[tokio::test]
async fn the_check_says_its_resolution() {
    let rig = rig(options()).await;
    let id = rig.sandbox.info().check_id;
    let check = seen(rig.pingdom(&format!("/checks/{id}"))).await.body["check"].clone();
    assert_eq!((&check["id"], &check["resolution"], &check["status"]), (&json!(id), &json!(1), &json!("up")));
    assert!(check["type"]["http"].is_object());
    let checks = seen(rig.pingdom("/checks")).await.body;
    assert_eq!((&checks["checks"][0]["id"], &checks["checks"][0]["type"]), (&json!(id), &json!("http")));
    assert_eq!(checks["counts"]["total"], 1);
    assert_eq!(seen(rig.pingdom("/probes")).await.body["probes"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn who_may_not_call_is_told_why() {
    let rig = rig(options()).await;
    let info = rig.sandbox.info().clone();
    let url = |version: &str| format!("{}/api/{version}/results/{}", info.pingdom_url, info.check_id);
    let refused = |seen: Seen| {
        let error = &seen.body["error"];
        assert_eq!(error["statuscode"], seen.status);
        (
            seen.status,
            error["statusdesc"].as_str().unwrap().to_owned(),
            error["errormessage"].as_str().unwrap().to_owned(),
        )
    };
    let expect = |status: u16, what: &str, why: &str| (status, what.to_owned(), why.to_owned());
    let unauthorized = |why: &str| expect(401, "Unauthorized", why);
    let key = info.pingdom_api_key.as_str();
    let (user, password) = (Sandbox::PINGDOM_LOGIN, Some(Sandbox::PINGDOM_PASSWORD));

    let new = || rig.http.get(url("3.1"));
    assert_eq!(refused(seen(new()).await), unauthorized("User credentials missing"));
    assert_eq!(refused(seen(new().bearer_auth("wrong")).await), unauthorized("Invalid API token"));
    assert_eq!(seen(new().basic_auth(key, Some(""))).await.status, 200, "the token as the user");

    let old = || rig.http.get(url("2.1"));
    assert_eq!(seen(old().basic_auth(user, password).header("App-Key", key)).await.status, 200);
    let no_key = seen(old().basic_auth(user, password)).await;
    assert_eq!(refused(no_key), unauthorized("Invalid application key"));
    let wrong = seen(old().basic_auth(user, Some("wrong")).header("App-Key", key)).await;
    assert_eq!(refused(wrong), unauthorized("Invalid email and/or password"));
    assert_eq!(refused(seen(old().bearer_auth(key)).await), unauthorized("Invalid email and/or password"));

    let other = seen(rig.pingdom("/results/1")).await;
    assert_eq!(refused(other), expect(404, "Not Found", "Check not found"));
    let limit = rig.results("?limit=ten").await;
    assert_eq!(refused(limit), expect(400, "Bad Request", "Invalid parameter value: limit"));
    let post = rig.http.post(url("3.1")).bearer_auth(key);
    assert_eq!(seen(post).await.status, 405);
}

#[tokio::test]
async fn every_answer_says_how_many_calls_are_left() {
    let rig = rig(options()).await;
    rig.results("").await;
    let second = rig.results("").await;
    assert_eq!(second.header("req-limit-short").split(" Time").next().unwrap(), "Remaining: 11998");
    assert!(second.header("req-limit-long").starts_with("Remaining: 2099998 Time until reset: 259"));
}

#[tokio::test]
async fn an_answer_is_compressed_when_that_is_asked_for() {
    let rig = rig(options()).await;
    let path = format!("/results/{}", rig.sandbox.info().check_id);
    // The client of the rig unpacks by itself, and takes the header away.
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let url = format!("{}/api/3.1{path}", rig.sandbox.pingdom_url());
    let get = || plain.get(&url).bearer_auth(&rig.sandbox.info().pingdom_api_key);
    assert_eq!(get().send().await.unwrap().headers().get("content-encoding"), None);
    let zipped = get().header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let bytes = zipped.bytes().await.unwrap();
    assert_eq!(bytes[..2], [0x1F, 0x8B]);
    let unpacked = seen(rig.pingdom(&path)).await.body;
    assert!(unpacked.to_string().len() > 3 * bytes.len());
}

#[tokio::test]
async fn each_app_has_a_check_and_their_list_has_a_limit_and_an_offset() {
    let rig = rig(SandboxOptions { other_apps: 9, ..options() }).await;
    let id = rig.sandbox.info().check_id;
    let listed = async |query: &str| {
        let body = seen(rig.pingdom(&format!("/checks{query}"))).await.body;
        let ids: Vec<_> = body["checks"].as_array().unwrap().iter().map(|c| c["id"].as_u64().unwrap() - id).collect();
        (ids, body["counts"].clone())
    };
    assert_eq!(listed("").await, ((0..10).collect(), json!({ "total": 10, "limited": 10, "filtered": 10 })));
    assert_eq!(listed("?limit=3&offset=8").await, (vec![8, 9], json!({ "total": 10, "limited": 2, "filtered": 10 })));
    assert_eq!(listed("?limit=3&offset=99").await.0, [0; 0]);
    assert_eq!(seen(rig.pingdom("/checks?limit=25001")).await.status, 400);
    let check = seen(rig.pingdom(&format!("/checks/{}", id + 9))).await.body["check"].clone();
    assert_eq!((&check["hostname"], &check["resolution"]), (&json!("other-app-9.example.com"), &json!(5)));
    assert_eq!(seen(rig.pingdom(&format!("/results/{}", id + 9))).await.body["results"], json!([]));
    for missing in [id + 10, id - 1] {
        assert_eq!(seen(rig.pingdom(&format!("/checks/{missing}"))).await.status, 404);
    }
}
