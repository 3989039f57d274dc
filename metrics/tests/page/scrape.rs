//! What is recorded is on the page.

use std::time::Duration;

use benchmark_metrics::{Registry, Selection};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use temporalio_common::telemetry::metrics::{
    CoreMeter, CounterBase, MetricAttributes, MetricKeyValue, MetricParameters, NewAttributes,
};

use crate::client::{scrape, served};

fn labels(labels: &[(&'static str, &'static str)]) -> NewAttributes {
    labels
        .iter()
        .map(|(name, value)| MetricKeyValue::new(*name, *value))
        .into()
}

fn parameters(name: &'static str, description: &'static str, unit: &'static str) -> MetricParameters {
    MetricParameters {
        name: name.into(),
        description: description.into(),
        unit: unit.into(),
    }
}

#[tokio::test]
async fn each_kind_of_instrument_is_a_family_of_its_type() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let meter = registry.meter(Selection::All);
    let one = meter.new_attributes(labels(&[("queue", "q1")]));
    let two = meter.extend_attributes(one.clone(), labels(&[("kind", "x")]));

    let counter = meter.counter(parameters("done", "What is done", ""));
    counter.add(2, &one);
    counter.add(3, &two);
    counter.add(4, &MetricAttributes::Empty);
    let duration = meter.histogram_duration(parameters("latency", "", "duration"));
    duration.record(Duration::from_micros(1500), &one);
    duration.record(Duration::from_secs(1000), &one);
    meter.histogram(parameters("size", "", "bytes")).record(100, &one);
    meter.histogram_f64(parameters("ratio", "", "")).record(0.5, &one);
    meter.gauge(parameters("open", "", "")).record(7, &one);
    meter.gauge_f64(parameters("load", "", "")).record(0.25, &one);
    let up_down = meter.up_down_counter(parameters("balance", "", ""));
    up_down.add(5, &one);
    up_down.add(-8, &one);

    let page = scrape(&serving).await;
    let kind = |name: &str| page.families.get(name).map(|family| family.kind.as_str());
    assert_eq!(kind("done"), Some("counter"));
    assert_eq!(page.families["done"].help.as_deref(), Some("What is done."));
    let mut done: Vec<f64> = page
        .samples
        .iter()
        .filter(|sample| sample.name == "done_total")
        .map(|s| s.value)
        .collect();
    done.sort_by(f64::total_cmp);
    assert_eq!(done, [2.0, 3.0, 4.0], "one family for all sets of labels");
    assert_eq!(page.value("done_total", &[("queue", "q1"), ("kind", "x")]), Some(3.0));

    assert_eq!(kind("latency_seconds"), Some("histogram"));
    assert_eq!(page.families["latency_seconds"].unit.as_deref(), Some("seconds"));
    let bucket = |le| page.value("latency_seconds_bucket", &[("queue", "q1"), ("le", le)]);
    assert_eq!(bucket("0.001"), Some(0.0));
    assert_eq!(bucket("0.002"), Some(1.0));
    assert_eq!(bucket("60.0"), Some(1.0));
    assert_eq!(bucket("+Inf"), Some(2.0));
    assert_eq!(page.value("latency_seconds_sum", &[]), Some(1000.0015));
    assert_eq!(page.value("size_bytes_bucket", &[("le", "128.0")]), Some(1.0));
    assert_eq!(page.value("size_bytes_bucket", &[("le", "64.0")]), Some(0.0));
    assert_eq!(page.value("ratio_sum", &[]), Some(0.5));
    assert_eq!(kind("open"), Some("gauge"));
    assert_eq!(page.value("open", &[]), Some(7.0));
    assert_eq!(page.value("load", &[]), Some(0.25));
    assert_eq!(page.value("balance", &[]), Some(-3.0));
}

#[tokio::test]
async fn labels_come_back_as_they_were_given() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let meter = registry.meter(Selection::All);
    let value = "a \"quoted\" \\ path\nand a line, }{=# ü";
    let attributes = meter.new_attributes(NewAttributes::new(vec![
        MetricKeyValue::new("text-with-dashes", value.to_owned()),
        MetricKeyValue::new("whole", 5_i64),
        MetricKeyValue::new("yes", true),
        MetricKeyValue::new("part", 0.5),
    ]));
    meter
        .counter(parameters("odd-name.x", "Two\nlines \\", ""))
        .add(1, &attributes);
    let page = scrape(&serving).await;
    let labels = [
        ("text_with_dashes", value),
        ("whole", "5"),
        ("yes", "true"),
        ("part", "0.5"),
    ];
    assert_eq!(page.value("odd_name_x_total", &labels), Some(1.0));
    assert_eq!(page.families["odd_name_x"].help.as_deref(), Some("Two lines  ."));
}

