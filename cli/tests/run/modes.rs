//! What goes where, and a server that is kept.

use benchmark_results::{Results, schema::VerdictValue};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    account,
    bench::{Bench, listens, until_gone},
    server::{self, until_counts},
};

const SHORT: &str = "--rate 20 --duration 2s --min-throughput 0.1 --output results.json";

#[test]
fn json_is_one_document_on_stdout_and_everything_else_is_on_stderr() {
    let bench = Bench::new();
    let finished = bench.run(bench.embedded(&format!("{SHORT} --json")));
    let printed: Results = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(printed, finished.results(), "what is printed is what is in the file");
    assert!(
        finished
            .stderr
            .contains(printed.verdict.headline.split(' ').next().unwrap()),
        "{finished:?}"
    );
    assert!(
        finished.stderr.contains("arrivals"),
        "the summary is there: {finished:?}"
    );
    assert!(
        !format!("{finished:?}").contains("\\u{1b}"),
        "no colour in a file: {finished:?}"
    );
}

#[test]
fn quiet_prints_the_verdict_and_nothing_else() {
    let bench = Bench::new();
    // It is asked for colour by what makes other programs colour a pipe, and asked not to.
    let mut command = bench.embedded(&format!("{SHORT} --quiet"));
    command.env("NO_COLOR", "1").env("TERM", "xterm-256color");
    let finished = bench.run(command);
    let results = finished.results();
    account::closes(&results);
    assert_eq!(finished.stderr, "", "{finished:?}");
    assert_eq!(finished.stdout.lines().count(), 1, "{finished:?}");
    assert!(
        finished.stdout.ends_with(&format!("{}\n", results.verdict.headline)),
        "{finished:?}"
    );
}

#[test]
fn a_pipe_gets_plain_text() {
    let bench = Bench::new();
    let mut command = bench.embedded(SHORT);
    command.env("TERM", "xterm-256color");
    let finished = bench.run(command);
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{finished:?}");
    }
    let results = finished.results();
    let first = finished.stdout.lines().next().unwrap();
    assert!(first.starts_with(match results.verdict.value {
        VerdictValue::Valid => "VALID ",
        VerdictValue::Overloaded => "OVERLOADED ",
        VerdictValue::Invalid => "INVALID ",
    }));
    assert!(finished.stderr.contains("measure"), "lines of progress: {finished:?}");
}

#[test]
fn a_server_that_is_kept_says_how_it_is_reached() {
    let bench = Bench::new();
    let finished = bench.run(bench.embedded(&format!("{SHORT} --keep-server")));
    let after = |what: &str| {
        let (_, after) = finished
            .stderr
            .rsplit_once(what)
            .unwrap_or_else(|| panic!("no {what:?}: {finished:?}"));
        after.split_whitespace().next().unwrap().to_owned()
    };
    let pid = Pid::from_raw(after("kill ").parse().unwrap()).unwrap();
    let address = after("--address ");
    let works = std::panic::catch_unwind(|| {
        assert!(listens(&address));
        let results = finished.results();
        until_counts(&address, &results.run.id, &[("Completed", results.ledger.completed)]);
        assert_eq!(server::counts(&address, "ExecutionStatus = 'Running'").len(), 0);
        // The next run uses it and leaves it alone.
        let next = Bench::new();
        let again = next.run(next.against(&address, &format!("{SHORT} --workers 1")));
        account::agrees_with_the_server(&again.results());
        assert!(listens(&address));
    });
    kill_process(pid, Signal::TERM).unwrap();
    until_gone(&address);
    if let Err(panic) = works {
        std::panic::resume_unwind(panic);
    }
}
