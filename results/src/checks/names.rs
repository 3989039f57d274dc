//! The names of the checks, as they stand in a results file.

/// Starts that were answered in the measured phase.
pub const MEASURED_STARTS: &str = "measured-starts";
/// Workflows that ended.
pub const MEASURED_ENDS: &str = "measured-ends";
/// Samples for the quantiles that are shown.
pub const QUANTILE_SAMPLES: &str = "quantile-samples";
/// Whether the run went to its end.
pub const RUN_LENGTH: &str = "run-length";
/// p99.9 of lag.
pub const START_LAG: &str = "start-lag";
/// Arrivals against rate × length.
pub const OFFERED_LOAD: &str = "offered-load";
/// Dispatched ÷ arrivals of the measured phase.
pub const START_ATTAINMENT: &str = "start-attainment";
/// Dispatched ÷ due by second.
pub const WINDOW_ATTAINMENT: &str = "window-attainment";
/// Arrivals given up, by whose doing.
pub const DROPS: &str = "drops";
/// Starts that the server refused.
pub const REJECTED_STARTS: &str = "rejected-starts";
/// Seconds with the cap on unanswered starts reached.
pub const IN_FLIGHT_CAP: &str = "in-flight-cap";
/// Unanswered starts on one connection.
pub const CONNECTION_STREAMS: &str = "connection-streams";
/// CPU share of the generator's process.
pub const GENERATOR_CPU: &str = "generator-cpu";
/// CPU use of the busiest thread.
pub const BUSIEST_THREAD: &str = "busiest-thread";
/// Time in which the threads that keep the schedule waited for a CPU.
pub const CPU_WAIT: &str = "cpu-wait";
/// Throttled periods of the control group.
pub const CPU_THROTTLING: &str = "cpu-throttling";
/// CPU time taken by the hypervisor.
pub const CPU_STEAL: &str = "cpu-steal";
/// CPU time that other programs of the machine had.
pub const OTHER_CPU: &str = "other-cpu";
/// Rate against the host's calibrated ceiling.
pub const CALIBRATED_CEILING: &str = "calibrated-ceiling";
/// Members that were lost, left or came.
pub const FLEET_MEMBERS: &str = "fleet-members";
/// Windows that members gave up.
pub const FLEET_WINDOWS: &str = "fleet-windows";
/// CPU share of the worker processes.
pub const WORKER_CPU: &str = "worker-cpu";
/// Free slots of the workers.
pub const WORKER_SLOTS: &str = "worker-slots";
/// The members' clocks against the reported latency.
pub const CLOCK_OFFSET: &str = "clock-offset";
/// The server's clock against what rests on its times.
pub const SERVER_CLOCK: &str = "server-clock";
/// Growth of the backlog over the measured phase.
pub const BACKLOG_SLOPE: &str = "backlog-slope";
/// First half against second half.
pub const HALVES: &str = "halves";
/// Mean backlog against rate × mean time.
pub const LITTLES_LAW: &str = "littles-law";
/// Workflows open after the drain.
pub const OPEN_AFTER_DRAIN: &str = "open-after-drain";
/// The identities of the ledger.
pub const LEDGER: &str = "ledger";
/// Starts whose fate is not known.
pub const UNKNOWN_STARTS: &str = "unknown-starts";
/// The ledger against the server's counts.
pub const SERVER_COUNTS: &str = "server-counts";
/// Stamps against long polls.
pub const OBSERVERS: &str = "observers";
/// Ends whose instants cannot be.
pub const PLAUSIBLE_STAMPS: &str = "plausible-stamps";
/// Ends that no worker stamped.
pub const MISSING_STAMPS: &str = "missing-stamps";
/// Workflows that were stamped more than once.
pub const REPEATED_STAMPS: &str = "repeated-stamps";
/// Ends of the sample that were not learnt.
pub const SAMPLE_ENDS: &str = "sample-ends";
/// Termination of what was left open.
pub const CLEAN_UP: &str = "clean-up";

/// Checks that say, when they fail, that there is nothing to judge.
pub(super) const NOTHING: [&str; 2] = [MEASURED_STARTS, MEASURED_ENDS];

/// Checks that say, when they fail, that the generator or its machine was the limit.
pub(crate) const GENERATOR: [&str; 10] = [
    START_LAG,
    OFFERED_LOAD,
    START_ATTAINMENT,
    WINDOW_ATTAINMENT,
    DROPS,
    GENERATOR_CPU,
    BUSIEST_THREAD,
    CPU_WAIT,
    CPU_THROTTLING,
    CPU_STEAL,
];

/// Checks that say, when they fail, that the workers were the limit.
pub(super) const FLEET: [&str; 2] = [WORKER_CPU, WORKER_SLOTS];
