//! Malformed and hostile files: each ends with its own line, and none with a panic.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::*;
use crate::{
    limits::{RESULTS_MAX_BYTES, RESULTS_MAX_TEXT},
    testing,
};

/// A sound file.
pub(super) fn sound() -> Value {
    serde_json::to_value(testing::short()).unwrap()
}

/// What reading these bytes ends with.
pub(super) fn reading(text: &[u8]) -> Result<Results, ReadProblem> {
    read_from(&mut &text[..], Path::new("results.json")).map_err(|error| {
        let line = error.to_string();
        assert!(line.starts_with("results.json ") && !line.contains('\n'), "{line:?}");
        assert!(line.chars().count() < 400, "{line}");
        error.problem
    })
}

fn refused(text: impl AsRef<[u8]>) -> ReadProblem {
    reading(text.as_ref()).unwrap_err()
}

/// A sound file in which one value, named by its path, is another.
fn changed(pointer: &str, value: Value) -> String {
    let mut file = sound();
    *file.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    file.to_string()
}

fn line(problem: &ReadProblem) -> String {
    problem.to_string()
}

#[test]
fn each_kind_of_wrong_file_is_named() {
    assert!(matches!(refused(""), ReadProblem::Empty));
    assert!(matches!(refused(" \n"), ReadProblem::Empty));
    for foreign in [
        "{\"a\": 1}",
        "[1, 2]",
        "null",
        "\"schemaVersion\"",
        "17",
        "{\"schemaVersion\": \"1\"}",
    ] {
        assert!(matches!(refused(foreign), ReadProblem::Foreign), "{foreign}");
    }
    for broken in [
        "hello",
        "{\"a\" 1}",
        "{]",
        "{}}",
        "{\"a\": 1,}",
        "{\"schemaVersion\": 1} {",
    ] {
        let problem = refused(broken);
        assert!(
            matches!(
                problem,
                ReadProblem::NotJson { line: 1, .. } | ReadProblem::Truncated { line: 1 }
            ),
            "{broken}: {problem}"
        );
    }
    assert!(matches!(refused("{\"schemaVersion\": 1}"), ReadProblem::Damaged(_)));
    assert!(matches!(refused("{\"schemaVersion\": 0}"), ReadProblem::Damaged(_)));
    let legacy = r#"{"timestamp": "", "config": {}, "results": {}, "passed": true, "failureReasons": []}"#;
    assert!(matches!(refused(legacy), ReadProblem::Legacy));
}

