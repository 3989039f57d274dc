//! Clocks that are set or drift, and a server whose clock is another: the programs run behind a C library that tells them
//! another time than the machine's (`clock.c`).

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use benchmark_results::{
    Results,
    limits::CLOCK_SHARE,
    schema::{CheckStatus, CompletionSource, MemberClock, MemberRole, VerdictValue},
};

use crate::{
    account,
    bench::{Bench, Finished},
    hold,
    matrix::Case,
    members::{Fleet, status},
    play,
    pressure::{Pressure, is_right},
};

const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/clock.c");

/// Workflows of a length with which what clocks do in half a minute is within what `clock-offset` tolerates.
const LONG: &str = "--workflow-type timer --timer-duration 100ms";

/// The clock of a process.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    /// Whether only Unix time is another, as when somebody sets it; else the time that passes, too.
    wall_only: bool,
    ahead_ms: i64,
    drift_ppm: i64,
    /// By how much it is set when [`set`] says so.
    step_ms: i64,
}

impl Clock {
    /// Gives it to a program.
    fn give(self, bench: &Bench, program: &mut Command) {
        let library = bench.path("../clock.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .args([LIBRARY, "-ldl"])
            .output()
            .expect("cc");
        assert!(compiled.status.success(), "{compiled:?}");
        program
            .env("LD_PRELOAD", &library)
            .env("CLOCK_WHICH", if self.wall_only { "wall" } else { "all" })
            .env("CLOCK_AHEAD_MS", self.ahead_ms.to_string())
            .env("CLOCK_DRIFT_PPM", self.drift_ppm.to_string())
            .env("CLOCK_STEP_MS", self.step_ms.to_string())
            .env("CLOCK_STEP_FILE", when(bench));
    }
}

fn when(bench: &Bench) -> std::path::PathBuf {
    bench.path("../step")
}

/// Sets the clock of a program that was given one that can be set.
fn set(bench: &Bench) {
    std::fs::write(when(bench), "").unwrap();
}

fn clock(results: &Results, role: MemberRole) -> &MemberClock {
    let mut members = results.fleet.members.iter();
    &members.find(|member| member.role == role).expect("a member").clock
}

fn is_about(found: Option<f64>, expected: f64, within: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() <= within)
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "clock of a worker stands still for 300 ms",
            30,
            a_worker_whose_clock_stands_still_while_it_is_measured_makes_no_valid_run,
        ),
        Case::new(
            "clock of a generator is stepped by 300 ms",
            30,
            a_generator_whose_clock_is_stepped_while_it_is_measured_makes_no_valid_run,
        ),
        Case::new("clocks drift by 200 ppm", 35, clocks_that_drift_by_200_ppm_are_followed),
        Case::new(
            "wall clock is set by 300 ms",
            30,
            a_wall_clock_that_is_set_while_it_is_measured_changes_nothing,
        ),
        Case::new(
            "the server's clock is another",
            25,
            a_server_whose_clock_is_another_tells_the_same_rate_of_completions,
        ),
    ]
}

/// A step of 300 ms is beyond what may be wrong of latencies shorter than some six seconds; on a starved machine they are
/// longer than that, and it is known all the same.
fn is_judged(results: &Results, leader: &Finished) {
    let p50 = results.phases.measure.latencies.e2e_response.completed.p50;
    if p50.is_some_and(|p50| p50 * CLOCK_SHARE >= 250.0) {
        return;
    }
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(results, "clock-offset"), CheckStatus::Invalid, "{leader:?}");
}

fn a_worker_whose_clock_stands_still_while_it_is_measured_makes_no_valid_run() {
    let mut fleet = Fleet::lead("worker-clock-set", 20, "--expect-workers 1");
    let clock_of_worker = Clock {
        step_ms: -300,
        ..Clock::default()
    };
    fleet.worker_behind(|bench, command| clock_of_worker.give(bench, command));
    fleet.in_the_middle();
    set(fleet.bench_of(0));
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    is_judged(&results, &leader);
    let clock = clock(&results, MemberRole::Worker);
    assert!(is_about(clock.largest_step_ms, 300.0, 50.0), "{clock:?}");
    // It is corrected from then on.
    assert!(is_about(clock.used_ms, 300.0, 50.0), "{clock:?}");
}

fn a_generator_whose_clock_is_stepped_while_it_is_measured_makes_no_valid_run() {
    let mut fleet = Fleet::lead("generator-clock-set", 20, "--expect-workers 1 --generators 2");
    let clock_of_generator = Clock {
        step_ms: 300,
        ..Clock::default()
    };
    fleet.worker();
    fleet.generator_behind(|bench, command| clock_of_generator.give(bench, command));
    fleet.in_the_middle();
    set(fleet.bench_of(1));
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    is_judged(&results, &leader);
    // 6 in the ramp and 10/s for the other nineteen seconds; none is lost or sent twice.
    assert_eq!(results.ledger.arrivals, 196, "{leader:?}");
    let clock = clock(&results, MemberRole::Generator);
    assert!(is_about(clock.largest_step_ms, 300.0, 50.0), "{clock:?}");
    // It is slewed by 500 ppm, and what is left is told.
    assert!(is_about(clock.error_ms, 300.0, 50.0), "{clock:?}");
}

