//! The page in Prometheus' older text format, for clients that name no other: browsers, `curl`, `promtool`, push gateways.
//!
//! Made of the OpenMetrics text, whose samples are the same. Its families are called as their samples are, with `_total` and
//! `_info`, it knows no units, and an info is a gauge. Who takes this format refuses a page with `info` in it.

use std::fmt::Write as _;

/// A page of OpenMetrics in the older text format.
pub(crate) fn of(openmetrics: &str) -> String {
    let mut page = String::with_capacity(openmetrics.len());
    let mut help = "";
    for line in openmetrics.lines() {
        if let Some(family) = line.strip_prefix("# HELP ") {
            help = family;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|family| family.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                _ => ("", kind),
            };
            let help = help.strip_prefix(name).unwrap_or_default();
            // Writing to a string does not fail.
            let _ = write!(page, "# HELP {name}{suffix}{help}\n# TYPE {name}{suffix} {kind}\n");
        } else if !line.starts_with('#') {
            page.push_str(line);
            page.push('\n');
        }
    }
    page
}
