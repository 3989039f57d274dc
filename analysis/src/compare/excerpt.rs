//! Excerpts of texts from files, for a line of ours.

use benchmark_results::text;

/// Longest text from a file that stands in a line.
const LONGEST: usize = 120;

/// A text from a file of which a line can hold a good part.
pub(crate) fn shortened(text: &str) -> String {
    text::line(text, LONGEST)
}
