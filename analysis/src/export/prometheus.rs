//! The headline figures of a run for a metrics store, in two forms.
//!
//! Prometheus' text format, version 0.0.4, is what push gateways and text file collectors take: they refuse OpenMetrics' kinds
//! `info` and `stateset`, so these are gauges there, and they refuse timestamps. OpenMetrics 1.0 has both, each sample at the
//! run's end, so that a Prometheus can be filled with runs of long ago (`promtool tsdb create-blocks-from openmetrics`).
//!
//! Latencies are in seconds here, the base unit of that world. Every series carries the run, its plan and its workload. An
//! INVALID run has its verdict and its account only: its rates and latencies would be read as the cluster's.
//! The formats: <https://prometheus.io/docs/instrumenting/exposition_formats/>, <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write;

use benchmark_results::{
    format::BEYOND,
    schema::{FigureUnit, Latency, Results, VerdictValue},
};
use jiff::Timestamp;

/// In which of the two forms.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// Prometheus' text format, version 0.0.4.
    Plain,
    /// OpenMetrics, version 1.0.
    OpenMetrics,
}

/// What kind of family it is.
#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Summary,
    /// Always 1; its one sample ends in `_info`.
    Info,
    /// Which of several states holds: the state's label is called as the family.
    StateSet,
}

/// The text.
pub(super) fn text(results: &Results, form: Form) -> String {
    let mut page = Page::new(results, form);
    page.about(results);
    if results.verdict.value != VerdictValue::Invalid {
        page.rates(results);
        page.latencies(results);
    }
    page.account(results);
    page.server(results);
    if form == Form::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    text: String,
    form: Form,
    /// The labels of every series, without braces.
    labels: String,
    /// What follows every value: a blank and the instant of the run's end, or nothing.
    instant: String,
}

impl Page {
    fn new(results: &Results, form: Form) -> Self {
        let mut labels = String::new();
        let workload = results.plan.workload.kind.name();
        for (name, value) in [
            ("run_id", results.run.id.as_str()),
            ("plan", &results.plan_hash.to_string()),
            ("workload", workload),
        ] {
            label(&mut labels, name, value);
        }
        let ended = results.run.finished_at.as_deref().unwrap_or(&results.run.started_at);
        let instant = match (form, instant(ended)) {
            (Form::OpenMetrics, Some(at)) => format!(" {at}"),
            _ => String::new(),
        };
        Page {
            text: String::new(),
            form,
            labels,
            instant,
        }
    }

    /// The beginning of a family.
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (name, kind) = match (self.form, kind) {
            (Form::OpenMetrics, Kind::Info) => (name.trim_end_matches("_info"), "info"),
            (Form::OpenMetrics, Kind::StateSet) => (name, "stateset"),
            (_, Kind::Summary) => (name, "summary"),
            (_, Kind::Gauge | Kind::Info | Kind::StateSet) => (name, "gauge"),
        };
        let _ = writeln!(self.text, "# HELP {name} {help}");
        let _ = writeln!(self.text, "# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, more: &[(&str, &str)], value: f64) {
        let mut labels = self.labels.clone();
        for (name, value) in more {
            label(&mut labels, name, value);
        }
        let value = if value == f64::INFINITY {
            "+Inf".to_owned()
        } else {
            value.to_string()
        };
        let _ = writeln!(self.text, "{name}{{{labels}}} {value}{}", self.instant);
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.family(name, Kind::Gauge, help);
            self.sample(name, &[], value);
        }
    }

    fn about(&mut self, results: &Results) {
        self.family(
            "benchmark_run_info",
            Kind::Info,
            "Always 1, with the versions of the run.",
        );
        let server = results.environment.server.version.value.as_deref().unwrap_or_default();
        let about = [("version", results.run.version.as_str()), ("server_version", server)];
        self.sample("benchmark_run_info", &about, 1.0);
        let name = "benchmark_run_verdict";
        self.family(
            name,
            Kind::StateSet,
            "Whether the figures may be believed: 1 for the verdict and 0 for the others.",
        );
        for (verdict, word) in [
            (VerdictValue::Valid, "VALID"),
            (VerdictValue::Overloaded, "OVERLOADED"),
            (VerdictValue::Invalid, "INVALID"),
        ] {
            let holds = f64::from(u8::from(results.verdict.value == verdict));
            let state = match self.form {
                Form::Plain => "verdict",
                Form::OpenMetrics => name,
            };
            self.sample(name, &[(state, word)], holds);
        }
        self.gauge(
            "benchmark_run_start_timestamp_seconds",
            "When the run began, since 1970.",
            instant(&results.run.started_at),
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
        let latencies = &results.phases.measure.latencies_of_accepted();
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
                "End of an accepted workflow, from the sending of its start, measured phase; count and sum of those that completed.",
                &latencies.e2e_service.completed,
            ),
            (
                "e2e_response",
                "End of an accepted workflow, from when it was due, measured phase; count and sum of those that completed.",
                &latencies.e2e_response.completed,
            ),
        ] {
            let lost = match name {
                "e2e_service" | "e2e_response" => results.phases.measure.ledger.not_completed(),
                _ => 0,
            };
            self.summary(&format!("benchmark_run_{name}_seconds"), help, latency, lost);
        }
    }

    /// `lost` never ended: they rank beyond all that did.
    fn summary(&mut self, name: &str, help: &str, latency: &Latency, lost: u64) {
        let longest = latency.max.map(|max| if lost > 0 { BEYOND } else { max });
        self.family(name, Kind::Summary, help);
        for (quantile, value) in [
            ("0.5", latency.p50),
            ("0.9", latency.p90),
            ("0.95", latency.p95),
            ("0.99", latency.p99),
            ("0.999", latency.p99_9),
            ("1", longest),
        ] {
            if let Some(value) = value.filter(|value| !value.is_nan()) {
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
        self.family(name, Kind::Gauge, "Arrivals of all phases by where they ended.");
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
                    self.family(name, Kind::Gauge, help);
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
        "benchmark_run_server_number",
        "Numbers of things at the server in the measured phase, by figure.",
        1.0,
    ),
];

/// An instant as seconds since 1970, to the millisecond; `None` when the text is none.
fn instant(text: &str) -> Option<f64> {
    let at: Timestamp = text.parse().ok()?;
    Some(at.as_millisecond() as f64 / 1000.0)
}

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
