//! A block of lines that is redrawn in place at the end of a terminal's text.
//!
//! Written by hand because the progress libraries fill every line with blanks up to the terminal's edge: when the
//! terminal is made narrower it wraps those blanks, and the next redraw overwrites the lines above. Here a line ends
//! where its text ends, and the widths of what was drawn tell how many rows it takes now.
//!
//! A redraw is one write. The cursor is never hidden, so that nothing has to be put back after a kill.

use std::{
    fmt::Write as _,
    io::{self, Write},
    panic,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError, TryLockError, Weak},
};

use super::row::columns;

/// Columns and rows of a terminal that does not tell.
const USUAL: (usize, usize) = (80, 24);

/// A place to write and how large it is now.
pub(super) struct Terminal {
    out: Box<dyn Write + Send>,
    size: Box<dyn Fn() -> (usize, usize) + Send>,
    block: String,
    /// Columns of each line that stands on the terminal below the lasting text.
    drawn: Vec<usize>,
    /// The size that they were drawn for.
    drawn_for: (usize, usize),
}

impl Terminal {
    /// The terminal behind stderr.
    pub(super) fn stderr() -> Self {
        Terminal::new(Box::new(io::stderr()), Box::new(|| stderr_size().unwrap_or(USUAL)))
    }

    pub(super) fn new(out: Box<dyn Write + Send>, size: Box<dyn Fn() -> (usize, usize) + Send>) -> Self {
        Terminal {
            out,
            size,
            block: String::new(),
            drawn: Vec::new(),
            drawn_for: USUAL,
        }
    }

    /// Columns that may be written to. One fewer than there are: in the last one terminals differ in where the cursor
    /// stands afterwards.
    pub(super) fn width(&self) -> usize {
        (self.size)().0.saturating_sub(1)
    }

    /// Replaces the block.
    pub(super) fn set(&mut self, block: String) {
        let size = (self.size)();
        if block == self.block && size == self.drawn_for {
            return;
        }
        self.block = block;
        let mut text = self.to_top(size);
        self.draw(&mut text, size);
        self.write(&text);
    }

    /// Writes lasting lines above the block.
    pub(super) fn print(&mut self, lines: &str) {
        let size = (self.size)();
        let mut text = self.to_top(size);
        for line in lines.lines() {
            // A line that wraps ends on a row of the old block; one that fills its row has nothing behind it, and
            // erasing there would take its last letter.
            let rest = if visible(line).is_multiple_of(size.0.max(1)) {
                ""
            } else {
                ERASE_LINE
            };
            let _ = writeln!(text, "{ERASE_LINE}{line}{rest}");
        }
        self.draw(&mut text, size);
        self.write(&text);
    }

    /// Removes the block and leaves the cursor where it began.
    pub(super) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            let text = self.to_top((self.size)()) + ERASE_BELOW;
            self.write(&text);
        }
        self.drawn.clear();
        self.block.clear();
    }

    /// The way from the end of what was drawn to its beginning, in rows of the terminal as it is now: terminals wrap
    /// what stands there when they are made narrower.
    fn to_top(&self, (width, _): (usize, usize)) -> String {
        let rows: usize = self
            .drawn
            .iter()
            .map(|columns| columns.div_ceil(width.max(1)).max(1))
            .sum();
        match rows {
            0 => String::new(),
            1 => "\r".into(),
            _ => format!("\u{1b}[{}A\r", rows - 1),
        }
    }

    /// Draws the block from where the cursor stands. Each row is erased just before it is written: erasing all of them
    /// first would flicker, and erasing only what is left behind the text keeps a terminal's mark that the row had been
    /// wrapped, by which it would join rows when it is made wider. Lines beyond the terminal's height are left out.
    fn draw(&mut self, text: &mut String, size: (usize, usize)) {
        self.drawn.clear();
        for (at, line) in self.block.lines().take(size.1.max(1)).enumerate() {
            let _ = write!(text, "{}{ERASE_LINE}{line}", if at == 0 { "" } else { "\n" });
            self.drawn.push(visible(line));
        }
        *text += ERASE_BELOW;
        self.drawn_for = size;
    }

    /// A person's terminal that cannot be written to must not end a run.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// Erases from the cursor to the end of its line.
const ERASE_LINE: &str = "\u{1b}[K";
/// Erases from the cursor to the end of the terminal.
const ERASE_BELOW: &str = "\u{1b}[J";

/// Columns that a line takes, without its colours.
fn visible(line: &str) -> usize {
    let mut parts = line.split("\u{1b}[");
    let plain = parts.next().map_or(0, columns);
    plain
        + parts
            .map(|part| columns(part.split_once('m').map_or(part, |(_, rest)| rest)))
            .sum::<usize>()
}

fn stderr_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.into(), size.ws_row.into()))
}

/// The terminal of this process that has a block on it, for those that write to stderr from elsewhere.
static CURRENT: Mutex<Weak<Mutex<Terminal>>> = Mutex::new(Weak::new());

/// Makes the terminal known to [`LogWriter`] and to the panic hook, which is installed at the first call.
pub(super) fn announce(terminal: &Arc<Mutex<Terminal>>) {
    static HOOK: Once = Once::new();
    *lock(&CURRENT) = Arc::downgrade(terminal);
    HOOK.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            next(info);
        }));
    });
}

/// Removes the block, if there is one, for an end that drops nothing: a panic, or an exit at once. Never waits: whoever
/// holds the terminal may be the thread that ends.
pub fn leave() {
    let terminal = CURRENT.try_lock().ok().and_then(|current| current.upgrade());
    if let Some(terminal) = terminal {
        match terminal.try_lock() {
            Ok(mut terminal) => terminal.clear(),
            Err(TryLockError::Poisoned(terminal)) => terminal.into_inner().clear(),
            // It is being drawn: what follows begins at least on a line of its own.
            Err(TryLockError::WouldBlock) => drop(io::stderr().write_all(b"\n")),
        }
    }
}

/// Locks; a panic elsewhere leaves a terminal that can still be cleaned.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stderr for log lines: they appear above the block where there is one, instead of tearing it.
///
/// Made for `tracing_subscriber::fmt().with_writer(|| LogWriter)`, which hands over whole lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let terminal = lock(&CURRENT).upgrade();
        match terminal {
            Some(terminal) => lock(&terminal).print(&String::from_utf8_lossy(bytes)),
            None => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
