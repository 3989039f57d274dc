//! What a recording costs, beside the SDK's own exporter in the same run:
//! `cargo bench -p benchmark-metrics --features sdk-exporter`.
//!
//! - `bound`: an instrument that knows its labels, as for polls and slots;
//! - `extended`: attributes extended by a known value, then recorded once, as for each call that fails;
//! - `context`: attributes extended by a known value and instruments bound to them, of which five record, as the SDK does
//!   for each workflow and each activity.
//!
//! And what native buckets cost: one record of a histogram that has them beside its classic ones, and of one that has not, by
//! one thread and by two at the same time.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use benchmark_metrics::{Registry, Selection};
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use temporalio_common::telemetry::{
    PrometheusExporterOptions,
    metrics::{
        CoreMeter, Counter, CounterBase, HistogramDuration, HistogramDurationBase, MetricAttributes, MetricKeyValue,
        NoOpCoreMeter,
    },
    start_prometheus_metric_exporter,
};

const ROUNDS: usize = 7;
const TYPES: [&str; 4] = ["simple", "parallel", "timers", "children"];

struct Instruments {
    counters: Vec<Counter>,
    latencies: Vec<HistogramDuration>,
    base: MetricAttributes,
}

fn instruments(meter: &dyn CoreMeter) -> Instruments {
    let base = [
        MetricKeyValue::new("service_name", "temporal-core-sdk"),
        MetricKeyValue::new("namespace", "default"),
        MetricKeyValue::new("task_queue", "benchmark"),
    ];
    Instruments {
        counters: ["bench_a", "bench_b"].map(|name| meter.counter(name.into())).into(),
        latencies: ["bench_c", "bench_d", "bench_e"]
            .map(|name| meter.histogram_duration(name.into()))
            .into(),
        base: meter.new_attributes(base.into()),
    }
}

/// The best of some rounds, in nanoseconds for one call.
fn measure(calls: u32, mut call: impl FnMut(u32)) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            (0..calls).for_each(&mut call);
            begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        })
        .fold(f64::INFINITY, f64::min)
}

fn costs(meter: &dyn CoreMeter) -> [(&'static str, f64); 4] {
    let Instruments {
        mut counters,
        mut latencies,
        base,
    } = instruments(meter);
    let extended = |n: u32| {
        let kind = MetricKeyValue::new("workflow_type", TYPES[n as usize % TYPES.len()]);
        meter.extend_attributes(base.clone(), [kind].into())
    };
    let latency = Duration::from_micros(1234);
    counters
        .iter_mut()
        .for_each(|counter| counter.update_attributes(base.clone()));
    latencies
        .iter_mut()
        .for_each(|latency| latency.update_attributes(base.clone()));
    [
        ("bound counter", measure(1_000_000, |_| black_box(&counters[0]).adds(1))),
        (
            "bound latency",
            measure(1_000_000, |_| black_box(&latencies[0]).records(latency)),
        ),
        ("extended", measure(100_000, |n| counters[0].add(1, &extended(n)))),
        (
            "context",
            measure(50_000, |n| {
                let attributes = extended(n);
                for counter in &counters {
                    let mut counter = counter.clone();
                    counter.update_attributes(attributes.clone());
                    counter.adds(1);
                }
                for of in &latencies {
                    let mut of = of.clone();
                    of.update_attributes(attributes.clone());
                    of.records(latency);
                }
            }),
        ),
    ]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let options = PrometheusExporterOptions::builder()
        .socket_addr(([127, 0, 0, 1], 0).into())
        .use_seconds_for_durations(true)
        .counters_total_suffix(true)
        .unit_suffix(true)
        .build();
    let exporter = start_prometheus_metric_exporter(options).expect("the SDK's exporter");
    let registry = Registry::new();
    let exporter: Arc<dyn CoreMeter> = exporter.meter;

    let columns = [
        ("SDK's exporter", costs(exporter.as_ref())),
        ("All", costs(registry.meter(Selection::All).as_ref())),
        ("Headroom", costs(registry.meter(Selection::Headroom).as_ref())),
        ("no meter", costs(&NoOpCoreMeter)),
    ];
    print!("{:>16}", "ns per call");
    columns.iter().for_each(|(name, _)| print!("{name:>16}"));
    println!("{:>22}", "All / SDK's exporter");
    for row in 0..columns[0].1.len() {
        print!("{:>16}", columns[0].1[row].0);
        columns.iter().for_each(|(_, costs)| print!("{:>16.1}", costs[row].1));
        println!("{:>22.2}", columns[1].1[row].1 / columns[0].1[row].1);
    }

    native_buckets();

    // Eight workers on one queue.
    let workers: Vec<Arc<dyn CoreMeter>> = (0..8).map(|_| registry.meter(Selection::All)).collect();
    for worker in &workers {
        for kind in ["WorkflowWorker", "ActivityWorker", "LocalActivityWorker"] {
            let attributes = worker.new_attributes([MetricKeyValue::new("worker_type", kind)].into());
            for name in [
                "temporal_worker_task_slots_used",
                "temporal_worker_task_slots_available",
            ] {
                worker.gauge(name.into()).record(5, &attributes);
            }
        }
    }
    let read = measure(1000, |_| {
        black_box(registry.headroom());
    });
    println!("headroom of eight workers: {read:.0} ns");
}

/// Edges and schema of the SDK's histograms on our pages.
const EDGES: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
    60.0,
];
const SCHEMA: i8 = 3;

fn native_buckets() {
    let both = || Histogram::new_classic_and_native(EDGES, NativeHistogramConfig::with_schema(SCHEMA));
    for (name, histogram) in [("classic buckets", Histogram::new(EDGES)), ("and native ones", both())] {
        let alone = measure(1_000_000, |n| histogram.observe(latency(n)));
        let other = histogram.clone();
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let beside = thread::spawn(move || {
            (0..)
                .take_while(|_| !until.load(Ordering::Relaxed))
                .for_each(|n| other.observe(latency(n)));
        });
        let together = measure(1_000_000, |n| histogram.observe(latency(n)));
        over.store(true, Ordering::Relaxed);
        let _ = beside.join();
        println!("{name}: {alone:.1} ns a record, {together:.1} ns beside another thread");
    }
}

/// Latencies between 1 and 100 ms, seconds.
fn latency(n: u32) -> f64 {
    0.001 * f64::from(n % 100 + 1)
}
