//! The PromQL of a figure: an instant query, to be asked for the instant at which the window ends.

use std::{borrow::Cow, time::Duration};

use benchmark_results::schema::FigureUnit;

use crate::figure::{Absence, Figure, FigureKind, Keep, Level, Matcher, Scope, Series, Test};

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryWindow {
    /// The run's namespace.
    pub namespace: String,
    /// Matchers that every series must meet besides, such as `cluster="bench"`; see [`crate::check_matchers`].
    pub matchers: Option<String>,
    /// Length of the window.
    pub window: Duration,
}

/// A label's value as tally, the server's default, writes it: letters, digits and `_`.
pub fn sanitized(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

/// The query of a figure.
pub fn query(figure: &Figure, asked: &QueryWindow) -> String {
    let by = figure.by;
    let whole = match &figure.kind {
        FigureKind::Rate(series) => asked.growth(series, by),
        FigureKind::Share { of, among } => {
            let among = asked.growth(among, by);
            let counted = of.iter().all(|series| series.absent == Absence::Never);
            let of = asked.growth(of, by);
            if counted {
                format!("({of} or {among} * 0) / ({among})")
            } else {
                format!("({of}) / ({among})")
            }
        }
        FigureKind::Quantile(quantile, series) => {
            let of = |suffix: &str, by: &[&str]| asked.rate(series, suffix, by);
            let edges: Vec<&str> = by.iter().copied().chain(["le"]).collect();
            let classic = format!("histogram_quantile({quantile}, {})", of("_bucket", &edges));
            let found = if series.names.iter().any(|name| name.starts_with("temporal_")) {
                // Ours are native histograms, too, and may be scraped as such only.
                format!("{classic} or histogram_quantile({quantile}, {})", of("", by))
            } else {
                classic
            };
            let found = match figure.keep {
                Keep::Busiest(most) => format!(
                    "({found}) and on ({}) topk({most}, {})",
                    by.join(", "),
                    of("_count", by)
                ),
                Keep::All | Keep::Largest(_) => found,
            };
            match figure.unit {
                FigureUnit::Milliseconds => format!("1000 * ({found})"),
                _ => found,
            }
        }
        FigureKind::Sum(level, series) => {
            let function = match level {
                Level::Peak => "max_over_time",
                Level::Least => "min_over_time",
                Level::Slope => "deriv",
            };
            format!("{function}({}{})", sum(&asked.select(series, ""), by), asked.steps())
        }
        FigureKind::Lowest(series) => format!(
            "min{}(min_over_time({}[{}]))",
            grouping(by),
            asked.select(series, ""),
            asked.span()
        ),
        FigureKind::Fill { of, among, mean } => {
            let replica: Vec<&str> = match mean {
                true => by.iter().copied().chain(["instance"]).collect(),
                false => by.to_vec(),
            };
            let each = |series: &Series| sum(&asked.select(series, ""), &replica);
            let filled = format!("avg_over_time(({} / {}){})", each(of), each(among), asked.steps());
            match mean {
                true => format!("avg{}({filled})", grouping(by)),
                false => filled,
            }
        }
    };
    match figure.keep {
        Keep::Largest(most) => format!("topk({most}, {whole})"),
        Keep::All | Keep::Busiest(_) => whole,
    }
}

/// The query that tells whether there is a sample of the server's from after an instant: its time.
pub fn latest(asked: &QueryWindow) -> String {
    format!(
        "max(timestamp({}))",
        asked.selector("service_requests", &[], Scope::Server)
    )
}

/// The query for the edges of the server's latency buckets.
pub fn edges(asked: &QueryWindow) -> String {
    format!(
        "count by (le) ({})",
        asked.selector("service_latency_bucket", &[], Scope::Server)
    )
}

impl QueryWindow {
    /// What is asked about a namespace and a window of this length.
    pub fn new(namespace: &str, matchers: Option<&str>, window: Duration) -> Self {
        QueryWindow {
            namespace: namespace.to_owned(),
            matchers: matchers.map(str::to_owned),
            window,
        }
    }

    /// Growth a second of all these counters together.
    fn growth(&self, series: &[Series], by: &[&str]) -> String {
        if let [only] = series {
            return self.rate(only, "", by);
        }
        // Without its name a series may look like another's: a label keeps them apart.
        let each: Vec<String> = series
            .iter()
            .map(|series| {
                format!(
                    "label_replace(rate({}[{}]), \"family\", \"{}\", \"\", \"\")",
                    self.select(series, ""),
                    self.span(),
                    series.names.first().unwrap_or(&"")
                )
            })
            .collect();
        sum(&each.join(" or "), by)
    }

    fn rate(&self, series: &Series, suffix: &str, by: &[&str]) -> String {
        sum(&format!("rate({}[{}])", self.select(series, suffix), self.span()), by)
    }

    fn select(&self, series: &Series, suffix: &str) -> String {
        match series.names {
            [only] => self.selector(&format!("{only}{suffix}"), series.matchers, series.scope),
            several => {
                let names: Vec<String> = several.iter().map(|name| format!("{name}{suffix}")).collect();
                let name = format!("__name__=~\"{}\"", names.join("|"));
                self.braces(Some(name), series.matchers, series.scope)
            }
        }
    }

    fn selector(&self, name: &str, matchers: &[Matcher], scope: Scope) -> String {
        name.to_owned() + &self.braces(None, matchers, scope)
    }

    fn braces(&self, first: Option<String>, matchers: &[Matcher], scope: Scope) -> String {
        let mut inside: Vec<String> = first.into_iter().collect();
        if scope == Scope::Namespace {
            inside.push(self.namespace_matcher());
        }
        inside.extend(matchers.iter().map(|matcher| {
            let (operator, value) = condition(matcher.test);
            format!("{}{operator}\"{value}\"", matcher.label)
        }));
        inside.extend(self.matchers.clone());
        if inside.is_empty() {
            return String::new();
        }
        format!("{{{}}}", inside.join(", "))
    }

    /// The namespace, as tally and as OpenTelemetry write it.
    fn namespace_matcher(&self) -> String {
        let plain = sanitized(&self.namespace);
        if plain == self.namespace {
            format!("namespace=\"{plain}\"")
        } else {
            format!("namespace=~\"{}|{plain}\"", escaped(&self.namespace))
        }
    }

    fn span(&self) -> String {
        duration(self.window)
    }

    /// The instants of the window at which gauges are looked at.
    fn steps(&self) -> String {
        let step = (self.window / 20).clamp(Duration::from_secs(1), Duration::from_secs(10));
        format!("[{}:{}s]", self.span(), step.as_secs())
    }
}

fn duration(length: Duration) -> String {
    match (length.as_millis() % 1000, length.as_secs()) {
        (0, seconds) => format!("{seconds}s"),
        _ => format!("{}ms", length.as_millis()),
    }
}

fn sum(of: &str, by: &[&str]) -> String {
    format!("sum{}({of})", grouping(by))
}

fn grouping(by: &[&str]) -> Cow<'static, str> {
    match by {
        [] => Cow::Borrowed(""),
        labels => Cow::Owned(format!(" by ({}) ", labels.join(", "))),
    }
}

