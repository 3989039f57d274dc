//! What must hold in every results file, whatever the run came to.

use std::{fs, sync::LazyLock};

use benchmark_results::{
    Histogram, Ledger, Results,
    schema::{CheckStatus, CompletionSource, Latency, PhaseReport, Phases},
};

/// The schema as it is published.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/schema/results.v1.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
});

/// Checks that a file of a run that has ended is what the schema says, that its account closes, and that its parts add
/// up to their totals.
pub fn closes(results: &Results) {
    closes_so_far(results);
    of(&results.phases).for_each(times_what_it_counts);
    seconds_add_up(results);
}

/// Checks the same of a file whose run goes on, or was killed: its seconds may not all have been reported.
pub fn closes_so_far(results: &Results) {
    let json = serde_json::to_value(results).unwrap();
    let errors = SCHEMA.iter_errors(&json);
    let wrong: Vec<String> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());

    assert_eq!(results.ledger.broken_identities(), []);
    assert_eq!(
        sum(of(&results.phases).map(|phase| phase.ledger)),
        results.ledger,
        "phases"
    );
    for iteration in &results.iterations {
        assert_eq!(iteration.ledger.broken_identities(), []);
        assert_eq!(
            sum(of(&iteration.phases).map(|phase| phase.ledger)),
            iteration.ledger,
            "its phases"
        );
    }
    let iterations = results.iterations.iter().map(|iteration| iteration.ledger);
    assert_eq!(sum(iterations), results.ledger, "iterations");
}

/// Checks that the server was asked, and that it agrees to the workflow.
pub fn agrees_with_the_server(results: &Results) {
    let (ledger, reconciliation) = (&results.ledger, &results.reconciliation);
    assert_eq!(reconciliation.disagreements, Vec::<String>::new());
    assert_eq!(ledger.unknown, 0, "every lost answer was looked up");
    let server = reconciliation.server.value.as_ref();
    let server = server.unwrap_or_else(|| panic!("not asked: {}", reconciliation.server.source));
    let counted = |status: &str| server.get(status).copied().unwrap_or(0);
    assert_eq!(counted("Completed"), ledger.completed);
    assert_eq!(counted("Failed"), ledger.failed);
    assert_eq!(counted("Running"), ledger.open);
    assert_eq!(server.values().sum::<u64>(), ledger.accepted, "{server:?}");
    for name in ["ledger", "unknown-starts", "server-counts", "observers"] {
        passed(results, name);
    }
}

/// Checks that every workflow that ended was stamped by a worker, and so timed.
pub fn times_every_end(results: &Results) {
    let (ledger, reconciliation) = (&results.ledger, &results.reconciliation);
    assert_eq!(reconciliation.source, CompletionSource::Stamps);
    assert_eq!(
        (reconciliation.stamped, reconciliation.not_stamped),
        (ledger.ended(), 0)
    );
    for phase in of(&results.phases) {
        let e2e = &phase.latencies.e2e_response;
        assert_eq!(e2e.completed.count, phase.ledger.completed);
        assert_eq!(e2e.not_completed.count, phase.ledger.ended() - phase.ledger.completed);
    }
    let windows = |count: fn(&benchmark_results::schema::Window) -> Option<u64>| {
        results.windows.iter().map(|window| count(window).unwrap()).sum::<u64>()
    };
    assert_eq!(windows(|window| window.completed), ledger.completed);
    assert_eq!(windows(|window| window.failed), ledger.failed);
    let ended = results
        .intervals
        .iter()
        .map(|interval| decoded(&interval.e2e_response))
        .sum::<u64>();
    assert_eq!(ended, ledger.completed, "intervals");
}

/// Checks that a check passed, or could not be made.
pub fn passed(results: &Results, name: &str) {
    let check = results.verdict.checks.iter().find(|check| check.name == name);
    let check = check.unwrap_or_else(|| panic!("no check {name}: {:?}", results.verdict.checks));
    assert!(check.status <= CheckStatus::NotApplicable, "{check:?}");
}

fn of(phases: &Phases) -> impl Iterator<Item = &PhaseReport> {
    [&phases.ramp, &phases.warm_up, &phases.measure].into_iter()
}

fn sum(ledgers: impl Iterator<Item = Ledger>) -> Ledger {
    ledgers.fold(Ledger::default(), |mut sum, ledger| {
        sum.add(&ledger);
        sum
    })
}

fn times_what_it_counts(phase: &PhaseReport) {
    let (ledger, latencies) = (&phase.ledger, &phase.latencies);
    assert_eq!(latencies.lag.count, ledger.dispatched);
    for starts in [&latencies.start_response, &latencies.start_service] {
        let answered = starts.accepted.count + starts.rejected.count + starts.unanswered.count;
        assert_eq!(answered, ledger.dispatched);
        [&starts.accepted, &starts.rejected, &starts.unanswered]
            .into_iter()
            .for_each(decodes);
    }
    for ends in [&latencies.e2e_response, &latencies.e2e_service] {
        [&ends.completed, &ends.not_completed].into_iter().for_each(decodes);
    }
    assert_eq!(
        latencies.e2e_response.completed.count,
        latencies.e2e_service.completed.count
    );
    decodes(&latencies.lag);
}

fn decodes(latency: &Latency) {
    assert_eq!(decoded(&latency.histogram), latency.count);
}

fn decoded(histogram: &str) -> u64 {
    Histogram::decode(histogram).unwrap().count()
}

fn seconds_add_up(results: &Results) {
    let ledger = &results.ledger;
    let all = |count: fn(&benchmark_results::schema::Window) -> u64| results.windows.iter().map(count).sum::<u64>();
    assert_eq!(all(|window| window.due), ledger.arrivals);
    assert_eq!(all(|window| window.dispatched), ledger.dispatched);
    assert_eq!(all(|window| window.dropped), ledger.dropped());
    // What was looked up afterwards belongs to no second.
    let found: u64 = results
        .iterations
        .iter()
        .map(|iteration| iteration.reconciliation.unknown_found)
        .sum();
    assert_eq!(all(|window| window.accepted) + found, ledger.accepted);
    let answered = results
        .intervals
        .iter()
        .map(|interval| decoded(&interval.start_response))
        .sum::<u64>();
    assert_eq!(answered + found, ledger.accepted, "intervals");
}
