//! The clock and the loop for one or many apps.
