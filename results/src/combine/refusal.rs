//! Which files are the parts of one run.

use std::collections::BTreeMap;

use benchmark_scenarios::Target;
use jiff::Timestamp;

use crate::{
    histogram::DecodeError,
    schema::{MemberRole, Results},
};

/// How far apart, seconds, iterations of the same number may have begun. Windows are a second long, and clocks that are kept
/// in time differ by far less.
const TOGETHER_SECONDS: f64 = 0.5;

/// Why results cannot become one. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CombineError {
    /// There are fewer than two.
    #[error("one result is whole already: name the results of two or more generators that ran apart")]
    TooFew,
    /// They are of different plans.
    #[error("{one} and {other} are of different plans ({plan} and {other_plan}): only parts of one plan can be merged")]
    OtherPlan {
        /// A part.
        one: String,
        /// A part that does not belong to it.
        other: String,
        /// Short hash of the one's plan.
        plan: String,
        /// Short hash of the other's plan.
        other_plan: String,
    },
    /// They are of different servers.
    #[error("{one} and {other} are of different servers ({what}): their loads never met")]
    OtherServer {
        /// A part.
        one: String,
        /// A part that does not belong to it.
        other: String,
        /// In what they differ.
        what: String,
    },
    /// Two cover the same arrivals.
    #[error(
        "{one} and {other} both cover part {number} of {of} of the schedule: merge each part once; results of different \
         runs are compared, not merged"
    )]
    Overlap {
        /// A part.
        one: String,
        /// Another part with the same arrivals.
        other: String,
        /// Which part of the schedule, from 1.
        number: u32,
        /// Parts of the schedule.
        of: u32,
    },
    /// A part of the schedule is covered by none.
    #[error("nothing covers part {number} of {of} of the schedule: name the results of that generator as well")]
    Missing {
        /// Which part of the schedule, from 1.
        number: u32,
        /// Parts of the schedule.
        of: u32,
    },
    /// A part of a schedule that is dealt out in another way.
    #[error(
        "{name} covers part {number} of {found} of a schedule, and the plan is for {of} generators: it is of another run"
    )]
    OtherDivision {
        /// The part.
        name: String,
        /// The last part of the schedule that it covers, from 1.
        number: u32,
        /// Generators that it speaks of.
        found: u32,
        /// Generators of the plan.
        of: u32,
    },
    /// They did not run at the same time.
    #[error(
        "{one} and {other} began iteration {iteration} {seconds:.1}s apart: loads that were not there together are not \
         the load of the plan; start the generators at the same time"
    )]
    Apart {
        /// A part.
        one: String,
        /// A part that began at another time.
        other: String,
        /// Which iteration, from 1.
        iteration: usize,
        /// How far apart, seconds.
        seconds: f64,
    },
    /// They have different numbers of iterations.
    #[error(
        "{one} has {iterations} iterations and {other} {others}: a part is missing of one, so the load was not whole"
    )]
    OtherIterations {
        /// A part.
        one: String,
        /// A part with another number of them.
        other: String,
        /// The one's iterations.
        iterations: usize,
        /// The other's.
        others: usize,
    },
    /// They have the same workflow ids.
    #[error(
        "{one} and {other} have the same run id {id}: their workflows cannot be told apart; is it the same file twice?"
    )]
    SameRun {
        /// A part.
        one: String,
        /// A part with the same id.
        other: String,
        /// The id.
        id: String,
    },
    /// One was not finished.
    #[error("{name} was not finished when it was written: merge the files that the generators leave at their end")]
    Unfinished {
        /// The part.
        name: String,
    },
    /// A histogram cannot be read.
    #[error("a histogram of a part cannot be read: {0}")]
    Histogram(#[from] DecodeError),
}

/// The stripes that a results file covers, from 0; of how many is `fleet.generators`. `None`: all of them.
pub fn covers(results: &Results) -> Option<Vec<u32>> {
    let mut stripes: Vec<u32> = results
        .fleet
        .members
        .iter()
        .filter(|member| member.role != MemberRole::Worker)
        .filter_map(|member| Some(member.starts.as_ref()?.stripe))
        .collect();
    stripes.sort_unstable();
    stripes.dedup();
    (!stripes.is_empty()).then_some(stripes)
}

