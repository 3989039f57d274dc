//! Scanner for untrusted JSON: a first look at a text that anybody may have written, before anything is made of it.
//!
//! It walks all values while the text is read and keeps none of them: how deep they are nested, how long texts are, how many
//! values each part has, how large its numbers. What passes is JSON and can be read in bounded memory, with sums that do not
//! overflow. Whether it is a results file is found out afterwards.
//!
//! A smaller limit on the file and the parser's own on its depth would not do: a run of three days writes 108 MB that must be
//! read, and in a file so large a list of empty texts takes eight times its size, and an endless text all of it.

use std::{
    fmt::{self, Debug},
    io::{self, BufReader, Read},
};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::error::{ReadProblem, TOO_LARGE};
use crate::limits::{
    LARGEST_FIGURE, RESULTS_MAX_BYTES, RESULTS_MAX_DEPTH, RESULTS_MAX_TEXT, SECTION_MAX_TOKENS, SERIES_MAX_TOKENS,
    WINDOWS_MAX_TOKENS,
};

/// Bytes that are read before it is known whether the text is an object, which every results file is.
const FIRST: u64 = 64 * 1024;

/// What the text is, as far as its outermost names tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    /// `schemaVersion`, when there is one.
    pub(super) version: Option<Version>,
    /// Whether it has the names `config` and `failureReasons`, as files of the replaced runner do.
    config: bool,
    reasons: bool,
}

/// The value of `schemaVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// A number.
    Number(u64),
    /// Anything else.
    Other,
}

impl Kind {
    /// Whether the replaced runner wrote it.
    pub(super) fn is_legacy(&self) -> bool {
        self.version.is_none() && self.config && self.reasons
    }
}

/// The text of a reader, looked through while it is read: what cannot be a results file ends it at once. `expected` is how
/// much will probably come, bytes.
pub(super) fn take(reader: &mut impl Read, expected: usize) -> Result<(Vec<u8>, Kind), ReadProblem> {
    let mut first = Vec::new();
    reader.by_ref().take(FIRST).read_to_end(&mut first)?;
    let begin = &first[opening(&first)?..];
    let is_object = begin.trim_ascii_start().starts_with(b"{");
    let rest = reader.take(if is_object { RESULTS_MAX_BYTES } else { 0 });
    let mut kept = Kept {
        from: begin.chain(rest),
        text: Vec::with_capacity(expected),
        unquoted: 0,
    };
    let mut walk = Walk::default();
    let mut values = serde_json::Deserializer::from_reader(BufReader::new(&mut kept));
    let walked = walk.deserialize(&mut values).and_then(|()| values.end());
    if kept.text.len() as u64 > RESULTS_MAX_BYTES {
        return Err(TOO_LARGE);
    }
    match walked.map_err(|error| kept.problem(error)) {
        Ok(()) => Ok((kept.text, walk.kind)),
        Err(ReadProblem::Excessive(what)) => Err(super::newer(&walk.kind).unwrap_or(ReadProblem::Excessive(what))),
        Err(problem) => Err(problem),
    }
}

/// Keeps what is read, and ends where no quotation mark comes for longer than a text may be.
struct Kept<R> {
    from: R,
    text: Vec<u8>,
    /// Bytes since the last quotation mark.
    unquoted: usize,
}

impl<R: Read> Read for Kept<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unquoted > RESULTS_MAX_TEXT {
            return Ok(0);
        }
        let length = self.from.read(buffer)?;
        let bytes = &buffer[..length];
        self.text.extend_from_slice(bytes);
        self.unquoted = match bytes.iter().rposition(|byte| *byte == b'"') {
            Some(at) => length - at,
            None => self.unquoted + length,
        };
        Ok(length)
    }
}

impl<R> Kept<R> {
    /// What to say of an error of the walk.
    fn problem(&self, error: serde_json::Error) -> ReadProblem {
        let line = error.line() as u64;
        // The parser looks one byte beyond a number.
        let of_value = line - u64::from(error.column() == 0);
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
        match error.classify() {
            Category::Io => ReadProblem::Io(error.into()),
            _ if self.unquoted > RESULTS_MAX_TEXT => ReadProblem::Excessive(format!(
                "has a text of more than {RESULTS_MAX_TEXT} bytes in line {line}"
            )),
            Category::Eof if self.text.trim_ascii().is_empty() => ReadProblem::Empty,
            Category::Eof => ReadProblem::Truncated { line },
            Category::Data => ReadProblem::Excessive(format!("{what} in line {of_value}")),
            Category::Syntax if what == "number out of range" => {
                ReadProblem::Excessive(format!("has a {what} in line {of_value}"))
            }
            Category::Syntax if self.text.iter().any(is_control) => ReadProblem::NotText {
                what: "binary data and no text: is it a results.json?",
            },
            Category::Syntax => ReadProblem::not_json(&error),
        }
    }
}

/// The walk: where it is, and what it saw.
#[derive(Debug, Default)]
struct Walk {
    depth: usize,
    /// The outermost name that the walk is under, and the values seen under it.
    section: String,
    tokens: u64,
    /// Whether the next value is that of `schemaVersion`.
    version_next: bool,
    kind: Kind,
}

impl Walk {
    /// Another value or name.
    fn count<E: Error>(&mut self) -> Result<(), E> {
        if std::mem::take(&mut self.version_next) {
            self.kind.version = Some(Version::Other);
        }
        self.tokens += 1;
        let limit = match self.section.as_str() {
            "windows" => WINDOWS_MAX_TOKENS,
            "fleet" | "iterations" | "intervals" | "serverFigures" => SERIES_MAX_TOKENS,
            _ => SECTION_MAX_TOKENS,
        };
        if self.tokens > limit {
            return Err(E::custom(format_args!(
                "has more than {limit} values in one part, up to"
            )));
        }
        Ok(())
    }

