//! Summary that a person reads at the end of a run, from the results alone: verdict before figures, asked beside
//! achieved, response beside service, every problem with its remedy, 80 columns.

mod account;
mod bottleneck;
mod figures;
mod fleet;
mod problems;
mod style;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use style::Style;
pub use style::word as verdict_word;

use crate::{
    format::{length, push_lines, wrap},
    schema::{CheckStatus, Results, VerdictValue},
};

/// Columns of the summary.
const WIDTH: usize = 80;

/// The verdict in one line, and what was not reached: all that `--quiet` prints. Without a line break at its end.
pub fn verdict_line(results: &Results, style: Style) -> String {
    let verdict = &results.verdict;
    let mut line = format!("{}   {}", style.verdict(verdict.value), verdict.headline);
    if let Some(ended) = cut_short(results) {
        line += &format!("; {ended}");
    }
    if verdict.value != VerdictValue::Invalid {
        let missed = results.outcome.thresholds.iter().filter(|threshold| !threshold.met);
        for (index, threshold) in missed.enumerate() {
            line += if index == 0 { "; missed: " } else { ", " };
            line += &threshold.name;
        }
    }
    line
}

/// The whole summary, with a line break at its end. `file` is where the results were written.
///
/// The latencies and the throughput of an INVALID run are not shown: they would be read as the cluster's.
pub fn render(results: &Results, file: Option<&Path>, style: Style) -> String {
    let mut out = Out::new(style);
    headline(&mut out, results);
    let invalid = results.verdict.value == VerdictValue::Invalid;
    if invalid {
        problems::at(&mut out, results, CheckStatus::Invalid);
        problems::at(&mut out, results, CheckStatus::Overloaded);
    } else {
        problems::at(&mut out, results, CheckStatus::Overloaded);
        figures::rates(&mut out, results);
        figures::latencies(&mut out, results);
        figures::iterations(&mut out, results);
        bottleneck::findings(&mut out, results);
    }
    fleet::members(&mut out, results);
    account::ledger(&mut out, results);
    problems::at(&mut out, results, CheckStatus::Warning);
    account::outcome(&mut out, results);
    account::whereabouts(&mut out, results, file);
    out.text
}

/// What kept the run from being faster, and the server's figures that tell so, with a line break at its end.
pub fn render_diagnosis(results: &Results, style: Style) -> String {
    let mut out = Out::new(style);
    headline(&mut out, results);
    bottleneck::findings(&mut out, results);
    bottleneck::figures(&mut out, results);
    out.text
}

/// How a run ended before its plan did, where it did: by a signal, or by something that is told in a sentence.
pub fn cut_short(results: &Results) -> Option<String> {
    ended_early(results, "")
}

/// The same, and after how much of what was to be measured.
pub fn cut_short_after(results: &Results) -> Option<String> {
    let planned = results.plan.measure_duration().as_secs_f64() * f64::from(results.plan.iterations);
    let measured = results.phases.measure.seconds;
    ended_early(
        results,
        &format!(" after {} of {} measured", length(measured), length(planned)),
    )
}

fn ended_early(results: &Results, after: &str) -> Option<String> {
    let cause = results.run.interrupted_by.as_ref()?;
    Some(match cause.starts_with("SIG") {
        true => format!("interrupted by {cause}{after}"),
        false => format!("ended early{after}: {cause}"),
    })
}

fn headline(out: &mut Out, results: &Results) {
    let verdict = &results.verdict;
    let word = style::word(verdict.value);
    let indent = word.len() + 3;
    let text = wrap(&format!("{word}   "), indent, &verdict.headline, WIDTH);
    let painted = out.style.verdict(verdict.value);
    out.line(&text.replacen(word, &painted, 1));
    if let Some(ended) = cut_short_after(results) {
        out.line(&wrap("  ", 2, &ended, WIDTH));
    }
    if !results.complete {
        out.line("  partial: the run was going on, or was killed, when this was written");
    }
    out.blank();
}

/// The text so far.
struct Out {
    text: String,
    style: Style,
}

impl Out {
    fn new(style: Style) -> Self {
        Out {
            text: String::new(),
            style,
        }
    }

    /// Adds a line, or several that are broken already, without spaces at their ends.
    fn line(&mut self, text: &str) {
        push_lines(&mut self.text, text);
    }

    /// Adds an empty line, unless there is one.
    fn blank(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}
