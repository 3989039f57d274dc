//! Files of every schema version are read, with the figures that they had when they were stored.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use benchmark_results::{
    Results, file,
    summary::{self, Style},
};

/// A stored file and what must be read from it.
struct Stored {
    file: &'static str,
    plan: &'static str,
    verdict: &'static str,
    arrivals: u64,
    completed: u64,
    /// Completions a second; p99 of start_response and p50 of e2e_response, milliseconds: measured phase.
    rate: Option<f64>,
    start_p99: Option<f64>,
    e2e_p50: Option<f64>,
    windows: usize,
    members: usize,
}

const STORED: [Stored; 4] = [
    Stored {
        file: "v1/before-the-fleet.json",
        plan: "decb58",
        verdict: "Valid",
        arrivals: 717,
        completed: 717,
        rate: Some(25.0),
        start_p99: Some(7.647),
        e2e_p50: Some(7.279),
        windows: 30,
        members: 0,
    },
    Stored {
        file: "v1/short.json",
        plan: "cc6b82",
        verdict: "Valid",
        arrivals: 250,
        completed: 250,
        rate: Some(25.0),
        start_p99: None,
        e2e_p50: Some(21.151),
        windows: 10,
        members: 0,
    },
    Stored {
        file: "v1/fleet.json",
        plan: "72e918",
        verdict: "Valid",
        arrivals: 114_000,
        completed: 113_998,
        rate: Some(399.9916666666667),
        start_p99: Some(6.139),
        e2e_p50: Some(26.239),
        windows: 10,
        members: 5,
    },
    Stored {
        file: "v1/before-an-iteration.json",
        plan: "f3662c",
        verdict: "Invalid",
        arrivals: 0,
        completed: 0,
        rate: None,
        start_p99: None,
        e2e_p50: None,
        windows: 0,
        members: 0,
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn read(file: &str) -> Results {
    file::read(&folder().join(file)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_stored_file_is_read_with_its_figures() {
    for stored in STORED {
        let results = read(stored.file);
        let measure = &results.phases.measure;
        assert_eq!(results.plan_hash.short(), stored.plan, "{}", stored.file);
        assert_eq!(
            format!("{:?}", results.verdict.value),
            stored.verdict,
            "{}",
            stored.file
        );
        assert_eq!(results.ledger.arrivals, stored.arrivals, "{}", stored.file);
        assert_eq!(results.ledger.completed, stored.completed, "{}", stored.file);
        assert_eq!(measure.completion_rate, stored.rate, "{}", stored.file);
        assert_eq!(
            measure.latencies.start_response.accepted.p99, stored.start_p99,
            "{}",
            stored.file
        );
        assert_eq!(
            measure.latencies.e2e_response.completed.p50, stored.e2e_p50,
            "{}",
            stored.file
        );
        assert_eq!(results.windows.len(), stored.windows, "{}", stored.file);
        assert_eq!(results.fleet.members.len(), stored.members, "{}", stored.file);
        assert!(!summary::render(&results, None, Style::PLAIN).is_empty());
    }
}

#[test]
fn no_stored_file_is_forgotten() {
    let mut found = BTreeSet::new();
    for version in fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = version.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('v') {
            for file in fs::read_dir(&version).unwrap() {
                found.insert(format!("{name}/{}", file.unwrap().file_name().to_string_lossy()));
            }
        }
    }
    let known: BTreeSet<String> = STORED.iter().map(|stored| stored.file.to_owned()).collect();
    assert_eq!(found, known);
}

#[test]
fn a_file_from_before_the_fleet_reads_as_one_process() {
    let results = read("v1/before-the-fleet.json");
    assert_eq!((results.fleet.generators, results.plan.fleet.generators), (1, 1));
    assert_eq!(results.plan.workers.tuning, None);
    assert_eq!(results.plan.workload.result_size, 0);
    let workers = results.environment.workers.as_ref().unwrap();
    assert_eq!(
        (workers.count, workers.workflow_slots, workers.profile.as_deref()),
        (2, 200, None)
    );
    // The plan as it is written today has more keys; the hash is that of the plan as it was.
    assert_ne!(results.plan_hash, results.plan.hash());
}
