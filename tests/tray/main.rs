//! `autoscale-tray` as a desktop sees it: on a bus of its own, with a panel and a notification service of the tests'
//! own; what reaches the app is judged by the sandbox, which runs in the test's process.
#![cfg(target_os = "linux")]

mod bus;
mod desktop;
mod faults;
mod first_start;
mod menu;
mod notifications;
mod tray;
