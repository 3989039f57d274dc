//! What the page tells is the account: it closes at every instant, no counter falls, and in the end it is the result.

mod quantiles;

use std::{collections::BTreeMap, time::Duration};

use benchmark_metrics::{
    FamilyKind, Format, LATENCY_EDGES, Registry, Sample, Value,
    protobuf::{self, MetricFamily},
};
use benchmark_results::{
    Histogram, WorkflowEnd,
    schema::{Phase, VerdictValue},
};
use benchmark_scenarios::{Arrivals, Key, Load, Rate, WhenFull};
use proptest::prelude::*;
use prost::Message as _;

use super::{
    GENERATOR_SERIES, Page, RUN_SERIES, RunFacts,
    run::{Run, distribution, name_of},
    table,
};
use crate::{
    account::accounts::{Accounts, Origin, StampedEnd},
    load::{
        sample::HashedSample,
        schedule::Schedule,
        shard::{PhaseSamples, ShardWindow, StartEnd},
    },
    testing,
    view::watcher::LivePhase,
};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;
const PHASES: [Phase; 2] = [Phase::WarmUp, Phase::Measure];

fn schedule() -> Schedule {
    Schedule::new(&Load {
        rate: Rate::from_thousandths(100_000).unwrap(),
        duration: Duration::from_secs(3),
        ramp_up: Duration::ZERO,
        warm_up: Duration::from_secs(1),
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
        arrivals: Arrivals::Constant,
        seed: 1,
        max_in_flight: 1000,
        when_full: WhenFull::Queue,
        max_lag: Duration::from_secs(1),
    })
}

fn run(stamps: bool, times_ends: bool) -> Run {
    Run::new(RunFacts {
        run_id: "r".to_owned(),
        workload: "simple".to_owned(),
        phases: PHASES.to_vec(),
        stamps,
        times_ends,
    })
}

/// How a start ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Accepted,
    Rejected(&'static str),
    Lost { found: bool },
    TooLate,
    AtCap,
}

/// What becomes of one arrival, and in which second of the script.
#[derive(Clone, Copy, Debug)]
struct Fate {
    start: Start,
    dispatched: u64,
    answered: u64,
    /// How and when its workflow ends, when it runs.
    end: Option<(WorkflowEnd, u64)>,
}

const SCRIPT: u64 = 8;

fn any_fate() -> impl Strategy<Value = Fate> {
    let start = prop_oneof![
        8 => Just(Start::Accepted),
        2 => prop::sample::select(vec!["RESOURCE_EXHAUSTED", "UNAVAILABLE"]).prop_map(Start::Rejected),
        2 => any::<bool>().prop_map(|found| Start::Lost { found }),
        1 => Just(Start::TooLate),
        1 => Just(Start::AtCap),
    ];
    let end = prop::sample::select(vec![
        WorkflowEnd::Completed,
        WorkflowEnd::Completed,
        WorkflowEnd::Failed,
        WorkflowEnd::Cancelled,
    ]);
    (start, 0..SCRIPT, 0..3_u64, prop::option::of((end, 0..4_u64))).prop_map(|(start, dispatched, took, end)| Fate {
        start,
        dispatched,
        answered: (dispatched + took).min(SCRIPT - 1),
        end: end.map(|(end, after)| (end, (dispatched + after).min(SCRIPT - 1))),
    })
}

impl Fate {
    /// Whether the server took the start.
    fn runs(&self) -> bool {
        matches!(self.start, Start::Accepted | Start::Lost { found: true })
    }

    fn told(&self) -> StartEnd {
        match self.start {
            Start::Accepted => StartEnd::Accepted,
            Start::Rejected(_) => StartEnd::Rejected,
            Start::Lost { .. } => StartEnd::Unknown,
            Start::TooLate | Start::AtCap => StartEnd::Dropped,
        }
    }

    /// What a thread writes down of it in one second.
    fn count_into(&self, samples: &mut PhaseSamples, second: u64) {
        let ledger = &mut samples.ledger;
        let is_dropped = matches!(self.start, Start::TooLate | Start::AtCap);
        if second == self.dispatched {
            ledger.arrivals += 1;
            ledger.dispatched += u64::from(!is_dropped);
            ledger.dropped_lag += u64::from(self.start == Start::TooLate);
            ledger.dropped_cap += u64::from(self.start == Start::AtCap);
            if !is_dropped {
                samples.lag.record(Duration::from_micros(100));
            }
        }
        if second == self.answered {
            match self.start {
                Start::Accepted => {
                    ledger.accepted += 1;
                    samples.accepted.record(0, MILLI, 7 * MILLI);
                }
                Start::Rejected(code) => {
                    ledger.rejected += 1;
                    *samples.rejected_by.entry(code).or_default() += 1;
                }
                Start::Lost { .. } => ledger.unknown += 1,
                Start::TooLate | Start::AtCap => {}
            }
        }
    }
}

