//! Members of a fleet that stop, hang or were never any, and a leader that is out of reach.
//!
//! What becomes of members that are killed or told to go is in `tests/run/fleet.rs`.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use benchmark_results::{
    Results,
    schema::{CheckStatus, VerdictValue},
};
use rustix::process::Signal;

use crate::{
    account,
    bench::{Bench, Finished, Going},
    hold,
    matrix::Case,
    play,
    pressure::is_right,
    proxy::{
        Proxy,
        script::{Script, Wire},
    },
};

const LOAD: &str = "--rate 10 --ramp-up 1s --warm-up 1s --drain 60s \
                    --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m --output results.json \
                    --fleet-listen 127.0.0.1:0 --fleet-timeout 100s";

pub const TOKEN: &str = "a-token-for-tests-of-faults";

/// From a signal to the end: a supervisor kills after this.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(30);

/// How long after its load a run may end at most.
pub const ENDS_WITHIN: Duration = Duration::from_secs(40 + 60 + 90);

/// A leader, those who join it, and the wire between them.
pub struct Fleet {
    pub bench: Bench,
    pub leader: Going,
    pub begun: Instant,
    pub address: String,
    wire: Proxy,
    members: Vec<(Bench, Going)>,
}

impl Fleet {
    /// A leader that waits for its members.
    pub fn lead(name: &str, seconds: u64, arguments: &str) -> Fleet {
        let bench = Bench::new();
        let line = format!("{LOAD} --duration {seconds}s --task-queue {name} {arguments}");
        let mut command = bench.against(&play::shared(), &line);
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let begun = Instant::now();
        let mut leader = bench.begin(command);
        let address = leader.fleet_address();
        Fleet {
            wire: Proxy::to(&address),
            bench,
            leader,
            begun,
            address,
            members: Vec::new(),
        }
    }

    fn worker_at(&mut self, leader: &str) {
        self.join_worker(leader, |_, _| {});
    }

    fn join_worker(&mut self, leader: &str, change: impl FnOnce(&Bench, &mut Command)) {
        let program = assert_cmd::cargo::cargo_bin!("benchmark-worker");
        let bench = Bench::new();
        let address = play::shared();
        let line = format!("--join {leader} --address {address} --metrics-listen 127.0.0.1:0 --profile small");
        let mut command = bench.program(program, &line.split_whitespace().collect::<Vec<_>>());
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        change(&bench, &mut command);
        let going = bench.begin(command);
        self.members.push((bench, going));
    }

    /// A worker joins.
    pub fn worker(&mut self) {
        self.worker_behind(|_, _| {});
    }

    /// A worker joins whose command was changed.
    pub fn worker_behind(&mut self, change: impl FnOnce(&Bench, &mut Command)) {
        let address = self.address.clone();
        self.join_worker(&address, change);
    }

    fn generator_at(&mut self, leader: &str) {
        self.generator_between(leader, &play::shared(), |_, _| {});
    }

    fn generator_between(&mut self, leader: &str, server: &str, change: impl FnOnce(&Bench, &mut Command)) {
        let bench = Bench::new();
        let mut command = bench.command(&["join", leader, "--address", server]);
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        change(&bench, &mut command);
        let going = bench.begin(command);
        self.members.push((bench, going));
    }

    fn generator(&mut self) {
        self.generator_behind(|_, _| {});
    }

    /// A generator joins whose command was changed.
    pub fn generator_behind(&mut self, change: impl FnOnce(&Bench, &mut Command)) {
        let address = self.address.clone();
        self.generator_between(&address, &play::shared(), change);
    }

    /// The folder of a member.
    pub fn bench_of(&self, member: usize) -> &Bench {
        &self.members[member].0
    }

    /// Waits until the load is in its measured phase.
    pub fn in_the_middle(&mut self) {
        // What it prints, not what it writes: the file is refreshed seldom on a busy machine.
        self.leader.until("the measured phase", |going| {
            going.said().contains("\nmeasure 00:").then_some(())
        });
    }

    fn signal(&self, member: usize, signal: Signal) {
        self.members[member].1.signal(signal);
    }

    /// Waits for the leader's end and checks what must hold whatever became of a member. The others are killed when they
    /// are still there.
    pub fn finish(self) -> (Results, Finished) {
        let finished = self.leader.finish();
        assert!(self.begun.elapsed() <= ENDS_WITHIN, "{:?}", self.begun.elapsed());
        drop(self.members);
        let results = finished.results();
        assert!(results.complete, "{finished:?}");
        hold::readable(&self.bench, &finished, &results.run.id);
        is_harmless(&finished);
        // What a lost generator did not tell is in no second.
        account::closes_so_far(&results);
        assert_eq!(finished.code(), i32::from(results.outcome.exit_code), "{finished:?}");
        (results, finished)
    }
}

