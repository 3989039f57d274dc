//! Stdout and stderr, be they a terminal, a file or a pipe. A reader that has seen enough, such as `head`, is no error.

use std::io::{self, Write};

use benchmark_results::text;
use benchmark_scenarios::Problem;

/// Prints on stdout.
///
/// # Errors
/// When not all of it can be written, as on a full disk.
pub fn print(text: &str) -> Result<(), Problem> {
    let mut out = anstream::stdout();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What came of writing on stdout.
///
/// # Errors
/// As [`print`].
pub fn printed(written: io::Result<()>) -> Result<(), Problem> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Problem::new(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints what clap says: help and version on stdout, errors on stderr.
pub(crate) fn print_error(error: &clap::Error) -> Result<(), Problem> {
    printed(error.print().and_then(|()| io::stdout().flush()))
}

/// Says something on stderr, which may hold what a server or a file says.
pub fn complain(text: &str) {
    // Nobody is left to tell when even this cannot be written.
    let _ = writeln!(anstream::stderr(), "{}", text::lines(text));
}