/// The samples of counters and gauges by name and labels.
fn numbers(samples: &[Sample]) -> BTreeMap<(String, String), u64> {
    let counts = samples.iter().filter_map(|sample| {
        let labels: Vec<String> = sample.labels.iter().skip(2).map(|(_, value)| value.clone()).collect();
        match &sample.value {
            Value::Count(count) => Some(((sample.of.full_name(), labels.join(",")), *count)),
            Value::Distribution(distribution) => Some((
                (format!("{}_count", sample.of.full_name()), labels.join(",")),
                distribution.count(),
            )),
            Value::Number(_) => None,
        }
    });
    counts.collect()
}

fn sum(numbers: &BTreeMap<(String, String), u64>, name: &str, of: &str) -> u64 {
    let found = numbers
        .iter()
        .filter(|((has, labels), _)| has == name && labels.starts_with(of));
    found.map(|(_, count)| count).sum()
}

/// The design's three identities, of what is shown.
fn check_identities(shown: &BTreeMap<(String, String), u64>) -> Result<(), TestCaseError> {
    let all = |name: &str| sum(shown, name, "");
    for phase in PHASES.map(name_of) {
        let of = |name: &str| sum(shown, name, phase);
        prop_assert_eq!(
            of("benchmark_arrivals_total"),
            of("benchmark_starts_dispatched_total") + of("benchmark_starts_dropped_total")
        );
        prop_assert_eq!(
            of("benchmark_workflows_completed_total"),
            sum(
                shown,
                "benchmark_workflows_total",
                &format!("{phase},success,completed")
            )
        );
        // No workflow has a latency that has not completed yet.
        let completed = of("benchmark_workflows_completed_total");
        for latency in [
            "benchmark_workflow_latency_seconds_count",
            "benchmark_workflow_service_latency_seconds_count",
        ] {
            prop_assert!(
                of(latency) <= completed,
                "{phase}: {latency} {}, completed {completed}",
                of(latency)
            );
        }
    }
    prop_assert_eq!(
        all("benchmark_starts_dispatched_total"),
        all("benchmark_starts_rejected_total")
            + all("benchmark_workflows_started_total")
            + all("benchmark_starts_unknown")
            + all("benchmark_starts_in_flight")
    );
    prop_assert_eq!(
        all("benchmark_workflows_started_total"),
        all("benchmark_workflows_total") + all("benchmark_backlog")
    );
    Ok(())
}

