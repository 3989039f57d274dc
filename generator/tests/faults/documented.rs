//! `docs/reliability.md` and the tests name the same rows.

use std::{collections::BTreeSet, fs, path::Path};

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
fn each_test_of_the_document_is_there() {
    let rows = documented();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for (fault, tests) in rows {
        assert!(!tests.is_empty(), "{fault}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{fault}: {test}"));
            let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(source.contains(&format!("fn {name}(")), "{fault}: {test}");
        }
    }
}

#[test]
fn each_row_is_in_the_document() {
    let documented: BTreeSet<String> = documented().into_iter().map(|(fault, _)| fault).collect();
    let rows = crate::group::all();
    let missing: Vec<_> = rows
        .iter()
        .map(|row| &row.name)
        .filter(|name| !documented.contains(*name))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}
