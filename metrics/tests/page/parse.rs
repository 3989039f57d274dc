//! A parser that forgives nothing that a scraper would trip over.

use std::collections::{BTreeMap, BTreeSet};

use benchmark_metrics::protobuf::{Histogram, Metric, MetricFamily, MetricType};
use prost::Message as _;

#[derive(Clone, Copy, PartialEq)]
pub enum Format {
    OpenMetrics,
    Plain,
}

#[derive(Debug, Default)]
pub struct Page {
    pub families: BTreeMap<String, Family>,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: Option<String>,
    pub unit: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    pub fn id(&self) -> String {
        format!("{}{:?}", self.name, self.labels)
    }
}

impl Page {
    pub fn parse(text: &str, format: Format) -> Page {
        let mut page = Page::default();
        let mut current = String::new();
        let mut seen = BTreeSet::new();
        let mut ended = false;
        for line in text.lines() {
            assert!(!ended, "after the end: {line}");
            if line == "# EOF" {
                assert!(
                    format == Format::OpenMetrics,
                    "an end that the older format does not know"
                );
                ended = true;
            } else if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let mut word = || words.next().unwrap_or_else(|| panic!("{line}"));
                let (what, name, text) = (word(), word(), word());
                if name != current {
                    assert!(!page.families.contains_key(name), "in two places: {name}");
                    current = name.to_owned();
                }
                let family = page.families.entry(current.clone()).or_default();
                match what {
                    "HELP" => assert_eq!(family.help.replace(text.to_owned()), None, "{line}"),
                    "TYPE" => assert_eq!(std::mem::replace(&mut family.kind, text.to_owned()), "", "{line}"),
                    "UNIT" => {
                        assert!(
                            format == Format::OpenMetrics && name.ends_with(&format!("_{text}")),
                            "{line}"
                        );
                        family.unit = Some(text.to_owned());
                    }
                    _ => panic!("{line}"),
                }
            } else {
                let sample = sample(line);
                let kind = &page
                    .families
                    .get(&current)
                    .unwrap_or_else(|| panic!("no family: {line}"))
                    .kind;
                let suffixes: &[&str] = match (kind.as_str(), format) {
                    ("counter", Format::OpenMetrics) => &["_total"],
                    ("info", Format::OpenMetrics) => &["_info"],
                    ("counter" | "gauge", _) => &[""],
                    ("histogram", _) => &["_bucket", "_count", "_sum"],
                    _ => panic!("no such type: {kind} of {current}"),
                };
                let suffix = sample
                    .name
                    .strip_prefix(&current)
                    .unwrap_or_else(|| panic!("not of {current}: {line}"));
                assert!(suffixes.contains(&suffix), "{line}");
                assert!(seen.insert(sample.id()), "twice: {line}");
                page.samples.push(sample);
            }
        }
        assert_eq!(ended, format == Format::OpenMetrics, "the end");
        page.check_histograms();
        page
    }

    /// The same of a protobuf page.
    pub fn decode(mut page: &[u8]) -> Page {
        let mut decoded = Page::default();
        while !page.is_empty() {
            let family = MetricFamily::decode_length_delimited(&mut page).expect("a family");
            let kind = MetricType::try_from(family.r#type).expect("a type of family");
            for metric in &family.metric {
                let values = [
                    metric.counter.as_ref().map(|counter| counter.value),
                    metric.gauge.map(|gauge| gauge.value),
                ];
                let mut add = |suffix: &str, le: Option<f64>, value: f64| {
                    let labels = metric
                        .label
                        .iter()
                        .map(|label| (label.name.clone(), label.value.clone()));
                    let le = le.map(|le| {
                        let text = if le.is_infinite() {
                            "+Inf".to_owned()
                        } else {
                            format!("{le:?}")
                        };
                        ("le".to_owned(), text)
                    });
                    decoded.samples.push(Sample {
                        name: format!("{}{suffix}", family.name),
                        labels: labels.chain(le).collect(),
                        value,
                    });
                };
                values.into_iter().flatten().for_each(|value| add("", None, value));
                if let Some(histogram) = &metric.histogram {
                    add("_sum", None, histogram.sample_sum);
                    add("_count", None, histogram.sample_count as f64);
                    for bucket in &histogram.bucket {
                        add("_bucket", Some(bucket.upper_bound), bucket.cumulative_count as f64);
                    }
                }
            }
            let described = Family {
                kind: kind.as_str_name().to_lowercase(),
                help: Some(family.help),
                unit: Some(family.unit).filter(|unit| !unit.is_empty()),
            };
            assert!(
                decoded.families.insert(family.name, described).is_none(),
                "in two places"
            );
        }
        decoded.check_histograms();
        decoded
    }

    /// Buckets never fall, and the last of them is all.
    fn check_histograms(&self) {
        let mut last: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for sample in &self.samples {
            if let (Some(name), Some(le)) = (sample.name.strip_suffix("_bucket"), sample.labels.get("le")) {
                let le = number(le);
                let (bound, value) = last.entry(of(name, sample)).or_insert((f64::NEG_INFINITY, 0.0));
                assert!(le > *bound && sample.value >= *value, "{sample:?}");
                (*bound, *value) = (le, sample.value);
            }
        }
        for sample in &self.samples {
            if let Some(name) = sample.name.strip_suffix("_count") {
                assert_eq!(
                    last.get(&of(name, sample)),
                    Some(&(f64::INFINITY, sample.value)),
                    "{sample:?}"
                );
            }
        }
    }

    /// The value of the one series of this name with these labels among its own.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            let with = |(name, value): &(&str, &str)| sample.labels.get(*name).map(String::as_str) == Some(value);
            sample.name == name && labels.iter().all(with)
        };
        let mut found = self.samples.iter().filter(has);
        let value = found.next()?.value;
        assert!(found.next().is_none(), "more than one {name} with {labels:?}");
        Some(value)
    }
}

