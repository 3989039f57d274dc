//! From what was observed to a whole results file: judged, merged, and with the replaced runner's keys filled in.

use benchmark_scenarios::Plan;

use crate::{
    checks::{self, JudgeInput},
    histogram::DecodeError,
    ledger::Ledger,
    legacy, merge,
    schema::{
        Environment, ErrorGroup, Event, Fleet, GeneratorHealth, IntervalHistograms, Iteration, Phases, Reconciliation,
        Results, Run, SCHEMA_VERSION, ServerFigures, Verdict, Window,
    },
    thresholds::{self, Signal},
};

/// Everything that a run observed.
#[derive(Clone, Debug)]
pub struct RunParts {
    /// Who ran what.
    pub run: Run,
    /// What was to run.
    pub plan: Plan,
    /// Where it ran.
    pub environment: Environment,
    /// Its iterations so far, in order.
    pub iterations: Vec<IterationParts>,
    /// What the server's own metrics say of its iterations, where they were read.
    pub server_figures: Vec<ServerFigures>,
    /// What happened to it, in order.
    pub events: Vec<Event>,
    /// Whether this is the end of it.
    pub complete: bool,
    /// The signal that ended it.
    pub signal: Option<Signal>,
}

/// Everything that one iteration observed. Its index follows from its place in [`RunParts::iterations`].
#[derive(Clone, Debug)]
pub struct IterationParts {
    /// Prefix of its workflow ids.
    pub workflow_id_prefix: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Every arrival of its phases.
    pub ledger: Ledger,
    /// Its phases.
    pub phases: Phases,
    /// Its errors.
    pub errors: Vec<ErrorGroup>,
    /// Its windows, in order.
    pub windows: Vec<Window>,
    /// Its latencies over time, in order.
    pub intervals: Vec<IntervalHistograms>,
    /// How far its observers agree.
    pub reconciliation: Reconciliation,
    /// What the generator used.
    pub generator: GeneratorHealth,
    /// The processes that took part in it. Its windows are counted since each joined, all else is of this iteration only;
    /// indices of iterations within follow from the place, too.
    pub fleet: Fleet,
    /// Whether it ended before its plan did.
    pub interrupted: bool,
}

impl IterationParts {
    /// Judges it by what was to run.
    pub fn judge(&self, plan: &Plan) -> Verdict {
        checks::judge(&JudgeInput {
            plan,
            ledger: &self.ledger,
            measure: &self.phases.measure,
            windows: &self.windows,
            errors: &self.errors,
            generator: &self.generator,
            reconciliation: &self.reconciliation,
            fleet: &self.fleet,
            interrupted: self.interrupted,
        })
    }
}

/// Makes the results: a verdict for each iteration and the worst of them for the run, the totals, the thresholds on the
/// totals, the exit code.
///
/// # Errors
/// When a histogram of an iteration cannot be decoded; that of [`crate::histogram::Histogram::to_latency`] always can.
pub fn assemble(parts: RunParts) -> Result<Results, DecodeError> {
    let mut windows = Vec::new();
    let mut intervals = Vec::new();
    let mut errors = Vec::new();
    let mut judged = Vec::with_capacity(parts.iterations.len());
    let fleet = merge::fleets(parts.iterations.iter().map(|part| (&part.fleet, &part.phases.measure)))?;
    for (index, part) in (1_u32..).zip(parts.iterations) {
        let verdict = part.judge(&parts.plan);
        windows.extend(part.windows.into_iter().map(|window| Window {
            iteration: index,
            ..window
        }));
        intervals.extend(part.intervals.into_iter().map(|interval| IntervalHistograms {
            iteration: index,
            ..interval
        }));
        errors.extend(part.errors);
        judged.push(Iteration {
            index,
            workflow_id_prefix: part.workflow_id_prefix,
            started_at: part.started_at,
            ledger: part.ledger,
            phases: part.phases,
            verdict,
            reconciliation: part.reconciliation,
            generator: part.generator,
        });
    }
    let verdicts: Vec<_> = judged.iter().map(|iteration| iteration.verdict.clone()).collect();
    let verdict = checks::combine(&verdicts);
    let ledger = merge::ledgers(judged.iter().map(|iteration| &iteration.ledger));
    let phases = merge::phases(judged.iter().map(|iteration| &iteration.phases))?;
    let outcome = thresholds::outcome(verdict.value, &parts.plan.thresholds, &phases.measure, parts.signal);
    let (passed, failure_reasons) = legacy::passed(&verdict, &outcome, parts.run.interrupted_by.as_deref());
    Ok(Results {
        schema_version: SCHEMA_VERSION,
        complete: parts.complete,
        timestamp: parts.run.started_at.clone(),
        plan_hash: parts.plan.hash(),
        reconciliation: merge::reconciliations(judged.iter().map(|iteration| &iteration.reconciliation))?,
        generator: merge::generators(judged.iter().map(|iteration| &iteration.generator))
            .unwrap_or_else(|| GeneratorHealth::not_observed("no iteration ran")),
        errors: merge::errors(&errors),
        config: legacy::config(&parts.plan, &fleet),
        fleet,
        results: legacy::results(&ledger, &phases.measure),
        system: legacy::system(&parts.environment),
        thresholds: legacy::thresholds(&parts.plan.thresholds),
        run: parts.run,
        plan: parts.plan,
        environment: parts.environment,
        verdict,
        outcome,
        ledger,
        phases,
        windows,
        intervals,
        server_figures: parts.server_figures,
        // Whoever writes it knows in the end.
        remote_write: None,
        events: parts.events,
        iterations: judged,
        passed,
        failure_reasons,
    })
}

#[cfg(test)]
mod tests {
    use crate::{schema::VerdictValue, testing};

    #[test]
    fn one_iteration_repeats_the_totals() {
        let results = testing::valid();
        let only = &results.iterations[0];
        assert_eq!(only.phases, results.phases);
        assert_eq!(only.ledger, results.ledger);
        assert_eq!(only.verdict, results.verdict);
        assert_eq!(only.reconciliation, results.reconciliation);
        assert!(results.passed, "{:?}", results.failure_reasons);
        assert_eq!(results.outcome.exit_code, 0);
    }

    #[test]
    fn iterations_add_up_and_the_worst_decides() {
        let results = testing::iterations();
        assert_eq!(results.iterations.len(), 3);
        assert_eq!(results.verdict.value, VerdictValue::Overloaded);
        let arrivals: u64 = results
            .iterations
            .iter()
            .map(|iteration| iteration.ledger.arrivals)
            .sum();
        assert_eq!(results.ledger.arrivals, arrivals);
        assert_eq!(results.ledger.broken_identities(), vec![]);
        let samples: u64 = results
            .iterations
            .iter()
            .map(|iteration| iteration.phases.measure.latencies.e2e_response.completed.count)
            .sum();
        assert_eq!(results.phases.measure.latencies.e2e_response.completed.count, samples);
        assert!(results.windows.iter().any(|window| window.iteration == 3));
    }

    #[test]
    fn no_iteration_is_no_measurement() {
        let results = testing::empty();
        assert_eq!(results.verdict.value, VerdictValue::Invalid);
        assert_eq!(results.outcome.exit_code, 3);
        assert!(!results.passed);
    }
}
