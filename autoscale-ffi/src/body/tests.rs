//! A handle whose source has a defect, and what becomes of it.

use std::ffi::{CStr, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[cfg(feature = "http")]
use autoscale_core::workspace::event::{Event, Kind};

use crate::callback::{AUTOSCALE_EVENT_CRASHED, AUTOSCALE_EVENT_STARTED, AUTOSCALE_EVENT_STOPPED, Samples};
use crate::config::{autoscale_config_free, autoscale_config_from_ini};
use crate::handle::{
    Handle, autoscale_check_now, autoscale_check_once, autoscale_free, autoscale_new, autoscale_pause,
    autoscale_set_scale_target, autoscale_start, autoscale_stop,
};
use crate::status::{AUTOSCALE_OK, AUTOSCALE_PANIC, autoscale_last_error};

unsafe extern "C-unwind" fn read(_: *mut c_void, n: *mut u32, _: *mut i64, _: *mut crate::callback::Failure) -> i32 {
    // SAFETY: the library's own place.
    unsafe { *n = 2 };
    0
}

unsafe extern "C-unwind" fn scale(_: *mut c_void, _: u32, _: *mut crate::callback::Failure) -> i32 {
    0
}

unsafe extern "C-unwind" fn no_results(_: *mut c_void, _: i64, _: i64, _: *mut Samples) -> i32 {
    0
}

/// A handle whose source panics, as a defect of the library would.
fn broken() -> *mut Handle {
    broken_with("")
}

fn broken_with(settings: &str) -> *mut Handle {
    let text = format!("[HEROKU_INFOS]\napp_name: shop\n[AUTOSCALE_SETTINGS]\n{settings}");
    let (mut config, mut handle) = (null_mut(), null_mut());
    // SAFETY: places for pointers, and what these calls gave.
    unsafe {
        assert_eq!(autoscale_config_from_ini(text.as_ptr().cast(), text.len(), &raw mut config), AUTOSCALE_OK);
        assert_eq!(autoscale_new(config, &raw mut handle), AUTOSCALE_OK);
        autoscale_config_free(config);
        assert_eq!(autoscale_set_scale_target(handle, Some(read), Some(scale), null_mut()), AUTOSCALE_OK);
        let body = &(*handle).body;
        body.set_metric_source(Some(no_results), null_mut()).unwrap();
        body.life().own.panics = true;
    }
    handle
}

fn last_error() -> String {
    let mut text = vec![0_u8; 512];
    // SAFETY: as large as is said.
    let len = unsafe { autoscale_last_error(text.as_mut_ptr().cast(), text.len()) };
    String::from_utf8(text[..len.min(511)].to_vec()).unwrap()
}

#[test]
fn a_panic_in_a_check_is_a_status_and_the_handle_can_only_be_freed() {
    let handle = broken();
    // SAFETY: a handle of ours; NULL is refused.
    unsafe {
        let mut decision: crate::decision::Decision = std::mem::zeroed();
        decision.struct_size = size_of_val(&decision);
        assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_PANIC);
        assert!(
            last_error().contains("a source that panics (at autoscale-ffi/src/body/panicking.rs:"),
            "{}",
            last_error()
        );
        assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_PANIC);
        assert_eq!(last_error(), "this handle met a defect before: free it");
        assert_eq!(autoscale_start(handle, None, null_mut()), AUTOSCALE_PANIC);
        assert_eq!(autoscale_stop(handle), AUTOSCALE_PANIC);
        assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
        assert_eq!(
            autoscale_check_once(null::<Handle>(), &raw mut decision),
            crate::status::AUTOSCALE_INVALID_ARGUMENT
        );
    }
}

/// What an event function was told: kind, failures in a row, JSON.
type Heard = Mutex<Vec<(i32, u32, String)>>;

unsafe extern "C-unwind" fn hear(user: *mut c_void, event: *const crate::callback::Event) {
    // SAFETY: the test's own list, and the library's event with its texts.
    unsafe {
        let (heard, event) = (&*user.cast::<Heard>(), &*event);
        let json = CStr::from_ptr(event.json).to_str().unwrap().to_owned();
        heard.lock().unwrap().push((event.kind, event.failed_in_a_row, json));
    }
}

