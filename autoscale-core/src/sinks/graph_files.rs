//! Graphs as files: each written whole or not at all, one a check in a folder of which the oldest are pruned. What they
//! show is drawn in [`crate::graph`].

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::config::GraphFormat;
use crate::graph::beside::{self, Beside};
use crate::graph::comparison::{self, Comparison};
use crate::graph::replayed::{self, Replay};
use crate::graph::{self, Picture};
use crate::model::calendar;
use crate::model::time::Timestamp;
use crate::stores::replace::replace_by;

/// Why there is no graph file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name ends neither in `.png` nor in `.svg`.
    #[error("{}: a graph's name ends in .png or .svg", .0.display())]
    Extension(PathBuf),
    /// The file, or its folder, can't be written or read: gone, read-only, full.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Draws into a file, in the format that its extension says. Where there was such a file, it is replaced at once:
/// nobody ever sees half of one.
///
/// # Errors
/// Another extension; or the file can't be written, and what was there before is still there.
pub fn write(path: &Path, picture: &Picture, zone: &TimeZone) -> Result<(), Error> {
    replace(path, &drawn(format_of(path)?, picture, zone), "")
}

/// Draws a comparison of policies into a file, as [`write()`] does a check.
///
/// # Errors
/// As for [`write()`].
pub fn write_comparison(path: &Path, compared: &Comparison) -> Result<(), Error> {
    let drawn = match format_of(path)? {
        GraphFormat::Png => comparison::png(compared),
        GraphFormat::Svg => comparison::svg(compared).into_bytes(),
    };
    replace(path, &drawn, "")
}

/// Draws a recording that was played again into a file, as [`write()`] does a check.
///
/// # Errors
/// As for [`write()`].
pub fn write_replay(path: &Path, replay: &Replay, zone: &TimeZone) -> Result<(), Error> {
    let drawn = match format_of(path)? {
        GraphFormat::Png => replayed::png(replay, zone),
        GraphFormat::Svg => replayed::svg(replay, zone).into_bytes(),
    };
    replace(path, &drawn, "")
}

/// Draws theirs and ours into a file, as [`write()`] does a check.
///
/// # Errors
/// As for [`write()`].
pub fn write_beside(path: &Path, beside: &Beside, zone: &TimeZone) -> Result<(), Error> {
    let drawn = match format_of(path)? {
        GraphFormat::Png => beside::png(beside, zone),
        GraphFormat::Svg => beside::svg(beside, zone).into_bytes(),
    };
    replace(path, &drawn, "")
}

/// The format that a name asks for.
///
/// # Errors
/// [`Error::Extension`] where it ends neither in `.png` nor in `.svg`.
pub fn format_of(path: &Path) -> Result<GraphFormat, Error> {
    match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
        Some("png") => Ok(GraphFormat::Png),
        Some("svg") => Ok(GraphFormat::Svg),
        _ => Err(Error::Extension(path.to_owned())),
    }
}

/// Draws a check into `<app>_<process>_<UTC time>.png` (or `.svg`) in a folder, and again into `latest.png` beside it;
/// of this app and process type the newest `keep` stay. The folder is made where there is none. Returns the new file.
///
/// # Errors
/// The folder or a file in it can't be made, written or removed. Nothing else depends on it: warn, and carry on.
pub fn keep(
    folder: &Path,
    format: GraphFormat,
    keep: usize,
    picture: &Picture,
    zone: &TimeZone,
) -> Result<PathBuf, Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    let series = format!("{}_{}", file_name_part(&picture.app), file_name_part(&picture.process));
    let extension = format.extension();
    let path = folder.join(format!("{series}_{}.{extension}", utc(picture.at)));
    let drawn = drawn(format, picture, zone);
    replace(&path, &drawn, "")?;
    // The series is in the passing name, since several apps may share the folder.
    replace(&folder.join(format!("latest.{extension}")), &drawn, &series)?;
    prune(folder, &series, keep.max(1))?;
    Ok(path)
}

/// The newest graph that [`keep`] left of an app and process type in a folder; `None` where there is none.
pub fn newest(folder: &Path, app: &str, process: &str) -> Option<PathBuf> {
    let series = format!("{}_{}", file_name_part(app), file_name_part(process));
    let names = std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_of_series(name, &series)).max().map(|name| folder.join(name))
}

fn drawn(format: GraphFormat, picture: &Picture, zone: &TimeZone) -> Vec<u8> {
    match format {
        GraphFormat::Png => graph::png(picture, zone),
        GraphFormat::Svg => graph::svg(picture, zone).into_bytes(),
    }
}

/// Replaces a graph. The passing name is the same each time, so that a crash leaves one file at most, which the next graph
/// takes away.
fn replace(path: &Path, bytes: &[u8], writer: &str) -> Result<(), Error> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    // One name for all times of a series.
    let stem = if is_time(tail(&stem)) { &stem[..stem.len() - TIME_LENGTH] } else { &stem };
    let passing = path.with_file_name(format!(".{stem}{writer}.{extension}.part"));
    replace_by(&passing, path, bytes).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Removes the oldest files of a series. Its shape is `<series>_<time>.<png or svg>`: no other file is touched.
fn prune(folder: &Path, series: &str, keep: usize) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let mut mine = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let name = entry.map_err(failed(folder))?.file_name();
        if let Some(name) = name.to_str().filter(|name| is_of_series(name, series)) {
            mine.push(name.to_owned());
        }
    }
    // By time: the names differ in nothing else but the extension, which comes last.
    mine.sort_unstable();
    for name in &mine[..mine.len().saturating_sub(keep)] {
        let path = folder.join(name);
        std::fs::remove_file(&path).map_err(failed(&path))?;
    }
    Ok(())
}

fn is_of_series(name: &str, series: &str) -> bool {
    let time = name.strip_prefix(series).and_then(|rest| rest.strip_prefix('_')).and_then(|rest| rest.rsplit_once('.'));
    time.is_some_and(|(time, extension)| is_time(time) && matches!(extension, "png" | "svg"))
}

/// Length of "20261124T093400Z".
const TIME_LENGTH: usize = 16;

fn is_time(text: &str) -> bool {
    text.len() == TIME_LENGTH
        && text.bytes().enumerate().all(|(k, b)| match k {
            8 => b == b'T',
            15 => b == b'Z',
            _ => b.is_ascii_digit(),
        })
}

fn tail(text: &str) -> &str {
    text.get(text.len().saturating_sub(TIME_LENGTH)..).unwrap_or_default()
}

/// "20261124T093400Z"; sorts as the times do.
fn utc(at: Timestamp) -> String {
    calendar::utc(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A name as part of a file's: what a file system might take amiss becomes "-".
fn file_name_part(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    name.chars().take(100).map(safe).collect()
}
