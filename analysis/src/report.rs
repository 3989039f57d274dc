//! A run as a page, as pictures, as a few lines of Markdown: rendered from results files alone, years later.
//!
//! Plots are SVG, written here: scales, axes, lines and cells are a few hundred lines, stretch to any width without a
//! script, are themed by the page's style sheet and cost 10 to 130 KB each. A plotting crate would bring fixed sizes and
//! fonts, or a script of half a megabyte. `maud` makes the markup: what it takes from results is escaped, always.
//!
//! Sizes are bounded whatever the file holds: time is gathered into at most 320 columns, of which the lowest and the
//! highest second are kept; tables have at most 120 rows; lists end with the number of what they leave out.

mod bottleneck;
mod comparison;
mod course;
mod environment;
mod errors_and_events;
mod figures;
mod flow;
mod heat;
mod judgement;
mod markdown;
mod members;
mod over_time;
mod page;
mod path;
mod percentiles;
mod plot;
mod pooled;
mod scale;
mod scene;
mod shift;
mod sides;
mod strip;
#[cfg(test)]
mod tests;
mod text;
mod theme;

use std::borrow::Borrow;

use benchmark_results::schema::Results;

pub use self::scene::Named;
use self::{
    scene::{Of, Scene},
    sides::Compared,
};
use crate::compare::Comparison;

/// Runs that are drawn over one another at most: as many colours as can be told apart.
pub const RUNS: usize = theme::SERIES;

/// The report as one HTML document that needs nothing else: no network, no other file. Several runs are drawn over one
/// another; beyond [`RUNS`] of them the rest is left out and the page says so.
pub fn html<T: Borrow<Results>>(runs: &[Named<T>]) -> String {
    let borrowed = runs.iter().take(RUNS).map(borrow);
    page::document(&Scene::of(borrowed), runs.len().saturating_sub(RUNS), None)
}

/// The same with a comparison of these runs at its top, the baseline's first. Runs of a side have the same colour; those that
/// are drawn over one another are taken from each side in turn, the rest of the page is of all.
pub fn comparison_html<T: Borrow<Results>>(comparison: &Comparison, runs: &[Named<T>]) -> String {
    let compared = Compared::of(comparison, runs.iter().map(borrow));
    let drawn = compared.in_turn();
    let left_out = compared.count() - drawn.len();
    page::document(&Scene::coloured(drawn), left_out, Some(&compared))
}

/// The plots of a run as SVG files in the light theme: name of the file, such as `rates.svg`, and its content.
pub fn svgs(results: &Results) -> Vec<(String, String)> {
    let scene = Scene::of([Named {
        name: results.run.id.clone(),
        results,
    }]);
    let plots = [
        over_time::rates(&scene),
        over_time::completions(&scene),
        over_time::backlog(&scene),
        heat::map(&scene, 0, Of::End),
        heat::map(&scene, 0, Of::Start),
        percentiles::plot(&scene, None, Of::End),
        percentiles::plot(&scene, None, Of::Start),
        over_time::lag(&scene),
        errors_and_events::plot(&scene),
    ];
    let mut files: Vec<(String, String)> = plots
        .iter()
        .map(|plot| (format!("{}.svg", plot.id), plot.picture()))
        .collect();
    files.push(("ledger.svg".to_owned(), flow::picture(results)));
    files
}

/// The report as Markdown for a repository or a pull request: verdict, figures, problems with their remedies, how to run
/// it again. Small, and without pictures.
pub fn markdown<T: Borrow<Results>>(runs: &[Named<T>]) -> String {
    let borrowed: Vec<Named<&Results>> = runs.iter().map(borrow).collect();
    markdown::render(&borrowed)
}

fn borrow<T: Borrow<Results>>(run: &Named<T>) -> Named<&Results> {
    Named {
        name: run.name.clone(),
        results: run.results.borrow(),
    }
}
