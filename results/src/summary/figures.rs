//! Rates and latencies. Not for INVALID runs.

use benchmark_scenarios::Arrivals;

use super::{Out, WIDTH, style};
use crate::{
    checks::names,
    format::{count, length, maybe_ms, maybe_rate, rate, slope, wrap},
    schema::{CheckStatus, CompletionSource, Latency, Results, VerdictValue},
};

/// Column at which texts begin.
const TEXT: usize = 13;

/// Asked beside achieved.
pub(super) fn rates(out: &mut Out, results: &Results) {
    let load = &results.plan.load;
    let measure = &results.phases.measure;
    let arrivals = match load.arrivals {
        Arrivals::Constant => "constant",
        Arrivals::Poisson => "poisson",
    };
    let mut before = Vec::new();
    if !load.ramp_up.is_zero() {
        before.push(format!("{} ramp", length(load.ramp_up.as_secs_f64())));
    }
    if !load.warm_up.is_zero() {
        before.push(format!("{} warm-up", length(load.warm_up.as_secs_f64())));
    }
    let mut asked = format!(
        "{} {arrivals} for {} measured",
        rate(load.rate.per_second()),
        length(results.plan.measure_duration().as_secs_f64())
    );
    if !before.is_empty() {
        asked += &format!(" ({} before)", before.join(", "));
    }
    if results.plan.iterations > 1 {
        asked += &format!(", {} times", results.plan.iterations);
    }
    out.line(&wrap("  asked      ", TEXT, &asked, WIDTH));

    let bound = match results.verdict.value {
        VerdictValue::Overloaded => " (a lower bound)",
        _ => "",
    };
    let mut achieved = format!("{} started", maybe_rate(measure.start_rate));
    if measure.completion_rate.is_some() {
        achieved += &format!(" · {} completed{bound}", maybe_rate(measure.completion_rate));
    }
    let backlog = results
        .verdict
        .checks
        .iter()
        .find(|check| check.name == names::BACKLOG_SLOPE);
    if let Some((check, growth)) = backlog.and_then(|check| Some((check, check.measured?))) {
        let steady = if check.status == CheckStatus::Overloaded {
            "grew"
        } else {
            "steady"
        };
        achieved += &format!(" · backlog {steady} ({})", slope(growth));
    }
    out.line(&wrap("  achieved   ", TEXT, &achieved, WIDTH));
    out.blank();
}

/// The latency table.
pub(super) fn latencies(out: &mut Out, results: &Results) {
    let latencies = &results.phases.measure.latencies_of_accepted();
    out.line(&row(
        "latency",
        ["p50", "p90", "p99", "p99.9", "max"].map(str::to_owned),
        "count",
    ));
    let rows: [(&str, &Latency, bool); 5] = [
        ("start  response", &latencies.start_response.accepted, true),
        ("       service", &latencies.start_service.accepted, false),
        ("e2e    response", &latencies.e2e_response.completed, true),
        ("       service", &latencies.e2e_service.completed, false),
        ("lag", &latencies.lag, true),
    ];
    for (label, latency, with_count) in rows {
        let figures = [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max].map(maybe_ms);
        let samples = if with_count {
            count(latency.count)
        } else {
            String::new()
        };
        out.line(&row(label, figures, &samples));
    }
    let lost = results.phases.measure.ledger.not_completed();
    if lost > 0 {
        let text = format!(
            "e2e: quantiles of all accepted; {} did not complete, which is beyond every time",
            count(lost)
        );
        out.line(&wrap("  ", 2, &text, WIDTH));
    }
    if results.reconciliation.source == CompletionSource::Visibility {
        let sampled = crate::format::plural(results.reconciliation.sampled, "sampled workflow");
        let text = format!("e2e: from {sampled}, long-polled; no worker of this run stamps ends");
        out.line(&wrap("  ", 2, &text, WIDTH));
    }
    out.blank();
}

fn row(label: &str, figures: [String; 5], samples: &str) -> String {
    let [p50, p90, p99, p99_9, max] = figures;
    format!("  {label:<15}{p50:>10}{p90:>10}{p99:>10}{p99_9:>10}{max:>10}{samples:>12}")
}

/// Each iteration in a line, when there are several.
pub(super) fn iterations(out: &mut Out, results: &Results) {
    if results.iterations.len() < 2 {
        return;
    }
    out.line(&format!(
        "  {:<11}{:<11}{:>12}{:>12}{:>12}{:>10}{:>10}",
        "iteration", "verdict", "started", "completed", "start p99", "e2e p50", "e2e p99"
    ));
    for iteration in &results.iterations {
        let measure = &iteration.phases.measure;
        let e2e = &measure.latencies.e2e_response.completed.of_accepted(&measure.ledger);
        let word = style::word(iteration.verdict.value);
        let valid = iteration.verdict.value != VerdictValue::Invalid;
        let figure = |text: String| if valid { text } else { crate::format::NONE.to_owned() };
        out.line(&format!(
            "  {:<11}{word:<11}{:>12}{:>12}{:>12}{:>10}{:>10}",
            iteration.index,
            figure(maybe_rate(measure.start_rate)),
            figure(maybe_rate(measure.completion_rate)),
            figure(maybe_ms(measure.latencies.start_response.accepted.p99)),
            figure(maybe_ms(e2e.p50)),
            figure(maybe_ms(e2e.p99)),
        ));
    }
    out.blank();
}
