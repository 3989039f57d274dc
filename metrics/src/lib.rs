//! Metrics of a process: one page of series, those of the SDK among them.
//!
//! A [`Registry`] holds all series of a process. [`Registry::meter`] gives the SDK somewhere to record, [`Registry::with`]
//! takes series of the process's own, and [`serve`] offers the page to a Prometheus over HTTP. [`Registry::headroom`] reads
//! from the same series how much of a worker's slots and polls is in use.

mod answer;
mod client;
mod distribution;
mod families;
mod format;
mod gauges;
mod headroom;
mod http;
mod labels;
mod meter;
mod own;
mod plain;
mod process;
mod registry;
mod remote_write;
mod scrapes;

pub use client::{http_cause, http_client};
pub use distribution::{Distribution, LATENCY_EDGES};
pub use format::Format;
pub use headroom::{Headroom, Selection, SlotUse};
pub use http::{ListenError, PageServer, serve};
pub use own::{Described, FamilyKind, Sample, Value};
/// The messages of the protobuf page: Prometheus' `io.prometheus.client`.
pub use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model as protobuf;
pub use registry::{EncodeError, Registry};
pub use remote_write::{NoClient, RemoteWrite, RemoteWriteMessages, RemoteWriteOptions, Written};
pub use scrapes::Scrapes;
