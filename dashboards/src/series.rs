//! Known series: pages in Prometheus' text format, in `series/`.
//!
//! Pages of programs are recorded and say so at their top; what only a full server, a plug-in or a collector has is written
//! by hand after their sources, and is labelled as that. A query is checked against families, the names of their labels and,
//! where it asks for one value, against the values seen.

use std::collections::{BTreeMap, BTreeSet};

/// The page of a server that names its series otherwise: OpenTelemetry as it comes. They are to be recognised, not asked for.
pub const OTHER_NAMES: &str = "server-1.31.2-opentelemetry-plain.prom";

/// The only one of [`OTHER_NAMES`] that is asked for: it tells that there are these.
const TELLTALE: &str = "service_requests_total";

/// A page, and what it is of.
pub(crate) struct Page {
    pub(crate) file: &'static str,
    text: &'static str,
    /// Its histograms are also scraped as native ones, under the family's own name.
    native: bool,
}

macro_rules! page {
    ($file:literal, $native:literal) => {
        Page {
            file: $file,
            text: include_str!(concat!("../series/", $file)),
            native: $native,
        }
    };
}

pub(crate) const PAGES: [Page; 11] = [
    page!("run.prom", true),
    page!("run-by-hand.prom", true),
    page!("worker.prom", true),
    page!("worker-by-hand.prom", true),
    page!("server-1.31.2-tally.prom", false),
    page!("server-1.31.2-opentelemetry.prom", false),
    page!("server-1.31.2-opentelemetry-plain.prom", false),
    page!("server-by-hand.prom", false),
    page!("dsql.prom", false),
    page!("dsql-plain.prom", false),
    page!("prometheus.prom", false),
];

/// Labels that every series gets when it is scraped: from Prometheus, and from the collector beside a task.
pub const TARGET_LABELS: [&str; 5] = ["instance", "job", "cluster", "service_name", "task_id"];

/// What a series holds, and so what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only rises; parts of a classic histogram do, too.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A native histogram.
    Native,
}

/// The series of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What they hold.
    pub kind: Kind,
    /// Their labels, each with the values that were seen.
    pub labels: BTreeMap<String, BTreeSet<String>>,
}

/// All series that are known, by name.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<String, Family>);

impl Known {
    /// What the pages in `series/` have.
    ///
    /// # Panics
    /// When one of them is no page; a test reads them.
    pub fn all() -> Known {
        Known::of(|file| file != OTHER_NAMES, true)
    }

    /// What some of the pages have; with `telltale` also that one of [`OTHER_NAMES`].
    pub(crate) fn of(pages: impl Fn(&str) -> bool, telltale: bool) -> Known {
        let mut known = Known::default();
        let add = |page: &Page, into: &mut Known| {
            if let Err(problem) = into.add(page.text, page.native) {
                panic!("{}: {problem}", page.file);
            }
        };
        for page in &PAGES {
            if pages(page.file) {
                add(page, &mut known);
            } else if telltale && page.file == OTHER_NAMES {
                let mut other = Known::default();
                add(page, &mut other);
                known.0.extend(other.0.remove_entry(TELLTALE));
            }
        }
        known
    }

