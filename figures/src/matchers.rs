//! Matchers that a user gives: they are put into queries, so they must be nothing else.

use crate::line::quoted;

/// What is wrong with a list of matchers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no list of matchers such as cluster=\"bench\",region=~\"eu-.*\": {0}")]
pub struct MatchersError(String);

/// Whether a text is a list of matchers: `label="value"`, `!=`, `=~` or `!~`, with commas between them.
///
/// # Errors
/// With what is wrong, in words.
pub fn check(text: &str) -> Result<(), MatchersError> {
    let wrong = |what: String| Err(MatchersError(what));
    let mut rest = text.trim();
    if rest.is_empty() {
        return wrong("it is empty".to_owned());
    }
    loop {
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let (label, after) = rest.split_at(end);
        if label.is_empty() || label.starts_with(|c: char| c.is_ascii_digit()) {
            return wrong(format!("{rest:?} does not begin with a label"));
        }
        if label.starts_with("__") {
            return wrong(format!("{label} is no label of series' own"));
        }
        let after = after.trim_start();
        let Some(after) = ["=~", "!~", "!=", "="]
            .iter()
            .find_map(|operator| after.strip_prefix(operator))
        else {
            return wrong(format!("after {label} comes no =, !=, =~ or !~"));
        };
        let Some(after) = after.trim_start().strip_prefix('"') else {
            return wrong(format!("the value of {label} is not in double quotes"));
        };
        let has_control = |rest: &str| after[..after.len() - rest.len()].contains(|c: char| c.is_ascii_control());
        let Some((_, after)) = quoted(after).filter(|(_, rest)| !has_control(rest)) else {
            return wrong(format!(
                "the value of {label} does not end, or has an escape other than \\\\, \\\" and \\n"
            ));
        };
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            _ if rest.is_empty() => return Ok(()),
            Some(after) => rest = after.trim_start(),
            None => return wrong(format!("after the value of {label} comes no comma")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_matchers_are_taken() {
        for text in [
            "cluster=\"bench\"",
            " cluster = \"bench\" , region=~\"eu-.*\",env!=\"a\\\"b,c}\"",
            "a!~\"\"",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_said_in_words() {
        for (text, words) in [
            ("", "it is empty"),
            ("cluster", "after cluster comes no"),
            ("cluster=bench", "not in double quotes"),
            ("cluster=\"bench", "does not end"),
            ("cluster=\"a\\d\"", "does not end, or has an escape"),
            ("cluster=\"a\tb\"", "does not end, or has an escape"),
            ("cluster=\"bench\"} or up{", "comes no comma"),
            ("cluster=\"bench\",", "does not begin with a label"),
            ("1a=\"b\"", "does not begin with a label"),
            ("__name__=\"up\"", "__name__ is no label"),
        ] {
            let error = check(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
