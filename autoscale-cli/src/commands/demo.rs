//! `autoscale demo`.

use crate::exit::Exit;

/// Shows it at work: a sandbox and the loop in one process, sped up.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: &Args) -> Exit {
    Exit::Failed
}
