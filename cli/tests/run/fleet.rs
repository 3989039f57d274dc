//! Several processes, one run: the real programs, on the real server, over real sockets.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use benchmark_results::{
    Histogram, Results,
    schema::{CheckStatus, EndLatency, Latency, Member, MemberPresence, MemberRole, VerdictValue},
};
use rustix::process::Signal;

use crate::{
    account,
    bench::{Bench, Finished, Going},
    server,
};

/// What all of these runs have in common. The rate is far below what the machine carries: what is tried here is the account.
const LOAD: &str = "--rate 40 --ramp-up 1s --warm-up 1s --drain 60s --min-throughput 0 --max-error-ratio 1 \
                    --max-p99-latency 10m --output results.json --fleet-timeout 100s";

const TOKEN: &str = "a-token-for-tests";

/// A leader and those who join it, each in a folder of its own.
pub struct Cast {
    _bench: Bench,
    pub leader: Going,
    address: String,
    pub members: Vec<(Bench, Going)>,
}

impl Cast {
    /// Starts a leader; `arguments` besides [`LOAD`].
    pub fn lead(server: &str, arguments: &str) -> Cast {
        let bench = Bench::new();
        let mut command = bench.against(server, &format!("{LOAD} --fleet-listen 127.0.0.1:0 {arguments}"));
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let mut leader = bench.begin(command);
        let address = leader.fleet_address();
        Cast {
            _bench: bench,
            leader,
            address,
            members: Vec::new(),
        }
    }

    pub fn worker(&mut self, arguments: &str) {
        let address = self.address.clone();
        self.worker_at(&address, arguments);
    }

    fn worker_at(&mut self, address: &str, arguments: &str) {
        let bench = Bench::new();
        let line = format!("--join {address} --metrics-listen 127.0.0.1:0 --profile small {arguments}");
        let command = of_program(&bench, &worker_program(), &line);
        let going = bench.begin(command);
        self.members.push((bench, going));
    }

    pub fn generator(&mut self, arguments: &str) {
        let bench = Bench::new();
        let line = format!("join {} {arguments}", self.address);
        let mut command = bench.command(&line.split_whitespace().collect::<Vec<_>>());
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let going = bench.begin(command);
        self.members.push((bench, going));
    }

    /// Waits until the load is in its measured phase: results are written after some seconds of it.
    pub fn in_the_middle(&mut self) {
        // What it prints, not what it writes: the file is refreshed seldom on a busy machine.
        self.leader.until("the measured phase", |going| {
            going.said().contains("\nmeasure 00:").then_some(())
        });
    }

    /// The leader's results, and everybody's end.
    pub fn finish(self) -> (Results, Finished, Vec<Finished>) {
        let leader = self.leader.finish();
        let results = leader.results();
        let members = self.members.into_iter().map(|(_, member)| member.finish()).collect();
        (results, leader, members)
    }
}

/// The worker's program.
pub fn worker_program() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("benchmark-worker").to_owned()
}

fn of_program(bench: &Bench, program: &std::path::Path, arguments: &str) -> Command {
    let mut command = bench.program(program, &arguments.split_whitespace().collect::<Vec<_>>());
    command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
    command
}

fn of_role(results: &Results, role: MemberRole) -> Vec<&Member> {
    results
        .fleet
        .members
        .iter()
        .filter(|member| member.role == role)
        .collect()
}

fn decode(latency: &Latency) -> Histogram {
    Histogram::decode(&latency.histogram).unwrap()
}

fn sum<'a>(parts: impl Iterator<Item = &'a Latency>) -> Histogram {
    let mut sum = Histogram::new();
    parts.for_each(|part| sum.add(&decode(part)));
    sum
}

fn check(results: &Results, name: &str) -> CheckStatus {
    let check = results.verdict.checks.iter().find(|check| check.name == name);
    check.unwrap_or_else(|| panic!("no check {name}")).status
}

