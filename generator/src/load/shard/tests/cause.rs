//! A stall of the server is the server's, whenever it begins and however many shards it meets: the same verdict each time.

use benchmark_results::{
    Histogram, JudgeInput, judge,
    schema::{Check, CheckStatus, Fleet, GeneratorHealth, Reconciliation},
};
use benchmark_scenarios::{Key, Plan};

use super::*;
use crate::{
    account::accounts::{Accounts, Origin},
    load::sample::HashedSample,
    run::iteration::phase_report,
    testing,
};

/// How often a starter looks at its shard when nothing else makes it.
const LOOK: u64 = 50 * MILLI;

fn plan(rate: &str, cap: &str) -> Plan {
    testing::plan([
        (Key::Address, "127.0.0.1:1"),
        (Key::Rate, rate),
        (Key::Duration, "8s"),
        (Key::RampUp, "0"),
        (Key::WarmUp, "0"),
        (Key::Drain, "0"),
        (Key::MaxInFlight, cap),
        (Key::Sample, "0"),
    ])
}

/// What stands still for a while.
#[derive(Clone, Copy)]
enum Stall {
    /// The server that the shard talks to: what is sent meanwhile is answered afterwards.
    Server(u64, u64),
    /// The shard's own thread: it neither sends nor takes answers.
    Thread(u64, u64),
}

/// The seconds of a shard that looks as a starter does, against a server that answers after a millisecond.
fn run(plan: &Plan, stripe: Stripe, stall: Option<Stall>) -> Vec<ShardWindow> {
    let schedule = Schedule::new(&plan.load);
    let mut shard = Shard::new(&schedule, stripe, Admission::of_stripe(&plan.load, stripe));
    let mut answers: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        if let Some(Stall::Thread(from, to)) = stall
            && (from..to).contains(&now)
        {
            now = to;
        }
        while let Some(Reverse((at, n))) = answers.peek().copied()
            && at <= now
        {
            answers.pop();
            let arrival = Arrival {
                n,
                due: schedule.offset(n),
            };
            shard.answered(
                now,
                Dispatched {
                    arrival,
                    sent: arrival.due,
                },
                StartAnswer::Accepted,
            );
        }
        let wake = match shard.poll(now) {
            Action::Dispatch(start) => {
                let at = match stall {
                    Some(Stall::Server(from, to)) if (from..to).contains(&now) => to,
                    _ => now,
                };
                answers.push(Reverse((at + MILLI, start.arrival.n)));
                continue;
            }
            Action::Wait(at) | Action::Full(at) => at,
            Action::Done if answers.is_empty() => break,
            Action::Done | Action::Abort => u64::MAX,
        };
        let answer = answers.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        now = wake.min(answer).min(now + LOOK);
    }
    shard.finish()
}

/// What those checks say that tell the generator's fault from the server's.
fn judged(plan: &Plan, shards: &[Option<Stall>]) -> Vec<Check> {
    let schedule = Schedule::new(&plan.load);
    let mut accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 0, true);
    for (index, stall) in (0..).zip(shards) {
        let stripe = Stripe::WHOLE.split(index, shards.len() as u64);
        for window in run(plan, stripe, *stall) {
            accounts.add_window(Origin::Leader, &window);
        }
    }
    let measure = phase_report(&accounts, &schedule, Phase::Measure, schedule.end());
    let verdict = judge(&JudgeInput {
        plan,
        ledger: &measure.ledger,
        measure: &measure,
        windows: &accounts.seconds().report().windows,
        errors: &[],
        generator: &GeneratorHealth::not_observed(""),
        reconciliation: &Reconciliation::not_made(""),
        fleet: &Fleet::alone(),
        interrupted: false,
    });
    let names = [
        "start-lag",
        "start-attainment",
        "window-attainment",
        "drops",
        "in-flight-cap",
    ];
    verdict
        .checks
        .into_iter()
        .filter(|check| names.contains(&check.name.as_str()))
        .collect()
}

fn worst(checks: &[Check]) -> CheckStatus {
    assert_eq!(checks.len(), 5);
    checks.iter().map(|check| check.status).max().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_stall_of_the_server_is_the_servers_wherever_in_a_second_it_begins(
        begin in 3 * SECOND..4 * SECOND,
        stall in prop::sample::select(vec![1_100 * MILLI, 1_260 * MILLI, 1_500 * MILLI, 1_800 * MILLI, 2_500 * MILLI]),
    ) {
        let checks = judged(&plan("400", "400"), &[Some(Stall::Server(begin, begin + stall))]);
        prop_assert_eq!(worst(&checks), CheckStatus::Overloaded, "{:?}", checks);
    }

    #[test]
    fn one_slow_frontend_of_several_shards_is_the_servers(begin in 3 * SECOND..4 * SECOND, shards in 2..9_usize) {
        let mut stalls = vec![None; shards];
        stalls[shards / 2] = Some(Stall::Server(begin, begin + 3 * SECOND));
        let checks = judged(&plan("400", "400"), &stalls);
        prop_assert_eq!(worst(&checks), CheckStatus::Overloaded, "{:?}", checks);
    }

    #[test]
    fn a_thread_that_stands_still_is_the_generators_whatever_the_cap_is(
        begin in 3 * SECOND..4 * SECOND,
        cap in prop::sample::select(vec!["1", "10", "400", "4000"]),
    ) {
        let checks = judged(&plan("400", cap), &[Some(Stall::Thread(begin, begin + 1_500 * MILLI))]);
        prop_assert_eq!(worst(&checks), CheckStatus::Invalid, "{:?}", checks);
    }
}

#[test]
fn a_quiet_run_passes() {
    let checks = judged(&plan("400", "400"), &[None, None, None]);
    assert_eq!(worst(&checks), CheckStatus::Pass, "{checks:?}");
}

#[test]
fn what_waited_at_the_cap_is_counted_with_its_lag() {
    // From 5 to 7 s nothing is answered: 10 unanswered starts are reached at once. Arrivals are given up after a second.
    let windows = run(
        &plan("100", "10"),
        Stripe::WHOLE,
        Some(Stall::Server(5 * SECOND, 7 * SECOND)),
    );
    let sum = |of: fn(&ShardWindow) -> u64| windows.iter().map(of).sum::<u64>();
    let samples = windows.iter().flat_map(|window| window.phases.values());
    let (mut lag, mut dropped) = (Histogram::new(), 0);
    for samples in samples {
        if let Some(at_cap) = &samples.lag_at_cap {
            lag.add(at_cap);
        }
        dropped += samples.dropped_at_cap;
        assert_eq!(samples.dropped_at_cap, samples.ledger.dropped_lag);
    }
    // The first ten were sent, the last hundred or so waited for less than a second.
    assert!((80..=95).contains(&dropped), "{dropped}");
    assert_eq!(lag.count() + dropped, sum(|window| window.waited_at_cap));
    assert!((185..=195).contains(&(lag.count() + dropped)), "{}", lag.count());
    assert!((950.0..1_001.0).contains(&lag.max_ms().unwrap()));
    // Second 5 ends with 90 that wait, second 6 with about as many and those that were given up.
    let held: Vec<u64> = windows.iter().map(|window| window.held_at_cap).collect();
    assert!(
        held[5] == 90 && held[4] == 0 && held[7..].iter().sum::<u64>() <= 12,
        "{held:?}"
    );
    assert!(held[6] >= 100 + 80, "{held:?}");
}
