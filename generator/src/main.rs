//! `run-benchmark`: asks a Temporal cluster what it carries.

use std::{env, io::Write, path::PathBuf, process::ExitCode, thread};

use benchmark_generator::{
    args::{self, Command, OutputOptions, RunArgs, Secrets, Surroundings},
    plan_view,
};
use benchmark_scenarios::{HostFacts, Problem, Resolved};

/// Exit code of a command line or an environment that cannot be used.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = match args::parse(env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    let done = match &cli.command {
        Some(Command::Plan(options)) => print_plan(options),
        None => {
            prepare(&cli.run).and_then(|_| Err(Problem::new("this build resolves plans only; try run-benchmark plan")))
        }
        Some(Command::Calibrate(_) | Command::NullFrontend(_)) => {
            Err(Problem::new("this build resolves plans only; try run-benchmark plan"))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(anstream::stderr(), "{}", problem.report());
            ExitCode::from(USAGE)
        }
    }
}

/// Prints help, version or what is wrong with the command line.
fn explain(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when even this cannot be printed.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}

fn print_plan(options: &RunArgs) -> Result<(), Problem> {
    let Prepared { resolved, output, .. } = prepare(options)?;
    let text = if output.json {
        plan_view::json(&resolved).map_err(|error| Problem::new(format!("the plan cannot be written: {error}")))? + "\n"
    } else {
        plan_view::text(&resolved)
    };
    // A reader that has seen enough, such as `head`, is no error.
    let _ = anstream::stdout().write_all(text.as_bytes());
    Ok(())
}

/// A run before anything was touched.
struct Prepared {
    resolved: Resolved,
    output: OutputOptions,
    #[expect(dead_code, reason = "for the run")]
    secrets: Secrets,
}

/// Flags, environment, Temporal's client configuration and the host come to a plan.
fn prepare(options: &RunArgs) -> Result<Prepared, Problem> {
    let profile =
        benchmark_temporal::environment::from_environment().map_err(|error| Problem::new(error.to_string()))?;
    let file = env::var_os("TEMPORAL_CONFIG_FILE").map_or_else(|| PathBuf::from("temporal.toml"), PathBuf::from);
    let converted = options.convert(&Surroundings {
        variable: &|name| env::var(name).ok(),
        profile: profile.as_ref().map(|profile| (profile, file)),
    })?;
    let facts = HostFacts {
        cores: thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        task_queue: benchmark_workflows::TASK_QUEUE.to_owned(),
    };
    Ok(Prepared {
        resolved: benchmark_scenarios::resolve(&converted.asked, &facts)?,
        output: converted.output,
        secrets: converted.secrets,
    })
}
