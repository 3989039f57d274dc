//! What `benchmark-worker` does: it executes workflows until it is told to stop.

use std::{path::Path, process::ExitCode, sync::Arc};

use benchmark_machine::host;
use benchmark_scenarios::Problem;
use benchmark_worker::process::{self, ProcessEnd};

use crate::{
    console::{complain, end_at_once},
    given::OwnSurroundings,
    logging,
    worker_args::{self, Converted, WorkerCli},
};

/// Executes workflows, or writes what was asked for about the program.
///
/// # Errors
/// When it cannot begin, or did not end in order.
pub fn work(cli: &WorkerCli) -> Result<ExitCode, Problem> {
    match &cli.command {
        Some(manual) => manual.write(worker_args::command()),
        None => {
            logging::init(cli.log, "benchmark_worker", std::io::stderr);
            prepare(cli).and_then(run)
        }
    }
}

/// Flags, environment and Temporal's client configuration come to what is to be done.
fn prepare(cli: &WorkerCli) -> Result<Converted, Problem> {
    let own = OwnSurroundings::read()?;
    let hostname = host::facts(Path::new("/")).hostname.value;
    let mut converted = cli.convert(
        &own.of_command_line(),
        benchmark_workflows::TASK_QUEUE,
        hostname.as_deref().unwrap_or("unknown-host"),
    )?;
    converted.notes.extend(own.notes);
    Ok(converted)
}

fn run(Converted { request, notes }: Converted) -> Result<ExitCode, Problem> {
    complain(&format!(
        "benchmark-worker {} as {}",
        env!("CARGO_PKG_VERSION"),
        request.name
    ));
    for note in notes {
        complain(&format!("note: {note}"));
    }
    // Workers have threads of their own; the rest is little.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Problem::from).and_then(|runtime| {
        let ended = runtime.block_on(async {
            let (stopper, stop) = process::channel();
            stopper.listen(|_| {}, end_at_once)?;
            process::run(request, stop, Arc::new(complain)).await
        });
        // A look-up of a name that nobody answers does not end.
        runtime.shutdown_background();
        ended
    });
    match ended? {
        ProcessEnd::Signal(_) | ProcessEnd::RunOver => Ok(ExitCode::SUCCESS),
    }
}
