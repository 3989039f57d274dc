//! Changes, intervals and verdicts as text: direction by sign and by mark, so that colour is never needed.

use benchmark_results::format::{NONE, percent, plural};

use super::{
    cells,
    comparable::{Difference, Standing},
    comparison::{self, Comparison, ComparisonOutcome, Gate, GateStanding, GuardStanding, MetricRow, OddRuns},
    decide::MetricVerdict,
    evidence::Method,
    excerpt,
    metric::{ChangeScale, Metric},
    resolution::FOUND_BY_LOOKING_AGAIN,
};
use crate::stats::Interval;

/// A change with its sign: `+17.0 %`, `×12.3`; of a share in points: `+0.12 pp`.
pub(crate) fn change(metric: Metric, change: Option<f64>) -> String {
    let Some(change) = change.filter(|change| change.is_finite()) else {
        return NONE.into();
    };
    let number = signed(metric, change);
    match metric.scale() {
        ChangeScale::Ratio if number.starts_with('×') => number,
        ChangeScale::Ratio => number + " %",
        ChangeScale::Difference => number + " pp",
    }
}

/// An interval of changes, without their unit: `[ -0.3,  +0.4]`.
pub(crate) fn interval(metric: Metric, interval: Option<&Interval>) -> String {
    interval
        .filter(|interval| interval.low.is_finite() && interval.high.is_finite())
        .map_or(NONE.into(), |interval| {
            format!(
                "[{:>5}, {:>5}]",
                signed(metric, interval.low),
                signed(metric, interval.high)
            )
        })
}

fn signed(metric: Metric, change: f64) -> String {
    let decimals = match metric.scale() {
        ChangeScale::Difference => 2,
        // Nobody reads tenths of per cents beyond this, and ten times as much is told as that.
        ChangeScale::Ratio if change >= 9.995 => return format!("×{}", significant(change + 1.0)),
        ChangeScale::Ratio if change.abs() >= 0.9995 => 0,
        ChangeScale::Ratio => 1,
    };
    let text = format!("{:+.decimals$}", change * 100.0);
    // Minus nothing is nothing.
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|digit| matches!(digit, '0' | '.')) => format!("+{digits}"),
        _ => text,
    }
}

fn significant(value: f64) -> String {
    match value {
        v if v < 99.95 => format!("{v:.1}"),
        v if v < 9_999.5 => format!("{v:.0}"),
        v => format!("{v:.0e}"),
    }
}

/// Which way it went: `▲` up, `▼` down, hollow where it is slight; what it does not say: `=`, `?`, `-`.
pub(crate) fn mark(row: &MetricRow) -> &'static str {
    let up = row.change.is_some_and(|change| change > 0.0);
    match row.verdict {
        MetricVerdict::Improved | MetricVerdict::Regressed if up => "▲",
        MetricVerdict::Improved | MetricVerdict::Regressed => "▼",
        MetricVerdict::SlightlyBetter | MetricVerdict::SlightlyWorse if up => "△",
        MetricVerdict::SlightlyBetter | MetricVerdict::SlightlyWorse => "▽",
        MetricVerdict::Equivalent => "=",
        MetricVerdict::Open => "?",
        MetricVerdict::NoVerdict => NONE,
    }
}

/// What is said of a primary metric.
pub(crate) fn word(verdict: MetricVerdict) -> &'static str {
    match verdict {
        MetricVerdict::Improved => "improved",
        MetricVerdict::SlightlyBetter => "slightly better",
        MetricVerdict::Equivalent => "equivalent",
        MetricVerdict::SlightlyWorse => "slightly worse",
        MetricVerdict::Regressed => "regressed",
        MetricVerdict::Open => "open",
        MetricVerdict::NoVerdict => "no verdict",
    }
}

/// The same where a column is narrow.
pub(crate) fn short_word(verdict: MetricVerdict) -> &'static str {
    match verdict {
        MetricVerdict::Improved | MetricVerdict::SlightlyBetter => "better",
        MetricVerdict::Equivalent => "same",
        MetricVerdict::SlightlyWorse | MetricVerdict::Regressed => "worse",
        MetricVerdict::Open => "open",
        MetricVerdict::NoVerdict => "",
    }
}