/// Tells an account what happens in each second of a script, and takes a cut after each thing that is told.
fn play(
    fates: &[Fate],
    mut cut: impl FnMut(&mut Accounts, u64) -> Result<(), TestCaseError>,
) -> Result<Accounts, TestCaseError> {
    let schedule = schedule();
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
    for second in 0..SCRIPT {
        let now = second * SECOND;
        for (n, fate) in (0..).zip(fates) {
            if let Some((end, at)) = fate.end.filter(|(_, at)| *at == second && fate.runs()) {
                let stamp = StampedEnd {
                    n,
                    sent: schedule.offset(n),
                    ended: schedule.offset(n).max(at * SECOND + 5 * MILLI),
                    end,
                    message: None,
                    told: u64::MAX,
                    wrong: 0,
                };
                accounts.add_stamp(Origin::Leader, stamp);
            }
        }
        cut(&mut accounts, now)?;
        for (n, fate) in (0..).zip(fates).filter(|(_, fate)| fate.answered == second) {
            accounts.add_start(Origin::Leader, n, fate.told());
        }
        cut(&mut accounts, now)?;
        let mut window = ShardWindow {
            second,
            ..ShardWindow::default()
        };
        for (n, fate) in (0..).zip(fates) {
            fate.count_into(window.phases.entry(schedule.phase_of(n)).or_default(), second);
        }
        accounts.add_window(Origin::Leader, &window);
        cut(&mut accounts, now + SECOND)?;
    }
    for n in accounts.unknown(usize::MAX) {
        accounts.resolve_unknown(n, fates[n as usize].start == Start::Lost { found: true });
        cut(&mut accounts, SCRIPT * SECOND)?;
    }
    cut(&mut accounts, u64::MAX)?;
    Ok(accounts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With refusals, drops and lost answers, whatever is told first.
    #[test]
    fn it_closes_at_every_instant_and_ends_as_the_result(fates in prop::collection::vec(any_fate(), 1..250)) {
        let mut run = run(true, true);
        let mut before = numbers(&run.samples());
        check_identities(&before)?;
        prop_assert!(before.values().all(|count| *count == 0), "all stands at 0 before the load");
        let mut accounts = play(&fates, |accounts, at| {
            let cut = accounts.cut(at, &run.known());
            run.take(&cut);
            let now = numbers(&run.samples());
            check_identities(&now)?;
            for (series, count) in &before {
                if series.0.ends_with("_total") || series.0.ends_with("_count") {
                    prop_assert!(now[series] >= *count, "{:?} fell from {} to {}", series, count, now[series]);
                }
            }
            before = now;
            Ok(())
        })?;
        accounts.advance(20 * SECOND);
        for phase in PHASES {
            let account = accounts.phases().get(&phase).cloned().unwrap_or_default();
            let ledger = account.ledger();
            prop_assert_eq!(ledger.broken_identities(), []);
            let phase = name_of(phase);
            let of = |name: &str, labels: &str| sum(&before, name, &format!("{phase}{labels}"));
            prop_assert_eq!(of("benchmark_arrivals_total", ""), ledger.arrivals);
            prop_assert_eq!(of("benchmark_starts_dispatched_total", ""), ledger.dispatched);
            prop_assert_eq!(of("benchmark_starts_dropped_total", ",lag"), ledger.dropped_lag);
            prop_assert_eq!(of("benchmark_starts_dropped_total", ",cap"), ledger.dropped_cap);
            prop_assert_eq!(of("benchmark_starts_rejected_total", ""), ledger.rejected);
            prop_assert_eq!(of("benchmark_starts_rejected_total", ",UNANSWERED"), account.unknown_not_found);
            prop_assert_eq!(of("benchmark_workflows_started_total", ""), ledger.accepted);
            prop_assert_eq!(of("benchmark_workflows_completed_total", ""), ledger.completed);
            for (outcome, count) in [
                (",success,completed", ledger.completed),
                (",failure,failed", ledger.failed),
                (",failure,timed_out", ledger.timed_out),
                (",failure,terminated", ledger.terminated),
                (",failure,cancelled", ledger.cancelled),
            ] {
                prop_assert_eq!(of("benchmark_workflows_total", outcome), count);
            }
            prop_assert_eq!(of("benchmark_start_lag_seconds_count", ""), account.starts.lag.count());
            prop_assert_eq!(of("benchmark_start_latency_seconds_count", ""), account.starts.accepted.response.count());
            let timed = account.ends.completed.as_ref().map_or(0, |pair| pair.response.count());
            prop_assert_eq!(of("benchmark_workflow_latency_seconds_count", ""), timed);
        }
        prop_assert_eq!(before[&("benchmark_starts_unknown".to_owned(), String::new())], 0);
        prop_assert_eq!(before[&("benchmark_starts_in_flight".to_owned(), String::new())], 0);
        prop_assert_eq!(before[&("benchmark_backlog".to_owned(), String::new())], accounts.backlog());
    }

    /// A second iteration goes on where the first one ended.
    #[test]
    fn iterations_add_up(fates in prop::collection::vec(any_fate(), 1..50)) {
        let mut run = run(true, true);
        let mut once = BTreeMap::new();
        for iteration in 0..2 {
            play(&fates, |accounts, at| {
                run.take(&accounts.cut(at, &run.known()));
                check_identities(&numbers(&run.samples()))
            })?;
            run.take_events(["interrupted", "interrupted"].into_iter());
            run.close();
            if iteration == 0 {
                once = numbers(&run.samples());
            }
        }
        for (series, count) in numbers(&run.samples()) {
            prop_assert_eq!(count, 2 * once[&series], "{:?}", series);
        }
    }
}

#[test]
fn ends_of_the_second_that_goes_on_are_left_out() {
    let mut run = run(true, true);
    let accepted = Fate {
        start: Start::Accepted,
        dispatched: 0,
        answered: 0,
        end: Some((WorkflowEnd::Completed, 1)),
    };
    let mut seen = Vec::new();
    play(&[accepted; 3], |accounts, at| {
        run.take(&accounts.cut(at, &run.known()));
        let shown = numbers(&run.samples());
        seen.push((
            at / SECOND,
            sum(&shown, "benchmark_workflows_completed_total", ""),
            sum(&shown, "benchmark_backlog", ""),
        ));
        Ok(())
    })
    .unwrap();
    assert!(seen.contains(&(1, 0, 3)), "{seen:?}");
    assert!(seen.contains(&(2, 3, 0)), "{seen:?}");
    assert!(
        !seen.contains(&(1, 3, 0)),
        "they ended in second 1, which is not over: {seen:?}"
    );
}

#[test]
fn what_nobody_observes_is_absent() {
    let names = |run: &Run| -> Vec<&str> { run.samples().iter().map(|sample| sample.of.name).collect() };
    let all = names(&run(true, true));
    let sampled = names(&run(false, true));
    let nobody = names(&run(false, false));
    for name in [
        "benchmark_workflows",
        "benchmark_workflows_completed",
        "benchmark_throughput_per_second",
        "benchmark_backlog",
    ] {
        assert!(
            all.contains(&name) && !sampled.contains(&name) && !nobody.contains(&name),
            "{name}"
        );
    }
    for name in ["benchmark_workflow_latency", "benchmark_workflow_service_latency"] {
        assert!(
            all.contains(&name) && sampled.contains(&name) && !nobody.contains(&name),
            "{name}"
        );
    }
    for absent in [
        "benchmark_run_verdict",
        "benchmark_run_info",
        "benchmark_phase_start_timestamp",
    ] {
        assert!(!all.contains(&absent), "{absent} before it is known");
    }
    assert!(nobody.contains(&"benchmark_workflows_started"));
}

#[test]
fn a_run_has_at_most_700_series() {
    let mut facts = run(true, true).facts;
    facts.phases.insert(0, Phase::Ramp);
    let mut run = Run::new(facts);
    run.verdict = Some(VerdictValue::Valid);
    run.info = vec![("version", "1".to_owned())];
    for role in ["generator", "worker", "leader"] {
        for presence in ["present", "silent", "lost", "left"] {
            run.members.insert((role, presence), 1);
        }
    }
    run.take_events(
        [
            "joined",
            "left",
            "lost",
            "interrupted",
            "stopped",
            "silent",
            "returned",
            "ready",
        ]
        .into_iter(),
    );
    let series = run.samples().into_iter().map(|sample| match sample.of.kind {
        FamilyKind::Histogram => LATENCY_EDGES.len() + 3,
        _ => 1,
    });
    let series: usize = series.sum();
    // Twelve more codes of refused starts than the one that is always there, in each phase.
    assert!(series + 3 * 12 <= 700, "{series}");
}

#[test]
fn samples_have_the_labels_that_are_described() {
    let mut run = run(true, true);
    run.verdict = Some(VerdictValue::Invalid);
    run.begun.insert("ramp", 1.0);
    run.take_events(["joined"].into_iter());
    run.members.insert(("worker", "present"), 1);
    let samples = run.samples();
    for sample in &samples {
        let labels: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
        assert_eq!(labels, sample.of.labels, "{}", sample.of.name);
    }
    for described in RUN_SERIES
        .iter()
        .filter(|described| described.name != "benchmark_run_info")
    {
        assert!(
            samples.iter().any(|sample| sample.of == *described),
            "{}",
            described.name
        );
    }
    assert!(
        RUN_SERIES
            .iter()
            .chain(GENERATOR_SERIES)
            .all(|described| described.name.starts_with("benchmark_"))
    );
}

#[tokio::test]
async fn one_page_shows_the_run_that_goes_on_and_the_one_before() {
    let plan = testing::plan([(Key::TaskQueue, "q")]);
    let page = Page::open(None).await.unwrap();
    let text = || String::from_utf8(page.registry().encode(Format::Plain).unwrap()).unwrap();
    for (at, id) in ["one", "two", "three"].into_iter().enumerate() {
        let run = page.begin(&plan, id);
        let begun = text();
        let zero = |name: &str| format!("{name}{{run_id=\"{id}\",workload=\"simple\",phase=\"measure\"}} 0.0\n");
        assert!(
            begun.contains(&zero("benchmark_arrivals_total")),
            "it stands at 0: {begun}"
        );
        assert!(
            begun.contains(&zero("benchmark_workflow_latency_seconds_count")),
            "{begun}"
        );
        assert_eq!(begun.contains("run_id=\"one\""), at < 2, "{begun}");
        run.introduce(&plan, "1", Some("abc"), None);
        run.enter(LivePhase::Drain);
        run.finish(VerdictValue::Overloaded);
        let over = text();
        for line in [
            format!("benchmark_run_verdict{{run_id=\"{id}\",workload=\"simple\",verdict=\"OVERLOADED\"}} 1.0\n"),
            format!("benchmark_run_verdict{{run_id=\"{id}\",workload=\"simple\",verdict=\"VALID\"}} 0.0\n"),
            format!("benchmark_phase{{run_id=\"{id}\",phase=\"drain\"}} 0.0\n"),
            format!("benchmark_phase{{run_id=\"{id}\",phase=\"done\"}} 1.0\n"),
            format!("benchmark_phase_start_timestamp_seconds{{run_id=\"{id}\",phase=\"drain\"}} "),
            "server_version=\"unknown\",namespace=\"benchmark\",task_queue=\"q\"} 1.0\n".to_owned(),
        ] {
            assert!(over.contains(&line), "no {line} in {over}");
        }
    }
}
