//! A short report for a repository: verdict, figures, problems. All untrusted text is escaped.

use std::fmt::Write;

use benchmark_results::{
    Results,
    diagnosis::{self, Diagnosis},
    format,
    schema::{CheckStatus, VerdictValue},
    summary::cut_short,
};

use super::{
    figures,
    scene::Named,
    text::{command, is_web, makes_a_series, short},
    theme,
};
use crate::markdown::escape;

/// Longest text of a check that is shown, characters.
const TEXT: usize = 400;

/// The report of these runs.
pub(super) fn render(runs: &[Named<&Results>]) -> String {
    let mut out = String::new();
    match runs {
        [] => out += "There is no result to report.\n",
        [only] => one(&mut out, only.results),
        _ => several(&mut out, runs),
    }
    out
}

fn one(out: &mut String, results: &Results) {
    let (word, ..) = theme::verdict(results.verdict.value);
    let _ = writeln!(out, "# {}\n", plain(&results.run.id, 80));
    let _ = writeln!(out, "**{word}**: {}\n", plain(&results.verdict.headline, TEXT));
    if let Some(ended) = cut_short(results) {
        let _ = writeln!(out, "The run was {}.\n", plain(&ended, 160));
    }
    if results.verdict.value != VerdictValue::Invalid {
        rows(
            out,
            &[Named {
                name: results.run.id.clone(),
                results,
            }],
        );
        latencies(out, results);
    }
    bottleneck(out, results);
    checks(out, results);
    thresholds(out, results);
    if let Some(url) = results.run.dashboard_url.as_deref().filter(|url| is_web(url)) {
        let _ = writeln!(out, "[This run on its board in Grafana](<{url}>)\n");
    }
    if !results.run.command.is_empty() {
        // Indented code needs no fence that the command could end.
        let whole = if makes_a_series(&results.run.command) {
            ", with the whole series that it is one of"
        } else {
            ""
        };
        let _ = writeln!(out, "Run it again{whole} (plan {}):\n", results.plan_hash.short());
        let _ = writeln!(out, "    {}\n", short(&command(&results.run.command), 4_000));
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
}

fn several(out: &mut String, runs: &[Named<&Results>]) {
    let _ = writeln!(out, "# {} runs\n", runs.len());
    rows(out, runs);
    for run in runs {
        let (word, ..) = theme::verdict(run.results.verdict.value);
        let _ = writeln!(out, "## {}\n", plain(&run.name, 80));
        let _ = writeln!(out, "**{word}**: {}\n", plain(&run.results.verdict.headline, TEXT));
        bottleneck(out, run.results);
        checks(out, run.results);
        thresholds(out, run.results);
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
}

fn rows(out: &mut String, runs: &[Named<&Results>]) {
    let name = runs.len() > 1;
    let first = if name { "| run | verdict " } else { "" };
    let _ = writeln!(
        out,
        "{first}| asked | started | completed | start p50 | start p99 | e2e p50 | e2e p99 | errors |"
    );
    let _ = writeln!(out, "{}|{}", if name { "|---|---" } else { "" }, "--:|".repeat(8));
    for run in runs {
        if name {
            let (word, ..) = theme::verdict(run.results.verdict.value);
            let _ = write!(out, "| {} | {word} ", plain(&run.name, 60));
        }
        let _ = writeln!(out, "| {} |", figures::row(run.results).join(" | "));
    }
    out.push('\n');
}

fn latencies(out: &mut String, results: &Results) {
    let _ = writeln!(
        out,
        "| latency | p50 | p90 | p99 | p99.9 | max | samples |\n|---|{}",
        "--:|".repeat(6)
    );
    for (name, latency) in figures::named(&results.phases.measure.latencies_of_accepted()) {
        let values = [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max].map(format::maybe_ms);
        let _ = writeln!(
            out,
            "| {name} | {} | {} |",
            values.join(" | "),
            format::count(latency.count)
        );
    }
    out.push('\n');
}

/// What kept the run from being faster, where the server's figures were read.
fn bottleneck(out: &mut String, results: &Results) {
    if results.server_figures.is_empty() {
        return;
    }
    match diagnosis::diagnose(results) {
        Diagnosis::NotAsked => {}
        Diagnosis::Unknown(reason) => {
            let _ = writeln!(out, "Bottleneck not known: {}\n", plain(&reason, TEXT));
        }
        Diagnosis::Nothing => {
            let _ = writeln!(out, "Bottleneck: {}\n", diagnosis::NOTHING);
        }
        Diagnosis::Found(findings) => {
            for finding in findings {
                let _ = writeln!(
                    out,
                    "- **{}**: {} → {}",
                    plain(&finding.headline, TEXT),
                    plain(&finding.evidence.join("; "), TEXT),
                    plain(&finding.remedy, TEXT)
                );
            }
            out.push('\n');
        }
    }
}

fn checks(out: &mut String, results: &Results) {
    let checks = || results.verdict.checks.iter().take(200);
    let passed = checks().filter(|check| check.status == CheckStatus::Pass).count();
    let mut problems: Vec<_> = checks().filter(|check| check.status >= CheckStatus::Warning).collect();
    problems.sort_by_key(|check| std::cmp::Reverse(check.status));
    for check in &problems {
        let (word, ..) = theme::status(check.status);
        let name = plain(&check.name.replace('-', " "), 60);
        let _ = write!(
            out,
            "- **{name}** ({word}): {}; limit {}",
            plain(&check.value, TEXT),
            plain(&check.limit, TEXT)
        );
        if !check.remedy.is_empty() {
            let _ = write!(out, " → {}", plain(&check.remedy, TEXT));
        }
        out.push('\n');
    }
    if passed > 0 {
        let _ = writeln!(out, "- {} passed", format::plural(passed as u64, "check"));
    }
    if passed > 0 || !problems.is_empty() {
        out.push('\n');
    }
}

fn thresholds(out: &mut String, results: &Results) {
    if results.verdict.value == VerdictValue::Invalid || results.outcome.thresholds.is_empty() {
        return;
    }
    let _ = writeln!(out, "| threshold | | measured | asked |\n|---|---|---|---|");
    for threshold in results.outcome.thresholds.iter().take(50) {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            plain(&threshold.name, 60),
            if threshold.met { "met" } else { "**not met**" },
            plain(&threshold.measured, TEXT),
            plain(&threshold.required, TEXT)
        );
    }
    out.push('\n');
}

/// Text that is text, in one line of at most so many characters.
fn plain(text: &str, most: usize) -> String {
    escape(&short(text, most))
}
