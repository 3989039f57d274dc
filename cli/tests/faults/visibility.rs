//! Visibility that is behind, forbidden or wrong.

use std::time::Duration;

use benchmark_results::schema::{
    CheckStatus,
    VerdictValue::{Invalid, Valid},
};
use tonic::Code;

use crate::{
    matrix::{self, Case},
    proxy::script::{Act, Calls, Script},
    row::{Do, Reachable, Row, Step, When},
};

const LAG: Duration = Duration::from_secs(30);

fn from_the_beginning(act: Act) -> Vec<Step> {
    vec![Step(When::Now, Do::Play(Script::rule(Calls::Visibility, act)))]
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    matrix::of(rows())
}

fn rows() -> Vec<Row> {
    vec![
        Row::new("visibility lags 30 s", from_the_beginning(Act::Lag(LAG)))
            .takes(50)
            .arguments("--drain 60s"),
        Row::new(
            "visibility is forbidden",
            from_the_beginning(Act::Refuse(Code::PermissionDenied)),
        )
        .server(Reachable::NotCounts)
        .and(|ran| {
            let told = &ran.results().reconciliation.server;
            assert_eq!(told.value, None, "not asked is not 0");
            assert!(told.source.contains("PermissionDenied"), "{}", told.source);
            let stdout = &ran.finished.stdout;
            assert!(!stdout.contains("every workflow is accounted for"), "{stdout}");
        }),
        Row::new(
            "visibility is forbidden and workflows stay open",
            from_the_beginning(Act::Refuse(Code::PermissionDenied)),
        )
        .arguments("--duration 5s --drain 2s --workflow-type timer --timer-duration 10m")
        // No end was measured.
        .verdicts(&[Invalid])
        .because("open-after-drain", CheckStatus::Overloaded)
        .server(Reachable::NotCounts)
        .and(|ran| {
            // The account knows their ids; that none is left is what somebody else is told.
            let cleanup = &ran.results().reconciliation.cleanup;
            assert_eq!(cleanup.open_before, Some(ran.results().ledger.open), "{cleanup:?}");
            assert_eq!(cleanup.open_after, Some(0), "{cleanup:?}");
        }),
        Row::new(
            "visibility is forbidden and nobody stamps",
            from_the_beginning(Act::Refuse(Code::PermissionDenied)),
        )
        .without_stamps("50%")
        .server(Reachable::NotCounts)
        .and(|ran| {
            let results = ran.results();
            let (ledger, measure) = (&results.ledger, &results.phases.measure);
            assert_eq!(results.reconciliation.server.value, None, "not asked is not 0");
            assert_eq!(ledger.ends_unknown, ledger.accepted, "{ledger:?}");
            assert_eq!(measure.completion_rate, None, "nobody counted");
            // The sample is waited for; what of it is open all the same is judged.
            let sample = results.reconciliation.sample_ends.unwrap();
            assert!(sample.accepted > 0 && sample.missing == 0, "{sample:?}");
            assert_eq!(measure.latencies.e2e_response.completed.count, sample.ended());
            assert!(
                sample.open == 0 || results.verdict.value != Valid,
                "{sample:?} {:?}",
                results.verdict
            );
            let stdout = &ran.finished.stdout;
            assert!(!stdout.contains("every workflow is accounted for"), "{stdout}");
        }),
        Row::new("visibility has one stale row", from_the_beginning(Act::StaleRow))
            .takes(45)
            .verdicts(&[Invalid])
            .because("server-counts", CheckStatus::Invalid)
            .server(Reachable::NotCounts)
            // Settling looks into it after 20 s, clean-up at once.
            .ends_within(Duration::from_secs(50))
            .and(|ran| {
                // One workflow, which the account knows better.
                let (ledger, reconciliation) = (&ran.results().ledger, &ran.results().reconciliation);
                assert_eq!(ledger.completed, ledger.accepted, "{ledger:?}");
                let told = reconciliation.disagreements.last().map_or("", String::as_str);
                assert!(told.contains("it is behind, not the account"), "{told}");
                assert_eq!(reconciliation.cleanup.open_after, Some(0), "it is looked up");
            }),
    ]
}
