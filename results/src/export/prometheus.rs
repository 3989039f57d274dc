//! The headline figures of a run in Prometheus' text format, version 0.0.4, which push gateways and text file collectors
//! take. Of OpenMetrics' kinds they refuse `info` and `stateset`, so these are gauges here.
//!
//! Latencies are in seconds here, the base unit of that world. Every series carries the run, its plan and its workload. An
//! INVALID run has its verdict and its account only: its rates and latencies would be read as the cluster's.
//! The format: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details>.

use std::fmt::Write;

use crate::schema::{FigureUnit, Latency, Results, VerdictValue};

/// The text.
pub(super) fn text(results: &Results) -> String {
    let mut page = Page::new(results);
    page.about(results);
    if results.verdict.value != VerdictValue::Invalid {
        page.rates(results);
        page.latencies(results);
    }
    page.account(results);
    page.server(results);
    page.text
}

struct Page {
    text: String,
    /// The labels of every series, without braces.
    labels: String,
}

impl Page {
    fn new(results: &Results) -> Self {
        let mut labels = String::new();
        let workload = results.plan.workload.kind.name();
        for (name, value) in [
            ("run_id", results.run.id.as_str()),
            ("plan", &results.plan_hash.to_string()),
            ("workload", workload),
        ] {
            label(&mut labels, name, value);
        }
        Page {
            text: String::new(),
            labels,
        }
    }

    /// The beginning of a family.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}");
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, more: &[(&str, &str)], value: f64) {
        let mut labels = self.labels.clone();
        for (name, value) in more {
            label(&mut labels, name, value);
        }
        let _ = writeln!(self.text, "{name}{{{labels}}} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.family(name, "gauge", help);
            self.sample(name, &[], value);
        }
    }

    fn about(&mut self, results: &Results) {
        self.family("benchmark_run_info", "gauge", "Always 1, with the versions of the run.");
        let server = results.environment.server.version.value.as_deref().unwrap_or_default();
        let about = [("version", results.run.version.as_str()), ("server_version", server)];
        self.sample("benchmark_run_info", &about, 1.0);
        let name = "benchmark_run_verdict";
        self.family(
            name,
            "gauge",
            "Whether the figures may be believed: 1 for the verdict and 0 for the others.",
        );
        for (verdict, word) in [
            (VerdictValue::Valid, "VALID"),
            (VerdictValue::Overloaded, "OVERLOADED"),
            (VerdictValue::Invalid, "INVALID"),
        ] {
            let holds = f64::from(u8::from(results.verdict.value == verdict));
            self.sample(name, &[("verdict", word)], holds);
        }
        let started: Option<jiff::Timestamp> = results.run.started_at.parse().ok();
        self.gauge(
            "benchmark_run_start_timestamp_seconds",
            "When the run began, since 1970.",
            started.map(|at| at.as_second() as f64),
        );
        let passed = f64::from(u8::from(results.passed));
        self.gauge(
            "benchmark_run_passed",
            "Whether everything that was asked for was reached.",
            Some(passed),
        );
    }

    fn rates(&mut self, results: &Results) {
        let measure = &results.phases.measure;
        self.gauge(
            "benchmark_run_asked_starts_per_second",
            "Starts a second that the plan asks for after the ramp.",
            Some(results.plan.load.rate.per_second()),
        );
        self.gauge(
            "benchmark_run_starts_per_second",
            "Starts sent a second in the measured phase.",
            measure.start_rate,
        );
        self.gauge(
            "benchmark_run_completions_per_second",
            "Workflows completed a second in the measured phase; a lower bound where the verdict is OVERLOADED.",
            measure.completion_rate,
        );
        self.gauge(
            "benchmark_run_error_ratio",
            "Share of measured arrivals that ended in anything but completion.",
            measure.ledger.error_ratio(),
        );
    }

    fn latencies(&mut self, results: &Results) {
        let latencies = &results.phases.measure.latencies;
        for (name, help, latency) in [
            ("lag", "How late the generator sent, measured phase.", &latencies.lag),
            (
                "start_service",
                "Answer to an accepted start, from its sending, measured phase.",
                &latencies.start_service.accepted,
            ),
            (
                "start_response",
                "Answer to an accepted start, from when it was due, measured phase.",
                &latencies.start_response.accepted,
            ),
            (
                "e2e_service",
                "End of a completed workflow, from the sending of its start, measured phase.",
                &latencies.e2e_service.completed,
            ),
            (
                "e2e_response",
                "End of a completed workflow, from when it was due, measured phase.",
                &latencies.e2e_response.completed,
            ),
        ] {
            self.summary(&format!("benchmark_run_{name}_seconds"), help, latency);
        }
    }

    fn summary(&mut self, name: &str, help: &str, latency: &Latency) {
        self.family(name, "summary", help);
        for (quantile, value) in [
            ("0.5", latency.p50),
            ("0.9", latency.p90),
            ("0.95", latency.p95),
            ("0.99", latency.p99),
            ("0.999", latency.p99_9),
            ("1", latency.max),
        ] {
            if let Some(value) = value.filter(|value| value.is_finite()) {
                // The nearest number of whole microseconds, which is what a histogram holds.
                self.sample(name, &[("quantile", quantile)], (value * 1000.0).round() / 1e6);
            }
        }
        let count = latency.count as f64;
        self.sample(&format!("{name}_count"), &[], count);
        let sum = latency.mean.unwrap_or(0.0) / 1000.0 * count;
        self.sample(&format!("{name}_sum"), &[], if sum.is_finite() { sum } else { 0.0 });
    }

    fn account(&mut self, results: &Results) {
        let ledger = &results.ledger;
        let name = "benchmark_run_workflows";
        self.family(name, "gauge", "Arrivals of all phases by where they ended.");
        for (end, count) in [
            ("dropped_lag", ledger.dropped_lag),
            ("dropped_cap", ledger.dropped_cap),
            ("rejected", ledger.rejected),
            ("unknown", ledger.unknown),
            ("completed", ledger.completed),
            ("failed", ledger.failed),
            ("timed_out", ledger.timed_out),
            ("terminated", ledger.terminated),
            ("cancelled", ledger.cancelled),
            ("open", ledger.open),
            ("ends_unknown", ledger.ends_unknown),
        ] {
            let is_end = !matches!(end, "dropped_lag" | "dropped_cap" | "rejected" | "unknown");
            if is_end && (end == "ends_unknown") != (ledger.ends_unknown > 0) {
                // Not told, which is not 0.
                continue;
            }
            self.sample(name, &[("end", end)], count as f64);
        }
    }
}

