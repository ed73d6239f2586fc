//! Where things stand in a picture, in pixels.

/// Width of a picture, pixels.
pub const WIDTH: u32 = 960;
/// Height of a picture, pixels; a list of changes below it comes on top.
pub const HEIGHT: u32 = 540;

/// Space left of the plots, for the labels of their axes.
pub(super) const LEFT: f64 = 78.0;
/// Where the plots end; to the right of it lines are named.
pub(super) const RIGHT: f64 = 800.0;
/// Outer margin.
pub(super) const MARGIN: f64 = 20.0;
