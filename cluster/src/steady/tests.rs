//! When a service is steady, when it will not be, and what is said then.

use std::sync::LazyLock;

use aws_sdk_ecs::types::{Container, Deployment, ServiceEvent};

use super::*;

/// So many tasks of a service of the tests' facts.
fn wanted(key: &str, count: u32) -> Wanted<'static> {
    static FACTS: LazyLock<facts::Facts> = LazyLock::new(|| {
        let facts = include_str!("../../tests/facts/bench.json");
        facts::Facts::parse(facts, "bench.json").unwrap()
    });
    let service = FACTS.service(key).unwrap();
    Wanted { service, count }
}

fn service(desired: i32, running: i32, pending: i32, rollouts: &[DeploymentRolloutState]) -> Service {
    let deployments = rollouts.iter().map(|state| {
        Deployment::builder()
            .rollout_state(state.clone())
            .rollout_state_reason("tasks failed to start.")
            .build()
    });
    Service::builder()
        .desired_count(desired)
        .running_count(running)
        .pending_count(pending)
        .set_deployments(Some(deployments.collect()))
        .events(
            ServiceEvent::builder()
                .message("(service bench-history) was unable to place a task\u{1b}")
                .build(),
        )
        .build()
}

fn task(health: HealthStatus) -> Task {
    let container = Container::builder().name("temporal-history").health_status(health);
    Task::builder().containers(container.build()).build()
}

fn stopped(code: TaskStopCode, after: u64, reason: &str) -> Task {
    Task::builder()
        .stop_code(code)
        .stopped_reason(reason)
        .stopped_at(DateTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(after)))
        .build()
}

#[test]
fn steady_is_all_of_it_at_once() {
    use DeploymentRolloutState::{Completed, Failed, InProgress};
    let two = [task(HealthStatus::Healthy), task(HealthStatus::Healthy)];
    let one = [task(HealthStatus::Healthy), task(HealthStatus::UnknownValue)];
    let going = |text: &str| State::Going(text.to_owned());
    for (service, tasks, is_checked, expected) in [
        (service(2, 2, 0, &[Completed]), &two, true, State::Steady),
        (service(2, 2, 0, &[Completed]), &one, false, State::Steady),
        (
            service(2, 2, 0, &[Completed]),
            &one,
            true,
            going("2 of 2 running, 1 healthy"),
        ),
        (
            service(2, 1, 1, &[Completed]),
            &two,
            true,
            going("1 of 2 running, 1 pending"),
        ),
        (
            service(2, 3, 0, &[Completed]),
            &two,
            true,
            going("3 of 2 running, 0 pending"),
        ),
        (
            service(2, 2, 0, &[InProgress]),
            &two,
            true,
            going("2 of 2 running, a deployment is in progress"),
        ),
        (
            service(2, 2, 0, &[Completed, InProgress]),
            &two,
            true,
            going("2 of 2 running, a deployment is in progress"),
        ),
        (
            service(3, 2, 0, &[Completed]),
            &two,
            true,
            going("2 of 2 running, 3 are asked for meanwhile"),
        ),
        (
            service(2, 2, 0, &[Completed, Failed]),
            &two,
            true,
            State::Failed("its deployment failed: tasks failed to start.".to_owned()),
        ),
    ] {
        assert_eq!(judge(&wanted("history", 2), &service, tasks, is_checked), expected);
    }
}

#[test]
fn without_tasks_a_deployment_does_not_matter() {
    let none = wanted("history", 0);
    let failed = [DeploymentRolloutState::Failed];
    assert_eq!(judge(&none, &service(0, 0, 0, &failed), &[], false), State::Steady);
    let in_progress = [DeploymentRolloutState::InProgress];
    assert_eq!(judge(&none, &service(0, 0, 0, &in_progress), &[], false), State::Steady);
    let going = State::Going("1 of 0 running, 0 pending".to_owned());
    assert_eq!(judge(&none, &service(0, 1, 0, &in_progress), &[], false), going);
}

#[test]
fn failures_are_tasks_that_ended_by_themselves_since_then() {
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
    let tasks = [
        stopped(
            TaskStopCode::TaskFailedToStart,
            120,
            "CannotPullContainerError: no such image",
        ),
        stopped(
            TaskStopCode::ServiceSchedulerInitiated,
            115,
            "Task failed container health checks",
        ),
        stopped(
            TaskStopCode::ServiceSchedulerInitiated,
            110,
            "Scaling activity initiated by deployment",
        ),
        stopped(
            TaskStopCode::EssentialContainerExited,
            100,
            "Essential container in task exited",
        ),
        stopped(TaskStopCode::EssentialContainerExited, 99, "an older one"),
    ];
    assert_eq!(
        failures(&tasks, since),
        [
            "CannotPullContainerError: no such image",
            "Task failed container health checks",
            "Essential container in task exited"
        ]
    );
}

#[test]
fn waiting_is_in_vain_when_none_runs_or_each_has_ended_three_times() {
    let none = service(2, 0, 2, &[]);
    assert!(!is_in_vain(&wanted("history", 2), &none, 2));
    assert!(is_in_vain(&wanted("history", 2), &none, 3));
    let one = service(2, 1, 1, &[]);
    assert!(!is_in_vain(&wanted("history", 2), &one, 5));
    assert!(is_in_vain(&wanted("history", 2), &one, 6));
}

#[test]
fn a_quota_is_named_with_where_to_ask_for_more() {
    let refusal = Refusal {
        said: "more vCPU capacity than your current vCPU limit of 32".to_owned(),
        is_quota: true,
    };
    let service = service(2, 0, 2, &[]);
    let problem = reasons(
        &wanted("history", 2),
        &service,
        "0 of 2 running, 2 pending; its instances do not come",
        &[],
        &[refusal.clone(), refusal],
        None,
    );
    insta::assert_snapshot!(problem.report(), @r"
    error: history: 0 of 2 running, 2 pending; its instances do not come
      instances of the pool main (2 times): more vCPU capacity than your current vCPU limit of 32
      event: (service bench-history) was unable to place a task�
      try  Service Quotas → Amazon EC2 → Running On-Demand Standard instances
    ");
}

#[test]
fn tasks_that_end_are_named_with_why() {
    let stopped = ["Essential container in task exited; temporal-history ended with 1".to_owned()];
    let problem = reasons(
        &wanted("history", 2),
        &service(2, 0, 0, &[]),
        "0 of 2 running, 0 pending after 15m",
        &stopped,
        &[],
        None,
    );
    insta::assert_snapshot!(problem.report(), @r"
    error: history: 0 of 2 running, 0 pending after 15m
      stopped: Essential container in task exited; temporal-history ended with 1
      event: (service bench-history) was unable to place a task�
      try  benchmark-cluster setup, where there is no schema yet   or   its lines: benchmark-cluster connect loki
    ");
}

#[test]
fn what_is_not_in_loki_has_its_log_group() {
    let stopped = ["ended".to_owned()];
    let problem = |key| {
        reasons(
            &wanted(key, 2),
            &service(1, 0, 0, &[]),
            "none runs",
            &stopped,
            &[],
            Some("/ecs/bench/services"),
        )
        .report()
    };
    assert!(problem("loki").ends_with("\n  try  its lines in the log group /ecs/bench/services"));
    assert!(problem("benchmark-worker").ends_with("\n  try  its lines: benchmark-cluster connect loki"));
}
