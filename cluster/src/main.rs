//! `benchmark-cluster`: from an empty account to a result.

use std::{io::Write, process::ExitCode};

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
    // What needs no facts.
    match command {
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "benchmark-cluster", &mut std::io::stdout());
            return Ok(ExitCode::SUCCESS);
        }
        Command::Man => {
            let page = clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout());
            page.map_err(|error| Problem::new(format!("stdout cannot be written: {error}")))?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Probe { url } => return Box::pin(probe::probe(&url)).await,
        Command::Temporal => return Box::pin(temporal::start()).await,
        Command::Attend(args) => return Box::pin(attend::attend(&args)).await,
        Command::Database(command) => return Box::pin(database::run(&command)).await,
        // It opens its own session, step by step.
        Command::Doctor(args) => return Box::pin(doctor::doctor(&common, &args)).await,
        _ => {}
    }
    let session = Box::pin(Session::open(&common)).await?;
    match command {
        Command::Setup(args) => Box::pin(setup::setup(&session, &args)).await,
        Command::Up(args) => Box::pin(up::up(&session, &args)).await,
        Command::Down(args) => Box::pin(down::down(&session, &args)).await,
        Command::Status(args) => Box::pin(status::status(&session, &args)).await,
        Command::Workers(args) => Box::pin(workers::workers(&session, &args)).await,
        Command::Run(args) => Box::pin(run::run(&session, &args)).await,
        Command::Follow(args) => Box::pin(follow::follow(&session, &args)).await,
        Command::Stop(args) => Box::pin(stop::stop(&session, &args)).await,
        Command::Results(command) => Box::pin(results::results(&session, &command)).await,
        Command::Recover(args) => Box::pin(recover::recover(&session, &args)).await,
        Command::Connect(args) => Box::pin(tunnel::connect(&session, &args)).await,
        Command::Exec(args) => Box::pin(tunnel::exec(&session, &args)).await,
        Command::Completions { .. }
        | Command::Man
        | Command::Doctor(_)
        | Command::Probe { .. }
        | Command::Temporal
        | Command::Attend(_)
        | Command::Database(_) => unreachable!("done above"),
    }
}
