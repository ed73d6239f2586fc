//! Many lines in a row: a policy with its memory for each app that they speak of. Bounded: apps that were not heard of
//! for long are forgotten.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use crate::model::bounds_rule::{bounds_with, rules_at};
use crate::model::decision::Decision;
use crate::model::formation::{Bounds, Formation};
use crate::model::schedule::Schedule;
use crate::model::window::Window;
use crate::offline::decide_line::{BadLine, DecideReply, DecideRequest};
use crate::policy::{Decider, Observation, Settings};

/// How many apps are remembered. Where there are more, the one not heard of for the longest is forgotten, and starts
/// anew when it is heard of again.
pub const MAX_APPS: usize = 10_000;

/// Decides on lines.
#[derive(Debug)]
pub struct DecideStream {
    settings: Settings,
    bounds: Bounds,
    schedules: Vec<Schedule>,
    interval: Duration,
    apps: HashMap<App, Remembered>,
    /// By the number of the line that last spoke of them.
    by_age: BTreeMap<u64, App>,
    heard: u64,
}

/// Lines without an `app` are about one and the same.
type App = Option<Rc<str>>;

#[derive(Debug)]
struct Remembered {
    decider: Decider,
    heard: u64,
}

impl DecideStream {
    /// With what counts where a line does not say: bounds, and the time between two checks.
    pub fn new(settings: Settings, bounds: Bounds, interval: Duration) -> Self {
        let schedules = Vec::new();
        Self { settings, bounds, schedules, interval, apps: HashMap::new(), by_age: BTreeMap::new(), heard: 0 }
    }

    /// With what sets other bounds for a while where a line does not say them.
    #[must_use]
    pub fn with_schedules(self, schedules: Vec<Schedule>) -> Self {
        Self { schedules, ..self }
    }

    /// Answers a line of JSON.
    ///
    /// # Errors
    /// [`BadLine`] names the field and what is wrong with it; nothing is remembered of such a line.
    pub fn answer(&mut self, line: &[u8]) -> Result<DecideReply, BadLine> {
        DecideRequest::from_json(line).and_then(|request| Ok((&self.decide(request)?).into()))
    }

    /// Decides on what a line said.
    ///
    /// # Errors
    /// [`BadLine`] where its `min` and `max`, with the configured ones for what is missing, are no bounds.
    pub fn decide(&mut self, request: DecideRequest) -> Result<Decision, BadLine> {
        let bounds = self.bounds(&request)?;
        let window = Window::new(request.samples, request.now, self.settings.period);
        self.heard += 1;
        let heard = self.heard;
        let app: App = request.app.map(Into::into);
        if !self.apps.contains_key(&app) && self.apps.len() >= MAX_APPS {
            self.forget_one();
        }
        let remembered = self
            .apps
            .entry(app.clone())
            .or_insert_with(|| Remembered { decider: Decider::new(self.settings.clone()), heard });
        self.by_age.remove(&remembered.heard);
        self.by_age.insert(heard, app);
        remembered.heard = heard;
        Ok(remembered.decider.decide(
            &Observation::new(
                request.now,
                Formation { quantity: request.dynos, changed_at: request.changed_at },
                bounds,
                &window,
            )
            .interval(request.interval.unwrap_or(self.interval))
            .traffic(&request.traffic)
            .rows_may_repeat(true),
        ))
    }

    /// How many apps are remembered: at most [`MAX_APPS`].
    pub fn apps(&self) -> usize {
        self.apps.len()
    }

    fn bounds(&self, request: &DecideRequest) -> Result<Bounds, BadLine> {
        let usual = bounds_with(self.bounds, &rules_at(&self.schedules, request.now));
        let (min, max) = (request.min.unwrap_or(usual.min()), request.max.unwrap_or(usual.max()));
        Bounds::new(min, max).ok_or_else(|| {
            let by_default = |given: Option<u32>| if given.is_none() { " (configured)" } else { "" };
            BadLine(format!("min: {min}{} is above max: {max}{}", by_default(request.min), by_default(request.max)))
        })
    }

    fn forget_one(&mut self) {
        if let Some((_, app)) = self.by_age.pop_first() {
            self.apps.remove(&app);
        }
    }
}
