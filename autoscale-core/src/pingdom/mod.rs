//! Pingdom: results of an outside check. The client is on floor 3, its wire format on floor 1.

pub mod wire;
