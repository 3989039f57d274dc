//! A run of several processes: two generators, three workers.

use std::sync::LazyLock;

use super::{
    MEASURE, RAMP, RATE, WARM_UP, assembled_of, environment, generator, iteration, latencies, reconciliation,
    surroundings::fleet_plan,
};
use crate::{
    assemble::IterationParts,
    histogram::Histogram,
    schema::{
        Event, Fact, Fleet, Member, MemberClock, MemberEnds, MemberPresence, MemberRole, MemberStarts, MemberUsage,
        Results, WorkerFacts,
    },
};

/// The workers' names.
pub const WORKERS: [&str; 3] = ["ip-10-0-3-17/4411", "ip-10-0-4-22/871", "ip-10-0-5-9/1200"];
/// The name of the generator that does not lead.
pub const GENERATOR: &str = "ip-10-0-2-8/77";

const BEGIN: u64 = RAMP + WARM_UP;
const END: u64 = BEGIN + MEASURE;

/// A moment of a worker with a third of its CPU and most of its slots free.
pub fn usage() -> MemberUsage {
    MemberUsage {
        iteration: 1,
        at_seconds: 0.0,
        cpu_cores: 0.7,
        cpu_share: 0.35,
        memory_bytes: 48 << 20,
        workflow_slots_free: Some(180),
        workflow_slots_used: Some(20),
        activity_slots_free: Some(160),
        activity_slots_used: Some(40),
        polls: Some(64),
    }
}

fn over_time() -> Vec<MemberUsage> {
    (0..END)
        .map(|second| MemberUsage {
            at_seconds: second as f64 + 0.5,
            ..usage()
        })
        .collect()
}

/// A remote worker that is well and has not ended anything.
pub fn worker(name: &str) -> Member {
    let mut host = environment().host;
    host.hostname = Fact::found(name.split('/').next().unwrap_or_default().into(), "uname");
    Member {
        name: name.into(),
        role: MemberRole::Worker,
        in_process: false,
        version: "0.1.0".into(),
        host,
        workers: Some(WorkerFacts {
            profile: Some("default".into()),
            slots: Some("200 workflow tasks, 200 activities, 200 local activities".into()),
            workflow_pollers: Some("32".into()),
            activity_pollers: Some("32".into()),
            normal_polls: Some(16),
            partitions: Some(4),
            task_queues: vec!["benchmark-task-queue".into()],
            sticky_timeout_ms: Some(10_000),
            eager_activities: Some(true),
            graceful_shutdown_ms: Some(10_000),
            identities: vec![format!("{name}/0")],
            ..environment().workers.unwrap()
        }),
        joined_seconds: -12.0,
        presence: MemberPresence::Present,
        left_seconds: None,
        reason: None,
        clock: MemberClock {
            offset_ms: Some(0.04),
            uncertainty_ms: Some(0.2),
            corrected: false,
            ..MemberClock::default()
        },
        windows: 610,
        windows_resent: 0,
        windows_dropped: 0,
        share: Some(1.0 / 3.0),
        starts: None,
        ends: Some(MemberEnds::none()),
        usage: over_time(),
        generator: None,
    }
}

/// Ends of the measured phase that take about as long as `typical_us`; as many more in the phases before.
fn ends(measured: u64, typical_us: i64) -> MemberEnds {
    MemberEnds {
        stamped: measured * 19 / 16,
        completed: measured * 19 / 16,
        not_completed: 0,
        e2e_service: latencies(measured, typical_us, 240_000).to_latency(),
        e2e_response: latencies(measured, typical_us + 100, 241_000).to_latency(),
    }
}

/// One of two generators, with its half of the starts.
pub fn sender(name: &str, role: MemberRole, stripe: u32) -> Member {
    let measured = RATE * MEASURE / 2;
    let all = measured * 19 / 16;
    Member {
        role,
        workers: None,
        ends: None,
        clock: match role {
            MemberRole::Leader => MemberClock::default(),
            _ => worker(name).clock,
        },
        windows: if role == MemberRole::Leader { 0 } else { 305 },
        share: Some(0.5),
        starts: Some(MemberStarts {
            arrivals: all,
            dispatched: all,
            accepted: all,
            lag: latencies(measured, 60, 1_900).to_latency(),
            start_service: latencies(measured, 3_000, 48_000).to_latency(),
            start_response: latencies(measured, 3_100, 48_100).to_latency(),
            ..MemberStarts::none(stripe)
        }),
        usage: over_time()
            .into_iter()
            .map(|usage| MemberUsage {
                cpu_share: 0.06,
                cpu_cores: 0.12,
                workflow_slots_free: None,
                workflow_slots_used: None,
                activity_slots_free: None,
                activity_slots_used: None,
                polls: None,
                ..usage
            })
            .collect(),
        generator: Some(generator()),
        ..worker(name)
    }
}

/// Two generators and three workers, all well.
pub fn fleet() -> Fleet {
    static SOUND: LazyLock<Fleet> = LazyLock::new(sound_fleet);
    SOUND.clone()
}

