//! `noise`: from runs of one plan to a profile of how much they differ, and what is said of it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use benchmark_analysis::compare::{Metric, NoiseProfile, Resolution, conditions::Conditions};
use benchmark_machine::host;
use benchmark_results::text;
use benchmark_scenarios::{Context, Plan, Problem};
use jiff::Timestamp;

use super::{
    FoundRun, NoiseFolder, Printed,
    comparing::{names_of, run_files},
    find,
};

/// Characters of a date.
const DAY: usize = 10;

/// Runs that began within less than this are of one session.
const SESSION: Duration = Duration::from_secs(12 * 3600);

/// What turns that are yet to be made can tell, by the newest profile of one of their plans on this host.
pub fn told_before(plans: &[&Plan], primary: &[Metric], turns: u32, folder: &NoiseFolder) -> String {
    let host = host::facts(Path::new("/"));
    let before: Vec<_> = plans.iter().map(|plan| Conditions::before(plan, &host)).collect();
    let files = folder
        .0
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten();
    let profiles = files
        .filter_map(|entry| NoiseProfile::load(&entry.ok()?.path()).ok())
        .filter(|profile| before.iter().any(|before| profile.is_of(before)));
    let told = profiles
        .max_by(|one, other| one.measured_at.cmp(&other.measured_at))
        .and_then(|profile| {
            let resolution = Resolution::of_turns(&profile, primary, turns)?;
            let day = text::line(profile.measured_at.split('T').next().unwrap_or_default(), DAY);
            Some(format!("{resolution} (noise of {} runs on {day})", profile.runs))
        });
    told.unwrap_or_else(|| {
        "what these runs can tell is not known, for want of a noise profile of this plan: run-benchmark noise makes one"
            .to_owned()
    })
}

/// Stores the profile of runs that are there already.
///
/// # Errors
/// When a file cannot be read, and as [`store_noise`].
pub fn noise_from(runs: &[PathBuf], folder: &NoiseFolder) -> Result<Printed, Problem> {
    store_noise(&find(runs)?, folder)
}

/// Stores how much runs of one plan differ, and tells it.
///
/// # Errors
/// When the runs are no repetitions of one another, or the profile cannot be stored.
pub fn store_noise(runs: &[FoundRun], folder: &NoiseFolder) -> Result<Printed, Problem> {
    let names = names_of(runs);
    let given = run_files(&names, runs);
    let profile = NoiseProfile::of(&given)?;
    let path = folder
        .file(&profile.key())
        .ok_or_else(|| Problem::new("neither XDG_DATA_HOME nor HOME is set, so there is no place for the profile"))?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).context(format_args!("{} cannot be made", parent.display()))?;
    }
    profile.store(&path)?;
    let mut text = format!("spread between {} runs of one plan\n\n", profile.runs);
    for metric in Metric::PRIMARY {
        if let Some(spread) = profile.spreads.get(&metric) {
            text += &format!("  {:<22} {:>5.1} %\n", metric.label(), spread.spread * 100.0);
        }
    }
    if is_one_session(runs) {
        text += "\n  These runs are of one session: how much days differ is not in it, and runs of\n  \
                 other days may differ by more. run-benchmark noise --from FILE… takes runs of\n  several.\n";
    }
    Ok(Printed {
        text,
        note: Some(format!(
            "noise profile in {}; compare uses it by itself for single runs, and for several with --noise",
            path.display()
        )),
        exit_code: 0,
    })
}

/// Whether all runs began close together. Those whose times cannot be read count as such.
fn is_one_session(runs: &[FoundRun]) -> bool {
    let begun = runs
        .iter()
        .filter_map(|run| run.results.run.started_at.parse::<Timestamp>().ok());
    let seconds: Vec<i64> = begun.map(Timestamp::as_second).collect();
    match (seconds.iter().min(), seconds.iter().max()) {
        (Some(first), Some(last)) => last.abs_diff(*first) < SESSION.as_secs(),
        _ => true,
    }
}
