//! The SDK's series have the names that its own exporter gives them.
//!
//! The names on the left are those in the SDK's sources, by its constants where these are public; the names on the right
//! are what its exporter shows of them with seconds, units and `_total`. The feature `sdk-exporter` compares with the
//! exporter itself.

use std::time::Duration;

use benchmark_metrics::{Registry, Selection};
use temporalio_common::telemetry::metrics::{
    ACTIVITY_EXEC_LATENCY_HISTOGRAM_NAME, ACTIVITY_SCHED_TO_START_LATENCY_HISTOGRAM_NAME, CoreMeter, MetricParameters,
    WORKFLOW_E2E_LATENCY_HISTOGRAM_NAME, WORKFLOW_TASK_EXECUTION_LATENCY_HISTOGRAM_NAME,
    WORKFLOW_TASK_REPLAY_LATENCY_HISTOGRAM_NAME, WORKFLOW_TASK_SCHED_TO_START_LATENCY_HISTOGRAM_NAME,
};

use crate::client::{scrape, served};

/// The counters of workers and clients.
pub const COUNTERS: [(&str, &str); 25] = [
    ("workflow_completed", "temporal_workflow_completed_total"),
    ("workflow_canceled", "temporal_workflow_canceled_total"),
    ("workflow_failed", "temporal_workflow_failed_total"),
    ("workflow_continue_as_new", "temporal_workflow_continue_as_new_total"),
    (
        "workflow_task_queue_poll_empty",
        "temporal_workflow_task_queue_poll_empty_total",
    ),
    (
        "workflow_task_queue_poll_succeed",
        "temporal_workflow_task_queue_poll_succeed_total",
    ),
    (
        "workflow_task_execution_failed",
        "temporal_workflow_task_execution_failed_total",
    ),
    ("activity_poll_no_task", "temporal_activity_poll_no_task_total"),
    ("activity_task_received", "temporal_activity_task_received_total"),
    ("activity_execution_failed", "temporal_activity_execution_failed_total"),
    (
        "local_activity_execution_cancelled",
        "temporal_local_activity_execution_cancelled_total",
    ),
    (
        "local_activity_execution_failed",
        "temporal_local_activity_execution_failed_total",
    ),
    // The SDK's exporter says `total` twice.
    ("local_activity_total", "temporal_local_activity_total"),
    ("nexus_poll_no_task", "temporal_nexus_poll_no_task_total"),
    (
        "nexus_task_execution_failed",
        "temporal_nexus_task_execution_failed_total",
    ),
    ("worker_start", "temporal_worker_start_total"),
    ("sticky_cache_hit", "temporal_sticky_cache_hit_total"),
    ("sticky_cache_miss", "temporal_sticky_cache_miss_total"),
    (
        "sticky_cache_total_forced_eviction",
        "temporal_sticky_cache_total_forced_eviction_total",
    ),
    ("request", "temporal_request_total"),
    ("request_failure", "temporal_request_failure_total"),
    ("long_request", "temporal_long_request_total"),
    ("long_request_failure", "temporal_long_request_failure_total"),
    // Of no SDK, for what their names have.
    ("with-dash", "temporal_with_dash_total"),
    ("with_total", "temporal_with_total"),
];

