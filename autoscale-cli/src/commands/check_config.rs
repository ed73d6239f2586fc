//! `autoscale check-config`.

use crate::exit::Exit;

/// Says every problem and warning of a configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Exit {
    Exit::Failed
}
