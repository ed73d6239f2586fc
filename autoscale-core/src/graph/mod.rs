//! A check as a picture: SVG or PNG. Values in, a picture out: no file, no clock, no log; the time zone is an argument.
//!
//! Reading order: [`Picture`] is what is drawn, `words` what it says, `response`, `requests` and `dynos` are its panels,
//! made of the marks of `drawing` on the axes of `axis`; `render` hands the marks to the plotting library.
//! `beside`, `comparison` and `replayed` are other pictures made of the same marks, and `checks` adds to the last what
//! checks decided; `panels` is what those share.

mod axis;
pub mod beside;
pub mod checks;
pub mod comparison;
mod drawing;
mod dynos;
mod layout;
mod panels;
mod picture;
mod render;
pub mod replayed;
mod requests;
mod response;
mod text;
mod words;

use jiff::tz::TimeZone;

use crate::graph::axis::TimeAxis;
use crate::graph::drawing::{Colour, Drawing, Text};
use crate::graph::layout::{LEFT, MARGIN, RIGHT};
use crate::graph::response::Panel;

pub use layout::{HEIGHT, WIDTH};

/// Height of the panel of requests, where they are counted.
const REQUESTS: u32 = 156;
pub use picture::Picture;

/// As SVG, with a title and a description for those who hear it. The same picture gives the same text.
pub fn svg(picture: &Picture, zone: &TimeZone) -> String {
    let title = format!("{}: {}", words::subject(&picture.app, &picture.process), words::headline(picture));
    render::svg(&draw(picture, zone), &title, &words::description(picture, zone))
}

/// As a PNG file.
pub fn png(picture: &Picture, zone: &TimeZone) -> Vec<u8> {
    render::png(&draw(picture, zone))
}

