//! A first look at a text that anybody may have written, before anything is made of it.
//!
//! It walks the bytes once, in the chunks in which they are read, in constant memory: how deep the text is nested, how long
//! its words are, how many values each part has, how large its numbers. What passes can be read in bounded memory, with
//! sums that do not overflow. It is no parser: whether the text is JSON, and a results file, is found out afterwards.
//!
//! A smaller limit on the file and the parser's own on its depth would not do: a number of thousands of digits and a list of
//! millions of empty texts would pass or be told as broken JSON, an endless text would be read up to the limit, and of what
//! is refused nobody would be told the line.

use super::error::ReadProblem;
use crate::limits::{
    LARGEST_FIGURE, RESULTS_MAX_DEPTH, RESULTS_MAX_NUMBER, RESULTS_MAX_TEXT, SECTION_MAX_TOKENS, SERIES_MAX_TOKENS,
    WINDOWS_MAX_TOKENS,
};

/// What the text is, as far as its outermost names tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kind {
    /// Whether it is an object.
    pub(super) object: bool,
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

/// Where in the text the walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Structure,
    Text { escaped: bool },
    Word,
}

/// The walk. Feed it the text in pieces of any size, then ask it what it saw.
#[derive(Debug)]
pub(super) struct Scan {
    at: At,
    depth: usize,
    line: u64,
    begun: bool,
    /// Length of the text that the walk is in.
    length: usize,
    /// First bytes of the text or word: enough for every name and word that matters.
    head: Vec<u8>,
    /// The outermost name that the walk is under, and the values seen under it.
    section: Section,
    tokens: u64,
    /// Whether the next word is the value of `schemaVersion`.
    version_next: bool,
    kind: Kind,
}

/// The outermost names that are treated apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Windows,
    Series,
    Plan,
    Other,
}

impl Section {
    fn limit(self) -> u64 {
        match self {
            Section::Windows => WINDOWS_MAX_TOKENS,
            Section::Series => SERIES_MAX_TOKENS,
            Section::Plan | Section::Other => SECTION_MAX_TOKENS,
        }
    }
}

impl Scan {
    pub(super) fn new() -> Self {
        Scan {
            at: At::Structure,
            depth: 0,
            line: 1,
            begun: false,
            length: 0,
            head: Vec::with_capacity(RESULTS_MAX_NUMBER),
            section: Section::Other,
            tokens: 0,
            version_next: false,
            kind: Kind::default(),
        }
    }

