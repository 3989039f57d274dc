//! `docs/reliability.md` and the tests name the same rows.

use std::{collections::BTreeSet, fs, path::Path};

use crate::matrix;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The rows of the document: a fault and the tests that make it.
fn documented() -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let tests = cells.last().copied().unwrap_or_default();
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (cells[0].to_owned(), tests)
    })
    .collect()
}

#[test]
fn each_case_is_a_row_and_each_row_a_case() {
    let pairs = |(fault, tests): (String, Vec<String>)| tests.into_iter().map(move |test| (fault.clone(), test));
    let of_cases = documented().into_iter().flat_map(pairs);
    let rows: BTreeSet<_> = of_cases.filter(|(_, test)| !test.contains("::")).collect();
    let file = |file: &str| format!("cli/tests/faults/{file}.rs");
    let cases: BTreeSet<_> = matrix::all()
        .into_iter()
        .flat_map(|(of, cases)| cases.into_iter().map(move |case| (case.name, file(of))))
        .collect();
    assert_eq!(rows, cases);
}

#[test]
fn each_test_elsewhere_is_there() {
    for (fault, tests) in documented() {
        assert!(!tests.is_empty(), "{fault}");
        for (file, name) in tests.iter().filter_map(|test| test.split_once("::")) {
            let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(source.contains(&format!("fn {name}(")), "{fault}: {name}");
        }
    }
}
