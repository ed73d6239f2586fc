//! Whom the clients trust: a private gateway's certificate through `ca_file`, and nobody without it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::support::LONG;
use crate::support::clients::patient;
use autoscale_core::workspace::config::{self, Pingdom, PingdomVersion, Secret};
use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::pingdom::PingdomResults;
use autoscale_core::workspace::ports::{FailureKind, MetricSource};
use autoscale_core::workspace::probe::Probe;
use autoscale_core::workspace::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const NOW: Timestamp = Timestamp::from_secs(1_780_000_901);

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "tests", "fixtures", "tls", name].iter().collect()
}

/// The address of a server that answers each request with no results, over TLS.
async fn gateway() -> String {
    gateway_with("server").await
}

/// Of a certificate of that name.
async fn gateway_with(name: &str) -> String {
    let certificate = CertificateDer::from_pem_file(fixture(&format!("{name}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture(&format!("{name}.key"))).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    // It ends with the runtime of the test.
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\n\r\n{\"results\":[]}";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

fn pingdom(url: &str, ca_file: Option<PathBuf>) -> PingdomResults {
    let config = Pingdom {
        api_key: Some(Secret::new("token")),
        login: None,
        password: None,
        check_id: Some(1),
        api_version: PingdomVersion::V3_1,
        api_url: url.into(),
        ca_file,
    };
    PingdomResults::new(&config, &patient()).unwrap()
}

#[tokio::test]
async fn a_private_gateway_is_trusted_by_its_ca_file_and_by_nothing_else() {
    let url = gateway().await;
    let trusted = pingdom(&url, Some(fixture("ca.pem"))).samples(NOW, NOW).await.unwrap();
    assert_eq!(trusted.samples, []);
    let failure = pingdom(&url, None).samples(NOW, NOW).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient);
    let text = format!(
        "Pingdom at {url} shows a certificate that is self-signed, or of an authority that nobody here trusts: check \
         [PINGDOM_INFOS] ca_file"
    );
    assert_eq!(failure.text, text);
}

#[tokio::test]
async fn a_self_signed_servers_error_says_so() {
    for (name, why) in [
        ("self-signed", "is self-signed, or of an authority that nobody here trusts"),
        (
            "self-signed-authority",
            "is self-signed, as an authority's own: a server needs one that an authority has signed",
        ),
    ] {
        let url = gateway_with(name).await;
        let failure = pingdom(&url, None).samples(NOW, NOW).await.unwrap_err();
        let text = format!("Pingdom at {url} shows a certificate that {why}: check [PINGDOM_INFOS] ca_file");
        assert_eq!(failure.text, text);
    }
}

#[tokio::test]
async fn to_the_probe_an_untrusted_certificate_is_an_error_and_no_time_out() {
    let url = gateway().await;
    for (ca_file, kind) in [(Some(fixture("ca.pem")), "up"), (None, "error")] {
        let (timeout, every) = (LONG, LONG);
        let config = config::ProbeSettings { url: Some(url.clone()), timeout, every, ca_file };
        let mut probe = Probe::new(&config, every, || NOW, &HttpOptions::default()).unwrap();
        let samples = probe.samples(NOW, NOW).await.unwrap().samples;
        assert_eq!(samples.iter().map(|s| s.status().name()).collect::<Vec<_>>(), [kind]);
        let met = samples[0].down_detail().map(|met| met.to_string());
        assert_eq!(met, (kind == "error").then(|| "TLS: its certificate or the handshake".to_owned()));
    }
}

#[tokio::test]
async fn a_ca_file_without_a_certificate_is_refused() {
    let key = fixture("server.key");
    let config = config::Heroku {
        api_key: Some(Secret::new("token")),
        app_name: "shop".into(),
        process_type: "web".into(),
        api_url: "https://localhost".into(),
        ca_file: Some(key.clone()),
    };
    let failure =
        autoscale_core::workspace::heroku::HerokuFormation::new(&config, &HttpOptions::default()).unwrap_err();
    assert_eq!(failure.text, format!("[HEROKU_INFOS] ca_file: {}: no certificate in it", key.display()));
}
