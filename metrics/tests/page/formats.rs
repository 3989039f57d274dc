//! All formats tell the same, whatever is on the page.

use std::time::Duration;

use benchmark_metrics::{Format, Registry, Selection};
use prometheus_client::{
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use proptest::prelude::*;
use temporalio_common::telemetry::metrics::{CoreMeter, MetricAttributes};

use crate::parse::{self, Page, histograms, native_buckets};

/// A family that somebody might register: its type, unit and series, each with labels and values.
type Described = (usize, bool, Vec<(Vec<String>, Vec<f64>)>);

const TYPES: [MetricType; 3] = [MetricType::Counter, MetricType::Gauge, MetricType::Histogram];

#[derive(Debug)]
struct Families(Vec<Described>);

impl prometheus_client::collector::Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        for (number, (kind, has_unit, series)) in self.0.iter().enumerate() {
            let unit = has_unit.then_some(Unit::Seconds);
            let name = format!("family_{number}");
            let help = format!("Help {number}: \"so\" it is.");
            let mut family = encoder.encode_descriptor(&name, &help, unit.as_ref(), TYPES[*kind])?;
            for (at, (labels, values)) in series.iter().enumerate() {
                let mut labels: Vec<(String, String)> = labels
                    .iter()
                    .enumerate()
                    .map(|(of, value)| (format!("l{of}"), value.clone()))
                    .collect();
                labels.push(("series".to_owned(), at.to_string()));
                let mut series = family.encode_family(&labels)?;
                match TYPES[*kind] {
                    MetricType::Counter => series.encode_counter::<NoLabelSet, _, f64>(&values[0].abs(), None)?,
                    MetricType::Gauge => series.encode_gauge(&values[0])?,
                    _ => {
                        let counts: Vec<u64> = values.iter().map(|value| value.abs().min(1e9) as u64).collect();
                        let bounds = (0_u8..).map(|bound| f64::from(bound) / 8.0);
                        let mut buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
                        buckets.last_mut().expect("one at least").0 = f64::INFINITY;
                        let count = buckets.iter().map(|(_, count)| count).sum();
                        series.encode_histogram::<NoLabelSet>(values[0], count, &buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Names of series with their values' bits, and families' types and units by the names that samples have.
type Told = (Vec<(String, u64)>, Vec<(String, String)>);

fn told(page: &Page) -> Told {
    let mut samples: Vec<(String, u64)> = page
        .samples
        .iter()
        .map(|sample| (sample.id(), (sample.value + 0.0).to_bits()))
        .collect();
    samples.sort();
    let families = page.families.iter().map(|(name, family)| match family.kind.as_str() {
        "counter" => (
            format!("{}_total", name.trim_end_matches("_total")),
            "counter".to_owned(),
        ),
        "info" => (format!("{name}_info"), "gauge".to_owned()),
        kind => (name.clone(), kind.to_owned()),
    });
    let mut families: Vec<(String, String)> = families.collect();
    families.sort();
    (samples, families)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_formats_tell_the_same(families in prop::collection::vec(
        (0..TYPES.len(), any::<bool>(), prop::collection::vec(
            (prop::collection::vec("(\\PC|[\n\\\\\"{},= ]){0,12}", 0..3), prop::collection::vec(any::<f64>().prop_filter("no NaN", |v| !v.is_nan()), 1..6)),
            0..4,
        )),
        0..6,
    )) {
        let registry = Registry::new();
        // What changes from one page to the next, the process's own, is taken away.
        registry.with(|registry| registry.register_collector(Box::new(Families(families.clone()))));
        let own = |page: Page| Page {
            samples: page.samples.into_iter().filter(|sample| sample.name.starts_with("family_")).collect(),
            families: page.families.into_iter().filter(|(name, _)| name.starts_with("family_")).collect(),
        };
        let page = |format| registry.encode(format).expect("a page");
        let text = |format| String::from_utf8(page(format)).expect("text");
        let protobuf = told(&own(Page::decode(&page(Format::Protobuf))));
        prop_assert_eq!(protobuf.1.len(), families.len());
        prop_assert_eq!(&told(&own(Page::parse(&text(Format::OpenMetrics), parse::Format::OpenMetrics))), &protobuf);
        prop_assert_eq!(&told(&own(Page::parse(&text(Format::Plain), parse::Format::Plain))), &protobuf);
    }

    #[test]
    fn native_buckets_hold_what_the_sdk_records(micros in prop::collection::vec(0..100_000_000_u64, 1..200)) {
        let registry = Registry::new();
        let latency = registry.meter(Selection::All).histogram_duration("latency".into());
        micros.iter().for_each(|micros| latency.record(Duration::from_micros(*micros), &MetricAttributes::Empty));
        let page = registry.encode(Format::Protobuf).expect("a page");
        let found = histograms(&page, "latency_seconds");
        let [histogram] = &found[..] else { panic!("{found:?}") };
        prop_assert_eq!(histogram.schema, 3);
        let mut below = 0.0;
        for (bound, count) in native_buckets(histogram) {
            // A value at a bound belongs below it; the bounds themselves are no exact numbers.
            let (from, to) = (below * (1.0 + 1e-12), bound * (1.0 + 1e-12));
            let within = micros.iter().map(|micros| *micros as f64 / 1e6).filter(|value| {
                *value <= to && (*value > from || (*value == 0.0 && below == 0.0 && bound < 1e-30))
            });
            prop_assert_eq!(within.count() as u64, count, "up to {}", bound);
            below = bound;
        }
        prop_assert_eq!(histogram.sample_count, micros.len() as u64);
        prop_assert_eq!(native_buckets(histogram).iter().map(|(_, count)| count).sum::<u64>(), histogram.sample_count);
    }
}
