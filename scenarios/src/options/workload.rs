//! Options of the workload: what each start executes.

use std::time::Duration;

use super::{options, says, value};
use crate::{ActivityDuration, form::Form, workloads::NAMES};

/// Temporal's own limit of a payload is 2 MiB by default.
const MAX_PAYLOAD: u32 = 1 << 20;
/// With the longest sleep still within the activities' start-to-close timeout of a minute.
const LONGEST_BURN: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(24 * 3600);

options! { Workload:
    /// The workflow.
    WorkflowType("workflow-type"): &'static str = Form::choice(NAMES), value("NAME")
        .run(says("{}").or("simple").variables(&["BENCHMARK_WORKFLOW_TYPE"]));
    /// Activities of one multi-activity workflow. The replaced runner ran ten, four of them in parallel, each asleep for 100
    /// to 600 ms.
    ActivityCount("activity-count"): u32 = Form::whole(1..=100, "activities"), value("N")
        .run(says("multi-activity: activities of one workflow, {}").or("10").variables(&["BENCHMARK_ACTIVITY_COUNT"]));
    /// How many of them run at the same time, first.
    ParallelActivities("parallel-activities"): u32 = Form::whole(0..=100, "the activities"), value("N")
        .run(says("multi-activity: how many of them run at the same time, first").otherwise("4"));
    /// How long each activity sleeps.
    ActivityDuration("activity-duration"): ActivityDuration = Form::activity_duration(), value("TIMES")
        .run(says("multi-activity: sleep of each, up to 30s: fixed (200ms), drawn from a range (100ms..600ms), \
                   normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA")
            .or("100ms..600ms").variables(&["BENCHMARK_ACTIVITY_DURATION"]));
    /// CPU that each activity burns.
    ActivityCpu("activity-cpu"): Duration = Form::span(Duration::ZERO..=LONGEST_BURN), value("TIME")
        .run(says("multi-activity, state-transitions: CPU time that each activity burns, up to {most}")
            .or("0").variables(&["BENCHMARK_ACTIVITY_CPU"]));
    /// How long a timer workflow sleeps.
    TimerDuration("timer-duration"): Duration = Form::span(Duration::from_millis(1)..=DAY), value("TIME")
        .run(says("timer: length of the durable timer, {}").or("1s").variables(&["BENCHMARK_TIMER_DURATION"]));
    /// Children of one child-workflow.
    ChildCount("child-count"): u32 = Form::whole(1..=100, "children"), value("N")
        .run(says("child-workflow: children of one workflow, {}").or("3").variables(&["BENCHMARK_CHILD_COUNT"]));
    /// Local activities of one local-activity workflow.
    LocalActivityCount("local-activity-count"): u32 = Form::whole(1..=100, "local activities"), value("N")
        .run(says("local-activity: local activities of one workflow, {}")
            .or("10").variables(&["BENCHMARK_LOCAL_ACTIVITY_COUNT"]));
    /// Bytes of payload.
    PayloadSize("payload-size"): u32 = Form::bytes(MAX_PAYLOAD), value("BYTES")
        .run(says("Payload in each workflow's input, {}").or("0").variables(&["BENCHMARK_PAYLOAD_SIZE"]));
    /// Bytes of payload that come back.
    ResultSize("result-size"): u32 = Form::bytes(MAX_PAYLOAD), value("BYTES")
        .run(says("Payload in each workflow's result and in each of its activities', {}")
            .or("0").variables(&["BENCHMARK_RESULT_SIZE"]));
    /// Share of workflows that are told to fail.
    FailureRatio("failure-ratio"): f64 = Form::ratio(), value("SHARE")
        .run(says("Share of workflows that are told to fail, 0 to 1 or 0% to 100%")
            .or("0%").variables(&["BENCHMARK_FAILURE_RATIO"]));
}
