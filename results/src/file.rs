//! Results on disk: written whole or not at all, read with an answer to what is wrong.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    limits::RESULTS_MAX_BYTES,
    schema::{Results, SCHEMA_VERSION},
};

/// Why a results file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The path names no file.
    #[error("{} names no file: give a path that ends in a file name, such as results.json", path.display())]
    NoFileName {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A value has no JSON.
    #[error("cannot write {}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Which value, and why.
        source: serde_json::Error,
    },
}

/// Why a results file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is larger than any results file.
    #[error("{} has {bytes} bytes, more than the {RESULTS_MAX_BYTES} that a results file may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// There is nothing in it.
    #[error("{} is empty: the disk was full, or it was copied before it was written", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It ends in the middle.
    #[error("{} is cut off at line {line}: copy it again", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its last line.
        line: usize,
    },
    /// It is no JSON.
    #[error("{} is not JSON: {source}", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        source: serde_json::Error,
    },
    /// It is JSON of another kind.
    #[error("{} is not a results file of run-benchmark: it has no schemaVersion", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by the runner that this program replaces.
    #[error(
        "{} was written by the runner that this program replaces: it has no schemaVersion, histograms or ledger, so \
         its figures cannot be checked or compared",
        path.display()
    )]
    Legacy {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer program.
    #[error(
        "{} has schema version {found}, and this program reads up to {SCHEMA_VERSION}: use a newer run-benchmark",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It says that it is a results file, and it is none.
    #[error("{} is damaged or was edited: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        source: serde_json::Error,
    },
}

/// Writes the results so that a reader, or a crash, finds the old file or the new one and never a part: to a file beside
/// it, forced to disk, then renamed over it. A process that is killed may leave `.NAME.PID.part` behind.
///
/// # Errors
/// When the path names no file or the system refuses; the old file is then as it was.
pub fn write_atomically(path: &Path, results: &Results) -> Result<(), WriteError> {
    let name = path
        .file_name()
        .ok_or_else(|| WriteError::NoFileName { path: path.to_owned() })?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(part);
    let written = write(&part, results).and_then(|()| fs::rename(&part, path).map_err(Failure::Io));
    if let Err(failure) = written {
        // Nothing to add when this fails as well: the cause is being reported.
        let _ = fs::remove_file(&part);
        let path = path.to_owned();
        return Err(match failure {
            Failure::Io(source) => WriteError::Io { path, source },
            Failure::Json(source) => WriteError::Json { path, source },
        });
    }
    // The rename is on disk when the folder is. Not every file system can do it, and the file itself is safe.
    if let Ok(folder) = File::open(
        path.parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    ) {
        let _ = folder.sync_all();
    }
    Ok(())
}

enum Failure {
    Io(io::Error),
    Json(serde_json::Error),
}

fn write(part: &Path, results: &Results) -> Result<(), Failure> {
    let mut writer = BufWriter::new(File::create(part).map_err(Failure::Io)?);
    serde_json::to_writer_pretty(&mut writer, results).map_err(|error| match error.io_error_kind() {
        Some(_) => Failure::Io(error.into()),
        None => Failure::Json(error),
    })?;
    writer.write_all(b"\n").map_err(Failure::Io)?;
    let file = writer.into_inner().map_err(|error| Failure::Io(error.into_error()))?;
    file.sync_all().map_err(Failure::Io)
}

/// The results as the text of a file.
///
/// # Errors
/// When a figure has no JSON form, as NaN.
pub fn to_json(results: &Results) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(results)? + "\n")
}

/// Reads a results file of this schema version or an older one.
///
/// # Errors
/// When it is missing, empty, cut off, too large, of another kind or of a newer version; each says which.
pub fn read(path: &Path) -> Result<Results, ReadError> {
    let text = read_bounded(path)?;
    let path = path.to_owned();
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(ReadError::Empty { path });
    }
    let kind: Kind = match serde_json::from_slice(&text) {
        Ok(kind) => kind,
        Err(source) if source.is_eof() => {
            let line = source.line();
            return Err(ReadError::Truncated { path, line });
        }
        // JSON, but no object, or one whose version is no number.
        Err(source) if source.is_data() => return Err(ReadError::Foreign { path }),
        Err(source) => return Err(ReadError::NotJson { path, source }),
    };
    match kind {
        Kind {
            schema_version: Some(found),
            ..
        } if found > u64::from(SCHEMA_VERSION) => Err(ReadError::Newer { path, found }),
        Kind {
            schema_version: Some(_),
            ..
        } => serde_json::from_slice(&text).map_err(|source| ReadError::Damaged { path, source }),
        Kind {
            config: Some(_),
            failure_reasons: Some(_),
            ..
        } => Err(ReadError::Legacy { path }),
        _ => Err(ReadError::Foreign { path }),
    }
}

