//! Whatever a member says, the results can be written, and read back by the reader that refuses what no run writes: the
//! leader, the intake, the account, the list of members, the writer and the reader are the real ones.

#[path = "../../../tests/crew/mod.rs"]
mod members;

use std::{path::Path, time::Duration};

use benchmark_fleet::{columns, wire};
use benchmark_results::{
    Histogram, RunParts, assemble, file,
    schema::{Fact, Reconciliation, Results},
};
use benchmark_scenarios::Plan;
use members::{Led, RUN, join, join_request};
use proptest::{prelude::*, sample::Index, strategy::ValueTree};

use crate::{
    fleet::leader::FleetLeader,
    load::sample::HashedSample,
    run::{iteration, members::View, submission::Submission},
};

/// A run whose five seconds are over, its members, and its account: with the ramp 48 arrivals for each of two generators.
struct Run {
    plan: Plan,
    fleet: FleetLeader,
    submission: Submission,
    stored: Results,
}

impl Run {
    fn new() -> Run {
        let plan = members::plan("20", "5s");
        let led = Led::since(&plan, Duration::from_secs(60), HashedSample::new(1, 0.5), |_| {});
        let submission = Submission::of_account(&plan, &led.schedule, led.timeline, led.accountant);
        Run {
            submission,
            plan,
            fleet: led.fleet,
            stored: stored(),
        }
    }

    /// Writes what came of it, and reads that.
    async fn read_back(mut self) -> Result<Results, String> {
        let submission = &mut self.submission;
        submission.hear(&self.fleet);
        let host = self.stored.environment.host.clone();
        let taken = iteration::take(submission).await.unwrap();
        let members = View::take(&self.fleet, "leader", &host, submission).await.unwrap();
        let part = iteration::parts(
            &self.plan,
            submission,
            taken,
            Reconciliation::not_made("a test"),
            &Fact::missing("a test"),
            self.stored.run.started_at.clone(),
            |health| members.fleet(&self.plan, submission, health),
        );
        let parts = RunParts {
            run: self.stored.run,
            plan: self.plan.clone(),
            environment: self.stored.environment,
            iterations: vec![part],
            server_figures: Vec::new(),
            events: std::mem::take(&mut submission.events),
            complete: true,
            signal: None,
        };
        let results = assemble(parts).map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.json");
        file::write_atomically(&path, &results).map_err(|error| error.to_string())?;
        file::read(&path).map_err(|error| format!("{error:#}"))
    }
}

/// Numbers that are small, at the edges, and beyond everything.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..60_u64,
        1 => prop::sample::select(vec![u64::MAX, u64::MAX / 2, 1 << 53, 1_000_000_000_000_001, u64::from(u32::MAX)]),
        1 => any::<u64>(),
    ]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..4.0,
        prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0, f64::MAX, -f64::MAX, 1e16])
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        ".{0,30}",
        (1_000..40_000_usize).prop_map(|length| "\u{1b}[2Jé".repeat(length / 6))
    ]
}

fn slots() -> impl Strategy<Value = Option<wire::Slots>> {
    prop::option::of((any::<u32>(), any::<u32>()).prop_map(|(used, free)| wire::Slots { used, free }))
}

prop_compose! {
    fn status()(
        flags in any::<[bool; 3]>(), waiting_for in text(), used in (share(), share()), numbers in prop::array::uniform4(number()),
        offset in prop::option::of(any::<i64>()), slots in (slots(), slots()), polls: Option<u32>, iteration in 0..3_u32,
    ) -> wire::Status {
        wire::Status {
            ready: flags[0],
            done: flags[1],
            aborted: flags[2],
            waiting_for,
            iteration,
            cpu_cores: used.0,
            cpu_share: used.1,
            memory_bytes: numbers[0],
            windows_dropped: numbers[1],
            clock_uncertainty_ns: numbers[2],
            stopped_at_ns: Some(numbers[3]),
            clock_offset_ns: offset,
            workflow_slots: slots.0,
            activity_slots: slots.1,
            polls,
            ..Default::default()
        }
    }
}

/// A histogram of so many latencies, most of the time; and what is none.
fn histogram(count: u64, kind: u8) -> Vec<u8> {
    let mut histogram = Histogram::new();
    for n in 0..count.min(1_000) {
        histogram.record(Duration::from_micros(1 << (n % 50)));
    }
    match (kind, count) {
        (0, _) => vec![7; 40],
        (1, _) => Histogram::new().to_bytes(),
        (_, 0) => Vec::new(),
        _ => histogram.to_bytes(),
    }
}