/// The native buckets of a histogram: their upper bounds and counts, that of zero first.
pub fn native_buckets(histogram: &Histogram) -> Vec<(f64, u64)> {
    let mut buckets = vec![(histogram.zero_threshold, histogram.zero_count)];
    let base = 2_f64.powf(2_f64.powi(-histogram.schema));
    let mut deltas = histogram.positive_delta.iter();
    let (mut index, mut count) = (0_i32, 0_i64);
    for span in &histogram.positive_span {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().expect("a delta for each bucket");
            buckets.push((base.powi(index), u64::try_from(count).expect("no count below 0")));
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None, "a bucket for each delta");
    buckets
}

/// The histograms of a family on a protobuf page.
pub fn histograms(mut page: &[u8], name: &str) -> Vec<Histogram> {
    let mut found = Vec::new();
    while !page.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut page).expect("a family");
        if family.name == name {
            let of = |metric: Metric| metric.histogram.expect("a histogram");
            found.extend(family.metric.into_iter().map(of));
        }
    }
    found
}

fn of(name: &str, sample: &Sample) -> String {
    let mut labels = sample.labels.clone();
    labels.remove("le");
    format!("{name}{labels:?}")
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

fn name(text: &str, more: &str) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(c);
    assert!(
        text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit()),
        "no name: {text}"
    );
    assert!(!text.is_empty(), "an empty name");
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("{line}"));
    name(&line[..end], ":");
    let (labels, rest) = match line[end..].strip_prefix('{') {
        Some(rest) => labels(rest),
        None => (BTreeMap::new(), &line[end..]),
    };
    Sample {
        name: line[..end].to_owned(),
        labels,
        value: number(rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"))),
    }
}

/// Labels up to the closing brace, and what comes after it.
fn labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    if let Some(rest) = rest.strip_prefix('}') {
        return (labels, rest);
    }
    loop {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {rest}"));
        name(key, "");
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().unwrap_or_else(|| panic!("no end: {after}")) {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, c @ ('\\' | '"'))) => c,
                    other => panic!("no escape: {other:?}"),
                }),
                (_, c) => value.push(c),
            }
        };
        assert_eq!(labels.insert(key.to_owned(), value), None, "twice: {key}");
        rest = &after[end + 1..];
        match rest.split_at(1) {
            ("}", after) => return (labels, after),
            (",", after) => rest = after,
            _ => panic!("after a label: {rest}"),
        }
    }
}