/// What tells a results file from other JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: Option<u64>,
    config: Option<serde::de::IgnoredAny>,
    failure_reasons: Option<serde::de::IgnoredAny>,
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let too_large = |bytes| ReadError::TooLarge {
        path: path.to_owned(),
        bytes,
    };
    let file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    if bytes > RESULTS_MAX_BYTES {
        return Err(too_large(bytes));
    }
    let mut text = Vec::new();
    // What is read is bounded as well: a pipe has no size, and a file may grow.
    let read = BufReader::new(file)
        .take(RESULTS_MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(io)? as u64;
    if read > RESULTS_MAX_BYTES {
        return Err(too_large(read));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use benchmark_scenarios::{SleepRange, WorkloadKind};

    use super::*;
    use crate::fixtures;

    fn reading(text: &str) -> ReadError {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        fs::write(&path, text).unwrap();
        read(&path).unwrap_err()
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let mut results = fixtures::valid();
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
        for kind in [
            WorkloadKind::MultiActivity {
                activity_count: 10,
                parallel_activities: 4,
                activity_duration: SleepRange {
                    min: Duration::from_millis(100),
                    max: Duration::from_millis(600),
                }
                .into(),
            },
            WorkloadKind::Timer {
                timer_duration: Duration::from_millis(1_500),
            },
            WorkloadKind::ChildWorkflow { child_count: 3 },
            WorkloadKind::StateTransitions,
        ] {
            let mut results = fixtures::short();
            results.plan.workload.kind = kind;
            write_atomically(&path, &results).unwrap();
            assert_eq!(read(&path).unwrap(), results);
        }
    }

    #[test]
    fn a_file_from_before_there_was_a_fleet_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        let results = fixtures::valid();
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
        let results = fixtures::fleet::run_of(fixtures::fleet::worker_lost_iteration());
        write_atomically(&path, &results).unwrap();
        assert!(read(&path).unwrap() == results);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomically(&folder.path().join("missing/results.json"), &fixtures::valid()).unwrap_err();
        assert!(error.to_string().contains("missing/results.json"), "{error}");
        assert!(matches!(
            write_atomically(Path::new("/"), &fixtures::valid()),
            Err(WriteError::NoFileName { .. })
        ));
        let occupied = folder.path().join("occupied");
        fs::create_dir(&occupied).unwrap();
        fs::write(occupied.join("file"), "").unwrap();
        assert!(write_atomically(&occupied, &fixtures::valid()).is_err());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left behind"
        );
    }

    #[test]
    fn each_kind_of_wrong_file_is_named() {
        assert!(matches!(reading(""), ReadError::Empty { .. }));
        assert!(matches!(reading(" \n"), ReadError::Empty { .. }));
        assert!(matches!(reading("{\"a\": 1}"), ReadError::Foreign { .. }));
        assert!(matches!(reading("[1, 2]"), ReadError::Foreign { .. }));
        assert!(matches!(reading("null"), ReadError::Foreign { .. }));
        assert!(matches!(reading("hello"), ReadError::NotJson { .. }));
        assert!(matches!(
            reading("{\"schemaVersion\": 2}"),
            ReadError::Newer { found: 2, .. }
        ));
        assert!(matches!(reading("{\"schemaVersion\": 1}"), ReadError::Damaged { .. }));
        let legacy = r#"{"timestamp": "", "config": {}, "results": {}, "passed": true, "failureReasons": []}"#;
        assert!(matches!(reading(legacy), ReadError::Legacy { .. }));
        let whole = serde_json::to_string_pretty(&fixtures::valid()).unwrap();
        assert!(matches!(reading(&whole[..whole.len() / 2]), ReadError::Truncated { line, .. } if line > 1));
        let missing = read(Path::new("no/such/results.json")).unwrap_err();
        assert!(missing.to_string().contains("no/such/results.json"), "{missing}");
    }

    #[test]
    fn an_enormous_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        // Sparse: it takes no room on disk.
        File::create(&path).unwrap().set_len(RESULTS_MAX_BYTES * 8).unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge { .. })));
    }
}