#[tokio::test]
async fn meters_share_their_families() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let meters = [registry.meter(Selection::All), registry.meter(Selection::All)];
    for (meter, open) in meters.iter().zip([3, 4]) {
        let attributes = meter.new_attributes(labels(&[("queue", "q")]));
        let mut counter = meter.counter("done".into());
        counter.update_attributes(attributes.clone());
        counter.adds(2);
        meter
            .histogram_duration("latency".into())
            .record(Duration::ZERO, &attributes);
        meter.gauge("open".into()).record(open, &attributes);
        // Of the same name and another type: not recorded, and nobody is hurt.
        meter.gauge("done".into()).record(99, &attributes);
    }
    let page = scrape(&serving).await;
    assert_eq!(page.value("done_total", &[("queue", "q")]), Some(4.0));
    assert_eq!(page.value("latency_seconds_count", &[("queue", "q")]), Some(2.0));
    assert_eq!(
        page.value("open", &[("queue", "q")]),
        Some(7.0),
        "the sum over the meters"
    );
    let [one, two] = meters;
    drop(one);
    let page = scrape(&serving).await;
    assert_eq!(
        page.value("open", &[("queue", "q")]),
        Some(4.0),
        "a worker that is gone has nothing open"
    );
    assert_eq!(
        page.value("done_total", &[("queue", "q")]),
        Some(4.0),
        "what was done stays done"
    );
    drop(two);
    let page = scrape(&serving).await;
    assert!(!page.families.contains_key("open"), "no empty family");
}

#[tokio::test]
async fn the_process_and_its_own_series_are_there() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let starts = Counter::<u64>::default();
    let lag = Histogram::new([0.001, 0.1]);
    registry.with(|registry| {
        registry.register("benchmark_starts", "Starts", starts.clone());
        registry.register("benchmark_lag_seconds", "Lag", lag.clone());
    });
    starts.inc_by(3);
    lag.observe(0.05);
    let page = scrape(&serving).await;
    assert_eq!(page.value("benchmark_starts_total", &[]), Some(3.0));
    assert_eq!(page.value("benchmark_lag_seconds_count", &[]), Some(1.0));
    assert_eq!(
        page.value("benchmark_build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
        Some(1.0)
    );
    let above = |name, limit: f64| assert!(page.value(name, &[]).is_some_and(|value| value > limit), "{name}");
    above("process_resident_memory_bytes", 1e6);
    above("process_start_time_seconds", 1.7e9);
    above("process_open_fds", 3.0);
    assert!(page.value("process_cpu_seconds_total", &[]).is_some());
    assert_eq!(page.families["process_cpu_seconds"].kind, "counter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrapes_at_the_same_time_see_whole_pages_while_series_come() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let recording = {
        let meter = registry.meter(Selection::All);
        tokio::task::spawn_blocking(move || {
            let base = meter.new_attributes(NewAttributes::default());
            let counter = meter.counter("done".into());
            let latency = meter.histogram_duration("latency".into());
            for n in 0..20_000_u32 {
                let kind = MetricKeyValue::new("kind", i64::from(n % 50));
                let attributes = meter.extend_attributes(base.clone(), [kind].into());
                counter.add(1, &attributes);
                latency.record(Duration::from_micros(u64::from(n)), &attributes);
            }
        })
    };
    for _ in 0..5 {
        // The parser checks that each page is whole and each histogram agrees with itself.
        let pages = futures::future::join_all((0..8).map(|_| async {
            let accept = format!("accept: {}\r\n", crate::client::OPENMETRICS);
            crate::client::request(&serving, "GET", "/metrics", &accept).await
        }));
        for answer in pages.await {
            crate::parse::Page::parse(answer.text(), crate::parse::Format::OpenMetrics);
        }
    }
    recording.await.expect("no panic");
    let page = scrape(&serving).await;
    let sum = |name: &str| {
        page.samples
            .iter()
            .filter(|s| s.name == name)
            .map(|s| s.value)
            .sum::<f64>()
    };
    assert_eq!(sum("done_total"), 20_000.0);
    assert_eq!(sum("latency_seconds_count"), 20_000.0);
}
