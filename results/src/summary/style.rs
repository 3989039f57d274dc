//! Colour, where it is wanted; never the only carrier of a meaning.

use crate::schema::VerdictValue;

/// Whether the text is coloured by ANSI sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour: a terminal is there and `NO_COLOR` is not.
    pub color: bool,
}

impl Style {
    /// No colour.
    pub const PLAIN: Style = Style { color: false };
    /// Colour.
    pub const COLOR: Style = Style { color: true };

    /// The verdict's word.
    pub fn verdict(self, value: VerdictValue) -> String {
        let code = match value {
            VerdictValue::Valid => "1;32",
            VerdictValue::Overloaded => "1;33",
            VerdictValue::Invalid => "1;31",
        };
        self.paint(code, word(value))
    }

    /// What stands back.
    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What is as it should be.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What is not.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The verdict as a word.
pub fn word(value: VerdictValue) -> &'static str {
    match value {
        VerdictValue::Valid => "VALID",
        VerdictValue::Overloaded => "OVERLOADED",
        VerdictValue::Invalid => "INVALID",
    }
}
