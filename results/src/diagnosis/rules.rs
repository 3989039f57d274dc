//! The rules: one function each.

use std::collections::BTreeMap;

use super::{
    Finding,
    Kind::{self, Aside, NotTheCluster, Refused, UsedUp, Waited},
    Seen, Weight, exhausted, names,
};
use crate::{
    checks::names as checks,
    format::{count, ms, percent, rate},
    limits,
    schema::{Check, CheckStatus, Results, VerdictValue},
    text,
};

/// Longest label or name that is shown, characters.
const LABEL: usize = 80;

/// What a worker does, as the different series call it.
struct Work {
    /// In words.
    word: &'static str,
    /// The label `task_type` of the server.
    task_type: &'static str,
    /// The label `worker_type` of the workers.
    worker_type: &'static str,
    /// 95th percentile of its wait.
    wait: &'static str,
    /// What raises its slots.
    slots: &'static str,
    /// What raises its polls.
    pollers: &'static str,
    /// Several of it, in words.
    plural: &'static str,
    /// The rules of used up slots, of missing pollers and of idle ones.
    rules: [&'static str; 3],
}

const WORK: [Work; 2] = [
    Work {
        word: "workflow task",
        task_type: "Workflow",
        worker_type: "WorkflowWorker",
        wait: names::WORKFLOW_WAIT_P95,
        slots: "--workflow-slots",
        pollers: "--workflow-pollers",
        plural: "workflow tasks",
        rules: ["workflow-slots", "workflow-pollers", "workflow-polls-idle"],
    },
    Work {
        word: "activity",
        task_type: "Activity",
        worker_type: "ActivityWorker",
        wait: names::ACTIVITY_WAIT_P95,
        slots: "--activity-slots",
        pollers: "--activity-pollers",
        plural: "activities",
        rules: ["activity-slots", "activity-pollers", "activity-polls-idle"],
    },
];

/// All of the cluster's rules.
pub(super) fn all(seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<Finding> = [shard_lock, database, between, evictions, conflicts]
        .iter()
        .filter_map(|rule| rule(seen))
        .collect();
    for work in &WORK {
        found.extend(slots(seen, work));
        found.extend(pollers(seen, work));
        found.extend(idle(seen, work));
    }
    found.extend(refused(seen));
    found.extend(pools(seen));
    found
}

fn finding(
    rule: &'static str,
    weight: (Kind, f64),
    headline: impl Into<String>,
    evidence: Vec<String>,
    remedy: impl Into<String>,
) -> Finding {
    Finding {
        rule,
        headline: headline.into(),
        evidence,
        remedy: remedy.into(),
        weight: Weight(weight.0, weight.1),
    }
}

impl Seen<'_> {
    fn value(&self, name: &str) -> Option<f64> {
        self.figures.value(name)
    }

    fn labelled(&self, name: &str, label: &str, value: &str) -> Option<f64> {
        self.figures
            .of(name)
            .find_map(|(labels, figure)| (labels.get(label)? == value).then_some(figure))
    }

