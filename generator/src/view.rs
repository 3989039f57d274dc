//! Views of a run, what is shown of it: its plan before it, a watcher and the metrics page while it goes on, the link
//! to its board.

pub mod grafana;
pub mod page;
pub mod plan;
pub mod watcher;
