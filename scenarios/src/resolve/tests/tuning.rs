//! How workers are tuned.

use super::*;
use crate::{Pollers, Slots, WorkerProfile, WorkerTuning};

fn tuning(options: &[(Key, &str)]) -> WorkerTuning {
    resolved(options).plan.workers.tuning.expect("workers run here")
}

#[test]
fn workers_here_scale_their_pollers_and_workers_elsewhere_are_tuned_there() {
    assert_eq!(tuning(&[]), WorkerProfile::Autoscale.tuning());
    assert_eq!(
        WorkerProfile::Autoscale.tuning().workflow_pollers.to_string(),
        "auto:8-100"
    );
    assert_eq!(resolved(&[(Key::Workers, "0")]).plan.workers.tuning, None);
    let report = problem(&[(Key::Workers, "0"), (Key::CacheSize, "5")]);
    assert!(
        report.contains("--cache-size 5 does not apply: no workers run in this process\n  try  --workers N"),
        "{report}"
    );
}

#[test]
fn a_profile_sets_what_is_not_asked_for() {
    let small = tuning(&[
        (Key::WorkerProfile, "small"),
        (Key::ActivitySlots, "50"),
        (Key::WorkflowPollers, "auto:5-20:7"),
        (Key::EagerActivities, "off"),
        (Key::ActivitiesPerSecond, "2.5"),
        (Key::Deployment, "bench"),
        (Key::BuildId, "v1"),
        (Key::GracefulShutdown, "0"),
    ]);
    let expected = WorkerTuning {
        slots: Slots::Fixed {
            workflow: 20,
            activity: 50,
            local_activity: 20,
        },
        workflow_pollers: Pollers::Autoscaling {
            initial: 7,
            minimum: 5,
            maximum: 20,
        },
        eager_activities: false,
        activities_per_second: Some(2.5),
        deployment: Some("bench".to_owned()),
        build_id: Some("v1".to_owned()),
        graceful_shutdown: Duration::ZERO,
        ..WorkerProfile::Small.tuning()
    };
    assert_eq!(small, expected);
    let json = serde_json::to_string(&small).unwrap();
    assert_eq!(serde_json::from_str::<WorkerTuning>(&json).unwrap(), small);
    let resolved = resolved(&[(Key::WorkerProfile, "default")]);
    let setting = resolved.setting(Key::WorkflowPollers).unwrap();
    assert_eq!(
        (setting.value.as_str(), setting.source.to_string().as_str()),
        ("32", "default: profile default")
    );
}

#[test]
fn slots_may_follow_the_machine() {
    let resource = [(Key::Slots, "resource"), (Key::TargetCpu, "70%")];
    assert_eq!(tuning(&resource).slots, Slots::Resource { cpu: 0.7, memory: 0.8 });
    let fixed = [(Key::Slots, "resource"), (Key::WorkflowSlots, "5")];
    assert!(problem(&fixed).contains("--workflow-slots 5 does not apply: slots follow the machine's CPU and memory"));
    let report = problem(&[(Key::TargetCpu, "70%")]);
    assert!(
        report.contains("--target-cpu 70% does not apply: slots are fixed\n  try  --slots resource"),
        "{report}"
    );
}

#[test]
fn pollers_can_be_typed_again() {
    for text in ["2", "32", "auto:8-100", "auto:1-1000:7", "auto:5-5"] {
        assert_eq!(
            tuning(&[(Key::WorkflowPollers, text)]).workflow_pollers.to_string(),
            text
        );
    }
    let auto = tuning(&[(Key::ActivityPollers, "auto")]);
    assert_eq!(auto.activity_pollers.to_string(), "auto:8-100");
    assert_eq!(tuning(&[(Key::ActivityPollers, "1")]).activity_pollers.to_string(), "1");
}

#[test]
fn what_no_worker_can_run_with_is_refused_in_words() {
    let cases: [(&[(Key, &str)], &str); 17] = [
        (
            &[(Key::WorkerProfile, "huge")],
            "--worker-profile huge is not allowed: give one of default, small, autoscale",
        ),
        (
            &[(Key::WorkflowSlots, "0")],
            "--workflow-slots 0 is not allowed: give a whole number of slots from 1 to 100000",
        ),
        (&[(Key::ActivitySlots, "-1")], "--activity-slots -1 is not allowed"),
        (
            &[(Key::WorkflowSlots, "1")],
            "--workflow-slots 1 is too few while --cache-size 1000 (default) keeps workflows in memory",
        ),
        (
            &[(Key::WorkflowPollers, "auto:20-8")],
            "--workflow-pollers auto:20-8 is not allowed: its minimum of 20 is above its maximum of 8\n  try  \
             --workflow-pollers auto:8-20",
        ),
        (
            &[(Key::ActivityPollers, "auto:8-20:21")],
            "--activity-pollers auto:8-20:21 is not allowed: its initial 21 is outside of 8 to 20\n  try  \
             --activity-pollers auto:8-20:20",
        ),
        (
            &[(Key::WorkflowPollers, "1")],
            "--workflow-pollers 1 is not allowed: give a fixed number from 2 to 1000, auto, auto:MIN-MAX or \
             auto:MIN-MAX:INITIAL",
        ),
        (&[(Key::WorkflowPollers, "auto:0-8")], "is not allowed: give a fixed"),
        (&[(Key::WorkflowPollers, "auto:-8")], "is not allowed: give a fixed"),
        (&[(Key::WorkflowPollers, "auto8-20")], "is not allowed: give a fixed"),
        (
            &[(Key::Slots, "resource"), (Key::TargetMemory, "1.5")],
            "--target-memory 1.5 is not allowed: give a share above 0 and up to 1 or 100%",
        ),
        (
            &[(Key::Slots, "resource"), (Key::TargetCpu, "0")],
            "--target-cpu 0 is not allowed",
        ),
        (&[(Key::EagerActivities, "maybe")], "give on or off"),
        (
            &[(Key::ActivitiesPerSecond, "0")],
            "--activities-per-second 0 is not allowed",
        ),
        (&[(Key::BuildId, "v1")], "--build-id v1 needs --deployment NAME as well"),
        (&[(Key::StickyTimeout, "0")], "--sticky-timeout 0 is not allowed"),
        (
            &[(Key::TaskQueue, "a,b")],
            "--task-queue a,b is not allowed: give a name",
        ),
    ];
    for (options, expected) in cases {
        let report = problem(options);
        assert!(report.contains(expected), "{report}\nshould say\n{expected}");
        assert!(report.lines().count() <= 3, "{report}");
    }
    // Without a cache there is no queue of its own.
    tuning(&[(Key::WorkflowSlots, "1"), (Key::CacheSize, "0")]);
}
