//! The system's allocator, but for its end: where there is no memory left, the program says so and exits instead of being
//! aborted. What it was about is in its state, as after a kill.

use std::alloc::{GlobalAlloc, Layout, System};

use crate::exit::Exit;

const NO_MEMORY: &[u8] =
    b"autoscale: no memory left: allow it more (ulimit -v, MemoryMax= of a systemd unit, the dyno's or container's size)\n";

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn found(place: *mut u8) -> *mut u8 {
    if place.is_null() { give_up() } else { place }
}

#[cold]
#[cfg(unix)]
fn give_up() -> ! {
    // Not by the standard library's stream: it may be held, and may want memory.
    let _ = nix::unistd::write(std::io::stderr(), NO_MEMORY);
    // SAFETY: ends the process; nothing of it runs any more.
    unsafe { nix::libc::_exit(Exit::Failed as i32) }
}

#[cold]
#[cfg(not(unix))]
fn give_up() -> ! {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(NO_MEMORY);
    std::process::exit(Exit::Failed as i32)
}

// SAFETY: each call is handed on as it came; the result is the system's.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        found(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        found(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        found(unsafe { System.realloc(place, layout, size) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }
}