/// Nothing of what members say does anything but be read, in what the program prints and in what others read of its file.
fn is_harmless(finished: &Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains('\u{1b}'), "{finished:?}");
    }
    let file = fs::read_to_string(finished.results_file().unwrap()).unwrap();
    assert!(!file.contains('\u{1b}') && !file.contains("\\u001b"), "{file}");
}

/// The status of a check.
pub fn status(results: &Results, name: &str) -> CheckStatus {
    let check = results.verdict.checks.iter().find(|check| check.name == name);
    check.unwrap_or_else(|| panic!("no check {name}")).status
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "worker stopped",
            35,
            a_worker_that_is_stopped_is_lost_and_the_other_does_its_work,
        ),
        Case::new("worker hung", 40, a_worker_that_cannot_tell_its_ends_makes_no_valid_run),
        Case::new(
            "generator stopped",
            40,
            a_generator_that_is_stopped_makes_no_valid_run_and_its_arrivals_are_counted,
        ),
        Case::new(
            "generator hung",
            35,
            a_generator_that_sends_on_unheard_makes_no_valid_run,
        ),
        Case::new(
            "generator aborts at its cap",
            25,
            a_generator_that_aborts_at_its_cap_ends_the_run_as_the_leader_would,
        ),
        Case::new(
            "leader stopped, then SIGTERM to a generator",
            25,
            a_generator_that_is_told_to_stop_waits_for_no_leader_that_stands_still,
        ),
        Case::new(
            "generator unanswered, then SIGTERM to the leader",
            35,
            a_generator_whose_starts_nobody_answers_ends_with_its_leader,
        ),
        Case::new(
            "leader away for 20 s",
            40,
            a_leader_that_is_out_of_reach_for_20_s_loses_nothing,
        ),
        Case::new(
            "strangers at the leader's door",
            25,
            strangers_at_the_door_change_nothing,
        ),
    ]
}

fn a_worker_that_is_stopped_is_lost_and_the_other_does_its_work() {
    let mut fleet = Fleet::lead("worker-stopped", 20, "--expect-workers 2");
    fleet.worker();
    fleet.worker();
    fleet.in_the_middle();
    fleet.signal(0, Signal::STOP);
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    assert_eq!(results.ledger.completed, results.ledger.accepted, "{leader:?}");
    assert!(status(&results, "fleet-members") >= CheckStatus::Warning, "{leader:?}");
}

fn a_worker_that_cannot_tell_its_ends_makes_no_valid_run() {
    let mut fleet = Fleet::lead("worker-hung", 20, "--expect-workers 1");
    let wire = fleet.wire.address();
    fleet.worker_at(&wire);
    fleet.in_the_middle();
    fleet.wire.play(Script::wire(Wire::Frozen));
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(&results, "missing-stamps"), CheckStatus::Invalid, "{leader:?}");
}

fn a_generator_that_is_stopped_makes_no_valid_run_and_its_arrivals_are_counted() {
    let mut fleet = Fleet::lead("generator-stopped", 20, "--expect-workers 1 --generators 2");
    fleet.worker();
    fleet.generator();
    fleet.in_the_middle();
    fleet.signal(1, Signal::STOP);
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    assert_eq!(status(&results, "fleet-members"), CheckStatus::Invalid, "{leader:?}");
    // 6 in the ramp and 10/s for the other nineteen seconds: those that nobody sent are arrivals, too.
    assert_eq!(results.ledger.arrivals, 196, "{leader:?}");
}

fn a_generator_that_sends_on_unheard_makes_no_valid_run() {
    let mut fleet = Fleet::lead("generator-hung", 20, "--expect-workers 1 --generators 2");
    let wire = fleet.wire.address();
    fleet.worker();
    fleet.generator_at(&wire);
    fleet.in_the_middle();
    fleet.wire.play(Script::wire(Wire::Frozen));
    let (results, leader) = fleet.finish();
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(&results, "fleet-members"), CheckStatus::Invalid, "{leader:?}");
    assert_eq!(results.ledger.arrivals, 196, "{leader:?}");
}

fn a_generator_that_is_told_to_stop_waits_for_no_leader_that_stands_still() {
    let mut fleet = Fleet::lead("leader-stopped", 60, "--expect-workers 1 --generators 2");
    fleet.worker();
    fleet.generator();
    fleet.in_the_middle();
    fleet.leader.signal(Signal::STOP);
    let (_bench, generator) = fleet.members.remove(1);
    generator.signal(Signal::TERM);
    let begun = Instant::now();
    let finished = generator.finish();
    assert!(begun.elapsed() <= AFTER_A_SIGNAL, "{:?}: {finished:?}", begun.elapsed());
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(
        finished.stderr.contains("not everything reached the leader"),
        "{finished:?}"
    );
}

