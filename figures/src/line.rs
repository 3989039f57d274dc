//! One line of a metrics page: Prometheus' text format 0.0.4, or OpenMetrics 1.0, whose samples look alike.

use std::borrow::Cow;

/// A sample as it stands in a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SampleLine<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(&'a str, Cow<'a, str>)>,
    pub(crate) value: f64,
}

impl SampleLine<'_> {
    /// A label's value; empty where there is none.
    pub(crate) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or("", |(_, value)| value.as_ref())
    }
}

/// Reads a sample; what follows its value (a time, an exemplar) is not looked at. `None`: it is none.
pub(crate) fn parse(line: &str) -> Option<SampleLine<'_>> {
    let end = line.find(|c: char| !is_in_name(c)).unwrap_or(line.len());
    let (name, mut rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.trim_start().strip_prefix('{') {
        rest = labels_of(inside, &mut labels)?;
    } else if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(SampleLine { name, labels, value })
}

fn is_in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Reads labels up to the closing brace, and returns what follows it.
fn labels_of<'a>(mut rest: &'a str, labels: &mut Vec<(&'a str, Cow<'a, str>)>) -> Option<&'a str> {
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end();
        if name.is_empty() || !name.chars().all(is_in_name) {
            return None;
        }
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        labels.push((name, value));
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return None,
        }
    }
}

/// A text up to its closing quote, and what follows.
pub(crate) fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut plain = String::new();
    let mut rest = text;
    loop {
        let at = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let (before, after) = rest.split_at(at);
        if let Some(after) = after.strip_prefix('"') {
            let value = match rest.len() == text.len() {
                true => Cow::Borrowed(before),
                false => Cow::Owned(plain + before),
            };
            return Some((value, after));
        }
        plain.push_str(before);
        let mut escaped = after[1..].chars();
        plain.push(match escaped.next()? {
            'n' => '\n',
            c @ ('"' | '\\') => c,
            _ => return None,
        });
        rest = escaped.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (String, Vec<(String, String)>, f64);

    fn read(line: &str) -> Option<Read> {
        let sample = parse(line)?;
        let labels = sample
            .labels
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        Some((sample.name.to_owned(), labels.collect(), sample.value))
    }

    fn labelled(name: &str, labels: &[(&str, &str)], value: f64) -> Option<Read> {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Some((name.to_owned(), labels.collect(), value))
    }

    #[test]
    fn samples_of_both_formats_are_read() {
        assert_eq!(read("a 1"), labelled("a", &[], 1.0));
        assert_eq!(read("a:b_2\t-3.5e3 1395066363000"), labelled("a:b_2", &[], -3500.0));
        assert_eq!(read("a{} 2"), labelled("a", &[], 2.0));
        assert_eq!(
            read(r#"a{x="1", y = "b c",} +Inf"#),
            labelled("a", &[("x", "1"), ("y", "b c")], f64::INFINITY)
        );
        assert_eq!(
            read(r#"a_bucket{le="0.1"} 8 # {id="x"} 0.054 1"#),
            labelled("a_bucket", &[("le", "0.1")], 8.0)
        );
        assert_eq!(
            read(r#"a{x="\"q\\\n}",y=""} 1"#),
            labelled("a", &[("x", "\"q\\\n}"), ("y", "")], 1.0)
        );
        assert!(parse("a NaN").unwrap().value.is_nan());
    }

    #[test]
    fn what_is_no_sample_is_none() {
        for line in [
            "",
            "a",
            "a ",
            "1a 1",
            "<html>",
            "a one",
            "a{x=1} 1",
            "a{x=\"1\" 1",
            "a{x=\"1\"y=\"2\"} 1",
            "a{=\"1\"} 1",
            r#"a{x="\q"} 1"#,
            "{\"a\"} 1",
            "a-b 1",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_label_that_is_not_there_is_empty() {
        let sample = parse("a{x=\"1\"} 1").unwrap();
        assert_eq!((sample.label("x"), sample.label("y")), ("1", ""));
    }
}
