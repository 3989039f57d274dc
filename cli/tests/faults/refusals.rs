//! What the server answers instead of doing it.

use std::time::Duration;

use benchmark_results::schema::{
    CheckStatus,
    VerdictValue::{Invalid, Overloaded},
};
use tonic::Code;

use crate::{
    matrix::{self, Case},
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

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    matrix::of(rows())
}

fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "Unimplemented for all but starts",
            vec![Step(
                When::Answered(60),
                Do::Play(Script::rule(Calls::NotStarts, Act::Refuse(Code::Unimplemented))),
            )],
        )
        .takes(35)
        .arguments("--drain 10s")
        .verdicts(&[Overloaded, Invalid])
        .because("open-after-drain", CheckStatus::Overloaded)
        .server(Reachable::No)
        .and(|ran| {
            let told = &ran.results().reconciliation.server.source;
            assert!(told.contains("Unimplemented"), "{told}");
        }),
        Row::new(
            "what is only told is refused",
            vec![Step(
                When::Now,
                Do::Play(Script::rule(Calls::Advice, Act::Refuse(Code::PermissionDenied))),
            )],
        )
        .and(|ran| {
            let server = &ran.results().environment.server;
            for (value, reason) in [
                (server.pollers.value, &server.pollers.source),
                (server.history_shards.value, &server.history_shards.source),
                (server.task_queue_partitions.value, &server.task_queue_partitions.source),
            ] {
                assert_eq!(value, None);
                assert!(reason.contains("PermissionDenied"), "{reason}");
            }
        }),
        Row::new(
            "an abort ends all iterations",
            vec![Step(When::Now, Do::Play(Script::rule(Calls::Starts, Act::LoseAnswer)))],
        )
        .impatient()
        .arguments("--max-in-flight 20 --when-full abort --iterations 3")
        .verdicts(&[Overloaded, Invalid])
        .and(|ran| {
            let run = &ran.results().run;
            let cause = run.interrupted_by.as_deref().unwrap_or_default();
            assert!(cause.starts_with("--when-full abort"), "{cause}");
            assert_eq!(ran.results().iterations.len(), 1);
        }),
        Row::new("ResourceExhausted on starts for 10 s", for_ten_seconds(Calls::Starts))
            .takes(25)
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
        .takes(30)
        .and(|ran| assert!(ran.proxy().tally(COUNT).refused > 0)),
        Row::new("ResourceExhausted on everything for 10 s", for_ten_seconds(Calls::All))
            .takes(25)
            .arguments("--duration 15s")
            .verdicts(&[Overloaded])
            .because("rejected-starts", CheckStatus::Overloaded)
            .may("repeated-stamps")
            .and(refused_are_rejected),
    ]
}
