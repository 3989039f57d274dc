//! Sanitising of untrusted text, in one place: what a server, a worker, a leader or a file says is shown to people, and
//! must be nothing but text there.
//!
//! A terminal obeys control characters; characters that turn the direction of writing make a text read as another; what has
//! no width hides. They become a mark, or a space where they were one. Texts of a file are made so once, when it is read
//! ([`make_json_harmless`]), those of a run when it is put together ([`crate::file::harmless`]) and each time it is written,
//! and what goes to a terminal besides by [`line`](fn@line) and [`lines`]. Escaping for HTML and Markdown comes on top, where it is written.

use std::borrow::Cow;

pub use benchmark_scenarios::chain;
use unicode::is_hidden;

/// Longest address that is shown or made a link, in bytes or characters: browsers take no longer ones.
pub const ADDRESS: usize = 2_000;

/// A text as a part of one line of at most so many characters; one that is cut ends with `…`.
pub fn line(text: &str, longest: usize) -> String {
    let mut line: String = text.chars().take(longest).map(harmless).collect();
    if text.chars().nth(longest).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// A text of ours around texts of others: its line breaks stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c == '\n' || harmless(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if c == '\n' { c } else { harmless(c) }).collect())
}

/// A word as it is typed into a POSIX shell: one with other than plain characters stands in single quotes.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The character, or what stands for it.
pub(crate) fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
        _ if c.is_control() || is_hidden(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// Characters that are not seen, or change how others are.
mod unicode {
    /// Whether it has no width of its own or turns the direction of writing. Sources: `Default_Ignorable_Code_Point` in
    /// Unicode's DerivedCoreProperties.txt, `Bidi_Control` in PropList.txt.
    pub(super) fn is_hidden(c: char) -> bool {
        matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
    }
}

/// Makes all texts of a JSON document harmless, names of keys among them, in place and in the same number of bytes, so that
/// lines and columns stay. What is no JSON stays no JSON. Returns whether something was changed.
pub fn make_json_harmless(json: &mut [u8]) -> bool {
    let mut changed = false;
    let mut inside = false;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let length = match byte {
            b'"' => {
                inside = !inside;
                1
            }
            b'\\' if inside => {
                let (length, c) = escaped(&json[at..]);
                changed |= c.is_some_and(|c| harmless(c) != c) && overwrite(&mut json[at..at + length]);
                length
            }
            0x20..=0x7e => 1,
            // Between texts these are the document's own line breaks.
            _ if !inside => 1,
            _ => {
                let (length, c) = encoded(&json[at..]);
                changed |= c.is_some_and(|c| harmless(c) != c) && overwrite(&mut json[at..at + length]);
                length
            }
        };
        at += length;
    }
    changed
}

/// Length of the escape that these bytes begin with, and its character; none for what is no escape or half a character.
fn escaped(bytes: &[u8]) -> (usize, Option<char>) {
    let unit = |at: usize| {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let simple = match bytes.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => {
            return match (unit(0), unit(6)) {
                (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                    let c = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
                    (12, c)
                }
                (Some(unit), _) => (6, char::from_u32(unit)),
                // Not an escape: the parser says so.
                (None, _) => (2, None),
            };
        }
        Some(_) => return (2, None),
        None => return (1, None),
    };
    (2, Some(simple))
}

/// Length of the character that these bytes begin with, and the character; none where they are no UTF-8.
fn encoded(bytes: &[u8]) -> (usize, Option<char>) {
    let length = match bytes[0] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    };
    let c = bytes
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .and_then(|text| text.chars().next());
    (if c.is_some() { length } else { 1 }, c)
}

