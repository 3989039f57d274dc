//! Live view of a run: what a person sees while it goes on.
//!
//! On a terminal one block is redrawn in place; in a pipe or in CI a plain line appears every 10 s. All of it goes to
//! stderr, so that stdout stays free for the result. The texts come from pure functions ([`render`], [`line`],
//! [`header`]); [`Screen`] decides when they are shown and [`terminal`] how.

mod header;
mod line;
mod render;
mod row;
mod screen;
mod terminal;
#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use benchmark_generator::view::watcher::Watcher;

pub use header::header;
pub use line::line;
pub use render::render;
pub use screen::Screen;
pub use terminal::{LogWriter, leave};

use crate::logging;

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One block, redrawn in place.
    Terminal,
    /// A plain line from time to time.
    Lines,
    /// Not at all.
    Silent,
}

impl Mode {
    /// The mode for `--quiet`, for what stderr is and for whether `TERM` is `dumb`, which cannot move the cursor.
    pub fn choose(quiet: bool, stderr_is_terminal: bool, term_dumb: bool) -> Mode {
        match (quiet, stderr_is_terminal && !term_dumb) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Lines,
        }
    }
}

/// Stderr as what watches a run: a block on a terminal, lines elsewhere, nothing with `--quiet`.
pub fn on_stderr(quiet: bool, color: bool) -> Box<dyn Watcher> {
    let terminal = std::io::stderr().is_terminal() && !logging::is_json();
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Box::new(Screen::new(Mode::choose(quiet, terminal, dumb), color))
}
