//! Recorded results, text to values: Pingdom's `results` as JSON, the history of events, or CSV `time,ms,status`. Which
//! of the three a text is shows in the text itself. No file.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::http::json::brief;
use crate::model::bounds_rule::BoundsRule;
use crate::model::calendar;
use crate::model::event::{Check, Event, JsonSample, Kind, Outcome};
use crate::model::sample::{DownCause, Sample, Status};
use crate::model::time::Timestamp;
use crate::model::traffic::TrafficRow;
use crate::sources::pingdom::wire;

/// What a recording holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Recording {
    /// Results, sorted by [`Sample::order`]. One that several events or pages tell is there once.
    pub samples: Vec<Sample>,
    /// The app and its process type, where the recording names them: a history does.
    pub app: Option<(String, String)>,
    /// Changes of the formation, oldest first: when, and the quantity from then on; only a history tells them.
    pub formation: Vec<(Timestamp, u32)>,
    /// The checks that were carried out, in the order in which they are told; only a history tells them.
    pub checks: Vec<RecordedCheck>,
}

/// A check as a history tells it: what was seen, and what was decided.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordedCheck {
    /// When.
    pub at: Timestamp,
    /// Dynos there were.
    pub dynos: u32,
    /// When their number had last changed.
    pub changed_at: Option<Timestamp>,
    /// The most dynos that the platform allowed, where that was less than `max_dynos`.
    pub limit: Option<u32>,
    /// Was the app in maintenance mode?
    pub maintenance: bool,
    /// Until when the loop left the app alone.
    pub override_until: Option<Timestamp>,
    /// Bounds that an operator had asked for.
    pub held: Vec<BoundsRule>,
    /// Were changes only told? As far as the events before it say.
    pub dry_run: bool,
    /// Was it shadow mode?
    pub shadow: bool,
    /// Results that no earlier check had seen.
    pub new_samples: Vec<Sample>,
    /// Rows of requests that it was given.
    pub traffic: Vec<TrafficRow>,
    /// Dynos there should have been.
    pub target: u32,
    /// Dynos there were after it, as far as the platform said.
    pub applied: u32,
    /// Why: the name of the reason.
    pub code: String,
    /// Size of the dynos, where the platform has such a thing and the check knew it.
    pub size: Option<String>,
}

impl Recording {
    /// The time of the newest result.
    pub fn newest_at(&self) -> Option<Timestamp> {
        self.samples.last().map(|s| s.at)
    }
}

/// A text that is no recording; says where and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub text: String,
}

/// Reads a recording. Results that measured nothing are left out.
///
/// - Pingdom: bodies of `results`, one or several after each other.
/// - History: events, one a line. Other events than checks are passed over, and so is a last line that is still being
///   written.
/// - CSV: the time in unix seconds or as in RFC 3339, response time in ms, and `up`, `down`, `timeout` or `error`; with or without a header. Lines
///   that begin with `#` are comments.
///
/// # Errors
/// The first line that can't be read, or that is of another app than the lines before.
pub fn parse(text: &str) -> Result<Recording, Malformed> {
    parse_with(text, Union::default())
}

/// [`parse`], but of a history that several apps share only what is of this app and process type. A history that does not
/// know it is read as a whole.
///
/// # Errors
/// As for [`parse`].
pub fn parse_of(text: &str, app: &str, process: &str) -> Result<Recording, Malformed> {
    let recording = parse_only(text, app, process)?;
    if recording.samples.is_empty() && recording.checks.is_empty() { parse(text) } else { Ok(recording) }
}

/// [`parse`], but of a history that several apps share only what is of this app and process type: nothing where it does
/// not know it.
///
/// # Errors
/// As for [`parse`].
pub fn parse_only(text: &str, app: &str, process: &str) -> Result<Recording, Malformed> {
    let only = Some((app.to_owned(), process.to_owned()));
    parse_with(text, Union { only, ..Union::default() })
}

fn parse_with(text: &str, mut union: Union) -> Result<Recording, Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['{', '[']) {
        json(text, &mut union)?
    } else {
        csv(text, &mut union)?
    }
    let mut recording = union.recording;
    for (sample, times) in union.most.into_values() {
        recording.samples.extend(std::iter::repeat_n(sample, times));
    }
    recording.samples.sort_by(Sample::order);
    Ok(recording)
}

