//! Which runs may be compared at all.

use std::{collections::BTreeMap, fmt, time::Duration};

use benchmark_scenarios::{Arrivals, Rate, units};

use super::{RunFile, figures, refusal::Refusal};
use benchmark_results::{
    format::{percent, plural},
    limits::OTHERS_WARNING,
    schema::VerdictValue,
};

/// What speaks against runs, each by itself.
pub(super) fn refusals(runs: &[RunFile]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for run in runs {
        let (file, results) = (run.name.to_owned(), run.results);
        if let Some(first) = seen.insert(&results.run.id, run.name) {
            refusals.push(Refusal::SameRun {
                first: first.to_owned(),
                second: file.clone(),
                run: figures::shortened(&results.run.id),
            });
        }
        if let Some(cause) = &results.run.interrupted_by {
            let cause = figures::shortened(cause);
            refusals.push(Refusal::Interrupted { file, cause });
        } else if !results.complete {
            refusals.push(Refusal::Incomplete { file });
        } else if results.verdict.value == VerdictValue::Invalid {
            let headline = figures::shortened(&results.verdict.headline);
            refusals.push(Refusal::Invalid { file, headline });
        }
    }
    refusals
}

/// How much of the machine other programs had in the runs of a side, where it is worth a warning.
pub(super) fn disturbed(name: &str, runs: &[RunFile]) -> Option<String> {
    let shares = runs.iter().filter_map(|run| {
        let machine = run.results.generator.machine.value.as_ref()?;
        Some(machine.others).filter(|others| *others >= OTHERS_WARNING)
    });
    let (count, most) = shares.fold((0, 0.0), |(count, most): (usize, f64), share| {
        (count + 1, most.max(share))
    });
    (count > 0).then(|| {
        format!(
            "other programs used up to {} of the machine in {count} of {} of {}",
            percent(most),
            plural(runs.len() as u64, "run"),
            figures::shortened(name)
        )
    })
}

/// The first overloaded run, as long as the load of the two sides is not the same.
pub(super) fn overloaded_at_another_load(baseline: &[RunFile], other: &[RunFile]) -> Option<Refusal> {
    let overloaded = baseline.iter().chain(other).find(|run| is_overloaded(run))?;
    let expected = Load::of(baseline.first()?);
    let differing = baseline
        .iter()
        .chain(other)
        .map(Load::of)
        .find(|load| *load != expected)?;
    Some(Refusal::OverloadedAtAnotherLoad {
        file: overloaded.name.to_owned(),
        baseline: expected.to_string(),
        other: differing.to_string(),
    })
}

/// Whether all runs of both sides had the same load to carry.
pub(super) fn have_one_load(baseline: &[RunFile], other: &[RunFile]) -> bool {
    let mut loads = baseline.iter().chain(other).map(Load::of);
    let first = loads.next();
    loads.all(|load| Some(load) == first)
}

/// What there is to carry. How long it lasts is part of it: what a cluster cannot carry piles up.
#[derive(PartialEq)]
struct Load {
    rate: Rate,
    arrivals: Arrivals,
    duration: Duration,
}

impl Load {
    fn of(run: &RunFile) -> Self {
        let load = &run.results.plan.load;
        Load {
            rate: load.rate,
            arrivals: load.arrivals,
            duration: load.duration,
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrivals = match self.arrivals {
            Arrivals::Constant => "constant",
            Arrivals::Poisson => "poisson",
        };
        write!(f, "{}/s for {} ({arrivals})", self.rate, units::format(self.duration))
    }
}

/// Whether the cluster refused the load: the run's rates are what it carried of it.
pub(super) fn is_overloaded(run: &RunFile) -> bool {
    run.results.verdict.value == VerdictValue::Overloaded
}
