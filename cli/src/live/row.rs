//! A row of the block: cells of fixed width, coloured or not, never wider than the terminal.

use std::time::Duration;

use benchmark_results::format;

/// How a cell looks. Never the only carrier of a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As it is.
    Plain,
    /// What stands back: names.
    Dim,
    /// What stands out.
    Bold,
    /// What goes on.
    Bar,
    /// What is wrong.
    Bad,
}

/// A row under construction.
pub(super) struct Row {
    text: String,
    /// Columns that `text` takes.
    used: usize,
    limit: usize,
    color: bool,
}

impl Row {
    /// An empty row of at most `limit` columns.
    pub(super) fn new(limit: usize, color: bool) -> Self {
        Row {
            text: String::new(),
            used: 0,
            limit,
            color,
        }
    }

    /// Adds text, cut where the row ends.
    pub(super) fn add(mut self, look: Look, text: &str) -> Self {
        let text = clip(text, self.limit - self.used);
        self.used += columns(&text);
        let code = match look {
            Look::Dim => "2",
            Look::Bold => "1",
            Look::Bar => "36",
            Look::Bad => "1;31",
            Look::Plain => "",
        };
        if self.color && !code.is_empty() && !text.trim().is_empty() {
            self.text += &format!("\u{1b}[{code}m{text}\u{1b}[0m");
        } else {
            self.text += &text;
        }
        self
    }

    /// Adds a name, padded to `width`.
    pub(super) fn name(self, width: usize, text: &str) -> Self {
        self.add(Look::Dim, &format!("{text:<width$}"))
    }

    /// Adds a figure, aligned right in `width`.
    pub(super) fn figure(self, width: usize, text: &str) -> Self {
        self.add(Look::Plain, &format!("{text:>width$}"))
    }

    /// Columns that are left.
    pub(super) fn left(&self) -> usize {
        self.limit - self.used
    }

    /// The row as text, without blanks at its end.
    pub(super) fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }
}

/// Columns that a text without escape sequences takes.
///
/// Wide letters (East Asian, emoji) count two. A table of them would be exact; here a text that is cut a column early
/// does no harm, and one that wraps does.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(letter: char) -> usize {
    match letter {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'.. => 2,
        _ => 1,
    }
}

/// The text in at most `limit` columns; where it is cut, its end says so.
pub(super) fn clip(text: &str, limit: usize) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += width(letter);
        if used > limit {
            break;
        }
        cut.push(letter);
    }
    if limit > 0 {
        cut.push('…');
    }
    cut
}

/// A count in at most nine columns: `108,000`, `12.3M`.
pub(super) fn count(value: u64) -> String {
    match value {
        0..=9_999_999 => format::count(value),
        _ => scaled(value as f64),
    }
}

/// A rate in at most nine columns.
pub(super) fn rate(value: f64) -> String {
    if value >= 999_999.5 {
        scaled(value) + "/s"
    } else {
        format::rate(value)
    }
}

/// Milliseconds in at most six columns, or a dash.
pub(super) fn ms(value: Option<f64>) -> String {
    match value {
        Some(value) if value > 9_999_000.0 => ">9999s".into(),
        Some(value) => format::ms(value).replace(',', ""),
        None => format::NONE.into(),
    }
}

/// A number with one decimal and the letter that fits.
fn scaled(value: f64) -> String {
    for (unit, letter) in [(1e6, 'M'), (1e9, 'G'), (1e12, 'T')] {
        if value < unit * 999.95 {
            return format!("{:.1}{letter}", value / unit);
        }
    }
    ">999T".into()
}

/// Minutes and seconds, with hours where `long`: `02:14`, `1:02:14`.
pub(super) fn clock(time: Duration, long: bool) -> String {
    let seconds = time.as_secs();
    if long {
        format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    } else {
        format!("{:02}:{:02}", seconds / 60, seconds % 60)
    }
}

/// Whether a time needs hours to be shown.
pub(super) fn needs_hours(time: Duration) -> bool {
    time >= Duration::from_secs(3600)
}
