//! What kept the run from being faster, where the server's figures were read.

use super::{Out, WIDTH};
use crate::{
    diagnosis::{self, Diagnosis},
    format::wrap,
    schema::Results,
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

/// What stood in the way of a part of the figures.
fn problem(results: &Results) -> Option<String> {
    let problem = results
        .server_figures
        .iter()
        .find_map(|figures| figures.problems.first())?;
    Some(format!("not all is known: {}", text::line(problem, REASON)))
}
