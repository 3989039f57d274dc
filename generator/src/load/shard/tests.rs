//! The start loop on a scripted clock against a scripted frontend.

mod cause;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use benchmark_results::Ledger;
use benchmark_scenarios::{Arrivals, Rate};
use proptest::prelude::*;

use super::*;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

fn load(per_second: u64, seconds: u64, max_in_flight: u32, when_full: WhenFull) -> Load {
    Load {
        rate: Rate::from_thousandths(per_second * 1000).unwrap(),
        duration: Duration::from_secs(seconds),
        ramp_up: Duration::ZERO,
        warm_up: Duration::ZERO,
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
        arrivals: Arrivals::Constant,
        seed: 1,
        max_in_flight,
        when_full,
        max_lag: Duration::from_secs(1),
    }
}

/// What a simulated run left behind.
struct Outcome {
    phases: BTreeMap<Phase, Box<PhaseSamples>>,
    windows: Vec<ShardWindow>,
    ends: Vec<(u64, StartEnd)>,
    peak_in_flight: u64,
    aborted: bool,
}

impl Outcome {
    fn samples(&self) -> PhaseSamples {
        self.phases.values().fold(PhaseSamples::default(), |mut sum, phase| {
            sum.add(phase);
            sum
        })
    }

    /// The start side of the ledger with every accepted workflow still open, so that the identities can be asked.
    fn ledger(&self) -> Ledger {
        let mut ledger = self.samples().ledger;
        ledger.open = ledger.accepted;
        ledger
    }
}

/// Runs a shard through its whole schedule. `frontend` gives, for each start, when it is answered and how.
fn simulate(load: &Load, stop_at: Option<u64>, mut frontend: impl FnMut(Dispatched) -> (u64, StartAnswer)) -> Outcome {
    let schedule = Schedule::new(load);
    let mut shard = Shard::new(&schedule, Stripe::WHOLE, Admission::of_stripe(load, Stripe::WHOLE));
    let mut answers: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut pending = BTreeMap::new();
    let mut outcome = Outcome {
        phases: BTreeMap::new(),
        windows: Vec::new(),
        ends: Vec::new(),
        peak_in_flight: 0,
        aborted: false,
    };
    let mut now = 0;
    loop {
        if stop_at.is_some_and(|stop_at| now >= stop_at) {
            shard.stop(stop_at.unwrap());
        }
        while answers.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Reverse((at, n)) = answers.pop().unwrap();
            let (start, answer) = pending.remove(&n).unwrap();
            shard.answered(at.max(now), start, answer);
        }
        let idle_until = match shard.poll(now) {
            Action::Dispatch(start) => {
                assert!(start.sent >= start.arrival.due, "sent before it was due");
                let (at, answer) = frontend(start);
                assert!(at >= now, "the script answers in the past");
                answers.push(Reverse((at, start.arrival.n)));
                pending.insert(start.arrival.n, (start, answer));
                outcome.peak_in_flight = outcome.peak_in_flight.max(shard.in_flight());
                continue;
            }
            Action::Wait(until) | Action::Full(until) => until,
            Action::Abort => {
                outcome.aborted = true;
                u64::MAX
            }
            Action::Done => u64::MAX,
        };
        let next_answer = answers.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        let next_stop = stop_at.filter(|stop_at| *stop_at > now).unwrap_or(u64::MAX);
        let next = if idle_until == u64::MAX {
            next_answer
        } else {
            idle_until.min(next_answer).min(next_stop)
        };
        if next == u64::MAX {
            break;
        }
        now = next;
    }
    outcome.windows = shard.finish();
    outcome.ends = shard.take_ends();
    for window in &outcome.windows {
        for (phase, samples) in &window.phases {
            outcome.phases.entry(*phase).or_default().add(samples);
        }
    }
    outcome
}

/// A frontend that answers after 100 µs, except that it stands still for one second.
fn stalls_once(start: Dispatched) -> (u64, StartAnswer) {
    let (stall, resume) = (5 * SECOND, 6 * SECOND);
    let ready = start.sent + MILLI / 10;
    let at = if (stall..resume).contains(&start.sent) {
        resume.max(ready)
    } else {
        ready
    };
    (at, StartAnswer::Accepted)
}

