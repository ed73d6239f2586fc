//! What is scaled: one folder a platform. Decides nothing.

pub(crate) mod heroku;
