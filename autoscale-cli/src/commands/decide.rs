//! `autoscale decide`.

use crate::exit::Exit;

/// Decides on observations, one JSON object a line in, one out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Exit {
    Exit::Failed
}