fn clocks_that_drift_by_200_ppm_are_followed() {
    let mut fleet = Fleet::lead("clocks-drift", 25, &format!("--expect-workers 1 --generators 2 {LONG}"));
    let fast = |drift_ppm| Clock {
        drift_ppm,
        ..Clock::default()
    };
    fleet.worker_behind(|bench, command| fast(200).give(bench, command));
    fleet.generator_behind(|bench, command| fast(-200).give(bench, command));
    let (results, leader) = fleet.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert!(is_right(&results, &[VerdictValue::Valid], &[]), "{leader:?}");
    for (role, way) in [(MemberRole::Worker, -1.0), (MemberRole::Generator, 1.0)] {
        let clock = clock(&results, role);
        let offset = clock.offset_ms.expect("an estimate");
        // Some half a minute, and it is told when all is over.
        assert!((3.0..30.0).contains(&(way * offset)), "{clock:?}");
        // Where nobody got through for seconds, what the clocks drifted in that time is found as a step and slewed: what is left
        // of it is told.
        let (within, error) = match clock.steps {
            Some(1..) => (
                clock.error_ms.unwrap_or(0.0) + clock.uncertainty_ms.unwrap_or(0.0) + 0.5,
                3.0 + 2.0 * clock.largest_step_ms.unwrap_or(0.0),
            ),
            _ => (3.0, 3.0),
        };
        assert!(clock.corrected && is_about(clock.used_ms, offset, within), "{clock:?}");
        // What it would be if nobody followed it is twice that.
        assert!(is_about(clock.error_ms, 0.0, error), "{clock:?}");
    }
}

fn a_wall_clock_that_is_set_while_it_is_measured_changes_nothing() {
    let mut fleet = Fleet::lead("wall-clock-set", 20, "--expect-workers 1 --generators 2");
    let wall = Clock {
        wall_only: true,
        step_ms: 300,
        ..Clock::default()
    };
    fleet.worker_behind(|bench, command| wall.give(bench, command));
    fleet.generator_behind(|bench, command| wall.give(bench, command));
    fleet.in_the_middle();
    (0..2).for_each(|member| set(fleet.bench_of(member)));
    let (results, leader) = fleet.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert!(is_right(&results, &[VerdictValue::Valid], &[]), "{leader:?}");
    for role in [MemberRole::Worker, MemberRole::Generator] {
        assert_eq!(clock(&results, role).largest_step_ms, Some(0.0), "{leader:?}");
    }
}

fn a_server_whose_clock_is_another_tells_the_same_rate_of_completions() {
    let (queue, address) = ("server-clock", play::shared());
    // Workers of others: the server tells when workflows ended.
    let worker = play::worker_elsewhere(&address, queue);
    let ahead_ms = 20_000;
    let bench = Bench::new();
    let line = format!(
        "--generator-only --task-queue {queue} --rate 20 --duration 10s --ramp-up 1s --warm-up 1s --drain 30s \
         --sample 50% --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m --output results.json"
    );
    let mut command = bench.against(&address, &line);
    let clock = Clock {
        wall_only: true,
        ahead_ms,
        ..Clock::default()
    };
    clock.give(&bench, &mut command);
    let begun = Instant::now();
    let finished = bench.run(command);
    assert!(begun.elapsed() < Duration::from_secs(10 + 30 + 90));
    let results = finished.results();
    hold::readable(&bench, &finished, &results.run.id);
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert_eq!(results.reconciliation.source, CompletionSource::Visibility);
    let clock = results
        .reconciliation
        .server_clock
        .as_ref()
        .and_then(|clock| clock.value);
    let clock = clock.unwrap_or_else(|| panic!("{finished:?}"));
    let expected = -(ahead_ms as f64);
    assert!(
        is_about(Some(clock.offset_ms), expected, clock.uncertainty_ms + 1.0),
        "{clock:?}"
    );
    let measure = &results.phases.measure;
    let starts = measure.latencies.start_response.accepted.p50.unwrap_or(0.0);
    let crowded = Pressure::of(&results).is_crowded();
    // It is known as well as a start is short, which on a machine that others have it is not.
    let known = if crowded { starts.max(100.0) } else { 100.0 };
    assert!(clock.corrected && clock.uncertainty_ms < known, "{clock:?}");
    assert_eq!(status(&results, "server-clock"), CheckStatus::Pass, "{finished:?}");
    // Twenty a second; by the server's clock alone nothing ended in these ten seconds.
    let rate = measure.completion_rate;
    let within = if crowded { 18.0 } else { 2.0 };
    assert!(is_about(rate, 20.0, within), "{rate:?}: {finished:?}");
    drop(worker);
}

/// What the library tells is what was asked for, or the rows above try nothing.
#[test]
fn the_clock_is_the_one_that_was_asked_for() {
    let unix_ms = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    };
    for ahead_ms in [0, 20_000, -20_000] {
        let bench = Bench::new();
        let mut date = bench.program(Path::new("/bin/date"), &["+%s%3N"]);
        let clock = Clock {
            wall_only: true,
            ahead_ms,
            ..Clock::default()
        };
        clock.give(&bench, &mut date);
        let (before, output, after) = (unix_ms(), date.output().unwrap(), unix_ms());
        let told: i64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert!((before..=after).contains(&(told - ahead_ms)), "{ahead_ms}: {told}");
    }
}
