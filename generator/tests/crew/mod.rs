//! A run that others have joined, as the tests of members that lie set it up: its fleet, its account, and who joins.

#![allow(dead_code, reason = "each of those that include it uses its part")]

use std::{sync::mpsc, time::Duration};

use benchmark_fleet::{Leader, PeerAddress, Refusal, wire};
use benchmark_generator::{
    account::{accountant::Accountant, accounts::Accounts},
    fleet::{
        intake::Limits,
        leader::{self, FleetLeader, FleetLeaderOptions},
    },
    load::{sample::HashedSample, schedule::Schedule, timeline::Timeline},
};
use benchmark_scenarios::{Key, Plan};

use crate::testing;

/// Prefix of the workflow ids.
pub const RUN: &str = "run";

/// A run by two generators and a worker process.
pub fn plan(rate: &str, duration: &str) -> Plan {
    testing::plan([
        (Key::Rate, rate),
        (Key::Duration, duration),
        (Key::Generators, "2"),
        (Key::ExpectWorkers, "1"),
        (Key::FleetListen, "127.0.0.1:0"),
        (Key::Address, "h:1"),
    ])
}

/// A run that has begun and that nobody has joined yet.
pub struct Led {
    pub fleet: FleetLeader,
    pub schedule: Schedule,
    pub timeline: Timeline,
    pub accountant: Accountant,
}

impl Led {
    /// It began so long ago. `at_first` sees its account before anything is told.
    pub fn since(plan: &Plan, ago: Duration, sample: HashedSample, at_first: impl FnOnce(&mut Accounts)) -> Led {
        let options = FleetLeaderOptions {
            plan,
            run_id: RUN,
            server_address: "h:1".to_owned(),
            allow_version_skew: false,
        };
        let fleet = FleetLeader::new(options).unwrap();
        let schedule = Schedule::new(&plan.load);
        let ago = u64::try_from(ago.as_nanos()).unwrap();
        let began = benchmark_workflows::RunClock::get().now_unix_ns() - ago;
        let timeline = Timeline::beginning_at(began, 0);
        let (reports, incoming) = mpsc::channel();
        fleet
            .intake()
            .open(RUN.into(), Limits::of(plan), &schedule, timeline, reports.clone());
        let mut accounts = Accounts::new(&schedule, sample, 60, true);
        at_first(&mut accounts);
        let accountant = Accountant::spawn(accounts, (reports, incoming), timeline).unwrap();
        Led {
            fleet,
            schedule,
            timeline,
            accountant,
        }
    }
}

/// What a process says that joins, as this program does.
pub fn join_request(role: wire::Role, key: [u8; 16], host_json: &str) -> wire::JoinRequest {
    wire::JoinRequest {
        protocol: benchmark_fleet::PROTOCOL,
        version: match role {
            wire::Role::Worker => benchmark_worker::version(),
            _ => leader::version(),
        },
        role: role.into(),
        key: key.to_vec(),
        name: "member".to_owned(),
        host_json: host_json.to_owned(),
        ..Default::default()
    }
}

/// Joins, from another machine.
pub fn join(leader: &Leader, request: wire::JoinRequest) -> Result<wire::JoinResponse, Refusal> {
    leader.join(request, PeerAddress::Remote("10.0.0.1".to_owned()))
}