#[test]
fn a_stall_shows_in_the_response_time_whatever_the_cap_is() {
    for max_in_flight in [1, 10, 1_000, 100_000] {
        let outcome = simulate(&load(1_000, 10, max_in_flight, WhenFull::Queue), None, stalls_once);
        let samples = outcome.samples();
        assert_eq!(samples.ledger.dropped(), 0, "cap {max_in_flight}");
        assert_eq!(samples.ledger.accepted, 10_000, "cap {max_in_flight}");
        let p99 = samples.accepted.response.to_latency().p99.unwrap();
        assert!(
            (880.0..930.0).contains(&p99),
            "cap {max_in_flight}: start_response p99 {p99} ms"
        );
    }
}

#[test]
fn with_one_start_in_flight_the_service_time_hides_the_stall() {
    let outcome = simulate(&load(1_000, 10, 1, WhenFull::Queue), None, stalls_once);
    let p99 = outcome.samples().accepted.service.to_latency().p99.unwrap();
    assert!(p99 < 1.0, "start_service p99 {p99} ms");
    assert_eq!(outcome.peak_in_flight, 1);
}

#[test]
fn arrivals_older_than_the_longest_lag_are_dropped_and_counted() {
    // Three seconds of silence with one start in flight: two seconds' worth of arrivals outlive the bucket.
    let frontend = |start: Dispatched| {
        let ready = start.sent + MILLI / 10;
        let at = if (SECOND..4 * SECOND).contains(&start.sent) {
            4 * SECOND
        } else {
            ready
        };
        (at, StartAnswer::Accepted)
    };
    let ledger = simulate(&load(1_000, 10, 1, WhenFull::Queue), None, frontend).ledger();
    assert!((1_990..=2_010).contains(&ledger.dropped_lag), "{ledger:?}");
    assert_eq!(ledger.dropped_cap, 0);
    assert_eq!(ledger.arrivals, 10_000);
    assert_eq!(ledger.broken_identities(), []);
}

#[test]
fn a_full_generator_drops_at_once_when_told_to() {
    let outcome = simulate(&load(1_000, 10, 10, WhenFull::Drop), None, stalls_once);
    let ledger = outcome.ledger();
    assert_eq!(ledger.dropped_lag, 0);
    assert!((985..=995).contains(&ledger.dropped_cap), "{ledger:?}");
    let lag = outcome.samples().lag.to_latency().max.unwrap();
    assert!(
        lag < 0.1,
        "nothing waits when full arrivals are dropped, but lag reached {lag} ms"
    );
}

#[test]
fn a_full_generator_ends_the_run_when_told_to() {
    let outcome = simulate(&load(1_000, 10, 10, WhenFull::Abort), None, stalls_once);
    assert!(outcome.aborted);
    let ledger = outcome.ledger();
    assert_eq!(ledger.dropped_cap, 1);
    assert!((5_000..5_020).contains(&ledger.arrivals), "{ledger:?}");
    assert_eq!(ledger.broken_identities(), []);
}

#[test]
fn what_falls_due_between_an_abort_and_the_end_of_the_run_is_dropped() {
    for stops in [true, false] {
        let load = load(1_000, 10, 5, WhenFull::Abort);
        let schedule = Schedule::new(&load);
        let mut shard = Shard::new(&schedule, Stripe::WHOLE, Admission::of_stripe(&load, Stripe::WHOLE));
        let mut now = 0;
        loop {
            match shard.poll(now) {
                Action::Dispatch(_) => {}
                Action::Wait(until) => now = until,
                Action::Abort => break,
                other => panic!("{other:?}"),
            }
        }
        // Whoever watches hears of it later.
        now += 100 * MILLI;
        assert_eq!(shard.poll(now), Action::Abort);
        assert_eq!(shard.poll(schedule.end() - 1), Action::Abort);
        let end = if stops { now } else { schedule.end() };
        if stops {
            shard.stop(now);
        }
        assert_eq!(shard.poll(end), Action::Done);
        let due = if stops {
            schedule.count_before(now + 1)
        } else {
            schedule.total()
        };
        // Five are unanswered.
        assert_eq!(shard.take_ends().len() as u64 + 5, due);
        let windows = shard.finish();
        assert_eq!(windows.iter().map(|window| window.dropped).sum::<u64>() + 5, due);
    }
}