/// The merged histograms are those of the members, added; their counts are the ledger's.
fn members_add_up(results: &Results) {
    let latencies = &results.phases.measure.latencies;
    let EndLatency { completed, .. } = &latencies.e2e_response;
    let workers = of_role(results, MemberRole::Worker);
    let ends = || workers.iter().filter_map(|worker| worker.ends.as_ref());
    assert_eq!(sum(ends().map(|ends| &ends.e2e_response)), decode(completed));
    assert_eq!(
        sum(ends().map(|ends| &ends.e2e_service)),
        decode(&latencies.e2e_service.completed)
    );
    assert_eq!(
        ends().map(|ends| ends.stamped).sum::<u64>(),
        results.reconciliation.stamped,
        "stamps"
    );
    let starts = || results.fleet.members.iter().filter_map(|member| member.starts.as_ref());
    assert_eq!(
        sum(starts().map(|starts| &starts.start_response)),
        decode(&latencies.start_response.accepted)
    );
    assert_eq!(sum(starts().map(|starts| &starts.lag)), decode(&latencies.lag));
    assert_eq!(
        starts().map(|starts| starts.arrivals + starts.missing).sum::<u64>(),
        results.ledger.arrivals
    );
    assert_eq!(
        starts().map(|starts| starts.accepted).sum::<u64>(),
        results.ledger.accepted
    );
}

#[test]
fn two_generators_and_three_workers_are_one_run() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 12s --expect-workers 3 --generators 2");
    // One is told where the server is, the others ask the leader.
    cast.worker(&format!("--address {}", server.address()));
    cast.worker("");
    cast.worker("--workers-per-process 2");
    cast.generator("");
    let (results, leader, members) = cast.finish();
    for member in &members {
        assert_eq!(member.code(), 0, "{member:?}");
    }
    account::closes(&results);
    account::agrees_with_the_server(&results);
    members_add_up(&results);
    // 40/s: the ramp of a second from 4/s to 40/s gives 22, the other eleven seconds 440.
    assert_eq!(results.ledger.arrivals, 462, "{leader:?}");
    assert_eq!(results.ledger.completed, 462, "{leader:?}");
    assert_eq!(results.reconciliation.stamped, 462);
    assert_eq!(of_role(&results, MemberRole::Leader).len(), 1);
    let generators = of_role(&results, MemberRole::Generator);
    assert_eq!(generators.len(), 1);
    assert_eq!(generators[0].starts.as_ref().unwrap().arrivals, 231);
    assert!(generators[0].generator.is_some(), "what it used is told");
    let workers = of_role(&results, MemberRole::Worker);
    assert_eq!(workers.len(), 3);
    for member in &results.fleet.members {
        assert_eq!(member.presence, MemberPresence::Present, "{}", member.name);
        assert!(!member.usage.is_empty(), "{} tells what it uses", member.name);
        assert_eq!(member.windows_dropped, 0);
    }
    for worker in &workers {
        assert!(worker.joined_seconds < 0.0, "{}", worker.name);
        assert!(worker.workers.is_some(), "{} tells how it is tuned", worker.name);
        assert!(
            worker.usage.iter().any(|usage| usage.workflow_slots_free.is_some()),
            "{} tells its free slots",
            worker.name
        );
    }
    assert_eq!(check(&results, "fleet-members"), CheckStatus::Pass, "{leader:?}");
    assert_eq!(check(&results, "fleet-windows"), CheckStatus::Pass, "{leader:?}");
}

#[test]
fn a_worker_that_is_killed_is_named_and_the_others_finish_its_work() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 20s --expect-workers 2");
    cast.worker("");
    cast.worker("");
    cast.in_the_middle();
    cast.members[0].1.signal(Signal::KILL);
    let (results, leader, members) = cast.finish();
    assert_eq!(members[1].code(), 0, "{members:?}");
    account::closes(&results);
    account::agrees_with_the_server(&results);
    members_add_up(&results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals, "{leader:?}");
    let lost: Vec<_> = results
        .fleet
        .members
        .iter()
        .filter(|member| member.presence == MemberPresence::Lost)
        .collect();
    assert_eq!(lost.len(), 1, "{leader:?}");
    assert!(check(&results, "fleet-members") >= CheckStatus::Warning, "{leader:?}");
    assert!(
        results
            .events
            .iter()
            .any(|event| event.kind == "member-silent" && event.message.contains(&lost[0].name)),
        "{:?}",
        results.events
    );
}

