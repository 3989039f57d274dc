//! `report` and `export`.

use std::path::{Path, PathBuf};

use benchmark_analysis::{
    export::{self as exporting, Format},
    report::{self as reporting, Named},
};
use benchmark_scenarios::{Context, Problem};

use super::{FoundRun, Printed, find, output};
use crate::args::{ExportArgs, ReportArgs, ReportFormat};

/// The page of a run: `report.html` beside a file called as all are, else called as the file.
fn beside(run: &Path) -> PathBuf {
    match run.file_name().and_then(|name| name.to_str()) {
        Some("results.json") => run.with_file_name("report.html"),
        _ => run.with_extension("html"),
    }
}

/// Renders runs as a page, as Markdown and as pictures.
///
/// # Errors
/// When a file cannot be read or written.
pub fn report(options: &ReportArgs) -> Result<Printed, Problem> {
    if options.svg.as_deref().is_some_and(|folder| folder.as_os_str() == "-") {
        return Err(Problem::new("--svg - is no folder, and ten pictures are no stream").remedy("--svg DIR"));
    }
    let found = find(&options.runs)?;
    let mut notes = Vec::new();
    if let Some(folder) = &options.svg {
        notes.extend(pictures(&found, folder)?);
    }
    let runs: Vec<Named<_>> = named(&found);
    let (text, place) = match options.format {
        ReportFormat::Html => {
            let place = || Some(beside(&found.first()?.path));
            (reporting::html(&runs), options.output.clone().or_else(place))
        }
        ReportFormat::Markdown => (reporting::markdown(&runs), options.output.clone()),
    };
    let text = match output::named(place) {
        Some(place) => {
            match options.format {
                ReportFormat::Html => output::write_again(&place, &text)?,
                // Nothing tells a report from what else is Markdown.
                ReportFormat::Markdown => output::write_new(&place, &text)?,
            }
            notes.push(format!("written to {}", place.display()));
            String::new()
        }
        None => text,
    };
    Ok(Printed::text(text).noted(notes))
}

/// Runs with names that are unique: where two are called the same, the later ones are numbered.
pub(super) fn named<'a>(found: impl IntoIterator<Item = &'a FoundRun>) -> Vec<Named<&'a benchmark_results::Results>> {
    let mut runs: Vec<Named<&benchmark_results::Results>> = Vec::new();
    for FoundRun { name, results, .. } in found {
        let mut unique = name.clone();
        let mut number = 1;
        while runs.iter().any(|run| run.name == unique) {
            number += 1;
            unique = format!("{name} ({number})");
        }
        runs.push(Named { name: unique, results });
    }
    runs
}

/// The plots as files; those of several runs in a folder each.
fn pictures(found: &[FoundRun], folder: &Path) -> Result<Vec<String>, Problem> {
    let mut notes = Vec::new();
    for run in named(found) {
        let place: PathBuf = if found.len() == 1 {
            folder.to_owned()
        } else {
            folder.join(&run.name)
        };
        std::fs::create_dir_all(&place).context(format_args!("--svg {} cannot be made", place.display()))?;
        let plots = reporting::svgs(run.results);
        for (name, svg) in &plots {
            output::write_again(&place.join(name), svg)?;
        }
        notes.push(format!("{} plots in {}", plots.len(), place.display()));
    }
    Ok(notes)
}

/// A run in a form that other tools read.
///
/// # Errors
/// When there is no such form, or a file cannot be read or written.
pub fn export(options: &ExportArgs) -> Result<Printed, Problem> {
    let format: Format = options
        .format
        .parse()
        .map_err(|error| Problem::new(format!("--format {error}")))?;
    let found = find(std::slice::from_ref(&options.run))?;
    let text = found
        .iter()
        .map(|found| exporting::export(&found.results, format))
        .collect::<Result<String, _>>()?;
    match output::named(options.output.clone()) {
        Some(path) => {
            output::write_new(&path, &text)?;
            Ok(Printed::note(format!("written to {}", path.display())))
        }
        None => Ok(Printed::text(text)),
    }
}
