//! A comparison for the terminal: 80 columns, readable without colour.

use benchmark_results::{
    format::{self, plural, push_lines, wrap},
    summary::Style,
};

use super::{
    cells,
    comparable::Standing,
    comparison::{Candidate, Comparison, GuardStanding, MetricRow, SideSummary},
    decide::MetricVerdict,
    evidence::Method,
    figures::{self, Tone},
    order::Arrangement,
};

/// Columns.
const WIDTH: usize = 80;
/// Column at which texts under the table begin.
const TEXT: usize = 21;
/// Longest name of a side that stands at the head of its column.
const LONGEST_HEAD: usize = 9;
/// Candidates that stand side by side.
const ABREAST: usize = 3;

/// The whole comparison, with a line break at its end.
pub fn render_terminal(comparison: &Comparison, style: Style) -> String {
    let mut out = Out {
        text: String::new(),
        style,
    };
    if let Some(warning) = comparison.warning() {
        let warning = out.paint("1;33", &warning);
        out.line(&warning);
        out.blank();
    }
    match comparison.candidates.as_slice() {
        [candidate] => out.pair(comparison, candidate),
        candidates => out.columns(comparison, candidates),
    }
    for remark in figures::noise(comparison) {
        out.labelled("noise", &remark);
    }
    for remark in &comparison.disturbed {
        out.marked("1;33", "machine", remark);
    }
    out.verdict(comparison);
    out.text
}

struct Out {
    text: String,
    style: Style,
}