/// What is said of the whole.
pub(crate) fn outcome(outcome: ComparisonOutcome) -> &'static str {
    match outcome {
        ComparisonOutcome::Regressed => "REGRESSED",
        ComparisonOutcome::SlightlyWorse => "SLIGHTLY WORSE",
        ComparisonOutcome::Open => "OPEN",
        ComparisonOutcome::NoVerdict => "NO VERDICT",
        ComparisonOutcome::Improved => "IMPROVED",
        ComparisonOutcome::SlightlyBetter => "SLIGHTLY BETTER",
        ComparisonOutcome::Equivalent => "EQUIVALENT",
    }
}

/// How a banner is meant, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Doubtful,
    Bad,
}

/// What a reader of one line reads: the words, what they rest on, and their tone. It says what the exit code says.
pub(crate) fn banner(comparison: &Comparison) -> (String, String, Tone) {
    let gates = || {
        comparison
            .candidates
            .iter()
            .filter_map(|candidate| candidate.gate.as_ref())
    };
    let Some(gate) = gates().max_by_key(|gate| gate.standing) else {
        let tone = match comparison.outcome {
            ComparisonOutcome::Regressed => Tone::Bad,
            ComparisonOutcome::SlightlyWorse | ComparisonOutcome::Open | ComparisonOutcome::NoVerdict => Tone::Doubtful,
            ComparisonOutcome::Improved | ComparisonOutcome::SlightlyBetter | ComparisonOutcome::Equivalent => {
                Tone::Good
            }
        };
        return (outcome(comparison.outcome).to_owned(), tally(comparison), tone);
    };
    let limit = percent(gate.at_most_worse);
    let rows = || gates().flat_map(|gate| &gate.rows);
    let (words, tone) = match gate.standing {
        GateStanding::Proven => (format!("AT MOST {limit} WORSE"), Tone::Good),
        GateStanding::Open => (format!("OPEN: AT MOST {limit} WORSE?"), Tone::Doubtful),
        GateStanding::Worse if rows().any(|row| row.standing == GateStanding::Worse) => {
            (format!("MORE THAN {limit} WORSE"), Tone::Bad)
        }
        GateStanding::Worse => ("WORSE BY A GUARD".to_owned(), Tone::Bad),
    };
    let proven = rows().filter(|row| row.standing == GateStanding::Proven).count();
    let total = plural(rows().count() as u64, "primary metric");
    let why = format!("proven for {proven} of {total} (95 % each)");
    (words, why, tone)
}

/// What each metric comes to at the gate of a candidate, a sentence each.
pub(crate) fn gate(gate: &Gate) -> Vec<String> {
    let limit = percent(gate.at_most_worse);
    let rows = gate.rows.iter().map(|row| {
        let bound = match row.bound {
            Some(bound) if bound > 0.0 => format!("at most {} worse", percent(bound)),
            Some(_) => "not worse".into(),
            None => "how much worse it may be is not known".into(),
        };
        let said = match (row.standing, row.more_runs) {
            (GateStanding::Proven, _) => format!("within {limit}"),
            (GateStanding::Worse, _) => format!("worse by more than {limit}"),
            (GateStanding::Open, Some(more)) => {
                format!(
                    "open; about {} a side would prove it or the contrary",
                    plural(u64::from(more), "more run")
                )
            }
            (GateStanding::Open, None) => "open".into(),
        };
        format!("{}: {bound}: {said}", row.metric.label())
    });
    rows.collect()
}

/// How many of the guards and of the primary metrics say it.
fn tally(comparison: &Comparison) -> String {
    let (said, guard) = match comparison.outcome {
        ComparisonOutcome::Regressed => (MetricVerdict::Regressed, Some(GuardStanding::Worse)),
        ComparisonOutcome::SlightlyWorse => (MetricVerdict::SlightlyWorse, None),
        ComparisonOutcome::Open => (MetricVerdict::Open, Some(GuardStanding::Open)),
        ComparisonOutcome::NoVerdict => (MetricVerdict::NoVerdict, None),
        ComparisonOutcome::Improved => (MetricVerdict::Improved, Some(GuardStanding::Better)),
        ComparisonOutcome::SlightlyBetter => (MetricVerdict::SlightlyBetter, None),
        ComparisonOutcome::Equivalent => (MetricVerdict::Equivalent, None),
    };
    let guards = comparison.guards().filter(|told| Some(told.standing) == guard).count();
    let count = comparison.primary().filter(|row| row.verdict == said).count();
    let total = comparison.primary().count();
    let tested = comparison.primary().filter(|row| row.adjusted_p.is_some()).count();
    let correction = if tested > 1 { " (Holm-corrected)" } else { "" };
    let metrics = format!("{count} of {}{correction}", plural(total as u64, "primary metric"));
    match guards {
        0 => metrics,
        _ => format!("{}, {metrics}", plural(guards as u64, "guard")),
    }
}

