//! What a page of some 1,500 series costs in each format, and written to a Prometheus: `cargo bench -p benchmark-metrics --bench page`.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use benchmark_metrics::{Format, Registry, RemoteWriteMessages, Selection};
use temporalio_common::telemetry::metrics::{CoreMeter, MetricKeyValue};

const ROUNDS: usize = 50;

fn main() {
    let registry = Registry::new();
    let meter = registry.meter(Selection::All);
    for number in 0..12_i64 {
        let labels = [
            MetricKeyValue::new("service_name", "temporal-core-sdk"),
            MetricKeyValue::new("namespace", "default"),
            MetricKeyValue::new("task_queue", "benchmark"),
            MetricKeyValue::new("workflow_type", number),
        ];
        let attributes = meter.new_attributes(labels.into());
        for name in ["a_latency", "b_latency", "c_latency", "d_latency", "e_latency"] {
            let latency = meter.histogram_duration(name.into());
            // Native buckets over four decades.
            (0..1000_u32)
                .for_each(|n| latency.record(Duration::from_micros(100).mul_f64(1.01_f64.powi(n as i32)), &attributes));
        }
        for (counter, gauge) in [("a", "f"), ("b", "g"), ("c", "h"), ("d", "i"), ("e", "j")] {
            meter.counter(counter.into()).add(7, &attributes);
            meter.gauge(gauge.into()).record(7, &attributes);
        }
    }
    let plain = registry.encode(Format::Plain).expect("a page");
    let series = plain
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
        .count()
        - 1;
    for format in [Format::Protobuf, Format::OpenMetrics, Format::Plain] {
        let begin = Instant::now();
        (0..ROUNDS).for_each(|_| drop(black_box(registry.encode(format))));
        let took = begin.elapsed().as_secs_f64() * 1e3 / ROUNDS as f64;
        let bytes = registry.encode(format).expect("a page").len();
        println!("{series} series as {format:?}: {took:.2} ms, {bytes} bytes");
    }
    // From the second one on: what ended since the one before is looked for.
    let mut messages = RemoteWriteMessages::new(registry, "bench:1");
    let bytes = messages.next(false).map_or(0, |message| message.len());
    let begin = Instant::now();
    (0..ROUNDS).for_each(|_| drop(black_box(messages.next(false))));
    let took = begin.elapsed().as_secs_f64() * 1e3 / ROUNDS as f64;
    println!("{series} series as a message of remote write: {took:.2} ms, {bytes} bytes");
}
