//! Somebody else's static library made with Rust: one program must hold both.

/// Allocates, and panics and catches it, so that it brings the standard library along.
#[unsafe(no_mangle)]
pub extern "C" fn other_sum(n: u32) -> u32 {
    std::panic::catch_unwind(|| (0..n).collect::<Vec<u32>>().iter().sum()).unwrap_or(0)
}
