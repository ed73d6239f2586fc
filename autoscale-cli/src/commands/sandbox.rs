//! `autoscale sandbox`.

use crate::exit::Exit;

/// Serves both APIs on loopback over a simulated app.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Exit {
    Exit::Failed
}