#[test]
fn each_second_has_its_window() {
    let outcome = simulate(&load(1_000, 10, 1_000, WhenFull::Queue), None, stalls_once);
    let seconds: Vec<u64> = outcome.windows.iter().map(|window| window.second).collect();
    assert_eq!(seconds, (0..10).collect::<Vec<_>>());
    assert!(outcome.windows.iter().all(|window| window.dispatched == 1_000));
    assert_eq!(outcome.windows[5].accepted, 0);
    assert_eq!(outcome.windows[5].in_flight, 1_000);
    assert_eq!(outcome.windows[6].accepted, 2_000);
}

#[test]
fn shares_of_the_cap_add_up() {
    let load = load(1_000, 10, 10, WhenFull::Queue);
    let shares: Vec<u64> = (0..4)
        .map(|thread| Admission::of_stripe(&load, Stripe { index: thread, of: 4 }).max_in_flight)
        .collect();
    assert_eq!(shares, [3, 3, 2, 2]);
}

/// One scripted answer: how long it takes, and what it is.
fn any_answer() -> impl Strategy<Value = (u64, StartAnswer)> {
    let delay = prop_oneof![
        8 => 0..5 * MILLI,
        1 => 100 * MILLI..3 * SECOND,
    ];
    let answer = prop_oneof![
        6 => Just(StartAnswer::Accepted),
        1 => Just(StartAnswer::Rejected("RESOURCE_EXHAUSTED", "slow down".into())),
        1 => Just(StartAnswer::Unanswered("DEADLINE_EXCEEDED", "no answer".into())),
        1 => Just(StartAnswer::Unanswered("CANCELLED", "cancelled".into())),
    ];
    (delay, answer)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the frontend does, every arrival ends in exactly one place.
    #[test]
    fn every_arrival_ends_in_exactly_one_place(
        script in prop::collection::vec(any_answer(), 1..60),
        stall in (0..3 * SECOND, 0..3 * SECOND),
        max_in_flight in 1..50u32,
        rate in 50..600u64,
        when_full in prop_oneof![Just(WhenFull::Queue), Just(WhenFull::Drop), Just(WhenFull::Abort)],
        poisson in any::<bool>(),
        stop_at in prop::option::of(0..3 * SECOND),
    ) {
        let mut load = load(rate, 3, max_in_flight, when_full);
        load.ramp_up = Duration::from_millis(500);
        load.warm_up = Duration::from_millis(700);
        load.arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Constant };
        let outcome = simulate(&load, stop_at, |start| {
            let (delay, answer) = script[start.arrival.n as usize % script.len()].clone();
            let at = start.sent + delay;
            let stalled = (stall.0..stall.0 + stall.1).contains(&at);
            (if stalled { stall.0 + stall.1 } else { at }, answer)
        });
        let ledger = outcome.ledger();
        prop_assert_eq!(ledger.broken_identities(), []);
        prop_assert!(outcome.peak_in_flight <= u64::from(max_in_flight));

        // Numbers 0, 1, 2, … each once; all of the schedule unless the run was cut short.
        let mut numbers: Vec<u64> = outcome.ends.iter().map(|(n, _)| *n).collect();
        numbers.sort_unstable();
        prop_assert_eq!(&numbers, &(0..ledger.arrivals).collect::<Vec<_>>());
        let schedule = Schedule::new(&load);
        match stop_at {
            Some(at) if !outcome.aborted => prop_assert_eq!(ledger.arrivals, schedule.count_before(at + 1)),
            None if !outcome.aborted => prop_assert_eq!(ledger.arrivals, schedule.total()),
            _ => prop_assert!(ledger.arrivals <= schedule.total()),
        }

        // The ends, the ledger, the windows and the histograms tell the same story.
        let ended = |wanted: StartEnd| outcome.ends.iter().filter(|(_, end)| *end == wanted).count() as u64;
        let samples = outcome.samples();
        let windows = |count: fn(&ShardWindow) -> u64| outcome.windows.iter().map(count).sum::<u64>();
        prop_assert_eq!(ended(StartEnd::Accepted), ledger.accepted);
        prop_assert_eq!(ended(StartEnd::Rejected), ledger.rejected);
        prop_assert_eq!(ended(StartEnd::Unknown), ledger.unknown);
        prop_assert_eq!(ended(StartEnd::Dropped), ledger.dropped());
        prop_assert_eq!(windows(|window| window.dispatched), ledger.dispatched);
        prop_assert_eq!(windows(|window| window.accepted), ledger.accepted);
        prop_assert_eq!(windows(|window| window.rejected), ledger.rejected);
        prop_assert_eq!(windows(|window| window.unknown), ledger.unknown);
        prop_assert_eq!(windows(|window| window.dropped), ledger.dropped());
        prop_assert_eq!(samples.lag.count(), ledger.dispatched);
        prop_assert_eq!(samples.accepted.service.count(), ledger.accepted);
        prop_assert_eq!(samples.rejected.map_or(0, |pair| pair.response.count()), ledger.rejected);
        prop_assert_eq!(samples.unanswered.map_or(0, |pair| pair.response.count()), ledger.unknown);
    }
}