/// Results of overlapping pages: each as often as the page has it that has it most often.
#[derive(Default)]
struct Union {
    recording: Recording,
    dry_run: bool,
    /// The only app and process type that counts.
    only: Option<(String, String)>,
    most: HashMap<(Timestamp, u64, Status), (Sample, usize)>,
}

impl Union {
    fn add_page(&mut self, samples: impl IntoIterator<Item = Sample>) {
        let mut page = HashMap::<_, (Sample, usize)>::new();
        for sample in samples {
            let key = (sample.at, sample.ms_or_down().to_bits(), sample.status());
            page.entry(key).or_insert((sample, 0)).1 += 1;
        }
        for (key, (sample, times)) in page {
            let most = self.most.entry(key).or_insert((sample, 0));
            most.1 = most.1.max(times);
        }
    }

    fn add_event(&mut self, event: Event) -> Result<(), String> {
        let Event { at, app, process, kind, .. } = event;
        if self.only.as_ref().is_some_and(|(a, p)| (a, p) != (&app, &process)) {
            return Ok(());
        }
        let check = match kind {
            Kind::Checked(check) => check,
            Kind::Started { dry_run, .. } | Kind::DryRunChanged { dry_run, .. } => {
                self.dry_run = dry_run;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Check { dynos, changed_at, applied, new_samples, outcome, .. } = *check;
        match outcome {
            Outcome::WouldScale => self.dry_run = true,
            Outcome::Held => {}
            Outcome::Scaled | Outcome::Limited | Outcome::Failed => self.dry_run = false,
        }
        let (known_app, known_process) = self.recording.app.get_or_insert_with(|| (app.clone(), process.clone()));
        if (&*known_app, &*known_process) != (&app, &process) {
            return Err(format!(
                "a check of {app}/{process}, those before are of {known_app}/{known_process}: one app a recording"
            ));
        }
        let formation = &mut self.recording.formation;
        let last = |formation: &[(Timestamp, u32)]| formation.last().map(|(_, n)| *n);
        if last(formation) != Some(dynos) {
            let known = formation.last().map(|(at, _)| *at);
            formation
                .push((changed_at.filter(|changed| Some(*changed) >= known && *changed <= at).unwrap_or(at), dynos));
        }
        if last(formation) != Some(applied) {
            formation.push((at, applied));
        }
        let new_samples: Vec<_> = new_samples.into_iter().map(|JsonSample(sample)| sample).collect();
        self.add_page(new_samples.iter().copied());
        self.recording.checks.push(RecordedCheck {
            at,
            dynos,
            changed_at,
            limit: (check.effective_max < check.max).then_some(check.effective_max),
            maintenance: check.maintenance,
            override_until: check.override_until,
            held: check.bounds_by.into_iter().filter(BoundsRule::is_held).collect(),
            dry_run: self.dry_run || check.shadow,
            shadow: check.shadow,
            new_samples,
            traffic: check.traffic.map(|traffic| traffic.rows).unwrap_or_default(),
            target: check.target,
            applied,
            code: check.reason.code().to_owned(),
            size: check.size,
        });
        Ok(())
    }
}

fn json(text: &str, union: &mut Union) -> Result<(), Malformed> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut events = 0_usize;
    let (mut line, mut counted) = (1, 0);
    loop {
        // Each line's end is counted once, however many documents there are.
        let start = start_of(text, documents.byte_offset());
        line += text.as_bytes()[counted..start].iter().filter(|b| **b == b'\n').count();
        counted = start;
        let document = match documents.next() {
            None => return Ok(()),
            // A history's last line may be in the middle of being written.
            Some(Err(error)) if error.is_eof() && events > 0 => return Ok(()),
            Some(Err(error)) => return Err(Malformed { line: error.line(), text: format!("not JSON: {error}") }),
            Some(Ok(document)) => document.get(),
        };
        let added = match DocumentKind::of(document) {
            Some(DocumentKind::Results) => wire::parse_recorded(document.as_bytes())
                .map(|page| union.add_page(page.results.into_iter().map(|row| row.sample)))
                .map_err(|error| error.to_string()),
            Some(DocumentKind::Event) => {
                events += 1;
                serde_json::from_str(document).map_err(without_place).and_then(|event| union.add_event(event))
            }
            None => Err("neither Pingdom's `results` nor an event".to_owned()),
        };
        added.map_err(|text| Malformed { line, text })?;
    }
}

/// What a document is, by its keys.
enum DocumentKind {
    Results,
    Event,
}

impl DocumentKind {
    fn of(document: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Keys {
            results: Option<IgnoredAny>,
            event: Option<IgnoredAny>,
        }
        // A list would be read as the fields in their order.
        let Keys { results, event } = document.starts_with('{').then(|| serde_json::from_str(document).ok())??;
        results.map(|_| Self::Results).or(event.map(|_| Self::Event))
    }
}

/// What is wrong, without the place within the document: its line in the text is told.
fn without_place(error: serde_json::Error) -> String {
    let (whole, place) = (brief(&error), format!(" at line {} column {}", error.line(), error.column()));
    whole.strip_suffix(&place).unwrap_or(&whole).to_owned()
}

/// The first sign at or after `offset` that is not space.
fn start_of(text: &str, offset: usize) -> usize {
    text.get(offset..).map_or(text.len(), |rest| text.len() - rest.trim_start().len())
}

/// Numbers and words need no quotes, but a spreadsheet may have put them.
fn csv(text: &str, union: &mut Union) -> Result<(), Malformed> {
    let mut samples = Vec::new();
    let lines = text.lines().enumerate().map(|(k, line)| (k + 1, line.trim()));
    for (row, (line, record)) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).enumerate() {
        let fields: Vec<_> = record.split(',').map(|field| field.trim().trim_matches('"')).collect();
        if row == 0 && fields[0].eq_ignore_ascii_case("time") {
            continue;
        }
        samples.extend(csv_sample(&fields).map_err(|text| Malformed { line, text })?);
    }
    union.add_page(samples);
    Ok(())
}

