//! What a person sees: stdout, stderr, colour, logs.

use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use benchmark_generator::{files::Printed, live};
use benchmark_results::summary::Style;
use benchmark_scenarios::Problem;

/// Prints what a command on files came to, and gives its exit code.
///
/// # Errors
/// When it cannot be printed.
pub fn show(printed: Printed) -> Result<ExitCode, Problem> {
    print(&printed.text)?;
    if let Some(note) = &printed.note {
        complain(note);
    }
    Ok(ExitCode::from(printed.exit_code))
}

/// How stdout may look.
pub fn style() -> Style {
    if is_color_welcome() && std::io::stdout().is_terminal() {
        Style::COLOR
    } else {
        Style::PLAIN
    }
}

/// Whether the user has nothing against colour.
pub fn is_color_welcome() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Logs go to stderr: errors, and with `-v` more; `RUST_LOG` says it exactly.
pub fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| live::LogWriter)
        // Else a line that cannot be written is complained about on stderr, which panics when that is what is closed.
        .log_internal_errors(false)
        .init();
}

/// An error and its causes: what happened, then why.
pub fn told(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    // Transparent errors repeat their cause's words.
    causes.dedup();
    causes.join(": ")
}

/// Prints on stdout.
///
/// # Errors
/// When not all of it can be written, as on a full disk. A reader that has seen enough, such as `head`, is no error.
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

/// Says something on stderr, a line.
pub fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}