    /// Adds what a page has.
    ///
    /// # Errors
    /// Names the line that is none of a page's, or that says another type of a family than a page before.
    pub fn add(&mut self, page: &str, native: bool) -> Result<(), String> {
        let mut types: BTreeMap<&str, &str> = BTreeMap::new();
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| format!("no type: {line}"))?;
                types.insert(name, kind);
            } else if !line.starts_with('#') && !line.trim().is_empty() {
                self.sample(line, &types, native)?;
            }
        }
        Ok(())
    }

    fn sample(&mut self, line: &str, types: &BTreeMap<&str, &str>, native: bool) -> Result<(), String> {
        let unknown = || format!("no sample of a family: {line}");
        let end = line.find(['{', ' ']).ok_or_else(unknown)?;
        let name = &line[..end];
        let labels = labels(&line[end..]).ok_or_else(unknown)?;
        let of = |suffix: &str| {
            name.strip_suffix(suffix)
                .and_then(|base| Some((base, *types.get(base)?)))
        };
        let parts = ["_bucket", "_count", "_sum"].into_iter().find_map(of);
        let (kind, histogram) = match (types.get(name), parts) {
            (Some(&"counter"), _) => (Kind::Counter, None),
            (Some(&("gauge" | "untyped")), _) => (Kind::Gauge, None),
            (None, Some((base, "histogram" | "summary"))) => (Kind::Counter, Some(base)),
            // The value of a summary at one of its quantiles.
            (Some(&"summary"), _) => (Kind::Gauge, None),
            _ => return Err(unknown()),
        };
        self.note(name, kind, &labels, line)?;
        if let Some(base) = histogram {
            // A recorded page is kept without its edges: each histogram has them.
            let mut bucket = labels.clone();
            bucket.entry("le".to_owned()).or_insert_with(|| "+Inf".to_owned());
            self.note(&format!("{base}_bucket"), Kind::Counter, &bucket, line)?;
            if native {
                bucket.remove("le");
                self.note(base, Kind::Native, &bucket, line)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, name: &str, kind: Kind, labels: &BTreeMap<String, String>, line: &str) -> Result<(), String> {
        let family = self.0.entry(name.to_owned()).or_insert_with(|| Family {
            kind,
            labels: BTreeMap::new(),
        });
        if family.kind != kind {
            return Err(format!("another type than on another page: {line}"));
        }
        for (label, value) in labels {
            family.labels.entry(label.clone()).or_default().insert(value.clone());
        }
        Ok(())
    }

    /// The series of a name.
    pub fn get(&self, name: &str) -> Option<&Family> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Family)> {
        self.0.iter().map(|(name, family)| (name.as_str(), family))
    }

    /// The known name that is most like another: what was probably meant.
    pub fn like(&self, name: &str) -> Option<&str> {
        let near = self
            .0
            .keys()
            .map(|known| (strsim::levenshtein(known, name), known.as_str()))
            .min()?;
        (near.0 <= name.len() / 4).then_some(near.1)
    }
}

/// The labels of a sample, from what follows its name.
fn labels(rest: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let Some(mut rest) = rest.strip_prefix('{') else {
        return Some(labels);
    };
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(value) = rest.strip_prefix('}') {
            return value.trim().split(' ').next()?.parse::<f64>().ok().map(|_| labels);
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        loop {
            match chars.next()? {
                (at, '"') => {
                    rest = &after[at + 1..];
                    break;
                }
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        }
        labels.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_pages() {
        let known = Known::all();
        assert_eq!(known.get("benchmark_backlog").unwrap().kind, Kind::Gauge);
        assert_eq!(
            known.get("benchmark_workflow_latency_seconds").unwrap().kind,
            Kind::Native
        );
        assert!(known.get("service_latency_bucket").unwrap().labels.contains_key("le"));
        // The server's histograms are classic ones only.
        assert!(known.get("service_latency").is_none());
    }

    #[test]
    fn what_is_no_page_is_told() {
        let mut known = Known::default();
        known.add("# TYPE a counter\na{x=\"1, \\\"2\\\"\"} 3\n", false).unwrap();
        assert_eq!(
            known.get("a").unwrap().labels["x"],
            BTreeSet::from(["1, \"2\"".to_owned()])
        );
        for wrong in [
            "b 1",
            "# TYPE a gauge\na 1",
            "# TYPE a counter\na{x=\"1} 2",
            "# TYPE a counter\na{x=\"1\"} two",
            "# TYPE a",
        ] {
            assert!(known.add(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let mut known = Known::default();
        known
            .add("# TYPE benchmark_backlog gauge\nbenchmark_backlog 1\n", false)
            .unwrap();
        assert_eq!(known.like("benchmark_baklog"), Some("benchmark_backlog"));
        assert_eq!(known.like("something_else"), None);
    }
}