    /// What was seen so far.
    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Walks the next piece.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), ReadProblem> {
        while let Some(&byte) = bytes.first() {
            let used = match self.at {
                At::Text { escaped } => self.text(bytes, escaped)?,
                At::Word if !ends_word(byte) => self.word(byte)?,
                At::Word => {
                    self.end_word()?;
                    0
                }
                At::Structure => self.structure(byte)?,
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    /// The end of the text.
    pub(super) fn finish(&mut self) -> Result<(), ReadProblem> {
        if self.at == At::Word {
            self.end_word()?;
        }
        if !self.begun {
            return Err(ReadProblem::Empty);
        }
        if self.depth > 0 || self.at != At::Structure {
            return Err(ReadProblem::Truncated { line: self.line });
        }
        Ok(())
    }

    /// A byte between words; returns 1, or 0 when it begins a word.
    fn structure(&mut self, byte: u8) -> Result<usize, ReadProblem> {
        if !self.begun && !byte.is_ascii_whitespace() {
            self.begun = true;
            self.kind.object = byte == b'{';
        }
        match byte {
            b'\n' => self.line += 1,
            b' ' | b'\t' | b'\r' | b',' => {}
            b':' => {
                if self.depth == 1 {
                    self.enter_section();
                }
            }
            b'{' | b'[' => {
                self.count()?;
                if self.depth == 1 && self.version_next {
                    self.note_version(Version::Other);
                }
                self.depth += 1;
                if self.depth > RESULTS_MAX_DEPTH {
                    return Err(ReadProblem::Excessive(format!(
                        "is nested deeper than {RESULTS_MAX_DEPTH} levels in line {}",
                        self.line
                    )));
                }
            }
            b'}' | b']' => match self.depth.checked_sub(1) {
                Some(depth) => self.depth = depth,
                None => return Err(self.not_json("a bracket that nothing opened")),
            },
            b'"' => {
                self.count()?;
                self.begin(At::Text { escaped: false });
            }
            0..=0x1f | 0x7f => return Err(NOT_TEXT),
            _ => {
                self.count()?;
                self.begin(At::Word);
                return Ok(0);
            }
        }
        Ok(1)
    }

    fn begin(&mut self, at: At) {
        self.at = at;
        self.length = 0;
        self.head.clear();
    }

    /// Another value or name.
    fn count(&mut self) -> Result<(), ReadProblem> {
        self.tokens += 1;
        if self.tokens > self.section.limit() {
            return Err(ReadProblem::Excessive(format!(
                "has more than {} values in one part, up to line {}",
                self.section.limit(),
                self.line
            )));
        }
        Ok(())
    }

    /// A piece of a text, as long as nothing in it has a meaning; returns how long it is.
    fn text(&mut self, bytes: &[u8], escaped: bool) -> Result<usize, ReadProblem> {
        if escaped {
            self.at = At::Text { escaped: false };
            self.grow(&bytes[..1])?;
            return Ok(1);
        }
        let plain = bytes
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
            .unwrap_or(bytes.len());
        self.grow(&bytes[..plain])?;
        match bytes.get(plain) {
            None => Ok(plain),
            Some(b'"') => {
                self.at = At::Structure;
                if self.depth == 1 && self.version_next {
                    self.note_version(Version::Other);
                }
                Ok(plain + 1)
            }
            Some(b'\\') => {
                self.at = At::Text { escaped: true };
                self.grow(b"\\")?;
                Ok(plain + 1)
            }
            Some(b'\n' | b'\r' | b'\t') => Err(self.not_json("a text that does not end where its line does")),
            Some(_) => Err(NOT_TEXT),
        }
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), ReadProblem> {
        self.length += bytes.len();
        if self.length > RESULTS_MAX_TEXT {
            return Err(ReadProblem::Excessive(format!(
                "has a text of more than {RESULTS_MAX_TEXT} bytes in line {}",
                self.line
            )));
        }
        let room = RESULTS_MAX_NUMBER - self.head.len();
        self.head.extend(bytes.iter().take(room));
        Ok(())
    }

    /// One more byte of a number or a literal; returns 1.
    fn word(&mut self, byte: u8) -> Result<usize, ReadProblem> {
        if self.head.len() == RESULTS_MAX_NUMBER {
            self.end_word()?;
            return Err(ReadProblem::Excessive(format!(
                "has a number of more than {RESULTS_MAX_NUMBER} digits in line {}",
                self.line
            )));
        }
        self.head.push(byte);
        Ok(1)
    }

    fn end_word(&mut self) -> Result<(), ReadProblem> {
        self.at = At::Structure;
        let word = std::str::from_utf8(&self.head).unwrap_or_default();
        if matches!(word, "true" | "false" | "null") {
            if self.version_next && self.depth == 1 {
                self.note_version(Version::Other);
            }
            return Ok(());
        }
        let Ok(number) = word.parse::<f64>() else {
            return Err(self.not_json(&format!(
                "{:?}",
                crate::text::line(&String::from_utf8_lossy(&self.head), 20)
            )));
        };
        // Rust reads some words as numbers that JSON does not.
        if !word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) || word.contains(['i', 'n', 'I', 'N']) {
            return Err(self.not_json(&format!("{word}, which JSON does not have,")));
        }
        if self.version_next && self.depth == 1 {
            self.note_version(word.parse().map_or(Version::Other, Version::Number));
            return Ok(());
        }
        if self.section != Section::Plan && (number.abs() > LARGEST_FIGURE || !number.is_finite()) {
            return Err(ReadProblem::Excessive(format!(
                "has the figure {word} in line {}",
                self.line
            )));
        }
        Ok(())
    }

    fn note_version(&mut self, version: Version) {
        self.version_next = false;
        self.kind.version = Some(version);
    }

    /// An outermost name is over: what follows belongs to it.
    fn enter_section(&mut self) {
        self.tokens = 0;
        self.section = match self.head.as_slice() {
            b"windows" => Section::Windows,
            b"fleet" | b"iterations" | b"intervals" | b"serverFigures" => Section::Series,
            b"plan" => Section::Plan,
            _ => Section::Other,
        };
        match self.head.as_slice() {
            b"schemaVersion" => self.version_next = true,
            b"config" => self.kind.config = true,
            b"failureReasons" => self.kind.reasons = true,
            _ => {}
        }
    }

    fn not_json(&self, what: &str) -> ReadProblem {
        ReadProblem::NotJson {
            what: what.to_owned(),
            line: self.line,
        }
    }
}

/// Bytes that no text has.
const NOT_TEXT: ReadProblem = ReadProblem::NotText {
    what: "binary data and no text: is it a results.json?",
};

fn ends_word(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"'
    )
}

/// What the first bytes say of a text that is not UTF-8, and a mark before the text that may be left out (RFC 8259,
/// section 8.1).
pub(super) fn opening(bytes: &[u8]) -> Result<usize, ReadProblem> {
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

    fn scan(text: &[u8], piece: usize) -> Result<Kind, String> {
        let mut scan = Scan::new();
        for piece in text.chunks(piece.max(1)) {
            scan.feed(piece).map_err(|problem| problem.to_string())?;
        }
        scan.finish().map_err(|problem| problem.to_string())?;
        Ok(scan.kind.clone())
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
    fn numbers_that_json_does_not_have_are_named() {
        for word in [
            "NaN",
            "Infinity",
            "-Infinity",
            "inf",
            "-inf",
            "nan",
            "None",
            "undefined",
        ] {
            let error = scan(format!("{{\n\"x\": {word}}}").as_bytes(), 3).unwrap_err();
            assert!(error.contains(word) && error.contains("line 2"), "{error}");
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
