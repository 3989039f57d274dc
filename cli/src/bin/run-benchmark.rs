//! `run-benchmark`: asks a Temporal cluster what it carries.

use std::{env, process::ExitCode};

use benchmark_cli::{
    args::{self, Command},
    commands::{self, calibrate, join, plan, run, series},
    console::{complain, show, style},
    prepared::noise_folder,
};
use benchmark_scenarios::Problem;

/// The SDK and the start path allocate a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Each connection of a fleet and of the load is one.
    benchmark_machine::host::raise_descriptors();
    benchmark_command_line::run(args::parse(env::args_os()), |cli| carry_out(&cli), complain)
}

fn carry_out(cli: &args::Cli) -> Result<ExitCode, Problem> {
    match &cli.command {
        None => run::run(&cli.run),
        Some(Command::Plan(options)) => plan::print_plan(options),
        Some(Command::Calibrate(options)) => calibrate::calibrate(options),
        Some(Command::Join(options)) => join::join(options),
        Some(Command::Compare(options)) => commands::compare(options, &noise_folder(), style()).and_then(show),
        Some(Command::Ab(options)) => series::ab(options),
        Some(Command::Noise(options)) => series::noise(options),
        Some(Command::Report(options)) => commands::report(options).and_then(show),
        Some(Command::History(options)) => commands::history(options, style()).and_then(show),
        Some(Command::Show(options)) => commands::show(options, style()).and_then(show),
        Some(Command::Diagnose(options)) => commands::diagnose(options),
        Some(Command::Export(options)) => commands::export(options).and_then(show),
        Some(Command::Manual(manual)) => manual.write(args::command()),
        Some(Command::NullFrontend(options)) => calibrate::serve_nothing(options),
    }
}
