//! `autoscale`: the command line and daemon. Parses arguments, sets up logs, and hands over to [`commands`]; decides
//! nothing, parses no response, knows no configuration key.

mod commands;
mod configs;
mod exit;
mod limits;
mod logging;
mod memory;
mod output;
mod progress;
mod samples;
mod service;
mod show;
mod signals;
mod spans;

use autoscale_core::workspace::defect;
use clap::{Parser, Subcommand};

use exit::Exit;
use output::complain;

/// Scales a Heroku app on what its visitors feel.
#[derive(Debug, Parser)]
#[command(name = "autoscale", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(commands::operate::Check),
    CheckConfig(commands::check_config::Args),
    Decide(commands::decide::Args),
    Demo(commands::demo::Args),
    #[cfg(feature = "postgres")]
    Fleet(commands::fleet::Args),
    Floor(commands::operate::Floor),
    Graph(commands::graph::Args),
    Init(commands::init::Args),
    Pause(commands::operate::Pause),
    Pin(commands::operate::Pin),
    Replay(commands::replay::Args),
    Report(commands::report::Args),
    Resume(commands::operate::Resume),
    Run(commands::run::Args),
    Sandbox(commands::sandbox::Args),
    Simulate(commands::simulate::Args),
    Status(commands::status::Args),
}

fn main() -> std::process::ExitCode {
    signals::hold_reloads();
    limits::outlive_the_largest_file();
    defect::note_places();
    limits::say_once_where_no_thread_starts();
    let command = Cli::parse().command;
    if !matches!(&command, Command::Run(args) if args.listens()) {
        signals::release_reloads();
    }
    let exit = defect::caught(|| carry_out(command)).unwrap_or_else(|panic| complain(&in_words(&panic), Exit::Failed));
    exit.into()
}

fn carry_out(command: Command) -> Exit {
    match command {
        Command::Check(args) => commands::operate::check(&args),
        Command::CheckConfig(args) => commands::check_config::run(&args),
        Command::Decide(args) => commands::decide::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        #[cfg(feature = "postgres")]
        Command::Fleet(args) => commands::fleet::run(&args),
        Command::Floor(args) => commands::operate::floor(&args),
        Command::Graph(args) => commands::graph::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::Pause(args) => commands::operate::pause(&args),
        Command::Pin(args) => commands::operate::pin(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Report(args) => commands::report::run(&args),
        Command::Resume(args) => commands::operate::resume(&args),
        Command::Run(args) => commands::run::run(&args),
        Command::Sandbox(args) => commands::sandbox::run(&args),
        Command::Simulate(args) => commands::simulate::run(&args),
        Command::Status(args) => commands::status::run(&args),
    }
}

/// Why the program ends in the middle of it all.
fn in_words(panic: &str) -> String {
    if limits::tells_of_no_thread(panic) {
        return format!("no more threads to be had: allow it more (ulimit -u, TasksMax= of a systemd unit): {panic}");
    }
    format!("a defect of autoscale, please report it: {panic}")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_can_be_built_from_its_arguments() {
        super::Cli::command().debug_assert();
    }
}