    fn number<E: Error>(&mut self, number: f64, shown: impl Debug) -> Result<(), E> {
        let is_free = self.version_next || self.section == "plan";
        self.count()?;
        if number.abs() > LARGEST_FIGURE && !is_free {
            return Err(E::custom(format_args!("has the figure {shown:?}")));
        }
        Ok(())
    }

    /// Into a list or an object.
    fn descend<E: Error>(&mut self) -> Result<(), E> {
        self.count()?;
        self.depth += 1;
        if self.depth > RESULTS_MAX_DEPTH {
            return Err(E::custom(format_args!(
                "is nested deeper than {RESULTS_MAX_DEPTH} levels"
            )));
        }
        Ok(())
    }

    /// Into the part of this name.
    fn enter(&mut self, name: String) {
        self.tokens = 0;
        self.version_next = name == "schemaVersion";
        self.kind.config |= name == "config";
        self.kind.reasons |= name == "failureReasons";
        self.section = name;
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.count()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.count()
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        let version = self.version_next.then_some(Version::Number(number));
        self.number(number as f64, number)?;
        self.kind.version = version.or(self.kind.version);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number as f64, number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.number(number, number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.count()?;
        if text.len() > RESULTS_MAX_TEXT {
            return Err(E::custom(format_args!(
                "has a text of more than {RESULTS_MAX_TEXT} bytes"
            )));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.descend()?;
        while list.next_element_seed(&mut *self)?.is_some() {}
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        self.descend()?;
        if self.depth == 1 {
            while let Some(name) = object.next_key()? {
                self.count()?;
                self.enter(name);
                object.next_value_seed(&mut *self)?;
            }
        } else {
            while object.next_key_seed(&mut *self)?.is_some() {
                object.next_value_seed(&mut *self)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }
}

/// What the first bytes say of a text that is not UTF-8, and a mark before the text that may be left out (RFC 8259,
/// section 8.1).
fn opening(bytes: &[u8]) -> Result<usize, ReadProblem> {
    let what = match bytes {
        [0xef, 0xbb, 0xbf, ..] => return Ok(3),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..] => {
            "text in UTF-16: save it as UTF-8, or take the file as the run wrote it"
        }
        [0x1f, 0x8b, ..] => "compressed by gzip: unpack it first",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "compressed by zstd: unpack it first",
        [b'P', b'K', 3 | 5, ..] => "a zip archive: unpack it first",
        _ => return Ok(0),
    };
    Err(ReadProblem::NotText { what })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text that comes in pieces.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn scan(text: &[u8], piece: usize) -> Result<Kind, String> {
        let (kept, kind) = take(&mut Pieces(text, piece.max(1)), 0).map_err(|problem| problem.to_string())?;
        assert_eq!(kept, text);
        Ok(kind)
    }

    #[test]
    fn the_version_is_found_among_the_outermost_names_only() {
        let version = |text: &str| scan(text.as_bytes(), 7).unwrap().version;
        assert_eq!(
            version(r#"{"a": {"schemaVersion": 3}, "schemaVersion" : 7}"#),
            Some(Version::Number(7))
        );
        assert_eq!(version(r#"{"a": ["schemaVersion", 3], "b": "schemaVersion"}"#), None);
        for other in ["\"1\"", "null", "[1]", "{}", "1.5", "-1", "true"] {
            assert_eq!(
                version(&format!("{{\"schemaVersion\": {other}, \"x\": 2}}")),
                Some(Version::Other),
                "{other}"
            );
        }
        assert_eq!(
            version(r#"{"schemaVersion": 18446744073709551615}"#),
            Some(Version::Number(u64::MAX))
        );
    }

    #[test]
    fn large_numbers_stand_in_the_plan_only() {
        assert!(scan(br#"{"plan": {"seed": 18446744073709551615}}"#, 100).is_ok());
        assert!(scan(br#"{"ledger": {"open": 18446744073709551615}}"#, 100).is_err());
        assert!(scan(br#"{"ledger": {"open": 1e999}}"#, 100).is_err());
        assert!(scan(br#"{"x": -1e16}"#, 100).is_err());
        assert!(scan(br#"{"x": [1000000000000000, 0.30000000000000004, -5e-324]}"#, 100).is_ok());
    }

    #[test]
    fn the_line_of_what_is_too_much_or_no_json_is_told() {
        for (value, said) in [
            ("1e16", "has the figure 1e16 in line 2"),
            ("1e999", "has a number out of range in line 2"),
            ("NaN", "is not JSON: expected value in line 2"),
            ("-Infinity", "is not JSON: invalid number in line 2"),
            ("undefined", "is not JSON: expected value in line 2"),
            ("\"\n\"", "in line 3"),
            ("]", "is not JSON: expected value in line 2"),
        ] {
            let error = scan(format!("{{\n\"x\": {value}\n}}").as_bytes(), 3).unwrap_err();
            assert!(error.contains(said), "{value}: {error}");
        }
    }

    proptest! {
        /// In whatever pieces a text is read, the same is seen.
        #[test]
        fn pieces_do_not_matter(text in r#"[{}\[\]",:a1\\ \n-]{0,60}"#, piece in 1..9_usize) {
            prop_assert_eq!(scan(text.as_bytes(), piece), scan(text.as_bytes(), text.len()));
        }

        /// Whatever a JSON parser takes as an object of small values passes.
        #[test]
        fn json_passes(keys in prop::collection::btree_map(".{0,9}", (".{0,9}", -1_000_i64..1_000, any::<bool>()), 0..9)) {
            let text = serde_json::to_string_pretty(&keys).unwrap();
            prop_assert!(scan(text.as_bytes(), 5).is_ok(), "{}", text);
        }
    }
}