/// Their latencies.
pub const LATENCIES: [(&str, &str); 15] = [
    (
        WORKFLOW_E2E_LATENCY_HISTOGRAM_NAME,
        "temporal_workflow_endtoend_latency_seconds",
    ),
    (
        WORKFLOW_TASK_SCHED_TO_START_LATENCY_HISTOGRAM_NAME,
        "temporal_workflow_task_schedule_to_start_latency_seconds",
    ),
    (
        WORKFLOW_TASK_REPLAY_LATENCY_HISTOGRAM_NAME,
        "temporal_workflow_task_replay_latency_seconds",
    ),
    (
        WORKFLOW_TASK_EXECUTION_LATENCY_HISTOGRAM_NAME,
        "temporal_workflow_task_execution_latency_seconds",
    ),
    (
        ACTIVITY_SCHED_TO_START_LATENCY_HISTOGRAM_NAME,
        "temporal_activity_schedule_to_start_latency_seconds",
    ),
    (
        ACTIVITY_EXEC_LATENCY_HISTOGRAM_NAME,
        "temporal_activity_execution_latency_seconds",
    ),
    (
        "activity_succeed_endtoend_latency",
        "temporal_activity_succeed_endtoend_latency_seconds",
    ),
    (
        "local_activity_execution_latency",
        "temporal_local_activity_execution_latency_seconds",
    ),
    (
        "local_activity_succeed_endtoend_latency",
        "temporal_local_activity_succeed_endtoend_latency_seconds",
    ),
    (
        "nexus_task_schedule_to_start_latency",
        "temporal_nexus_task_schedule_to_start_latency_seconds",
    ),
    (
        "nexus_task_endtoend_latency",
        "temporal_nexus_task_endtoend_latency_seconds",
    ),
    (
        "nexus_task_execution_latency",
        "temporal_nexus_task_execution_latency_seconds",
    ),
    ("request_latency", "temporal_request_latency_seconds"),
    ("long_request_latency", "temporal_long_request_latency_seconds"),
    ("with-dash_latency", "temporal_with_dash_latency_seconds"),
];

/// Their gauges.
pub const GAUGES: [(&str, &str); 4] = [
    ("num_pollers", "temporal_num_pollers"),
    ("worker_task_slots_available", "temporal_worker_task_slots_available"),
    ("worker_task_slots_used", "temporal_worker_task_slots_used"),
    ("sticky_cache_size", "temporal_sticky_cache_size"),
];

/// Records once with each instrument of the SDK, with the parameters that the SDK gives.
pub fn record(meter: &dyn CoreMeter) {
    let attributes = meter.new_attributes(
        [
            ("service_name", "temporal-core-sdk"),
            ("namespace", "default"),
            ("task-queue", "q"),
        ]
        .map(|(name, value)| temporalio_common::telemetry::metrics::MetricKeyValue::new(name, value))
        .into(),
    );
    let parameters = |name: &str, unit: &'static str| MetricParameters {
        name: format!("temporal_{name}").into(),
        description: "".into(),
        unit: unit.into(),
    };
    for (name, _) in COUNTERS {
        meter.counter(parameters(name, "")).add(3, &attributes);
    }
    for (name, _) in LATENCIES {
        meter
            .histogram_duration(parameters(name, "duration"))
            .record(Duration::from_millis(1500), &attributes);
    }
    for (name, _) in GAUGES {
        meter.gauge(parameters(name, "")).record(5, &attributes);
    }
}

#[tokio::test]
async fn every_metric_of_the_sdk_has_its_name() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    // Its gauges are on the page as long as it lives.
    let meter = registry.meter(Selection::All);
    record(meter.as_ref());
    let page = scrape(&serving).await;
    for (name, shown) in COUNTERS {
        assert_eq!(page.value(shown, &[("task_queue", "q")]), Some(3.0), "{name}");
    }
    for (name, shown) in LATENCIES {
        assert_eq!(
            page.value(&format!("{shown}_sum"), &[("task_queue", "q")]),
            Some(1.5),
            "{name}"
        );
        assert_eq!(
            page.value(&format!("{shown}_bucket"), &[("le", "2.0")]),
            Some(1.0),
            "{name}"
        );
        assert_eq!(
            page.value(&format!("{shown}_bucket"), &[("le", "1.0")]),
            Some(0.0),
            "{name}"
        );
    }
    for (name, shown) in GAUGES {
        assert_eq!(page.value(shown, &[("task_queue", "q")]), Some(5.0), "{name}");
    }
    let ours = page
        .families
        .keys()
        .filter(|name| name.starts_with("temporal_"))
        .count();
    assert_eq!(
        ours,
        COUNTERS.len() + LATENCIES.len() + GAUGES.len(),
        "and nothing else"
    );
}

#[test]
fn every_metric_of_the_sdk_is_documented() {
    let docs = include_str!("../../../docs/metrics.md");
    let shown = COUNTERS
        .iter()
        .chain(&LATENCIES)
        .chain(&GAUGES)
        .map(|(_, shown)| *shown);
    // Of no SDK.
    for name in shown.filter(|name| !name.starts_with("temporal_with_")) {
        assert!(docs.contains(&format!("`{name}`")), "{name}");
    }
}
