use std::collections::BTreeMap;

use super::{names::*, *};
use crate::{
    schema::{CheckStatus, Results, VerdictValue},
    testing::{self, MadeFigure, with_these_figures},
};

fn of(figures: &[MadeFigure]) -> Results {
    with_these_figures(testing::valid(), figures)
}

fn rules(results: &Results) -> Vec<&'static str> {
    match diagnose(results) {
        Diagnosis::Found(findings) => findings.iter().map(|finding| finding.rule).collect(),
        Diagnosis::Nothing => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn only(results: &Results) -> Finding {
    match diagnose(results) {
        Diagnosis::Found(mut findings) if findings.len() == 1 => findings.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Each of these makes the finding, and none of it is made when any single figure is at its limit.
fn at_its_limits(rule: &str, beyond: &[MadeFigure], at: &[MadeFigure]) {
    assert_eq!(rules(&of(beyond)), [rule], "{beyond:?}");
    for limit in at {
        let beside: Vec<MadeFigure> = beyond
            .iter()
            .map(|made| {
                if (made.0, made.1) == (limit.0, limit.1) {
                    *limit
                } else {
                    *made
                }
            })
            .collect();
        assert_ne!(beside, beyond, "{limit:?} is no figure of the rule");
        assert!(!rules(&of(&beside)).contains(&rule), "{rule} at {limit:?}");
    }
}

const WORKFLOW: &[(&str, &str)] = &[("worker_type", "WorkflowWorker")];
const ACTIVITY: &[(&str, &str)] = &[("worker_type", "ActivityWorker")];
const WORKFLOW_TASKS: &[(&str, &str)] = &[("task_type", "Workflow")];
const ACTIVITIES: &[(&str, &str)] = &[("task_type", "Activity")];

#[test]
fn an_invalid_run_of_the_generators_making_says_nothing_of_the_cluster() {
    let slow: &[MadeFigure] = &[(SHARD_LOCK_P95, &[], 50.0)];
    assert_eq!(rules(&of(slow)), ["shard-lock"]);
    let mut results = with_these_figures(testing::assembled(vec![testing::starved_iteration()], None), slow);
    assert_eq!(results.verdict.value, VerdictValue::Invalid);
    assert_eq!(only(&results).rule, "generator");
    assert!(!only(&results).evidence.is_empty() && !only(&results).remedy.is_empty());
    // It needs none of the server's figures.
    results.server_figures.clear();
    assert_eq!(only(&results).rule, "generator");
    // One that is invalid for its account keeps what the server tells.
    let mut account = of(slow);
    account.verdict.value = VerdictValue::Invalid;
    assert_eq!(rules(&account), ["shard-lock"]);
    for (check, rule) in [
        (crate::checks::names::OTHER_CPU, "other-programs"),
        (crate::checks::names::WORKER_CPU, "worker-cpu"),
        (crate::checks::names::WORKER_SLOTS, "slots"),
    ] {
        let mut results = account.clone();
        let found = results.verdict.checks.iter_mut().find(|one| one.name == check).unwrap();
        found.status = CheckStatus::Invalid;
        assert_eq!(rules(&results), [rule]);
    }
}

#[test]
fn tasks_that_wait_while_slots_are_used_up_wait_for_slots() {
    at_its_limits(
        "workflow-slots",
        &[(WORKFLOW_WAIT_P95, &[], 150.1), (FREE_SLOTS, WORKFLOW, 0.0)],
        &[(WORKFLOW_WAIT_P95, &[], 150.0), (FREE_SLOTS, WORKFLOW, 1.0)],
    );
    at_its_limits(
        "activity-slots",
        &[(ACTIVITY_WAIT_P95, &[], 150.1), (FREE_SLOTS, ACTIVITY, 0.0)],
        &[(ACTIVITY_WAIT_P95, &[], 150.0), (FREE_SLOTS, ACTIVITY, 1.0)],
    );
    // The other kind's slots are another matter.
    assert!(rules(&of(&[(WORKFLOW_WAIT_P95, &[], 900.0), (FREE_SLOTS, ACTIVITY, 0.0)])).is_empty());
}

#[test]
fn tasks_that_wait_with_slots_free_wait_for_pollers() {
    let beyond: &[MadeFigure] = &[
        (WORKFLOW_WAIT_P95, &[], 150.1),
        (FREE_SLOTS, WORKFLOW, 1.0),
        (SYNC_MATCH, WORKFLOW_TASKS, 0.949),
        (POLL_SUCCESS, WORKFLOW_TASKS, 0.951),
    ];
    at_its_limits(
        "workflow-pollers",
        beyond,
        &[
            (WORKFLOW_WAIT_P95, &[], 150.0),
            (FREE_SLOTS, WORKFLOW, 0.0),
            (SYNC_MATCH, WORKFLOW_TASKS, 0.95),
            (POLL_SUCCESS, WORKFLOW_TASKS, 0.95),
        ],
    );
    // Slots that follow CPU and memory are not told, and are not used up for all that is known.
    let untold: Vec<MadeFigure> = beyond.iter().filter(|made| made.0 != FREE_SLOTS).copied().collect();
    assert_eq!(rules(&of(&untold)), ["workflow-pollers"]);
    let mut partitions = of(beyond);
    let workers = partitions.environment.workers.as_mut().unwrap();
    (workers.normal_polls, workers.partitions) = (Some(3), Some(4));
    assert!(only(&partitions).headline.contains("partitions without one"));
    at_its_limits(
        "activity-pollers",
        &[
            (ACTIVITY_WAIT_P95, &[], 150.1),
            (SYNC_MATCH, ACTIVITIES, 0.949),
            (POLL_SUCCESS, ACTIVITIES, 0.951),
        ],
        &[(SYNC_MATCH, ACTIVITIES, 0.95)],
    );
}

#[test]
fn polls_that_come_back_empty_are_too_many() {
    at_its_limits(
        "workflow-polls-idle",
        &[(WORKFLOW_WAIT_P95, &[], 150.0), (POLL_SUCCESS, WORKFLOW_TASKS, 0.799)],
        &[(WORKFLOW_WAIT_P95, &[], 150.1), (POLL_SUCCESS, WORKFLOW_TASKS, 0.8)],
    );
    at_its_limits(
        "eager-activities",
        &[(POLL_SUCCESS, ACTIVITIES, 0.1), (EAGER_ACTIVITIES, &[], 0.1)],
        &[(POLL_SUCCESS, ACTIVITIES, 0.8), (EAGER_ACTIVITIES, &[], 0.0)],
    );
    assert_eq!(rules(&of(&[(POLL_SUCCESS, ACTIVITIES, 0.1)])), ["activity-polls-idle"]);
}

#[test]
fn whoever_refuses_is_named_with_what_sets_its_limit() {
    let limit = |cause: &'static str, scope: &'static str| {
        [
            ("service_name", "frontend"),
            ("resource_exhausted_cause", cause),
            ("resource_exhausted_scope", scope),
        ]
    };
    let namespace = limit("RpsLimit", "Namespace");
    at_its_limits(
        "exhausted",
        &[(EXHAUSTED_REQUESTS, &namespace, 0.01)],
        &[(EXHAUSTED_REQUESTS, &namespace, 0.0)],
    );
    let found = only(&of(&[(EXHAUSTED_REQUESTS, &namespace, 80.0)]));
    assert!(found.headline.contains("frontend.namespaceRPS"), "{found:?}");
    assert!(found.remedy.contains("frontend.namespaceRPS"), "{found:?}");
    assert!(
        found.evidence[0].contains("80.0/s refused by frontend") && found.evidence[0].contains("scope Namespace"),
        "{found:?}"
    );
    let persistence = [
        ("service_name", "history"),
        ("resource_exhausted_cause", "PersistenceLimit"),
        ("resource_exhausted_scope", "System"),
    ];
    let found = only(&of(&[(EXHAUSTED_PERSISTENCE, &persistence, 1.0)]));
    assert!(found.headline.contains("history.persistenceMaxQPS"), "{found:?}");
    // One workflow that is asked for too much is no limit of the cluster.
    let busy = limit("BusyWorkflow", "Namespace");
    assert_eq!(rules(&of(&[(EXHAUSTED_REQUESTS, &busy, 1.0)])), ["busy-workflow"]);
    // A hundredth of the requests outweighs what was used up; less does not.
    let slots: [MadeFigure; 2] = [(WORKFLOW_WAIT_P95, &[], 900.0), (FREE_SLOTS, WORKFLOW, 0.0)];
    let both = |refused: f64| rules(&of(&[slots[0], slots[1], (EXHAUSTED_REQUESTS, &namespace, refused)]));
    assert_eq!(both(10.0), ["exhausted", "workflow-slots"]);
    assert_eq!(both(9.9), ["workflow-slots", "exhausted"]);
}

#[test]
fn a_full_pool_is_one_replicas_or_everybodys() {
    let replica = [("db_kind", "main"), ("instance", "10.0.0.7:9090")];
    let kind = [("db_kind", "main")];
    at_its_limits(
        "pool-of-one",
        &[(SQL_POOL, &replica, 0.95), (SQL_POOL_MEAN, &kind, 0.699)],
        &[(SQL_POOL, &replica, 0.949), (SQL_POOL_MEAN, &kind, 0.7)],
    );
    let found = only(&of(&[(SQL_POOL, &replica, 0.95), (SQL_POOL_MEAN, &kind, 0.27)]));
    assert!(found.headline.contains("10.0.0.7:9090"), "{found:?}");
    at_its_limits(
        "pool",
        &[(SQL_POOL, &replica, 0.95), (SQL_POOL_MEAN, &kind, 0.7)],
        &[(SQL_POOL, &replica, 0.949), (SQL_POOL_MEAN, &kind, 0.699)],
    );
    let one = [("instance", "10.0.0.7:9090")];
    assert_eq!(
        rules(&of(&[(DSQL_POOL, &one, 1.0), (DSQL_POOL_MEAN, &[], 0.27)])),
        ["pool-of-one"]
    );
}

#[test]
fn a_shard_that_is_waited_for_says_how_many_there_are() {
    at_its_limits(
        "shard-lock",
        &[(SHARD_LOCK_P95, &[], 5.01)],
        &[(SHARD_LOCK_P95, &[], 5.0)],
    );
    at_its_limits(
        "shard-lock",
        &[(SHARD_SEMAPHORE_P95, &[], 5.01)],
        &[(SHARD_SEMAPHORE_P95, &[], 5.0)],
    );
    let mut results = of(&[(SHARD_LOCK_P95, &[], 50.0)]);
    results.environment.server.history_shards.value = Some(4);
    assert!(only(&results).evidence.contains(&"4 history shards".to_owned()));
}

#[test]
fn the_database_is_named_when_most_of_a_start_is_its_write() {
    let start = 100.0;
    at_its_limits(
        "database",
        &[(FRONTEND_START_P95, &[], start), (START_WRITE_P95, &[], 60.1)],
        &[(START_WRITE_P95, &[], 60.0)],
    );
    let seen = |write: f64, start: f64| of(&[(FRONTEND_START_P95, &[], start), (START_WRITE_P95, &[], write)]);
    // A share is one whatever it is of: of a start of 5 ms as of one of a second.
    for start in [5.0, 1_000.0] {
        assert_eq!(rules(&seen(0.61 * start, start)), ["database"]);
        assert!(rules(&seen(0.59 * start, start)).is_empty());
    }
    // What was measured on a quiet dev server.
    for (write, start) in [(1.6, 4.9), (3.5, 9.1)] {
        assert_eq!(diagnose(&seen(write, start)), Diagnosis::Nothing);
    }
    // No write is more than the whole start, and where both are beyond their limits, by so much, the shard's lock comes first.
    let found = only(&seen(12.0, 10.0));
    assert!(found.evidence[1].contains(": 100"), "{found:?}");
    let locked = of(&[
        (FRONTEND_START_P95, &[], 10.0),
        (START_WRITE_P95, &[], 12.0),
        (SHARD_LOCK_P95, &[], 10.0),
    ]);
    assert_eq!(rules(&locked), ["shard-lock", "database"]);
    // With a pool that is full its connections are waited for, not the database.
    let kind = [("db_kind", "main")];
    assert_eq!(
        rules(&of(&[
            (FRONTEND_START_P95, &[], start),
            (START_WRITE_P95, &[], 90.0),
            (SQL_POOL, &kind, 0.95),
        ])),
        ["pool"]
    );
}

#[test]
fn what_lies_between_is_named_when_it_is_most_of_a_start() {
    let seen = |generator: f64, frontend: f64| {
        let mut results = of(&[(FRONTEND_START_P95, &[], frontend)]);
        results.iterations[0]
            .phases
            .measure
            .latencies
            .start_service
            .accepted
            .p95 = Some(generator);
        rules(&results)
    };
    assert_eq!(seen(90.1, 40.0), ["between"]);
    assert!(seen(90.0, 40.0).is_empty(), "no more than 50 ms");
    assert!(seen(120.0, 60.0).is_empty(), "no more than half");
    assert_eq!(seen(120.1, 60.0), ["between"]);
}

#[test]
fn caches_and_conflicts_have_their_shares() {
    at_its_limits("sticky-cache", &[(EVICTIONS, &[], 0.0101)], &[(EVICTIONS, &[], 0.01)]);
    at_its_limits(
        "dsql-conflicts",
        &[(DSQL_CONFLICTS, &[], 0.0501)],
        &[(DSQL_CONFLICTS, &[], 0.05)],
    );
}

#[test]
fn the_three_strongest_are_told() {
    let all = of(&[
        (WORKFLOW_WAIT_P95, &[], 900.0),
        (FREE_SLOTS, WORKFLOW, 0.0),
        (POLL_SUCCESS, ACTIVITIES, 0.1),
        (EVICTIONS, &[], 0.05),
        (SHARD_LOCK_P95, &[], 50.0),
        (EXHAUSTED_REQUESTS, &[], 500.0),
    ]);
    assert_eq!(rules(&all), ["exhausted", "workflow-slots", "shard-lock"]);
}

#[test]
fn several_iterations_tell_the_worst_of_them() {
    let mut results = testing::iterations();
    let figures = |iteration: u32, wait: f64| ServerFigures {
        iteration,
        ..of(&[(SHARD_LOCK_P95, &[], wait)]).server_figures.remove(0)
    };
    results.server_figures = vec![figures(1, 6.0), figures(2, 50.0), figures(3, 1.0)];
    let found = only(&results);
    assert!(found.evidence[0].contains("50ms"), "{found:?}");
}

#[test]
fn nothing_and_not_known_are_not_the_same() {
    assert_eq!(diagnose(&testing::valid()), Diagnosis::NotAsked);
    assert_eq!(diagnose(&of(&[])), Diagnosis::Nothing);
    let mut gone = of(&[]);
    gone.server_figures[0].figures[0].value = None;
    gone.server_figures[0].figures[0].reason = Some("connection refused".to_owned());
    assert_eq!(diagnose(&gone), Diagnosis::Unknown("connection refused".to_owned()));
    gone.server_figures[0].problems = vec!["the server exports other names".to_owned()];
    assert_eq!(
        diagnose(&gone),
        Diagnosis::Unknown("the server exports other names".to_owned())
    );
}

#[test]
fn a_figure_is_found_by_its_name_and_labels() {
    let results = of(&[(SYNC_MATCH, WORKFLOW_TASKS, 0.5), (SHARD_LOCK_P95, &[], 1.0)]);
    let figures = &results.server_figures[0];
    assert_eq!(figures.value(SHARD_LOCK_P95), Some(1.0));
    assert_eq!(figures.value(SYNC_MATCH), None, "it has a label");
    let labels = BTreeMap::from([("task_type".to_owned(), "Workflow".to_owned())]);
    assert_eq!(figures.of(SYNC_MATCH).collect::<Vec<_>>(), vec![(&labels, 0.5)]);
}
