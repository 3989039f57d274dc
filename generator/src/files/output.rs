//! Where commands write.

use std::{fs, io::Write as _, path::Path};

use benchmark_scenarios::Problem;

/// Writes a text into a file that is not there yet.
///
/// # Errors
/// When it is there, or cannot be written.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Problem> {
    let file = fs::File::options().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Problem::new(format!(
            "{} is there already and is not overwritten",
            path.display()
        ))
        .remedy("--output FILE")),
        Err(error) => Err(Problem::new(format!("{} cannot be written: {error}", path.display()))),
    }
}

/// Writes a text into a file that can be made again from what it was made from, over what is there.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Problem> {
    fs::write(path, text).map_err(|error| Problem::new(format!("{} cannot be written: {error}", path.display())))
}
