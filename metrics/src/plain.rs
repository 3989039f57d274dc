//! The page in Prometheus' older text format, for clients that name no other: browsers, `curl`, `promtool`, push gateways.
//!
//! Made of the OpenMetrics text, whose samples are the same but for how they are written. Families are called as their samples
//! are, with `_total` and `_info`; there are no units, and an info is a gauge: whoever takes this format refuses `info`.

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
        } else if let Some((series, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) {
            // No braces where there are no labels, and at least one decimal.
            let series = series.strip_suffix("{}").unwrap_or(series);
            let decimal = if value.bytes().all(|byte| byte.is_ascii_digit()) {
                ".0"
            } else {
                ""
            };
            let _ = writeln!(page, "{series} {value}{decimal}");
        }
    }
    page
}
