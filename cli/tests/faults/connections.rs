//! What happens to connections, and to the process at their other end.

use std::time::Duration;

use benchmark_results::schema::{
    CheckStatus,
    VerdictValue::{Invalid, Overloaded, Valid},
};

use crate::{
    matrix::{self, Case},
    play::Ran,
    proxy::script::{Act, Calls, START, Script, Strike, Wire},
    row::{Do, On, Reachable, Row, Step, When},
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Starts that were answered by the middle of the measured phase, where the load is the usual one.
const IN_THE_MIDDLE: u64 = 80;

/// A wire that is something else for a while.
fn for_a_while(wire: Wire, time: Duration) -> Vec<Step> {
    vec![
        Step(When::Answered(IN_THE_MIDDLE), Do::Play(Script::wire(wire))),
        Step(When::Past(time), Do::Play(Script::default())),
    ]
}

fn whole(ran: &Ran) {
    let ledger = &ran.results().ledger;
    assert_eq!(ledger.dispatched, ledger.arrivals, "the load waits for no server");
    assert_eq!(ledger.completed, ledger.accepted, "{ledger:?}");
}

fn nothing_lost(ran: &Ran) {
    let ledger = &ran.results().ledger;
    assert_eq!(
        ledger.completed,
        ledger.arrivals,
        "{ledger:?}: {:?}",
        ran.results().errors
    );
}

fn rows() -> Vec<Row> {
    let mut rows = wires();
    rows.extend(answers());
    rows
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    matrix::of(rows())
}

fn wires() -> Vec<Row> {
    vec![
        Row::new("stall of 5 s", for_a_while(Wire::Frozen, seconds(5)))
            .verdicts(&[Valid, Overloaded])
            .may("repeated-stamps")
            .and(nothing_lost),
        Row::new("black hole for 30 s", for_a_while(Wire::BlackHole, seconds(30)))
            .takes(40)
            .impatient()
            .arguments("--drain 60s")
            .verdicts(&[Overloaded])
            .because("rejected-starts", CheckStatus::Overloaded)
            .may("repeated-stamps")
            .and(whole),
        Row::new(
            "black hole for good",
            vec![Step(
                When::Answered(IN_THE_MIDDLE),
                Do::Play(Script::wire(Wire::BlackHole)),
            )],
        )
        .takes(50)
        .impatient()
        .arguments("--drain 10s")
        .verdicts(&[Invalid])
        .because("unknown-starts", CheckStatus::Invalid)
        .server(Reachable::No)
        // The last starts are given up after 4 s; then the server has had its time, and each step asks it once.
        .ends_within(seconds(45))
        .and(|ran| {
            let reconciliation = &ran.results().reconciliation;
            let told = &reconciliation.server.source;
            assert!(told.contains("has answered nothing for"), "{told}");
            let problem = reconciliation.cleanup.problem.as_deref().unwrap_or_default();
            assert!(problem.contains("has answered nothing for"), "{problem}");
        }),
        Row::new(
            "reset",
            vec![
                Step(When::Answered(IN_THE_MIDDLE), Do::Strike(Strike::Reset)),
                Step(When::Answered(IN_THE_MIDDLE + 40), Do::Strike(Strike::Reset)),
            ],
        )
        .verdicts(&[Valid, Overloaded])
        .may("repeated-stamps")
        .and(whole),
        // What cannot be sent waits for a connection, and keeps its due instant.
        Row::new("refused for 3 s", for_a_while(Wire::Refused, seconds(3)))
            .verdicts(&[Valid, Overloaded])
            .may("repeated-stamps")
            .and(|ran| {
                whole(ran);
                let starts = &ran.results().phases.measure.latencies.start_response.accepted;
                assert!(starts.max.is_some_and(|max| max >= 2000.0), "{starts:?}");
            }),
        Row::new(
            "half-open",
            vec![Step(When::Answered(IN_THE_MIDDLE), Do::Strike(Strike::HalfOpen))],
        )
        .takes(70)
        .impatient()
        .arguments("--drain 60s")
        .verdicts(&[Overloaded])
        .because("rejected-starts", CheckStatus::Overloaded)
        .may("repeated-stamps")
        .and(whole),
    ]
}

fn answers() -> Vec<Row> {
    vec![
        Row::new(
            "slow by 200 ms",
            vec![Step(
                When::Now,
                Do::Play(Script::rule(Calls::All, Act::Delay(Duration::from_millis(200)))),
            )],
        )
        .and(|ran| {
            nothing_lost(ran);
            let starts = &ran.results().phases.measure.latencies.start_response.accepted;
            assert!(starts.p50.is_some_and(|p50| p50 >= 200.0), "{starts:?}");
        }),
        Row::new(
            "1 % of the answers lost",
            vec![Step(
                When::Now,
                Do::Play(Script::rule_each(Calls::Starts, 100, Act::LoseAnswer)),
            )],
        )
        .arguments("--rate 30")
        .and(|ran| {
            nothing_lost(ran);
            let lost = ran.proxy().tally(START).lost;
            assert!(lost >= 2, "{lost}");
            assert_eq!(ran.results().reconciliation.unknown_found, lost, "each was looked up");
        }),
        Row::new(
            "GOAWAY each second",
            vec![Step(When::Now, Do::Play(Script::max_age(seconds(1))))],
        )
        .and(|ran| {
            nothing_lost(ran);
            assert!(ran.proxy().goaways() >= 8, "{}", ran.proxy().goaways());
        }),
        Row::new(
            "server killed and started again",
            vec![
                Step(When::Answered(IN_THE_MIDDLE), Do::KillServer),
                Step(When::Past(seconds(2)), Do::StartServer),
            ],
        )
        .takes(25)
        .on(On::Own)
        .impatient()
        .arguments("--drain 60s")
        .verdicts(&[Valid, Overloaded])
        .may("repeated-stamps")
        .and(whole),
    ]
}