fn a_generator_that_aborts_at_its_cap_ends_the_run_as_the_leader_would() {
    let arguments = "--expect-workers 1 --generators 2 --start-timeout 4s --max-in-flight 20 --when-full abort";
    let (fleet, _route) = generator_unanswered("generator-aborts", arguments);
    let (results, leader) = fleet.finish();
    let cause = results.run.interrupted_by.as_deref().unwrap_or_default();
    assert!(
        cause.starts_with("--when-full abort") && cause.contains(" on generator "),
        "{cause}"
    );
    account::closes(&results);
    account::agrees_with_the_server(&results);
    // Each has every other arrival up to the same instant, those that found the cap reached among them.
    let starts: Vec<_> = results
        .fleet
        .members
        .iter()
        .filter_map(|member| member.starts.as_ref())
        .collect();
    let [one, other] = starts[..] else { panic!("{leader:?}") };
    assert_eq!((one.missing, other.missing), (0, 0), "{leader:?}");
    assert!(one.arrivals.abs_diff(other.arrivals) <= 1, "{one:?} {other:?}");
    assert!(other.dropped > 0, "{other:?}");
}

/// A fleet in its measured phase, of whose generators one is answered no more by its server.
fn generator_unanswered(name: &str, arguments: &str) -> (Fleet, Proxy) {
    let mut fleet = Fleet::lead(name, 60, arguments);
    let route = Proxy::to(&play::shared());
    let (leader, server) = (fleet.address.clone(), route.address());
    fleet.worker();
    fleet.generator_between(&leader, &server, |_, _| {});
    fleet.in_the_middle();
    route.play(Script::wire(Wire::Frozen));
    (fleet, route)
}

fn a_generator_whose_starts_nobody_answers_ends_with_its_leader() {
    let arguments = "--expect-workers 1 --generators 2 --start-timeout 2m";
    let (mut fleet, _route) = generator_unanswered("generator-unanswered", arguments);
    let seen = Instant::now();
    fleet.leader.until("starts that are not answered", |_| {
        (seen.elapsed() >= Duration::from_secs(2)).then_some(())
    });
    fleet.leader.signal(Signal::TERM);
    let begun = Instant::now();
    let (_bench, generator) = fleet.members.remove(1);
    let followed = generator.finish();
    assert!(begun.elapsed() <= AFTER_A_SIGNAL, "{:?}: {followed:?}", begun.elapsed());
    let finished = fleet.leader.finish();
    assert!(begun.elapsed() <= AFTER_A_SIGNAL, "{:?}: {finished:?}", begun.elapsed());
    assert_eq!(finished.code(), 143, "{finished:?}");
    account::closes_so_far(&finished.results());
}

fn a_leader_that_is_out_of_reach_for_20_s_loses_nothing() {
    let mut fleet = Fleet::lead("leader-away", 35, "--expect-workers 1");
    let wire = fleet.wire.address();
    fleet.worker_at(&wire);
    fleet.in_the_middle();
    fleet.wire.play(Script::wire(Wire::BlackHole));
    let begun = Instant::now();
    fleet.leader.until("twenty seconds", |_| {
        (begun.elapsed() >= Duration::from_secs(20)).then_some(())
    });
    fleet.wire.play(Script::default());
    let (results, leader) = fleet.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert_eq!(results.reconciliation.stamped, results.ledger.ended(), "{leader:?}");
    assert_eq!(
        (results.reconciliation.not_stamped, results.reconciliation.stamped_twice),
        (0, 0)
    );
}

fn strangers_at_the_door_change_nothing() {
    let mut fleet = Fleet::lead("strangers", 20, "--expect-workers 1");
    // More than may wait at the door, and none of them says a word that makes sense.
    let strangers: Vec<TcpStream> = (0..100)
        .map(|n: u32| {
            let mut stranger = TcpStream::connect(&fleet.address).unwrap();
            let noise: &[u8] = match n % 3 {
                0 => b"",
                1 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                _ => &[0x1b; 65_536],
            };
            // Who is turned away cannot say it all.
            let _ = stranger.write_all(noise);
            stranger
        })
        .collect();
    fleet.worker();
    fleet.in_the_middle();
    drop(strangers);
    let (results, leader) = fleet.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert!(is_right(&results, &[VerdictValue::Valid], &[]), "{leader:?}");
    assert_eq!(results.fleet.members.len(), 2, "{leader:?}");
}
