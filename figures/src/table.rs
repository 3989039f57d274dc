//! The table: every figure that is read.
//!
//! Names are those that the server writes with tally, its default, and with OpenTelemetry when it is told to leave units and
//! `_total` away: timers in seconds, counters without `_total`. Those of the workers' SDK begin with `temporal_`.

use benchmark_results::{
    diagnosis::names::*,
    schema::FigureUnit::{Count, Milliseconds, PerSecond, PerWorkflow, Ratio},
};

use crate::figure::{
    Counted::{self, Never, Unknown},
    Figure, Keep,
    Kind::{self, Fill, Lowest, Quantile, Rate, Share, Sum},
    Level, Matcher, Scope, Series,
    Test::{self, Begins, BeginsNot, Frames, Is},
};

const fn of_namespace(names: &'static [&'static str], matchers: &'static [Matcher], absent: Counted) -> Series {
    Series {
        names,
        matchers,
        scope: Scope::Namespace,
        absent,
    }
}

const fn of_server(names: &'static [&'static str], matchers: &'static [Matcher], absent: Counted) -> Series {
    Series {
        names,
        matchers,
        scope: Scope::Server,
        absent,
    }
}

const fn label(label: &'static str, test: Test) -> Matcher {
    Matcher { label, test }
}

const fn plain(name: &'static str, unit: benchmark_results::schema::FigureUnit, kind: Kind) -> Figure {
    Figure {
        name,
        unit,
        kind,
        by: &[],
        keep: Keep::All,
    }
}

const REQUESTS_SERIES: Series = of_namespace(&["service_requests"], &[], Unknown);
/// `_count`: one for each transaction. `_sum` adds up what each workflow had until then, and grows with its length.
const TRANSITIONS: Series = of_namespace(&["state_transition_count_count"], &[], Unknown);
const ENDS: &[Series] = &[
    of_namespace(&["workflow_success"], &[], Never),
    of_namespace(&["workflow_failed"], &[], Never),
    of_namespace(&["workflow_timeout"], &[], Never),
    of_namespace(&["workflow_terminate"], &[], Never),
    of_namespace(&["workflow_cancel"], &[], Never),
];
const START: Series = of_namespace(
    &["service_latency"],
    &[
        label("service_name", Is("frontend")),
        label("operation", Is("StartWorkflowExecution")),
    ],
    Unknown,
);
const WORKFLOW_WAIT: Series = of_namespace(
    &["temporal_workflow_task_schedule_to_start_latency_seconds"],
    &[],
    Unknown,
);
const ACTIVITY_WAIT: Series = of_namespace(&["temporal_activity_schedule_to_start_latency_seconds"], &[], Unknown);
const POLLS: Series = of_namespace(&["poll_success"], &[], Unknown);
/// Matching records it when it stores how far a task queue was read: each `matching.updateAckInterval`, a minute by default.
/// From server 1.31 on it is `matching.backlogMetricsEmitInterval`, a minute, too. So a run that is shorter has no such series
/// although tasks wait. It also takes `metrics.breakdownByTaskQueue` and `metrics.breakdownByPartition`, both on by default.
pub(crate) const BACKLOG: &str = "approximate_backlog_count";
const TASK_BACKLOG: Series = of_namespace(&[BACKLOG], &[], Unknown);
const PERSISTENCE: Series = of_namespace(&["persistence_latency"], &[], Unknown);
const PERSISTENCE_REQUESTS: Series = of_namespace(&["persistence_requests"], &[], Unknown);
/// A server records its pools once a minute, the first time a minute after it connected: 1.31 has no setting for that.
const SQL_USED: Series = of_server(&["persistence_sql_in_use"], &[], Unknown);
const SQL_MOST: Series = of_server(&["persistence_sql_max_open_conn"], &[], Unknown);
const DSQL_USED: Series = of_server(&["dsql_pool_in_use"], &[], Unknown);
const DSQL_MOST: Series = of_server(&["dsql_pool_max_open"], &[], Unknown);
/// Calls that change nothing are no transactions that could meet a conflict.
const READS: &[&str] = &["Get", "List", "Read", "Count", "Range", "Assert", "Describe"];

