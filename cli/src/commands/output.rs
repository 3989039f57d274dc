//! Output files of commands: whole files or none, and over nothing but what they made themselves.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use benchmark_results::file;
use benchmark_scenarios::Problem;

/// The file that was asked for; `-` is stdout, as is nothing.
pub(super) fn named(output: Option<PathBuf>) -> Option<PathBuf> {
    output.filter(|path| path.as_os_str() != "-")
}

/// Writes a text into a file that is not there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Problem> {
    file::create(path, &mut |file| file.write_all(text.as_bytes())).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => cannot(path, &error),
    })
}

/// Writes a text that can be made again from what it was made from: over an earlier one of its kind, and nothing else.
///
/// # Errors
/// When something else is there, or it cannot be written.
pub(super) fn write_again(path: &Path, text: &str) -> Result<(), Problem> {
    let is_of_a_kind = &mut |found: &mut fs::File| is_of_a_kind(found, text);
    file::replace_if(path, is_of_a_kind, &mut |file| file.write_all(text.as_bytes())).map_err(|error| {
        match error.kind() {
            io::ErrorKind::AlreadyExists => taken(path),
            _ => cannot(path, &error),
        }
    })
}

/// Whether a file begins as the text does: a page, a picture.
fn is_of_a_kind(found: &mut fs::File, text: &str) -> io::Result<bool> {
    let beginning = &text.as_bytes()[..text.len().min("<!DOCTYPE html>".len())];
    let mut bytes = Vec::new();
    found.take(beginning.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes == beginning)
}

fn taken(path: &Path) -> Problem {
    Problem::new(format!("{} is there already and is not overwritten", path.display())).remedy("--output FILE")
}

fn cannot(path: &Path, error: &io::Error) -> Problem {
    Problem::new(format!("{} cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_made_again_and_nothing_else_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page.html");
        let page = |words: &str| format!("<!DOCTYPE html><p>{words}");
        write_again(&path, &page("one")).unwrap();
        write_again(&path, &page("two")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), page("two"));
        for theirs in ["{\"schemaVersion\": 1}", "<!DOCTYPE htm", "", "# Notes"] {
            fs::write(&path, theirs).unwrap();
            let problem = write_again(&path, &page("three")).unwrap_err().to_string();
            assert!(problem.contains("page.html is there already"), "{problem}");
            assert!(write_new(&path, "x").is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
        }
        write_again(Path::new("/dev/null"), "x").unwrap();
        write_new(Path::new("/dev/null"), "x").unwrap();
    }

    #[test]
    fn a_hyphen_is_stdout() {
        assert_eq!(named(Some("-".into())), None);
        assert_eq!(named(None), None);
        assert_eq!(named(Some("./-".into())), Some("./-".into()));
    }
}
