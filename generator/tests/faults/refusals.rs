//! What the server answers instead of doing it.

use std::time::Duration;

use benchmark_results::schema::{
    CheckStatus,
    VerdictValue::{Invalid, Overloaded},
};
use tonic::Code;

use crate::{
    group,
    play::Ran,
    proxy::script::{Act, COUNT, Calls, START, Script},
    row::{Do, Reachable, Row, Step, When},
};

/// Refused for ten seconds from the middle of the load.
fn for_ten_seconds(calls: Calls) -> Vec<Step> {
    vec![
        Step(
            When::Answered(60),
            Do::Play(Script::rule(calls, Act::Refuse(Code::ResourceExhausted))),
        ),
        Step(When::Past(Duration::from_secs(10)), Do::Play(Script::default())),
    ]
}

fn refused_are_rejected(ran: &Ran) {
    let (ledger, refused) = (&ran.results().ledger, ran.proxy().tally(START).refused);
    assert!(refused > 0);
    assert_eq!(ledger.rejected, refused, "a refusal is a refusal, and nothing else is");
    assert_eq!(ledger.completed, ledger.accepted, "{ledger:?}");
}

#[test]
fn refusals() {
    group::run(rows());
}

/// The rows of this part.
pub fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "Unimplemented for all but starts",
            vec![Step(
                When::Answered(60),
                Do::Play(Script::rule(Calls::NotStarts, Act::Refuse(Code::Unimplemented))),
            )],
        )
        .arguments("--drain 10s")
        .verdicts(&[Overloaded, Invalid])
        .because("open-after-drain", CheckStatus::Overloaded)
        .server(Reachable::No)
        .and(|ran| {
            let told = &ran.results().reconciliation.server.source;
            assert!(told.contains("Unimplemented"), "{told}");
        }),
        Row::new("ResourceExhausted on starts for 10 s", for_ten_seconds(Calls::Starts))
            .arguments("--duration 15s")
            .verdicts(&[Overloaded])
            .because("rejected-starts", CheckStatus::Overloaded)
            .and(refused_are_rejected),
        Row::new(
            "ResourceExhausted on visibility for 10 s",
            vec![
                Step(
                    When::Answered(60),
                    Do::Play(Script::rule(Calls::Visibility, Act::Refuse(Code::ResourceExhausted))),
                ),
                Step(When::In("settle"), Do::Note),
                Step(When::Past(Duration::from_secs(10)), Do::Play(Script::default())),
            ],
        )
        .and(|ran| assert!(ran.proxy().tally(COUNT).refused > 0)),
        Row::new("ResourceExhausted on everything for 10 s", for_ten_seconds(Calls::All))
            .arguments("--duration 15s")
            .verdicts(&[Overloaded])
            .because("rejected-starts", CheckStatus::Overloaded)
            .may("repeated-stamps")
            .and(refused_are_rejected),
    ]
}
