pub(crate) mod decide_line;
pub(crate) mod recording;
pub(crate) mod replay;
pub(crate) mod report;
