mod delivery;
mod hostile;
mod presence;
mod windows;

use super::*;
use crate::{
    fixtures::{PLAN, VERSION, exchange, join, leader},
    limits::{FACTS_BYTES, LOST_AFTER, NAME_BYTES},
};

fn refusals(leader: &Leader) -> Vec<(String, String)> {
    leader
        .take_events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Refused { reason } => Some((event.name, reason)),
            _ => None,
        })
        .collect()
}

fn kinds(leader: &Leader) -> Vec<(String, EventKind)> {
    leader
        .take_events()
        .into_iter()
        .map(|event| (event.name, event.kind))
        .collect()
}

#[test]
fn a_member_joins_once_however_often_it_asks() {
    let (leader, ..) = leader(0);
    for _ in 0..2 {
        let joined = leader
            .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
            .unwrap();
        assert_eq!((joined.run_id.as_str(), joined.plan_hash.as_str()), ("run-1", PLAN));
        assert_eq!(joined.acked, 0);
    }
    leader
        .join(join(2, wire::Role::Worker), PeerAddress::Remote("10.0.0.1".to_owned()))
        .unwrap();
    let roll = leader.roll();
    assert_eq!(roll.len(), 2);
    assert_eq!(
        (roll[0].id, roll[0].in_process, roll[0].role),
        (MemberId(0), true, Role::Worker)
    );
    assert_eq!((roll[1].id, roll[1].in_process), (MemberId(1), false));
    assert_eq!(roll[0].host.cores.value, Some(4));
    assert_eq!(
        kinds(&leader),
        [
            ("member-1".to_owned(), EventKind::Joined),
            ("member-2".to_owned(), EventKind::Joined)
        ]
    );
}

#[test]
fn whoever_does_not_fit_is_told_why_and_so_is_the_leader() {
    let (leader, clock, _) = leader(0);
    type Change = fn(&mut wire::JoinRequest);
    let cases: [(&str, RefusalKind, Change); 14] = [
        ("same program on both", RefusalKind::Precondition, |r| r.protocol = 7),
        (
            "its version is 9 and the leader's 1.2.3",
            RefusalKind::Precondition,
            |r| r.version = "9".into(),
        ),
        ("the version is empty", RefusalKind::Malformed, |r| r.version.clear()),
        ("--expect-plan", RefusalKind::Precondition, |r| {
            r.plan_hash = "012345ff".into()
        }),
        ("--expect-plan", RefusalKind::Precondition, |r| {
            r.plan_hash = "0".repeat(100)
        }),
        ("hexadecimal", RefusalKind::Malformed, |r| r.plan_hash = "01234".into()),
        ("hexadecimal", RefusalKind::Malformed, |r| {
            r.plan_hash = "not hex".into()
        }),
        ("16 bytes, this one 3", RefusalKind::Malformed, |r| r.key = vec![1; 3]),
        ("role 9", RefusalKind::Malformed, |r| r.role = 9),
        ("name has 257 bytes", RefusalKind::Malformed, |r| {
            r.name = "x".repeat(NAME_BYTES + 1)
        }),
        ("name is empty", RefusalKind::Malformed, |r| r.name.clear()),
        ("machine cannot be read", RefusalKind::Malformed, |r| {
            r.host_json = "{".into()
        }),
        ("workers cannot be read", RefusalKind::Malformed, |r| {
            r.workers_json = "[]".into()
        }),
        ("machine have", RefusalKind::Malformed, |r| {
            r.host_json = " ".repeat(FACTS_BYTES + 1)
        }),
    ];
    for (words, kind, change) in cases {
        let mut request = join(1, wire::Role::Worker);
        change(&mut request);
        let refusal = leader
            .join(request, PeerAddress::Remote("10.0.0.9".to_owned()))
            .unwrap_err();
        assert_eq!(refusal.kind, kind, "{refusal}");
        assert!(refusal.reason.contains(words), "{refusal}");
        let events = refusals(&leader);
        assert!(matches!(&events[..], [(name, reason)] if name.contains("(10.0.0.9)") && *reason == refusal.reason));
        // The same refusal is news again after a while.
        clock.pass(LOST_AFTER * 2);
    }
    assert!(leader.roll().is_empty());
}

#[test]
fn each_role_has_a_version_and_another_one_is_let_in_only_where_that_is_allowed() {
    let (other, ..) = leader(1);
    for allow in [false, true] {
        let options = LeaderOptions {
            version: "1+generators".to_owned(),
            workers_version: "1+workers".to_owned(),
            allow_version_skew: allow,
            ..other.shared.options.clone()
        };
        let leader = Leader::new(options, other.shared.sink.clone());
        let join = |key, role, version: &str| {
            let mut request = join(key, role);
            request.version = version.to_owned();
            leader.join(request, PeerAddress::InProcess)
        };
        join(1, wire::Role::Worker, "1+workers").unwrap();
        join(2, wire::Role::Generator, "1+generators").unwrap();
        leader.take_events();
        let skewed = join(3, wire::Role::Worker, "1+generators");
        if allow {
            skewed.unwrap();
            let skew = EventKind::Skewed {
                version: "1+generators".to_owned(),
                wanted: "1+workers".to_owned(),
            };
            assert!(kinds(&leader).contains(&("member-3".to_owned(), skew)));
        } else {
            let refusal = skewed.unwrap_err();
            assert!(
                refusal
                    .reason
                    .contains("its version is 1+generators and the leader's 1+workers")
                    && refusal.reason.contains("--allow-version-skew"),
                "{refusal}"
            );
        }
    }
}

