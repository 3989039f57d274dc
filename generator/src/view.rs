//! What is shown of a run: its plan before it, a terminal and the metrics page while it goes on, the link to its board.

pub mod grafana;
pub mod live;
pub mod page;
pub mod plan;
