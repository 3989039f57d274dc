//! Settings of the dev server: as it comes, or such that it dispatches as a cluster would.
//!
//! The dev server has one history shard, and several limits of a Temporal server count for each shard or each host. A
//! cluster has hundreds of shards and several hosts, so that one workload never sees those limits; on the dev server
//! they *are* the latency. The settings here lift them and change nothing in what the server does; one of them, on
//! timers, lifts a constant that an untuned cluster has too, and says so. Effects were measured on two shared cores with
//! server 1.29.1, each on top of the settings that bear on it. The limits on requests a second were not reached there:
//! they are lifted by reasoning, not by measurement. The last one is no limit: it makes the server tell its backlog in time.
//!
//! Left out on purpose:
//! - `system.enableActivityEagerExecution`: off by default in a cluster too (1.29), and another way of dispatch: it would
//!   show latencies that the cluster does not have. Whoever has it on there gives it with `--server-config`.
//! - The number of task queue partitions: four, as in a cluster.
//! - `history.visibilityProcessorMaxPollRPS`: no effect on the latency of workflows was found.
//!
//! What the dev server changes by itself, also with the stock preset: `frontend.namespaceRPS.visibility` 100,
//! `frontend.persistenceMaxQPS` 10000, `history.persistenceMaxQPS` 45000, a history cache of 8096 workflows, and search
//! attributes that are read afresh each time.

use std::collections::BTreeMap;

/// One setting of the dynamic configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Its value, as JSON.
    pub value: &'static str,
    /// Why it is set, and what it does.
    pub why: &'static str,
}

/// What makes a one-shard dev server dispatch as a cluster would.
pub const CLUSTER: &[Setting] = &[
    Setting {
        key: "history.transferProcessorMaxPollRPS",
        value: "2000",
        why: "20 a second for each shard by default: every dispatch waits for its turn on the one shard. Five \
              activities one after the other on an idle server, median of 20, two servers each: 529 and 530 ms \
              before, 45 and 50 ms after",
    },
    Setting {
        key: "history.timerProcessorMaxTimeShift",
        value: "\"1ms\"",
        why: "1 s by default, by which every timer may be late. A timer of 100 ms, median of 20: 1,016 ms before, \
              118 ms after. It is no limit of a shard, and a cluster has it as well unless its operator changed it; \
              but with it a timer's latency is this constant",
    },
    Setting {
        key: "history.timerProcessorMaxPollRPS",
        value: "2000",
        why: "20 a second for each shard by default: timers that fire at different instants wait for their turn. A \
              timer of 100 ms at 50 workflows a second, median: 305 and 332 ms before, 128 and 129 ms after",
    },
    Setting {
        key: "worker.batcherRPS",
        value: "1000",
        why: "50 a second by default: the pace of clean-up, which is not measured. 500 workflows: 9.1 s before, 1.6 s \
              after (one run each)",
    },
    Setting {
        key: "frontend.namespaceCount",
        value: "100000",
        why: "1,200 long polls at the same time for each frontend host by default, pollers and watched workflows \
              together. 1,818 workflows watched in 6 s: 1,202 polls refused before, none after (one run each)",
    },
    Setting {
        key: "frontend.rps",
        value: "100000",
        why: "2,400 requests a second for each frontend host by default. Not reached on two cores; on a larger \
              machine one workflow with ten activities costs dozens of requests, and the limit would be measured",
    },
    Setting {
        key: "frontend.namespaceRPS",
        value: "100000",
        why: "2,400 requests a second for each namespace and frontend host by default; as frontend.rps",
    },
    Setting {
        key: "history.rps",
        value: "100000",
        why: "3,000 requests a second for each history host by default; as frontend.rps",
    },
    Setting {
        key: "matching.rps",
        value: "100000",
        why: "1,200 requests a second for each matching host by default; as frontend.rps",
    },
    Setting {
        key: "matching.updateAckInterval",
        value: "\"5s\"",
        why: "1 minute by default, and only then is the backlog of a task queue told on the metrics page \
              (approximate_backlog_count, _age_seconds): a shorter run has no such series, whatever waits. It costs one \
              write for each partition each 5 s, some two a second",
    },
];

/// The settings of [`CLUSTER`], key to JSON value.
pub fn cluster() -> BTreeMap<String, String> {
    CLUSTER
        .iter()
        .map(|setting| (setting.key.to_owned(), setting.value.to_owned()))
        .collect()
}

/// The dev server as it comes: no settings.
pub fn stock() -> BTreeMap<String, String> {
    BTreeMap::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_once_and_is_json() {
        assert_eq!(cluster().len(), CLUSTER.len());
        for setting in CLUSTER {
            serde_json::from_str::<serde_json::Value>(setting.value).unwrap();
        }
        assert!(stock().is_empty());
    }
}