/// Whether the parts are those of one run, each once.
pub(super) fn check(parts: &[(String, Results)]) -> Result<(), CombineError> {
    let [(one, first), others @ ..] = parts else {
        return Err(CombineError::TooFew);
    };
    if others.is_empty() {
        return Err(CombineError::TooFew);
    }
    if let Some((name, _)) = parts.iter().find(|(_, results)| !results.complete) {
        return Err(CombineError::Unfinished { name: name.clone() });
    }
    for (other, results) in others {
        same_plan(one, first, other, results)?;
        same_server(one, first, other, results)?;
    }
    disjoint(parts)?;
    for (index, (one, first)) in parts.iter().enumerate() {
        if let Some((other, _)) = parts[..index]
            .iter()
            .find(|(_, results)| results.run.id == first.run.id)
        {
            return Err(CombineError::SameRun {
                one: other.clone(),
                other: one.clone(),
                id: first.run.id.clone(),
            });
        }
    }
    others
        .iter()
        .try_for_each(|(other, results)| together(one, first, other, results))
}

fn same_plan(one: &str, first: &Results, other: &str, results: &Results) -> Result<(), CombineError> {
    if first.plan_hash == results.plan_hash {
        return Ok(());
    }
    Err(CombineError::OtherPlan {
        one: one.into(),
        other: other.into(),
        plan: first.plan_hash.short().into(),
        other_plan: results.plan_hash.short().into(),
    })
}

fn same_server(one: &str, first: &Results, other: &str, results: &Results) -> Result<(), CombineError> {
    let (here, there) = (&first.environment.server, &results.environment.server);
    let what = if matches!(first.plan.target, Target::Embedded(_)) {
        "each had an embedded one of its own".to_owned()
    } else if here.version.value != there.version.value {
        let text = |version: &Option<String>| version.clone().unwrap_or_else(|| "unknown".into());
        format!(
            "version {} and {}",
            text(&here.version.value),
            text(&there.version.value)
        )
    } else if here.cluster_name.value != there.cluster_name.value {
        "they have different cluster names".to_owned()
    } else {
        return Ok(());
    };
    Err(CombineError::OtherServer {
        one: one.into(),
        other: other.into(),
        what,
    })
}

/// Every stripe exactly once.
fn disjoint(parts: &[(String, Results)]) -> Result<(), CombineError> {
    let of = parts[0].1.plan.fleet.generators.max(1);
    let mut taken: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, results) in parts {
        let found = results.fleet.generators;
        // A run that knows of no part of it took all, the first one as well.
        let stripes = covers(results).unwrap_or_else(|| vec![0]);
        let is_part = covers(results).is_some();
        if is_part && (found != of || stripes.iter().any(|stripe| *stripe >= of)) {
            return Err(CombineError::OtherDivision {
                name: name.clone(),
                number: stripes.iter().max().map_or(0, |stripe| stripe.saturating_add(1)),
                found,
                of,
            });
        }
        for stripe in stripes {
            let overlap = if is_part {
                taken.get(&stripe)
            } else {
                taken.values().next()
            };
            if let Some(one) = overlap {
                return Err(CombineError::Overlap {
                    one: (*one).to_owned(),
                    other: name.clone(),
                    number: stripe.saturating_add(1),
                    of,
                });
            }
            taken.insert(stripe, name);
        }
    }
    match (0..of).find(|stripe| !taken.contains_key(stripe)) {
        Some(missing) => Err(CombineError::Missing {
            number: missing + 1,
            of,
        }),
        None => Ok(()),
    }
}

fn together(one: &str, first: &Results, other: &str, results: &Results) -> Result<(), CombineError> {
    if first.iterations.len() != results.iterations.len() {
        return Err(CombineError::OtherIterations {
            one: one.into(),
            other: other.into(),
            iterations: first.iterations.len(),
            others: results.iterations.len(),
        });
    }
    for (number, (here, there)) in (1..).zip(first.iterations.iter().zip(&results.iterations)) {
        let seconds = match (
            here.started_at.parse::<Timestamp>(),
            there.started_at.parse::<Timestamp>(),
        ) {
            (Ok(here), Ok(there)) => here.duration_since(there).as_secs_f64().abs(),
            // An instant that cannot be read is not known to be the same.
            _ => f64::INFINITY,
        };
        if seconds > TOGETHER_SECONDS {
            return Err(CombineError::Apart {
                one: one.into(),
                other: other.into(),
                iteration: number,
                seconds,
            });
        }
    }
    Ok(())
}