fn draw(picture: &Picture, zone: &TimeZone) -> Drawing {
    let mut drawing = Drawing::default();
    let right_edge = f64::from(WIDTH) - MARGIN;
    let further = if picture.counts_requests() { REQUESTS } else { 0 };
    drawing.height = HEIGHT + further;
    drawing.rect((0.0, 0.0), (f64::from(WIDTH), f64::from(drawing.height)), Colour::PAPER);

    let mut baseline = 34.0;
    for line in text::wrap(&words::headline(picture), 18.0, true, right_edge - MARGIN) {
        drawing.text(Text::new((MARGIN, baseline), line).size(18.0).bold());
        baseline += 23.0;
    }
    let when = words::period(picture.from, picture.at, zone);
    let room = right_edge - MARGIN - text::width(&when, 13.0, false) - 16.0;
    let subject = text::cut(&words::subject(&picture.app, &picture.process), 13.0, false, room);
    drawing.text(Text::new((MARGIN, baseline), subject).size(13.0).colour(Colour::MUTED));
    drawing.text(Text::new((right_edge, baseline), when).size(13.0).colour(Colour::MUTED).right());

    let time = TimeAxis::new(picture.from, picture.at, zone, (LEFT, RIGHT));
    let shown = picture.shown();
    let panel = Panel { shown: &shown, low_high_ms: picture.low_high_ms, check: Some(picture), checks: &[] };
    response::draw(&mut drawing, &panel, &time, (baseline + 34.0, 344.0));
    if picture.counts_requests() {
        requests::draw(&mut drawing, picture, &time, (388.0, 500.0));
    }
    let down = f64::from(further);
    dynos::draw(&mut drawing, picture, &time, (388.0 + down, 500.0 + down));
    for (x, label) in time.labels() {
        drawing.text(Text::new((x, 518.0 + down), label).colour(Colour::MUTED).centred());
    }
    drawing
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::graph::drawing::{Anchor, Mark};
    use crate::model::belief::{Belief, TrafficBelief};
    use crate::model::decision::Decision;
    use crate::model::decision::Evidence;
    use crate::model::formation::{Bounds, Formation};
    use crate::model::reason::{Next, Reason};
    use crate::model::sample::Sample;
    use crate::model::time::Timestamp;
    use crate::model::window::Trend;
    use crate::policy::PolicyKind;
    use crate::policy::Settings;

    const NOW: Timestamp = Timestamp::from_secs(1_795_512_840);

    /// Left, top, right, bottom of a text.
    fn place(text: &Text) -> [f64; 4] {
        let width = text::width(&text.text, text.size, text.bold);
        let left = match text.anchor {
            Anchor::Left => text.at.0,
            Anchor::Centre => text.at.0 - width / 2.0,
            Anchor::Right => text.at.0 - width,
        };
        [left, text.at.1 - 0.73 * text.size, left + width, text.at.1]
    }

    /// All that a picture has to name, at values that lie as close together as the caller likes.
    fn crowded(app: &str, level: f64, quantity: u32, target: u32) -> Picture {
        let samples: Vec<_> = (0..30)
            .filter_map(|k| Sample::up(NOW - Duration::from_secs(60 * k), if k % 7 == 3 { 90_000.0 } else { level }))
            .collect();
        let belief = Belief {
            load_dynos: f64::from(quantity),
            load_low: f64::from(quantity) * 0.9,
            load_high: f64::from(quantity) * 1.1,
            slow_share_now: 0.5,
            slow_share_target: 0.0,
            considered: target,
            incurable_share: 0.0,
        };
        let level_ones: Vec<_> = samples.iter().filter(|s| s.up_ms() == Some(level)).copied().collect();
        let trend = Trend::fit(&level_ones);
        let evidence = Evidence { mean_ms: Some(level), trend, belief: Some(belief), ..Evidence::default() };
        let reason = Reason::Futile { from: quantity, next: Next::Open };
        let decision = Decision { from: quantity, target, reason, evidence };
        let formation = Formation { quantity, changed_at: None };
        let bounds = Bounds::new(1, 10).unwrap();
        let mut picture =
            Picture::of_decision(NOW, samples, formation, bounds, &Settings::new(PolicyKind::Adaptive), decision);
        let steps = (0..20).map(|k| (NOW - Duration::from_secs(100 * (20 - k)), quantity + (k % 3) as u32));
        picture.formation = steps.collect();
        if target == 10 || quantity == 1 {
            let row = |k: u32| (NOW - Duration::from_secs(u64::from(10 * k)), f64::from(k % 40) * level / 1000.0);
            picture.requests = (0..180).rev().map(row).collect();
            picture.decision.evidence.traffic = Some(TrafficBelief {
                requests_per_s: level / 50.0,
                forecast_per_s: level / 49.0,
                forecast_at: NOW + Duration::from_secs(180),
                dyno_carries: level / (50.0 * f64::from(quantity)),
                slow_share: 0.1,
                incident: 0.0,
                considered: target,
            });
        }
        (picture.app, picture.process) = (app.into(), "background-image-worker".into());
        picture.effective_max = Some(4);
        picture
    }

    #[test]
    fn no_text_leaves_the_page_or_covers_another() {
        let long = "w".repeat(300);
        for app in ["storefront-production-eu-west1", &long] {
            for level in [505.0, 1_980.0, 29_000.0] {
                for (quantity, target) in [(1, 1), (1, 2), (4, 3), (9, 10), (u32::MAX - 3, u32::MAX)] {
                    let drawing = draw(&crowded(app, level, quantity, target), &TimeZone::UTC);
                    let texts: Vec<_> = drawing
                        .marks
                        .iter()
                        .filter_map(|m| if let Mark::Text(t) = m { Some(t) } else { None })
                        .collect();
                    for (k, text) in texts.iter().enumerate() {
                        let [left, top, right, bottom] = place(text);
                        let inside =
                            left >= 0.0 && top >= 0.0 && right <= WIDTH.into() && bottom <= drawing.height.into();
                        assert!(inside, "{text:?}");
                        for other in &texts[..k] {
                            let [l, t, r, b] = place(other);
                            assert!(right <= l || r <= left || bottom <= t || b <= top, "{text:?} covers {other:?}");
                        }
                    }
                }
            }
        }
    }
}
