//! What is shown of a run: its plan before it, a watcher and the metrics page while it goes on, the link to its board.

pub mod grafana;
pub mod page;
pub mod plan;
pub mod watcher;
