//! Bottleneck: what kept the run from being faster, where the server's figures were read.

use super::{Out, WIDTH};
use crate::{
    diagnosis::{self, Diagnosis},
    format::{self, wrap},
    schema::{Results, ServerFigure},
    text,
};

/// Column at which what was found begins.
const TEXT: usize = 15;
/// Longest reason that is shown, characters.
const REASON: usize = 240;

pub(super) fn findings(out: &mut Out, results: &Results) {
    let said = match diagnosis::diagnose(results) {
        Diagnosis::NotAsked => return,
        Diagnosis::Unknown(reason) => vec![format!("not known: {}", text::line(&reason, REASON))],
        Diagnosis::Nothing => {
            let source = diagnosis::source(results).map_or(String::new(), |source| format!(" ({source})"));
            let mut said = vec![format!("{}{}", diagnosis::NOTHING, text::line(&source, REASON))];
            said.extend(problem(results));
            said
        }
        Diagnosis::Found(findings) => {
            let each = findings.iter().map(|finding| {
                format!(
                    "{}: {} -> {}",
                    finding.headline,
                    finding.evidence.join("; "),
                    finding.remedy
                )
            });
            each.chain(problem(results)).collect()
        }
    };
    for (index, said) in said.iter().enumerate() {
        let label = if index == 0 { "  bottleneck" } else { "" };
        out.line(&wrap(&format!("{label:<TEXT$}"), TEXT + 2, said, WIDTH));
    }
    out.blank();
}

/// The figures, one a line, under the window that they are of.
pub(super) fn figures(out: &mut Out, results: &Results) {
    for figures in &results.server_figures {
        let of = match results.server_figures.len() {
            1 => String::new(),
            _ => format!("iteration {}: ", figures.iteration),
        };
        let window = format!(
            "  {of}{} from {}",
            format::length(figures.seconds),
            text::line(&figures.started_at, REASON)
        );
        out.line(&window);
        for figure in &figures.figures {
            let name = format!("  {:<36} ", text::line(&named(figure), REASON));
            let value = match (figure.value, &figure.reason) {
                (Some(_), _) => figure.shown(),
                (None, reason) => text::line(reason.as_deref().unwrap_or(format::NONE), REASON),
            };
            out.line(&wrap(&name, 39, &value, WIDTH));
        }
        out.blank();
    }
}

fn named(figure: &ServerFigure) -> String {
    let labels: Vec<&str> = figure.labels.values().map(String::as_str).collect();
    match labels[..] {
        [] => figure.name.clone(),
        _ => format!("{} ({})", figure.name, labels.join(", ")),
    }
}

/// What stood in the way of a part of the figures.
fn problem(results: &Results) -> Option<String> {
    let problem = results
        .server_figures
        .iter()
        .find_map(|figures| figures.problems.first())?;
    Some(format!("not all is known: {}", text::line(problem, REASON)))
}
