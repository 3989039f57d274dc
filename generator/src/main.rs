//! `run-benchmark`: asks a Temporal cluster what it carries.

use std::{
    env,
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
};

use benchmark_generator::{
    args::{self, Command, OutputOptions, RunArgs, Secrets, Surroundings},
    calibrate::{self, CalibrateError, Console},
    ceiling,
    files::{self, CompareRequest, Compared, NoiseFolder, Printed},
    fleet::{
        follow::Followed,
        join::{self, JoinRequest},
    },
    live, null_frontend, plan_view,
    series::{self, Series, SeriesRequest, Variant},
    stop::{self, StopReason},
    story::{self, Finished, RunError, RunRequest},
};
use benchmark_results::{
    file,
    summary::{self, Style},
};
use benchmark_scenarios::{HostFacts, Problem, Resolved};
use benchmark_temporal::environment::Profile;

/// The SDK and the start path allocate a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a command line or an environment that cannot be used.
const USAGE: u8 = 2;
/// Exit code of a measurement that cannot be believed.
const INVALID: u8 = 3;

fn main() -> ExitCode {
    let cli = match args::parse(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let done = match &cli.command {
        None => run(&cli.run),
        Some(Command::Plan(options)) => print_plan(options),
        Some(Command::Calibrate(options)) => calibrate(options),
        Some(Command::Join(options)) => join(options),
        Some(Command::Compare(options)) => files::compare(options, &noise_folder(), style()).map(show),
        Some(Command::Ab(options)) => ab(options),
        Some(Command::Noise(options)) => noise(options),
        Some(Command::Report(options)) => files::report(options).map(show),
        Some(Command::History(options)) => files::history(options, style()).map(show),
        Some(Command::Show(options)) => files::show(options, style()).map(show),
        Some(Command::Merge(options)) => files::merge(options).map(show),
        Some(Command::Export(options)) => files::export(options).map(show),
        Some(Command::NullFrontend(options)) => serve_nothing(options),
    };
    done.unwrap_or_else(|problem| {
        complain(&problem.report());
        ExitCode::from(USAGE)
    })
}

/// Prints help, version or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when even this cannot be printed.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn run(options: &RunArgs) -> Result<ExitCode, Problem> {
    let Prepared {
        resolved,
        output,
        secrets,
        profile,
    } = prepare(options)?;
    log_to_stderr(output.verbose);
    let color = is_color_welcome();
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
        calibration: ceiling::file(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref()),
    };
    let outcome = runtime()?.block_on(async {
        let (stopper, stop) = stop::channel();
        // At the second signal nothing is waited for. An embedded server is tied to this process and ends with it.
        stopper
            .listen(|signal| {
                live::leave();
                std::process::exit(i32::from(signal.exit_code()))
            })
            .map_err(|error| RunError::Environment(error.into()))?;
        story::run(request, stop).await
    });
    match outcome {
        Ok(finished) => Ok(report(&finished, &output, color)),
        Err(RunError::Interrupted(StopReason::Signal(signal))) => {
            complain("interrupted before the load began; nothing was written");
            Ok(ExitCode::from(signal.exit_code()))
        }
        Err(error) => Err(Problem::new(told(&anyhow::Error::from(error)))),
    }
}

/// Prints what a run came to, and gives its exit code.
fn report(finished: &Finished, output: &OutputOptions, color: bool) -> ExitCode {
    let Finished { results, path, kept } = finished;
    let on = |terminal: bool| if color && terminal { Style::COLOR } else { Style::PLAIN };
    let text = |style| {
        if output.quiet {
            summary::verdict_line(results, style) + "\n"
        } else {
            summary::render(results, Some(path), style)
        }
    };
    if output.json {
        match file::to_json(results) {
            Ok(json) => print(&json),
            Err(error) => complain(&format!("error: the results cannot be printed: {error}")),
        }
        complain(text(on(std::io::stderr().is_terminal())).trim_end());
    } else {
        print(&text(on(std::io::stdout().is_terminal())));
    }
    if let Some(kept) = kept {
        complain(kept);
    }
    ExitCode::from(results.outcome.exit_code)
}

/// Prints what a command on files came to, and gives its exit code.
fn show(printed: Printed) -> ExitCode {
    print(&printed.text);
    if let Some(note) = &printed.note {
        complain(note);
    }
    ExitCode::from(printed.exit_code)
}

/// How stdout may look.
fn style() -> Style {
    if is_color_welcome() && std::io::stdout().is_terminal() {
        Style::COLOR
    } else {
        Style::PLAIN
    }
}

fn is_color_welcome() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Where noise profiles are kept.
fn noise_folder() -> NoiseFolder {
    let ceiling = ceiling::file(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref());
    NoiseFolder(ceiling.and_then(|file| Some(file.parent()?.join("noise"))))
}

