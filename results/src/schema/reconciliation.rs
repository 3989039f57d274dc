//! How far the observers of completion agree.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fact, Latency};

/// How far the observers of completion agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// Which observer the ledger's ends come from.
    pub source: CompletionSource,
    /// The server's own counts for this run's workflow ids, by status; null when it could not be asked.
    pub server: Fact<BTreeMap<String, u64>>,
    /// Seconds from the end of the drain until the server's counts stopped changing.
    pub settled_after_seconds: Option<f64>,
    /// Differences between the ledger and the server's counts, in words; empty when they agree.
    pub disagreements: Vec<String>,
    /// Ends that the workers stamped.
    pub stamped: u64,
    /// Stamps for a workflow that had been stamped already: final tasks whose answer the server refused.
    pub stamped_twice: u64,
    /// Ends that the server told and no worker stamped.
    pub not_stamped: u64,
    /// Workflows whose end was long-polled.
    pub sampled: u64,
    /// Sampled workflows whose status differs between stamp and long poll.
    pub sample_disagreements: u64,
    /// End as long-polled − end as stamped, for sampled workflows: how late the stamp's truth reaches a caller.
    pub poll_delay: Latency,
    /// Unknown starts that were looked up and found.
    pub unknown_found: u64,
    /// Unknown starts that were looked up and did not exist.
    pub unknown_not_found: u64,
    /// Clean-up of what was still open.
    pub cleanup: Cleanup,
}

/// Where the ledger's ends come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CompletionSource {
    /// Stamps of workers that belong to this run: every workflow, exactly timed.
    Stamps,
    /// The server's visibility counts; latencies come from the long-polled sample.
    Visibility,
}

/// Clean-up of what was still open after the drain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleanup {
    /// Whether it was asked for.
    pub requested: bool,
    /// Open workflows of this run before it.
    pub open_before: Option<u64>,
    /// Open workflows of this run after it: 0 when it worked.
    pub open_after: Option<u64>,
    /// What went wrong; null when nothing did.
    pub problem: Option<String>,
}