#[test]
fn a_panic_on_the_thread_is_an_event_and_the_handle_stays_of_use() {
    let (handle, heard) = (broken(), Heard::default());
    let crashes = || heard.lock().unwrap().iter().filter(|(kind, ..)| *kind == AUTOSCALE_EVENT_CRASHED).count();
    let wait_for = |wanted| {
        let start = Instant::now();
        while crashes() < wanted {
            assert!(start.elapsed() < Duration::from_secs(120), "the panic is never told");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    // SAFETY: a handle of ours, and a list that lives until the stop.
    unsafe {
        let user = std::ptr::from_ref(&heard).cast_mut().cast();
        assert_eq!(autoscale_start(handle, Some(hear), user), AUTOSCALE_OK);
        wait_for(1);
        // Asked for, a check comes at once, though the loop waits.
        assert_eq!(autoscale_check_now(handle), AUTOSCALE_OK);
        wait_for(2);
        assert_eq!(autoscale_pause(handle), AUTOSCALE_OK);
        assert_eq!(autoscale_stop(handle), AUTOSCALE_OK);
        let heard = heard.lock().unwrap();
        let kinds: Vec<_> = heard.iter().map(|(kind, n, _)| (*kind, *n)).collect();
        let expected = [(AUTOSCALE_EVENT_STARTED, 0), (AUTOSCALE_EVENT_CRASHED, 1), (AUTOSCALE_EVENT_CRASHED, 2)];
        assert_eq!(kinds[..3], expected);
        assert_eq!(kinds.last(), Some(&(AUTOSCALE_EVENT_STOPPED, 0)));
        let json = &heard[1].2;
        assert!(json.contains("\"error\":\"a source that panics (at autoscale-ffi/src/body/panicking.rs:"), "{json}");
        assert!(json.ends_with(",\"in_a_row\":1,\"restart_in_s\":5.0}"), "{json}");
        drop(heard);
        // What is stopped can be started again, and is whole where the defect is gone.
        (*handle).body.life().own.panics = false;
        let mut decision: crate::decision::Decision = std::mem::zeroed();
        decision.struct_size = size_of_val(&decision);
        assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
        assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
    }
}

#[cfg(feature = "http")]
#[test]
fn a_history_that_somebody_else_locks_holds_up_neither_checks_nor_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let lock = std::fs::File::create_new(&path).unwrap();
    lock.lock().unwrap();
    let handle = broken_with(&format!("history_file: {}\n", path.display()));
    let told = || -> Vec<String> {
        let text = std::fs::read_to_string(&path).unwrap();
        let events = text.lines().map(|line| serde_json::from_str::<Event>(line).unwrap());
        // That the history is locked is told as well, some time.
        events.filter(|event| !matches!(event.kind, Kind::Warning(_))).map(|event| event.to_string()).collect()
    };
    // SAFETY: a handle of ours.
    unsafe {
        (*handle).body.life().own.panics = false;
        let mut decision: crate::decision::Decision = std::mem::zeroed();
        decision.struct_size = size_of_val(&decision);
        assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
        let check = "shop web: 2 dynos: no results: waiting for some";
        assert_eq!(told(), [check]);
        assert_eq!(autoscale_start(handle, None, null_mut()), AUTOSCALE_OK);
        let start = Instant::now();
        while told().len() < 3 {
            assert!(start.elapsed() < Duration::from_secs(30), "no check: {:?}", told());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
        assert_eq!(told(), [check, "shop web: started", check, "shop web: stopped"]);
    }
}

#[test]
fn a_metric_that_gives_nothing_is_no_failure() {
    let handle = broken();
    // SAFETY: a handle of ours.
    unsafe {
        (*handle).body.life().own.panics = false;
        let mut decision: crate::decision::Decision = std::mem::zeroed();
        decision.struct_size = size_of_val(&decision);
        assert_eq!(autoscale_check_once(handle, &raw mut decision), AUTOSCALE_OK);
        assert_eq!((decision.reason, decision.target), (crate::reason::AUTOSCALE_REASON_NO_DATA, 2));
        assert_eq!(autoscale_free(handle), AUTOSCALE_OK);
    }
}