impl Page {
    /// The server's figures, one family for each unit: what a figure is called and what it is of are labels. They are the
    /// server's own whatever the verdict is.
    fn server(&mut self, results: &Results) {
        for (unit, name, help, scale) in FIGURES {
            let figures = results.server_figures.iter().flat_map(|of| {
                let found = of.figures.iter().filter(|figure| figure.unit == unit);
                found.filter_map(|figure| Some((of.iteration, figure, figure.value.filter(|value| value.is_finite())?)))
            });
            for (index, (iteration, figure, value)) in figures.enumerate() {
                if index == 0 {
                    self.family(name, "gauge", help);
                }
                let iteration = iteration.to_string();
                let own = [("figure", figure.name.as_str()), ("iteration", iteration.as_str())];
                let labels = figure
                    .labels
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                let labels: Vec<(&str, &str)> = own
                    .into_iter()
                    .chain(labels.filter(|(name, _)| is_free(name)))
                    .collect();
                self.sample(name, &labels, value * scale);
            }
        }
    }
}

/// The families of the server's figures: name, help, and what a figure is multiplied by.
const FIGURES: [(FigureUnit, &str, &str, f64); 5] = [
    (
        FigureUnit::PerSecond,
        "benchmark_run_server_events_per_second",
        "What the server counted a second in the measured phase, by figure.",
        1.0,
    ),
    (
        FigureUnit::PerWorkflow,
        "benchmark_run_server_events_per_workflow",
        "What the server counted for each workflow that ended in the measured phase, by figure.",
        1.0,
    ),
    (
        FigureUnit::Milliseconds,
        "benchmark_run_server_latency_seconds",
        "Quantiles that the server measured in the measured phase, by figure.",
        1e-3,
    ),
    (
        FigureUnit::Ratio,
        "benchmark_run_server_ratio",
        "Shares of the server's in the measured phase, 0 to 1, by figure.",
        1.0,
    ),
    (
        FigureUnit::Count,
        "benchmark_run_server_count",
        "Numbers of things at the server in the measured phase, by figure.",
        1.0,
    ),
];

/// Whether a label of a figure is a name that no label of ours has: each may stand once.
fn is_free(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !["run_id", "plan", "workload", "figure", "iteration"].contains(&name)
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(plain)
}

/// Adds a label, with what has a meaning in one escaped.
fn label(labels: &mut String, name: &str, value: &str) {
    let separator = if labels.is_empty() { "" } else { "," };
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let _ = write!(labels, "{separator}{name}=\"{value}\"");
}
