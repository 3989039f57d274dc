//! Sanitising of untrusted text, before it is shown.

use benchmark_results::text;
pub(crate) use benchmark_results::text::chain;

use crate::limits::REASON_CHARS;

/// The text on one line, harmless, cut to a bound.
pub(crate) fn shown(text: &str) -> String {
    text::line(text.trim(), REASON_CHARS)
}

/// Cuts text to at most `bytes`, at a character's border.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
    }
    text
}
