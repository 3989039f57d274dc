//! `benchmark-cluster`: from an empty account to a result.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use benchmark_cluster::{
    args::{Cli, Command},
    attend, database, doctor, down, follow, probe, recover, results, run,
    session::Session,
    setup, status, stop, temporal, tunnel, up, workers,
};
use benchmark_results::text;
use benchmark_scenarios::Problem;
use clap::{CommandFactory, Parser};

/// Exit code of what was not done.
const NOT_DONE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(Box::pin(command(cli))),
        Err(error) => Err(Problem::new(format!("no runtime: {error}"))),
    };
    done.unwrap_or_else(|problem| {
        let _ = writeln!(anstream::stderr(), "{}", text::lines(&problem.report()));
        ExitCode::from(NOT_DONE)
    })
}

/// Does what was asked. Each command is boxed: together they would be one large future.
async fn command(cli: Cli) -> Result<ExitCode, Problem> {
    let Cli { command, common } = cli;
    // What commands on an environment begin with; the others need no facts.
    let open = async || Box::pin(Session::open(&common)).await;
    match command {
        Command::Completions { shell } => {
            // What it is written to must be endless, or the library panics.
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "benchmark-cluster", &mut text);
            printed(io::stdout().write_all(&text))
        }
        Command::Man => printed(clap_mangen::Man::new(Cli::command()).render(&mut io::stdout())),
        Command::Probe { url } => Box::pin(probe::probe(&url)).await,
        Command::Temporal => Box::pin(temporal::start()).await,
        Command::Attend(args) => Box::pin(attend::attend(&args)).await,
        Command::Database(command) => Box::pin(database::run(&command)).await,
        // It opens its own session, step by step.
        Command::Doctor(args) => Box::pin(doctor::doctor(&common, &args)).await,
        Command::Setup(args) => Box::pin(setup::setup(&open().await?, &args)).await,
        Command::Up(args) => Box::pin(up::up(&open().await?, &args)).await,
        Command::Down(args) => Box::pin(down::down(&open().await?, &args)).await,
        Command::Status(args) => Box::pin(status::status(&open().await?, &args)).await,
        Command::Workers(args) => Box::pin(workers::workers(&open().await?, &args)).await,
        Command::Run(args) => Box::pin(run::run(&open().await?, &args)).await,
        Command::Follow(args) => Box::pin(follow::follow(&open().await?, &args)).await,
        Command::Stop(args) => Box::pin(stop::stop(&open().await?, &args)).await,
        Command::Results(command) => Box::pin(results::results(&open().await?, &command)).await,
        Command::Recover(args) => Box::pin(recover::recover(&open().await?, &args)).await,
        Command::Connect(args) => Box::pin(tunnel::connect(&open().await?, &args)).await,
        Command::Exec(args) => Box::pin(tunnel::exec(&open().await?, &args)).await,
    }
}

/// Whether all was written. A reader that has seen enough is no error.
fn printed(written: io::Result<()>) -> Result<ExitCode, Problem> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::new(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
