use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    protobuf::{Bucket, Counter, Gauge},
    remote_write::message::{
        Sample,
        received::{TimeSeries, WriteRequest},
    },
};

/// What a receiver reads.
fn read(message: &[u8]) -> Vec<TimeSeries> {
    WriteRequest::decode(message).unwrap().timeseries
}

fn pair(name: &str, value: &str) -> LabelPair {
    LabelPair {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn family(name: &str, kind: MetricType, metric: Metric) -> MetricFamily {
    MetricFamily {
        name: name.to_owned(),
        r#type: kind as i32,
        metric: vec![metric],
        ..MetricFamily::default()
    }
}

fn gauge(name: &str, value: f64) -> MetricFamily {
    let metric = Metric {
        label: vec![pair("b", "2"), pair("a", "1"), pair("empty", "")],
        gauge: Some(Gauge { value }),
        ..Metric::default()
    };
    family(name, MetricType::Gauge, metric)
}

fn named(series: &TimeSeries) -> String {
    let labels = series
        .labels
        .iter()
        .map(|label| format!("{}={}", label.name, label.value));
    labels.collect::<Vec<_>>().join(",")
}

#[test]
fn series_carry_the_process_and_their_labels_in_order() {
    let mut writer = Writer::new(&[("job", "run-benchmark"), ("instance", "host:1"), ("a", "mine")]);
    let sent = read(&writer.page(&[gauge("g", 1.5)], 1_000));
    assert_eq!(named(&sent[0]), "__name__=g,a=1,b=2,instance=host:1,job=run-benchmark");
    assert_eq!(
        sent[0].samples,
        [Sample {
            value: 1.5,
            timestamp: 1_000
        }]
    );
}

#[test]
fn a_histogram_is_sent_as_classic_and_as_native() {
    let bucket = |upper_bound: f64, cumulative_count: u64| Bucket {
        upper_bound,
        cumulative_count,
        ..Bucket::default()
    };
    let histogram = protobuf::Histogram {
        sample_count: 3,
        sample_sum: 0.5,
        bucket: vec![bucket(1.0, 2), bucket(f64::INFINITY, 3)],
        schema: 3,
        zero_threshold: 1e-9,
        zero_count: 1,
        positive_span: vec![protobuf::BucketSpan { offset: -3, length: 2 }],
        positive_delta: vec![1, 0],
        ..protobuf::Histogram::default()
    };
    let metric = Metric {
        histogram: Some(histogram),
        ..Metric::default()
    };
    let sent = read(&Writer::new(&[]).page(&[family("h_seconds", MetricType::Histogram, metric)], 7));
    let names: Vec<String> = sent.iter().map(named).collect();
    assert_eq!(
        names,
        [
            "__name__=h_seconds_sum",
            "__name__=h_seconds_count",
            "__name__=h_seconds_bucket,le=1.0",
            "__name__=h_seconds_bucket,le=+Inf",
            "__name__=h_seconds",
        ]
    );
    let native = &sent[4].histograms[0];
    assert_eq!(
        (native.count, native.schema, native.timestamp),
        (Some(Count::Int(3)), 3, 7)
    );
    assert_eq!(native.positive_spans, [BucketSpan { offset: -3, length: 2 }]);
    assert_eq!(native.positive_deltas, [1, 0]);
}

#[test]
fn what_is_gone_has_ended_and_so_has_everything_in_the_end() {
    let mut writer = Writer::new(&[]);
    let counter = Metric {
        counter: Some(Counter {
            value: 4.0,
            ..Counter::default()
        }),
        ..Metric::default()
    };
    let counter = family("c_total", MetricType::Counter, counter);
    writer.page(&[gauge("g", 1.0), counter.clone()], 1_000);
    let next = read(&writer.page(std::slice::from_ref(&counter), 2_000));
    let [counted, gone] = &next[..] else {
        panic!("{next:?}");
    };
    assert_eq!(counted.samples[0].value, 4.0);
    assert_eq!(named(gone), "__name__=g,a=1,b=2");
    assert_eq!(gone.samples[0].value.to_bits(), STALE);
    let end = read(&writer.end(2_000));
    assert_eq!(end.len(), 1, "what ended once does not end again");
    assert_eq!(end[0].samples[0].value.to_bits(), STALE);
    assert_eq!(end[0].samples[0].timestamp, 2_001, "later than the page before");
    assert!(writer.end(2_000).is_empty(), "nothing is left");
}

#[test]
fn a_clock_that_is_set_back_takes_no_order_away() {
    let mut writer = Writer::new(&[]);
    let mut at = |unix_ms: i64| read(&writer.page(&[gauge("g", 1.0)], unix_ms))[0].samples[0].timestamp;
    assert_eq!((at(5_000), at(4_000), at(6_000)), (5_000, 5_001, 6_000));
}

/// A metric of a page: its family, its labels, and what a histogram has.
#[derive(Clone, Debug)]
struct Made {
    family: &'static str,
    labels: Vec<LabelPair>,
    histogram: bool,
    edges: Vec<f64>,
    native: bool,
}

fn any_metric() -> impl Strategy<Value = Made> {
    // Labels in any order, empty ones, and one that the process would add: several of these are the same series.
    let labels = [
        pair("a", "1"),
        pair("a", "2"),
        pair("b", "1"),
        pair("empty", ""),
        pair("job", "theirs"),
    ];
    let labels = prop::sample::subsequence(labels.to_vec(), 0..=3).prop_shuffle();
    // A gauge may have the name of a histogram's part.
    let names = prop::sample::select(vec![("h", true), ("h_count", false), ("g", false), ("i", true)]);
    let edges = prop::sample::subsequence(vec![0.5, 1.0, f64::INFINITY], 0..=3).prop_shuffle();
    (names, labels, edges, any::<bool>()).prop_map(|((family, histogram), labels, edges, native)| Made {
        family,
        labels,
        histogram,
        edges,
        native,
    })
}

impl Made {
    fn family(&self) -> MetricFamily {
        let label = self.labels.clone();
        if !self.histogram {
            let gauge = Some(Gauge { value: 1.0 });
            let metric = Metric {
                label,
                gauge,
                ..Metric::default()
            };
            return family(self.family, MetricType::Gauge, metric);
        }
        let bucket = self.edges.iter().map(|edge| Bucket {
            upper_bound: *edge,
            ..Bucket::default()
        });
        let histogram = protobuf::Histogram {
            bucket: bucket.collect(),
            zero_threshold: if self.native { 1e-9 } else { 0.0 },
            ..protobuf::Histogram::default()
        };
        let metric = Metric {
            label,
            histogram: Some(histogram),
            ..Metric::default()
        };
        family(self.family, MetricType::Histogram, metric)
    }
}

/// Series by labels and kind: whether their last point is the mark.
fn marks(sent: &[TimeSeries]) -> BTreeMap<(String, bool), Vec<bool>> {
    let mut marks: BTreeMap<_, Vec<bool>> = BTreeMap::new();
    for series in sent {
        let native = series.histograms.first();
        let value = native.map_or_else(|| series.samples[0].value, |native| native.sum);
        let of = marks.entry((named(series), native.is_some())).or_default();
        of.push(value.to_bits() == STALE);
    }
    marks
}

proptest! {
    /// Whatever comes and goes, in whatever order and whoever shows it: what a writer that knows no page before sends is
    /// sent, and besides the mark of each series that the page before had and this one has not, once.
    #[test]
    fn what_ended_is_marked_and_nothing_else(
        pages in prop::collection::vec(prop::collection::vec(any_metric(), 0..6), 1..6)
    ) {
        let own = [("job", "mine"), ("instance", "i")];
        let mut writer = Writer::new(&own);
        let mut before = BTreeMap::new();
        for (number, page) in (1..).zip(pages.iter().map(Vec::as_slice).chain([&[][..]])) {
            let families: Vec<MetricFamily> = page.iter().map(Made::family).collect();
            let sent = marks(&read(&writer.page(&families, number)));
            let alone = marks(&read(&Writer::new(&own).page(&families, number)));
            prop_assert!(alone.values().flatten().all(|ended| !ended));
            let mut expected = alone.clone();
            for gone in before.keys().filter(|series| !alone.contains_key(*series)) {
                expected.insert((*gone).clone(), vec![true]);
            }
            prop_assert_eq!(sent, expected);
            before = alone;
        }
    }
}
