//! Members with the right token that send what they must not: to a real leader, beside members that do their work.
//!
//! What each message comes to is in `fleet/src/leader/tests`, what it costs in `tests/memory.rs`, and that the reader takes
//! whatever is written of it in `src/fleet/tests/hostile.rs`.

use benchmark_fleet::{
    EndRecord, EndsBuilder, columns,
    wire::{self, Role, window::Body},
};
use benchmark_results::{
    WorkflowEnd,
    schema::{CheckStatus, VerdictValue},
};
use procfs::process::Process;
use tonic::{Code, Status};

use crate::{
    account,
    bench::Going,
    impostor::{self, Impostor},
    matrix::Case,
    members::{ENDS_WITHIN, Fleet, status},
    pressure::is_right,
};

/// More than all that is hostile here may cost the leader. One message of the largest kind takes 64 MiB at most.
const MOST_BYTES: u64 = 128 << 20;

fn nothing_ended() -> wire::Ends {
    EndsBuilder::new().finish()
}

fn large(message: wire::ExchangeRequest, is_said: bool) -> impl Fn(&mut Impostor) -> Result<u64, Status> {
    move |member| member.send(message.clone(), is_said)
}

/// Memory that a process has now, and the most that it has had, bytes.
fn memory(process: &Going) -> (u64, u64) {
    let status = Process::new(process.pid()).unwrap().status().unwrap();
    (status.vmrss.unwrap() * 1024, status.vmhwm.unwrap() * 1024)
}

/// A member's act.
type Act = Box<dyn Fn(&mut Impostor) -> Result<u64, Status>>;

/// What a worker sends that it must not, and what the leader says to it. The leader takes nothing more of those that are put out.
fn acts() -> Vec<(&'static str, &'static str, Act)> {
    let long = wire::ExchangeRequest {
        reason: "\u{1b}".repeat(16 << 20),
        ..Default::default()
    };
    let columns = |n: usize, ended: usize| wire::Ends {
        n: vec![0; n],
        ended_unix_ns: vec![0; ended],
        service_ns: vec![0; ended],
        ..Default::default()
    };
    let act = |act: fn(&mut Impostor) -> Result<u64, Status>| -> Act { Box::new(act) };
    let said = |body: Body| -> Act { Box::new(move |member| member.tell(body.clone())) };
    let mut other = columns(1, 1);
    other.others.push(wire::OtherEnd {
        index: 0,
        kind: 99,
        message: "\u{1b}[2J".to_owned(),
    });
    vec![
        (
            "starts",
            "a worker tells of starts",
            said(Body::Starts(wire::Starts::default())),
        ),
        (
            "columns",
            "columns of different length",
            said(Body::Ends(columns(2, 1))),
        ),
        ("an end of no kind", "unknown kind of end 99", said(Body::Ends(other))),
        (
            "more than a window holds",
            "1048577 ends in one window",
            Box::new(move |member| {
                let window = member.window(Body::Ends(columns((1 << 20) + 1, (1 << 20) + 1)));
                let message = wire::ExchangeRequest {
                    windows: vec![window],
                    ..Default::default()
                };
                member.send(message, true)
            }),
        ),
        (
            "no number",
            "no sequence number",
            act(|member| {
                let mut window = member.window(Body::Ends(nothing_ended()));
                window.sequence = 0;
                member.exchange(vec![window])
            }),
        ),
        (
            "a gap",
            "those between are missing",
            act(|member| {
                member.window(Body::Ends(nothing_ended()));
                member.tell(Body::Ends(nothing_ended()))
            }),
        ),
        (
            "many windows",
            "257 windows in one exchange",
            act(|member| {
                let windows = (0..257).map(|_| member.window(Body::Ends(nothing_ended()))).collect();
                member.exchange(windows)
            }),
        ),
        ("16 MiB", "", Box::new(large(long.clone(), false))),
        ("16 MiB, and says so", "", Box::new(large(long, true))),
        (
            "another's key",
            "is not the one beside it",
            act(|member| {
                let message = wire::ExchangeRequest {
                    key: vec![0xff; 16],
                    ..Default::default()
                };
                member.send_as_it_is(message, false)
            }),
        ),
        (
            "an old exchange",
            "a later exchange of this process was taken",
            act(|member| {
                member.exchange(Vec::new())?;
                let message = wire::ExchangeRequest {
                    number: 1,
                    ..Default::default()
                };
                member.send(message, false)
            }),
        ),
        (
            "another role",
            "it joined as worker before and now as generator",
            act(|member| member.join_as(Role::Generator).map(|()| 0)),
        ),
    ]
}

