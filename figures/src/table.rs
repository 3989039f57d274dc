//! The table: every figure that is read.
//!
//! Names are those that the server writes with tally, its default, and with OpenTelemetry when it is told to leave units and
//! `_total` away: timers in seconds, counters without `_total`. Those of the workers' SDK begin with `temporal_`.

use benchmark_results::{
    diagnosis::names::*,
    schema::FigureUnit::{Count, Milliseconds, PerSecond, PerWorkflow, Ratio},
};

use crate::figure::{
    Absence, Figure,
    FigureKind::{self, Fill, Lowest, Quantile, Rate, Share, Sum},
    Keep, Level, Matcher, Scope, Series,
    Test::{self, Begins, BeginsNot, Frames, Is},
};

const fn of(scope: Scope, names: &'static [&'static str]) -> Series {
    Series {
        names,
        matchers: &[],
        scope,
        absent: Absence::Unknown,
    }
}

const fn of_namespace(names: &'static [&'static str]) -> Series {
    of(Scope::Namespace, names)
}

const fn of_server(names: &'static [&'static str]) -> Series {
    of(Scope::Server, names)
}

impl Series {
    const fn with(self, matchers: &'static [Matcher]) -> Series {
        Series { matchers, ..self }
    }

    /// Where there is none, nothing was counted.
    const fn or_none(self) -> Series {
        Series {
            absent: Absence::Never,
            ..self
        }
    }
}

const fn label(label: &'static str, test: Test) -> Matcher {
    Matcher { label, test }
}

const fn share(of: &'static [Series], among: &'static [Series]) -> FigureKind {
    Share { of, among }
}

/// How full each replica's pool is, or the mean of them.
const fn fill(of: Series, among: Series, mean: bool) -> FigureKind {
    Fill { of, among, mean }
}

const fn plain(name: &'static str, unit: benchmark_results::schema::FigureUnit, kind: FigureKind) -> Figure {
    Figure {
        name,
        unit,
        kind,
        by: &[],
        keep: Keep::All,
    }
}

impl Figure {
    const fn by(self, by: &'static [&'static str]) -> Figure {
        Figure { by, ..self }
    }

    const fn keep(self, keep: Keep) -> Figure {
        Figure { keep, ..self }
    }
}

const REQUESTS_SERIES: Series = of_namespace(&["service_requests"]);
/// `_count`: one for each transaction. `_sum` adds up what each workflow had until then, and grows with its length.
const TRANSITIONS: Series = of_namespace(&["state_transition_count_count"]);
const ENDS: &[Series] = &[
    of_namespace(&["workflow_success"]).or_none(),
    of_namespace(&["workflow_failed"]).or_none(),
    of_namespace(&["workflow_timeout"]).or_none(),
    of_namespace(&["workflow_terminate"]).or_none(),
    of_namespace(&["workflow_cancel"]).or_none(),
];
const START: Series = of_namespace(&["service_latency"]).with(&[
    label("service_name", Is("frontend")),
    label("operation", Is("StartWorkflowExecution")),
]);
const WORKFLOW_WAIT: Series = of_namespace(&["temporal_workflow_task_schedule_to_start_latency_seconds"]);
const WORKFLOW_TASKS: Series = of_namespace(&["temporal_workflow_task_schedule_to_start_latency_seconds_count"]);
const ACTIVITY_WAIT: Series = of_namespace(&["temporal_activity_schedule_to_start_latency_seconds"]);
const POLLS: Series = of_namespace(&["poll_success"]);
/// The polls that got a task contain those that got it without its being stored.
const SYNC_POLLS: Series = of_namespace(&["poll_success_sync"]).or_none();
const EMPTY_POLLS: Series = of_namespace(&["poll_timeouts"]).or_none();
const WAITING_POLLS: Series =
    of_namespace(&["service_pending_requests"]).with(&[label("operation", Frames("Poll", "TaskQueue"))]);
