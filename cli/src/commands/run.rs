//! A run, which is what the program does without a command.

use std::{io::IsTerminal, process::ExitCode};

use benchmark_command_line::{USAGE, print};
use benchmark_generator::{
    run::{
        lifecycle::{self, Finished, RunError},
        setup,
    },
    stop::{self, StopReason},
    view::page::GracePeriod,
};
use benchmark_results::{
    file,
    summary::{self, Style},
    thresholds::Signal,
};
use benchmark_scenarios::{Context, Problem};

use crate::{
    args::{OutputArgs, RunArgs},
    console::{complain, complain_styled, end_at_once, heard, is_color_welcome, log_to_stderr},
    live,
    prepared::{Prepared, block_on, open_page, prepare},
};

/// Runs what was asked for, and prints what came of it.
///
/// # Errors
/// When it cannot begin, or its result cannot be printed.
pub fn run(options: &RunArgs) -> Result<ExitCode, Problem> {
    let prepared = prepare(options)?;
    let Prepared { resolved, output, .. } = &prepared;
    log_to_stderr(output.log);
    let color = is_color_welcome();
    block_on(async {
        let page = open_page(resolved).await?;
        let (stopper, stop) = stop::channel();
        let grace = GracePeriod::new(page.clone(), resolved, stop.clone());
        let stop_timeout = resolved.plan.load.stop_timeout;
        let watcher = live::on_stderr(output.quiet, color && std::io::stderr().is_terminal());
        let request = prepared.request(resolved.clone(), output.output.clone(), watcher, &page);
        // At the second signal nothing is waited for. An embedded server is tied to this process and ends with it.
        let quiet = output.quiet;
        let again = move |signal: Signal| {
            live::leave();
            if !quiet {
                complain(&format!(
                    "{}: ended at once; the results file, if there is one, is of its last refresh",
                    signal.name()
                ));
            }
            if let Some(server) = setup::left_behind() {
                complain(&server);
            }
            end_at_once(signal);
        };
        stopper.listen(heard(quiet, Some(stop_timeout)), again)?;
        match lifecycle::run(request, stop).await {
            Ok(finished) => {
                let code = report(&finished, output, color);
                grace.wait(complain).await;
                code
            }
            Err(RunError::Interrupted(StopReason::Signal(signal))) => {
                complain("interrupted before the load began; nothing was written");
                Ok(ExitCode::from(signal.exit_code()))
            }
            Err(RunError::Environment(problem)) => Err(problem),
            Err(error) => Err(error.into()),
        }
    })?
}

/// Prints what a run came to, and gives its exit code.
fn report(finished: &Finished, output: &OutputArgs, color: bool) -> Result<ExitCode, Problem> {
    let Finished {
        results,
        path,
        kept,
        unwritten,
    } = finished;
    let on = |terminal: bool| if color && terminal { Style::COLOR } else { Style::PLAIN };
    let text = |style| {
        if output.quiet {
            summary::verdict_line(results, style) + "\n"
        } else {
            summary::render(results, Some(path), style)
        }
    };
    let printed = if output.json {
        let json = file::to_json(results)
            .context("the results cannot be printed")
            .and_then(|json| print(&json));
        complain_styled(text(on(std::io::stderr().is_terminal())).trim_end());
        json
    } else {
        print(&text(on(std::io::stdout().is_terminal())))
    };
    if let Some(kept) = kept {
        complain(kept);
    }
    if let Some(problem) = unwritten {
        complain(&format!("error: {problem}"));
        printed?;
        return Ok(ExitCode::from(USAGE));
    }
    printed.map(|()| ExitCode::from(results.outcome.exit_code))
}
