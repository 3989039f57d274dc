//! One worker process from its beginning to its end: what `benchmark-worker` does.
//!
//! ```text
//! join a leader, if one is named ─▶ wait for server and namespace ─▶ workers poll ─▶ told to stop ─▶ drain ─▶ flush ─▶ leave
//! ```

mod leader;
mod run;
mod signals;
mod start;

pub use run::{JoinOptions, ProcessEnd, Request, Say, run};
pub use signals::{Stop, Stopper, channel};
