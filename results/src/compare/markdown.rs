//! A comparison for a pull request.

use std::fmt::Write;

use super::{Candidate, Comparison, Row, Verdict, figures, likeness::Standing, terminal::how};
use crate::format::{NONE, plural};

/// The comparison as Markdown (tables as GitHub reads them), with a line break at its end.
pub fn render_markdown(comparison: &Comparison) -> String {
    let title = figures::warning(comparison).unwrap_or_else(|| figures::outcome(comparison.outcome).to_owned());
    let mut text = format!("**{title}** — {}\n\n", figures::tally(comparison));
    for candidate in &comparison.candidates {
        if comparison.candidates.len() > 1 {
            let _ = writeln!(text, "### {}\n", cell(&candidate.side.name));
        }
        section(&mut text, comparison, candidate);
    }
    for remark in figures::noise(comparison) {
        let _ = writeln!(text, "- Noise: {}", cell(&remark));
    }
    for remark in &comparison.disturbed {
        let _ = writeln!(text, "- **Machine**: {}", cell(remark));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn section(text: &mut String, comparison: &Comparison, candidate: &Candidate) {
    let (baseline, side) = (&comparison.baseline, &candidate.side);
    let head = |name: &str, runs: usize| format!("{} ({})", cell(name), plural(runs as u64, "run"));
    let heads = [
        head(&baseline.name, baseline.runs.len()),
        head(&side.name, side.runs.len()),
    ];
    table(
        text,
        &heads,
        candidate.rows.iter().filter(|row| row.primary),
        figures::word,
    );
    for (about, remark) in figures::remarks(candidate.rows.iter()) {
        let _ = writeln!(text, "- {}: {}", cell(&about), cell(&remark));
    }
    for guard in &candidate.guards {
        let said = cell(&format!("{}: {}", guard.name, guard.text));
        let _ = writeln!(text, "- **Guard {}**: {said}", figures::guard(guard.standing));
    }
    let _ = writeln!(text, "- Runs: {}", how(candidate));
    let _ = writeln!(text, "- Margin: {}", figures::margins(candidate.rows.iter()));
    for (standing, label) in [
        (Standing::OnPurpose, "Differs on purpose"),
        (Standing::Allowed, "Differs besides"),
    ] {
        let differences: Vec<_> = figures::of_standing(&candidate.differences, standing)
            .map(|difference| {
                let (key, values) = figures::difference(difference);
                format!("`{}` {}", key.replace('`', "'"), cell(&values))
            })
            .collect();
        let said = if differences.is_empty() {
            "nothing".to_owned()
        } else {
            differences.join("; ")
        };
        let _ = writeln!(text, "- {label}: {said}");
    }
    text.push_str("\n<details><summary>Exploratory: each for itself, not corrected; decides nothing</summary>\n\n");
    table(
        text,
        &heads,
        candidate.rows.iter().filter(|row| !row.primary),
        figures::short_word,
    );
    text.push_str("</details>\n\n");
}

fn table<'a>(
    text: &mut String,
    heads: &[String; 2],
    rows: impl Iterator<Item = &'a Row>,
    word: fn(Verdict) -> &'static str,
) {
    let _ = writeln!(
        text,
        "| metric | {} | {} | change | 95 % interval | Hodges–Lehmann | verdict |\n|---|--:|--:|--:|:-:|:-:|---|",
        heads[0], heads[1]
    );
    for row in rows {
        let figure = |value: Option<f64>| value.map_or(NONE.into(), |value| row.metric.figure(value));
        let shift = match row.hodges_lehmann {
            Some(shift) => {
                let shift = figures::change(row.metric, Some(shift));
                match &row.hodges_lehmann_interval {
                    Some(interval) => format!("{shift} {}", figures::interval(row.metric, Some(interval))),
                    None => shift,
                }
            }
            None => NONE.into(),
        };
        let verdict = format!("{} {}", figures::mark(row), word(row.verdict));
        let decided = row.primary && matches!(row.verdict, Verdict::Improved | Verdict::Regressed);
        let strong = if decided { "**" } else { "" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {shift} | {strong}{}{strong} |",
            row.metric.label(),
            figure(row.baseline),
            figure(row.value),
            figures::change(row.metric, row.change),
            figures::interval(row.metric, row.interval.as_ref()),
            verdict.trim_end(),
        );
    }
    text.push('\n');
}

/// Text of a file or of an environment that must not become markup.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' => {
                cell.push('\\');
                cell.push(character);
            }
            '<' => cell.push_str("&lt;"),
            '>' => cell.push_str("&gt;"),
            '&' => cell.push_str("&amp;"),
            other => cell.push(other),
        }
    }
    cell
}
