//! Slots and polls, as workers tell them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use benchmark_metrics::{Headroom, Registry, Selection, SlotUse};
use temporalio_common::telemetry::{
    TelemetryOptions,
    metrics::{
        CoreMeter, GaugeBase, HeartbeatMetricType, MetricKeyValue, MetricParameters, NewAttributes, TemporalMeter,
    },
    telemetry_init,
};

use crate::client::{scrape, served};

/// The meter as the SDK's worker gets it: with the prefix.
fn worker_meter(registry: &Registry, selection: Selection) -> TemporalMeter {
    let options = TelemetryOptions::builder().metrics(registry.meter(selection)).build();
    telemetry_init(options)
        .expect("telemetry")
        .get_temporal_metric_meter()
        .expect("a meter")
}

fn tell(meter: &TemporalMeter, name: &'static str, label: (&'static str, &'static str), value: u64) {
    let queue = MetricKeyValue::new("task_queue", "q");
    let labels = [queue, MetricKeyValue::new(label.0, label.1)];
    let attributes = meter.extend_attributes(meter.get_default_attributes().clone(), labels.into());
    meter.gauge(name.into()).record(value, &attributes);
}

fn slots(used: u32, free: u32) -> SlotUse {
    SlotUse {
        used: Some(used),
        free: Some(free),
    }
}

#[test]
fn it_is_the_sum_over_workers_of_one_queue() {
    let registry = Registry::new();
    assert_eq!(registry.headroom(), Headroom::default(), "nobody told anything yet");

    let workers = [Selection::All, Selection::Headroom].map(|selection| worker_meter(&registry, selection));
    for worker in &workers {
        tell(worker, "worker_task_slots_used", ("worker_type", "WorkflowWorker"), 3);
        tell(
            worker,
            "worker_task_slots_available",
            ("worker_type", "WorkflowWorker"),
            17,
        );
        tell(worker, "worker_task_slots_used", ("worker_type", "ActivityWorker"), 200);
        tell(
            worker,
            "worker_task_slots_available",
            ("worker_type", "ActivityWorker"),
            0,
        );
        // Slots that depend on resources have no free number.
        tell(
            worker,
            "worker_task_slots_used",
            ("worker_type", "LocalActivityWorker"),
            1,
        );
        tell(worker, "worker_task_slots_used", ("worker_type", "NexusWorker"), 1);
        for (kind, polls) in [("workflow_task", 5), ("sticky_workflow_task", 6), ("activity_task", 7)] {
            tell(worker, "num_pollers", ("poller_type", kind), polls);
        }
    }
    let expected = Headroom {
        workflow: slots(6, 34),
        activity: slots(400, 0),
        local_activity: SlotUse {
            used: Some(2),
            free: None,
        },
        polls: Some(36),
    };
    assert_eq!(registry.headroom(), expected);

    let [one, _two] = workers;
    tell(&one, "worker_task_slots_used", ("worker_type", "WorkflowWorker"), 0);
    assert_eq!(registry.headroom().workflow, slots(3, 34));
    drop(one);
    assert_eq!(
        registry.headroom().workflow,
        slots(3, 17),
        "a worker that is gone has no slots"
    );
}

#[tokio::test]
async fn nothing_else_is_recorded_when_nobody_reads_the_page() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let worker = worker_meter(&registry, Selection::Headroom);
    let client = registry.client_meter(Selection::Headroom);
    tell(&worker, "num_pollers", ("poller_type", "activity_task"), 5);
    let attributes = worker.get_default_attributes();
    worker
        .counter("workflow_task_queue_poll_succeed".into())
        .add(1, attributes);
    worker.counter("workflow_completed".into()).add(1, attributes);
    worker
        .histogram_duration("workflow_endtoend_latency".into())
        .record(std::time::Duration::ZERO, attributes);
    client.counter("request".into()).add(1, client.get_default_attributes());
    let page = scrape(&serving).await;
    let names: Vec<&str> = page
        .families
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("temporal_"))
        .collect();
    assert_eq!(
        names,
        ["temporal_num_pollers", "temporal_workflow_task_queue_poll_succeed"]
    );
}

#[tokio::test]
async fn a_client_has_the_prefix_and_the_service() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let client = registry.client_meter(Selection::All);
    client.counter("request".into()).add(1, client.get_default_attributes());
    let worker = worker_meter(&registry, Selection::All);
    worker.counter("request".into()).add(1, worker.get_default_attributes());
    let page = scrape(&serving).await;
    let service = [("service_name", "temporal-core-sdk")];
    assert_eq!(
        page.value("temporal_request_total", &service),
        Some(2.0),
        "one series for both"
    );
}

/// The SDK counts some of its metrics for its heartbeats as well, and reads the labels for it.
#[test]
fn heartbeats_find_their_labels() {
    let registry = Registry::new();
    for selection in [Selection::All, Selection::Headroom] {
        let meter = registry.meter(selection);
        let seen = Arc::new(AtomicU64::new(0));
        let heartbeat = HeartbeatMetricType::WithLabel {
            label_key: "poller_type".to_owned(),
            metrics: HashMap::from([("activity_task".to_owned(), seen.clone())]),
        };
        let parameters = MetricParameters::from("num_pollers");
        let mut gauge = meter.gauge_with_in_memory(parameters, heartbeat);
        let base = meter.new_attributes(NewAttributes::default());
        let poller = MetricKeyValue::new("poller_type", "activity_task");
        gauge.update_attributes(meter.extend_attributes(base, [poller].into()));
        gauge.records(9);
        assert_eq!(seen.load(Ordering::Relaxed), 9);
    }
}
