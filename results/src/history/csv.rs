//! A history as comma-separated values: one line a run, with the number of its series.

use std::fmt::Write;

use super::History;

const COLUMNS: &str = "series,started_at,run,plan,version,verdict,whole,workload,asked_starts_per_s,completions_per_s,\
start_response_p99_ms,e2e_response_p50_ms,e2e_response_p99_ms,change,file\n";

/// The runs. `change` names the figures that change with this run.
pub(super) fn runs(history: &History) -> String {
    let mut text = COLUMNS.to_owned();
    for series in &history.series {
        for run in &series.runs {
            let figure = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let changes: Vec<&str> = series
                .changes
                .iter()
                .filter(|change| change.run == run.id && change.at == run.started_at)
                .map(|change| change.metric.name())
                .collect();
            let verdict = crate::summary::verdict_word(run.verdict);
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "{},{},{},{},{},{verdict},{},{},{},{},{},{},{},{},{}",
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
                field(&changes.join("; ")),
                field(&run.path.to_string_lossy()),
            );
        }
    }
    text
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