/// `None` where nothing was measured.
fn csv_sample(fields: &[&str]) -> Result<Option<Sample>, String> {
    let (time, ms, status) = match *fields {
        [time, ms] => (time, ms, "up"),
        [time, ms, status] => (time, ms, status),
        _ => return Err(format!("{} fields, not time,ms,status", fields.len())),
    };
    let at = match time.parse() {
        Ok(secs) => Timestamp::from_secs_f64(secs),
        Err(_) => calendar::parse(time),
    };
    let at = at.ok_or_else(|| format!("{time:?} is no time: neither unix seconds nor like 2026-11-24T09:34:00Z"))?;
    if at.is_in_milliseconds() {
        return Err(format!("{time} is no time in unix seconds; is it in milliseconds?"));
    }
    let ms = match ms {
        "" | "null" => 0.0,
        _ => ms.parse::<f64>().map_err(|_| format!("{ms:?} is no response time in ms"))?,
    };
    match status {
        // As Pingdom's exports have it.
        "down" => Ok(Some(Sample::down(at, DownCause::Timeout))),
        "unknown" => Ok(None),
        _ => match status.parse() {
            Ok(status) => Ok(Sample::of(at, status, ms)),
            Err(()) => Err(format!("{status:?} is none of up, down, timeout, error")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(i64, Option<f64>, &'static str)> {
        parse(text).unwrap().samples.iter().map(|s| (s.at.as_secs(), s.up_ms(), s.status().name())).collect()
    }

    fn problem(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    fn event(at: i64, app: &str, dynos: u32, applied: u32, samples: &str) -> String {
        format!(
            r#"{{"v":1,"event":"checked","at":{at},"app":"{app}","process":"web","dynos":{dynos},"changed_at":null,"min":1,"max":10,"mean_ms":null,"trend_ms_per_s":null,"new_samples":{samples},"effective_max":10,"maintenance":false,"override_until":null,"policy":"threshold","action":"hold","target":{applied},"reason":{{"code":"steady","text":""}},"outcome":"held","applied":{applied}}}"#
        )
    }

    #[test]
    fn csv_is_read_with_or_without_a_header() {
        let rows = "1700000060,850.5,up\n# a comment\n1700000000, 700 ,up\n1700000120,,timeout\n1700000180,,error\n";
        let expected = [
            (1_700_000_000, Some(700.0), "up"),
            (1_700_000_060, Some(850.5), "up"),
            (1_700_000_120, None, "timeout"),
            (1_700_000_180, None, "error"),
        ];
        assert_eq!(told(rows), expected);
        assert_eq!(told(&format!("\u{feff}time,ms,status\r\n{}", rows.replace('\n', "\r\n"))), expected);
    }

    #[test]
    fn csv_may_have_times_that_people_write() {
        assert_eq!(told("\"2023-11-14T23:13:20+01:00\",\"5\",\"up\"\n"), [(1_700_000_000, Some(5.0), "up")]);
    }

    #[test]
    fn what_measured_nothing_is_left_out() {
        assert_eq!(told("1,0,up\n2,,up\n3,5,unknown\n4,5,up\n"), [(4, Some(5.0), "up")]);
        assert_eq!(told(""), []);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(
            problem("1,5,up\n\nx,5,up\n"),
            "line 3: \"x\" is no time: neither unix seconds nor like 2026-11-24T09:34:00Z"
        );
        assert_eq!(problem("1,5,up\n2,fast,up\n"), "line 2: \"fast\" is no response time in ms");
        assert_eq!(problem("1,5,UP?\n"), "line 1: \"UP?\" is none of up, down, timeout, error");
        assert_eq!(problem("1,5,up,9\n"), "line 1: 4 fields, not time,ms,status");
        assert_eq!(
            problem("1700000000000,5,up\n"),
            "line 1: 1700000000000 is no time in unix seconds; is it in milliseconds?"
        );
        assert_eq!(problem("{\"results\":[]}\n{\"a\":1}\n"), "line 2: neither Pingdom's `results` nor an event");
        assert!(problem("{\"results\":[]}\n\n{]").starts_with("line 3: not JSON: "));
    }

    #[test]
    fn pages_of_pingdom_may_overlap() {
        let page = |rows: &str| format!("{{\"activeprobes\":[1],\n\"results\":[{rows}]}}");
        let a = r#"{"probeid":1,"time":60,"status":"up","responsetime":300},{"probeid":2,"time":60,"status":"up","responsetime":300}"#;
        let b = r#"{"probeid":1,"time":60,"status":"up","responsetime":300},{"probeid":1,"time":0,"status":"down"}"#;
        let expected = [(0, None, "timeout"), (60, Some(300.0), "up"), (60, Some(300.0), "up")];
        assert_eq!(told(&format!("{}\n{}", page(a), page(b))), expected);
    }

    #[test]
    fn a_history_tells_results_and_formation() {
        let lines = [
            event(100, "shop", 2, 2, "[[40,300,\"up\"],[70,null,\"error\"]]"),
            r#"{"v":1,"event":"paused","at":150,"app":"shop","process":"web"}"#.into(),
            event(200, "shop", 2, 4, "[[70,null,\"error\"],[160,900,\"up\"]]"),
            event(300, "shop", 4, 4, "[]"),
        ];
        let recording = parse(&lines.join("\n")).unwrap();
        assert_eq!(recording.app, Some(("shop".into(), "web".into())));
        let formation: Vec<_> = recording.formation.iter().map(|(at, n)| (at.as_secs(), *n)).collect();
        assert_eq!(formation, [(100, 2), (200, 4)]);
        let expected = [(40, Some(300.0), "up"), (70, None, "error"), (160, Some(900.0), "up")];
        assert_eq!(told(&lines.join("\n")), expected);
        // The daemon is in the middle of a line.
        assert_eq!(told(&format!("{}\n{}", lines[0], &lines[2][..90])).len(), 2);
    }

    #[test]
    fn of_a_history_that_apps_share_one_can_be_chosen() {
        let lines =
            [event(100, "shop", 2, 2, "[[40,300,\"up\"]]"), event(200, "blog", 5, 5, "[[50,300,\"up\"]]")].join("\n");
        let recording = parse_of(&lines, "blog", "web").unwrap();
        assert_eq!((recording.checks.len(), recording.checks[0].dynos, recording.samples.len()), (1, 5, 1));
        assert_eq!(parse_of(&event(100, "shop", 2, 2, "[]"), "test", "web").unwrap().checks.len(), 1, "the only one");
        assert!(parse_only(&event(100, "shop", 2, 2, "[]"), "test", "web").unwrap().checks.is_empty());
    }

    #[test]
    fn one_app_a_recording() {
        let lines = [event(100, "shop", 2, 2, "[]"), event(200, "blog", 2, 2, "[]")].join("\n");
        assert_eq!(problem(&lines), "line 2: a check of blog/web, those before are of shop/web: one app a recording");
    }
}
