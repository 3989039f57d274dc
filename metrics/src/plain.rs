//! The page in Prometheus' older text format, for clients that do not ask for OpenMetrics: old scrapers, browsers, `curl`.
//!
//! The formats share their samples. A counter's family carries `_total` in its name here and an info `_info`, and there are
//! no units, no exemplars and no mark of the end.

/// Writes an OpenMetrics page in the older format.
pub(crate) fn from_openmetrics(page: &str) -> String {
    let mut plain = String::with_capacity(page.len());
    // A family's help comes before its type, which decides on the name in both.
    let mut help: Option<(&str, &str)> = None;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((family, openmetrics)) = rest.split_once(' ') else {
                continue;
            };
            let (suffix, kind) = match openmetrics {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "gauge" | "histogram" | "summary" => ("", openmetrics),
                "stateset" => ("", "gauge"),
                _ => ("", "untyped"),
            };
            if let Some((_, text)) = help.take().filter(|(of, _)| *of == family) {
                push(&mut plain, &["# HELP ", family, suffix, " ", text]);
            }
            push(&mut plain, &["# TYPE ", family, suffix, " ", kind]);
        } else if !line.starts_with('#') {
            push(&mut plain, &[without_exemplar(line)]);
        }
    }
    plain
}

fn push(page: &mut String, parts: &[&str]) {
    page.extend(parts.iter().copied());
    page.push('\n');
}

/// A sample up to its exemplar: the first ` # ` that is not in a label's value.
fn without_exemplar(sample: &str) -> &str {
    if !sample.contains(" # ") {
        return sample;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in sample.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b' ' if !quoted && sample[at..].starts_with(" # ") => return &sample[..at],
            _ => {}
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_get_their_older_names_and_types() {
        let page = "\
# HELP a_seconds Time.
# TYPE a_seconds counter
# UNIT a_seconds seconds
a_seconds_total{x=\"1\"} 2.5
# HELP b_build Build.
# TYPE b_build info
b_build_info{version=\"1\"} 1
# HELP c Gauge.
# TYPE c gauge
c -3
# TYPE d unknown
d 1
# EOF
";
        let plain = "\
# HELP a_seconds_total Time.
# TYPE a_seconds_total counter
a_seconds_total{x=\"1\"} 2.5
# HELP b_build_info Build.
# TYPE b_build_info gauge
b_build_info{version=\"1\"} 1
# HELP c Gauge.
# TYPE c gauge
c -3
# TYPE d untyped
d 1
";
        assert_eq!(from_openmetrics(page), plain);
    }

    #[test]
    fn exemplars_go_and_labels_that_look_like_one_stay() {
        assert_eq!(
            without_exemplar("a_bucket{le=\"1\"} 5 # {id=\"7\"} 0.5"),
            "a_bucket{le=\"1\"} 5"
        );
        let tricky = r#"a{x="\" # {",y="\\"} 5"#;
        assert_eq!(without_exemplar(tricky), tricky);
        assert_eq!(without_exemplar(&format!("{tricky} # {{}} 1")), tricky);
    }
}
