//! `compare`: from files and options to a comparison, and to what is printed of it.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use benchmark_analysis::{
    compare::{
        self as comparing, AtMostWorse, CompareError, Comparison, Margins, Metric, NoiseFile, NoiseProfile, Options,
        Pairing, Refusal, RunFile, Side, noise::NoiseKey, render_markdown, render_terminal, to_json,
    },
    report,
};
use benchmark_results::summary::Style;
use benchmark_scenarios::{Context, Problem};

use super::{FoundRun, NoiseFolder, Printed, against_history, find, reporting::named};
use crate::args::{CompareArgs, CompareFormat, JudgingArgs, Paired};

/// What is asked of a comparison, besides its runs.
#[derive(Clone, Debug, Default)]
pub struct CompareRequest {
    /// How it is judged and shown.
    pub judging: JudgingArgs,
    /// Keys that differ on purpose.
    pub factors: Vec<String>,
    /// Keys that may differ besides.
    pub allowed: Vec<String>,
    /// Noise profiles that were named.
    pub noise: Vec<PathBuf>,
    /// How runs are put together.
    pub pairing: Pairing,
}

/// Runs under one name.
#[derive(Clone, Debug)]
pub struct Compared<'a> {
    /// What the side is called.
    pub name: String,
    /// Its runs.
    pub runs: &'a [FoundRun],
}

/// Compares what the command line names.
///
/// # Errors
/// When the question makes no sense or a file cannot be read. That runs must not be compared is no error but exit code 3.
pub fn compare(options: &CompareArgs, folder: &NoiseFolder, style: Style) -> Result<Printed, Problem> {
    let request = CompareRequest {
        judging: options.judging.clone(),
        factors: options.factor.clone(),
        allowed: options.allow.clone(),
        noise: options.noise.clone(),
        pairing: match options.paired {
            // What was made weeks ago has no turns with what is new.
            _ if options.against_history.is_some() => Pairing::Unpaired,
            Paired::Auto => Pairing::Auto,
            Paired::Yes => Pairing::Paired,
            Paired::No => Pairing::Unpaired,
        },
    };
    let runs = find(&options.runs)?;
    let one_each = |runs: Vec<FoundRun>| {
        runs.into_iter()
            .map(|run| (run.name.clone(), vec![run]))
            .collect::<Vec<_>>()
    };
    let mut notes = Vec::new();
    let all: Vec<(String, Vec<FoundRun>)> = if let Some(folder) = &options.against_history {
        let (tail, note) = against_history::tail(folder, &runs, options.last)?;
        notes.push(note);
        vec![("history".to_owned(), tail), ("new".to_owned(), runs)]
    } else if let Some(baseline) = &options.baseline {
        let mut all = find(std::slice::from_ref(baseline))?;
        all.extend(runs);
        one_each(all)
    } else if !options.against.is_empty() {
        let against = find(&options.against)?;
        vec![("base".to_owned(), runs), ("new".to_owned(), against)]
    } else if runs.len() == 2 {
        one_each(runs)
    } else {
        return Err(Problem::new(format!(
            "{} and nothing to compare with",
            benchmark_results::format::plural(runs.len() as u64, "run")
        ))
        .remedy("compare BASE NEW")
        .remedy("compare A1 A2 … --against B1 B2 …")
        .remedy("compare --baseline BASE R1 R2 …")
        .remedy("compare R1 R2 … --against-history DIR"));
    };
    let sides: Vec<Compared> = all
        .iter()
        .map(|(name, runs)| Compared {
            name: name.clone(),
            runs,
        })
        .collect();
    Ok(compare_sides(&sides, &request, folder, style)?.noted(notes))
}

/// Whether runs can be judged as it is asked for, found out before they are made, and by which metrics.
///
/// # Errors
/// When the margin or a metric is none.
pub fn check_judging(judging: &JudgingArgs) -> Result<Vec<Metric>, Problem> {
    let request = CompareRequest {
        judging: judging.clone(),
        ..CompareRequest::default()
    };
    options(&[], &request, &NoiseFolder(None)).map(|(options, _)| options.primary)
}

/// Compares the first of several sides with the others.
///
/// # Errors
/// As [`compare`].
pub fn compare_sides(
    sides: &[Compared],
    request: &CompareRequest,
    folder: &NoiseFolder,
    style: Style,
) -> Result<Printed, Problem> {
    let (options, mut notes) = options(sides, request, folder)?;
    let names: Vec<Vec<String>> = sides.iter().map(|side| names_of(side.runs)).collect();
    let given: Vec<Side> = sides
        .iter()
        .zip(&names)
        .map(|(side, names)| Side {
            name: side.name.clone(),
            runs: run_files(names, side.runs),
        })
        .collect();
    let Some((baseline, candidates)) = given.split_first() else {
        return Err(Problem::new("there is nothing to compare"));
    };
    match comparing::compare(baseline, candidates, &options) {
        Ok(comparison) => {
            if let Some(warning) = comparison.warning() {
                notes.push(match comparison.exit_code {
                    0 => format!("{warning}; --strict makes it exit code 4"),
                    _ => warning,
                });
            }
            let text = rendered(&comparison, sides, request.judging.format, style)?;
            let exit_code = comparison.exit_code;
            Ok(Printed {
                exit_code,
                ..Printed::text(text)
            }
            .noted(notes))
        }
        Err(CompareError::Refused(refusals)) => {
            let exit_code = CompareError::Refused(Vec::new()).exit_code();
            Ok(Printed {
                exit_code,
                ..Printed::note(refused(refusals))
            }
            .noted(notes))
        }
        Err(error) => Err(Problem::from(error)),
    }
}

