//! From the page's families to what is sent: each series with the labels of this process, and the mark of those that ended.
//!
//! Labels are most of a message, and stay the same from second to second: they are put together and encoded when a series
//! comes first, and kept with the metric that it belongs to. A metric is found by its own name and labels, which are compared
//! and not copied.

use std::collections::{HashMap, HashSet};

use prost::Message as _;

use super::message::{BucketSpan, Count, Histogram, Label, Labels, Point, ZeroCount};
use crate::protobuf::{self, LabelPair, Metric, MetricFamily, MetricType};

/// A value that is none: this series has ended. Prometheus' own; an ordinary value that is no number has other bits.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Makes what is sent of pages, one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Added to every series that has no label of the name.
    own: Vec<Label>,
    /// The series of the page before: by name of the family, by labels of the metric.
    known: HashMap<String, HashMap<Vec<LabelPair>, Vec<Known>>>,
    /// The number of the page.
    number: u64,
    last: i64,
    /// Bytes of the message before.
    length: usize,
}

/// A series that was sent.
#[derive(Debug)]
struct Known {
    part: Part,
    /// Its labels, encoded.
    labels: Vec<u8>,
    /// The number of the page that had it last.
    seen: u64,
}

impl Known {
    fn is_native(&self) -> bool {
        self.part == Part::Native
    }
}

/// What a series is of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Value,
    Sum,
    Count,
    /// The classic bucket with this upper bound, by its bits.
    Bucket(u64),
    Native,
}

impl Part {
    /// What it adds to the name.
    fn suffix(self) -> &'static str {
        match self {
            Part::Value | Part::Native => "",
            Part::Sum => "_sum",
            Part::Count => "_count",
            Part::Bucket(_) => "_bucket",
        }
    }
}

impl Writer {
    /// A writer that adds labels.
    pub(crate) fn new(own: &[(&str, &str)]) -> Self {
        Writer {
            own: own.iter().map(|(name, value)| label(name, value)).collect(),
            known: HashMap::new(),
            number: 0,
            last: i64::MIN,
            length: 0,
        }
    }

    /// A page at an instant, milliseconds since 1970, as an encoded message; later than the one before whatever the clock says.
    /// Series that were on that and are not on this have ended.
    pub(crate) fn page(&mut self, families: &[MetricFamily], unix_ms: i64) -> Vec<u8> {
        let at = unix_ms.max(self.last.saturating_add(1));
        self.last = at;
        self.number += 1;
        let mut message = Vec::with_capacity(self.length + self.length / 8);
        for family in families {
            if !self.known.contains_key(&family.name) {
                self.known.insert(family.name.clone(), HashMap::new());
            }
            let Some(metrics) = self.known.get_mut(&family.name) else {
                continue;
            };
            for metric in &family.metric {
                if !metrics.contains_key(&metric.label) {
                    metrics.insert(metric.label.clone(), Vec::new());
                }
                let Some(known) = metrics.get_mut(&metric.label) else {
                    continue;
                };
                let mut place = 0;
                each(family, metric, at, |part, point| {
                    let known = self::known(known, place, part, || labels(&self.own, family, metric, part));
                    known.seen = self.number;
                    point.add_to(&mut message, &known.labels);
                    place += 1;
                });
            }
        }
        self.end_what_is_gone(at, &mut message);
        self.length = message.len();
        message
    }

    /// The end of all series.
    pub(crate) fn end(&mut self, unix_ms: i64) -> Vec<u8> {
        self.page(&[], unix_ms)
    }

    /// Marks and forgets what was not on this page.
    fn end_what_is_gone(&mut self, at: i64, message: &mut Vec<u8>) {
        let mut gone: Vec<Known> = Vec::new();
        for metrics in self.known.values_mut() {
            for known in metrics.values_mut() {
                gone.extend(known.extract_if(.., |known| known.seen != self.number));
            }
            metrics.retain(|_, known| !known.is_empty());
        }
        self.known.retain(|_, metrics| !metrics.is_empty());
        if gone.is_empty() {
            return;
        }
        // One that is there by another way goes on, such as a family of the name that a histogram's count had.
        let mut told: HashSet<(&[u8], bool)> = self
            .known
            .values()
            .flat_map(|metrics| metrics.values().flatten())
            .map(|known| (&*known.labels, known.is_native()))
            .collect();
        for known in &gone {
            if told.insert((&*known.labels, known.is_native())) {
                ended(known.is_native(), at).add_to(message, &known.labels);
            }
        }
    }
}

