//! The names of the server's figures, as they stand in a results file.

/// Requests that the server took for the namespace.
pub const REQUESTS: &str = "requests";
/// State transitions.
pub const STATE_TRANSITIONS: &str = "state-transitions";
/// State transitions for each workflow that ended.
pub const TRANSITIONS_PER_WORKFLOW: &str = "state-transitions-per-workflow";
/// Workflows that ended, as the server counts them.
pub const WORKFLOW_ENDS: &str = "workflow-ends";
/// Median of `StartWorkflowExecution` in the frontend.
pub const FRONTEND_START_P50: &str = "frontend-start-p50";
/// The same, 95th percentile.
pub const FRONTEND_START_P95: &str = "frontend-start-p95";
/// The same, 99th percentile.
pub const FRONTEND_START_P99: &str = "frontend-start-p99";
/// Workflow tasks: from when they were scheduled until a worker had them, 95th percentile.
pub const WORKFLOW_WAIT_P95: &str = "workflow-task-schedule-to-start-p95";
/// The same, 99th percentile.
pub const WORKFLOW_WAIT_P99: &str = "workflow-task-schedule-to-start-p99";
/// Activities: likewise, 95th percentile.
pub const ACTIVITY_WAIT_P95: &str = "activity-schedule-to-start-p95";
/// The same, 99th percentile.
pub const ACTIVITY_WAIT_P99: &str = "activity-schedule-to-start-p99";
/// Share of the tasks handed to a poll that were handed on without being stored, by `task_type`.
pub const SYNC_MATCH: &str = "sync-match";
/// Share of the polls that came back with a task, by `task_type`.
pub const POLL_SUCCESS: &str = "poll-success";
/// Fewest open polls at a frontend, by `operation`.
pub const OPEN_POLLS: &str = "open-polls";
/// Most tasks that waited at one time.
pub const TASK_BACKLOG_PEAK: &str = "task-backlog-peak";
/// Growth of the tasks that wait.
pub const TASK_BACKLOG_SLOPE: &str = "task-backlog-slope";
/// Calls of the database, 95th percentile, by `operation`: the busiest.
pub const PERSISTENCE_P95: &str = "persistence-p95";
/// The one that a start waits for, 95th percentile.
pub const START_WRITE_P95: &str = "persistence-start-p95";
/// Calls of the database for each workflow that ended.
pub const PERSISTENCE_PER_WORKFLOW: &str = "persistence-requests-per-workflow";
/// Errors of the database, by `operation` and `error_type`: the most frequent.
pub const PERSISTENCE_ERRORS: &str = "persistence-errors";
/// Wait for the lock of a shard, 95th percentile.
pub const SHARD_LOCK_P95: &str = "shard-lock-p95";
/// Wait for a place at a shard's database calls, 95th percentile.
pub const SHARD_SEMAPHORE_P95: &str = "shard-semaphore-p95";
/// Wait for a workflow in the history cache, 95th percentile.
pub const WORKFLOW_LOCK_P95: &str = "workflow-lock-p95";
/// History tasks from their time until they were done, 95th percentile, by `operation`: the busiest.
pub const HISTORY_TASKS_P95: &str = "history-task-p95";
/// Requests refused for lack of resources, by `service_name`, cause and scope.
pub const EXHAUSTED_REQUESTS: &str = "exhausted-requests";
/// Calls of the database refused by the server's own limits, likewise.
pub const EXHAUSTED_PERSISTENCE: &str = "exhausted-persistence";
/// Share of the SQL connections in use, by `instance` and `db_kind`: the fullest.
pub const SQL_POOL: &str = "sql-pool";
/// Its mean over the replicas, by `db_kind`.
pub const SQL_POOL_MEAN: &str = "sql-pool-mean";
/// Share of the DSQL connections in use, by `instance`: the fullest.
pub const DSQL_POOL: &str = "dsql-pool";
/// Its mean over the replicas.
pub const DSQL_POOL_MEAN: &str = "dsql-pool-mean";
/// Share of the transactions that met a conflict.
pub const DSQL_CONFLICTS: &str = "dsql-conflicts";
/// Fewest free slots of a worker at one time, by `worker_type`.
pub const FREE_SLOTS: &str = "free-slots";
/// Workflows that a worker's cache had no room for, for each workflow task.
pub const EVICTIONS: &str = "sticky-evictions";
/// Activities that came with the answer to the workflow task that asked for them.
pub const EAGER_ACTIVITIES: &str = "eager-activities";
