//! The pages of the programs as files, `dashboards/series/{run,worker}.prom`: what queries are checked against where nothing
//! runs. `UPDATE_SERIES=1` writes them anew from the runs of this test, which otherwise must have the same values of labels.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
};

use benchmark_dashboards::{Known, folder};
use benchmark_prometheus::Prometheus;

/// The files, the jobs whose pages they hold, and what they are of.
const FILES: [(&str, &str, &str); 2] = [
    ("run.prom", "leader|generator", "a leader and a further generator"),
    ("worker.prom", "worker", "workers"),
];

/// Labels that have the same values in whatever run: all of them stand on the page at 0, or belong to every worker.
const SAME: [&str; 9] = [
    "phase",
    "reason",
    "result",
    "outcome",
    "verdict",
    "role",
    "presence",
    "worker_type",
    "poller_type",
];

/// Labels and values of one name.
type Samples = Vec<(BTreeMap<String, String>, f64)>;

/// Compares the files with what was scraped in so many seconds, or writes them.
pub fn check(prometheus: &Prometheus, seconds: f64) {
    for (file, jobs, whose) in FILES {
        let page = page(prometheus, jobs, seconds);
        let path = folder().join("series").join(file);
        if env::var_os("UPDATE_SERIES").is_some() {
            let head = format!(
                "# The pages of {whose} in the two runs of cli/tests/run/boards.rs, which writes them (UPDATE_SERIES=1).\n\
                 # Reduced: without edges and sums, and with as many samples of a family as show each value of each label once.\n"
            );
            fs::write(&path, head + &page).unwrap();
        }
        let known = |page: &str| {
            let mut known = Known::default();
            known
                .add(page, true)
                .unwrap_or_else(|problem| panic!("{file}: {problem}"));
            known
        };
        let (stored, seen) = (known(&fs::read_to_string(&path).unwrap()), known(&page));
        for (name, family) in stored
            .iter()
            .filter(|(_, family)| family.labels.keys().any(|label| SAME.contains(&label.as_str())))
        {
            let seen = seen
                .get(name)
                .unwrap_or_else(|| panic!("{file}: {name} is on no page any more"));
            for (label, values) in family.labels.iter().filter(|(label, _)| SAME.contains(&label.as_str())) {
                assert_eq!(Some(values), seen.labels.get(label), "{file}: {name}, {label}");
            }
        }
    }
}

/// All series of some jobs as one page in Prometheus' text format.
fn page(prometheus: &Prometheus, jobs: &str, seconds: f64) -> String {
    let own = "benchmark_.*|temporal_.*|process_.*";
    let every = |names: &str| {
        let seconds = seconds.ceil();
        let query = format!("last_over_time({{job=~\"{jobs}\",__name__=~\"{own}\",{names}}}[{seconds}s])");
        prometheus.query(&query, None).unwrap().series
    };
    let edges = every("le=\"+Inf\"");
    let histograms: BTreeSet<&str> = edges
        .iter()
        .map(|series| series.labels["__name__"].trim_end_matches("_bucket"))
        .collect();
    let mut families: BTreeMap<String, Samples> = BTreeMap::new();
    for mut series in every("__name__!~\".*_(bucket|sum)\"") {
        let name = series.labels.remove("__name__").unwrap();
        series
            .labels
            .retain(|label, _| !["job", "instance"].contains(&label.as_str()));
        families
            .entry(name)
            .or_default()
            .push((series.labels, series.points[0].1));
    }
    let mut page = String::new();
    for (name, mut samples) in families {
        // Our names say what they are.
        let histogram = name.strip_suffix("_count").filter(|base| histograms.contains(base));
        let (base, kind) = match histogram {
            Some(base) => (base, "histogram"),
            None if name.ends_with("_total") => (name.as_str(), "counter"),
            None => (name.as_str(), "gauge"),
        };
        page.push_str(&format!("# TYPE {base} {kind}\n"));
        // The busiest first.
        samples.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let mut shown = BTreeSet::new();
        samples.retain(|(labels, _)| {
            let before = shown.len();
            shown.extend(labels.clone());
            shown.len() > before || before == 0
        });
        samples.dedup_by(|one, other| one.0 == other.0);
        samples.sort_by(|one, other| one.0.cmp(&other.0));
        for (labels, value) in samples {
            let labels: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}={value:?}"))
                .collect();
            let braces = if labels.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", labels.join(","))
            };
            page.push_str(&format!("{name}{braces} {value}\n"));
        }
    }
    page
}
