//! Faults as written: `pingdom:500@0.1,patch:lost@every=7`. Their grammar and what each means; when one strikes is
//! decided in `fault_injector`, what it does to an answer in `server`.

use std::str::FromStr;

/// The grammar, for `--help`.
pub const GRAMMAR: &str = "\
A fault is TARGET:KIND[@WHEN]…; several are separated by commas.

TARGET  heroku    all calls of Heroku's API
        read      those that change nothing
        patch     those that change something
        pingdom   all calls of Pingdom's API
        all       every call

KIND    instead of an answer; a change is not carried out:
          timeout              no answer until the client gives up
          reset                the connection is reset
          400 … 599            an error of this status, in the API's own form
          429[=S]              too many requests; Retry-After says S seconds (30)
          429-date[=S]         the same, as a date
          429-epoch[=S]        the same, as unix seconds
        the answer is spoilt; a change is carried out:
          lost                 the connection is reset before the answer
          silent               no answer until the client gives up
          half                 half of the body, then the connection ends
          html                 status 200 and a page of HTML
          shape                JSON of another shape
          drip                 one byte every 200 ms
          huge                 256 MB of body
        *                      one of all these, drawn anew each time (errors: 401, 500, 503)
        circumstances:
          limit=N              a change to more than N dynos gets 422 with a limit (heroku, patch)
          empty                no results (pingdom)
          skew=S               that side's clock is S seconds ahead, in all it says
          warning              a header X-Heroku-Warning (heroku)
          maintenance          the app is in maintenance mode (heroku; WHEN is from=)

WHEN    0.1                    with this probability
        every=7                each 7th call of the target
        from=600..1200         from 600 to 1200 virtual seconds after the start
        Without it: always. Several are all to be met: @0.5@from=600..1200";

/// Faults to inject; none by default.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Faults(pub(super) Vec<Rule>);