    /// The highest value of this name, with its labels.
    fn highest(&self, name: &str) -> Option<(&BTreeMap<String, String>, f64)> {
        self.figures
            .figures
            .iter()
            .filter(|figure| figure.name == name)
            .filter_map(|figure| Some((&figure.labels, figure.value?)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn wait(&self, work: &Work) -> Option<String> {
        let wait = self.value(work.wait)?;
        (wait > limits::SCHEDULE_TO_START_MS).then(|| {
            format!(
                "{} schedule-to-start p95 {} (limit {})",
                work.word,
                ms(wait),
                ms(limits::SCHEDULE_TO_START_MS)
            )
        })
    }

    fn free_slots(&self, work: &Work) -> Option<f64> {
        self.labelled(names::FREE_SLOTS, "worker_type", work.worker_type)
    }
}

fn label<'a>(labels: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    labels.get(name).map_or("", String::as_str)
}

/// Checks that say what else than the generator was the limit, with their rule and its headline.
const NOT_THE_CLUSTER: [(&str, &str, &str); 3] = [
    (checks::OTHER_CPU, "other-programs", "other programs had the machine"),
    (
        checks::WORKER_CPU,
        "worker-cpu",
        "the workers' CPU was the limit, and not the cluster",
    ),
    (
        checks::WORKER_SLOTS,
        "slots",
        "the workers' slots were the limit, and not the cluster",
    ),
];

/// What made a run INVALID: the generator's side, and then nothing is said of the cluster.
pub(super) fn not_the_cluster(results: &Results) -> Option<Finding> {
    if results.verdict.value != VerdictValue::Invalid {
        return None;
    }
    let invalid = |name: &&str| -> Option<&Check> {
        let mut checks = results.verdict.checks.iter();
        checks.find(|check| check.name == **name && check.status == CheckStatus::Invalid)
    };
    let generator: Vec<&Check> = checks::GENERATOR.iter().filter_map(invalid).collect();
    let (rule, headline, found) = if generator.is_empty() {
        let (check, rule, headline) = NOT_THE_CLUSTER.iter().find_map(|(name, rule, headline)| {
            let check = invalid(name)?;
            Some((check, *rule, *headline))
        })?;
        (rule, headline, vec![check])
    } else {
        (
            "generator",
            "the generator was the limit, and not the cluster",
            generator,
        )
    };
    let remedy = found.first().map_or("", |check| check.remedy.as_str()).to_owned();
    let evidence = found
        .iter()
        .map(|check| {
            format!(
                "{} {} (limit {})",
                check.name.replace('-', " "),
                text::line(&check.value, LABEL),
                check.limit
            )
        })
        .collect();
    Some(finding(rule, (NotTheCluster, 0.0), headline, evidence, remedy))
}

/// Tasks wait, and a kind of slot was used up.
fn slots(seen: &Seen, work: &Work) -> Option<Finding> {
    let wait = seen.wait(work)?;
    let free = seen.free_slots(work)?;
    if free > 0.0 {
        return None;
    }
    let [rule, ..] = work.rules;
    let evidence = vec![wait, format!("free {} slots {} at the least", work.word, count(0))];
    let headline = format!("slots: the workers had none free for {}", work.plural);
    let remedy = format!("give the workers more of them ({}), or add workers", work.slots);
    Some(finding(rule, (UsedUp, 2.0), headline, evidence, remedy))
}

/// Tasks wait although there are slots, since nobody polls when they come.
fn pollers(seen: &Seen, work: &Work) -> Option<Finding> {
    let wait = seen.wait(work)?;
    if seen.free_slots(work).is_some_and(|free| free <= 0.0) {
        return None;
    }
    let sync = seen.labelled(names::SYNC_MATCH, "task_type", work.task_type)?;
    let success = seen.labelled(names::POLL_SUCCESS, "task_type", work.task_type)?;
    if sync >= limits::SYNC_MATCH || success <= limits::POLLS_BUSY {
        return None;
    }
    let mut evidence = vec![
        wait,
        format!("sync match {} (limit {})", percent(sync), percent(limits::SYNC_MATCH)),
        format!(
            "poll success {} (busy above {})",
            percent(success),
            percent(limits::POLLS_BUSY)
        ),
    ];
    let mut headline = format!("too few pollers for {}", work.plural);
    let workers = seen.results.environment.workers.as_ref();
    if let Some((polls, partitions)) = workers.and_then(|workers| Some((workers.normal_polls?, workers.partitions?)))
        && polls < partitions
    {
        evidence.push(format!("{polls} polls for {partitions} partitions"));
        headline += ": there are partitions without one";
    }
    let [_, rule, _] = work.rules;
    let remedy = format!("more pollers ({}), or more workers", work.pollers);
    Some(finding(rule, (UsedUp, 1.0), headline, evidence, remedy))
}

/// Polls come back empty while tasks are fetched in time.
fn idle(seen: &Seen, work: &Work) -> Option<Finding> {
    if seen
        .value(work.wait)
        .is_some_and(|wait| wait > limits::SCHEDULE_TO_START_MS)
    {
        return None;
    }
    let success = seen.labelled(names::POLL_SUCCESS, "task_type", work.task_type)?;
    if success >= limits::POLLS_IDLE {
        return None;
    }
    let mut evidence = vec![format!(
        "{} poll success {} (idle below {})",
        work.word,
        percent(success),
        percent(limits::POLLS_IDLE)
    )];
    if let Some(wait) = seen.value(work.wait) {
        evidence.push(format!("schedule-to-start p95 {}", ms(wait)));
    }
    let eager = seen
        .value(names::EAGER_ACTIVITIES)
        .filter(|eager| *eager > 0.0 && work.task_type == "Activity");
    let weight = (Aside, limits::POLLS_IDLE - success);
    let remedy = format!("fewer pollers ({}) would do", work.pollers);
    let (rule, headline) = match eager {
        Some(eager) => {
            evidence.push(format!("eager activities {}", rate(eager)));
            let headline = "activities go eager, and the pollers for them are idle";
            ("eager-activities", headline.to_owned())
        }
        None => {
            let [.., rule] = work.rules;
            (rule, format!("pollers to spare for {}: no bottleneck", work.plural))
        }
    };
    Some(finding(rule, weight, headline, evidence, remedy))
}

/// Somebody was refused for lack of resources.
fn refused(seen: &Seen) -> Vec<Finding> {
    let mut limited: Vec<(f64, String, Option<String>)> = Vec::new();
    let (mut busy, mut total) = (0.0, 0.0);
    for name in [names::EXHAUSTED_REQUESTS, names::EXHAUSTED_PERSISTENCE] {
        for (labels, refused) in seen.figures.of(name).filter(|(_, refused)| *refused > 0.0) {
            let cause = label(labels, "resource_exhausted_cause");
            if cause == exhausted::BUSY_WORKFLOW {
                busy += refused;
                continue;
            }
            total += refused;
            let (service, scope) = (label(labels, "service_name"), label(labels, "resource_exhausted_scope"));
            let what = format!(
                "{} refused by {}: {} ({}, scope {})",
                rate(refused),
                or_nameless(service),
                text::line(exhausted::words(cause), LABEL),
                or_nameless(cause),
                or_nameless(scope)
            );
            limited.push((refused, what, exhausted::key(service, cause, scope)));
        }
    }
    let mut found = Vec::new();
    limited.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some((_, _, key)) = limited.first() {
        let share = seen
            .value(names::REQUESTS)
            .filter(|requests| *requests > 0.0)
            .map(|requests| total / requests);
        let heavy = share.is_none_or(|share| share >= limits::EXHAUSTED_HEAVY);
        let headline = match key {
            Some(key) => format!("a limit of the server: {key}"),
            None => "a limit of the server".to_owned(),
        };
        let mut keys: Vec<&str> = limited.iter().filter_map(|(_, _, key)| key.as_deref()).collect();
        keys.dedup();
        let remedy = match keys[..] {
            [] => "look at the server's log for what refused".to_owned(),
            _ => format!(
                "raise {} in the dynamic configuration, or ask for less",
                keys.join(", ")
            ),
        };
        let evidence = limited
            .iter()
            .take(limits::FINDINGS)
            .map(|(_, what, _)| what.clone())
            .collect();
        let kind = if heavy { Refused } else { Waited };
        found.push(finding(
            "exhausted",
            (kind, share.unwrap_or(1.0)),
            headline,
            evidence,
            remedy,
        ));
    }
    if busy > 0.0 {
        found.push(finding(
            "busy-workflow",
            (Aside, busy),
            "single workflows were asked for more than they can do at the same time",
            vec![format!("{} refused as BusyWorkflow", rate(busy))],
            "it is the workload's own doing, and no limit of the cluster",
        ));
    }
    found
}

fn or_nameless(name: &str) -> String {
    match name {
        "" => "no name".to_owned(),
        name => text::line(name, LABEL),
    }
}

/// A pool of database connections is used up: in one place, or everywhere.
fn pools(seen: &Seen) -> Option<Finding> {
    let (labels, highest, mean) = fullest(seen)?;
    if highest < limits::POOL_FULL {
        return None;
    }
    let replica = or_nameless(label(labels, "instance"));
    let mut evidence = vec![format!(
        "connections in use {} at {replica} (full from {})",
        percent(highest),
        percent(limits::POOL_FULL)
    )];
    if let Some(mean) = mean {
        evidence.push(format!("{} on average over the replicas", percent(mean)));
    }
    let alone = mean.is_some_and(|mean| mean < limits::POOL_ELSEWHERE);
    let (rule, headline, remedy) = if alone {
        (
            "pool-of-one",
            format!("the connections of one replica are used up, {replica}, while the mean looks idle"),
            "more replicas, or more shards, so that no single one has most of the work",
        )
    } else {
        (
            "pool",
            "the pool of database connections is too small".to_owned(),
            "raise maxConns of the server's data store, as far as the database has room for it",
        )
    };
    Some(finding(rule, (UsedUp, highest), headline, evidence, remedy))
}

/// The fullest replica of either kind of pool, and the mean of its kind.
fn fullest<'a>(seen: &'a Seen<'_>) -> Option<(&'a BTreeMap<String, String>, f64, Option<f64>)> {
    let sql = seen.highest(names::SQL_POOL).map(|(labels, fill)| {
        let kind = label(labels, "db_kind");
        (
            labels,
            fill,
            seen.labelled(names::SQL_POOL_MEAN, "db_kind", kind)
                .or_else(|| seen.value(names::SQL_POOL_MEAN)),
        )
    });
    let dsql = seen
        .highest(names::DSQL_POOL)
        .map(|(labels, fill)| (labels, fill, seen.value(names::DSQL_POOL_MEAN)));
    [sql, dsql].into_iter().flatten().max_by(|a, b| a.1.total_cmp(&b.1))
}

fn shard_lock(seen: &Seen) -> Option<Finding> {
    let waits = [
        (names::SHARD_LOCK_P95, "shard lock"),
        (names::SHARD_SEMAPHORE_P95, "shard's database calls"),
    ];
    let waits: Vec<(f64, &str)> = waits
        .iter()
        .filter_map(|(name, word)| Some((seen.value(name)?, *word)))
        .filter(|(wait, _)| *wait > limits::SHARD_LOCK_MS)
        .collect();
    let longest = waits.iter().map(|(wait, _)| *wait).reduce(f64::max)?;
    let mut evidence: Vec<String> = waits
        .iter()
        .map(|(wait, word)| {
            format!(
                "wait for the {word} p95 {} (limit {})",
                ms(*wait),
                ms(limits::SHARD_LOCK_MS)
            )
        })
        .collect();
    let shards = seen.results.environment.server.history_shards.value;
    if let Some(shards) = shards {
        evidence.push(crate::format::plural(u64::from(shards), "history shard"));
    }
    Some(finding(
        "shard-lock",
        (Waited, longest / limits::SHARD_LOCK_MS),
        "too few history shards for this rate",
        evidence,
        "a cluster with more shards: their number is fixed when a cluster is made",
    ))
}

fn database(seen: &Seen) -> Option<Finding> {
    let write = seen.value(names::START_WRITE_P95)?;
    let start = seen.value(names::FRONTEND_START_P95)?;
    let is_full = fullest(seen).is_some_and(|(_, fill, _)| fill >= limits::POOL_FULL);
    if write <= start * limits::DATABASE_SHARE || is_full {
        return None;
    }
    // Two percentiles: the part may be longer than the whole.
    let share = (write / start).min(1.0);
    Some(finding(
        "database",
        (Waited, share / limits::DATABASE_SHARE),
        "the database",
        vec![
            format!("a start's write p95 {}", ms(write)),
            format!(
                "of {} in the frontend: {} (limit {})",
                ms(start),
                percent(share),
                percent(limits::DATABASE_SHARE)
            ),
        ],
        "look at the database's own CPU, commit latency and locks",
    ))
}

/// A start takes much longer for who sends it than for who serves it.
fn between(seen: &Seen) -> Option<Finding> {
    let frontend = seen.value(names::FRONTEND_START_P95)?;
    let generator = seen.measure.latencies.start_service.accepted.p95?;
    let difference = generator - frontend;
    if difference <= limits::BETWEEN_MS || difference <= generator * limits::BETWEEN_SHARE {
        return None;
    }
    Some(finding(
        "between",
        (Waited, difference / limits::BETWEEN_MS),
        "what lies between the generator and the frontend: a proxy, the connections, the network",
        vec![format!(
            "start p95 {} as sent and {} in the frontend (limit {} and half)",
            ms(generator),
            ms(frontend),
            ms(limits::BETWEEN_MS)
        )],
        "run the generator beside the frontends, or with more connections (--connections)",
    ))
}

fn evictions(seen: &Seen) -> Option<Finding> {
    let share = seen
        .value(names::EVICTIONS)
        .filter(|share| *share > limits::EVICTIONS)?;
    Some(finding(
        "sticky-cache",
        (Waited, share / limits::EVICTIONS),
        "the workers' cache of workflows is too small",
        vec![format!(
            "forced evictions {} of the workflow tasks (limit {})",
            percent(share),
            percent(limits::EVICTIONS)
        )],
        "raise --cache-size, or add workers",
    ))
}

fn conflicts(seen: &Seen) -> Option<Finding> {
    let share = seen
        .value(names::DSQL_CONFLICTS)
        .filter(|share| *share > limits::DSQL_CONFLICTS)?;
    Some(finding(
        "dsql-conflicts",
        (Waited, share / limits::DSQL_CONFLICTS),
        "transactions of the DSQL cluster contend for keys",
        vec![format!(
            "conflicts {} of the transactions (limit {})",
            percent(share),
            percent(limits::DSQL_CONFLICTS)
        )],
        "spread the load over more workflows and task queues, or ask for less at the same time",
    ))
}
