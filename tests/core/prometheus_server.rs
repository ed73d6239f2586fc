//! The Prometheus source against a real server, which scrapes an endpoint of this test's own. For `make ci-extra`: it needs
//! the program `prometheus`, and takes half a minute.

use std::net::TcpListener as StdListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use autoscale_core::workspace::http::HttpOptions;
use autoscale_core::workspace::ports::{Failure, MetricSource};
use autoscale_core::workspace::prometheus::{Prometheus, PrometheusSeries, Unit};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::LONG;

/// What the endpoint tells.
#[derive(Default)]
struct Site {
    scrapes: AtomicU32,
    down: AtomicBool,
}

/// Serves the metrics; the port.
async fn endpoint(site: Arc<Site>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                    let scrape = site.scrapes.fetch_add(1, Ordering::Relaxed);
                    let up = u8::from(!site.down.load(Ordering::Relaxed));
                    let body = format!(
                        "probe_duration_seconds{{target=\"a\"}} {}\nprobe_success{{target=\"a\"}} {up}\n\
                         pages_seconds{{page=\"/\"}} 0.5\npages_seconds{{page=\"/cart\"}} 0.75\n",
                        0.25 + f64::from(scrape) / 1000.0,
                    );
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4";
                    let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, target: u16) -> (Server, String) {
    let config = format!(
        "global: {{scrape_interval: 2s, scrape_timeout: 2s}}\nscrape_configs:\n- job_name: shop\n  static_configs: \
         [{{targets: ['127.0.0.1:{target}']}}]\n"
    );
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    // It does not say which port it took, where it is told to take any.
    let port = StdListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let child = Command::new("prometheus")
        .current_dir(dir)
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(dir.join("log")).unwrap())
        .spawn();
    let child = child.expect("the program prometheus is installed: `make test-prometheus` sees to it");
    (Server(child), format!("http://127.0.0.1:{port}"))
}

#[tokio::test]
#[ignore = "needs a Prometheus server: `make test-prometheus`"]
async fn a_real_server_is_read_as_its_scrapes_were() {
    let dir = tempfile::tempdir().unwrap();
    let site = Arc::new(Site::default());
    let (_server, url) = start(dir.path(), endpoint(Arc::clone(&site)).await);
    let began = Timestamp::from_secs_f64(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64(),
    )
    .unwrap();
    let read = async |query: &str, up_query: Option<&str>| -> Result<Vec<Sample>, Failure> {
        let config = Prometheus {
            url: Some(url.clone()),
            query: Some(query.into()),
            unit: Unit::Seconds,
            up_query: up_query.map(Into::into),
            step: Duration::from_secs(1),
            token: None,
            user: None,
            password: None,
            ca_file: None,
        };
        let mut source = PrometheusSeries::new(&config, &HttpOptions::default()).unwrap();
        let to = began + Duration::from_secs(600);
        source.samples(began - Duration::from_secs(60), to).await.map(|reading| reading.samples)
    };
    let (query, up) = ("probe_duration_seconds{target=\"a\"}", "probe_success{target=\"a\"}");
    // Asked for steps in the future the server gives none.
    tokio::time::timeout(LONG, async {
        while read(query, None).await.map_or(0, |samples| samples.len()) < 4 {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    })
    .await
    .expect("four scrapes");
    let samples = read(query, Some(up)).await.unwrap();
    assert!(samples.len() <= site.scrapes.load(Ordering::Relaxed) as usize, "one a scrape: {samples:?}");
    for pair in samples.windows(2) {
        assert!(pair[1].up_ms().unwrap() > pair[0].up_ms().unwrap(), "no value twice: {samples:?}");
        let apart = pair[1].at.seconds_since(pair[0].at);
        assert!((1.0..30.0).contains(&apart), "at the time of its scrape: {samples:?}");
    }

    site.down.store(true, Ordering::Relaxed);
    tokio::time::timeout(LONG, async {
        while !read(query, Some(up)).await.unwrap().iter().any(Sample::is_down) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    })
    .await
    .expect("a time-out");

    let text = async |query: &str| read(query, None).await.unwrap_err().text;
    let several = text("pages_seconds").await;
    assert!(several.contains("page=\"/\"") && several.contains("page=\"/cart\""), "{several}");
    assert_eq!(read("max(pages_seconds)", None).await.unwrap()[0].up_ms(), Some(750.0));
    assert!(text("nothing_seconds").await.starts_with("Prometheus has no series for [PROMETHEUS] query"));
    let refused = text("rate(").await;
    assert!(
        refused.starts_with("Prometheus answered 400 (") && refused.ends_with("check [PROMETHEUS] query"),
        "{refused}"
    );
    assert!(!read("0.5", None).await.unwrap().is_empty(), "a scalar");
    assert!(read("probe_duration_seconds / 0", None).await.unwrap().is_empty(), "infinities");
}
