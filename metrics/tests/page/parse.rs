//! A parser that forgives nothing that a scraper would trip over.

use std::collections::{BTreeMap, BTreeSet};

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