/// Matching records it when it stores how far a task queue was read: each `matching.updateAckInterval`, a minute by default.
/// From server 1.31 on it is `matching.backlogMetricsEmitInterval`, a minute, too. So a run that is shorter has no such series
/// although tasks wait. It also takes `metrics.breakdownByTaskQueue` and `metrics.breakdownByPartition`, both on by default.
pub(crate) const BACKLOG: &str = "approximate_backlog_count";
const TASK_BACKLOG: Series = of_namespace(&[BACKLOG]);
const PERSISTENCE: Series = of_namespace(&["persistence_latency"]);
const START_WRITES: Series = PERSISTENCE.with(&[label("operation", Is("CreateWorkflowExecution"))]);
const PERSISTENCE_REQUESTS: Series = of_namespace(&["persistence_requests"]);
const PERSISTENCE_FAILURES: Series = of_server(&["persistence_error_with_type"]).or_none();
const SHARD_LOCK: Series = of_server(&["lock_latency"]).with(&[label("operation", Is("ShardInfo"))]);
const SHARD_SEMAPHORE: Series = of_server(&["semaphore_latency"]).with(&[label("operation", Is("ShardInfo"))]);
const WORKFLOW_LOCK: Series = of_server(&["cache_latency"]).with(&[label("operation", Is("HistoryCacheGetOrCreate"))]);
const HISTORY_TASKS: Series = of_namespace(&["task_latency_queue"]).with(&[label(
    "operation",
    Begins(&["TransferActive", "TimerActive", "VisibilityTask"]),
)]);
const EXHAUSTED: Series = of_namespace(&["service_errors_resource_exhausted"]).or_none();
const STORE_EXHAUSTED: Series = of_server(&["persistence_errors_resource_exhausted"]).or_none();
/// A server records its pools once a minute, the first time a minute after it connected: 1.31 has no setting for that.
const SQL_USED: Series = of_server(&["persistence_sql_in_use"]);
const SQL_MOST: Series = of_server(&["persistence_sql_max_open_conn"]);
const DSQL_USED: Series = of_server(&["dsql_pool_in_use"]);
const DSQL_MOST: Series = of_server(&["dsql_pool_max_open"]);
const CONFLICTS: Series = of_server(&["dsql_tx_conflict", "dsql_tx_conflict_total"]);
/// Calls that change nothing are no transactions that could meet a conflict.
const WRITES: Series = of_server(&["persistence_requests"]).with(&[label(
    "operation",
    BeginsNot(&["Get", "List", "Read", "Count", "Range", "Assert", "Describe"]),
)]);
/// A server has workers of its own in each namespace, for schedules and batches, whose SDK has the same name for their slots.
const SLOTS_LEFT: Series = of_namespace(&["temporal_worker_task_slots_available"])
    .with(&[label("task_queue", BeginsNot(&["temporal_sys", "temporal-sys"]))]);
const FORCED_EVICTIONS: Series = of_namespace(&["temporal_sticky_cache_total_forced_eviction_total"]).or_none();
const EAGER_TASKS: Series =
    of_namespace(&["temporal_activity_task_received_total"]).with(&[label("eager", Is("true"))]);

/// What tells apart why something was refused.
const CAUSES: &[&str] = &["service_name", "resource_exhausted_cause", "resource_exhausted_scope"];

/// How many values of a figure with many labels are kept.
const BUSIEST: Keep = Keep::Busiest(8);
const LARGEST: Keep = Keep::Largest(8);