impl Out {
    fn line(&mut self, text: &str) {
        push_lines(&mut self.text, text);
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color && !text.trim().is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A verdict in the colour of its direction.
    fn painted(&self, verdict: MetricVerdict, text: &str) -> String {
        match verdict {
            MetricVerdict::Improved | MetricVerdict::SlightlyBetter => self.paint("32", text),
            MetricVerdict::Regressed => self.paint("1;31", text),
            MetricVerdict::SlightlyWorse | MetricVerdict::Open => self.paint("33", text),
            MetricVerdict::Equivalent | MetricVerdict::NoVerdict => text.to_owned(),
        }
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let first = format!("{label:<width$}", width = TEXT);
        self.line(&wrap(&first, TEXT, text, WIDTH));
    }

    /// The same with its label in colour.
    fn marked(&mut self, code: &str, label: &str, text: &str) {
        let text = wrap(&format!("{label:<TEXT$}"), TEXT, text, WIDTH);
        self.line(&text.replacen(label, &self.paint(code, label), 1));
    }

    /// Names that are too long for a column, in full.
    fn names(&mut self, sides: &[(&str, &SideSummary)]) {
        let long: Vec<_> = sides
            .iter()
            .filter(|(_, side)| side.name.chars().count() > LONGEST_HEAD)
            .collect();
        for (head, side) in &long {
            self.labelled(head, &side.name);
        }
        if !long.is_empty() {
            self.blank();
        }
    }

    /// One candidate, with its intervals.
    fn pair(&mut self, comparison: &Comparison, candidate: &Candidate) {
        let (baseline, side) = (&comparison.baseline, &candidate.side);
        self.names(&[("baseline", baseline), ("new", side)]);
        let (first, second) = (head(baseline, "baseline"), head(side, "new"));
        self.line(&columns(["", &first, &second, "change", "interval"]));
        let runs = |side: &SideSummary| plural(side.runs.len() as u64, "run");
        self.line(&self.dim(&columns(["", &runs(baseline), &runs(side), "", ""])));
        for row in candidate.rows.iter().filter(|row| row.primary) {
            let verdict = format!("{} {}", figures::mark(row), figures::word(row.verdict));
            let verdict = self.painted(row.verdict, &verdict);
            self.row(row, &verdict);
            if let Some(evidence) = figures::evidence(row) {
                self.detail(&evidence);
            }
            let of_sides = [
                (&first, figures::values(row, &row.baseline_values, |odd| &odd.baseline)),
                (&second, figures::values(row, &row.values, |odd| &odd.values)),
            ];
            for (name, values) in of_sides {
                if let Some(values) = values {
                    self.detail(&format!("{name}: {values}"));
                }
            }
            if let Some(without) = figures::without_odd(row) {
                self.detail(&without);
            }
        }
        for (about, text) in figures::remarks(candidate.rows.iter()) {
            self.line(&wrap("  ", 4, &format!("{about}: {text}"), WIDTH));
        }
        self.guards(candidate);
        self.blank();
        self.line(&self.dim(cells::EXPLORATORY));
        for row in candidate.rows.iter().filter(|row| !row.primary) {
            let word = self.dim(cells::hint(row));
            self.row(row, &word);
        }
        self.blank();
        self.differences(candidate);
        self.labelled("runs", &how(candidate));
        self.labelled("margin", &figures::margins(candidate.rows.iter()));
        self.told(candidate);
    }

    /// A line under a row.
    fn detail(&mut self, text: &str) {
        let text = wrap("  ", 4, text, WIDTH);
        self.line(&self.dim(&text));
    }

    /// What is to be told of a candidate besides its rows: the gate, and what such runs can tell.
    fn told(&mut self, candidate: &Candidate) {
        let mut label = "gate";
        for said in candidate.gate.iter().flat_map(figures::gate) {
            self.labelled(label, &said);
            label = "";
        }
        if let Some(resolution) = &candidate.resolution {
            self.labelled("resolution", &resolution.to_string());
        }
    }

    fn row(&mut self, row: &MetricRow, verdict: &str) {
        let figure = |value: Option<f64>| value.map_or(format::NONE.into(), |value| row.metric.figure(value));
        let text = columns([
            &row.metric.label(),
            &figure(row.baseline),
            &figure(row.value),
            &figures::change(row.metric, row.change),
            &figures::interval(row.metric, row.interval.as_ref()),
        ]);
        self.line(&format!("{text} {verdict}"));
    }

    fn guards(&mut self, candidate: &Candidate) {
        for guard in &candidate.guards {
            let label = format!("guard {}", figures::guard(guard.standing));
            let code = match guard.standing {
                GuardStanding::Worse => "1;31",
                GuardStanding::Better => "32",
                GuardStanding::Open => "33",
            };
            self.marked(code, &label, &format!("{}: {}", guard.name, guard.text));
        }
    }

    fn differences(&mut self, candidate: &Candidate) {
        for (standing, label) in [
            (Standing::OnPurpose, "differs on purpose"),
            (Standing::Allowed, "differs besides"),
        ] {
            let mut label = label;
            for difference in figures::of_standing(&candidate.differences, standing) {
                let (key, values) = figures::difference(difference);
                if key.chars().count() + 1 + values.chars().count() <= WIDTH - TEXT {
                    self.labelled(label, &format!("{key} {values}"));
                } else {
                    self.labelled(label, &key);
                    self.labelled("", &values);
                }
                label = "";
            }
            if !label.is_empty() {
                self.labelled(label, "nothing");
            }
        }
    }

    /// Several candidates, a column each.
    fn columns(&mut self, comparison: &Comparison, candidates: &[Candidate]) {
        let heads: Vec<_> = (1..)
            .map(|number| format!("run {number}"))
            .take(candidates.len())
            .collect();
        let mut names = vec![("baseline", &comparison.baseline)];
        names.extend(
            heads
                .iter()
                .map(String::as_str)
                .zip(candidates.iter().map(|candidate| &candidate.side)),
        );
        self.names(&names);
        let heads: Vec<_> = candidates
            .iter()
            .zip(&heads)
            .map(|(candidate, other)| head(&candidate.side, other))
            .collect();
        for (candidates, heads) in candidates.chunks(ABREAST).zip(heads.chunks(ABREAST)) {
            self.abreast(comparison, candidates, heads);
        }
        for (candidate, head) in candidates.iter().zip(heads) {
            self.labelled(&head, &how(candidate));
            for (about, text) in figures::remarks(candidate.rows.iter()) {
                self.line(&wrap("  ", 4, &format!("{about}: {text}"), WIDTH));
            }
            for row in candidate.rows.iter().filter(|row| row.primary) {
                if let Some(evidence) = figures::evidence(row) {
                    let interval = figures::interval(row.metric, row.interval.as_ref()).replace(' ', "");
                    let said = format!(
                        "{}: {} {interval}, {evidence}",
                        row.metric.label(),
                        figures::word(row.verdict)
                    );
                    self.detail(&said);
                }
            }
            self.guards(candidate);
            self.told(candidate);
            self.differences(candidate);
            self.blank();
        }
        let rows = candidates.iter().flat_map(|candidate| &candidate.rows);
        let mut margins: Vec<_> = Vec::new();
        for row in rows.filter(|row| row.primary) {
            if !margins
                .iter()
                .any(|seen: &&MetricRow| seen.metric == row.metric && seen.margin == row.margin)
            {
                margins.push(row);
            }
        }
        self.labelled("margin", &figures::margins(margins.into_iter()));
    }

    fn abreast(&mut self, comparison: &Comparison, candidates: &[Candidate], heads: &[String]) {
        let mut line = format!("{:20}{:>9}", "", head(&comparison.baseline, "baseline"));
        for head in heads {
            line += &format!("{head:>9}{:8}", "");
        }
        self.line(&line);
        // All candidates have the same metrics in the same order.
        for at in 0..candidates[0].rows.len() {
            let rows: Vec<_> = candidates.iter().map(|candidate| &candidate.rows[at]).collect();
            let metric = rows[0].metric;
            if at > 0 && !rows[0].primary && candidates[0].rows[at - 1].primary {
                self.line(&self.dim(cells::EXPLORATORY));
            }
            let baseline = rows[0]
                .baseline
                .map_or(format::NONE.into(), |value| metric.figure(value));
            let mut line = format!("{:20}{baseline:>9}", metric.label());
            for row in rows {
                // A column has no room for the space.
                let change = figures::change(metric, row.change).replace(" pp", "pp");
                let word = if row.primary {
                    let word = format!("{} {:<6}", figures::mark(row), figures::short_word(row.verdict));
                    self.painted(row.verdict, &word)
                } else {
                    self.dim(&format!("{:<8}", cells::hint(row)))
                };
                line += &format!("{change:>8} {word}");
            }
            self.line(&line);
        }
        self.blank();
    }

    fn verdict(&mut self, comparison: &Comparison) {
        if let Some(remark) = figures::looking_again(comparison) {
            self.labelled("more runs", &remark);
        }
        let (word, why, tone) = figures::banner(comparison);
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Doubtful => "1;33",
            Tone::Good => "1;32",
        };
        let text = format!("{word}   {why}");
        let exit = format!("exit {}", comparison.exit_code);
        let painted = text.replacen(&word, &self.paint(code, &word), 1);
        let gap = WIDTH.saturating_sub(text.chars().count() + exit.len());
        self.line(&format!("{painted}{:gap$}{exit}", ""));
    }
}