/// Why runs are not compared. Where they differ in many keys, what to do is said once and not with each of them.
fn refused(refusals: Vec<Refusal>) -> String {
    const FEW: usize = 3;
    let (differing, others): (Vec<_>, Vec<_>) = refusals
        .into_iter()
        .partition(|refusal| matches!(refusal, Refusal::Differs { .. }));
    if differing.len() <= FEW {
        return CompareError::Refused(others.into_iter().chain(differing).collect()).to_string();
    }
    let mut text = CompareError::Refused(others).to_string().trim_end().to_owned();
    text += &format!("\n  they differ in {} keys:", differing.len());
    for refusal in &differing {
        if let Refusal::Differs { key, baseline, other } = refusal {
            text += &format!("\n    {key}  {baseline} -> {other}");
        }
    }
    text + "\n  name what you compare with --factor KEY, and accept what does no harm with --allow KEY;\
            \n  the beginning of a key stands for all that begin so: --allow fleet.worker"
}

/// The names by which messages speak of runs.
pub(super) fn names_of(runs: &[FoundRun]) -> Vec<String> {
    runs.iter().map(|run| run.path.display().to_string()).collect()
}

pub(super) fn run_files<'a>(names: &'a [String], runs: &'a [FoundRun]) -> Vec<RunFile<'a>> {
    let pairs = names.iter().zip(runs);
    pairs
        .map(|(name, run)| RunFile {
            name,
            results: &run.results,
        })
        .collect()
}

/// How it is judged, and what is to be said of that.
fn options(
    sides: &[Compared],
    request: &CompareRequest,
    folder: &NoiseFolder,
) -> Result<(Options, Vec<String>), Problem> {
    let mut notes = Vec::new();
    let mut options = Options {
        factors: request.factors.clone(),
        allowed: request.allowed.clone(),
        pairing: request.pairing,
        strict: request.judging.strict,
        unattended: !std::io::stdout().is_terminal(),
        ..Options::default()
    };
    options.margins = Margins::read(request.judging.margin.iter().map(String::as_str))?;
    options.at_most_worse = request
        .judging
        .at_most_worse
        .as_deref()
        .map(str::parse::<AtMostWorse>)
        .transpose()?;
    if !request.judging.primary.is_empty() {
        let metric = |name: &String| name.parse::<Metric>().context("--primary");
        options.primary = request.judging.primary.iter().map(metric).collect::<Result<_, _>>()?;
    }
    let load = |path: &Path| {
        let profile = NoiseProfile::load(path)?;
        Ok::<_, Problem>(NoiseFile {
            name: path.display().to_string(),
            profile,
        })
    };
    // Runs tell themselves how much they differ, but single ones.
    let lone = sides.iter().any(|side| side.runs.len() == 1);
    options.noise = if request.noise.is_empty() && lone {
        let mut stored: Vec<PathBuf> = sides
            .iter()
            .filter_map(|side| folder.file(&NoiseKey::of(&side.runs.first()?.results)))
            .filter(|path| path.is_file())
            .collect();
        stored.sort();
        stored.dedup();
        let loaded = stored.iter().map(|path| load(path));
        // It may be of another seed, which the key that it is found by does not hold.
        let fits = |noise: NoiseFile| {
            let key = noise.profile.key();
            let runs = sides.iter().flat_map(|side| side.runs);
            let own = runs.filter(|run| NoiseKey::of(&run.results) == key);
            let judged: Result<Vec<()>, _> = own.map(|run| noise.profile.applies_to(&run.results)).collect();
            judged.map_or_else(|foreign| Err(Problem::new(foreign.to_string())), |_| Ok(noise))
        };
        // Nobody asked for these: one that is damaged is as good as none.
        loaded
            .filter_map(|profile| {
                profile
                    .and_then(fits)
                    .map_err(|problem| notes.push(format!("note: left out, {problem}")))
                    .ok()
            })
            .collect()
    } else {
        request.noise.iter().map(|path| load(path)).collect::<Result<_, _>>()?
    };
    Ok((options, notes))
}

fn rendered(
    comparison: &Comparison,
    sides: &[Compared],
    format: CompareFormat,
    style: Style,
) -> Result<String, Problem> {
    Ok(match format {
        CompareFormat::Terminal => render_terminal(comparison, style),
        CompareFormat::Markdown => render_markdown(comparison),
        CompareFormat::Json => to_json(comparison).context("it cannot be written as JSON")?,
        CompareFormat::Html => report::comparison_html(comparison, &named(sides.iter().flat_map(|side| side.runs))),
    })
}
