//! The loop inside a program of your own: measurements from your monitoring, dynos of your platform, events where you want
//! them. Runs three checks and ends. `cargo run -p autoscale-core --example embed`.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;
use std::time::Duration;

use autoscale_core::{
    Autoscaler, Event, Failure, FormationReading, MemoryStore, MetricSource, Overrides, Permit, Reading, Sample,
    ScaleTarget, Timestamp, parse,
};

/// Response times of your own: here an app that needs five seconds for a page.
struct Monitoring;

impl MetricSource for Monitoring {
    async fn samples(&mut self, _: Timestamp, to: Timestamp) -> Result<Reading, Failure> {
        let minutes = (0..10).map(|minute| to - Duration::from_secs(60 * minute));
        Ok(Reading::of(minutes.filter_map(|at| Sample::up(at, 5000.0)).collect()))
    }
}

/// A platform of your own: here a number.
struct Platform(u32);

impl ScaleTarget for Platform {
    async fn formation(&mut self) -> Result<FormationReading, Failure> {
        Ok(FormationReading { quantity: self.0, updated_at: None, size: None, maintenance: false, released_at: None })
    }

    async fn scale(&mut self, quantity: u32, _: &Permit) -> Result<u32, Failure> {
        self.0 = quantity;
        Ok(quantity)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\nmax_dynos: 6\n";
    let config = parse(text, &Overrides::default()).map_err(|problems| format!("{problems:?}"))?.config;
    let (autoscaler, handle) = Autoscaler::builder(config)
        .source(Monitoring)
        .target(Platform(2))
        .store(MemoryStore::default())
        .observer(|event: &Arc<Event>| println!("{event}"))
        .build()
        .await?;
    let running = tokio::spawn(autoscaler.run());
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        handle.check_now();
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    handle.stop();
    running.await?;
    Ok(())
}