#[test]
fn a_worker_that_is_told_to_go_loses_nothing() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 15s --expect-workers 2");
    cast.worker("");
    cast.worker("");
    cast.in_the_middle();
    cast.members[0].1.signal(Signal::TERM);
    let (results, leader, members) = cast.finish();
    for member in &members {
        assert_eq!(member.code(), 0, "{member:?}");
    }
    account::closes(&results);
    account::agrees_with_the_server(&results);
    members_add_up(&results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals, "{leader:?}");
    assert_eq!(
        results.reconciliation.stamped, results.ledger.completed,
        "every end was delivered: {leader:?}"
    );
    assert!(
        results.events.iter().any(|event| event.kind == "member-left"),
        "{:?}",
        results.events
    );
    assert!(check(&results, "fleet-members") >= CheckStatus::Warning, "{leader:?}");
}

#[test]
fn a_generator_that_is_killed_makes_the_run_invalid_and_its_arrivals_are_counted() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 15s --expect-workers 1 --generators 2");
    cast.worker("");
    cast.generator("");
    cast.in_the_middle();
    cast.members[1].1.signal(Signal::KILL);
    let (results, leader, _) = cast.finish();
    assert_eq!(leader.code(), 3, "{leader:?}");
    // What it did not tell has no latency and no second; every arrival has its end all the same.
    account::closes_so_far(&results);
    account::agrees_with_the_server(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid);
    assert_eq!(check(&results, "fleet-members"), CheckStatus::Invalid, "{leader:?}");
    // 22 in the ramp and 40/s for the other fourteen seconds: those that nobody sent are arrivals, too.
    assert_eq!(results.ledger.arrivals, 582, "{leader:?}");
    assert!(results.ledger.dropped_lag > 0, "{leader:?}");
    let generators = of_role(&results, MemberRole::Generator);
    let starts = generators[0].starts.as_ref().unwrap();
    assert!(starts.missing >= results.ledger.dropped_lag, "{starts:?}");
    assert_eq!(starts.arrivals + starts.missing, 291, "{starts:?}");
    assert_eq!(generators[0].presence, MemberPresence::Lost);
}

#[test]
fn a_generator_that_is_told_to_stop_is_not_done_and_what_it_did_not_send_is_missing() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 15s --expect-workers 1 --generators 2");
    cast.worker("");
    cast.generator("");
    cast.in_the_middle();
    cast.members[1].1.signal(Signal::TERM);
    let (results, leader, members) = cast.finish();
    assert_eq!(members[1].code(), 143, "{:?}", members[1]);
    assert_eq!(leader.code(), 3, "{leader:?}");
    account::closes_so_far(&results);
    account::agrees_with_the_server(&results);
    assert_eq!(check(&results, "fleet-members"), CheckStatus::Invalid, "{leader:?}");
    let generators = of_role(&results, MemberRole::Generator);
    assert_eq!(generators[0].presence, MemberPresence::Left);
    let reason = generators[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("SIGTERM") && reason.contains("it stopped sending at"),
        "{reason}"
    );
    let starts = generators[0].starts.as_ref().unwrap();
    assert!(starts.missing > 0, "{starts:?}");
    assert_eq!(starts.arrivals + starts.missing, 291, "{starts:?}");
    assert_eq!(results.ledger.arrivals, 582, "{leader:?}");
}

#[test]
fn when_the_leader_is_killed_the_members_stop_and_say_why() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 100s --expect-workers 1 --generators 2");
    cast.worker("--leader-timeout 3s");
    cast.generator("--leader-timeout 3s");
    cast.in_the_middle();
    cast.leader.signal(Signal::KILL);
    let begun = Instant::now();
    for (_, member) in cast.members {
        let finished = member.finish();
        assert_eq!(finished.code(), 2, "{finished:?}");
        assert!(finished.stderr.contains("leader"), "{finished:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn windows_that_cannot_be_delivered_for_a_while_count_once() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 40s --expect-workers 1");
    let relay = crate::relay::Relay::to(&cast.address);
    let address = relay.address();
    cast.worker_at(&address, "");
    cast.in_the_middle();
    relay.cut();
    let event = |going: &Going, kind: &str| {
        let results = going.results_so_far()?;
        results.events.iter().any(|event| event.kind == kind).then_some(())
    };
    let begun = Instant::now();
    cast.leader
        .until("the worker to be missed", |going| event(going, "member-silent"));
    // As long as an outage is expected to last: twenty seconds.
    while begun.elapsed() < Duration::from_secs(20) {
        cast.leader.until("another second", |_| {
            std::thread::sleep(Duration::from_millis(200));
            Some(())
        });
    }
    relay.restore();
    let (results, leader, members) = cast.finish();
    assert_eq!(members[0].code(), 0, "{members:?}");
    account::closes(&results);
    account::agrees_with_the_server(&results);
    members_add_up(&results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals, "{leader:?}");
    assert_eq!(results.reconciliation.stamped, results.ledger.completed, "{leader:?}");
    assert_eq!(results.reconciliation.not_stamped, 0);
    assert_eq!(results.reconciliation.stamped_twice, 0);
    let worker = of_role(&results, MemberRole::Worker)[0];
    assert_eq!((worker.presence, worker.windows_dropped), (MemberPresence::Present, 0));
    assert!(
        results.events.iter().any(|event| event.kind == "member-returned"),
        "{:?}",
        results.events
    );
}