/// Why a text is no list of faults.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"{fault}\": {why}")]
pub struct FaultError {
    fault: String,
    why: String,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Rule {
    pub(super) target: Target,
    pub(super) kind: Kind,
    pub(super) when: When,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Target {
    Heroku,
    Read,
    Patch,
    Pingdom,
    All,
}

/// How a `Retry-After` is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RetryAfter {
    Seconds,
    Date,
    Epoch,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    Timeout,
    Reset,
    Status(u16),
    TooMany(RetryAfter, u32),
    Lost,
    Silent,
    Truncated,
    Html,
    WrongShape,
    SlowBody,
    Huge,
    Any,
    Limit(u32),
    Empty,
    Skew(i32),
    Warning,
    Maintenance,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct When {
    pub(super) chance: Option<f64>,
    pub(super) every: Option<u64>,
    pub(super) from: Option<(f64, f64)>,
}

impl Faults {
    /// These, and `more` after them.
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Faults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let faults = text.split(',').map(str::trim).filter(|fault| !fault.is_empty());
        faults
            .map(|fault| rule(fault).map_err(|why| FaultError { fault: fault.into(), why }))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn rule(text: &str) -> Result<Rule, String> {
    let mut parts = text.split('@');
    let what = parts.next().unwrap_or_default();
    let (target, kind) = what.split_once(':').ok_or("a fault is TARGET:KIND[@WHEN]")?;
    let target = match target {
        "heroku" => Target::Heroku,
        "read" => Target::Read,
        "patch" => Target::Patch,
        "pingdom" => Target::Pingdom,
        "all" => Target::All,
        _ => return Err(format!("no target is called \"{target}\": heroku, read, patch, pingdom, all")),
    };
    let kind = parse_kind(kind)?;
    let when = parts.try_fold(When::default(), parse_when)?;
    let fits = match kind {
        Kind::Limit(_) => matches!(target, Target::Heroku | Target::Patch),
        Kind::Empty => target == Target::Pingdom,
        Kind::Warning => !matches!(target, Target::Pingdom | Target::All),
        Kind::Maintenance => target == Target::Heroku,
        _ => true,
    };
    if !fits {
        return Err("this kind does not go with this target".into());
    }
    if kind == Kind::Maintenance && (when.chance.is_some() || when.every.is_some()) {
        return Err("maintenance is a state, not an answer: it takes only from=A..B".into());
    }
    Ok(Rule { target, kind, when })
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let seconds = |or: u32| value.map_or(Ok(or), |v| number(v, "a number of seconds"));
    Ok(match name {
        "429" => Kind::TooMany(RetryAfter::Seconds, seconds(30)?),
        "429-date" => Kind::TooMany(RetryAfter::Date, seconds(30)?),
        "429-epoch" => Kind::TooMany(RetryAfter::Epoch, seconds(30)?),
        "limit" => Kind::Limit(number(value.unwrap_or_default(), "limit=N, a number of dynos")?),
        "skew" => Kind::Skew(number(value.unwrap_or_default(), "skew=S, a number of seconds")?),
        _ if value.is_some() => return Err(format!("\"{name}\" takes no value")),
        "timeout" => Kind::Timeout,
        "reset" => Kind::Reset,
        "lost" => Kind::Lost,
        "silent" => Kind::Silent,
        "half" => Kind::Truncated,
        "html" => Kind::Html,
        "shape" => Kind::WrongShape,
        "drip" => Kind::SlowBody,
        "huge" => Kind::Huge,
        "*" => Kind::Any,
        "empty" => Kind::Empty,
        "warning" => Kind::Warning,
        "maintenance" => Kind::Maintenance,
        _ => match name.parse() {
            Ok(status @ 400..=599) => Kind::Status(status),
            _ => return Err(format!("no kind of fault is called \"{name}\" (autoscale sandbox --help lists them)")),
        },
    })
}

fn parse_when(mut when: When, text: &str) -> Result<When, String> {
    if let Some(every) = text.strip_prefix("every=") {
        let wanted = "every=N, 1 or more";
        when.every = Some(number(every, wanted)?);
        if when.every == Some(0) {
            return Err(wanted.into());
        }
    } else if let Some(range) = text.strip_prefix("from=") {
        let wanted = "from=A..B, virtual seconds after the start, A < B";
        let (from, to) = range.split_once("..").ok_or(wanted)?;
        let from = if from.is_empty() { 0.0 } else { number(from, wanted)? };
        let to = if to.is_empty() { f64::INFINITY } else { number(to, wanted)? };
        if !(0.0 <= from && from < to) {
            return Err(wanted.into());
        }
        when.from = Some((from, to));
    } else {
        let wanted = "after @ comes a probability from 0 to 1, every=N or from=A..B";
        let chance = number(text, wanted)?;
        if !(0.0..=1.0).contains(&chance) {
            return Err(wanted.into());
        }
        when.chance = Some(chance);
    }
    Ok(when)
}

fn number<T: FromStr>(text: &str, wanted: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("wanted is {wanted}, not \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_faults_says_what_strikes_whom_and_when() {
        let faults: Faults =
            "pingdom:500@0.1, heroku:429-epoch=90@every=7,heroku:maintenance@from=600..".parse().unwrap();
        assert_eq!(
            faults.0,
            [
                Rule {
                    target: Target::Pingdom,
                    kind: Kind::Status(500),
                    when: When { chance: Some(0.1), ..When::default() }
                },
                Rule {
                    target: Target::Heroku,
                    kind: Kind::TooMany(RetryAfter::Epoch, 90),
                    when: When { every: Some(7), ..When::default() }
                },
                Rule {
                    target: Target::Heroku,
                    kind: Kind::Maintenance,
                    when: When { from: Some((600.0, f64::INFINITY)), ..When::default() }
                },
            ]
        );
        assert!("".parse::<Faults>().unwrap().is_empty());
    }

    #[test]
    fn what_is_no_fault_is_refused_with_what_would_be() {
        for (text, why) in [
            ("heroku", "\"heroku\": a fault is TARGET:KIND[@WHEN]"),
            ("herokku:500", "\"herokku:500\": no target is called \"herokku\": heroku, read, patch, pingdom, all"),
            (
                "all:explode",
                "\"all:explode\": no kind of fault is called \"explode\" (autoscale sandbox --help lists them)",
            ),
            ("all:200", "\"all:200\": no kind of fault is called \"200\" (autoscale sandbox --help lists them)"),
            ("all:reset=3", "\"all:reset=3\": \"reset\" takes no value"),
            ("patch:limit", "\"patch:limit\": wanted is limit=N, a number of dynos, not \"\""),
            ("pingdom:limit=3", "\"pingdom:limit=3\": this kind does not go with this target"),
            ("all:500@1.5", "\"all:500@1.5\": after @ comes a probability from 0 to 1, every=N or from=A..B"),
            ("all:500@every=0", "\"all:500@every=0\": every=N, 1 or more"),
            ("all:500@from=9..3", "\"all:500@from=9..3\": from=A..B, virtual seconds after the start, A < B"),
            (
                "heroku:maintenance@0.5",
                "\"heroku:maintenance@0.5\": maintenance is a state, not an answer: it takes only from=A..B",
            ),
        ] {
            assert_eq!(text.parse::<Faults>().unwrap_err().to_string(), why);
        }
    }
}
