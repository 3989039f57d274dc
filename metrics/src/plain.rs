//! The page in Prometheus' older text format, for clients that name no other: browsers, `curl`, push gateways.
//!
//! Written from the same messages as the protobuf page, whose names are this format's: a counter's family carries `_total`
//! and an info's `_info`.

use std::fmt::Write as _;

use crate::protobuf::{LabelPair, Metric, MetricFamily, MetricType};

/// Writes families in the older text format.
pub(crate) fn write(families: &[MetricFamily]) -> String {
    let mut page = String::new();
    for family in families {
        let name = &family.name;
        let (kind, is_histogram) = match MetricType::try_from(family.r#type) {
            Ok(MetricType::Counter) => ("counter", false),
            Ok(MetricType::Gauge) => ("gauge", false),
            Ok(MetricType::Histogram) => ("histogram", true),
            // The library writes no other.
            _ => ("untyped", false),
        };
        page.push_str("# HELP ");
        page.push_str(name);
        page.push(' ');
        escape(&mut page, &family.help, false);
        // Writing to a string does not fail, here and below.
        let _ = write!(page, "\n# TYPE {name} {kind}\n");
        for metric in &family.metric {
            if is_histogram {
                histogram(&mut page, name, metric);
            } else {
                sample(&mut page, name, "", &metric.label, None, value(metric));
            }
        }
    }
    page
}

fn value(metric: &Metric) -> f64 {
    let counter = metric.counter.as_ref().map(|counter| counter.value);
    counter
        .or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value))
        .or_else(|| metric.untyped.as_ref().map(|untyped| untyped.value))
        .unwrap_or(f64::NAN)
}

fn histogram(page: &mut String, name: &str, metric: &Metric) {
    let Some(histogram) = &metric.histogram else { return };
    let count = histogram.sample_count as f64;
    sample(page, name, "_sum", &metric.label, None, histogram.sample_sum);
    sample(page, name, "_count", &metric.label, None, count);
    for bucket in &histogram.bucket {
        let cumulative = bucket.cumulative_count as f64;
        sample(
            page,
            name,
            "_bucket",
            &metric.label,
            Some(bucket.upper_bound),
            cumulative,
        );
    }
}

fn sample(page: &mut String, name: &str, suffix: &str, labels: &[LabelPair], le: Option<f64>, value: f64) {
    page.push_str(name);
    page.push_str(suffix);
    let mut before = '{';
    for LabelPair { name, value } in labels {
        page.push(before);
        page.push_str(name);
        page.push_str("=\"");
        escape(page, value, true);
        page.push('"');
        before = ',';
    }
    if let Some(le) = le {
        page.push(before);
        page.push_str("le=\"");
        number(page, le);
        page.push('"');
        before = ',';
    }
    if before == ',' {
        page.push('}');
    }
    page.push(' ');
    number(page, value);
    page.push('\n');
}

/// A number as OpenMetrics has it, with at least one decimal, so that a bucket's label is the same in both texts.
fn number(page: &mut String, value: f64) {
    let _ = match value {
        f64::INFINITY => page.write_str("+Inf"),
        f64::NEG_INFINITY => page.write_str("-Inf"),
        value => write!(page, "{value:?}"),
    };
}

fn escape(page: &mut String, text: &str, quoted: bool) {
    for letter in text.chars() {
        match letter {
            '\\' => page.push_str("\\\\"),
            '\n' => page.push_str("\\n"),
            '"' if quoted => page.push_str("\\\""),
            letter => page.push(letter),
        }
    }
}
