//! What no workload does, done beside a run by Temporal's own CLI: workflows that end by time or by hand, tasks that fail,
//! and activities that fail or take too long.

use std::{process::Command, thread, time::Instant};

use benchmark_temporal::testing;

use super::pages;
use crate::{bench::LIMIT, server::NAMESPACE};

/// The task queue of the run.
const QUEUE: &str = "benchmark-task-queue";

/// The input of a workflow whose only activity takes a while.
const ONE_LONG_ACTIVITY: &str = r#"{"activityCount": 1, "sleepMinMs": 8000, "sleepMaxMs": 8000}"#;

/// The CLI, asked about one server.
struct Cli<'a> {
    server: &'a str,
}

impl Cli<'_> {
    fn is_done(&self, line: &[&str]) -> bool {
        let mut command = Command::new(testing::binary().path);
        command
            .args(line)
            .args(["--address", self.server, "--namespace", NAMESPACE]);
        command.output().unwrap().status.success()
    }

    fn start(&self, id: &str, kind: &str, queue: &str, more: &[&str]) {
        let line = [
            "workflow",
            "start",
            "--workflow-id",
            id,
            "--type",
            kind,
            "--task-queue",
            queue,
        ];
        let done = self.is_done(&[&line, more].concat());
        assert!(done, "{id} cannot be started");
    }
}

/// Provokes all of it. Workers must poll, sooner or later.
pub fn provoke(server: &str, page: &str) {
    let cli = Cli { server };
    cli.start("no-such-type", "NoSuchWorkflow", QUEUE, &["--run-timeout", "12s"]);
    for (end, id) in [("cancel", "cancelled"), ("terminate", "terminated")] {
        cli.start(id, "TimerWorkflow", QUEUE, &["--input", r#"{"durationMs": 60000}"#]);
        until(id, |_| cli.is_done(&["workflow", end, "--workflow-id", id]));
    }
    let too_long = [
        "activity",
        "update-options",
        "--start-to-close-timeout",
        "1s",
        "--retry-maximum-attempts",
        "1",
    ];
    for change in [&["activity", "fail"][..], &too_long] {
        // An activity that has ended before it is changed is tried with the next one.
        until(change[1], |attempt| {
            let id = format!("{}-{attempt}", change[1]);
            cli.start(&id, "MultiActivityWorkflow", QUEUE, &["--input", ONE_LONG_ACTIVITY]);
            let begun = Instant::now();
            let line = [change, &["--activity-id", "1", "--workflow-id", &id]].concat();
            while begun.elapsed().as_secs() < 10 {
                if cli.is_done(&line) {
                    return true;
                }
            }
            false
        });
    }
    // Nobody polls there; only a task in the first of four partitions is counted as that.
    until("a task without poller", |attempt| {
        let id = format!("nobody-{attempt}");
        cli.start(&id, "TimerWorkflow", "nobody-polls", &["--run-timeout", "2s"]);
        pages::of(page).contains("\nno_poller_tasks{")
    });
}

/// Tries until it is done: with the number of the attempt.
pub fn until(what: &str, mut look: impl FnMut(usize) -> bool) {
    let begun = Instant::now();
    for attempt in 0.. {
        if look(attempt) {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "still waiting for {what}");
        thread::yield_now();
    }
}
