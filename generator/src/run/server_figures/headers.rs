//! Files with headers that a server is spoken to with: tokens and tenants, which are shown nowhere.

use std::path::Path;

use benchmark_scenarios::{Context, Problem};
use benchmark_temporal::small_file;
use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers that are the client's own business.
const OURS: [&str; 6] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
];

/// Reads lines `Name: value`; empty ones and those that begin with `#` are left out. `flag` named the file.
///
/// # Errors
/// When the file cannot be read or a line is none. Values are never repeated.
pub fn read(flag: &str, path: &Path) -> Result<HeaderMap, Problem> {
    let place = format!("{flag} {}", path.display());
    let bytes = small_file::read(path).context(format_args!("{place} cannot be read"))?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::new(format!("{place} is no text")))?;
    parse(&text).map_err(|(line, what)| {
        Problem::new(format!("{place}: line {line} {what}"))
            .explain("each line is a header, as in  X-Scope-OrgID: bench")
    })
}

fn parse(text: &str) -> Result<HeaderMap, (usize, String)> {
    let mut headers = HeaderMap::new();
    for (index, line) in text.lines().enumerate() {
        let wrong = |what: &str| (index + 1, what.to_owned());
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("has no colon"))?;
        let name: HeaderName = name
            .trim()
            .parse()
            .map_err(|_| wrong("has no header's name before its colon"))?;
        if OURS.contains(&name.as_str()) {
            return Err((index + 1, format!("sets {name}, which this program does itself")));
        }
        let mut value: HeaderValue = value
            .trim()
            .parse()
            .map_err(|_| wrong("has a value with characters that no header may have"))?;
        if value.is_empty() {
            return Err(wrong("has no value"));
        }
        // Never in a log.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_lines() {
        let headers = parse("# of the tests\n\nAuthorization: Bearer a:b\r\nX-Scope-OrgID:bench\n").unwrap();
        assert_eq!(headers["authorization"], "Bearer a:b");
        assert_eq!(headers["x-scope-orgid"], "bench");
        assert!(headers.values().all(HeaderValue::is_sensitive));
        assert!(!format!("{headers:?}").contains("Bearer"));
    }

    #[test]
    fn a_broken_line_is_named_and_not_shown() {
        for (text, line, words) in [
            ("hush", 1, "has no colon"),
            ("a: b\nhush hush: x", 2, "has no header's name"),
            ("a: hu\u{7}sh", 1, "characters that no header may have"),
            ("a:", 1, "has no value"),
            ("Host: hush", 1, "sets host"),
        ] {
            let (at, what) = parse(text).unwrap_err();
            assert_eq!(at, line);
            assert!(what.contains(words) && !what.contains("hush"), "{what}");
        }
    }

    #[test]
    fn a_file_that_is_none_is_one_line() {
        let problem = read("--prometheus-headers", Path::new("/no/such/file")).unwrap_err();
        assert!(
            problem
                .headline()
                .starts_with("--prometheus-headers /no/such/file cannot be read"),
            "{problem}"
        );
    }
}
