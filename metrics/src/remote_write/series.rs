//! From the page's families to what is sent: each series with the labels of this process, and the mark of those that ended.

use std::collections::BTreeMap;

use super::message::{BucketSpan, Count, Histogram, Label, Sample, TimeSeries, WriteRequest, ZeroCount};
use crate::protobuf::{self, Metric, MetricFamily, MetricType};

/// A value that is none: this series has ended. Prometheus' own; an ordinary value that is no number has other bits.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Labels of a series, and whether it is a native histogram.
type Key = (Vec<Label>, bool);

/// Makes what is sent of pages, one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Added to every series that has no label of the name.
    own: Vec<Label>,
    /// The series of the page before.
    known: BTreeMap<Key, ()>,
    last: i64,
}

impl Writer {
    /// A writer that adds labels.
    pub(crate) fn new(own: &[(&str, &str)]) -> Self {
        Writer {
            own: own.iter().map(|(name, value)| label(name, value)).collect(),
            known: BTreeMap::new(),
            last: i64::MIN,
        }
    }

    /// A page at an instant, milliseconds since 1970; later than the one before whatever the clock says. Series that were on
    /// that and are not on this have ended.
    pub(crate) fn page(&mut self, families: &[MetricFamily], unix_ms: i64) -> WriteRequest {
        let at = unix_ms.max(self.last.saturating_add(1));
        self.last = at;
        let mut timeseries = Vec::new();
        let mut gone = std::mem::take(&mut self.known);
        for family in families {
            for metric in &family.metric {
                self.metric(family, metric, at, &mut timeseries);
            }
        }
        for series in &timeseries {
            let key = (series.labels.clone(), !series.histograms.is_empty());
            gone.remove(&key);
            self.known.insert(key, ());
        }
        timeseries.extend(gone.into_keys().map(|key| ended(key, at)));
        WriteRequest { timeseries }
    }

    /// The end of all series.
    pub(crate) fn end(&mut self, unix_ms: i64) -> WriteRequest {
        self.page(&[], unix_ms)
    }

    fn metric(&self, family: &MetricFamily, metric: &Metric, at: i64, into: &mut Vec<TimeSeries>) {
        let name = &family.name;
        let plain = |value: f64| Sample { value, timestamp: at };
        let mut add = |suffix: &str, edge: Option<f64>, value: f64| {
            into.push(TimeSeries {
                labels: self.labels(name, suffix, metric, edge),
                samples: vec![plain(value)],
                histograms: Vec::new(),
            });
        };
        if family.r#type == MetricType::Histogram as i32 {
            let Some(histogram) = &metric.histogram else { return };
            add("_sum", None, histogram.sample_sum);
            add("_count", None, histogram.sample_count as f64);
            for bucket in &histogram.bucket {
                add("_bucket", Some(bucket.upper_bound), bucket.cumulative_count as f64);
            }
            // Without a span it is a classic one only.
            if !histogram.positive_span.is_empty()
                || !histogram.negative_span.is_empty()
                || histogram.zero_threshold > 0.0
            {
                into.push(TimeSeries {
                    labels: self.labels(name, "", metric, None),
                    samples: Vec::new(),
                    histograms: vec![native(histogram, at)],
                });
            }
            return;
        }
        let counter = metric.counter.as_ref().map(|counter| counter.value);
        let value = counter
            .or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value))
            .or_else(|| metric.untyped.as_ref().map(|untyped| untyped.value));
        if let Some(value) = value {
            add("", None, value);
        }
    }

    fn labels(&self, name: &str, suffix: &str, metric: &Metric, edge: Option<f64>) -> Vec<Label> {
        let mut labels: Vec<Label> = metric
            .label
            .iter()
            // An empty label is none.
            .filter(|pair| !pair.value.is_empty())
            .map(|pair| label(&pair.name, &pair.value))
            .collect();
        for own in &self.own {
            if labels.iter().all(|label| label.name != own.name) {
                labels.push(own.clone());
            }
        }
        labels.push(label("__name__", &format!("{name}{suffix}")));
        labels.extend(edge.map(|edge| label("le", &edge_text(edge))));
        labels.sort();
        labels
    }
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
fn ended((labels, is_native): Key, at: i64) -> TimeSeries {
    let value = f64::from_bits(STALE);
    let mut series = TimeSeries {
        labels,
        ..TimeSeries::default()
    };
    if is_native {
        series.histograms.push(Histogram {
            count: Some(Count::Int(0)),
            sum: value,
            zero_count: Some(ZeroCount::Int(0)),
            timestamp: at,
            ..Histogram::default()
        });
    } else {
        series.samples.push(Sample { value, timestamp: at });
    }
    series
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::protobuf::{Bucket, Counter, Gauge, LabelPair};

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
        let sent = writer.page(&[gauge("g", 1.5)], 1_000);
        assert_eq!(
            named(&sent.timeseries[0]),
            "__name__=g,a=1,b=2,instance=host:1,job=run-benchmark"
        );
        assert_eq!(
            sent.timeseries[0].samples,
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
        let sent = Writer::new(&[]).page(&[family("h_seconds", MetricType::Histogram, metric)], 7);
        let names: Vec<String> = sent.timeseries.iter().map(named).collect();
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
        let native = &sent.timeseries[4].histograms[0];
        assert_eq!(
            (native.count, native.schema, native.timestamp),
            (Some(Count::Int(3)), 3, 7)
        );
        assert_eq!(native.positive_spans, [BucketSpan { offset: -3, length: 2 }]);
        assert_eq!(native.positive_deltas, [1, 0]);
        assert_eq!(WriteRequest::decode(&sent.encode_to_vec()[..]).unwrap(), sent);
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
        let next = writer.page(std::slice::from_ref(&counter), 2_000);
        let [counted, gone] = &next.timeseries[..] else {
            panic!("{next:?}");
        };
        assert_eq!(counted.samples[0].value, 4.0);
        assert_eq!(named(gone), "__name__=g,a=1,b=2");
        assert_eq!(gone.samples[0].value.to_bits(), STALE);
        let end = writer.end(2_000);
        assert_eq!(end.timeseries.len(), 1, "what ended once does not end again");
        assert_eq!(end.timeseries[0].samples[0].value.to_bits(), STALE);
        assert_eq!(
            end.timeseries[0].samples[0].timestamp, 2_001,
            "later than the page before"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_order_away() {
        let mut writer = Writer::new(&[]);
        let mut at = |unix_ms: i64| writer.page(&[gauge("g", 1.0)], unix_ms).timeseries[0].samples[0].timestamp;
        assert_eq!((at(5_000), at(4_000), at(6_000)), (5_000, 5_001, 6_000));
    }
}