prop_compose! {
    fn samples()(phase in 0..5_i32, counts in prop::array::uniform7(number()), kind in 0..12_u8) -> wire::PhaseSamples {
        let pair = |count| Some(wire::Pair { service: histogram(count, kind), response: histogram(count, kind) });
        wire::PhaseSamples {
            phase,
            arrivals: counts[0],
            dispatched: counts[1],
            dropped_lag: counts[2],
            dropped_cap: counts[3],
            accepted: counts[4],
            rejected: counts[5],
            unknown: counts[6],
            lag: histogram(counts[1], kind),
            accepted_latency: pair(counts[4]),
            rejected_latency: pair(counts[5]),
            unanswered_latency: pair(counts[6]),
            lag_at_cap: histogram(counts[1], kind),
            dropped_at_cap: counts[0],
            rejected_by: vec![
                wire::CodeCount { code: "UNAVAILABLE".to_owned(), count: counts[5] },
                wire::CodeCount { code: String::from_utf8_lossy(&[kind; 9]).into_owned(), count: counts[6] },
                wire::CodeCount { code: "UNAVAILABLE".to_owned(), count: counts[0] },
            ],
        }
    }
}

prop_compose! {
    fn second()(
        second in number(), counts in prop::array::uniform7(number()), sent in (0..5_i32, number()),
        phases in prop::collection::vec(samples(), 0..3),
    ) -> wire::StartSecond {
        wire::StartSecond {
            second,
            dispatched: counts[0],
            dropped: counts[1],
            accepted: counts[2],
            rejected: counts[3],
            unknown: counts[4],
            in_flight: counts[5],
            peak_in_flight: counts[6],
            sent_in: vec![wire::SentIn { phase: sent.0, count: sent.1 }],
            phases,
            waited_at_cap: counts[0],
            held_at_cap: counts[1],
        }
    }
}

prop_compose! {
    fn starts()(
        seconds in prop::collection::vec(second(), 0..3), ends in prop::collection::vec((number(), 0..6_i32), 0..20),
        errors in prop::collection::vec((text(), number(), number(), text()), 0..3),
        polls in prop::collection::vec((number(), 0..7_i32, number(), number()), 0..4), health in health(),
    ) -> wire::window::Body {
        wire::window::Body::Starts(wire::Starts {
            seconds,
            ends: Some(wire::StartEnds {
                n: columns::encode(ends.iter().map(|(n, _)| *n)),
                end: ends.iter().map(|(_, end)| *end).collect(),
            }),
            errors: errors
                .into_iter()
                .map(|(code, count, n, message)| wire::StartError {
                    code,
                    count,
                    examples: vec![wire::ErrorExample { n, message }],
                })
                .collect(),
            polls: polls.into_iter().map(|(n, end, sent, seen)| wire::Poll { n, end, sent, seen, asked: seen % 2 == 0, closed: (seen % 3 == 0).then_some(seen), closed_wrong: sent }).collect(),
            health_json: health,
        })
    }
}

prop_compose! {
    fn ends()(records in prop::collection::vec((number(), number(), any::<i64>()), 0..20), kind in 0..4_i32, message in text())
        -> wire::window::Body
    {
        wire::window::Body::Ends(wire::Ends {
            n: columns::encode(records.iter().map(|record| record.0)),
            ended_unix_ns: columns::encode(records.iter().map(|record| record.1)),
            service_ns: records.iter().map(|record| record.2).collect(),
            others: vec![wire::OtherEnd { index: 0, kind, message }],
        })
    }
}

/// Facts whose figures and texts are replaced.
fn facts(json: String) -> impl Strategy<Value = String> {
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let with = prop_oneof![
        number().prop_map(serde_json::Value::from),
        share().prop_map(serde_json::Value::from),
        text().prop_map(serde_json::Value::from),
        Just(serde_json::json!(vec![vec!["x"; 9]; 9])),
    ];
    (any::<Index>(), with, any::<bool>()).prop_map(move |(which, with, change)| {
        let mut value = value.clone();
        if let Some(fields) = value.as_object_mut().filter(|_| change) {
            let which = which.index(fields.len());
            let field = fields.values_mut().nth(which).unwrap();
            // Facts have their figure one level below.
            match field.get_mut("value") {
                Some(inner) => *inner = with,
                None => *field = with,
            }
        }
        value.to_string()
    })
}

fn stored() -> Results {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/files/v1/short.json");
    file::read(&path).unwrap()
}

fn health() -> impl Strategy<Value = String> {
    let json = serde_json::to_string(&stored().generator).unwrap();
    prop_oneof![Just(String::new()), facts(json), text()]
}

/// What one member does: a generator (of the only place), or the worker.
#[derive(Clone, Debug)]
struct Act {
    join: wire::JoinRequest,
    exchanges: Vec<(wire::window::Body, wire::Status, String)>,
}

