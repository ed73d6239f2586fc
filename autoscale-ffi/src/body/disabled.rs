//! A handle in a library without the loop: there is none.

use std::ffi::c_void;

use autoscale_core::workspace::config::Config;
use autoscale_core::workspace::decision::Decision;

use crate::body::Told;
use crate::callback::{EventFn, LogFn, MetricFn, ReadFn, ScaleFn};
use crate::status::{AUTOSCALE_UNSUPPORTED, Error};

/// There is none.
#[derive(Debug)]
pub(crate) enum Body {}

impl Body {
    pub(crate) fn new(_: &Config) -> Result<Self, Error> {
        Err(Error::new(
            AUTOSCALE_UNSUPPORTED,
            "this library is built without the loop: decide by autoscale_policy_decide",
        ))
    }

    pub(crate) fn usable(&self) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn poison(&self) {
        match *self {}
    }

    pub(crate) fn set_metric_source(&self, _: MetricFn, _: *mut c_void) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn set_scale_target(&self, _: ReadFn, _: ScaleFn, _: *mut c_void) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn set_log(&self, _: LogFn, _: *mut c_void, _: i32) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn set_dry_run(&self, _: bool) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn check_once(&self) -> Result<Decision, Error> {
        match *self {}
    }

    pub(crate) fn start(&self, _: EventFn, _: *mut c_void) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn tell(&self, _: Told) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn request_stop(&self) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn stop(&self) -> Result<(), Error> {
        match *self {}
    }
}