/// A server has workers of its own in each namespace, for schedules and batches, whose SDK has the same name for their slots.
const NOT_THE_SERVERS_OWN: Matcher = label("task_queue", BeginsNot(&["temporal_sys", "temporal-sys"]));

/// How many values of a figure with many labels are kept.
const SOME: usize = 8;

/// Every figure, in the order of a results file.
pub const FIGURES: &[Figure] = &[
    plain(REQUESTS, PerSecond, Rate(&[REQUESTS_SERIES])),
    plain(STATE_TRANSITIONS, PerSecond, Rate(&[TRANSITIONS])),
    plain(
        TRANSITIONS_PER_WORKFLOW,
        PerWorkflow,
        Share {
            of: &[TRANSITIONS],
            among: ENDS,
        },
    ),
    plain(WORKFLOW_ENDS, PerSecond, Rate(ENDS)),
    plain(FRONTEND_START_P50, Milliseconds, Quantile(0.5, START)),
    plain(FRONTEND_START_P95, Milliseconds, Quantile(0.95, START)),
    plain(FRONTEND_START_P99, Milliseconds, Quantile(0.99, START)),
    plain(WORKFLOW_WAIT_P95, Milliseconds, Quantile(0.95, WORKFLOW_WAIT)),
    plain(WORKFLOW_WAIT_P99, Milliseconds, Quantile(0.99, WORKFLOW_WAIT)),
    plain(ACTIVITY_WAIT_P95, Milliseconds, Quantile(0.95, ACTIVITY_WAIT)),
    plain(ACTIVITY_WAIT_P99, Milliseconds, Quantile(0.99, ACTIVITY_WAIT)),
    Figure {
        by: &["task_type"],
        ..plain(
            SYNC_MATCH,
            Ratio,
            // The polls that got a task contain those that got it without its being stored.
            Share {
                of: &[of_namespace(&["poll_success_sync"], &[], Never)],
                among: &[POLLS],
            },
        )
    },
    Figure {
        by: &["task_type"],
        ..plain(
            POLL_SUCCESS,
            Ratio,
            Share {
                of: &[POLLS],
                among: &[POLLS, of_namespace(&["poll_timeouts"], &[], Never)],
            },
        )
    },
    Figure {
        by: &["operation"],
        ..plain(
            OPEN_POLLS,
            Count,
            Sum(
                Level::Least,
                of_namespace(
                    &["service_pending_requests"],
                    &[label("operation", Frames("Poll", "TaskQueue"))],
                    Unknown,
                ),
            ),
        )
    },
    plain(TASK_BACKLOG_PEAK, Count, Sum(Level::Peak, TASK_BACKLOG)),
    plain(TASK_BACKLOG_SLOPE, PerSecond, Sum(Level::Slope, TASK_BACKLOG)),
    Figure {
        by: &["operation"],
        keep: Keep::Busiest(SOME),
        ..plain(PERSISTENCE_P95, Milliseconds, Quantile(0.95, PERSISTENCE))
    },
    plain(
        START_WRITE_P95,
        Milliseconds,
        Quantile(
            0.95,
            of_namespace(
                &["persistence_latency"],
                &[label("operation", Is("CreateWorkflowExecution"))],
                Unknown,
            ),
        ),
    ),
    plain(
        PERSISTENCE_PER_WORKFLOW,
        PerWorkflow,
        Share {
            of: &[PERSISTENCE_REQUESTS],
            among: ENDS,
        },
    ),
    Figure {
        by: &["operation", "error_type"],
        keep: Keep::Largest(SOME),
        ..plain(
            PERSISTENCE_ERRORS,
            PerSecond,
            Rate(&[of_server(&["persistence_error_with_type"], &[], Never)]),
        )
    },
    plain(
        SHARD_LOCK_P95,
        Milliseconds,
        Quantile(
            0.95,
            of_server(&["lock_latency"], &[label("operation", Is("ShardInfo"))], Unknown),
        ),
    ),
    plain(
        SHARD_SEMAPHORE_P95,
        Milliseconds,
        Quantile(
            0.95,
            of_server(&["semaphore_latency"], &[label("operation", Is("ShardInfo"))], Unknown),
        ),
    ),
    plain(
        WORKFLOW_LOCK_P95,
        Milliseconds,
        Quantile(
            0.95,
            of_server(
                &["cache_latency"],
                &[label("operation", Is("HistoryCacheGetOrCreate"))],
                Unknown,
            ),
        ),
    ),
    Figure {
        by: &["operation"],
        keep: Keep::Busiest(SOME),
        ..plain(
            HISTORY_TASKS_P95,
            Milliseconds,
            Quantile(
                0.95,
                of_namespace(
                    &["task_latency_queue"],
                    &[label(
                        "operation",
                        Begins(&["TransferActive", "TimerActive", "VisibilityTask"]),
                    )],
                    Unknown,
                ),
            ),
        )
    },
    Figure {
        by: &["service_name", "resource_exhausted_cause", "resource_exhausted_scope"],
        keep: Keep::Largest(SOME),
        ..plain(
            EXHAUSTED_REQUESTS,
            PerSecond,
            Rate(&[of_namespace(&["service_errors_resource_exhausted"], &[], Never)]),
        )
    },
    Figure {
        by: &["service_name", "resource_exhausted_cause", "resource_exhausted_scope"],
        keep: Keep::Largest(SOME),
        ..plain(
            EXHAUSTED_PERSISTENCE,
            PerSecond,
            Rate(&[of_server(&["persistence_errors_resource_exhausted"], &[], Never)]),
        )
    },
    Figure {
        by: &["instance", "db_kind"],
        keep: Keep::Largest(SOME),
        ..plain(
            SQL_POOL,
            Ratio,
            Fill {
                of: SQL_USED,
                among: SQL_MOST,
                mean: false,
            },
        )
    },
    Figure {
        by: &["db_kind"],
        ..plain(
            SQL_POOL_MEAN,
            Ratio,
            Fill {
                of: SQL_USED,
                among: SQL_MOST,
                mean: true,
            },
        )
    },
    Figure {
        by: &["instance"],
        keep: Keep::Largest(SOME),
        ..plain(
            DSQL_POOL,
            Ratio,
            Fill {
                of: DSQL_USED,
                among: DSQL_MOST,
                mean: false,
            },
        )
    },
    plain(
        DSQL_POOL_MEAN,
        Ratio,
        Fill {
            of: DSQL_USED,
            among: DSQL_MOST,
            mean: true,
        },
    ),
    plain(
        DSQL_CONFLICTS,
        Ratio,
        Share {
            of: &[of_server(&["dsql_tx_conflict", "dsql_tx_conflict_total"], &[], Unknown)],
            among: &[of_server(
                &["persistence_requests"],
                &[label("operation", BeginsNot(READS))],
                Unknown,
            )],
        },
    ),
    Figure {
        by: &["worker_type"],
        ..plain(
            FREE_SLOTS,
            Count,
            Lowest(of_namespace(
                &["temporal_worker_task_slots_available"],
                &[NOT_THE_SERVERS_OWN],
                Unknown,
            )),
        )
    },
    plain(
        EVICTIONS,
        Ratio,
        Share {
            of: &[of_namespace(
                &["temporal_sticky_cache_total_forced_eviction_total"],
                &[],
                Never,
            )],
            among: &[of_namespace(
                &["temporal_workflow_task_schedule_to_start_latency_seconds_count"],
                &[],
                Unknown,
            )],
        },
    ),
    plain(
        EAGER_ACTIVITIES,
        PerSecond,
        Rate(&[of_namespace(
            &["temporal_activity_task_received_total"],
            &[label("eager", Is("true"))],
            Unknown,
        )]),
    ),
];

/// The figure of this name.
pub fn figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}
