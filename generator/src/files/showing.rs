//! `show` and `history`.

use benchmark_results::{
    file,
    history::{self, Filter},
    summary::Style,
};
use benchmark_scenarios::Problem;

use super::{Printed, found::meant};
use crate::args::{HistoryArgs, HistoryFormat, ShowArgs};

/// The same summary as at the end of a run.
///
/// # Errors
/// When the file cannot be read.
pub fn show(options: &ShowArgs, style: Style) -> Result<Printed, Problem> {
    file::show(&meant(&options.run), style)
        .map(Printed::text)
        .map_err(|error| Problem::new(error.to_string()))
}

/// All runs below a folder.
///
/// # Errors
/// When the folder cannot be read or the filter makes no sense.
pub fn history(options: &HistoryArgs, style: Style) -> Result<Printed, Problem> {
    let wrong = |error: &dyn std::fmt::Display| Problem::new(error.to_string());
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
    let history = history::history(&options.folder, &filter).map_err(|error| wrong(&error))?;
    let text = match options.format {
        HistoryFormat::Terminal => history.render(style),
        HistoryFormat::Csv => history.to_csv(),
        HistoryFormat::Json => history.to_json().map_err(|error| wrong(&error))?,
    };
    Ok(Printed::text(text))
}
