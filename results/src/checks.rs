//! The verdict: named checks, each with its value, its limit and what to do.
//!
//! Pure functions of what stands in a file. A check that cannot be made says why; a check that fails says whether the
//! generator was the limit (INVALID) or the cluster (OVERLOADED), and the worst one decides.

mod account;
mod build;
mod clocks;
mod context;
mod lag;
mod littles_law;
mod load;
mod machine;
mod members;
pub mod names;
mod samples;
mod server_clock;
mod steadiness;
#[cfg(test)]
mod tests;
mod workers;

use benchmark_scenarios::Plan;

use crate::{
    ledger::Ledger,
    schema::{
        Check, CheckStatus, ErrorGroup, Fleet, GeneratorHealth, PhaseReport, Reconciliation, Verdict, VerdictValue,
        Window,
    },
};
use context::Context;

/// What a verdict is made from: one iteration.
#[derive(Clone, Copy, Debug)]
pub struct JudgeInput<'a> {
    /// What was to run.
    pub plan: &'a Plan,
    /// Every arrival of the iteration, all phases.
    pub ledger: &'a Ledger,
    /// Its measured phase.
    pub measure: &'a PhaseReport,
    /// Its windows, all phases, in order.
    pub windows: &'a [Window],
    /// Its errors.
    pub errors: &'a [ErrorGroup],
    /// What the leading generator used; the others tell of themselves in `fleet`.
    pub generator: &'a GeneratorHealth,
    /// How far its observers agree.
    pub reconciliation: &'a Reconciliation,
    /// The processes that took part in it.
    pub fleet: &'a Fleet,
    /// Whether it ended before its plan did, by a signal or a condition.
    pub interrupted: bool,
}

/// Judges one iteration.
pub fn judge(input: &JudgeInput) -> Verdict {
    let context = Context::new(input);
    let mut checks = Vec::new();
    checks.extend(samples::checks(&context));
    checks.extend(members::checks(&context));
    checks.push(lag::check(&context));
    checks.extend(load::checks(&context));
    checks.extend(machine::checks(&context));
    checks.extend(workers::checks(&context));
    checks.push(clocks::check(&context));
    checks.push(server_clock::check(&context));
    checks.extend(steadiness::checks(&context));
    checks.push(littles_law::check(&context));
    checks.extend(account::checks(&context));
    verdict(checks, &context)
}

/// The verdict of a run from those of its iterations: of each check the worst, which names its iteration.
pub fn combine(iterations: &[Verdict]) -> Verdict {
    if let [only] = iterations {
        return only.clone();
    }
    let Some(worst) = iterations.iter().max_by_key(|verdict| verdict.value) else {
        return Verdict {
            value: VerdictValue::Invalid,
            headline: "nothing was measured: no iteration ran".into(),
            checks: Vec::new(),
        };
    };
    let mut checks: Vec<Check> = Vec::new();
    for (index, iteration) in iterations.iter().enumerate() {
        for check in &iteration.checks {
            let mut check = check.clone();
            if check.status > CheckStatus::NotApplicable {
                check.value = format!("{} (iteration {} of {})", check.value, index + 1, iterations.len());
            }
            match checks.iter_mut().find(|known| known.name == check.name) {
                Some(known) if check.status > known.status => *known = check,
                Some(_) => {}
                None => checks.push(check),
            }
        }
    }
    let as_bad: Vec<String> = (1..)
        .zip(iterations)
        .filter(|(_, iteration)| iteration.value == worst.value)
        .map(|(index, _): (usize, _)| index.to_string())
        .collect();
    let headline = if as_bad.len() == iterations.len() {
        worst.headline.clone()
    } else {
        let plural = if as_bad.len() == 1 { "" } else { "s" };
        format!(
            "{} (iteration{plural} {} of {})",
            worst.headline,
            as_bad.join(", "),
            iterations.len()
        )
    };
    Verdict {
        value: worst.value,
        headline,
        checks,
    }
}

/// The worst of the checks and one sentence on why.
fn verdict(checks: Vec<Check>, context: &Context) -> Verdict {
    let value = match checks.iter().map(|check| check.status).max() {
        Some(CheckStatus::Invalid) => VerdictValue::Invalid,
        Some(CheckStatus::Overloaded) => VerdictValue::Overloaded,
        _ => VerdictValue::Valid,
    };
    let headline = match value {
        VerdictValue::Valid if context.ends_observed && context.reconciliation.server.value.is_some() => {
            "the generator kept its schedule and every workflow is accounted for".into()
        }
        VerdictValue::Valid if context.ends_observed => {
            "the generator kept its schedule; the server's own counts could not be compared".into()
        }
        VerdictValue::Valid => "the generator kept its schedule; the ends of workflows were not observed".into(),
        VerdictValue::Overloaded => "the cluster refused the load: latencies stand, throughput is a lower bound".into(),
        VerdictValue::Invalid => invalid_headline(&checks),
    };
    Verdict {
        value,
        headline,
        checks,
    }
}

/// Why a run is invalid: nothing to judge, then a load that was not sent, then who was the limit instead of the cluster,
/// then what was not told or not known, then an account that does not close.
fn invalid_headline(checks: &[Check]) -> String {
    let invalid = |name: &str| {
        checks
            .iter()
            .find(|check| check.name == name && check.status == CheckStatus::Invalid)
    };
    if let Some(check) = names::NOTHING.iter().find_map(|name| invalid(name)) {
        return format!("nothing was measured: {}", check.value);
    }
    if invalid(names::FLEET_MEMBERS).is_some() {
        return "a generator was lost: these figures are of another load than was asked for".into();
    }
    if names::GENERATOR.iter().any(|name| invalid(name).is_some()) {
        return "the generator was the limit: these figures describe it, not the cluster".into();
    }
    if invalid(names::OTHER_CPU).is_some() {
        return "other programs had the machine: these figures describe them as well as the cluster".into();
    }
    if names::FLEET.iter().any(|name| invalid(name).is_some()) {
        return "the fleet was the limit: these figures describe its workers, not the cluster".into();
    }
    if invalid(names::FLEET_WINDOWS).is_some() {
        return "a part of what the fleet observed was lost: these figures are not whole".into();
    }
    if invalid(names::CLOCK_OFFSET).is_some() || invalid(names::PLAUSIBLE_STAMPS).is_some() {
        return "the clocks of the fleet are not known well enough: these latencies cannot be believed".into();
    }
    if invalid(names::REJECTED_STARTS).is_some() {
        return "starts were refused as wrong: these figures say nothing about load".into();
    }
    "the account does not close: these figures cannot be believed".into()
}
