//! What was written is read, and a failed write harms nothing.

use std::{fs, path::Path};

use benchmark_scenarios::workloads::DEFINITIONS;

use super::*;
use crate::testing;

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let mut results = testing::valid();
    write_atomically(&path, &results).unwrap();
    results.complete = !results.complete;
    write_atomically(&path, &results).unwrap();
    assert_eq!(read(&path).unwrap(), results);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
}

#[test]
fn every_workload_survives_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    for definition in DEFINITIONS {
        let mut results = testing::short();
        results.plan.workload.kind = definition.by_default();
        write_atomically(&path, &results).unwrap();
        assert_eq!(read(&path).unwrap(), results);
    }
}

#[test]
fn a_file_from_before_there_was_a_fleet_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let results = testing::valid();
    let mut json = serde_json::to_value(&results).unwrap();
    json.as_object_mut().unwrap().remove("fleet");
    let workers = json["environment"]["workers"].as_object_mut().unwrap();
    let known = [
        "count",
        "workflowSlots",
        "activitySlots",
        "localActivitySlots",
        "pollers",
        "maxCachedWorkflows",
    ];
    workers.retain(|key, _| known.contains(&key.as_str()));
    fs::write(&path, json.to_string()).unwrap();
    assert!(read(&path).unwrap() == results);
}

#[test]
fn a_fleet_survives_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let results = testing::fleet::run_of(testing::fleet::worker_lost_iteration());
    write_atomically(&path, &results).unwrap();
    assert!(read(&path).unwrap() == results);
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = write_atomically(&folder.path().join("missing/results.json"), &testing::valid()).unwrap_err();
    assert!(error.to_string().contains("missing/results.json"), "{error}");
    assert!(matches!(
        write_atomically(Path::new("/"), &testing::valid()),
        Err(WriteError::NoFileName { .. })
    ));
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    fs::write(occupied.join("file"), "").unwrap();
    assert!(write_atomically(&occupied, &testing::valid()).is_err());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left behind"
    );
}