/// Every figure, in the order of a results file.
pub const FIGURES: &[Figure] = &[
    plain(REQUESTS, PerSecond, Rate(&[REQUESTS_SERIES])),
    plain(STATE_TRANSITIONS, PerSecond, Rate(&[TRANSITIONS])),
    plain(TRANSITIONS_PER_WORKFLOW, PerWorkflow, share(&[TRANSITIONS], ENDS)),
    plain(WORKFLOW_ENDS, PerSecond, Rate(ENDS)),
    plain(FRONTEND_START_P50, Milliseconds, Quantile(0.5, START)),
    plain(FRONTEND_START_P95, Milliseconds, Quantile(0.95, START)),
    plain(FRONTEND_START_P99, Milliseconds, Quantile(0.99, START)),
    plain(WORKFLOW_WAIT_P95, Milliseconds, Quantile(0.95, WORKFLOW_WAIT)),
    plain(WORKFLOW_WAIT_P99, Milliseconds, Quantile(0.99, WORKFLOW_WAIT)),
    plain(ACTIVITY_WAIT_P95, Milliseconds, Quantile(0.95, ACTIVITY_WAIT)),
    plain(ACTIVITY_WAIT_P99, Milliseconds, Quantile(0.99, ACTIVITY_WAIT)),
    plain(SYNC_MATCH, Ratio, share(&[SYNC_POLLS], &[POLLS])).by(&["task_type"]),
    plain(POLL_SUCCESS, Ratio, share(&[POLLS], &[POLLS, EMPTY_POLLS])).by(&["task_type"]),
    plain(OPEN_POLLS, Count, Sum(Level::Least, WAITING_POLLS)).by(&["operation"]),
    plain(TASK_BACKLOG_PEAK, Count, Sum(Level::Peak, TASK_BACKLOG)),
    plain(TASK_BACKLOG_SLOPE, PerSecond, Sum(Level::Slope, TASK_BACKLOG)),
    plain(PERSISTENCE_P95, Milliseconds, Quantile(0.95, PERSISTENCE))
        .by(&["operation"])
        .keep(BUSIEST),
    plain(START_WRITE_P95, Milliseconds, Quantile(0.95, START_WRITES)),
    plain(
        PERSISTENCE_PER_WORKFLOW,
        PerWorkflow,
        share(&[PERSISTENCE_REQUESTS], ENDS),
    ),
    plain(PERSISTENCE_ERRORS, PerSecond, Rate(&[PERSISTENCE_FAILURES]))
        .by(&["operation", "error_type"])
        .keep(LARGEST),
    plain(SHARD_LOCK_P95, Milliseconds, Quantile(0.95, SHARD_LOCK)),
    plain(SHARD_SEMAPHORE_P95, Milliseconds, Quantile(0.95, SHARD_SEMAPHORE)),
    plain(WORKFLOW_LOCK_P95, Milliseconds, Quantile(0.95, WORKFLOW_LOCK)),
    plain(HISTORY_TASKS_P95, Milliseconds, Quantile(0.95, HISTORY_TASKS))
        .by(&["operation"])
        .keep(BUSIEST),
    plain(EXHAUSTED_REQUESTS, PerSecond, Rate(&[EXHAUSTED]))
        .by(CAUSES)
        .keep(LARGEST),
    plain(EXHAUSTED_PERSISTENCE, PerSecond, Rate(&[STORE_EXHAUSTED]))
        .by(CAUSES)
        .keep(LARGEST),
    plain(SQL_POOL, Ratio, fill(SQL_USED, SQL_MOST, false))
        .by(&["instance", "db_kind"])
        .keep(LARGEST),
    plain(SQL_POOL_MEAN, Ratio, fill(SQL_USED, SQL_MOST, true)).by(&["db_kind"]),
    plain(DSQL_POOL, Ratio, fill(DSQL_USED, DSQL_MOST, false))
        .by(&["instance"])
        .keep(LARGEST),
    plain(DSQL_POOL_MEAN, Ratio, fill(DSQL_USED, DSQL_MOST, true)),
    plain(DSQL_CONFLICTS, Ratio, share(&[CONFLICTS], &[WRITES])),
    plain(FREE_SLOTS, Count, Lowest(SLOTS_LEFT)).by(&["worker_type"]),
    plain(EVICTIONS, Ratio, share(&[FORCED_EVICTIONS], &[WORKFLOW_TASKS])),
    plain(EAGER_ACTIVITIES, PerSecond, Rate(&[EAGER_TASKS])),
];

/// The figure of this name.
pub fn figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}
