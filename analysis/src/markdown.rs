//! Escaping for Markdown on GitHub: untrusted texts as parts of a line, shown as they are, and nothing else.
//!
//! Two readers come after each other there. The first makes HTML of Markdown and obeys backslashes and entities
//! (GitHub Flavored Markdown, <https://github.github.com/gfm/>); it also makes links of what looks like an address. The second
//! looks at the texts of that HTML, in which no backslash is left: it notifies people (`@name`), links issues (`#1`, `GH-1`,
//! `owner/repo#1`), puts emoji in place of `:name:` and sets formulas (`$x$`). What it would see is torn apart by a comment, which
//! is no text: it is neither seen nor copied.

/// What tears a text apart.
const TEAR: &str = "<!-- -->";

/// A text as a part of a line: no line breaks, no markup, no link, no mention, no cell of a table.
pub(crate) fn escape(text: &str) -> String {
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for (at, c) in text.char_indices() {
        let (before, after) = (&text[..at], &text[at + c.len_utf8()..]);
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '$' => out += "<span>$</span>",
            '\r' | '\n' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // A list or a heading begins with these, if a line does.
            '-' | '+' | '=' if before.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if is_number(before) && after.chars().next().is_none_or(char::is_whitespace) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        if is_torn(before, c, after) {
            out += TEAR;
        }
    }
    out
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether what lies before and behind this character must not meet.
fn is_torn(before: &str, c: char, after: &str) -> bool {
    let next = after.chars().next();
    match c {
        '@' => true,
        '#' => next.is_some_and(|c| c.is_ascii_digit()),
        ':' => {
            // Of an address, or of an emoji.
            let word = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_+-".contains(c));
            next == Some('/') || word.len() < after.len() && word.starts_with(':')
        }
        'h' | 'H' => before.ends_with(['g', 'G']) && next == Some('-'),
        'w' | 'W' => {
            let mut last = before.chars().rev();
            let are_w = last.by_ref().take(2).filter(|c| c.eq_ignore_ascii_case(&'w')).count() == 2;
            are_w && next == Some('.')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What GitHub's first reader makes of an escaped text: its pieces of text, as the second reader finds them.
    ///
    /// # Panics
    /// At anything that the first reader would not take for text.
    fn read(mut source: &str) -> Vec<String> {
        let mut texts = vec![String::new()];
        let begins_list = |c: char| "-+=".contains(c);
        assert!(
            !source.starts_with(begins_list) && !source.starts_with(char::is_whitespace),
            "{source}"
        );
        let digits = source.trim_start_matches(|c: char| c.is_ascii_digit());
        let behind = digits.strip_prefix(['.', ')']).filter(|_| digits.len() < source.len());
        let is_list = behind.is_some_and(|text| text.chars().next().is_none_or(char::is_whitespace));
        assert!(!is_list, "{source}");
        while let Some(c) = source.chars().next() {
            source = &source[c.len_utf8()..];
            let mut skip = |what: &str| source.strip_prefix(what).map(|rest| source = rest).is_some();
            let last = texts.last_mut().unwrap();
            match c {
                '<' if skip("!-- -->") => texts.push(String::new()),
                '<' if skip("span>$</span>") => texts.extend(["$".to_owned(), String::new()]),
                '&' if skip("lt;") => last.push('<'),
                '&' if skip("gt;") => last.push('>'),
                '&' if skip("amp;") => last.push('&'),
                '\\' => {
                    let escaped = source.chars().next().unwrap();
                    assert!(escaped.is_ascii_punctuation(), "{source}");
                    source = &source[1..];
                    last.push(escaped);
                }
                '<' | '>' | '&' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '$' | '\n' | '\r' => {
                    panic!("a bare {c:?} before {source:?}")
                }
                _ => last.push(c),
            }
        }
        texts
    }

    fn check(text: &str) {
        let escaped = escape(text);
        let texts = read(&escaped);
        let flat = text.trim().replace(['\r', '\n'], " ");
        assert_eq!(texts.concat(), flat, "{escaped}");
        for text in &texts {
            let small = text.to_ascii_lowercase();
            let followed = |sign: &str, by: fn(char) -> bool| {
                let mut parts = small.split(sign);
                parts.next();
                parts.any(|rest| rest.starts_with(by))
            };
            assert!(!followed("@", |_| true), "a mention or an address: {escaped}");
            assert!(!followed("#", |c| c.is_ascii_digit()), "an issue: {escaped}");
            assert!(!followed("gh-", |_| true), "an issue: {escaped}");
            assert!(
                !small.contains(":/") && !small.contains("www."),
                "an address: {escaped}"
            );
            let mut names = small.split(':').skip(1).collect::<Vec<_>>();
            // Behind the last colon nothing ends.
            names.pop();
            let is_name =
                |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c));
            assert!(!names.iter().any(is_name), "an emoji: {escaped}");
            assert!(text == "$" || !text.contains('$'), "a formula: {escaped}");
        }
    }

    #[test]
    fn what_github_would_interpret_is_text() {
        for (text, escaped) in [
            ("p99 52.1ms of 6,000", "p99 52.1ms of 6,000"),
            ("a|b<script>", "a\\|b&lt;script&gt;"),
            ("@team #12 GH-3", "@<!-- -->team \\#<!-- -->12 GH<!-- -->-3"),
            ("http://x www.y", "http:<!-- -->//x www<!-- -->.y"),
            ("at :smile: 10:05", "at :<!-- -->smile: 10:05"),
            ("$x$", "<span>$</span>x<span>$</span>"),
            ("- a\n# b", "\\- a \\# b"),
            ("12. c", "12\\. c"),
            ("1.00", "1.00"),
        ] {
            assert_eq!(escape(text), escaped);
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_shown_as_it_is(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn any_text_of_what_has_a_meaning_is_shown_as_it_is(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "@", "#", "1", "a", "GH", "gh", "-", ":", "/", "//", "http", "www", "w", ".", "<", ">", "&", "|", "`", "*",
                    "_", "~", "!", "[", "](", ")", "\\", "\n", "\r", " ", "$", "+", "=", "!--", "amp;", "<!-- -->",
                ]),
                0..12,
            ),
        ) {
            check(&parts.concat());
        }
    }
}
