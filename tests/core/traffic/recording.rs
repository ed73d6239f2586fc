//! Recorded runs of the traffic policy's reference. Those of the repository are in tests/fixtures/traffic, whose README
//! says how they are spelled; `AUTOSCALE_TRAFFIC_RECORDINGS` names a folder of others in their place.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use autoscale_core::workspace::decide_line::{DecideRequest, DecideStream};
use autoscale_core::workspace::decision::Decision;
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::Settings;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// A recorded run: a line a check, as `autoscale decide` reads them, each with the target that the reference gave.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) interval: Duration,
    lines: String,
}

/// What a line has beyond what is decided on.
#[derive(Deserialize)]
struct Recorded {
    target: u32,
}

impl Recording {
    /// Those of the folder that the environment names, else those of the repository.
    pub(crate) fn all() -> Vec<Self> {
        let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/traffic");
        let folder = std::env::var_os("AUTOSCALE_TRAFFIC_RECORDINGS").map_or_else(own, PathBuf::from);
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// One of the repository.
    pub(crate) fn named(name: &str) -> Self {
        let file = format!("../tests/fixtures/traffic/{name}.jsonl.gz");
        Self::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
    }

    fn read(path: &Path) -> Self {
        let mut lines = String::new();
        MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".jsonl.gz").to_owned();
        // "a1-60s": the last part is the interval.
        let seconds = name.rsplit('-').next().and_then(|last| last.strip_suffix('s')).unwrap().parse().unwrap();
        Self { name, interval: Duration::from_secs(seconds), lines }
    }

    /// Its checks: what was seen, and the recorded target.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (DecideRequest, u32)> {
        self.lines.lines().map(|line| {
            let recorded: Recorded = serde_json::from_str(line).unwrap();
            (DecideRequest::from_json(line.as_bytes()).unwrap(), recorded.target)
        })
    }

    /// Decides on each check, and shows the decision beside what was seen and the recorded target.
    pub(crate) fn replay(&self, settings: Settings, mut each: impl FnMut(&DecideRequest, &Decision, u32)) {
        let mut stream = DecideStream::new(settings, Bounds::new(1, 20).unwrap(), self.interval);
        for (request, target) in self.checks() {
            let decision = stream.decide(request.clone()).unwrap();
            each(&request, &decision, target);
        }
    }
}
