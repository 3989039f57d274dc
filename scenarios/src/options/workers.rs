//! Options of the workers: who executes, and how workers are tuned, in whatever process they run.

use std::time::Duration;

use super::{Alias, Entry, Use, options, says, value};
use crate::{Pollers, SlotKind, WorkerProfile, form::Form};

/// Most SDK workers in one process. Each has a connection and two threads of its own.
pub(crate) const MAX_WORKERS: u32 = 100;
const MAX_SLOTS: u32 = 100_000;
/// Some 40 KiB each.
const MAX_CACHE: u32 = 1_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// The words for what a profile holds.
const PROFILES: &str = "Preset of the options below: default (200 slots, 32 pollers, 1000 cached), small (20, 8 to 20, 200) \
                        or autoscale (200, 8 to 100, 1000)";
const PROFILE: &[&str] = &["BENCHMARK_WORKER_PROFILE"];

/// It is the same wherever workers run.
const fn tuning(name: &'static str, usage: Use) -> Entry {
    value(name).run(usage).worker(usage)
}

options! { Workers:
    /// SDK workers in a generator's process.
    Workers("workers"): u32 = Form::whole(0..=MAX_WORKERS, "workers"), value("N")
        .run(says("SDK workers in this process, {}, each with a connection and a thread")
            .otherwise("the cores, at most 4; with --address or --expect-workers 0"))
        .alias(Alias { flag: "--generator-only", text: "0", help: "Same as --workers 0: workers elsewhere execute" });
    /// Values that belong together, for workers in a generator's process.
    WorkerProfile("worker-profile"): WorkerProfile = Form::choice(&WorkerProfile::ALL), value("NAME")
        .run(says(PROFILES).or("autoscale").variables(PROFILE));
    /// Values that belong together, for a worker process.
    Profile("profile"): WorkerProfile = Form::choice(&WorkerProfile::ALL), value("NAME")
        .worker(says(PROFILES).or("default").variables(PROFILE));
    /// SDK workers in a worker process, for each task queue.
    WorkersPerProcess("workers-per-process"): u32 = Form::whole(1..=MAX_WORKERS, "workers"), value("N")
        .worker(says("SDK workers for each task queue, each with its own connection and thread")
            .or("1").variables(&["BENCHMARK_WORKERS_PER_PROCESS"]));
    /// Whether slots are fixed or follow the machine.
    Slots("slots"): SlotKind = Form::choice(&[SlotKind::Fixed, SlotKind::Resource]),
        tuning("KIND", says("fixed, or resource: as many as --target-cpu and --target-memory leave room for")
            .or("fixed").variables(&["BENCHMARK_SLOTS"]));
    /// Workflow tasks at the same time.
    WorkflowSlots("workflow-slots"): u32 = Form::whole(1..=MAX_SLOTS, "slots"),
        tuning("N", says("Workflow tasks that one worker executes at the same time")
            .otherwise("the profile's").variables(&["BENCHMARK_WORKFLOW_SLOTS"]));
    /// Activities at the same time.
    ActivitySlots("activity-slots"): u32 = Form::whole(1..=MAX_SLOTS, "slots"),
        tuning("N", says("Activities that one worker executes at the same time")
            .otherwise("the profile's").variables(&["BENCHMARK_ACTIVITY_SLOTS"]));
    /// Local activities at the same time.
    LocalActivitySlots("local-activity-slots"): u32 = Form::whole(1..=MAX_SLOTS, "slots"),
        tuning("N", says("Local activities that one worker executes at the same time")
            .otherwise("the profile's").variables(&["BENCHMARK_LOCAL_ACTIVITY_SLOTS"]));
    /// Share of the CPU up to which slots are given out. This and the next are those of the SDK's own examples; memory that
    /// is full is fatal, a CPU that is full only slow.
    TargetCpu("target-cpu"): f64 = Form::target(),
        tuning("SHARE", says("Share of the machine's CPU up to which --slots resource gives out slots")
            .or("90%").variables(&["BENCHMARK_TARGET_CPU"]));
    /// Share of the memory up to which slots are given out.
    TargetMemory("target-memory"): f64 = Form::target(),
        tuning("SHARE", says("Share of the machine's memory up to which --slots resource gives out slots")
            .or("80%").variables(&["BENCHMARK_TARGET_MEMORY"]));
    /// Polls for workflow tasks.
    WorkflowPollers("workflow-pollers"): Pollers = Form::pollers(2),
        tuning("POLLERS", says("Polls for workflow tasks of one worker: a number (a fifth of it polls the task queue, the \
                                rest the worker's own sticky queue), auto (which is auto:8-100), auto:MIN-MAX or \
                                auto:MIN-MAX:INITIAL")
            .otherwise("the profile's").variables(&["BENCHMARK_WORKFLOW_POLLERS"]));
    /// Polls for activities.
    ActivityPollers("activity-pollers"): Pollers = Form::pollers(1),
        tuning("POLLERS", says("Polls for activities of one worker, in the same way")
            .otherwise("the profile's").variables(&["BENCHMARK_ACTIVITY_POLLERS"]));
    /// Workflows kept in memory.
    CacheSize("cache-size"): u32 = Form::whole(0..=MAX_CACHE, "workflows"),
        tuning("N", says("Workflows that one worker keeps in memory; with 0 every task replays")
            .otherwise("the profile's").variables(&["BENCHMARK_CACHE_SIZE"]));
    /// How long a task may lie on a worker's own queue.
    StickyTimeout("sticky-timeout"): Duration = Form::span(Duration::from_millis(100)..=HOUR),
        tuning("TIME", says("How long a task may wait for the worker that has its workflow in memory, {}")
            .or("10s").variables(&["BENCHMARK_STICKY_TIMEOUT"]));
    /// Whether activities are handed out with the answer to a workflow task.
    EagerActivities("eager-activities"): bool = Form::on_or_off(),
        tuning("on|off", says("Activities taken with the answer to a workflow task, where the server hands them out so: on or \
                               off")
            .or("on").variables(&["BENCHMARK_EAGER_ACTIVITIES"]));
    /// Cap on activities a second.
    ActivitiesPerSecond("activities-per-second"): f64 = Form::number(0.1..=1_000_000.0, "activities a second"),
        tuning("PER_SECOND", says("Activities a second of one worker, at the most; turns eager activities off")
            .otherwise("no limit").variables(&["BENCHMARK_ACTIVITIES_PER_SECOND"]));
    /// The worker deployment's name.
    Deployment("deployment"): String = Form::version(),
        tuning("NAME", says("Worker deployment, with --build-id: the workers are versioned, and get tasks once this version \
                             is the deployment's current one")
            .otherwise("none").variables(&["BENCHMARK_DEPLOYMENT"]));
    /// The build that the workers are.
    BuildId("build-id"): String = Form::version(),
        tuning("NAME", says("Build that the workers are, with --deployment")
            .otherwise("none").variables(&["BENCHMARK_BUILD_ID"]));
    /// How long activities may go on after a shutdown began.
    GracefulShutdown("graceful-shutdown"): Duration = Form::span(Duration::ZERO..=HOUR),
        tuning("TIME", says("How long activities may go on after the workers are told to stop, up to {most}")
            .or("10s").variables(&["BENCHMARK_GRACEFUL_SHUTDOWN"]));
    /// Who the workers say they are.
    Identity("identity"): String = Form::identity(), value("NAME")
        .worker(says("Who the workers say they are, before their number")
            .otherwise("PID@HOST").variables(&["BENCHMARK_IDENTITY"]).under("Process"));
}