impl Comparison {
    /// What must not be overlooked: that nothing could be judged, where a green exit code alone would say the opposite.
    pub fn warning(&self) -> Option<String> {
        let gated = self.candidates.iter().any(|candidate| candidate.gate.is_some());
        (!gated && comparison::is_silent(self.outcome, &self.candidates)).then(|| {
            format!(
                "{}: none of the primary metrics could be judged, so this is no pass",
                outcome(self.outcome)
            )
        })
    }
}

/// What a change rests on: `-1.80ms, p 0.016, 98.4 % interval (rank sum), 5 v 5 runs`; `None` where nothing was tested.
pub(crate) fn evidence(row: &MetricRow) -> Option<String> {
    let method = match row.method? {
        Method::TurnsT => "t of the turns",
        Method::PairedT => "paired t",
        Method::WelchT => "Welch's t",
        Method::PooledT => "pooled t",
        Method::NoiseProfile => "t with the noise profile",
        Method::RankSum => "rank sum",
        Method::WithinRun => return None,
    };
    let mut parts = vec![cells::absolute(row)];
    parts.extend(row.p.map(|_| format!("p {}", cells::p(row).replace("< ", "<"))));
    parts.push(match row.interval {
        Some(_) => format!("{} interval ({method})", cells::confidence(row)),
        None => method.to_owned(),
    });
    parts.push(format!("{} runs", cells::runs(row)));
    parts.retain(|part| part != NONE);
    Some(parts.join(", "))
}

/// The values of all runs of a side, in order of time, odd ones with a star: `9.87 10.1* 9.95ms`. `None` of fewer than two.
pub(crate) fn values(row: &MetricRow, values: &[f64], odd: impl Fn(&OddRuns) -> &Vec<usize>) -> Option<String> {
    if values.len() < 2 {
        return None;
    }
    let odd: &[usize] = row.odd.as_ref().map_or(&[], |of| odd(of));
    let texts = values.iter().enumerate().map(|(at, value)| {
        let star = if odd.contains(&at) { "*" } else { "" };
        row.metric.figure(*value) + star
    });
    Some(texts.collect::<Vec<_>>().join(" "))
}

/// What would be said without the odd runs.
pub(crate) fn without_odd(row: &MetricRow) -> Option<String> {
    let odd = row.odd.as_ref()?;
    let count = odd.baseline.len() + odd.values.len();
    Some(format!(
        "without the {} marked *: {} {} {}",
        plural(count as u64, "odd run"),
        change(row.metric, odd.change),
        interval(row.metric, odd.interval.as_ref()),
        word(odd.verdict)
    ))
}

/// Beside an advice to make more runs.
pub(crate) fn looking_again(comparison: &Comparison) -> Option<String> {
    comparison.primary().any(|row| row.more_runs.is_some()).then(|| {
        format!(
            "adding runs and looking each time finds a difference where there is none in {} of comparisons instead of {}: make as many as are said at once, or compare the new ones alone",
            percent(FOUND_BY_LOOKING_AGAIN),
            percent(comparison.alpha)
        )
    })
}

/// What a guard says, in a word.
pub(crate) fn guard(standing: GuardStanding) -> &'static str {
    match standing {
        GuardStanding::Worse => "worse",
        GuardStanding::Better => "better",
        GuardStanding::Open => "open",
    }
}

/// Why a row says no more, in a sentence; `None` where it says all.
pub(crate) fn remark(row: &MetricRow) -> Option<String> {
    match row.verdict {
        MetricVerdict::Open if row.reason.is_some() => row.reason.clone(),
        MetricVerdict::Open => Some(match row.more_runs {
            Some(more) => format!("about {} a side would decide", plural(u64::from(more), "more run")),
            None => format!(
                "more than {} more runs a side would be needed",
                crate::stats::power::MOST_RUNS
            ),
        }),
        MetricVerdict::NoVerdict => row.reason.clone(),
        _ => None,
    }
}