/// Runs two variants in turn and compares them.
fn ab(options: &args::AbArgs) -> Result<ExitCode, Problem> {
    let mut variants = Vec::new();
    for (name, given) in [("a", &options.first), ("b", &options.second)] {
        variants.push(variant(name, given, &options.run)?);
    }
    if variants[0].resolved.plan == variants[1].resolved.plan {
        return Err(Problem::new("the variants are the same")
            .explain("give what differs, as in --a rate=200 --b rate=400")
            .remedy("run-benchmark noise, which measures how much runs of one plan differ"));
    }
    let series = series(variants, &options.series, &options.run)?;
    if let Some(code) = ended_early(&series) {
        return Ok(code);
    }
    let factors = match (series.runs[0].first(), series.runs[1].first()) {
        (Some(first), Some(second)) => series::factors(first, second),
        _ => Vec::new(),
    };
    let request = CompareRequest {
        judging: options.judging.clone(),
        factors,
        ..CompareRequest::default()
    };
    let sides: Vec<Compared> = ["a", "b"]
        .into_iter()
        .zip(&series.runs)
        .map(|(name, runs)| Compared {
            name: name.to_owned(),
            runs,
        })
        .collect();
    let printed = files::compare_sides(&sides, &request, &noise_folder(), style())?;
    complain(&format!("results in {}", series.folder.display()));
    Ok(show(printed))
}

/// Repeats one plan and stores how much its runs differ.
fn noise(options: &args::NoiseArgs) -> Result<ExitCode, Problem> {
    let variants = vec![variant("run", &[], &options.run)?];
    let series = series(variants, &options.series, &options.run)?;
    if let Some(code) = ended_early(&series) {
        return Ok(code);
    }
    complain(&format!("results in {}", series.folder.display()));
    files::store_noise(&series.runs[0], &noise_folder()).map(show)
}

/// One variant of a series: the options that all have in common, and its own before them.
fn variant(name: &str, given: &[String], common: &RunArgs) -> Result<Variant, Problem> {
    let prepared = prepare_with(common, given)?;
    if prepared.output.output.is_some() || prepared.output.json {
        return Err(
            Problem::new("a series writes a result for each run, and prints their comparison")
                .remedy("--store DIR")
                .remedy("--format json"),
        );
    }
    Ok(Variant {
        name: name.to_owned(),
        resolved: prepared.resolved,
    })
}

fn series(variants: Vec<Variant>, options: &args::SeriesArgs, common: &RunArgs) -> Result<Series, Problem> {
    let Prepared {
        output,
        secrets,
        profile,
        ..
    } = prepare(common)?;
    log_to_stderr(output.verbose);
    let color = is_color_welcome() && std::io::stderr().is_terminal();
    let request = SeriesRequest {
        variants,
        runs: options.runs,
        cool_down: options.cool_down,
        store: options.store.clone(),
        request: Box::new(move |resolved, path| RunRequest {
            resolved,
            output: Some(path),
            quiet: output.quiet,
            color,
            standing: None,
            fleet_token: secrets.fleet_token.clone(),
            api_key: secrets.api_key.clone(),
            profile: profile.clone(),
            command: args::redacted_command(env::args_os()),
            calibration: ceiling::file(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref()),
        }),
        say: Box::new(|line| complain(&line)),
    };
    runtime()?
        .block_on(async {
            let (stopper, stop) = stop::channel();
            stopper.listen(|signal| {
                live::leave();
                std::process::exit(i32::from(signal.exit_code()))
            })?;
            series::run(request, stop).await
        })
        .map_err(|error| Problem::new(told(&error)))
}

/// The exit code of a series that was told to stop.
fn ended_early(series: &Series) -> Option<ExitCode> {
    let reason = series.stopped.as_ref()?;
    complain(&format!(
        "the series was ended early; its results so far are in {}",
        series.folder.display()
    ));
    Some(match reason {
        StopReason::Signal(signal) => ExitCode::from(signal.exit_code()),
        StopReason::Cause(_) => ExitCode::from(INVALID),
    })
}

fn print_plan(options: &RunArgs) -> Result<ExitCode, Problem> {
    let Prepared { resolved, output, .. } = prepare(options)?;
    let text = if output.json {
        plan_view::json(&resolved).map_err(|error| Problem::new(format!("the plan cannot be written: {error}")))? + "\n"
    } else {
        plan_view::text(&resolved)
    };
    print(&text);
    Ok(ExitCode::SUCCESS)
}

