//! Faults × what must hold: the real program and a real server, with a scripted proxy between them.
//!
//! [docs/reliability.md](../../../docs/reliability.md) has the same table. A row is data (`row.rs`), and one function says
//! what must hold for all of them (`hold.rs`); what is no run of one program alone is a function. All of them run side by side
//! (`matrix.rs`). `FAULT=name cargo test --workspace --test faults` runs those whose names contain it.

// The same tools as in `tests/run`, of which each of the two uses its part.
#[allow(dead_code)]
#[path = "../run/account.rs"]
mod account;
#[allow(dead_code)]
#[path = "../run/bench.rs"]
mod bench;
#[path = "../../../generator/tests/crew/mod.rs"]
mod crew;
#[path = "../owned/mod.rs"]
mod owned;
#[allow(dead_code)]
#[path = "../run/scrape.rs"]
mod scrape;
#[path = "../../../generator/src/testing/scripted_frontend.rs"]
mod scripted_frontend;
#[allow(dead_code)]
#[path = "../run/server.rs"]
mod server;
#[path = "../../../generator/src/testing.rs"]
mod testing;

mod clocks;
mod connections;
mod disk;
mod documented;
mod hold;
mod hostile;
mod impostor;
mod matrix;
mod members;
mod names;
mod page;
mod play;
mod pressure;
mod proxy;
mod refusals;
mod row;
mod signals;
mod visibility;
