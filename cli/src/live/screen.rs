//! Screen of a run: when something is shown, and in which form.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use benchmark_generator::view::watcher::{Frame, Header, LivePhase, Watcher};
use benchmark_results::text;

use super::{
    Mode, header, line, render,
    row::{Look, Row, clock, needs_hours},
    terminal::{Terminal, announce, lock},
};
use crate::logging;

/// At most so often is the block redrawn, however often it is told something new.
const REDRAW: Duration = Duration::from_millis(200);
/// In lines, so long passes between two of them.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Columns of the header where there is no terminal.
const LINE_WIDTH: usize = 100;
/// Longest text that another program printed and that is shown.
const DETAIL: usize = 400;

/// Stderr, as a person watches it. Whatever ends the run, the terminal is left clean: by [`Screen::finish`], on drop and
/// before the message of a panic.
pub struct Screen {
    color: bool,
    shown: Shown,
}

enum Shown {
    Terminal {
        terminal: Arc<Mutex<Terminal>>,
        last: Option<(Topic, Instant)>,
    },
    Lines {
        out: Box<dyn Write + Send>,
        beat: Beat,
    },
    Silent,
}

impl Screen {
    /// A screen on stderr; whether it is coloured is the caller's decision (`NO_COLOR`) and holds for a terminal only.
    ///
    /// The first screen on a terminal installs a panic hook before the one that is there.
    pub fn new(mode: Mode, color: bool) -> Screen {
        match mode {
            Mode::Terminal => {
                let screen = Screen::on_terminal(Terminal::stderr(), color);
                if let Shown::Terminal { terminal, .. } = &screen.shown {
                    announce(terminal);
                }
                screen
            }
            Mode::Lines => Screen::in_lines(Box::new(io::stderr())),
            Mode::Silent => Screen {
                color: false,
                shown: Shown::Silent,
            },
        }
    }

    pub(super) fn on_terminal(terminal: Terminal, color: bool) -> Screen {
        Screen {
            color,
            shown: Shown::Terminal {
                terminal: Arc::new(Mutex::new(terminal)),
                last: None,
            },
        }
    }

    pub(super) fn in_lines(out: Box<dyn Write + Send>) -> Screen {
        Screen {
            color: false,
            shown: Shown::Lines {
                out,
                beat: Beat::default(),
            },
        }
    }

    fn put(&mut self, text: &str) {
        match &mut self.shown {
            Shown::Terminal { terminal, .. } => lock(terminal).print(text),
            Shown::Lines { out, .. } => put(out, text),
            Shown::Silent => {}
        }
    }
}

impl Watcher for Screen {
    fn header(&mut self, what: &Header) {
        let width = match &self.shown {
            Shown::Terminal { terminal, .. } => lock(terminal).width(),
            _ => LINE_WIDTH,
        };
        let what = Header {
            server: what.server.iter().map(|line| text::lines(line).into_owned()).collect(),
            ..what.clone()
        };
        let mut text = header(&what, width, self.color);
        if matches!(self.shown, Shown::Terminal { .. }) {
            text += "\n\n";
        }
        self.put(&text);
    }

    /// Above the block.
    fn say(&mut self, text: &str) {
        self.put(&text::lines(text));
    }

    fn progress(&mut self, doing: &str, detail: Option<&str>, elapsed: Duration) {
        let topic = || Topic::Doing(doing.to_owned());
        let time = clock(elapsed, needs_hours(elapsed));
        let detail = last_line(detail.unwrap_or_default());
        match &mut self.shown {
            Shown::Terminal { terminal, last } => {
                if due(last, topic()) {
                    let mut terminal = lock(terminal);
                    let row = Row::new(terminal.width(), self.color)
                        .add(Look::Bold, doing)
                        .add(Look::Plain, &format!("  {time}  "))
                        .add(Look::Dim, &detail);
                    terminal.set(row.finish());
                }
            }
            Shown::Lines { out, beat } => {
                if beat.due(topic(), elapsed) {
                    put(out, format!("{doing} {time} {detail}").trim_end());
                }
            }
            Shown::Silent => {}
        }
    }

    fn update(&mut self, frame: &Frame) {
        let topic = Topic::Phase(frame.phase, frame.iteration);
        match &mut self.shown {
            Shown::Terminal { terminal, last } => {
                if due(last, topic) {
                    let mut terminal = lock(terminal);
                    let block = render(frame, terminal.width(), self.color);
                    terminal.set(block);
                }
            }
            Shown::Lines { out, beat } => {
                if beat.due(topic, frame.elapsed) {
                    put(out, &line(frame));
                }
            }
            Shown::Silent => {}
        }
    }

    /// Removes the block. What has been said stays; a later update draws anew.
    fn finish(&mut self) {
        if let Shown::Terminal { terminal, last } = &mut self.shown {
            lock(terminal).clear();
            *last = None;
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.finish();
    }
}

/// What is shown; where it changes, that is shown at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Doing(String),
    Phase(LivePhase, Option<(u32, u32)>),
}

/// Whether the block is to be redrawn now.
fn due(last: &mut Option<(Topic, Instant)>, topic: Topic) -> bool {
    let now = Instant::now();
    let due = last
        .as_ref()
        .is_none_or(|(shown, at)| *shown != topic || now.duration_since(*at) >= REDRAW);
    if due {
        *last = Some((topic, now));
    }
    due
}

/// When a line is due: with each new topic and then whenever another ten seconds of it are over.
#[derive(Debug, Default)]
pub(super) struct Beat {
    last: Option<(Topic, u64)>,
}

impl Beat {
    pub(super) fn due(&mut self, topic: Topic, elapsed: Duration) -> bool {
        let tens = elapsed.as_secs() / LINE_EVERY.as_secs();
        // A topic whose time went back is another one of the same name.
        let due = self
            .last
            .as_ref()
            .is_none_or(|(shown, at)| *shown != topic || *at != tens);
        if due {
            self.last = Some((topic, tens));
        }
        due
    }
}

/// A pipe that nobody reads must not end a run.
fn put(out: &mut Box<dyn Write + Send>, text: &str) {
    let _ = out.write_all(format!("{}\n", logging::said(text)).as_bytes());
}

/// The last line of what another program printed, without its colours.
fn last_line(printed: &str) -> String {
    let plain = anstream::adapter::strip_str(printed).to_string();
    let last = plain.lines().map(str::trim).rfind(|line| !line.is_empty());
    text::line(last.unwrap_or_default(), DETAIL)
}

#[cfg(test)]
mod tests {
    use super::last_line;

    #[test]
    fn what_another_program_prints_cannot_move_the_cursor() {
        assert_eq!(last_line("one\n\u{1b}[32mtwo\u{1b}[0m\tthree\r\n\n"), "two three");
        assert_eq!(last_line("a\u{7}\u{202e}b"), "a\u{fffd}b");
        assert_eq!(last_line(""), "");
        assert_eq!(last_line("cut\u{1b}["), "cut");
    }
}