#[test]
fn further_generators_take_part_in_each_iteration() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(
        &server.address(),
        "--duration 8s --expect-workers 1 --generators 3 --iterations 2",
    );
    cast.worker("");
    cast.generator("");
    cast.generator("");
    let (results, leader, _) = cast.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    members_add_up(&results);
    assert_eq!(of_role(&results, MemberRole::Generator).len(), 2, "{leader:?}");
    // Twice 22 in the ramp and seven seconds at 40/s.
    assert_eq!(results.ledger.arrivals, 604, "{leader:?}");
    assert_eq!(results.ledger.completed, 604, "{leader:?}");
}

#[test]
fn who_is_missing_is_named_when_time_is_up() {
    let server = server::start(&server::options());
    let bench = Bench::new();
    let line = "--rate 10 --duration 5s --fleet-listen 127.0.0.1:0 --expect-workers 2 --fleet-timeout 1s";
    let finished = bench.run(bench.against(&server.address(), line));
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(finished.stderr.contains("0 of 2 workers poll"), "{finished:?}");
    assert!(finished.stderr.contains("2 did not join"), "{finished:?}");
    assert!(finished.results_file().is_none());
}

#[test]
fn a_worker_that_cannot_carry_out_the_plan_says_so_to_its_leader_at_once() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 5s --expect-workers 1");
    // One poll, and one for what is cached, for the four partitions of the server's task queues.
    cast.worker("--workflow-pollers 2");
    let (_bench, worker) = cast.members.remove(0);
    let why = "partitions of the task queue";
    cast.leader.until("why the worker left", |leader| {
        let said = leader.said();
        let mut lines = said.lines();
        lines
            .any(|line| line.contains(" left: ") && line.contains(why))
            .then_some(())
    });
    let worker = worker.finish();
    assert_eq!(worker.code(), 2, "{worker:?}");
    assert!(worker.stderr.contains(why), "{worker:?}");
    // Another one may come.
    cast.worker("");
    let (results, leader, _) = cast.finish();
    account::closes(&results);
    assert_eq!(results.ledger.completed, results.ledger.arrivals, "{leader:?}");
}

#[test]
fn strangers_are_refused_and_both_sides_say_so() {
    let server = server::start(&server::options());
    let mut cast = Cast::lead(&server.address(), "--duration 5s --expect-workers 1 --generators 2");
    let refused = |arguments: &str, token: &str, word: &str| {
        let bench = Bench::new();
        let mut command = bench.command(&arguments.split_whitespace().collect::<Vec<_>>());
        command.env("BENCHMARK_FLEET_TOKEN", token);
        let finished = bench.run(command);
        assert_eq!(finished.code(), 2, "{finished:?}");
        assert!(finished.stderr.contains(word), "{word}: {finished:?}");
        assert_eq!(
            finished
                .stderr
                .lines()
                .filter(|line| line.starts_with("error:"))
                .count(),
            1,
            "{finished:?}"
        );
    };
    let address = cast.address.clone();
    refused(&format!("join {address}"), "another-token-for-tests", "token");
    refused(&format!("join {address} --expect-plan 0123456789"), TOKEN, "plan");
    refused(&format!("join {}", server.address()), TOKEN, "no leader");
    for why in [" was refused: ", "token", "plan"] {
        cast.leader
            .until(why, |leader| leader.said().contains(why).then_some(()));
    }
    cast.worker("");
    cast.generator("");
    let (results, _, members) = cast.finish();
    for member in &members {
        assert_eq!(member.code(), 0, "{member:?}");
    }
    account::closes(&results);
    let refusals = results
        .events
        .iter()
        .filter(|event| event.kind == "member-refused")
        .count();
    assert!(refusals >= 2, "{:?}", results.events);
}
