//! What goes wrong, when, and for how long.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum IncidentKind {
    /// Somebody else's work fills the database: so many times its capacity.
    Database(f64),
    /// The outside checks bring no results; the app is well.
    Blackout,
    /// Every request is answered at once with an error 500.
    Outage,
    /// No request is answered at all.
    Silence,
    /// Dynos crash again and again, about a minute after they came up.
    CrashLoop,
    /// A deploy restarts all dynos as it begins; its length says nothing.
    Deploy,
}

/// Something that goes wrong.
///
/// As text: `kind@start+length` in minutes since the start, for example `database@120+45`, `crash-loop@30+10`,
/// `deploy@60`; kinds are `database` (or `database=6`: times its capacity), `blackout`, `outage`, `silence`,
/// `crash-loop`, `deploy`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Incident {
    /// When it begins, from the app's start.
    pub from: Duration,
    /// When it is over, from the app's start.
    pub to: Duration,
    /// What.
    pub kind: IncidentKind,
}

/// Times its capacity that a saturated database is asked for, where nothing else is said.
const SATURATION: f64 = 6.0;

impl Incident {
    /// One that begins `from` minutes after the start and lasts `minutes`.
    pub fn new(kind: IncidentKind, from: f64, minutes: f64) -> Self {
        let minutes_after = |m: f64| Duration::from_secs_f64(60.0 * m.clamp(0.0, 1e9));
        Self { from: minutes_after(from), to: minutes_after(from + minutes.max(0.0)), kind }
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            IncidentKind::Database(times) => write!(f, "database={times}")?,
            IncidentKind::Blackout => f.write_str("blackout")?,
            IncidentKind::Outage => f.write_str("outage")?,
            IncidentKind::Silence => f.write_str("silence")?,
            IncidentKind::CrashLoop => f.write_str("crash-loop")?,
            IncidentKind::Deploy => f.write_str("deploy")?,
        }
        write!(f, "@{}", self.from.as_secs_f64() / 60.0)?;
        if self.to > self.from {
            write!(f, "+{}", (self.to - self.from).as_secs_f64() / 60.0)?;
        }
        Ok(())
    }
}

impl FromStr for Incident {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("{text:?} is no incident: write KIND@START+LENGTH in minutes, as in database@120+45");
        let (kind, time) = text.split_once('@').ok_or_else(form)?;
        let (kind, amount) = match kind.split_once('=') {
            Some((kind, amount)) => (kind, Some(amount)),
            None => (kind, None),
        };
        let number = |text: &str| -> Result<f64, String> {
            text.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0 && *n < 1e7).ok_or_else(form)
        };
        let kind = match (kind.trim(), amount) {
            ("database", amount) => IncidentKind::Database(amount.map_or(Ok(SATURATION), number)?),
            ("blackout", None) => IncidentKind::Blackout,
            ("outage", None) => IncidentKind::Outage,
            ("silence", None) => IncidentKind::Silence,
            ("crash-loop", None) => IncidentKind::CrashLoop,
            ("deploy", None) => IncidentKind::Deploy,
            (other, None) => {
                return Err(format!(
                    "{other:?} is no kind of incident: write database, blackout, outage, silence, crash-loop or deploy"
                ));
            }
            (_, Some(_)) => return Err(form()),
        };
        let (from, length) = match time.split_once('+') {
            Some((from, length)) => (number(from)?, number(length)?),
            None if kind == IncidentKind::Deploy => (number(time)?, 0.0),
            None => return Err(form()),
        };
        Ok(Self::new(kind, from, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_read_from_text() {
        assert_eq!("database@120+45".parse(), Ok(Incident::new(IncidentKind::Database(6.0), 120.0, 45.0)));
        assert_eq!("database=2.5@0+1".parse(), Ok(Incident::new(IncidentKind::Database(2.5), 0.0, 1.0)));
        assert_eq!("deploy@60".parse(), Ok(Incident::new(IncidentKind::Deploy, 60.0, 0.0)));
        assert_eq!("crash-loop@30+10".parse(), Ok(Incident::new(IncidentKind::CrashLoop, 30.0, 10.0)));
    }

    #[test]
    fn an_incident_is_written_as_it_is_read() {
        for text in ["database=2.5@0+1", "crash-loop@30.5+10", "deploy@60", "silence@1+2", "outage@1+2", "blackout@0+9"]
        {
            assert_eq!(text.parse::<Incident>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_incident_says_how_to_write_one() {
        for text in ["", "database", "database@x+1", "database@1", "blackout=2@1+1", "outage@-1+5", "outage@1+NaN"] {
            let told = text.parse::<Incident>().unwrap_err();
            assert!(told.contains("KIND@START+LENGTH"), "{text}: {told}");
        }
        assert_eq!(
            "flood@1+1".parse::<Incident>().unwrap_err(),
            "\"flood\" is no kind of incident: write database, blackout, outage, silence, crash-loop or deploy"
        );
    }
}
