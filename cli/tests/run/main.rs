//! The program from its command line to its results file, against real servers.
//!
//! Every test runs the binary in a folder of its own. What is asserted holds on a busy machine, too: the account must
//! close and agree with the server whatever the latencies were; a verdict is asserted only where the test causes it.

mod account;
mod bench;
mod boards;
mod clusters;
mod ending;
mod figures;
mod fleet;
mod modes;
#[path = "../owned/mod.rs"]
mod owned;
mod page;
#[path = "../faults/pressure.rs"]
mod pressure;
mod proofs;
mod refusals;
mod relay;
mod restart;
mod rotation;
// The faults use the rest of it.
#[allow(dead_code)]
mod scrape;
mod secrets;
mod series;
mod server;
mod signals;
mod starved;
mod workloads;
