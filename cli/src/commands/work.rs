//! What `benchmark-worker` does: it executes workflows until it is told to stop.

use std::{io::Write, path::Path, process::ExitCode, sync::Arc};

use benchmark_machine::host;
use benchmark_results::{text, thresholds::Signal};
use benchmark_scenarios::Problem;
use benchmark_worker::process::{self, ProcessEnd};

use crate::{
    USAGE,
    given::OwnSurroundings,
    logging,
    worker_args::{self, Converted, WorkerCli},
};

/// Executes workflows, or writes what was asked for about the program.
pub fn work(cli: &WorkerCli) -> ExitCode {
    let done = match &cli.command {
        Some(manual) => manual.write(worker_args::command()).map(|()| ExitCode::SUCCESS),
        None => {
            logging::init(cli.log, std::io::stderr);
            prepare(cli).map(run)
        }
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            say(&problem.report());
            ExitCode::from(USAGE)
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

fn run(Converted { request, notes }: Converted) -> ExitCode {
    say(&format!(
        "benchmark-worker {} as {}",
        env!("CARGO_PKG_VERSION"),
        request.name
    ));
    for note in notes {
        say(&format!("note: {note}"));
    }
    // Workers have threads of their own; the rest is little.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Problem::from).and_then(|runtime| {
        let ended = runtime.block_on(async {
            let (stopper, stop) = process::channel();
            stopper.listen(
                |_| {},
                |signal: Signal| std::process::exit(i32::from(signal.exit_code())),
            )?;
            process::run(request, stop, Arc::new(say)).await
        });
        // A look-up of a name that nobody answers does not end.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(ProcessEnd::Signal(_) | ProcessEnd::RunOver) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&problem.report());
            ExitCode::from(USAGE)
        }
    }
}

fn say(line: &str) {
    // A reader that is gone is no reason to stop working.
    let line = text::lines(line);
    let _ = writeln!(anstream::stderr(), "{}", logging::said("benchmark_worker", &line));
}
