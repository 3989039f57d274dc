//! Three ways in which a run's series come to a Prometheus, and one answer: scraped with native histograms beside classic ones,
//! scraped with classic ones only, and written to it by the leader.

use std::collections::BTreeMap;

use benchmark_dashboards::{Asked, promql};
use benchmark_metrics::LATENCY_EDGES;
use benchmark_prometheus::Prometheus;

/// Values by labels, without those that a way adds.
type Values = BTreeMap<BTreeMap<String, String>, f64>;

/// Whether a query asks for nothing but the run's own series: all ways have those.
pub fn is_of_the_run(asked: &Asked) -> bool {
    let of_the_run = |selector: &promql::Selector| {
        let is_run = selector.matchers.iter().any(|matcher| matcher.name == "run_id");
        let of_leader = |name: &str| name.starts_with("benchmark_") && !name.starts_with("benchmark_generator_");
        is_run && selector.name.as_deref().is_none_or(of_leader)
    };
    let query = promql::parse(&asked.query).unwrap();
    asked.board == "temporal-benchmark" && query.selectors.iter().all(of_the_run)
}

/// The instant of the last figures of a run: what is written ends there, while what is scraped goes on.
pub fn last_figures(prometheus: &Prometheus, run: &str) -> Option<f64> {
    let query = format!("benchmark_run_verdict{{run_id=\"{run}\"}}[5m]");
    let found = prometheus.query(&query, None).unwrap();
    found
        .series
        .iter()
        .filter_map(|series| Some(series.points.last()?.0))
        .reduce(f64::max)
}

/// The answers at an instant.
pub fn answers(prometheus: &Prometheus, asked: &Asked, at: f64) -> Values {
    let answer = prometheus.query(&asked.query, Some(at)).unwrap();
    let mut values = Values::new();
    for mut series in answer.series {
        for added in ["job", "instance"] {
            series.labels.remove(added);
        }
        if let Some((_, value)) = series.points.last().filter(|(_, value)| !value.is_nan()) {
            values.insert(series.labels, *value);
        }
    }
    values
}

/// That two ways answer alike: to the digit, and quantiles within the bucket that they are in. Rates have the same series.
pub fn compare(asked: &Asked, one: &Values, other: &Values) {
    let place = format!("{}, {} {}: {}", asked.board, asked.place, asked.letter, asked.query);
    let labels = |values: &Values| values.keys().cloned().collect::<Vec<_>>();
    assert_eq!(labels(one), labels(other), "{place}");
    for (labels, one) in one {
        let other = other[labels];
        let does = |function: &str| asked.query.contains(function);
        let alike = if does("histogram_quantile(") {
            bucket(*one).abs_diff(bucket(other)) <= 1
        } else {
            // Rates and slopes are of samples of different instants.
            does("rate(") || does("deriv(") || *one == other
        };
        assert!(alike, "{one} and {other} of {labels:?}: {place}");
    }
}

/// The number of the classic bucket that a latency lies in.
fn bucket(seconds: f64) -> usize {
    LATENCY_EDGES.iter().take_while(|edge| **edge < seconds).count()
}
