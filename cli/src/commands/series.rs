//! `ab` and `noise`: several runs, and what is learnt from them together.

use std::{env, io::IsTerminal, process::ExitCode};

use benchmark_analysis::{
    compare::{
        LEAST_TURNS, Metric, decide,
        noise::{LEAST_RUNS, NoiseError},
    },
    stats::power::{self, Known},
};
use benchmark_generator::{
    stop::{self, StopReason},
    view::page::GracePeriod,
};
use benchmark_results::{text, thresholds::Signal};
use benchmark_scenarios::Problem;

use super::{CompareRequest, Compared};
use crate::{
    INVALID,
    args::{self, RunArgs},
    commands,
    console::{complain, end_at_once, heard, is_color_welcome, log_to_stderr, show, style},
    live,
    prepared::{block_on, noise_folder, open_page, prepare, prepare_with},
    series::{self, SeriesEnd, SeriesOutcome, SeriesRequest, Variant},
};

/// Turns of `ab` unless told: an even number, so that each variant comes first as often.
const AB_RUNS: u32 = 6;
/// Runs of `noise` unless told.
const NOISE_RUNS: u32 = 5;

/// Runs two variants in turn and compares them.
pub fn ab(options: &args::AbArgs) -> Result<ExitCode, Problem> {
    let primary = commands::check_judging(&options.judging)?;
    let runs = options.series.runs.unwrap_or(AB_RUNS);
    if runs < LEAST_TURNS {
        return Err(too_few(runs));
    }
    let mut variants = Vec::new();
    for (name, given) in [("a", &options.first), ("b", &options.second)] {
        variants.push(variant(name, given, &options.run)?);
    }
    if variants[0].resolved.plan == variants[1].resolved.plan {
        return Err(Problem::new("the variants are the same")
            .explain("give what differs, as in --a rate=200 --b rate=400")
            .remedy("run-benchmark noise, which measures how much runs of one plan differ"));
    }
    if variants[0].resolved.plan.load.seed != variants[1].resolved.plan.load.seed {
        return Err(Problem::new(
            "seed is no option of a variant: in each turn both have one seed, or what is drawn would differ, too",
        )
        .remedy("--seed N, which the first turn has; each later one has one more"));
    }
    let plans = [&variants[0].resolved.plan, &variants[1].resolved.plan];
    let commands = Commands {
        runs,
        before: Some(commands::told_before(&plans, &primary, runs, &noise_folder())),
        conclude: &|series| judge(options, series),
        again: &compare_again,
    };
    series(variants, &options.series, &options.run, &commands)
}

/// Why so few turns are not made: what they could see.
fn too_few(runs: u32) -> Problem {
    // Of a spread of one, so that what comes of it is told in spreads.
    let told = |runs: u32| {
        let known = Known::of_turns(1.0, runs);
        let times = known.map_or(f64::INFINITY, |known| {
            power::detectable(&known.estimate, decide::level(Metric::PRIMARY.len()))
        });
        format!("±{times:.1}")
    };
    Problem::new(format!(
        "--runs {runs} is too few: so few turns tell no change at all, {LEAST_TURNS} tell changes from about {} times the \
         spread between runs, and {AB_RUNS}, the default, from {}",
        told(LEAST_TURNS),
        told(AB_RUNS)
    ))
}

/// The keys in which the variants differ on purpose.
fn factors(series: &SeriesOutcome) -> Vec<String> {
    match (series.runs[0].first(), series.runs[1].first()) {
        (Some(first), Some(second)) => series::factors(first, second),
        _ => Vec::new(),
    }
}

