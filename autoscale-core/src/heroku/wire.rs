//! Heroku's request paths and JSON bodies, to and from values. No IO.
