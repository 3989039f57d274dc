//! For tests: a real Prometheus and its promtool, found or built, started and asked.
//!
//! What says "Prometheus" is tested on a real one. [`Tool::path`] finds the programs, or makes them as the tests' Temporal
//! server is made; [`Prometheus`] scrapes pages and takes what is written to it; [`Answer`] is what it says to a query.
//! What is missing fails the test, with what was tried.

mod answer;
mod http;
mod server;
mod tool;

pub use answer::{Answer, NativeHistogram, Series};
pub use server::{Config, Ingestion, Prometheus, Rule, Target};
pub use tool::{Tool, VERSION};
