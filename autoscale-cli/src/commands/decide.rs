//! `autoscale decide`: lines of JSON in, lines of JSON out. What a line means and how it is decided on is the engine's;
//! here is only how lines are read and written.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use autoscale_core::workspace::config_file;
use autoscale_core::workspace::decide_line::{DecideStream, MAX_LINE};
use autoscale_core::workspace::formation::Bounds;
use autoscale_core::workspace::policy::{POLICIES, PolicyKind, Settings};

use crate::exit::Exit;

/// Decides on observations: one JSON object a line in, one out. Pure: changes nothing and needs no credentials.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Line in:
  {\"now\":s,\"dynos\":n,\"samples\":[[t,ms,up],…]}
  Times are unix seconds. up: true, false (time-out), \"timeout\" or \"error\";
  ms: null or 0 when nothing was measured. A line may also have:
  traffic      rows of ten seconds that came since the line before, for the traffic policy:
               [t0,10,requests,5xx,h12,other router errors,connect ms,[service times]],
               t0 a multiple of 10, service times counted in up to 40 classes from
               R^i to R^(i+1) ms with R^40 = 30000. Late parts are added; a row that
               equals an earlier one is left out, and a slot without a row is unknown
  min, max     instead of the config's
  changed_at   when the number of dynos last changed, else as earlier lines show
  interval     seconds between two checks
  app          a key: state is kept apart for each, for up to 10,000 of them
Line out:
  {\"target\":n,\"action\":\"add|remove|hold\",\"reason\":{\"code\":…,\"text\":…}}
  {\"error\":\"line 7: dynos: missing\"} for a bad line; the stream goes on
Exit code 1: there were lines, and every one was bad.

Example:
  echo '{\"now\":60,\"dynos\":2,\"samples\":[[0,2500,true],[60,2600,true]]}' |
    autoscale decide")]
pub(crate) struct Args {
    /// Configuration file; without one, the defaults count
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which policy decides, with its defaults [default: threshold]
    #[arg(long, value_name = "threshold|adaptive|traffic", value_parser = policy, conflicts_with = "config")]
    policy: Option<PolicyKind>,
    /// Time between two checks, for lines that don't say it [default: check_frequency]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    interval: Option<u32>,
    /// JSON, which it speaks anyway: taken so that scripts may ask every command alike
    #[arg(long = "json")]
    _json: bool,
}

fn policy(name: &str) -> Result<PolicyKind, &'static str> {
    POLICIES.iter().copied().find(|kind| kind.name() == name).ok_or("must be threshold, adaptive or traffic")
}

pub(crate) fn run(args: &Args) -> Exit {
    let stream = match open(args) {
        Ok(stream) => stream,
        Err(problem) => {
            let _ = writeln!(anstream::stderr(), "{problem}");
            return Exit::Config;
        }
    };
    match answer(io::stdin().lock(), io::stdout().lock(), stream) {
        // Whoever read the answers has heard enough.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Ok(Heard { decided: 0, refused: 1.. }) => Exit::Failed,
        Err(e) => {
            let _ = writeln!(anstream::stderr(), "decide: {e}");
            Exit::Failed
        }
        Ok(_) => Exit::Done,
    }
}

/// How many lines there were.
#[derive(Default)]
struct Heard {
    decided: u64,
    refused: u64,
}

/// What is decided by where a line does not say: the configuration's settings, bounds and check_frequency.
fn open(args: &Args) -> Result<DecideStream, String> {
    let (settings, bounds, schedules, interval) = match &args.config {
        Some(path) => {
            let config = config_file::load(path, true).map_err(|e| e.to_string())?.config;
            (config.settings, config.bounds, config.schedules, config.check_frequency)
        }
        None => (
            Settings::new(args.policy.unwrap_or_default()),
            Bounds::new(1, 10).expect("1 is below 10"),
            Vec::new(),
            Duration::from_secs(300),
        ),
    };
    let interval = args.interval.map_or(interval, |seconds| Duration::from_secs(seconds.into()));
    Ok(DecideStream::new(settings, bounds, interval).with_schedules(schedules))
}

/// Answers line by line. Answers are written in bulk while lines wait to be read, and at once when none does.
fn answer(input: impl Read, output: impl Write, mut stream: DecideStream) -> io::Result<Heard> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut output = BufWriter::with_capacity(1 << 16, output);
    let mut line = Vec::new();
    let mut heard = Heard::default();
    for number in 1_u64.. {
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
        let Some(fits) = read_line(&mut input, &mut line)? else { break };
        if number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        let said = line.trim_ascii();
        if said.is_empty() && fits {
            continue;
        }
        let reply = if fits {
            stream.answer(said).map_err(|e| e.to_string())
        } else {
            Err(format!("longer than {} MiB", MAX_LINE >> 20))
        };
        match reply {
            Ok(reply) => {
                heard.decided += 1;
                serde_json::to_writer(&mut output, &reply)?;
            }
            Err(e) => {
                heard.refused += 1;
                serde_json::to_writer(&mut output, &Refusal { error: format!("line {number}: {e}") })?;
            }
        }
        output.write_all(b"\n")?;
        if line.capacity() > 1 << 20 {
            line = Vec::new();
        }
    }
    output.flush()?;
    Ok(heard)
}

#[derive(serde::Serialize)]
struct Refusal {
    error: String,
}

/// Reads up to the end of a line. `None` at the end of the input; false for a line longer than [`MAX_LINE`], of which
/// nothing is kept.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let (mut began, mut fits) = (false, true);
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if bytes.is_empty() {
            return Ok(began.then_some(fits));
        }
        began = true;
        let end = bytes.iter().position(|b| *b == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        if fits && line.len() + part.len() <= MAX_LINE {
            line.extend_from_slice(part);
        } else {
            fits = false;
            *line = Vec::new();
        }
        let read = part.len() + usize::from(end.is_some());
        input.consume(read);
        if end.is_some() {
            return Ok(Some(fits));
        }
    }
}
