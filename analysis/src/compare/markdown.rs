//! A comparison for a pull request.

use std::fmt::Write;

use benchmark_results::format::{NONE, plural};

use super::{
    cells,
    comparable::Standing,
    comparison::{Candidate, Comparison, MetricRow},
    figures,
    terminal::how,
};
use crate::markdown::escape;

/// The comparison as Markdown (tables as GitHub reads them), with a line break at its end.
pub fn render_markdown(comparison: &Comparison) -> String {
    let (words, why, _) = figures::banner(comparison);
    let title = comparison.warning().unwrap_or(words);
    let mut text = format!("**{title}** — {why}\n\n");
    for candidate in &comparison.candidates {
        if comparison.candidates.len() > 1 {
            let _ = writeln!(text, "### {}\n", escape(&candidate.side.name));
        }
        section(&mut text, comparison, candidate);
    }
    if let Some(remark) = figures::looking_again(comparison) {
        let _ = writeln!(text, "- More runs: {remark}");
    }
    for remark in figures::noise(comparison) {
        let _ = writeln!(text, "- Noise: {}", escape(&remark));
    }
    for remark in &comparison.disturbed {
        let _ = writeln!(text, "- **Machine**: {}", escape(remark));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn section(text: &mut String, comparison: &Comparison, candidate: &Candidate) {
    let (baseline, side) = (&comparison.baseline, &candidate.side);
    let head = |name: &str, runs: usize| format!("{} ({})", escape(name), plural(runs as u64, "run"));
    let heads = [
        head(&baseline.name, baseline.runs.len()),
        head(&side.name, side.runs.len()),
    ];
    table(
        text,
        &heads,
        candidate.rows.iter().filter(|row| row.primary),
        ("verdict", verdict),
    );
    for (about, remark) in figures::remarks(candidate.rows.iter()) {
        let _ = writeln!(text, "- {}: {}", escape(&about), escape(&remark));
    }
    for guard in &candidate.guards {
        let said = escape(&format!("{}: {}", guard.name, guard.text));
        let _ = writeln!(text, "- **Guard {}**: {said}", figures::guard(guard.standing));
    }
    let _ = writeln!(text, "- Runs: {}", how(candidate));
    let _ = writeln!(text, "- Margin: {}", figures::margins(candidate.rows.iter()));
    for said in candidate.gate.iter().flat_map(figures::gate) {
        let _ = writeln!(text, "- Gate: {said}");
    }
    if let Some(resolution) = &candidate.resolution {
        let _ = writeln!(text, "- Resolution: {resolution}");
    }
    for without in candidate
        .rows
        .iter()
        .filter_map(|row| Some((row, figures::without_odd(row)?)))
    {
        let (row, said) = without;
        let _ = writeln!(text, "- {}: {}", row.metric.label(), escape(&said));
    }
    for (standing, label) in [
        (Standing::OnPurpose, "Differs on purpose"),
        (Standing::Allowed, "Differs besides"),
    ] {
        let differences: Vec<_> = figures::of_standing(&candidate.differences, standing)
            .map(|difference| {
                let (key, values) = figures::difference(difference);
                format!("`{}` {}", key.replace('`', "'"), escape(&values))
            })
            .collect();
        let said = if differences.is_empty() {
            "nothing".to_owned()
        } else {
            differences.join("; ")
        };
        let _ = writeln!(text, "- {label}: {said}");
    }
    let _ = writeln!(text, "\n<details><summary>{}</summary>\n", cells::EXPLORATORY);
    table(
        text,
        &heads,
        candidate.rows.iter().filter(|row| !row.primary),
        ("", hint),
    );
    text.push_str("</details>\n\n");
}

fn table<'a>(
    text: &mut String,
    heads: &[String; 2],
    rows: impl Iterator<Item = &'a MetricRow>,
    (last, said): (&str, fn(&MetricRow) -> String),
) {
    let _ = writeln!(
        text,
        "| metric | {} | {} | change | absolute | interval | confidence | p | n | {last} |\n|---|{}---|",
        heads[0],
        heads[1],
        "--:|".repeat(8)
    );
    for row in rows {
        let figure = |value: Option<f64>| value.map_or(NONE.into(), |value| row.metric.figure(value));
        let cells = [
            row.metric.label(),
            figure(row.baseline),
            figure(row.value),
            figures::change(row.metric, row.change),
            cells::absolute(row),
            figures::interval(row.metric, row.interval.as_ref()),
            cells::confidence(row),
            cells::p(row).replace('<', "&lt;"),
            cells::runs(row),
            said(row),
        ];
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push('\n');
}

fn hint(row: &MetricRow) -> String {
    cells::hint(row).to_owned()
}

/// The verdict of a row that decides.
fn verdict(row: &MetricRow) -> String {
    let said = format!("{} {}", figures::mark(row), figures::word(row.verdict));
    if row.verdict.differs() {
        format!("**{said}**")
    } else {
        said
    }
}
