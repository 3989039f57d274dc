//! `show` and `history`.

use benchmark_analysis::history::{self, Filter};
use benchmark_analysis::limits::CHANGES_MIN_RUNS;
use benchmark_generator::view::grafana;
use benchmark_results::summary::{self, Style};
use benchmark_scenarios::{Asked, Key, Problem, resolve_grafana};

use super::{FoundRun, Printed, find_one};
use crate::args::{HistoryArgs, HistoryFormat, ShowArgs};

/// The same summary as at the end of a run.
///
/// # Errors
/// When an option is not allowed, or the file cannot be read.
pub fn show(options: &ShowArgs, style: Style) -> Result<Printed, Problem> {
    let grafana = resolve_grafana(&Asked::typed([(Key::GrafanaUrl, options.grafana_url.as_ref())]))?;
    let FoundRun { path, mut results, .. } = find_one(&options.run)?;
    if let Some(base) = grafana {
        results.run.dashboard_url = Some(grafana::link(&base, &results.run, &results.plan));
    }
    Ok(Printed::text(summary::render(&results, Some(&path), style)))
}

/// All runs below a folder. Exit code 1 when it is asked for and a figure is worse than it was.
///
/// # Errors
/// When the folder cannot be read or the filter makes no sense.
pub fn history(options: &HistoryArgs, style: Style) -> Result<Printed, Problem> {
    let flag = |name: &str, error: &dyn std::fmt::Display| Problem::new(format!("{name} {error}"));
    let filter = Filter {
        plan: options.plan.clone(),
        version: options.program_version.clone(),
        verdict: options
            .verdict
            .as_deref()
            .map(history::parse_verdict)
            .transpose()
            .map_err(|error| flag("--verdict", &error))?,
        since: options
            .since
            .as_deref()
            .map(history::parse_since)
            .transpose()
            .map_err(|error| flag("--since", &error))?,
        workload: options.workflow_type.clone(),
    };
    let history = history::history(&options.folder, &filter)?;
    let text = match options.format {
        HistoryFormat::Terminal => history.render(style),
        HistoryFormat::Csv => history.to_csv(),
        HistoryFormat::Json => history.to_json()?,
    };
    let mut printed = Printed::text(text);
    if options.fail_on_change {
        printed.exit_code = history.is_worse().into();
        // Nothing found is no pass where nothing was looked for.
        printed.note = (!history.is_looked_at()).then(|| {
            format!(
                "no change was looked for: no series has {CHANGES_MIN_RUNS} runs with a figure that can be looked at"
            )
        });
    }
    Ok(printed)
}