fn columns([label, first, second, change, interval]: [&str; 5]) -> String {
    format!("{label:<20}{first:>10}{second:>10}{change:>9}  {interval:<14}")
}

/// A side's name where it fits at the head of a column.
fn head(side: &SideSummary, other: &str) -> String {
    if side.name.chars().count() > LONGEST_HEAD {
        other.to_owned()
    } else {
        side.name.clone()
    }
}

/// How the runs were put together, in words.
pub(super) fn how(candidate: &Candidate) -> String {
    let methods = || candidate.rows.iter().filter_map(|row| row.method);
    let any = |method: Method| methods().any(|of| of == method);
    let several = candidate.side.runs.len() > 1 || candidate.rows.iter().any(|row| row.baseline_values.len() > 1);
    let mut text = match candidate.arrangement {
        Arrangement::Turns => "in turn, either side first as often as the other: compared pair by pair, so that drift cancels".to_owned(),
        Arrangement::Pairs => "paired as asked for, by time: drift between the runs of a pair counts as difference".to_owned(),
        Arrangement::UnbalancedTurns => {
            "in turn, but one side came first more often: two groups, since the drift within the turns would count as difference; make them A B, B A, as run-benchmark ab does".to_owned()
        }
        Arrangement::Groups if several && any(Method::PooledT) => {
            "one on one side: its spread is taken to be the other's".to_owned()
        }
        Arrangement::Groups if several => "two groups, not in turn: drift between them counts as difference".to_owned(),
        Arrangement::Groups if any(Method::NoiseProfile) => {
            "one a side: the interval rests on the measured noise".to_owned()
        }
        Arrangement::Groups if any(Method::WithinRun) => {
            "one a side: the interval tells the error within these runs, and not how much runs differ; make more of them (run-benchmark ab) or measure the noise (run-benchmark noise)".to_owned()
        }
        Arrangement::Groups => "one a side: nothing tells how much runs differ".to_owned(),
    };
    if several && any(Method::NoiseProfile) {
        text += "; their spread is pooled with the noise profile's";
    }
    text
}
