//! What a process shows of itself: one page of series, those of the SDK among them.
//!
//! A [`Registry`] holds all series of a process. [`Registry::meter`] gives the SDK somewhere to record, [`Registry::with`]
//! takes series of the process's own, and [`serve`] offers the page to a Prometheus over HTTP. [`Registry::headroom`] reads
//! from the same series how much of a worker's slots and polls is in use.

mod answer;
mod cell;
mod family;
mod headroom;
mod http;
mod labels;
mod meter;
mod plain;
mod process;
mod registry;

pub use headroom::{Headroom, SlotUse};
pub use http::{ListenError, Serving, serve};
pub use registry::{Registry, Selection};
