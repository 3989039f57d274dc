//! `benchmark-cluster`: from an empty account to a result.

use std::{env, process::ExitCode};

use benchmark_cluster::{
    args::{self, Cli, Command},
    attend, database, doctor, down, follow, probe, recover, results, run,
    session::Session,
    setup, status, stop, temporal, tunnel, up, workers,
};
use benchmark_command_line::complain;
use benchmark_scenarios::Problem;

fn main() -> ExitCode {
    benchmark_command_line::run(args::parse(env::args_os()), carry_out, complain)
}

fn carry_out(cli: Cli) -> Result<ExitCode, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::new(format!("no runtime: {error}")))?;
    runtime.block_on(Box::pin(command(cli)))
}

/// Does what was asked. Each command is boxed: together they would be one large future.
async fn command(cli: Cli) -> Result<ExitCode, Problem> {
    let Cli { command, common } = cli;
    // What commands on an environment begin with; the others need no facts.
    let open = async || Box::pin(Session::open(&common)).await;
    match command {
        Command::Manual(manual) => manual.write(args::command()),
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