/// Puts a mark for a character or for each part of an escape, and spaces where no mark fits.
fn overwrite(bytes: &mut [u8]) -> bool {
    let (mark, escape) = ("\u{fffd}".as_bytes(), b"\\ufffd");
    match bytes.len() {
        3 => bytes.copy_from_slice(mark),
        6 | 12 => bytes
            .chunks_exact_mut(escape.len())
            .for_each(|part| part.copy_from_slice(escape)),
        _ => bytes.fill(b' '),
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One of each kind: escape, bell, C1, delete, turned writing, no width, joiners, tags, a line separator.
    const BAD: [char; 14] = [
        '\u{1b}',
        '\u{7}',
        '\u{9b}',
        '\u{7f}',
        '\u{202e}',
        '\u{2066}',
        '\u{200b}',
        '\u{200d}',
        '\u{feff}',
        '\u{e0001}',
        '\u{2028}',
        '\n',
        '\u{ad}',
        '\u{61c}',
    ];

    fn is_harmless(text: &str) -> bool {
        text.chars().all(|c| harmless(c) == c)
    }

    #[test]
    fn whatever_is_said_is_shown_in_one_line() {
        assert_eq!(
            line("a\nb\u{1b}[2Jc\u{202e}d\u{200b}", 100),
            "a b\u{fffd}[2Jc\u{fffd}d\u{fffd}"
        );
        assert_eq!(line("äöü", 3), "äöü");
        assert_eq!(line("äöüß", 3), "äö…");
        assert_eq!(line("", 3), "");
        for c in BAD {
            assert!(is_harmless(&line(&format!("a{c}b"), 9)), "{c:?}");
        }
        assert_eq!(lines("one\ntwo\u{1b}[2J"), "one\ntwo\u{fffd}[2J");
        assert!(matches!(lines("one\n–two 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn texts_of_a_document_are_made_harmless_in_place() {
        for (given, expected) in [
            (r#"{"a\u001b": "b\u202E"}"#, r#"{"a\ufffd": "b\ufffd"}"#),
            (r#""\ud83d\ude00 \udb40\udc01""#, r#""\ud83d\ude00 \ufffd\ufffd""#),
            ("\"a\u{7f}b\u{9b}c\u{200b}\u{e0001}\"", "\"a b  c\u{fffd}    \""),
            (r#""\\u001b""#, r#""\\u001b""#),
            (r#""\"\u001""#, r#""\"\u001""#),
        ] {
            let mut json = given.as_bytes().to_vec();
            assert_eq!(make_json_harmless(&mut json), given != expected);
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
        let mut layout = b"{\n\t\"a\": \"\\n\"\r\n}".to_vec();
        assert!(make_json_harmless(&mut layout));
        assert_eq!(layout, b"{\n\t\"a\": \"  \"\r\n}");
        let mut faces = r#""\ud83d\ude00 \ud83d x""#.as_bytes().to_vec();
        assert!(
            !make_json_harmless(&mut faces),
            "a face is no tag, and half a character is the parser's"
        );
    }

    proptest! {
        #[test]
        fn no_text_gets_through(
            texts in proptest::collection::vec(proptest::collection::vec(prop_oneof![
                proptest::char::any(),
                proptest::sample::select(BAD.to_vec()),
                proptest::sample::select(vec!['"', '\\', 'u', '0', '1', 'b']),
            ], 0..20), 1..6),
            escape in any::<bool>(),
        ) {
            let texts: Vec<String> = texts.into_iter().map(|text| text.into_iter().collect()).collect();
            let mut json = serde_json::to_string_pretty(&texts).unwrap();
            if escape {
                // Every character beyond ASCII as its escapes.
                json = json.chars().flat_map(|c| {
                    let mut units = [0; 2];
                    let plain = c.is_ascii();
                    let escaped: String = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
                    if plain { vec![c] } else { escaped.chars().collect() }
                }).collect();
            }
            let mut bytes = json.into_bytes();
            let changed = make_json_harmless(&mut bytes);
            let read: Vec<String> = serde_json::from_slice(&bytes).unwrap();
            prop_assert!(read.iter().all(|text| is_harmless(text)), "{read:?}");
            prop_assert_eq!(read.len(), texts.len());
            prop_assert_eq!(changed, !texts.iter().all(|text| is_harmless(text)));
            for (read, text) in read.iter().zip(&texts) {
                // What was harmless is as it was.
                let kept = |text: &str| text.chars().filter(|c| harmless(*c) == *c && !" \u{fffd}".contains(*c)).collect::<String>();
                prop_assert_eq!(kept(read), kept(text));
            }
            let again = bytes.clone();
            make_json_harmless(&mut bytes);
            prop_assert_eq!(again, bytes, "once is enough");
        }
    }
}
