//! `run-benchmark`: asks a Temporal cluster what it carries.

mod cli;

use std::{
    env,
    io::{IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
};

use benchmark_generator::{
    args::{self, Command, OutputOptions, RunArgs, Surroundings},
    calibrate::{self, CalibrateError, Console, null_frontend},
    files,
    fleet::{
        follow::Followed,
        join::{self, JoinRequest},
    },
    run::{
        server_figures, stage,
        story::{self, Finished, RunError, RunRequest},
    },
    stop::{self, StopReason},
    view::{live, page::Farewell, plan},
};
use benchmark_results::{
    file,
    summary::{self, Style},
    thresholds::Signal,
};
use benchmark_scenarios::{Problem, variables};
use benchmark_worker::command_line::Manual;

use cli::{
    INVALID,
    console::{
        complain, complain_styled, end_at_once, heard, is_color_welcome, log_to_stderr, print, printed, problem, show,
        style,
    },
    prepared::{Prepared, block_on, calibration, noise_folder, open_page, prepare},
    series,
};

/// The SDK and the start path allocate a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a command line or an environment that cannot be used.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Each connection of a fleet and of the load is one.
    benchmark_generator::machine::host::raise_descriptors();
    let cli = match args::parse(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let done = match &cli.command {
        None => run(&cli.run),
        Some(Command::Plan(options)) => print_plan(options),
        Some(Command::Calibrate(options)) => calibrate(options),
        Some(Command::Join(options)) => join(options),
        Some(Command::Compare(options)) => files::compare(options, &noise_folder(), style()).and_then(show),
        Some(Command::Ab(options)) => series::ab(options),
        Some(Command::Noise(options)) => series::noise(options),
        Some(Command::Report(options)) => files::report(options).and_then(show),
        Some(Command::History(options)) => files::history(options, style()).and_then(show),
        Some(Command::Show(options)) => files::show(options, style()).and_then(show),
        Some(Command::Diagnose(options)) => diagnose(options),
        Some(Command::Export(options)) => files::export(options).and_then(show),
        Some(Command::Manual(manual)) => write_manual(*manual),
        Some(Command::NullFrontend(options)) => serve_nothing(options),
    };
    done.unwrap_or_else(|problem| {
        complain(&problem.report());
        ExitCode::from(USAGE)
    })
}

/// Prints help, version or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    let said = error.print().and_then(|()| std::io::stdout().flush());
    if let Err(problem) = printed(said) {
        complain(&problem.report());
        return ExitCode::from(USAGE);
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn run(options: &RunArgs) -> Result<ExitCode, Problem> {
    let Prepared {
        resolved,
        output,
        secrets,
        profile,
    } = prepare(options)?;
    log_to_stderr(output.log);
    let color = is_color_welcome();
    block_on(async {
        let page = open_page(&resolved).await?;
        let (stopper, stop) = stop::channel();
        let farewell = Farewell::new(page.clone(), &resolved, stop.clone());
        let stop_timeout = resolved.plan.load.stop_timeout;
        let request = RunRequest {
            resolved,
            output: output.output.clone(),
            quiet: output.quiet,
            color: color && std::io::stderr().is_terminal(),
            standing: None,
            fleet_token: secrets.fleet_token,
            api_key: secrets.api_key,
            profile,
            command: args::redacted_command(env::args_os()),
            calibration: calibration(),
            page,
        };
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
            if let Some(server) = stage::left_behind() {
                complain(&server);
            }
            end_at_once(signal);
        };
        stopper
            .listen(heard(quiet, Some(stop_timeout)), again)
            .map_err(|error| problem(error.into()))?;
        match story::run(request, stop).await {
            Ok(finished) => {
                let code = report(&finished, &output, color);
                farewell.wait(complain).await;
                code
            }
            Err(RunError::Interrupted(StopReason::Signal(signal))) => {
                complain("interrupted before the load began; nothing was written");
                Ok(ExitCode::from(signal.exit_code()))
            }
            Err(RunError::Environment(error)) => Err(problem(error)),
            Err(error) => Err(problem(error.into())),
        }
    })?
}

/// Prints what a run came to, and gives its exit code.
fn report(finished: &Finished, output: &OutputOptions, color: bool) -> Result<ExitCode, Problem> {
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
            .map_err(|error| Problem::new(format!("the results cannot be printed: {error}")))
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

fn print_plan(options: &RunArgs) -> Result<ExitCode, Problem> {
    let Prepared { resolved, output, .. } = prepare(options)?;
    let text = if output.json {
        plan::json(&resolved).map_err(|error| Problem::new(format!("the plan cannot be written: {error}")))? + "\n"
    } else {
        plan::text(&resolved)
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Completions or the manual page.
fn write_manual(manual: Manual) -> Result<ExitCode, Problem> {
    printed(manual.write(args::command(), &mut std::io::stdout().lock()))?;
    Ok(ExitCode::SUCCESS)
}

/// Tells what kept a stored run from being faster.
fn diagnose(options: &args::DiagnoseArgs) -> Result<ExitCode, Problem> {
    let prometheus = files::prometheus(options)?;
    let mut results = files::stored(options)?;
    if let Some(source) = prometheus {
        let asking = server_figures::of_stored(&source, &results);
        results.server_figures = block_on(asking)?.map_err(problem)?;
    }
    files::diagnosed(&results, style()).and_then(show)
}

/// Finds out what this host can send, and keeps it for later runs.
fn calibrate(options: &args::CalibrateArgs) -> Result<ExitCode, Problem> {
    let file = calibration();
    let (mut out, mut err, mut progress) = (anstream::stdout(), anstream::stderr(), anstream::stderr());
    let rows: &mut dyn Write = if options.json { &mut err } else { &mut out };
    let progress = std::io::stderr()
        .is_terminal()
        .then_some(&mut progress as &mut dyn Write);
    let mut console = Console::new(rows, progress);
    let calibrated = block_on(async {
        let (stopper, stop) = stop::channel();
        stopper.listen(|_| {}, end_at_once).map_err(anyhow::Error::from)?;
        calibrate::run(options, file.as_deref(), stop, &mut console).await
    })?;
    console.clear();
    let calibration = match calibrated {
        Ok(calibration) => calibration,
        Err(CalibrateError::Interrupted(StopReason::Signal(signal))) => {
            complain("interrupted; nothing was stored");
            return Ok(ExitCode::from(signal.exit_code()));
        }
        Err(error) => return Err(problem(error.into())),
    };
    let given = !options.rate.is_empty();
    console.conclude(&calibration, given);
    let rows = console.written();
    if options.json {
        let json = calibration
            .to_json()
            .map_err(|error| Problem::new(format!("the calibration cannot be printed: {error}")))?;
        print(&json)?;
    } else {
        printed(rows)?;
    }
    Ok(ExitCode::from(if given || calibration.ceiling.is_some() {
        0
    } else {
        INVALID
    }))
}

/// Sends a part of the starts of a run that another process leads.
fn join(options: &args::JoinArgs) -> Result<ExitCode, Problem> {
    let notes = variables::check(env::vars_os())?;
    let profile =
        benchmark_temporal::environment::from_environment().map_err(|error| Problem::new(error.to_string()))?;
    let options = options.convert(&Surroundings {
        variable: &|name| env::var(name).ok(),
        profile: profile
            .as_ref()
            .map(|profile| (profile, benchmark_temporal::environment::source())),
    })?;
    log_to_stderr(options.log);
    notes
        .iter()
        .chain(&options.notes)
        .for_each(|note| complain(&format!("note: {note}")));
    let followed = block_on(async {
        let (stopper, stop) = stop::channel();
        stopper
            .listen(heard(false, None), end_at_once)
            .map_err(anyhow::Error::from)?;
        let request = JoinRequest {
            join: options.join,
            token: options.secrets.fleet_token,
            api_key: options.secrets.api_key,
            profile,
            say: Arc::new(|line: String| complain(&line)),
        };
        join::run(request, stop).await
    })?;
    match followed {
        Ok(Followed::ToTheEnd) => Ok(ExitCode::SUCCESS),
        Ok(Followed::Stopped(StopReason::Signal(signal))) => Ok(ExitCode::from(signal.exit_code())),
        Ok(Followed::Stopped(StopReason::Cause(cause))) => Err(Problem::new(cause)),
        Err(error) => Err(problem(error)),
    }
}

/// A frontend that does nothing, as a process of its own: what `calibrate` measures this host against.
fn serve_nothing(options: &args::NullFrontendArgs) -> Result<ExitCode, Problem> {
    let options = null_frontend::Options {
        listen: options.listen,
        ..null_frontend::Options::default()
    };
    null_frontend::run(options, &mut std::io::stdout())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Problem::new(error.to_string()))
}
