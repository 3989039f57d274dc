//! Reconciliation: how far the observers of completion agree.

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
    /// Stamps and long polls whose instants cannot be, such as an end before its start: these ends have no latency. Absent
    /// from files of programs that did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implausible: Option<u64>,
    /// Sampled ends that were long-polled, or written down by the server, before they were stamped, by more than the clocks
    /// may be wrong. Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_before_stamp: Option<u64>,
    /// Stamps of sampled ends that were compared with when the server wrote the end down. Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_with_server: Option<u64>,
    /// Of these, those that leave out three quarters or more of the time that the workflow took by the server, surely.
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped_early: Option<u64>,
    /// Ends that the server told and no worker stamped.
    pub not_stamped: u64,
    /// Workflows whose end was long-polled.
    pub sampled: u64,
    /// Sampled workflows whose status differs between stamp and long poll.
    pub sample_disagreements: u64,
    /// End as long-polled − end as stamped, for sampled workflows: how late the stamp's truth reaches a caller.
    pub poll_delay: Latency,
    /// What became of the sample's workflows that were due in the measured phase; absent from files from before this was
    /// told. Above 1 % missing `e2e_service` and `e2e_response` are empty where nobody stamps, here, in `windows` and in
    /// `intervals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_ends: Option<SampleEnds>,
    /// Unknown starts that were looked up and found.
    pub unknown_found: u64,
    /// Unknown starts that were looked up and did not exist.
    pub unknown_not_found: u64,
    /// When the account was closed for ends, and as of when `server` counts; null in files of versions that did not say. Of
    /// several iterations the latest instant and the sum of what ended later.
    #[serde(default)]
    pub cut_off: Option<CutOff>,
    /// The server's clock against the leader's, where the server was asked; null with the reason where nobody could be.
    /// Of several iterations the one that is known worst. Absent from files of programs that did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_clock: Option<Fact<ServerClock>>,
    /// Clean-up of what was still open.
    pub cleanup: Cleanup,
}

/// The server's clock, as the starts of the sample bound it: the server took each between its sending and its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerClock {
    /// The server's clock minus the leader's, milliseconds.
    pub offset_ms: f64,
    /// How wrong that can be, either way, milliseconds.
    pub uncertainty_ms: f64,
    /// Whether the instants that the server was asked about were translated by it: so when the offset is larger than its
    /// uncertainty.
    pub corrected: bool,
    /// By how much the offset surely changed from the beginning of the measured phase on, milliseconds.
    pub moved_ms: f64,
    /// Starts that it is known from.
    pub samples: u64,
}

impl ServerClock {
    /// How wrong an instant that the server was asked about may be, milliseconds.
    pub fn wrong_ms(&self) -> f64 {
        let let_be = if self.corrected { 0.0 } else { self.offset_ms.abs() };
        self.uncertainty_ms.abs() + let_be + self.moved_ms.abs()
    }
}

/// What became of the workflows of a sample that the server took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SampleEnds {
    /// Workflows of the sample that the server took.
    pub accepted: u64,
    /// Ends that a long poll saw.
    pub polled: u64,
    /// Ends that were asked for afterwards, since no long poll had room or one failed: the server's times say when.
    pub asked: u64,
    /// Workflows that were open when they were asked for the last time.
    pub open: u64,
    /// Workflows of which neither is known. They are no random part: they were there when the server was slow or away.
    pub missing: u64,
}

/// The instant about which account and server are asked the same: what ended later is open in both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CutOff {
    /// Offset of the instant from the beginning of the iteration, seconds: the end of its drain.
    pub seconds: f64,
    /// Workflows that were seen to end after it.
    pub ended_later: u64,
    /// What ended the drain before its time, as SIGTERM; null when nothing did.
    pub cut_short_by: Option<String>,
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