/// What is asked of a value: operator and right side.
fn condition(test: Test) -> (&'static str, String) {
    let any = |heads: &[&str]| format!("({}).*", heads.join("|"));
    match test {
        Test::Is(value) => ("=", value.to_owned()),
        Test::Begins(heads) => ("=~", any(heads)),
        Test::BeginsNot(heads) => ("!~", any(heads)),
        Test::Frames(head, tail) => ("=~", format!("{head}.*{tail}")),
    }
}

/// A text as a regular expression within quotes that means itself.
fn escaped(text: &str) -> String {
    let mut expression = String::new();
    for c in text.chars() {
        if "\\.+*?()[]{}|^$".contains(c) {
            expression.push('\\');
        }
        expression.push(c);
    }
    // A backslash of the expression is one of the quoted text's, too.
    expression
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FIGURES, figure};

    fn asked(namespace: &str) -> QueryWindow {
        QueryWindow {
            namespace: namespace.to_owned(),
            matchers: None,
            window: Duration::from_secs(240),
        }
    }

    fn of(name: &str) -> String {
        query(figure(name).unwrap(), &asked("benchmark"))
    }

    #[test]
    fn queries_are_as_they_would_be_written_by_hand() {
        for (name, expected) in [
            (
                "state-transitions",
                "sum(rate(state_transition_count_count{namespace=\"benchmark\"}[240s]))",
            ),
            (
                "frontend-start-p95",
                "1000 * (histogram_quantile(0.95, sum by (le) (rate(service_latency_bucket{namespace=\"benchmark\", \
                 service_name=\"frontend\", operation=\"StartWorkflowExecution\"}[240s]))))",
            ),
            (
                "sync-match",
                "(sum by (task_type) (rate(poll_success_sync{namespace=\"benchmark\"}[240s])) or sum by (task_type) \
                 (rate(poll_success{namespace=\"benchmark\"}[240s])) * 0) / (sum by (task_type) \
                 (rate(poll_success{namespace=\"benchmark\"}[240s])))",
            ),
            (
                "task-backlog-slope",
                "deriv(sum(approximate_backlog_count{namespace=\"benchmark\"})[240s:10s])",
            ),
            (
                "open-polls",
                "min_over_time(sum by (operation) (service_pending_requests{namespace=\"benchmark\", \
                 operation=~\"Poll.*TaskQueue\"})[240s:10s])",
            ),
            (
                "sql-pool-mean",
                "avg by (db_kind) (avg_over_time((sum by (db_kind, instance) (persistence_sql_in_use) / sum by (db_kind, \
                 instance) (persistence_sql_max_open_conn))[240s:10s]))",
            ),
            (
                "free-slots",
                "min by (worker_type) (min_over_time(temporal_worker_task_slots_available{namespace=\"benchmark\", \
                 task_queue!~\"(temporal_sys|temporal-sys).*\"}[240s]))",
            ),
            (
                "exhausted-requests",
                "topk(8, sum by (service_name, resource_exhausted_cause, resource_exhausted_scope) \
                 (rate(service_errors_resource_exhausted{namespace=\"benchmark\"}[240s])))",
            ),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
        assert!(
            of("persistence-p95")
                .contains(" and on (operation) topk(8, sum by (operation) (rate(persistence_latency_count{")
        );
        assert!(of("workflow-task-schedule-to-start-p95").contains(
            "or histogram_quantile(0.95, sum(rate(temporal_workflow_task_schedule_to_start_latency_seconds{"
        ));
        assert!(of("dsql-conflicts").contains("rate({__name__=~\"dsql_tx_conflict|dsql_tx_conflict_total\"}[240s])"));
        assert!(of("workflow-ends").contains(
            "label_replace(rate(workflow_cancel{namespace=\"benchmark\"}[240s]), \"family\", \"workflow_cancel\", \"\", \"\")"
        ));
    }

    #[test]
    fn a_namespace_is_matched_as_both_frameworks_write_it() {
        let transitions = figure("state-transitions").unwrap();
        assert_eq!(
            query(transitions, &asked("load-test.1")),
            "sum(rate(state_transition_count_count{namespace=~\"load-test\\\\.1|load_test_1\"}[240s]))"
        );
        assert_eq!(escaped("a\"b\\c"), "a\\\"b\\\\\\\\c");
    }

    #[test]
    fn given_matchers_and_odd_windows_are_in_every_series() {
        let asked = QueryWindow {
            matchers: Some("cluster=\"bench\"".to_owned()),
            window: Duration::from_millis(5_250),
            ..asked("benchmark")
        };
        for figure in FIGURES {
            let text = query(figure, &asked);
            let selectors = text.matches("5250ms").count();
            assert!(selectors > 0 && text.contains("cluster=\"bench\""), "{text}");
            assert_eq!(text.matches('(').count(), text.matches(')').count(), "{text}");
            assert_eq!(text.matches('{').count(), text.matches("cluster=").count(), "{text}");
        }
        assert!(query(figure("sql-pool").unwrap(), &asked).contains("[5250ms:1s]"));
        assert_eq!(latest(&asked), "max(timestamp(service_requests{cluster=\"bench\"}))");
    }
}