/// Finds out what this host can send, and keeps it for later runs.
fn calibrate(options: &args::CalibrateArgs) -> Result<ExitCode, Problem> {
    let file = ceiling::file(env::var_os("XDG_DATA_HOME").as_deref(), env::var_os("HOME").as_deref());
    let (mut out, mut err, mut progress) = (anstream::stdout(), anstream::stderr(), anstream::stderr());
    let rows: &mut dyn Write = if options.json { &mut err } else { &mut out };
    let progress = std::io::stderr()
        .is_terminal()
        .then_some(&mut progress as &mut dyn Write);
    let mut console = Console::new(rows, progress);
    let calibrated = runtime()?.block_on(async {
        let (stopper, stop) = stop::channel();
        stopper
            .listen(|signal| std::process::exit(i32::from(signal.exit_code())))
            .map_err(anyhow::Error::from)?;
        calibrate::run(options, file.as_deref(), stop, &mut console).await
    });
    console.clear();
    let calibration = match calibrated {
        Ok(calibration) => calibration,
        Err(CalibrateError::Interrupted(StopReason::Signal(signal))) => {
            complain("interrupted; nothing was stored");
            return Ok(ExitCode::from(signal.exit_code()));
        }
        Err(error) => return Err(Problem::new(told(&anyhow::Error::from(error)))),
    };
    let given = !options.rate.is_empty();
    console.conclude(&calibration, given);
    if options.json {
        match calibration.to_json() {
            Ok(json) => print(&json),
            Err(error) => complain(&format!("error: the calibration cannot be printed: {error}")),
        }
    }
    Ok(ExitCode::from(if given || calibration.ceiling.is_some() {
        0
    } else {
        INVALID
    }))
}

/// Sends a part of the starts of a run that another process leads.
fn join(options: &args::JoinArgs) -> Result<ExitCode, Problem> {
    let profile =
        benchmark_temporal::environment::from_environment().map_err(|error| Problem::new(error.to_string()))?;
    let options = options.convert(&Surroundings {
        variable: &|name| env::var(name).ok(),
        profile: profile.as_ref().map(|profile| (profile, profile_source())),
    })?;
    log_to_stderr(options.verbose);
    options.notes.iter().for_each(|note| complain(note));
    let followed = runtime()?.block_on(async {
        let (stopper, stop) = stop::channel();
        stopper
            .listen(|signal| std::process::exit(i32::from(signal.exit_code())))
            .map_err(anyhow::Error::from)?;
        let request = JoinRequest {
            join: options.join,
            token: options.secrets.fleet_token,
            api_key: options.secrets.api_key,
            profile,
            say: Arc::new(|line: String| complain(&line)),
        };
        join::run(request, stop).await
    });
    match followed {
        Ok(Followed::ToTheEnd) => Ok(ExitCode::SUCCESS),
        Ok(Followed::Stopped(StopReason::Signal(signal))) => Ok(ExitCode::from(signal.exit_code())),
        Ok(Followed::Stopped(StopReason::Cause(cause))) => Err(Problem::new(cause)),
        Err(error) => Err(Problem::new(told(&error))),
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

/// A run before anything was touched.
struct Prepared {
    resolved: Resolved,
    output: OutputOptions,
    secrets: Secrets,
    profile: Option<Profile>,
}

/// Flags, environment, Temporal's client configuration and the host come to a plan.
fn prepare(options: &RunArgs) -> Result<Prepared, Problem> {
    prepare_with(options, &[])
}

/// The same with options of a variant, `key=value` each, before all others.
fn prepare_with(options: &RunArgs, variant: &[String]) -> Result<Prepared, Problem> {
    let profile =
        benchmark_temporal::environment::from_environment().map_err(|error| Problem::new(error.to_string()))?;
    let converted = options.convert_variant(
        variant,
        &Surroundings {
            variable: &|name| env::var(name).ok(),
            profile: profile.as_ref().map(|profile| (profile, profile_source())),
        },
    )?;
    let facts = HostFacts {
        cores: thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        task_queue: benchmark_workflows::TASK_QUEUE.to_owned(),
    };
    Ok(Prepared {
        resolved: benchmark_scenarios::resolve(&converted.asked, &facts)?,
        output: converted.output,
        secrets: converted.secrets,
        profile,
    })
}

/// Where Temporal's own client configuration comes from, for people. The default place is the SDK's.
fn profile_source() -> PathBuf {
    let configured = env::var_os("TEMPORAL_CONFIG_FILE").map(PathBuf::from);
    let folder = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    configured
        .or_else(|| Some(folder?.join("temporalio").join("temporal.toml")))
        .filter(|file| file.exists())
        .unwrap_or_else(|| PathBuf::from("the TEMPORAL_* variables"))
}

/// Control plane, long polls and workers' activities; starts have threads of their own.
fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("control")
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("no threads can be had: {error}")))
}

/// Logs go to stderr: errors, and with `-v` more; `RUST_LOG` says it exactly.
fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| live::LogWriter)
        .init();
}

/// An error and its causes: what happened, then why.
fn told(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Transparent errors repeat their cause's words.
    causes.dedup();
    causes.join(": ")
}

fn print(text: &str) {
    // A reader that has seen enough, such as `head`, is no error.
    let _ = anstream::stdout().write_all(text.as_bytes());
}

fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
