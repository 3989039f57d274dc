//! A history as comma-separated values: one line a run, with the number of its series.

use std::fmt::Write;

use benchmark_results::schema::VerdictValue;

use super::{Change, History, RunRow, RunSeries};

const COLUMNS: &str = "series,started_at,run,plan,version,verdict,whole,workload,asked_starts_per_s,completions_per_s,\
start_response_p99_ms,e2e_response_p50_ms,e2e_response_p99_ms,error_ratio,seed,plan_key,change,withheld,file\n";

/// The runs. `change` names the figures that change with this run, with a question mark where it may be this one. Figures of
/// INVALID runs are not the cluster's: they are withheld, and the column of that name says so.
pub(super) fn runs(history: &History) -> String {
    let mut text = COLUMNS.to_owned();
    for series in &history.series {
        for run in &series.runs {
            let withheld = run.verdict == VerdictValue::Invalid;
            let figure = |value: Option<f64>| figure(value.filter(|_| !withheld));
            let changes: Vec<String> = series
                .changes
                .iter()
                .filter_map(|change| named(series, change, run))
                .collect();
            let verdict = benchmark_results::summary::verdict_word(run.verdict);
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "{},{},{},{},{},{verdict},{},{},{},{},{},{},{},{},{},{},{},{withheld},{}",
                series.number,
                run.started_at,
                field(&run.id),
                run.plan_hash,
                field(&run.version),
                run.whole,
                run.workload,
                run.rate,
                figure(run.throughput),
                figure(run.start_p99),
                figure(run.e2e_p50),
                figure(run.e2e_p99),
                figure(run.error_ratio),
                run.seed(),
                run.plan_key,
                field(&changes.join("; ")),
                field(&run.path.to_string_lossy()),
            );
        }
    }
    text
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The figure of a change, where it begins with this run or may.
fn named(series: &RunSeries, change: &Change, run: &RunRow) -> Option<String> {
    let place = |id: &String| series.runs.iter().position(|run| run.id == *id);
    let (first, last) = (place(&change.range.0)?, place(&change.range.1)?);
    let here = series.runs.iter().position(|other| std::ptr::eq(other, run))?;
    let name = change.metric.name();
    let belongs = run.counts() && change.metric.of(run).is_some();
    (belongs && (first..=last).contains(&here)).then(|| match first == last {
        true => name.to_owned(),
        false => format!("{name}?"),
    })
}

/// A text as one field. One that a spreadsheet would take for a formula gets an apostrophe in front of it.
fn field(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