/// Compares what the two variants came to.
fn judge(options: &args::AbArgs, series: &SeriesOutcome) -> Result<ExitCode, Problem> {
    let request = CompareRequest {
        judging: options.judging.clone(),
        factors: factors(series),
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
    show(commands::compare_sides(&sides, &request, &noise_folder(), style())?)
}

/// What compares the whole turns of a series again, from their files.
fn compare_again(series: &SeriesOutcome) -> String {
    let folder = text::shell_word(&series.folder.display().to_string());
    let mut command = format!("run-benchmark compare {folder}/a-*.json --against {folder}/b-*.json");
    let typed: Vec<String> = args::redacted_command(env::args_os());
    let factors = factors(series).into_iter().flat_map(|key| ["--factor".to_owned(), key]);
    for word in factors.chain(args::judging_flags(&typed)) {
        command += " ";
        command += &text::shell_word(&word);
    }
    command
}

/// Repeats one plan and stores how much its runs differ.
pub fn noise(options: &args::NoiseArgs) -> Result<ExitCode, Problem> {
    if !options.from.is_empty() {
        return commands::noise_from(&options.from, &noise_folder()).and_then(show);
    }
    let runs = options.series.runs.unwrap_or(NOISE_RUNS);
    // Before the time is spent on them.
    let given = runs as usize;
    if given < LEAST_RUNS {
        return Err(Problem::new(NoiseError::TooFew { given }.to_string()));
    }
    let variants = vec![variant("run", &[], &options.run)?];
    let commands = Commands {
        runs,
        before: None,
        conclude: &|series| commands::store_noise(&series.runs[0], &noise_folder()).and_then(show),
        again: &|series| {
            let folder = text::shell_word(&series.folder.display().to_string());
            format!("run-benchmark noise --from {folder}/run-*.json")
        },
    };
    series(variants, &options.series, &options.run, &commands)
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

/// What a series is for.
struct Commands<'a> {
    /// Turns.
    runs: u32,
    /// What is said before the first.
    before: Option<String>,
    /// Concludes from whole turns.
    conclude: &'a dyn Fn(&SeriesOutcome) -> Result<ExitCode, Problem>,
    /// The command that does it again from their files.
    again: &'a dyn Fn(&SeriesOutcome) -> String,
}

/// Makes the runs, concludes from the whole turns, and waits for a last scrape of the page that stood meanwhile.
fn series(
    variants: Vec<Variant>,
    options: &args::SeriesArgs,
    common: &RunArgs,
    commands: &Commands,
) -> Result<ExitCode, Problem> {
    let prepared = prepare(common)?;
    let (resolved, output) = (prepared.resolved.clone(), prepared.output.clone());
    log_to_stderr(output.log);
    let color = is_color_welcome() && std::io::stderr().is_terminal();
    block_on(async {
        let page = open_page(&resolved).await?;
        if let Some(before) = &commands.before {
            complain(before);
        }
        let (stopper, stop) = stop::channel();
        let grace = GracePeriod::new(page.clone(), &resolved, stop.clone());
        let stop_timeout = resolved.plan.load.stop_timeout;
        let request = SeriesRequest {
            variants,
            runs: commands.runs,
            cool_down: options.cool_down,
            store: options.store.clone(),
            environment: prepared.environment.clone(),
            request: Box::new(move |resolved, path| {
                prepared.request(resolved, Some(path), live::on_stderr(output.quiet, color), &page)
            }),
            say: Box::new(|line| complain(&line)),
        };
        let again = |signal: Signal| {
            live::leave();
            end_at_once(signal);
        };
        stopper.listen(heard(output.quiet, Some(stop_timeout)), again)?;
        let mut series = series::run(request, stop).await?;
        let code = match series.ended.take() {
            Some(ended) => ended_early(&series, ended, commands),
            None => (commands.conclude)(&series),
        };
        if series.runs.iter().all(|runs| !runs.is_empty()) {
            let folder = series.folder.display();
            complain(&format!("results in {folder}; again:  {}", (commands.again)(&series)));
        }
        grace.wait(complain).await;
        code
    })?
}

/// Concludes from what there is of a series that ended early, where it says something. The exit code is that of the reason.
fn ended_early(series: &SeriesOutcome, ended: SeriesEnd, commands: &Commands) -> Result<ExitCode, Problem> {
    let whole = series.runs[0].len();
    let of = format!("{whole} of {} turns are whole", commands.runs);
    let enough = whole >= LEAST_TURNS as usize;
    let then = match enough {
        true => format!("{of}, and what follows is of these"),
        false => format!("{of}, which is too few: it takes {LEAST_TURNS}"),
    };
    let why = match &ended {
        SeriesEnd::Stopped(StopReason::Signal(signal)) => format!("{} came", signal.name()),
        SeriesEnd::Stopped(StopReason::Cause(cause)) => cause.clone(),
        SeriesEnd::Spoiled(why) => why.clone(),
        SeriesEnd::Broken(_) => "it cannot go on".to_owned(),
    };
    complain(&format!("the series was ended early, since {why}: {then}"));
    if enough && let Err(problem) = (commands.conclude)(series) {
        complain(&problem.report());
    }
    match ended {
        SeriesEnd::Stopped(StopReason::Signal(signal)) => Ok(ExitCode::from(signal.exit_code())),
        SeriesEnd::Stopped(StopReason::Cause(_)) | SeriesEnd::Spoiled(_) => Ok(ExitCode::from(INVALID)),
        SeriesEnd::Broken(problem) => Err(problem),
    }
}
