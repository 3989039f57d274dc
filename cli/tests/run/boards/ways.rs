//! Three ways in which a run's series come to a Prometheus, and one answer: scraped with native histograms beside classic ones,
//! scraped with classic ones only, and written to it by the leader.
//!
//! What a query tells of a whole run is the same to the digit, rates too. A rate is what a counter rose by from its first sample
//! within the window to its last, drawn out to both ends of the window. Here the window ends with a way's last sample, so that
//! nothing is drawn out there, and begins before its first, which is 0 in each way: Prometheus draws out nothing before the
//! instant at which a counter was 0. Where a first sample is not 0, what came before it is in no rate. So it was once: a page is
//! scraped up to ten seconds after Prometheus was told of it (its discovery goes round each five seconds, twice), what is written
//! begins with the run, and of one bucket of the heat map 3 of 18 workflows ended before the first scrape. It is no fault of a
//! way: on the page all 18 stood. Hence [`Cast::start`](super::cast::Cast::start) waits for the first scrapes.

use std::collections::BTreeMap;

use benchmark_dashboards::{promql, testing::Asked};
use benchmark_metrics::LATENCY_EDGES;
use benchmark_prometheus::Prometheus;

/// Values by labels, without those that a way adds.
type Values = BTreeMap<BTreeMap<String, String>, f64>;

/// What is rounded in sums and products of the same numbers, relative.
const ROUNDED: f64 = 1e-9;

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

/// Whether a query asks for slopes of gauges.
pub fn is_slope(asked: &Asked) -> bool {
    asked.query.contains("deriv(")
}

/// A way, and a run as it came by it.
pub struct Way<'a> {
    prometheus: &'a Prometheus,
    run: String,
    /// The instants of its first figures and of its last ones: what is written ends there, while what is scraped goes on.
    pub first: f64,
    pub last: f64,
}

impl Way<'_> {
    /// Of a run that is over, once its verdict is there.
    pub fn of<'a>(prometheus: &'a Prometheus, run: &str) -> Option<Way<'a>> {
        let instants = |series: &str| -> Vec<f64> {
            let query = format!("{series}{{run_id=\"{run}\"}}[1h]");
            let found = prometheus.query(&query, None).unwrap();
            let points = found.series.iter().flat_map(|series| &series.points);
            points.map(|(at, _)| *at).collect()
        };
        Some(Way {
            prometheus,
            run: run.to_owned(),
            first: instants("benchmark_backlog").into_iter().reduce(f64::min)?,
            last: instants("benchmark_run_verdict").into_iter().reduce(f64::max)?,
        })
    }

    /// The answers at an instant.
    pub fn answers(&self, asked: &Asked, at: f64) -> Values {
        let answer = self.prometheus.query(&asked.query, Some(at)).unwrap();
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

    /// The largest backlog that it saw.
    pub fn peak(&self) -> f64 {
        let query = format!("max(max_over_time(benchmark_backlog{{run_id=\"{}\"}}[1h]))", self.run);
        self.prometheus.query(&query, Some(self.last)).unwrap().value().unwrap()
    }
}

/// How near to each other two answers must be.
#[derive(Clone, Copy, Debug)]
pub enum Alike {
    /// To the digit.
    Same,
    /// Quantiles by native histograms and by classic ones: within a bucket.
    Bucket,
    /// Slopes a second: no farther apart than this. They are of samples of different instants.
    Within(f64),
}

/// How far apart the slopes of what two ways saw of one gauge may lie. Whatever it was at the instants of a way, between 0 and the
/// peak, no line through it is steeper than where it is nothing in one half of the window and the peak in the other, which is one
/// and a half peaks a window.
pub fn slopes(peak: f64, seconds: f64) -> Alike {
    Alike::Within(3.0 * peak / seconds)
}

/// That two ways answer alike.
pub fn compare(asked: &Asked, one: &Values, other: &Values, alike: Alike) {
    let place = format!("{}, {} {}: {}", asked.board, asked.place, asked.letter, asked.query);
    let labels = |values: &Values| values.keys().cloned().collect::<Vec<_>>();
    assert_eq!(labels(one), labels(other), "{place}");
    for (labels, one) in one {
        let other = other[labels];
        let is_alike = match alike {
            Alike::Same => (one - other).abs() <= ROUNDED * one.abs().max(other.abs()),
            Alike::Bucket => bucket(*one).abs_diff(bucket(other)) <= 1,
            Alike::Within(difference) => (one - other).abs() <= difference,
        };
        assert!(is_alike, "{one} and {other} of {labels:?}, {alike:?}: {place}");
    }
}

/// The number of the classic bucket that a latency lies in.
fn bucket(seconds: f64) -> usize {
    LATENCY_EDGES.iter().take_while(|edge| **edge < seconds).count()
}