fn act() -> impl Strategy<Value = Act> {
    let host = serde_json::to_string(&stored().environment.host).unwrap();
    let workers = serde_json::json!({
        "count": 1, "workflowSlots": 5, "activitySlots": 5, "localActivitySlots": 5, "pollers": "p",
        "maxCachedWorkflows": 5, "identities": vec!["w"; 400], "taskQueues": ["q"],
    });
    let workers = prop_oneof![Just(String::new()), facts(workers.to_string())];
    let role = prop_oneof![Just(wire::Role::Worker), Just(wire::Role::Generator)];
    let body = prop_oneof![starts(), ends()];
    let exchanges = prop::collection::vec((body, status(), text()), 0..5);
    (role, any::<[u8; 16]>(), text(), facts(host), workers, exchanges).prop_map(
        |(role, key, name, host_json, workers_json, exchanges)| Act {
            join: wire::JoinRequest {
                name: format!("m{name}").chars().take(60).collect(),
                workers_json,
                ..join_request(role, key, &host_json)
            },
            exchanges,
        },
    )
}

fn play(run: &Run, act: Act) -> u64 {
    let key = act.join.key.clone();
    let leader = run.fleet.leader();
    if join(leader, act.join).is_err() {
        return 0;
    }
    let mut taken = 0;
    for (body, status, reason) in act.exchanges {
        let window = wire::Window {
            sequence: taken + 1,
            run: RUN.to_owned(),
            body: Some(body),
            clock_offset_ns: Some(i64::MIN),
            clock_used_ns: i64::MAX,
            clock_uncertainty_ns: taken,
            clock_step_ns: u64::MAX,
        };
        let request = wire::ExchangeRequest {
            key: key.clone(),
            windows: vec![window],
            status: Some(status),
            leaving: !reason.is_empty(),
            reason,
            ..Default::default()
        };
        let Ok(response) = leader.exchange(request) else { break };
        taken = response.acked;
    }
    taken
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_members_say_the_results_can_be_read_back(
        acts in prop::collection::vec(act(), 1..4),
    ) {
        let run = Run::new();
        for act in acts {
            play(&run, act);
        }
        let read = runtime().block_on(run.read_back());
        prop_assert!(read.is_ok(), "{}", read.unwrap_err());
    }
}

/// The generator's words of the property above, with figures that are possible: they reach the account.
#[test]
fn what_is_possible_is_written_down() {
    let run = Run::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut act = act().new_tree(&mut runner).unwrap().current();
    act.join.role = wire::Role::Generator.into();
    act.join.host_json = serde_json::to_string(&stored().environment.host).unwrap();
    act.join.workers_json = String::new();
    let samples = wire::PhaseSamples {
        phase: wire::Phase::Measure.into(),
        arrivals: 3,
        dispatched: 3,
        accepted: 3,
        lag: histogram(3, 9),
        accepted_latency: Some(wire::Pair {
            service: histogram(3, 9),
            response: histogram(3, 9),
        }),
        ..Default::default()
    };
    let body = wire::window::Body::Starts(wire::Starts {
        seconds: vec![wire::StartSecond {
            second: 3,
            dispatched: 3,
            accepted: 3,
            phases: vec![samples],
            ..Default::default()
        }],
        ends: Some(wire::StartEnds {
            n: columns::encode([61, 63, 65]),
            end: vec![2; 3],
        }),
        health_json: serde_json::to_string(&stored().generator).unwrap(),
        ..Default::default()
    });
    act.exchanges = vec![(body, wire::Status::default(), String::new())];
    assert_eq!(play(&run, act), 1);
    let results = runtime().block_on(run.read_back()).unwrap();
    assert_eq!(results.phases.measure.ledger.accepted, 3);
    let member = &results.fleet.members[1];
    assert_eq!(member.starts.as_ref().unwrap().accepted, 3);
    assert_eq!(member.generator.as_ref(), Some(&stored().generator));
}

/// More than all of its part, told in messages that are possible one by one: no sum is beyond what the run has.
#[test]
fn nobody_tells_of_more_than_its_part() {
    let run = Run::new();
    let leader = run.fleet.leader();
    let host = serde_json::to_string(&stored().environment.host).unwrap();
    join(leader, join_request(wire::Role::Generator, [1; 16], &host)).unwrap();
    let tell = |sequence| {
        let second = wire::StartSecond {
            second: 1,
            dispatched: 20,
            ..Default::default()
        };
        let starts = wire::Starts {
            seconds: vec![second],
            ..Default::default()
        };
        leader.exchange(wire::ExchangeRequest {
            key: vec![1; 16],
            windows: vec![wire::Window {
                sequence,
                run: RUN.to_owned(),
                body: Some(wire::window::Body::Starts(starts)),
                ..wire::Window::default()
            }],
            ..Default::default()
        })
    };
    tell(1).unwrap();
    tell(2).unwrap();
    let refusal = tell(3).unwrap_err();
    assert!(
        refusal.reason.contains("a count of 60 in a part with 48 arrivals"),
        "{refusal}"
    );
}