#[test]
fn a_newer_version_is_named_whatever_else_it_holds() {
    let newer = [
        "{\"schemaVersion\": 7}".to_owned(),
        "{\"schemaVersion\": 7, \"figure\": 1e300}".to_owned(),
        format!(
            "{{\"schemaVersion\": 7, \"deep\": {}1{}}}",
            "[".repeat(90),
            "]".repeat(90)
        ),
    ];
    for text in newer {
        let problem = refused(text);
        assert!(matches!(problem, ReadProblem::Newer { found: 7 }));
        assert_eq!(
            line(&problem),
            "was written by a newer program: schema version 7, this program reads up to 1; update run-benchmark"
        );
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_told_so() {
    let whole = serde_json::to_string_pretty(&sound()).unwrap();
    for length in (2..whole.len())
        .step_by(509)
        .filter(|length| whole.is_char_boundary(*length))
    {
        let problem = refused(&whole[..length]);
        assert!(
            // A number that lost its last digits, or a word, may be wrong in itself.
            matches!(problem, ReadProblem::Truncated { .. } | ReadProblem::NotJson { .. }),
            "{length}: {problem}"
        );
    }
    assert!(matches!(refused(&whole[..whole.len() / 2]), ReadProblem::Truncated { line } if line > 100));
}

#[test]
fn other_encodings_are_named() {
    let text = sound().to_string();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_mark = [&[0xff, 0xfe], &utf16[..]].concat();
    for (bytes, word) in [
        (utf16, "UTF-16"),
        (with_mark, "UTF-16"),
        (vec![0x1f, 0x8b, 8, 0, 0], "gzip"),
        (b"PK\x03\x04".to_vec(), "zip"),
        (vec![0x7f, b'E', b'L', b'F', 2, 1], "binary"),
        (vec![0; 100_000], "binary"),
    ] {
        let problem = refused(bytes);
        assert!(
            matches!(problem, ReadProblem::NotText { .. }) && line(&problem).contains(word),
            "{problem}"
        );
    }
    let latin = changed("/run/id", json!("ID"))
        .into_bytes()
        .iter()
        .map(|b| if *b == b'I' { 0xe4 } else { *b })
        .collect::<Vec<u8>>();
    assert!(matches!(
        refused(latin),
        ReadProblem::NotJson { .. } | ReadProblem::Damaged(_)
    ));
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = format!("\u{feff}{}", sound());
    assert!(reading(text.as_bytes()).is_ok());
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = |open: &str, close: &str| {
        changed("/errors", json!("HERE")).replace(
            "\"HERE\"",
            &format!("{}1{}", open.repeat(100_000), close.repeat(100_000)),
        )
    };
    let many =
        changed("/run/command", json!("HERE")).replace("\"HERE\"", &format!("[{}\"\"]", "\"\",".repeat(300_000)));
    for text in [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        many,
        changed("/run/id", json!("x".repeat(RESULTS_MAX_TEXT + 1))),
        changed("/ledger/arrivals", json!(u64::MAX)),
        changed("/ledger/arrivals", json!("HERE")).replace("\"HERE\"", &"9".repeat(10_000)),
        changed("/windows/0/second", json!(LATEST + 1)),
        changed("/intervals/0/startSeconds", json!(LATEST + 1)),
        changed("/phases/measure/seconds", json!(1e14)),
        changed("/phases/measure/seconds", json!(-1)),
        changed("/errors", json!([error(6e14), error(6e14)])),
        changed("/windows/0/due", json!(HISTOGRAM_MAX)).replace("\"dropped\":0", "\"dropped\":9"),
        changed("/plan/load/rampUp", json!("500000000years")),
        changed("/plan/load/drain", json!("11years")),
    ] {
        let problem = refused(&text);
        assert!(matches!(problem, ReadProblem::Excessive(_)), "{problem}");
    }
}

const LATEST: u64 = crate::limits::LATEST_SECOND;
const HISTOGRAM_MAX: u64 = crate::limits::HISTOGRAM_MAX_COUNT;

fn error(count: f64) -> Value {
    json!({"operation": "o", "code": "c", "count": count as u64, "examples": []})
}

#[test]
fn what_no_run_writes_is_told() {
    let short = sound();
    let histogram = "/phases/measure/latencies/e2eResponse/completed";
    let p50 = short.pointer(&format!("{histogram}/p50")).unwrap().as_f64().unwrap();
    for (pointer, value) in [
        ("/ledger/completed".to_owned(), json!(1)),
        ("/iterations/0/ledger/open".to_owned(), json!(5)),
        ("/phases/measure/ledger/accepted".to_owned(), json!(5)),
        (format!("{histogram}/count"), json!(1)),
        (format!("{histogram}/p50"), json!(p50 * 0.9)),
        (format!("{histogram}/max"), json!(1)),
        // Written out, hundreds of digits: the line must not be.
        (format!("{histogram}/p50"), json!(1e-245)),
        (format!("{histogram}/histogram"), json!("no base64")),
        (format!("{histogram}/histogram"), json!(STANDARD.encode([0; 64]))),
        ("/windows/0/iteration".to_owned(), json!(2)),
        ("/windows/0/iteration".to_owned(), json!(0)),
        ("/intervals/0/iteration".to_owned(), json!(4_000_000_000_u32)),
        ("/iterations/0/index".to_owned(), json!(7)),
    ] {
        let problem = refused(changed(&pointer, value));
        assert!(matches!(problem, ReadProblem::Contradiction(_)), "{pointer}: {problem}");
    }
}

#[test]
fn what_is_of_another_type_is_told_with_its_line() {
    for (pointer, value) in [
        ("/ledger/arrivals", json!(-1)),
        ("/ledger/arrivals", json!(1.5)),
        ("/ledger/arrivals", Value::Null),
        ("/planHash", json!("7f3a9c")),
        ("/verdict/value", json!("FINE\u{1b}[2J\n")),
        ("/phases", json!([])),
        ("/plan/load/rate", json!("fast")),
        ("/plan/load/duration", json!("99999999999999999999h")),
        ("/plan/workload/workflowType", json!("other")),
    ] {
        let problem = refused(changed(pointer, value));
        assert!(matches!(problem, ReadProblem::Damaged(_)), "{pointer}: {problem}");
    }
    let twice = sound()
        .to_string()
        .replacen("\"complete\":true", "\"complete\":true,\"complete\":true", 1);
    assert!(line(&refused(twice)).contains("duplicate"));
    let version_twice = sound().to_string().replacen("{", "{\"schemaVersion\":1,", 1);
    assert!(line(&refused(version_twice)).contains("duplicate"));
}

#[test]
fn figures_that_were_not_finite_are_null_and_read_as_such() {
    let mut results = testing::short();
    let p99 = &mut results.phases.measure.latencies.lag.p99;
    *p99 = Some(f64::NAN);
    results.generator.steal.value = Some(f64::INFINITY);
    let text = to_json(&results).unwrap();
    let read = reading(text.as_bytes()).unwrap();
    assert_eq!(read.phases.measure.latencies.lag.p99, None);
    assert_eq!(read.generator.steal.value, None);
}

#[test]
fn a_run_that_lost_count_is_read_with_its_verdict() {
    let mut results = testing::short();
    results.ledger.completed += 1;
    assert!(reading(to_json(&results).unwrap().as_bytes()).is_err());
    results.verdict.value = crate::schema::VerdictValue::Invalid;
    assert!(reading(to_json(&results).unwrap().as_bytes()).is_ok());
}

#[test]
fn other_things_than_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let problem = |path: &Path| read(path).unwrap_err().problem;
    assert!(matches!(
        problem(folder.path()),
        ReadProblem::NotAFile { kind: "a folder", .. }
    ));
    assert!(matches!(problem(&folder.path().join("missing")), ReadProblem::Io(_)));
    // Sparse: it takes no room on disk.
    let large = folder.path().join("large");
    File::create(&large).unwrap().set_len(RESULTS_MAX_BYTES * 8).unwrap();
    assert!(matches!(problem(&large), ReadProblem::TooLarge { .. }));
}

#[cfg(unix)]
#[test]
fn devices_pipes_and_loops_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe: PathBuf = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let link = folder.path().join("loop");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    for path in [Path::new("/dev/zero"), &pipe] {
        let problem = read(path).unwrap_err().problem;
        assert!(matches!(problem, ReadProblem::NotAFile { .. }), "{problem}");
    }
    assert!(matches!(read(&link).unwrap_err().problem, ReadProblem::Io(_)));
    // A file's name is shown harmlessly as well.
    let odd = folder.path().join("odd\u{1b}[2J\n.json");
    fs::write(&odd, "").unwrap();
    let line = read(&odd).unwrap_err().to_string();
    assert!(!line.contains(['\n', '\u{1b}']), "{line:?}");
}

#[test]
fn an_endless_text_is_not_read_to_its_end() {
    struct Endless {
        piece: &'static [u8],
        given: u64,
    }
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for (place, byte) in buffer.iter_mut().zip(self.piece.iter().cycle()) {
                *place = *byte;
            }
            self.given += buffer.len() as u64;
            Ok(buffer.len())
        }
    }
    for piece in [
        &b"\0"[..],
        b"[",
        b"{\"a\":[",
        b"1,",
        b"[1],",
        b"x",
        b"\"",
        b"9",
        b"\xff",
    ] {
        let mut endless = Endless { piece, given: 0 };
        assert!(read_from(&mut endless, Path::new("endless")).is_err());
        assert!(endless.given < 4_000_000, "{} bytes of {piece:?}", endless.given);
    }
}
