//! Options of joining: how a run is joined, by workers and by generators.

use std::time::Duration;

use super::{options, says, switch, value};
use crate::form::{Form, HostPort};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

const EXPECT_PLAN: &[&str] = &["BENCHMARK_EXPECT_PLAN"];
const JOIN_TIMEOUT: &[&str] = &["BENCHMARK_JOIN_TIMEOUT"];
const LEADER_TIMEOUT: &[&str] = &["BENCHMARK_LEADER_TIMEOUT"];
const CA: &[&str] = &["BENCHMARK_FLEET_TLS_CA"];
const SERVER_NAME: &[&str] = &["BENCHMARK_FLEET_TLS_SERVER_NAME"];

options! { Joining:
    /// The leading generator that is joined; a generator that joins has it as an argument.
    Join("join"): HostPort = Form::leader(), value("HOST:PORT")
        .worker(says("Leading generator that is joined: its --fleet-listen").otherwise("none").variables(&["BENCHMARK_JOIN"]));
    /// The plan that is insisted on.
    ExpectPlan("expect-plan"): String = Form::plan_hash(), value("HASH")
        .join(says("Join no run but the one with this plan: 6 or more digits of the hash that `run-benchmark plan` prints")
            .otherwise("any plan").variables(EXPECT_PLAN))
        .worker(says("Join no run but the one with this plan: 6 or more digits of the hash that `run-benchmark plan` prints")
            .otherwise("any plan").variables(EXPECT_PLAN));
    /// Whether a worker process goes on after the run.
    Stay("stay"): bool = Form::switch(), switch()
        .worker(says("Go on after the run and join the next").variables(&["BENCHMARK_STAY"]));
    /// How long joining may take.
    JoinTimeout("join-timeout"): Duration = Form::span(SECOND..=DAY), value("TIME")
        .join(says("How long joining may take, {}").or("5m").variables(JOIN_TIMEOUT))
        .worker(says("How long joining may take, {}").or("5m").variables(JOIN_TIMEOUT));
    /// How long the leader may be out of reach.
    LeaderTimeout("leader-timeout"): Duration = Form::span(SECOND..=DAY), value("TIME")
        .join(says("How long the leader may be out of reach before this generator ends, {}")
            .or("30s").variables(LEADER_TIMEOUT))
        .worker(says("How long the leader may be out of reach before the process drains and ends, {}")
            .or("1m").variables(LEADER_TIMEOUT));
    /// PEM file of the authority of the fleet service's certificate.
    FleetTlsCa("fleet-tls-ca"): String = Form::path(), value("FILE")
        .join(says("PEM file with the authority that signed the leader's certificate; turns TLS on")
            .otherwise("the system's authorities").variables(CA))
        .worker(says("PEM file with the authority that signed the leader's certificate; turns TLS on")
            .otherwise("the system's authorities").variables(CA));
    /// Name that the fleet service's certificate must carry.
    FleetTlsServerName("fleet-tls-server-name"): String = Form::server_name(), value("NAME")
        .join(says("Name that the leader's certificate must carry; turns TLS on")
            .otherwise("the leader's host").variables(SERVER_NAME))
        .worker(says("Name that the leader's certificate must carry; turns TLS on")
            .otherwise("the leader's host").variables(SERVER_NAME));
}