#[test]
fn a_plan_may_be_insisted_on_by_the_beginning_of_its_hash() {
    let (leader, ..) = leader(0);
    for (key, hash) in [(1, PLAN), (2, &PLAN[..6]), (3, "0123456789ABCDEF")] {
        let mut request = join(key, wire::Role::Worker);
        request.plan_hash = hash.to_owned();
        leader.join(request, PeerAddress::InProcess).unwrap();
    }
}

#[test]
fn text_of_strangers_cannot_command_a_terminal() {
    let (leader, ..) = leader(0);
    let mut request = join(1, wire::Role::Worker);
    request.name = "evil\u{1b}[2Jname".to_owned();
    leader.join(request, PeerAddress::InProcess).unwrap();
    assert!(!leader.roll()[0].name.contains('\u{1b}'));
}

#[test]
fn generators_get_their_stripes_in_the_order_of_joining() {
    let (leader, ..) = leader(2);
    leader
        .join(join(9, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    for key in [1, 2, 1] {
        leader
            .join(join(key, wire::Role::Generator), PeerAddress::InProcess)
            .unwrap();
    }
    let order = |key| leader.exchange(exchange(key, Vec::new())).unwrap().order.unwrap();
    assert_eq!((order(9).stripe, order(9).stripes), (0, 3));
    assert_eq!((order(1).stripe, order(2).stripe), (1, 2));
    assert_eq!(leader.roll()[0].stripe, None);
    let refusal = leader
        .join(join(3, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap_err();
    assert!(refusal.reason.contains("all 2 places"), "{refusal}");
    let refusal = leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap_err();
    assert!(refusal.reason.contains("as generator before"), "{refusal}");
}

#[test]
fn a_leader_that_is_to_be_alone_takes_no_generator() {
    let (leader, ..) = leader(0);
    let refusal = leader
        .join(join(1, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap_err();
    assert!(refusal.reason.contains("--generators 2"), "{refusal}");
}

#[test]
fn before_the_run_a_place_that_was_left_is_given_again_and_in_it_none_is() {
    let (leader, clock, _) = leader(1);
    leader
        .join(join(1, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    clock.pass(crate::limits::LOST_AFTER);
    leader
        .join(join(2, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    assert_eq!(leader.roll()[1].stripe, Some(1));
    let refusal = leader.exchange(exchange(1, Vec::new())).unwrap_err();
    assert!(refusal.reason.contains("place was given"), "{refusal}");

    leader.command(Command::Run { start_unix_ns: 5 });
    let mut bye = exchange(2, Vec::new());
    bye.leaving = true;
    leader.exchange(bye).unwrap();
    let refusal = leader
        .join(join(3, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap_err();
    assert!(refusal.reason.contains("the run has begun"), "{refusal}");
    // The one that has the place is known by its key.
    leader
        .join(join(2, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    leader
        .join(join(4, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
}

#[test]
fn orders_follow_commands() {
    let (leader, ..) = leader(1);
    leader
        .join(join(1, wire::Role::Generator), PeerAddress::InProcess)
        .unwrap();
    let order = || leader.exchange(exchange(1, Vec::new())).unwrap().order.unwrap();
    assert_eq!(order().stage(), wire::Stage::Wait);
    for iteration in 1..=2 {
        let id_prefix = format!("run-{iteration}");
        leader.command(Command::Prepare {
            iteration,
            id_prefix: id_prefix.clone(),
        });
        let prepare = order();
        assert_eq!((prepare.stage(), prepare.iteration), (wire::Stage::Prepare, iteration));
        assert_eq!((prepare.start_unix_ns, prepare.stop_at_ns), (0, None));
        leader.command(Command::Run { start_unix_ns: 77 });
        leader.command(Command::StopAt { offset_ns: 9 });
        let run = order();
        assert_eq!((run.stage(), run.id_prefix), (wire::Stage::Run, id_prefix));
        assert_eq!((run.start_unix_ns, run.stop_at_ns), (77, Some(9)));
    }
    leader.command(Command::End {
        reason: "done".to_owned(),
    });
    assert_eq!((order().stage(), order().reason.as_str()), (wire::Stage::End, "done"));
    assert_eq!(VERSION, leader.roll()[0].version);
}
