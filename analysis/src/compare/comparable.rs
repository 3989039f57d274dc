//! Comparable runs: those that are measurements, and like with like but for what may differ.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use benchmark_results::{
    format::{percent, plural},
    limits::OTHERS_WARNING,
    schema::VerdictValue,
};
use benchmark_scenarios::{Arrivals, Rate, units};
use serde::{Deserialize, Serialize};

use super::{
    conditions::{self, Conditions, SEED, covers},
    excerpt,
    refusal::Refusal,
    side::RunFile,
};

/// Keys that follow from others: naming the first names the second as well. What is derived by default from what was
/// changed on purpose, and what tells the same thing at another place.
const FOLLOWS: &[(&str, &str)] = &[
    ("plan.load.rate", "plan.load.maxInFlight"),
    ("plan.load.rate", "plan.starter"),
    ("plan.load.rate", "plan.observation"),
    ("host.cores", "plan.starter"),
    ("plan.fleet", "fleet"),
    ("fleet", "plan.fleet"),
    ("plan.workers", "workers"),
    ("workers", "plan.workers"),
    ("plan.namespace", "server.namespace"),
    ("plan.taskQueue", "workers.taskQueues"),
    ("plan.target.preset", "server.config"),
    ("server.taskQueuePartitions", "workers.partitions"),
    ("server.taskQueuePartitions", "workers.normalPolls"),
    ("program.version", "program.gitRevision"),
    ("program.version", "fleet.generator.version"),
    ("program.version", "fleet.worker.version"),
    ("program.gitRevision", "program.version"),
    // A version announces what it can do.
    ("server.version", "server.capabilities"),
    ("server.version", "server.namespace.capabilities"),
];

/// Something in which the sides differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its values in the runs of the baseline: one, unless these differ among themselves.
    pub baseline: Vec<String>,
    /// Its values in the runs of the other side.
    pub other: Vec<String>,
    /// Whether it may be there.
    pub standing: Standing,
}

/// Whether a difference may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It is what the comparison is about, or follows from it.
    OnPurpose,
    /// It is allowed, or follows from what is.
    Allowed,
    /// Nobody named it.
    Unnamed,
}

/// All differences between the sides and within each, by key.
pub(super) fn differences(
    baseline: &[RunFile],
    other: &[RunFile],
    factors: &[String],
    allowed: &[String],
) -> Vec<Difference> {
    let surroundings = |runs: &[RunFile]| runs.iter().map(|run| Conditions::of(run.results)).collect::<Vec<_>>();
    let (baseline, other) = (surroundings(baseline), surroundings(other));
    let keys: BTreeSet<&str> = baseline
        .iter()
        .chain(&other)
        .flat_map(|run| run.0.keys())
        .map(String::as_str)
        .collect();
    let values = |runs: &[Conditions], key: &str| {
        let values: BTreeSet<&str> = runs.iter().map(|run| run.get(key)).collect();
        values.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut differences: Vec<_> = keys
        .into_iter()
        .map(|key| Difference {
            key: key.to_owned(),
            baseline: values(&baseline, key),
            other: values(&other, key),
            standing: Standing::Unnamed,
        })
        .filter(|difference| {
            let mut values = difference.baseline.iter().chain(&difference.other);
            let first = values.next().map_or("", String::as_str);
            !values.all(|value| conditions::are_alike(&difference.key, first, value))
        })
        .filter(|difference| difference.key != SEED || difference.baseline.len() < 2 || difference.other.len() < 2)
        .collect();
    let differing: Vec<String> = differences.iter().map(|difference| difference.key.clone()).collect();
    for difference in &mut differences {
        // A factor has one value on each side; what varies within a side is no purpose.
        let pure = difference.baseline.len() == 1 && difference.other.len() == 1;
        difference.standing = if pure && named(factors, &difference.key, &differing) {
            Standing::OnPurpose
        } else if named(allowed, &difference.key, &differing) {
            Standing::Allowed
        } else {
            Standing::Unnamed
        };
    }
    differences
}

/// Whether a key is named, or follows from one that is named and differs.
fn named(names: &[String], key: &str, differing: &[String]) -> bool {
    let follows_from = |name: &str, cause: &str| differing.iter().any(|key| covers(cause, key) && covers(name, key));
    names.iter().any(|name| {
        covers(name, key)
            || FOLLOWS
                .iter()
                .any(|(cause, effect)| covers(effect, key) && follows_from(name, cause))
    })
}

/// What speaks against a comparison with these differences.
pub(super) fn unlike(differences: &[Difference], factors: &[String]) -> Vec<Refusal> {
    let idle = factors.iter().filter(|factor| {
        let about = |difference: &Difference| covers(factor, &difference.key);
        !differences
            .iter()
            .any(|difference| about(difference) && difference.baseline != difference.other)
    });
    let idle = idle.map(|factor| Refusal::FactorIsTheSame { factor: factor.clone() });
    let unnamed = differences
        .iter()
        .filter(|difference| difference.standing == Standing::Unnamed);
    let unnamed = unnamed.map(|difference| {
        if difference.key == SEED {
            return Refusal::Seeds {
                baseline: excerpt::shortened(&difference.baseline.join(", ")),
                other: excerpt::shortened(&difference.other.join(", ")),
            };
        }
        let mixed = |values: &[String], side| {
            (values.len() > 1).then(|| Refusal::Mixed {
                side,
                key: excerpt::shortened(&difference.key),
                values: excerpt::shortened(&values.join(", ")),
            })
        };
        mixed(&difference.baseline, "the baseline")
            .or_else(|| mixed(&difference.other, "the other side"))
            .unwrap_or_else(|| Refusal::Differs {
                key: excerpt::shortened(&difference.key),
                baseline: excerpt::shortened(&difference.baseline.join(", ")),
                other: excerpt::shortened(&difference.other.join(", ")),
            })
    });
    idle.chain(unnamed).collect()
}

/// What speaks against runs, each by itself.
pub(super) fn unsound(runs: &[RunFile]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for run in runs {
        let (file, results) = (run.name.to_owned(), run.results);
        if let Some(first) = seen.insert(&results.run.id, run.name) {
            refusals.push(Refusal::SameRun {
                first: first.to_owned(),
                second: file.clone(),
                run: excerpt::shortened(&results.run.id),
            });
        }
        if let Some(cause) = &results.run.interrupted_by {
            let cause = excerpt::shortened(cause);
            refusals.push(Refusal::Interrupted { file, cause });
        } else if !results.complete {
            refusals.push(Refusal::Incomplete { file });
        } else if results.verdict.value == VerdictValue::Invalid {
            let headline = excerpt::shortened(&results.verdict.headline);
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
            excerpt::shortened(name)
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
