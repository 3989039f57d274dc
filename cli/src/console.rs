//! What a person sees: stdout, stderr, colour, logs.

use std::{
    env,
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use benchmark_command_line::print;
use benchmark_results::{summary::Style, text, thresholds::Signal};
use benchmark_scenarios::{Problem, units};

use crate::{
    live,
    logging::{self, LogArgs},
};

/// What a command prints, and its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// For stdout.
    pub text: String,
    /// For stderr: where something was written.
    pub note: Option<String>,
    /// The exit code of the process.
    pub exit_code: u8,
}

impl Printed {
    /// A text, and success.
    pub fn text(text: impl Into<String>) -> Self {
        Printed {
            text: text.into(),
            ..Printed::default()
        }
    }

    /// The same with notes, a line each, before the one that is there.
    pub fn noted(mut self, mut notes: Vec<String>) -> Self {
        notes.extend(self.note.take());
        self.note = (!notes.is_empty()).then(|| notes.join("\n"));
        self
    }

    /// A note, and success.
    pub fn note(note: impl Into<String>) -> Self {
        Printed {
            note: Some(note.into()),
            ..Printed::default()
        }
    }
}

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

/// Begins to log on stderr, above the block where there is one.
pub fn log_to_stderr(asked: LogArgs) {
    logging::init(asked, "run_benchmark", || live::LogWriter);
}

/// Says something on stderr, which may hold what a server, a leader or a file says.
pub fn complain(text: &str) {
    complain_styled(&text::lines(text));
}

/// Says, unless nothing is to be said, that a signal was heard and what another one does: whoever presses Ctrl-C and sees
/// nothing presses it again. `within`: how long what follows may take.
pub fn heard(quiet: bool, within: Option<Duration>) -> impl FnOnce(Signal) + Send + 'static {
    move |signal| {
        let within = within.map_or_else(String::new, |within| format!(" within {}", units::format(within)));
        let text = format!(
            "{}: ending in order{within}; another signal ends it at once",
            signal.name()
        );
        if !quiet {
            // Above the block, where there is one.
            let _ = writeln!(live::LogWriter, "{}", logging::said(&text));
        }
    }
}

/// Ends the process at once, as a second signal asks.
pub fn end_at_once(signal: Signal) {
    std::process::exit(i32::from(signal.exit_code()))
}

/// Says something on stderr that is coloured, and made harmless already.
pub fn complain_styled(text: &str) {
    let text = match logging::is_json() {
        true => anstream::adapter::strip_str(text).to_string(),
        false => text.to_owned(),
    };
    let _ = writeln!(anstream::stderr(), "{}", logging::said(&text));
}