fn sound_fleet() -> Fleet {
    let measured = RATE * MEASURE / 3;
    let mut members = vec![
        sender("ip-10-0-2-7/12", MemberRole::Leader, 0),
        sender(GENERATOR, MemberRole::Generator, 1),
    ];
    members.extend(WORKERS.map(|name| Member {
        ends: Some(ends(measured, 14_000)),
        ..worker(name)
    }));
    Fleet {
        expected_workers: 3,
        generators: 2,
        members,
    }
}

/// An iteration that a fleet carried and in which all is well.
pub fn fleet_iteration() -> IterationParts {
    IterationParts {
        fleet: fleet(),
        ..iteration()
    }
}

/// One worker is slow, with a clock of its own; one is lost in the middle, and what it had begun the others end.
pub fn worker_lost_iteration() -> IterationParts {
    let mut iteration = fleet_iteration();
    let [.., first, slow, lost] = &mut iteration.fleet.members[..] else {
        unreachable!("the fleet has three workers");
    };
    for (member, share, typical_us) in [
        (&mut *first, 0.45, 14_000),
        (&mut *slow, 0.4, 31_000),
        (&mut *lost, 0.15, 15_000),
    ] {
        member.share = Some(share);
        member.ends = Some(ends((share * (RATE * MEASURE) as f64) as u64, typical_us));
    }
    slow.clock = MemberClock {
        offset_ms: Some(-3.7),
        uncertainty_ms: Some(0.2),
        corrected: true,
        ..MemberClock::default()
    };
    slow.windows_resent = 12;
    for usage in &mut slow.usage {
        usage.cpu_share = 0.78;
        usage.activity_slots_free = Some(3);
    }
    lost.presence = MemberPresence::Lost;
    lost.left_seconds = Some(132.4);
    lost.reason = Some("not heard of for 30s".into());
    lost.usage.retain(|usage| usage.at_seconds < 132.4);
    let mut sum = Histogram::new();
    for member in &iteration.fleet.members {
        if let Some(ends) = &member.ends {
            sum.add(&Histogram::decode(&ends.e2e_response.histogram).unwrap());
        }
    }
    iteration.phases.measure.latencies.e2e_response.completed = sum.to_latency();
    iteration
}

/// The second generator is lost a minute before the end: the rest of its part was never sent.
pub fn generator_lost_iteration() -> IterationParts {
    const MISSING: u64 = RATE / 2 * 60;
    let mut iteration = fleet_iteration();
    let lost = &mut iteration.fleet.members[1];
    lost.presence = MemberPresence::Lost;
    lost.left_seconds = Some(240.0);
    lost.reason = Some("not heard of for 30s".into());
    let starts = lost.starts.as_mut().unwrap();
    starts.missing = MISSING;
    starts.arrivals -= MISSING;
    starts.dispatched -= MISSING;
    starts.accepted -= MISSING;
    starts.dropped += MISSING;
    for ledger in [&mut iteration.phases.measure.ledger, &mut iteration.ledger] {
        ledger.dropped_lag += MISSING;
        ledger.dispatched -= MISSING;
        ledger.accepted -= MISSING;
        ledger.completed -= MISSING;
    }
    for window in &mut iteration.windows[(END - 60) as usize..END as usize] {
        window.dispatched = RATE / 2;
        window.accepted = RATE / 2;
        window.completed = Some(RATE / 2);
        window.dropped = RATE / 2;
    }
    iteration.reconciliation = reconciliation(&iteration.ledger);
    iteration
}

/// A worker that has no CPU left, and one whose slots are all taken for half of the time.
pub fn full_iteration() -> IterationParts {
    let mut iteration = fleet_iteration();
    for member in &mut iteration.fleet.members[2..] {
        for usage in member.usage.iter_mut().filter(|usage| usage.at_seconds > 180.0) {
            usage.workflow_slots_free = Some(0);
        }
    }
    for usage in &mut iteration.fleet.members[2].usage {
        usage.cpu_share = 0.96;
    }
    iteration
}

/// The whole run of a fleet.
pub fn run_of(iteration: IterationParts) -> Results {
    let events = iteration
        .fleet
        .members
        .iter()
        .filter(|member| member.presence == MemberPresence::Lost)
        .map(|member| Event {
            at_seconds: member.left_seconds.unwrap_or_default(),
            iteration: 1,
            kind: "worker-lost".into(),
            message: format!("{} is lost", member.name),
        })
        .collect();
    assembled_of(fleet_plan(), vec![iteration], events)
}

/// Many workers, of which the last is slow.
pub fn large() -> Results {
    let mut iteration = fleet_iteration();
    iteration.fleet.members.truncate(2);
    for n in 0..20 {
        let typical_us = if n == 19 { 31_000 } else { 14_000 + n * 10 };
        iteration.fleet.members.push(Member {
            share: Some(0.05),
            ends: Some(ends(4_800, typical_us)),
            ..worker(&format!("a-host-with-a-very-long-name-{n}/{}", 1_000 + n))
        });
    }
    iteration.fleet.expected_workers = 20;
    run_of(iteration)
}
