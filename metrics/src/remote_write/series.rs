//! From the page's families to what is sent: each series with the labels of this process, and the mark of those that ended.
//!
//! Labels are most of a message, and stay the same from second to second: they are put together and encoded when a series
//! comes first, and kept with the metric that it belongs to. A metric is found by its own name and labels, which are compared
//! and not copied.

use std::collections::{HashMap, HashSet};

use prost::Message as _;

use super::message::{Count, Histogram, Labels, Point, ZeroCount};
use crate::protobuf::{self, BucketSpan, LabelPair, Metric, MetricFamily, MetricType};

/// A value that is none: this series has ended. Prometheus' own; an ordinary value that is no number has other bits.
const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Makes what is sent of pages, one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Added to every series that has no label of the name.
    own: Vec<LabelPair>,
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
fn labels(own: &[LabelPair], family: &MetricFamily, metric: &Metric, part: Part) -> Vec<u8> {
    let mut labels = metric.label.clone();
    // An empty label is none.
    labels.retain(|label| !label.value.is_empty());
    for own in own {
        if labels.iter().all(|label| label.name != own.name) {
            labels.push(own.clone());
        }
    }
    labels.push(label("__name__", &format!("{}{}", family.name, part.suffix())));
    if let Part::Bucket(edge) = part {
        labels.push(label("le", &edge_text(f64::from_bits(edge))));
    }
    labels.sort_by(|one, other| one.name.cmp(&other.name));
    Labels { labels }.encode_to_vec()
}

fn label(name: &str, value: &str) -> LabelPair {
    LabelPair {
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
    let spans = |spans: &[BucketSpan]| {
        let each = spans.iter().filter(|span| span.length > 0 || span.offset != 0);
        each.copied().collect()
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
mod tests;
