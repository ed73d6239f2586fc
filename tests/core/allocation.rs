//! A check allocates nothing once its buffers have grown to the window's size.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use autoscale_core::workspace::formation::{Bounds, Formation};
use autoscale_core::workspace::policy::{Decider, Observation, PolicyKind, Settings};
use autoscale_core::workspace::sample::Sample;
use autoscale_core::workspace::time::Timestamp;
use autoscale_core::workspace::window::Window;

use crate::traffic::world::World;

/// The system's allocator, with a count for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that ends may allocate after its locals are gone.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: each call is handed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_traffic_check_allocates_nothing_once_it_has_started() {
    let mut world = World::new(Settings::new(PolicyKind::Traffic));
    let period = world.decider.settings().period;
    let (mut window, mut changes, mut n) = (Window::default(), 0, 4);
    // A load that swells and ebbs each two hours, with a slow hour of a database, a gap in the log, and a sample a minute.
    for minute in 0..1440_i64 {
        world.now += 60;
        world.load = 70.0 + 55.0 * (minute as f64 / 120.0 * std::f64::consts::TAU).sin();
        world.incident = if minute % 400 < 45 { 0.3 } else { 0.0 };
        world.known = std::array::from_fn(|i| minute % 50 > 4 && (minute % 7 > 0 || i != 3));
        let rows = world.rows();
        let now = Timestamp::from_secs(world.now);
        let sample = |ago: i64| Sample::up(Timestamp::from_secs(world.now - 60 * ago - 20), 400.0 + 10.0 * ago as f64);
        window.fill((0..30).filter_map(sample), now, period);
        let formation = Formation { quantity: n, changed_at: None };
        let seen = Observation::new(now, formation, Bounds::new(1, 20).unwrap(), &window).traffic(&rows);
        // Rows are made before, and not counted.
        let counted = ALLOCATIONS.get();
        let decision = world.decider.decide(&seen.rows_may_repeat(true));
        assert!(minute < 360 || ALLOCATIONS.get() == counted, "at minute {minute}: {decision}");
        changes += u32::from(decision.target != n);
        n = decision.target;
        world.dynos = n;
    }
    assert!(changes > 20, "{changes} changes");
}

#[test]
fn an_adaptive_check_allocates_nothing_once_it_has_started() {
    let settings = Settings::new(PolicyKind::Adaptive);
    let period = settings.period;
    let mut decider = Decider::new(settings);
    let (mut window, mut n) = (Window::default(), 3);
    let mut changes = 0;
    // A load that swells and ebbs each two hours; the first three swells are the start.
    let swell = |minute: i64| 400.0 + 350.0 * (minute as f64 / 120.0 * std::f64::consts::TAU).sin();
    let result = |minute: i64| {
        let ms = if minute % 120 < 4 { 9000.0 } else { swell(minute) };
        Sample::up(Timestamp::from_secs(60 * minute), ms).unwrap()
    };
    let mut before = 0;
    for minute in 0..1440 {
        if minute == 360 {
            before = ALLOCATIONS.get();
        }
        let now = Timestamp::from_secs(60 * minute + 7);
        window.fill((minute - 40..=minute).rev().map(result), now, period);
        let decision = decider.decide(&Observation::new(
            now,
            Formation { quantity: n, changed_at: None },
            Bounds::new(1, 20).unwrap(),
            &window,
        ));
        changes += u32::from(decision.target != n);
        n = decision.target;
    }
    assert!(changes > 20, "{changes} changes");
    assert_eq!(ALLOCATIONS.get() - before, 0);
}

#[test]
fn a_line_of_the_routers_log_is_read_and_counted_without_an_allocation() {
    use autoscale_core::workspace::router_logs::line::{Line, read};
    use autoscale_core::workspace::router_logs::slots::Slots;

    let now = Timestamp::from_secs(1_795_757_020);
    let mut slots = Slots::default();
    slots.opened(now);
    let lines = [
        "2026-11-27T05:23:40.1+00:00 heroku[router]: at=info method=GET path=\"/a?b=c d\" host=x fwd=\"1.2.3.4\" dyno=web.1 connect=0ms service=1ms status=200 bytes=9",
        "2026-11-27T05:23:40+00:00 heroku[router]: at=error code=H12 desc=\"Request timeout\" path=/ dyno=web.1 connect= service=30000ms status=503",
        "2026-11-27T05:23:40+00:00 app[web.1]: a line of the app's own",
        "2026-11-27T05:23:40+00:00 heroku[logplex]: Error L10 (output buffer overflow): 500 messages dropped since 2013-04-17T19:04:46+00:00.",
    ];
    let mut count = || {
        for line in lines {
            if let Line::Request(request) = read(line.as_bytes()) {
                assert!(slots.count(&request, now));
            }
        }
    };
    count();
    let before = ALLOCATIONS.get();
    (0..1000).for_each(|_| count());
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
