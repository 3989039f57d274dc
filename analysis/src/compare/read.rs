//! A side whose figures have been read from its files.

use std::collections::BTreeMap;

use benchmark_results::schema::CheckStatus;

use super::{
    comparison::SideSummary,
    evidence::WithinRun,
    excerpt,
    metric::{self, Metric, Values},
    order,
    refusal::{CompareError, Refusal},
    side::{RunFile, Side},
    within,
};

/// A side whose figures have been read; runs in the order of time.
pub(super) struct Read<'a> {
    pub(super) name: &'a str,
    pub(super) runs: Vec<RunFile<'a>>,
    pub(super) values: Vec<Values>,
    /// The errors within each run: of a single one for all metrics, of several for those that decide.
    pub(super) within: Vec<BTreeMap<Metric, WithinRun>>,
}

impl<'a> Read<'a> {
    pub(super) fn of(side: &'a Side<'a>, primary: &[Metric]) -> Result<Self, CompareError> {
        let runs: Vec<_> = order::by_time(&side.runs)
            .into_iter()
            .map(|index| side.runs[index])
            .collect();
        let damaged = |run: &RunFile, source| {
            let file = run.name.to_owned();
            CompareError::Refused(vec![Refusal::Damaged { file, source }])
        };
        let values = runs
            .iter()
            .map(|run| metric::values(run.results).map_err(|source| damaged(run, source)));
        let values = values.collect::<Result<_, _>>()?;
        let all: Vec<_> = Metric::all().collect();
        let asked = if runs.len() == 1 { &all } else { primary };
        let within = runs.iter().map(|run| {
            let errors = within::errors(run.results, asked).map_err(|source| damaged(run, source))?;
            Ok(errors.into_iter().collect())
        });
        let within = within.collect::<Result<_, CompareError>>()?;
        Ok(Read {
            name: &side.name,
            values,
            within,
            runs,
        })
    }

    /// The values of a metric, run by run, or the first reason why one has none.
    pub(super) fn values_of(&self, metric: Metric) -> Result<Vec<f64>, String> {
        let of_run = |(values, run): (&Values, &RunFile)| match values.get(&metric) {
            Some(Ok(value)) => Ok(*value),
            Some(Err(reason)) => Err(format!("{}: {reason}", run.name)),
            None => Err(format!("{}: not measured", run.name)),
        };
        self.values.iter().zip(&self.runs).map(of_run).collect()
    }

    pub(super) fn summary(&self) -> SideSummary {
        SideSummary {
            name: self.name.to_owned(),
            files: self.runs.iter().map(|run| run.name.to_owned()).collect(),
            runs: self.runs.iter().map(|run| run.results.run.id.clone()).collect(),
            warnings: self.runs.iter().flat_map(warnings).collect(),
        }
    }

    /// Samples of a latency, run by run.
    pub(super) fn samples(&self, metric: Metric) -> Vec<u64> {
        let Some(of) = metric.distribution() else {
            return Vec::new();
        };
        let count = |run: &RunFile| of.of(&run.results.phases.measure.latencies).count;
        self.runs.iter().map(count).collect()
    }
}

/// What a run warns of itself.
fn warnings(run: &RunFile) -> Vec<String> {
    let checks = run.results.verdict.checks.iter();
    checks
        .filter(|check| check.status == CheckStatus::Warning)
        .map(|check| {
            format!(
                "{}: {} {} ({})",
                run.name,
                excerpt::shortened(&check.name),
                excerpt::shortened(&check.value),
                excerpt::shortened(&check.limit)
            )
        })
        .collect()
}
