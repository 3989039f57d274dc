//! `run-benchmark`: asks a Temporal cluster what it carries.

use std::{env, io::Write, process::ExitCode};

use benchmark_cli::{
    USAGE,
    args::{self, Command},
    commands::{self, calibrate, join, plan, run, series},
    console::{complain, printed, show, style},
    prepared::noise_folder,
};
use benchmark_scenarios::Problem;

/// The SDK and the start path allocate a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Each connection of a fleet and of the load is one.
    benchmark_machine::host::raise_descriptors();
    let done = match args::parse(env::args_os()) {
        Ok(cli) => carry_out(&cli),
        Err(error) => printed(error.print().and_then(|()| std::io::stdout().flush()))
            .map(|()| ExitCode::from(if error.use_stderr() { USAGE } else { 0 })),
    };
    done.unwrap_or_else(|problem| {
        complain(&problem.report());
        ExitCode::from(USAGE)
    })
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
        Some(Command::Manual(manual)) => manual.write(args::command()).map(|()| ExitCode::SUCCESS),
        Some(Command::NullFrontend(options)) => calibrate::serve_nothing(options),
    }
}
