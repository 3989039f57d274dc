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