/// Ten a second, and one place.
#[test]
fn an_arrival_waits_as_long_as_it_may_and_no_longer() {
    let load = load(10, 2, 1, WhenFull::Queue);
    let mut shard = Shard::new(
        &Schedule::new(&load),
        Stripe::WHOLE,
        Admission::of_stripe(&load, Stripe::WHOLE),
    );
    let dispatched = |step: Action| match step {
        Action::Dispatch(start) => start,
        other => panic!("{other:?}"),
    };
    let first = dispatched(shard.poll(0));
    assert_eq!(shard.in_flight(), 1);
    assert_eq!(shard.poll(100 * MILLI), Action::Full(1_100 * MILLI + 1));
    shard.answered(1_100 * MILLI, first, StartAnswer::Accepted);
    assert_eq!(shard.in_flight(), 0);
    // A second old, and a nanosecond more.
    let second = dispatched(shard.poll(1_100 * MILLI));
    shard.answered(1_200 * MILLI + 1, second, StartAnswer::Accepted);
    let next = dispatched(shard.poll(1_200 * MILLI + 1));
    assert_eq!((second.arrival.n, next.arrival.n), (1, 3));
    let ends = [(0, StartEnd::Accepted), (1, StartEnd::Accepted), (2, StartEnd::Dropped)];
    assert_eq!(shard.take_ends(), ends);
    // Nobody waits for a place of a run that is over.
    shard.stop(1_350 * MILLI);
    assert_eq!(shard.poll(1_350 * MILLI), Action::Done);
    let dropped: Vec<(u64, StartEnd)> = (4..=13).map(|n| (n, StartEnd::Dropped)).collect();
    assert_eq!(shard.take_ends(), dropped);
    shard.tick(2 * SECOND);
    let seconds: Vec<u64> = shard.take_windows().iter().map(|window| window.second).collect();
    assert_eq!(seconds, [0, 1]);
}

#[test]
fn what_is_due_at_the_instant_of_the_stop_is_an_arrival() {
    let load = load(10, 2, 10, WhenFull::Queue);
    let admission = Admission::of_stripe(&load, Stripe::WHOLE);
    let mut shard = Shard::new(&Schedule::new(&load), Stripe::WHOLE, admission);
    shard.stop(100 * MILLI);
    for n in 0..2 {
        assert!(matches!(shard.poll(100 * MILLI), Action::Dispatch(start) if start.arrival.n == n));
    }
    assert_eq!(shard.poll(100 * MILLI), Action::Done);
}