/// Of those acts, how many put their member out.
const PUT_OUT: usize = 7;

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "workers with the token that send what they must not",
            35,
            workers_that_send_what_they_must_not_are_put_out_and_the_run_is_valid,
        ),
        Case::new(
            "a worker that stamps what others did",
            25,
            a_worker_that_stamps_what_others_did_makes_no_valid_run,
        ),
        Case::new(
            "a worker that stamps before the arrival was due",
            25,
            stamps_from_before_their_arrival_are_no_latencies_and_make_no_valid_run,
        ),
        Case::new(
            "generators that tell of another's part, of more than was asked, or of nothing",
            30,
            generators_that_tell_of_others_parts_or_of_nothing_make_no_valid_run,
        ),
        Case::new(
            "a generator that joins and says nothing",
            30,
            a_generator_that_joins_and_says_nothing_ends_the_run_before_its_load,
        ),
    ]
}

fn workers_that_send_what_they_must_not_are_put_out_and_the_run_is_valid() {
    let mut fleet = Fleet::lead("hostile-workers", 30, "--expect-workers 1");
    fleet.worker();
    fleet.in_the_middle();
    let (before, _) = memory(&fleet.leader);
    let join = |name: &str| Impostor::join(&fleet.address, Role::Worker, name).unwrap();
    let silent = join("says nothing");
    let half = join("half a message").half_a_message();
    for (name, says, act) in acts() {
        let mut member = join(name);
        member.exchange(Vec::new()).unwrap();
        let refused = act(&mut member).expect_err(name);
        assert!(refused.message().contains(says), "{name}: {refused:?}");
        assert!(
            !says.is_empty() || matches!(refused.code(), Code::OutOfRange | Code::Unknown | Code::Internal),
            "{name}: {refused:?}"
        );
    }
    let mut put_out = join("comes again");
    put_out.tell(Body::Starts(wire::Starts::default())).unwrap_err();
    let refused = put_out.exchange(Vec::new()).unwrap_err();
    assert!(
        refused.message().contains("nothing more is taken from it"),
        "{refused:?}"
    );
    let mut leaves = join("leaves");
    let message = wire::ExchangeRequest {
        leaving: true,
        reason: "\u{1b}[2J".repeat(10_000),
        ..Default::default()
    };
    leaves.send(message, false).unwrap();
    let Err(refused) = Impostor::join(&fleet.address, Role::Generator, "has no place") else {
        panic!("there is no place for it")
    };
    assert!(refused.message().contains("the run has begun"), "{refused:?}");
    // A few seconds, and nobody's place is taken for ever.
    drop(impostor::finish(half));
    let (_, most) = memory(&fleet.leader);
    assert!(most - before < MOST_BYTES, "{before} bytes, then {most}");

    let (results, leader) = fleet.finish();
    drop(silent);
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert!(is_right(&results, &[VerdictValue::Valid], &[]), "{leader:?}");
    let events = |text: &str| {
        results
            .events
            .iter()
            .filter(|event| event.message.contains(text))
            .count()
    };
    assert_eq!(
        events("it sent what could not be read"),
        PUT_OUT + 1,
        "{:?}",
        results.events
    );
    assert!(status(&results, "fleet-members") == CheckStatus::Warning, "{leader:?}");
}

/// Tells of those arrivals as they become due, with an end that follows from when that was.
fn stamp_all(fleet: &mut Fleet, member: &mut Impostor, of: impl Fn(u64) -> bool, ended: impl Fn(u64) -> u64) {
    let schedule = member.schedule();
    let mut next = 0;
    fleet.leader.until("the last arrival", |_| {
        if !member.has_begun() {
            return None;
        }
        let elapsed = member.now_unix_ns - member.order.start_unix_ns;
        let mut ends = EndsBuilder::new();
        while next < schedule.total() && schedule.offset(next) + 1_000_000 <= elapsed {
            let due = member.order.start_unix_ns + schedule.offset(next);
            if of(next) {
                ends.push(end(next, due, ended(due)));
            }
            next += 1;
        }
        if !ends.is_empty() {
            member.tell(Body::Ends(ends.finish())).unwrap();
        }
        (next == schedule.total()).then_some(())
    });
}

fn end(n: u64, sent: u64, ended: u64) -> EndRecord {
    EndRecord {
        n,
        ended_unix_ns: ended,
        sent_unix_ns: sent,
        end: WorkflowEnd::Completed,
        message: None,
    }
}

