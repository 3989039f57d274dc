//! Each signal in each phase of a run.

use std::time::Duration;

use benchmark_results::schema::{
    CheckStatus,
    VerdictValue::{Invalid, Overloaded, Valid},
};
use rustix::process::Signal;

use crate::{
    matrix::{self, Case},
    play::Ran,
    proxy::script::{Act, Calls, Script, Wire},
    row::{Do, On, Reachable, Row, Step, When},
};

const SIGNALS: [(&str, Signal); 3] = [
    ("SIGHUP", Signal::HUP),
    ("SIGINT", Signal::INT),
    ("SIGTERM", Signal::TERM),
];

/// Workflows that do not end by themselves.
const OPEN: &str = "--workflow-type timer --timer-duration 10m";

fn each(name: &str, arguments: &str, steps: impl Fn(Signal) -> Vec<Step>) -> Vec<Row> {
    SIGNALS
        .iter()
        .map(|(signal, number)| {
            Row::new(&format!("{signal} in {name}"), steps(*number))
                .arguments(arguments)
                // What was measured until then stands; where nothing was, there is nothing to judge.
                .verdicts(&[Valid, Overloaded, Invalid])
        })
        .collect()
}

fn then(signal: Signal) -> Step {
    Step(When::Now, Do::Signal(signal))
}

/// A signal that comes after the load spoils nothing of what was measured.
fn measured_to_the_end(ran: &Ran) {
    let results = ran.results();
    let offered = results.verdict.checks.iter().find(|check| check.name == "offered-load");
    let offered = offered.expect("it is always made");
    assert_ne!(offered.status, CheckStatus::NotApplicable, "{offered:?}");
    // 11 in the ramp, and 20/s for three seconds.
    assert_eq!(results.ledger.arrivals, 71, "{:?}", results.ledger);
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    matrix::of(rows())
}

fn rows() -> Vec<Row> {
    let mut all = each("ramp", "--duration 1m --ramp-up 30s", |signal| {
        vec![Step(When::Answered(10), Do::Note), then(signal)]
    });
    all.extend(each("measure", "--duration 1m", |signal| {
        vec![Step(When::Written, Do::Note), then(signal)]
    }));
    let drain = format!("--duration 4s --drain 2m {OPEN}");
    let mut late = each("drain", &drain, |signal| {
        vec![Step(When::In("drain"), Do::Note), then(signal)]
    });
    // Counts of an hour ago never become the right ones.
    let behind = Script::rule(Calls::Visibility, Act::Lag(Duration::from_secs(3600)));
    late.extend(each("settle", "--duration 4s", |signal| {
        vec![
            Step(When::Now, Do::Play(behind.clone())),
            Step(When::In("settle"), Do::Signal(signal)),
            Step(When::Now, Do::Play(Script::default())),
        ]
    }));
    let slow = Script::rule(Calls::NotStarts, Act::Delay(Duration::from_millis(500)));
    late.extend(each(
        "clean-up",
        &format!("--duration 4s --drain 1s {OPEN}"),
        |signal| {
            vec![
                Step(When::In("settle"), Do::Play(slow.clone())),
                Step(When::In("clean-up"), Do::Signal(signal)),
            ]
        },
    ));
    all.extend(late.into_iter().map(|row| row.and(measured_to_the_end)));
    all.extend(unanswered());
    all.push(
        Row::new(
            "server stopped at the end, then SIGTERM",
            vec![
                Step(When::In("drain"), Do::SignalServer(Signal::STOP)),
                Step(When::Now, Do::Signal(Signal::TERM)),
            ],
        )
        .takes(35)
        .on(On::Embedded)
        .arguments(&format!("--duration 5s --drain 2m {OPEN}"))
        .verdicts(&[Overloaded, Invalid])
        .server(Reachable::No),
    );
    all
}

/// Signals in the middle of a load that nobody answers any more, with starts that would be waited for longer than a supervisor
/// waits.
fn unanswered() -> Vec<Row> {
    let row = |name: &str, script: Script| {
        let steps = vec![
            Step(When::Answered(80), Do::Play(script)),
            Step(When::Past(Duration::from_secs(3)), Do::Signal(Signal::TERM)),
        ];
        Row::new(name, steps)
            .takes(35)
            .arguments("--duration 1m --start-timeout 2m --connect-timeout 1m")
            .verdicts(&[Valid, Overloaded, Invalid])
    };
    vec![
        row("black hole, then SIGTERM", Script::wire(Wire::BlackHole))
            .server(Reachable::No)
            .because("unknown-starts", CheckStatus::Invalid),
        row(
            "no start is answered, then SIGTERM",
            Script::rule(Calls::Starts, Act::LoseAnswer),
        ),
    ]
}
