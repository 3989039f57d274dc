//! `ab` and `noise`: several runs, and what is learnt from them together.

use std::{env, io::IsTerminal, process::ExitCode};

use benchmark_generator::{
    args::{self, RunArgs},
    files::{self, CompareRequest, Compared},
    run::story::RunRequest,
    series::{self, Series, SeriesRequest, Variant},
    stop::{self, StopReason},
    view::{live, page::Farewell},
};
use benchmark_results::{
    compare::noise::{LEAST_RUNS, NoiseError},
    thresholds::Signal,
};
use benchmark_scenarios::Problem;

use super::{
    INVALID,
    console::{complain, end_at_once, heard, is_color_welcome, log_to_stderr, problem, show, style},
    prepared::{Prepared, block_on, calibration, noise_folder, open_page, prepare, prepare_with},
};

/// Runs two variants in turn and compares them.
pub fn ab(options: &args::AbArgs) -> Result<ExitCode, Problem> {
    files::check_judging(&options.judging)?;
    let mut variants = Vec::new();
    for (name, given) in [("a", &options.first), ("b", &options.second)] {
        variants.push(variant(name, given, &options.run)?);
    }
    if variants[0].resolved.plan == variants[1].resolved.plan {
        return Err(Problem::new("the variants are the same")
            .explain("give what differs, as in --a rate=200 --b rate=400")
            .remedy("run-benchmark noise, which measures how much runs of one plan differ"));
    }
    series(variants, &options.series, &options.run, |series| judge(options, series))
}

/// Compares what the two variants came to.
fn judge(options: &args::AbArgs, series: &Series) -> Result<ExitCode, Problem> {
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
    show(printed)
}

/// Repeats one plan and stores how much its runs differ.
pub fn noise(options: &args::NoiseArgs) -> Result<ExitCode, Problem> {
    // Before the time is spent on them.
    let given = options.series.runs as usize;
    if given < LEAST_RUNS {
        return Err(Problem::new(NoiseError::TooFew { given }.to_string()));
    }
    let variants = vec![variant("run", &[], &options.run)?];
    series(variants, &options.series, &options.run, |series| {
        complain(&format!("results in {}", series.folder.display()));
        files::store_noise(&series.runs[0], &noise_folder()).and_then(show)
    })
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

/// Makes the runs, concludes from them when none is missing, and waits for a last scrape of the page that stood meanwhile.
fn series(
    variants: Vec<Variant>,
    options: &args::SeriesArgs,
    common: &RunArgs,
    conclude: impl FnOnce(&Series) -> Result<ExitCode, Problem>,
) -> Result<ExitCode, Problem> {
    let Prepared {
        resolved,
        output,
        secrets,
        profile,
        ..
    } = prepare(common)?;
    log_to_stderr(output.log);
    let color = is_color_welcome() && std::io::stderr().is_terminal();
    block_on(async {
        let page = open_page(&resolved).await?;
        let (stopper, stop) = stop::channel();
        let farewell = Farewell::new(page.clone(), &resolved, stop.clone());
        let stop_timeout = resolved.plan.load.stop_timeout;
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
                calibration: calibration(),
                page: page.clone(),
            }),
            say: Box::new(|line| complain(&line)),
        };
        let again = |signal: Signal| {
            live::leave();
            end_at_once(signal);
        };
        stopper
            .listen(heard(output.quiet, Some(stop_timeout)), again)
            .map_err(|error| problem(error.into()))?;
        let series = series::run(request, stop).await.map_err(problem)?;
        let code = match ended_early(&series) {
            Some(code) => Ok(code),
            None => conclude(&series),
        };
        farewell.wait(complain).await;
        code
    })?
}

/// The exit code of a series that was told to stop.
fn ended_early(series: &Series) -> Option<ExitCode> {
    let reason = series.stopped.as_ref()?;
    let why = match reason {
        StopReason::Signal(signal) => format!("{} came", signal.name()),
        StopReason::Cause(cause) => cause.clone(),
    };
    complain(&format!(
        "the series was ended early, since {why}; its results so far are in {}",
        series.folder.display()
    ));
    Some(match reason {
        StopReason::Signal(signal) => ExitCode::from(signal.exit_code()),
        StopReason::Cause(_) => ExitCode::from(INVALID),
    })
}
