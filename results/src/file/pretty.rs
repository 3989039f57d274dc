//! How results are written: indented JSON whose texts are harmless, whatever the server, a worker or a leader said.
//!
//! Other programs read the file too, also while the run goes on, and decode its escapes: what is written does nothing but
//! be read, so that nobody has to think of it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{
    Serializer,
    ser::{CharEscape, Formatter, PrettyFormatter},
};

use crate::text::harmless;

/// Writes a value as indented JSON with harmless texts.
///
/// # Errors
/// When a figure has no JSON form, as NaN, or the writer fails.
pub(super) fn write(to: &mut dyn Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(to, Harmless(PrettyFormatter::new())))
}

struct Harmless(PrettyFormatter<'static>);

/// Methods of the layout, handed on.
macro_rules! as_pretty {
    ($($method:ident($($first:ident)?);)*) => {
        $(fn $method<W: ?Sized + Write>(&mut self, to: &mut W $(, $first: bool)?) -> io::Result<()> {
            self.0.$method(to $(, $first)?)
        })*
    };
}

impl Formatter for Harmless {
    as_pretty! {
        begin_array();
        end_array();
        begin_array_value(first);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| harmless(*c) != *c) {
            to.write_all(&rest.as_bytes()[..at])?;
            mark(to, c)?;
            rest = &rest[at + c.len_utf8()..];
        }
        to.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, to: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote | CharEscape::ReverseSolidus | CharEscape::Solidus => {
                self.0.write_char_escape(to, escape)
            }
            CharEscape::Backspace => mark(to, '\u{8}'),
            CharEscape::FormFeed => mark(to, '\u{c}'),
            CharEscape::LineFeed => mark(to, '\n'),
            CharEscape::CarriageReturn => mark(to, '\r'),
            CharEscape::Tab => mark(to, '\t'),
            CharEscape::AsciiControl(byte) => mark(to, byte.into()),
        }
    }
}

/// Writes what stands for a character.
fn mark(to: &mut (impl ?Sized + Write), c: char) -> io::Result<()> {
    to.write_all(harmless(c).encode_utf8(&mut [0; 4]).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::text::{line, make_json_harmless};

    fn written(value: &Value) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_layout_is_the_usual_one() {
        let value = json!({"a": [1, 2.5, {"b": null}], "c": {}, "d": [], "e": "é \"x\" \\ /"});
        assert_eq!(written(&value), serde_json::to_string_pretty(&value).unwrap());
    }

    proptest! {
        #[test]
        fn texts_are_as_one_line_of_them_and_stay_so(texts in prop::collection::vec(any::<String>(), 0..5)) {
            let value = json!(texts);
            let text = written(&value);
            let read: Vec<String> = serde_json::from_str(&text).unwrap();
            let lines: Vec<String> = texts.iter().map(|text| line(text, usize::MAX)).collect();
            prop_assert_eq!(read, lines);
            prop_assert!(!make_json_harmless(&mut text.into_bytes()), "a reader finds nothing to change");
        }
    }
}
