//! The program's own clients against the sandbox: both sides understand each other, and no fault deceives them.

use super::*;

use autoscale_core::workspace::config::PingdomVersion;
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::{FailureKind, MetricSource as _, ScaleTarget as _};
use autoscale_core::workspace::store::Permit;

use crate::support::LONG;
use crate::support::clients::{hasty, heroku, patient, pingdom};

const NOW: Timestamp = Timestamp::from_secs(START);

#[tokio::test]
async fn a_formation_is_read_and_set() {
    let sandbox = rig(options()).await.sandbox;
    let mut heroku = heroku(&sandbox, &patient());
    let before = heroku.formation().await.unwrap();
    let created = Timestamp::from_secs(START - 31 * 60);
    assert_eq!((before.quantity, before.updated_at, before.maintenance), (2, Some(created), false));
    assert_eq!(before.size.as_deref(), Some("Standard-2X"));
    assert_eq!(heroku.scale(5, &Permit::unlimited()).await, Ok(5));
    assert_eq!(heroku.formation().await.unwrap().quantity, 5);
    sandbox.set_maintenance(true);
    assert!(heroku.formation().await.unwrap().maintenance);
    sandbox.set_faults(&"patch:limit=6".parse().unwrap());
    assert_eq!(heroku.scale(7, &Permit::unlimited()).await.unwrap_err().kind, FailureKind::Limit(6));
    assert_eq!(heroku.native_autoscaling().await, None);
    let native = rig(SandboxOptions { native_autoscaling: true, ..options() }).await.sandbox;
    assert!(self::heroku(&native, &patient()).native_autoscaling().await.is_some());
}

#[tokio::test]
async fn a_long_window_is_read_whole_by_both_versions() {
    let history = Duration::from_secs(30 * 3600);
    let sandbox = rig(SandboxOptions { history, load: Load::flat(0.5), ..options() }).await.sandbox;
    let from = Timestamp::from_secs(START - 30 * 3600);
    let new = pingdom(&sandbox, PingdomVersion::V3_1, &patient()).samples(from, NOW).await.unwrap();
    assert!((1700..=1800).contains(&new.samples.len()), "{}", new.samples.len());
    let server_time = new.server_time.unwrap();
    assert!((0.0..=LONG.as_secs_f64()).contains(&server_time.seconds_since(NOW)));
    let old = pingdom(&sandbox, PingdomVersion::V2_1, &patient()).samples(from, NOW).await.unwrap();
    assert_eq!(old.samples, new.samples);
    assert_eq!(pingdom(&sandbox, PingdomVersion::V3_1, &patient()).resolution().await, Ok(Duration::from_secs(60)));
}

#[tokio::test]
async fn a_spoilt_read_is_a_failure_or_the_truth() {
    let sandbox = rig(SandboxOptions { faults: "all:*@0.6".parse().unwrap(), ..options() }).await.sandbox;
    // What hangs fails soon, or the truth comes late: both will do.
    let http = HttpOptions { min_timeout: Duration::from_secs(1), deadline: Duration::from_secs(2), ..patient() };
    let (mut heroku, mut pingdom) = (heroku(&sandbox, &http), pingdom(&sandbox, PingdomVersion::V3_1, &http));
    let (mut reads, mut failures) = (0, 0);
    for _ in 0..8 {
        match heroku.formation().await {
            Ok(reading) => assert_eq!(reading.quantity, 2),
            Err(_) => failures += 1,
        }
        match pingdom.samples(NOW - Duration::from_secs(1800), NOW).await {
            Ok(reading) => assert!((27..=31).contains(&reading.samples.len())),
            Err(_) => failures += 1,
        }
        reads += 2;
    }
    let report = sandbox.report();
    assert!(failures > 0 && report.faults > 4, "{failures} of {reads}, {report:?}");
    assert_eq!(report.patches_total, 0);
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_known_as_unknown_and_sent_once() {
    for fault in ["lost", "silent", "half", "html", "shape"] {
        let sandbox = faulty(&format!("patch:{fault}")).await.sandbox;
        let failure = heroku(&sandbox, &if fault == "silent" { hasty() } else { patient() })
            .scale(3, &Permit::unlimited())
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unknown, "{fault}: {failure}");
        let report = sandbox.report();
        let patches: Vec<_> = report.patches.iter().map(|p| (p.from, p.quantity, p.answered)).collect();
        assert_eq!(patches, [(2, 3, false)], "{fault}");
    }
}