fn a_worker_that_stamps_what_others_did_makes_no_valid_run() {
    let mut fleet = Fleet::lead("hostile-stamps", 12, "--expect-workers 1");
    fleet.worker();
    let mut thief = Impostor::join(&fleet.address, Role::Worker, "thief").unwrap();
    stamp_all(&mut fleet, &mut thief, |_| true, |due| due + 500_000);
    let (results, leader) = fleet.finish();
    account::closes(&results);
    account::agrees_with_the_server(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(&results, "repeated-stamps"), CheckStatus::Invalid, "{leader:?}");
}

fn stamps_from_before_their_arrival_are_no_latencies_and_make_no_valid_run() {
    let mut fleet = Fleet::lead("hostile-instants", 12, "--expect-workers 1");
    fleet.worker();
    let mut liar = Impostor::join(&fleet.address, Role::Worker, "liar").unwrap();
    fleet.leader.until("the beginning", |_| liar.has_begun().then_some(()));
    // All at once: most of them are not due yet.
    let schedule = liar.schedule();
    let begun = liar.order.start_unix_ns;
    let mut ends = EndsBuilder::new();
    for n in (0..schedule.total()).filter(|n| n % 2 == 1) {
        let due = begun + schedule.offset(n);
        ends.push(end(n, due, due));
    }
    liar.tell(Body::Ends(ends.finish())).unwrap();
    // The others when they are due, with an end long before that.
    stamp_all(&mut fleet, &mut liar, |n| n % 2 == 0, |due| due - 900_000_000);
    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(&results, "plausible-stamps"), CheckStatus::Invalid, "{leader:?}");
    let measured = &results.phases.measure;
    let implausible = results.reconciliation.implausible.unwrap();
    assert!(implausible * 4 > measured.ledger.arrivals, "{implausible}: {leader:?}");
}

fn generators_that_tell_of_others_parts_or_of_nothing_make_no_valid_run() {
    let mut fleet = Fleet::lead("hostile-generators", 12, "--expect-workers 1 --generators 4");
    fleet.worker();
    let mut members: Vec<Impostor> = ["another's part", "more than was asked", "nothing"]
        .iter()
        .map(|name| Impostor::join(&fleet.address, Role::Generator, name).unwrap())
        .collect();
    fleet.leader.until("the beginning", |_| {
        // All of them, or those that are not asked are silent.
        let begun = members.iter_mut().filter_map(|member| member.has_begun().then_some(()));
        (begun.count() == 3).then_some(())
    });
    let first = wire::StartEnds {
        n: columns::encode([0]),
        end: vec![wire::StartEnd::Accepted.into()],
    };
    let of_the_leader = wire::Starts {
        ends: Some(first),
        ..Default::default()
    };
    let refused = members[0].tell(Body::Starts(of_the_leader)).unwrap_err();
    assert!(refused.message().contains("which is not of its part"), "{refused:?}");
    let too_many = wire::Starts {
        seconds: vec![wire::StartSecond {
            dispatched: 10_000,
            ..Default::default()
        }],
        ..Default::default()
    };
    let refused = members[1].tell(Body::Starts(too_many)).unwrap_err();
    assert!(
        refused.message().contains("a count of 10000 in a part with"),
        "{refused:?}"
    );

    let (results, leader) = fleet.finish();
    account::agrees_with_the_server(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{leader:?}");
    assert_eq!(status(&results, "fleet-members"), CheckStatus::Invalid, "{leader:?}");
    // 6 in the ramp and 10/s for the other eleven seconds; three of four parts were sent by nobody.
    let ledger = &results.ledger;
    assert_eq!((ledger.arrivals, ledger.dropped()), (116, 87), "{leader:?}");
}

fn a_generator_that_joins_and_says_nothing_ends_the_run_before_its_load() {
    let mut fleet = Fleet::lead("hostile-silence", 12, "--expect-workers 1 --generators 2");
    fleet.worker();
    let _silent = Impostor::join(&fleet.address, Role::Generator, "silent").unwrap();
    let finished = fleet.leader.finish();
    assert!(fleet.begun.elapsed() <= ENDS_WITHIN, "{:?}", fleet.begun.elapsed());
    assert_eq!(finished.code(), 2, "{finished:?}");
    assert!(
        finished.stderr.contains("is gone before the load began"),
        "{finished:?}"
    );
    assert!(!finished.stderr.contains('\u{1b}'), "{finished:?}");
    assert_eq!(finished.results_file(), None);
}