/// Remarks on the primary metrics of a candidate, those that are the same together.
pub(crate) fn remarks<'a>(rows: impl Iterator<Item = &'a MetricRow>) -> Vec<(String, String)> {
    together(rows, remark)
}

/// What is said of the primary metrics, each once: of which, and what.
fn together<'a>(
    rows: impl Iterator<Item = &'a MetricRow>,
    said: impl Fn(&MetricRow) -> Option<String>,
) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for row in rows.filter(|row| row.primary) {
        let Some(text) = said(row) else { continue };
        match all.iter_mut().find(|(_, known)| *known == text) {
            Some((about, _)) => *about += &format!(", {}", row.metric.label()),
            None => all.push((row.metric.label(), text)),
        }
    }
    all
}

/// A difference between the sides: its key, and both values.
pub(crate) fn difference(difference: &Difference) -> (String, String) {
    let values = |values: &[String]| {
        let shown: Vec<_> = values.iter().take(5).map(|value| excerpt::shortened(value)).collect();
        let more = if values.len() > shown.len() { ", …" } else { "" };
        shown.join(", ") + more
    };
    (
        excerpt::shortened(&difference.key),
        format!("{} -> {}", values(&difference.baseline), values(&difference.other)),
    )
}

/// Differences of a standing.
pub(crate) fn of_standing(differences: &[Difference], standing: Standing) -> impl Iterator<Item = &Difference> {
    differences
        .iter()
        .filter(move |difference| difference.standing == standing)
}

/// The noise that was measured, in a sentence each.
pub(crate) fn noise(comparison: &Comparison) -> Vec<String> {
    let summaries = comparison.noise.iter().map(|noise| {
        let spreads: Vec<_> = noise
            .spreads
            .iter()
            .map(|(metric, spread)| format!("{} {}", metric.label(), percent(*spread)))
            .collect();
        let day: String = noise.measured_at.chars().take(10).collect();
        let seeds = match noise.seeds {
            Some(seeds) => plural(u64::from(seeds), "seed"),
            None => "seeds not recorded".into(),
        };
        let age = match noise.age_days {
            Some(days) => format!(", {} before", plural(u64::from(days), "day")),
            None => String::new(),
        };
        let mut text = format!(
            "A/A spread of this plan: {} ({}: {}, {seeds}, {day}{age})",
            spreads.join(", "),
            file_name(&noise.file),
            plural(u64::from(noise.runs), "run")
        );
        for remark in &noise.remarks {
            text += "; ";
            text += remark;
        }
        text
    });
    summaries.collect()
}

/// The last part of a path, which a line has room for.
fn file_name(path: &str) -> String {
    excerpt::shortened(path.rsplit('/').next().unwrap_or(path))
}

/// The margins of the primary metrics, those that are the same together: `3 %`, or each by name.
pub(crate) fn margins<'a>(rows: impl Iterator<Item = &'a MetricRow>) -> String {
    let margin = |row: &MetricRow| match row.metric.scale() {
        ChangeScale::Ratio => percent(row.margin.high),
        ChangeScale::Difference => format!("{:.2} pp", row.margin.high * 100.0),
    };
    let margins = together(rows, |row| Some(margin(row)));
    if let [(_, margin)] = &margins[..] {
        return margin.clone();
    }
    let named = margins.iter().map(|(metrics, margin)| format!("{margin} ({metrics})"));
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_signed_and_short() {
        for (value, text) in [
            (0.17, "+17.0 %"),
            (-0.182, "-18.2 %"),
            (-0.0004, "+0.0 %"),
            (0.0, "+0.0 %"),
            (1.5, "+150 %"),
            (-0.9999, "-100 %"),
            (11.3, "×12.3"),
            (1_234.0, "×1235"),
            (1e9, "×1e9"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(change(Metric::Throughput, Some(value)), text);
            assert!(change(Metric::Throughput, Some(value)).chars().count() <= 8);
        }
        assert_eq!(change(Metric::ErrorRatio, Some(0.0012)), "+0.12 pp");
        assert_eq!(change(Metric::ErrorRatio, None), "-");
        let around = Interval {
            low: -0.003,
            high: 0.004,
        };
        assert_eq!(interval(Metric::Throughput, Some(&around)), "[ -0.3,  +0.4]");
    }
}
