//! The clients against the sandbox: two readings of the same API that were written apart must agree.

use std::time::Duration;

use autoscale_core::workspace::config::PingdomVersion;
use autoscale_core::workspace::heroku::HerokuFormation;
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::ports::{FailureKind, MetricSource, ScaleTarget};
use autoscale_core::workspace::sandbox::{Sandbox, SandboxOptions};
use autoscale_core::workspace::store::Permit;

use crate::support::{LONG, clients};

async fn sandbox(options: SandboxOptions) -> (Sandbox, HerokuFormation, PingdomResults) {
    let sandbox = Sandbox::start(options).await.unwrap();
    let http = clients::patient();
    let (heroku, pingdom) = (clients::heroku(&sandbox, &http), clients::pingdom(&sandbox, PingdomVersion::V3_1, &http));
    (sandbox, heroku, pingdom)
}

fn faults(text: &str) -> SandboxOptions {
    SandboxOptions { faults: text.parse().unwrap(), ..SandboxOptions::default() }
}

#[tokio::test]
async fn what_the_sandbox_serves_is_what_the_clients_read() {
    let (sandbox, mut heroku, mut pingdom) = sandbox(SandboxOptions::default()).await;
    let reading = heroku.formation().await.unwrap();
    assert_eq!((reading.quantity, reading.maintenance), (2, false));
    assert!(reading.size.is_some() && reading.updated_at.is_some());
    assert_eq!(heroku.scale(4, &Permit::unlimited()).await, Ok(4));
    assert_eq!(heroku.formation().await.unwrap().quantity, 4);
    assert_eq!(sandbox.report().patches.iter().map(|p| (p.from, p.quantity)).collect::<Vec<_>>(), [(2, 4)]);
    assert_eq!(heroku.native_autoscaling().await, None);
    sandbox.set_maintenance(true);
    assert!(heroku.formation().await.unwrap().maintenance);

    let now = sandbox.now();
    let half_an_hour = now - Duration::from_secs(30 * 60);
    let reading = pingdom.samples(half_an_hour, now).await.unwrap();
    assert!((25..=31).contains(&reading.samples.len()), "{}", reading.samples.len());
    assert!(reading.samples.iter().all(|s| half_an_hour <= s.at && s.at <= now));
    assert!((-1.0..=LONG.as_secs_f64()).contains(&reading.server_time.unwrap().seconds_since(now)));
    assert_eq!(pingdom.resolution().await, Ok(Duration::from_secs(60)));
    let mut old = clients::pingdom(&sandbox, PingdomVersion::V2_1, &clients::patient());
    assert_eq!(old.samples(half_an_hour, now).await.unwrap().samples.len(), reading.samples.len());
    sandbox.stop().await;
}

#[tokio::test]
async fn a_day_of_results_takes_two_pages_and_loses_none() {
    let history = Duration::from_secs(24 * 3600);
    let (sandbox, _, mut pingdom) = sandbox(SandboxOptions { history, ..SandboxOptions::default() }).await;
    let now = sandbox.now();
    let samples = pingdom.samples(now - history, now).await.unwrap().samples;
    let mut times: Vec<_> = samples.iter().map(|s| s.at).collect();
    times.sort();
    let gaps = times.windows(2).map(|pair| pair[1].seconds_since(pair[0]));
    assert!(samples.len() > 1300, "{}", samples.len());
    // Some results are missing in the sandbox as in life, but never a page of them.
    assert!(gaps.fold(0.0, f64::max) < 600.0);
    assert_eq!(sandbox.report().results_reads, 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn reads_get_through_what_goes_wrong_now_and_then() {
    let text = "read:500@every=3,read:half@every=5,read:html@every=7,pingdom:reset@every=3,pingdom:shape@every=4,\
                pingdom:429=20@every=5";
    let (sandbox, mut heroku, mut pingdom) = sandbox(faults(text)).await;
    // Every other answer is spoilt: without further attempts half of the reads and more would fail.
    let mut failed = 0;
    for _ in 0..20 {
        let now = sandbox.now();
        match heroku.formation().await {
            Ok(reading) => assert_eq!(reading.quantity, 2),
            Err(failure) => failed += u32::from(failure.kind == FailureKind::Transient),
        }
        match pingdom.samples(now - Duration::from_secs(600), now).await {
            Ok(reading) => assert!(reading.samples.len() > 5),
            Err(failure) => failed += u32::from(failure.kind != FailureKind::Refused),
        }
    }
    assert!(failed <= 12, "{failed} of 40");
    assert!(sandbox.report().faults > 20, "{:?}", sandbox.report());
    sandbox.stop().await;
}

#[tokio::test]
async fn what_comes_of_a_change_is_told_as_the_sandbox_saw_it() {
    for (fault, kind, carried_out) in [
        ("patch:lost", FailureKind::Unknown, 1),
        ("patch:half", FailureKind::Unknown, 1),
        ("patch:html", FailureKind::Unknown, 1),
        ("patch:shape", FailureKind::Unknown, 1),
        ("patch:drip", FailureKind::Unknown, 1),
        ("patch:huge", FailureKind::Unknown, 1),
        ("patch:reset", FailureKind::Unknown, 0),
        ("patch:timeout", FailureKind::Unknown, 0),
        ("patch:503", FailureKind::Unknown, 0),
        ("patch:403", FailureKind::Refused, 0),
        ("patch:limit=5", FailureKind::Limit(5), 0),
        // At a hundred times the speed.
        ("patch:429=60", FailureKind::RateLimited(Duration::from_millis(600)), 0),
    ] {
        let (sandbox, mut heroku, _) = sandbox(faults(fault)).await;
        if ["patch:drip", "patch:timeout"].contains(&fault) {
            heroku = clients::heroku(&sandbox, &clients::hasty());
        }
        let failure = heroku.scale(8, &Permit::unlimited()).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{fault}: {failure}");
        assert_eq!(sandbox.report().patches.len(), carried_out, "{fault}");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn native_autoscaling_of_the_sandbox_is_seen() {
    let (sandbox, heroku, _) = sandbox(SandboxOptions { native_autoscaling: true, ..SandboxOptions::default() }).await;
    let warning = heroku.native_autoscaling().await.unwrap();
    assert!(warning.starts_with("Heroku's own autoscaling is active on sandbox-app web ("), "{warning}");
    sandbox.stop().await;
}
