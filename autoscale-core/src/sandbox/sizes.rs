//! The sizes of dynos that the sandbox knows.

/// A size of dynos.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) name: &'static str,
    /// GB
    pub(super) memory: f64,
    pub(super) compute: u32,
    /// US cents a month
    pub(super) cents: u32,
    pub(super) dedicated: bool,
    pub(super) units: f64,
    /// Dynos of a process type (Dev Center, "dyno scaling and process limits").
    pub(super) most: u32,
}

const fn size(
    name: &'static str,
    memory: f64,
    compute: u32,
    cents: u32,
    dedicated: bool,
    units: f64,
    most: u32,
) -> Size {
    Size { name, memory, compute, cents, dedicated, units, most }
}

/// The sizes there are.
pub(super) const SIZES: [Size; 6] = [
    size("Eco", 0.5, 1, 500, false, 1.0, 1),
    size("Basic", 0.5, 1, 700, false, 1.0, 1),
    size("Standard-1X", 0.5, 1, 2500, false, 1.0, 100),
    size("Standard-2X", 1.0, 2, 5000, false, 2.0, 100),
    size("Performance-M", 2.5, 11, 25_000, true, 11.0, 10),
    size("Performance-L", 14.0, 46, 50_000, true, 46.0, 10),
];