#[test]
fn errors_are_counted_by_code_with_their_first_examples() {
    let mut load = load(10, 2, 100, WhenFull::Queue);
    load.max_lag = Duration::from_secs(10);
    let admission = Admission::of_stripe(&load, Stripe::WHOLE);
    let mut shard = Shard::new(&Schedule::new(&load), Stripe::WHOLE, admission);
    for n in 0..15 {
        let Action::Dispatch(start) = shard.poll(2 * SECOND) else {
            panic!("{n} is due");
        };
        let answer = match n {
            3 => StartAnswer::Unanswered("CANCELLED", "gone".into()),
            4 => StartAnswer::Accepted,
            n => StartAnswer::Rejected("RESOURCE_EXHAUSTED", format!("no {n}")),
        };
        shard.answered(2 * SECOND, start, answer);
    }
    let windows = shard.finish();
    let samples = windows.iter().flat_map(|window| window.phases.values());
    let rejected: Vec<_> = samples.flat_map(|samples| &samples.rejected_by).collect();
    assert_eq!(rejected, [(&"RESOURCE_EXHAUSTED", &13)]);
    let errors = shard.take_errors();
    assert_eq!(errors["CANCELLED"], (1, vec![(3, "gone".to_owned())]));
    let (count, examples) = &errors["RESOURCE_EXHAUSTED"];
    assert_eq!((*count, examples.len()), (13, 10));
    assert_eq!(examples[..2], [(0, "no 0".to_owned()), (1, "no 1".to_owned())]);
    assert!(shard.take_errors().is_empty(), "they are handed over once");
}

/// Ten are unanswered when a second begins: that many were at its beginning, though it adds one at a time.
#[test]
fn the_peak_of_a_second_begins_with_what_it_finds() {
    let load = load(10, 3, 100, WhenFull::Queue);
    let admission = Admission::of_stripe(&load, Stripe::WHOLE);
    let mut shard = Shard::new(&Schedule::new(&load), Stripe::WHOLE, admission);
    let mut unanswered = Vec::new();
    let mut now = 0;
    loop {
        if now >= SECOND {
            unanswered
                .drain(..)
                .for_each(|start| shard.answered(now, start, StartAnswer::Accepted));
        }
        match shard.poll(now) {
            Action::Dispatch(start) => unanswered.push(start),
            Action::Wait(until) => now = until,
            Action::Done => break,
            other => panic!("{other:?}"),
        }
    }
    unanswered
        .drain(..)
        .for_each(|start| shard.answered(now, start, StartAnswer::Accepted));
    let windows = shard.finish();
    let peaks: Vec<u64> = windows.iter().map(|window| window.peak_in_flight).collect();
    let ends: Vec<u64> = windows.iter().map(|window| window.in_flight).collect();
    assert_eq!((peaks, ends), (vec![10, 10, 1], vec![10, 0, 0]));
}

#[test]
fn samples_of_several_shards_and_seconds_add_up() {
    let samples = |dropped_at_cap, rejected_by: &[(ErrorKey, u64)]| {
        let mut samples = PhaseSamples {
            dropped_at_cap,
            rejected_by: rejected_by.iter().copied().collect(),
            ..PhaseSamples::default()
        };
        samples
            .lag_at_cap
            .get_or_insert_default()
            .record(Duration::from_millis(1));
        samples.rejected.get_or_insert_default().record(0, 1, 2);
        samples
    };
    let mut sum = PhaseSamples::default();
    sum.add(&samples(3, &[("ABORTED", 2), ("INTERNAL", 7)]));
    sum.add(&samples(4, &[("ABORTED", 5)]));
    sum.add(&PhaseSamples::default());
    assert_eq!(sum.dropped_at_cap, 7);
    assert_eq!(sum.rejected_by, BTreeMap::from([("ABORTED", 7), ("INTERNAL", 7)]));
    assert_eq!(sum.lag_at_cap.unwrap().count(), 2);
    assert_eq!(sum.rejected.unwrap().service.count(), 2);
    assert!(sum.unanswered.is_none());
}

/// The seconds of the warm-up and of the measured phase; the last start of the warm-up is sent late.
#[test]
fn what_is_sent_counts_for_the_phase_whose_time_it_is() {
    let mut load = load(10, 2, 100, WhenFull::Queue);
    load.warm_up = Duration::from_secs(1);
    let admission = Admission::of_stripe(&load, Stripe::WHOLE);
    let mut shard = Shard::new(&Schedule::new(&load), Stripe::WHOLE, admission);
    for now in [0, 100, 200, 300, 400, 500, 600, 700, 800, 1_000, 1_000, 1_100] {
        assert!(matches!(shard.poll(now * MILLI), Action::Dispatch(_)), "{now}");
    }
    let sent: Vec<_> = shard.finish().into_iter().map(|window| window.sent_in).collect();
    assert_eq!(
        sent,
        [
            BTreeMap::from([(Phase::WarmUp, 9)]),
            BTreeMap::from([(Phase::Measure, 3)])
        ]
    );
}
