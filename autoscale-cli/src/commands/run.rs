//! `autoscale run`.

use crate::exit::Exit;

/// Runs the loop: the daemon.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Exit {
    Exit::Failed
}
