//! Health of a generator: what it used itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Fact;

/// What the generator used in the measured phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorHealth {
    /// Length of the observation, seconds.
    pub seconds: f64,
    /// CPU time of the whole process, seconds.
    pub cpu_seconds: f64,
    /// CPU time of the process as a share of the cores or the quota, 0 to 1.
    pub cpu_share: f64,
    /// The busiest thread.
    pub busiest_thread: Fact<ThreadLoad>,
    /// Share of the time in which a thread that keeps the schedule was ready to run and another ran, 0 to 1; the worst of them.
    pub cpu_wait: Fact<f64>,
    /// Share of the control group's periods that were throttled, 0 to 1.
    pub throttled: Fact<f64>,
    /// Share of the machine's CPU time that the hypervisor took, 0 to 1.
    pub steal: Fact<f64>,
    /// How the machine's CPU time was divided; null and why where it is not known, as in files of earlier versions.
    #[serde(default = "not_measured")]
    pub machine: Fact<MachineUse>,
    /// CPU time of the whole process per dispatched start, microseconds.
    pub cpu_per_start_us: Option<f64>,
    /// Largest resident memory, bytes.
    pub peak_memory_bytes: Fact<u64>,
    /// Most unanswered starts at one time.
    pub peak_in_flight: u64,
    /// Connections that starts were sent on.
    pub connections: u32,
    /// Most unanswered starts at one time on a single connection.
    pub peak_in_flight_per_connection: u64,
    /// What became of the connections for starts; absent in files of earlier versions. Those of iterations add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_connections: Option<StartConnections>,
    /// This generator's part of the rate asked for, as a share of its host's calibrated ceiling.
    pub share_of_ceiling: Fact<f64>,
    /// How the threads that keep the schedule were scheduled: `real-time`, or null and why not.
    pub scheduling: Fact<String>,
}

/// Shares of the CPU time of all cores of the machine, in a container of its host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MachineUse {
    /// That of programs which neither are this process nor were started by it, as an embedded server is, 0 to 1.
    pub others: f64,
    /// That of nobody, 0 to 1.
    pub idle: f64,
}

fn not_measured() -> Fact<MachineUse> {
    Fact::missing("not measured by the version that wrote this")
}

/// CPU use of one thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadLoad {
    /// The thread's name.
    pub name: String,
    /// CPU time as a share of one core, 0 to 1.
    pub share: f64,
}

/// What became of a generator's connections for starts over the whole submission window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StartConnections {
    /// Addresses of the server that connections stood to.
    pub addresses: u32,
    /// Connections that were opened, the first ones included.
    pub opened: u64,
    /// Of those, retired by the server in good order (GOAWAY).
    pub retired: u64,
    /// Of those, renewed by the generator before the server would retire them.
    pub renewed: u64,
    /// Of those, broken, or given up since the other side did not answer any more.
    pub lost: u64,
    /// Attempts to open one that failed.
    pub failed_attempts: u64,
    /// Starts that were sent again, since no server had looked at them the first time.
    pub sent_again: u64,
    /// Starts that waited for a connection, or for a free stream of one.
    pub waited: u64,
}

impl StartConnections {
    /// Those of two generators, or of two iterations, together.
    pub fn and(self, other: StartConnections) -> StartConnections {
        StartConnections {
            addresses: self.addresses.max(other.addresses),
            opened: self.opened.saturating_add(other.opened),
            retired: self.retired.saturating_add(other.retired),
            renewed: self.renewed.saturating_add(other.renewed),
            lost: self.lost.saturating_add(other.lost),
            failed_attempts: self.failed_attempts.saturating_add(other.failed_attempts),
            sent_again: self.sent_again.saturating_add(other.sent_again),
            waited: self.waited.saturating_add(other.waited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_add_up_and_addresses_do_not() {
        let part = |n: u64| StartConnections {
            addresses: n as u32,
            opened: 10 * n,
            retired: 20 * n,
            renewed: 30 * n,
            lost: 40 * n,
            failed_attempts: 50 * n,
            sent_again: 60 * n,
            waited: 70 * n,
        };
        let both = StartConnections {
            addresses: 2,
            ..part(3)
        };
        assert_eq!(part(1).and(part(2)), both);
        let most = StartConnections {
            waited: u64::MAX,
            ..part(1)
        };
        assert_eq!(most.and(part(1)).waited, u64::MAX, "a stranger's file ends nothing");
    }
}
