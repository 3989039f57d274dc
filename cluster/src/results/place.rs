//! A run's files on this disk: each whole or not at all, the results file last, and never in the place of another's.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use benchmark_results::file;
use benchmark_scenarios::Problem;

use super::FILE;

/// Puts the files of a run into a folder. What is there already and is the same stays; a partial result of the same run gives
/// way to another one, and a whole one stays as it is, since figures may have been added to it.
///
/// # Errors
/// When another file is in the way: then nothing is written; or when the disk does not take them.
pub fn place(folder: &Path, run: &str, files: &[(String, Vec<u8>)]) -> Result<(), Problem> {
    let cannot = |path: &Path, error: io::Error| Problem::new(format!("{}: {error}", path.display()));
    let before = file::read(&folder.join(FILE))
        .ok()
        .filter(|before| before.run.id == run);
    let is_whole = before.map(|before| before.complete);
    let mut due: Vec<(&str, &[u8], bool)> = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => due.push((name, bytes, false)),
            Err(error) => return Err(cannot(&path, error)),
            Ok(there) if there == *bytes || (is_whole == Some(true) && name == FILE) => {}
            Ok(_) if is_whole == Some(false) => due.push((name, bytes, true)),
            Ok(_) => {
                let said = format!("{}: another file is there, and it is not overwritten", path.display());
                return Err(Problem::new(said).remedy("--to DIR"));
            }
        }
    }
    // Whoever finds the results file finds the rest.
    due.sort_by_key(|(name, ..)| *name == FILE);
    for (name, bytes, replaces) in due {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| cannot(parent, error))?;
        let fill: &mut dyn FnMut(&mut dyn Write) -> io::Result<()> = &mut |file| file.write_all(bytes);
        let written = match replaces {
            true => file::replace(&path, fill),
            false => file::create(&path, fill),
        };
        written.map_err(|error| cannot(&path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A results file of this schema, whole or not.
    fn results(complete: bool) -> (String, Vec<u8>) {
        let text = include_str!("../../../results/tests/files/v1/short.json");
        let text = match complete {
            true => text.to_owned(),
            false => text.replacen("\"complete\": true", "\"complete\": false", 1),
        };
        let id = serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["run"]["id"].clone();
        (id.as_str().expect("an id").to_owned(), text.into_bytes())
    }

    fn files(results: &[u8], notes: &str) -> Vec<(String, Vec<u8>)> {
        let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
        vec![file(FILE, results), file("more/notes", notes.as_bytes())]
    }

    #[test]
    fn a_partial_result_gives_way_and_a_whole_one_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("runs/r");
        let read = |name: &str| fs::read(folder.join(name)).expect("a file");
        let (id, partial) = results(false);
        let (_, whole) = results(true);
        place(&folder, &id, &files(&partial, "one")).expect("room");
        assert_eq!(read(FILE), partial);
        place(&folder, &id, &files(&whole, "two")).expect("its own");
        assert_eq!((read(FILE), read("more/notes")), (whole.clone(), b"two".to_vec()));
        // With what was added to it here.
        let mut more = whole.clone();
        more.push(b'\n');
        fs::write(folder.join(FILE), &more).expect("a file");
        place(&folder, &id, &files(&whole, "two")).expect("nothing to do");
        assert_eq!(read(FILE), more);
    }

    #[test]
    fn what_is_anothers_is_not_overwritten_and_then_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let (id, whole) = results(true);
        let (_, partial) = results(false);
        // A partial result of another run, a whole one of this with other files, and what is no result at all.
        for (there, run, name) in [
            (&partial, "another", FILE),
            (&whole, id.as_str(), "more/notes"),
            (&b"x".to_vec(), &id, FILE),
        ] {
            let folder = folder.path().join(run).join(name);
            fs::create_dir_all(folder.join("more")).expect("a folder");
            fs::write(folder.join(FILE), there).expect("a file");
            if name != FILE {
                fs::write(folder.join(name), "theirs").expect("a file");
            }
            let problem = place(&folder, run, &files(&whole, "ours"))
                .expect_err("refused")
                .report();
            assert!(problem.contains(&format!("{name}: another file is there")), "{problem}");
            assert!(problem.contains("--to DIR"), "{problem}");
            assert_eq!(&fs::read(folder.join(FILE)).expect("a file"), there);
            assert_eq!(folder.join("more/notes").exists(), name != FILE);
        }
    }
}
