//! What the search for a binary is doing, told to whoever waits for it.

use std::{sync::Arc, time::Duration};

/// One thing that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for people; it stays the same while it goes on.
    pub doing: String,
    /// Since when.
    pub elapsed: Duration,
    /// How far it is, where that is known: bytes, or the last line of a tool.
    pub detail: Option<String>,
}

/// Who is told. Called at most a few times a second, from any thread.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Tells nobody.
pub fn silent() -> OnProgress {
    Arc::new(|_| {})
}
