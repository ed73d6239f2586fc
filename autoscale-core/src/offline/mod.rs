//! Decisions without a loop: on recordings, and on lines of JSON. No file, no clock: text in, values out.

pub(crate) mod decide_line;
pub(crate) mod recording;
pub(crate) mod replay;
pub(crate) mod report;
