//! The series of a run and of a generator: names, types, units, labels and what they hold.

use benchmark_metrics::{Described, FamilyKind};

/// Labels of what is of a run and its workload.
const RUN: &[&str] = &["run_id", "workload"];
const BY_PHASE: &[&str] = &["run_id", "workload", "phase"];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Described {
    Described::new(name, "", FamilyKind::Counter, labels, help)
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Described {
    Described::new(name, "", FamilyKind::Gauge, labels, help)
}

const fn latency(name: &'static str, help: &'static str) -> Described {
    Described::new(name, "seconds", FamilyKind::Histogram, BY_PHASE, help)
}

macro_rules! table {
    ($table:ident, $doc:literal: $($name:ident = $described:expr;)*) => {
        $(pub(super) static $name: Described = $described;)*

        #[doc = $doc]
        pub static $table: &[&Described] = &[$(&$name),*];
    };
}

table! { RUN_SERIES, "The series of a run, which only its leader shows.":
    ARRIVALS = counter("benchmark_arrivals", BY_PHASE, "Arrivals of the schedule, each dispatched or dropped; phase: when it was due");
    DISPATCHED = counter("benchmark_starts_dispatched", BY_PHASE, "Starts handed to a connection");
    DROPPED = counter("benchmark_starts_dropped", &["run_id", "workload", "phase", "reason"],
        "Arrivals given up: too late (lag) or for the cap on unanswered starts (cap)");
    REJECTED = counter("benchmark_starts_rejected", &["run_id", "workload", "phase", "code"],
        "Starts that the server refused, by gRPC code; UNANSWERED: the answer was lost, and the server does not know the workflow");
    STARTED = counter("benchmark_workflows_started", BY_PHASE, "Starts that the server accepted");
    COMPLETED = counter("benchmark_workflows_completed", BY_PHASE, "Workflows that completed");
    ENDED = counter("benchmark_workflows", &["run_id", "workload", "phase", "result", "outcome"],
        "Workflows that ended, by result (success, failure) and outcome (completed, failed, timed_out, terminated, cancelled)");
    UNKNOWN = gauge("benchmark_starts_unknown", RUN, "Starts whose answer was lost and that are not looked up yet");
    IN_FLIGHT = gauge("benchmark_starts_in_flight", RUN, "Starts that are not answered yet");
    BACKLOG = gauge("benchmark_backlog", RUN, "Workflows accepted and not ended");
    ASKED = gauge("benchmark_asked_starts_per_second", RUN, "Starts a second that the schedule asks for now");
    THROUGHPUT = gauge("benchmark_throughput_per_second", RUN, "Workflows that completed in the last whole second");
    LAG = latency("benchmark_start_lag", "From the instant at which a start was due until it was handed to a connection");
    START = latency("benchmark_start_latency", "From the instant at which a start was due to its answer, accepted starts");
    START_SERVICE = latency("benchmark_start_service_latency",
        "From the instant at which a start was handed to a connection to its answer, accepted starts");
    END_TO_END = latency("benchmark_workflow_latency",
        "From the instant at which a start was due to the end of its workflow, workflows that completed");
    END_TO_END_SERVICE = latency("benchmark_workflow_service_latency",
        "From the instant at which a start was handed to a connection to the end of its workflow, workflows that completed");
    PHASE = gauge("benchmark_phase", &["run_id", "phase"], "1 for the phase that the run is in, 0 for the others");
    PHASE_START = Described::new("benchmark_phase_start_timestamp", "seconds", FamilyKind::Gauge, &["run_id", "phase"],
        "When the phase began, Unix time; absent before");
    RUN_INFO = gauge("benchmark_run_info",
        &["run_id", "workload", "version", "git_revision", "plan", "server_version", "namespace", "task_queue"],
        "1; what is run against what, in its labels");
    VERDICT = gauge("benchmark_run_verdict", &["run_id", "workload", "verdict"],
        "1 for the run's verdict, 0 for the others; absent until the run is over");
    EVENTS = counter("benchmark_events", &["run_id", "kind"], "Events of the run's timeline");
    MEMBERS = gauge("benchmark_fleet_members", &["run_id", "role", "presence"],
        "Processes of the run, by role (leader, generator, worker) and presence (present, silent, lost, left)");
}

const GENERATOR: &[&str] = &["run_id"];

table! { GENERATOR_SERIES, "The series of a generator, which each shows of itself.":
    CAPACITY = Described::new("benchmark_generator_cpu_capacity", "cores", FamilyKind::Gauge, GENERATOR,
        "CPU that this process may use: its cores or its quota");
    BUSIEST = gauge("benchmark_generator_busiest_thread_ratio", GENERATOR,
        "Share of one core that the thread used which used most, last second");
    WAIT = gauge("benchmark_generator_cpu_wait_ratio", GENERATOR,
        "Share of the last second in which a thread that keeps the schedule was ready to run and did not: the worst of them");
    THROTTLED = gauge("benchmark_generator_cpu_throttled_ratio", GENERATOR,
        "Share of the control group's periods in the last second that were throttled");
    STEAL = gauge("benchmark_generator_cpu_steal_ratio", GENERATOR,
        "Share of the machine's CPU time in the last second that the hypervisor took");
    LAG_MAX = Described::new("benchmark_generator_lag_max", "seconds", FamilyKind::Gauge, GENERATOR,
        "Longest lag of this process's starts in the last second");
    OWN_IN_FLIGHT = gauge("benchmark_generator_starts_in_flight", GENERATOR,
        "Starts of this process that were not answered at the end of the last second");
    CONNECTIONS = gauge("benchmark_generator_connections", GENERATOR, "Connections that this process sends starts on");
}