/// The series of a metric that is this part of it, made if there is none. Pages have them in the same order, mostly.
fn known(all: &mut Vec<Known>, place: usize, part: Part, labels: impl FnOnce() -> Vec<u8>) -> &mut Known {
    let place = if all.get(place).is_some_and(|known| known.part == part) {
        place
    } else {
        all.iter().position(|known| known.part == part).unwrap_or_else(|| {
            let known = Known {
                part,
                labels: labels(),
                seen: 0,
            };
            let place = place.min(all.len());
            all.insert(place, known);
            place
        })
    };
    &mut all[place]
}

/// Tells of each series of a metric.
fn each(family: &MetricFamily, metric: &Metric, at: i64, mut tell: impl FnMut(Part, Point)) {
    if family.r#type == MetricType::Histogram as i32 {
        let Some(histogram) = &metric.histogram else { return };
        tell(Part::Sum, Point::plain(histogram.sample_sum, at));
        tell(Part::Count, Point::plain(histogram.sample_count as f64, at));
        for bucket in &histogram.bucket {
            let part = Part::Bucket(bucket.upper_bound.to_bits());
            tell(part, Point::plain(bucket.cumulative_count as f64, at));
        }
        // Without a span it is a classic one only.
        if !histogram.positive_span.is_empty() || !histogram.negative_span.is_empty() || histogram.zero_threshold > 0.0
        {
            tell(Part::Native, Point::native(native(histogram, at)));
        }
        return;
    }
    let counter = metric.counter.as_ref().map(|counter| counter.value);
    let value = counter
        .or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value))
        .or_else(|| metric.untyped.as_ref().map(|untyped| untyped.value));
    if let Some(value) = value {
        tell(Part::Value, Point::plain(value, at));
    }
}

/// All labels of a series, encoded.
fn labels(own: &[Label], family: &MetricFamily, metric: &Metric, part: Part) -> Vec<u8> {
    let mut labels: Vec<Label> = metric
        .label
        .iter()
        // An empty label is none.
        .filter(|pair| !pair.value.is_empty())
        .map(|pair| label(&pair.name, &pair.value))
        .collect();
    for own in own {
        if labels.iter().all(|label| label.name != own.name) {
            labels.push(own.clone());
        }
    }
    labels.push(label("__name__", &format!("{}{}", family.name, part.suffix())));
    if let Part::Bucket(edge) = part {
        labels.push(label("le", &edge_text(f64::from_bits(edge))));
    }
    labels.sort();
    Labels { labels }.encode_to_vec()
}

fn label(name: &str, value: &str) -> Label {
    Label {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// As a scrape of the protobuf page has it.
fn edge_text(edge: f64) -> String {
    match edge {
        f64::INFINITY => "+Inf".to_owned(),
        edge => format!("{edge:?}"),
    }
}

fn native(of: &protobuf::Histogram, at: i64) -> Histogram {
    let spans = |spans: &[protobuf::BucketSpan]| {
        let each = spans.iter().filter(|span| span.length > 0 || span.offset != 0);
        each.map(|span| BucketSpan {
            offset: span.offset,
            length: span.length,
        })
        .collect()
    };
    Histogram {
        count: Some(Count::Int(of.sample_count)),
        sum: of.sample_sum,
        schema: of.schema,
        zero_threshold: of.zero_threshold,
        zero_count: Some(ZeroCount::Int(of.zero_count)),
        negative_spans: spans(&of.negative_span),
        negative_deltas: of.negative_delta.clone(),
        positive_spans: spans(&of.positive_span),
        positive_deltas: of.positive_delta.clone(),
        timestamp: at,
    }
}

/// The mark that a series has ended.
fn ended(is_native: bool, at: i64) -> Point {
    let value = f64::from_bits(STALE);
    if !is_native {
        return Point::plain(value, at);
    }
    Point::native(Histogram {
        count: Some(Count::Int(0)),
        sum: value,
        zero_count: Some(ZeroCount::Int(0)),
        timestamp: at,
        ..Histogram::default()
    })
}

#[cfg(test)]
mod tests {
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
}
