//! The quantiles that Prometheus makes of a histogram are those of the result.

use super::*;

/// A histogram as Prometheus gets it.
fn scraped(samples: &Histogram) -> protobuf::Histogram {
    let value = Value::Distribution(Box::new(distribution(samples)));
    let registry = Registry::new();
    registry.show(RUN_SERIES, move || {
        vec![Sample {
            of: &table::START,
            labels: Vec::new(),
            value: value.clone(),
        }]
    });
    let page = registry.encode(Format::Protobuf).unwrap();
    let mut page = &page[..];
    while !page.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut page).unwrap();
        if family.name == "benchmark_start_latency_seconds" {
            return family.metric[0].histogram.clone().unwrap();
        }
    }
    panic!("it is not on the page");
}

/// The bucket that a quantile lies in: its lower and upper edge.
fn bucket_of(buckets: &[(f64, u64)], quantile: f64) -> (f64, f64) {
    let all: u64 = buckets.iter().map(|(_, count)| count).sum();
    let rank = quantile * all as f64;
    let (mut below, mut seen) = (0.0, 0);
    for (edge, count) in buckets {
        seen += count;
        if *count > 0 && seen as f64 >= rank {
            return (below, *edge);
        }
        below = *edge;
    }
    panic!("no bucket holds it");
}

fn native(histogram: &protobuf::Histogram) -> Vec<(f64, u64)> {
    let edge = |index: i32| 2_f64.powf(f64::from(index) / 8.0);
    let mut buckets = vec![(histogram.zero_threshold, histogram.zero_count)];
    let (mut index, mut count, mut deltas) = (0, 0_i64, histogram.positive_delta.iter());
    for span in &histogram.positive_span {
        index += span.offset;
        // The gap before it.
        buckets.push((edge(index - 1), 0));
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            buckets.push((edge(index), u64::try_from(count).unwrap()));
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None);
    buckets
}

fn any_micros() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..3_000_u64,
        0..1_000_000_u64,
        0..3_600_000_000_u64,
        // At the classic edges, and at powers of two, which are native ones.
        prop::sample::select(LATENCY_EDGES.to_vec()).prop_map(|edge| (edge * 1e6).round() as u64),
        (0..31_u32).prop_map(|power| 1 << power),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// What is scraped has the result's quantiles: of classic buckets within the bucket, of native ones within 9 %. At an edge
    /// a count may fall to either side, since the histogram itself is exact to 0.1 % only.
    #[test]
    fn quantiles_are_those_of_the_result(recorded in prop::collection::vec((any_micros(), 1..40_u64), 1..60)) {
        let mut samples = Histogram::new();
        for (micros, times) in &recorded {
            (0..*times).for_each(|_| samples.record(Duration::from_micros(*micros)));
        }
        let histogram = scraped(&samples);
        prop_assert_eq!(histogram.sample_count, samples.count());
        let mean = histogram.sample_sum / samples.count() as f64 * 1e3;
        let wanted = samples.mean_ms().unwrap();
        prop_assert!((mean - wanted).abs() <= 0.002 * wanted + 1e-9, "{} is not {}", mean, wanted);
        prop_assert_eq!(histogram.schema, 3);
        let mut before = 0;
        let classic: Vec<(f64, u64)> = histogram.bucket.iter().map(|bucket| {
            let count = bucket.cumulative_count - before;
            before = bucket.cumulative_count;
            (bucket.upper_bound, count)
        }).collect();
        let edges: Vec<f64> = classic.iter().map(|(edge, _)| *edge).collect();
        prop_assert_eq!(&edges[..LATENCY_EDGES.len()], &LATENCY_EDGES[..]);
        let native = native(&histogram);
        prop_assert_eq!(native.iter().map(|(_, count)| count).sum::<u64>(), samples.count());
        for quantile in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let seconds = samples.quantile_ms(quantile).unwrap() / 1e3;
            for buckets in [&classic, &native] {
                let (low, high) = bucket_of(buckets, quantile);
                prop_assert!(seconds >= low * 0.998 && seconds <= high * 1.002, "p{}: {} is not from {} to {}", quantile, seconds, low, high);
            }
            let (low, high) = bucket_of(&native, quantile);
            prop_assert!(high <= low * 1.0906 || high < 1e-6, "a bucket is at most 9 % wide: {} to {}", low, high);
        }
    }
}
