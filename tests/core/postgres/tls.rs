//! Encrypted connections: whom `sslmode` trusts.

use autoscale_core::workspace::config::Secret;
use autoscale_core::workspace::postgres::{Database, Schema};

use crate::support::postgres::Cluster;

async fn connects(port: u16, options: &str) -> Result<i32, String> {
    let url = Secret::new(format!("postgres://tester@localhost:{port}/postgres?{options}"));
    let database = Database::open(&url, "test", 1.0)?;
    Schema::of(&database).await.map(|schema| schema.version).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_certificate_is_trusted_as_the_address_says() {
    let cluster = Cluster::shared();
    let port = cluster.port();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/tls");
    assert_eq!(connects(port, "sslmode=require").await, Ok(0));
    assert_eq!(connects(port, &format!("sslmode=verify-full&sslrootcert={fixtures}/ca.pem")).await, Ok(0));
    let stranger = format!("sslrootcert={fixtures}/self-signed-authority.pem");
    for options in ["", "sslmode=verify-full", &stranger] {
        let error = connects(port, options).await.expect_err(options);
        assert!(error.contains("certificate"), "{options}: {error}");
    }
}
