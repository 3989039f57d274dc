//! Source of a pool's windows, what it tells the fleet: ends, and how the process is.

use std::{path::Path, sync::Arc};

use benchmark_fleet::{
    Standing, WindowSource,
    wire::{self, window::Body},
};
use benchmark_metrics::{Headroom, Registry, SlotUse};
use parking_lot::Mutex;

use benchmark_machine::usage::{Usage, UsageProbe};

use crate::end_buffer::EndBuffer;

/// Tells the fleet of the workers of this process. It outlives a pool: one that ended and was started again is told of by
/// the same source.
#[derive(Debug)]
pub struct PoolSource {
    buffer: EndBuffer,
    registry: Option<Registry>,
    usage: UsageProbe,
    waiting_for: Mutex<Option<String>>,
    /// Also the windows that were dropped under leaders before this one.
    standing: Mutex<(Standing, u64)>,
}

impl PoolSource {
    /// A source of what lies on the buffer. `registry` is where the workers' slots and polls are read. Until
    /// [`PoolSource::polls`] is called the workers are not ready.
    pub fn new(buffer: EndBuffer, registry: Option<Registry>) -> Arc<Self> {
        Arc::new(PoolSource {
            buffer,
            registry,
            usage: UsageProbe::new(Path::new("/")),
            waiting_for: Mutex::new(Some("the workers".to_owned())),
            standing: Mutex::default(),
        })
    }

    /// The server sees all workers poll.
    pub fn polls(&self) {
        *self.waiting_for.lock() = None;
    }

    /// The workers do not poll, or not any more; what they wait for, in a few words.
    pub fn waits_for(&self, what: impl Into<String>) {
        *self.waiting_for.lock() = Some(what.into());
    }

    /// Whether the workers poll.
    ///
    /// # Errors
    /// With what they wait for.
    pub fn ready(&self) -> Result<(), String> {
        match &*self.waiting_for.lock() {
            None => Ok(()),
            Some(what) => Err(format!("waiting for {what}")),
        }
    }

    /// What the process uses of its machine, since this or the status was asked for last.
    pub fn usage(&self) -> Usage {
        self.usage.read()
    }

    /// The buffer that ends are put down on.
    pub fn buffer(&self) -> &EndBuffer {
        &self.buffer
    }

    /// How it stands with the leader; of windows all that were ever dropped.
    pub fn standing(&self) -> Standing {
        let (standing, before) = *self.standing.lock();
        Standing {
            dropped: standing.dropped + before,
            ..standing
        }
    }
}

impl WindowSource for PoolSource {
    fn windows(&self, to_leader_ns: i64) -> Vec<(String, Body)> {
        self.buffer.take(to_leader_ns)
    }

    fn stands(&self, standing: Standing) {
        let (before, dropped) = &mut *self.standing.lock();
        if standing.dropped < before.dropped {
            // Another leader: it counts from the beginning.
            *dropped += before.dropped;
        }
        *before = standing;
    }

    fn status(&self) -> wire::Status {
        let usage = self.usage.read();
        let headroom = self.registry.as_ref().map(Registry::headroom).unwrap_or_default();
        let waiting_for = self.waiting_for.lock().clone();
        wire::Status {
            // Nobody came for these in time: they are missing as much as a window that was given up.
            windows_dropped: self.buffer.lost(),
            ..status(usage, headroom, waiting_for)
        }
    }
}

fn status(usage: Usage, headroom: Headroom, waiting_for: Option<String>) -> wire::Status {
    wire::Status {
        ready: waiting_for.is_none(),
        waiting_for: waiting_for.unwrap_or_default(),
        cpu_cores: usage.cpu_cores,
        cpu_share: usage.cpu_share,
        memory_bytes: usage.memory_bytes,
        workflow_slots: slots(headroom.workflow),
        activity_slots: slots(headroom.activity),
        local_activity_slots: slots(headroom.local_activity),
        polls: headroom.polls,
        ..wire::Status::default()
    }
}

/// Slots that depend on free CPU and memory have no number of free ones, and so none is told.
fn slots(used: SlotUse) -> Option<wire::Slots> {
    Some(wire::Slots {
        used: used.used?,
        free: used.free?,
    })
}

#[cfg(test)]
mod tests {
    use benchmark_results::WorkflowEnd;
    use benchmark_workflows::{Stamp, StampSink};

    use super::*;

    #[test]
    fn is_ready_when_the_workers_poll_and_not_before() {
        let source = PoolSource::new(EndBuffer::new(), None);
        let status = source.status();
        assert!(!status.ready);
        assert_eq!(status.waiting_for, "the workers");
        source.polls();
        assert!(source.status().ready);
        source.waits_for("the server at 127.0.0.1:7233");
        let status = source.status();
        assert_eq!(
            (status.ready, status.waiting_for.as_str()),
            (false, "the server at 127.0.0.1:7233")
        );
    }

    #[test]
    fn windows_are_what_the_buffer_holds() {
        let buffer = EndBuffer::new();
        let source = PoolSource::new(buffer.clone(), Some(Registry::new()));
        assert!(source.windows(0).is_empty());
        buffer.stamp(Stamp {
            run: "run".to_owned(),
            n: 0,
            sent_unix_ns: 2,
            ended_unix_ns: 3,
            end: WorkflowEnd::Completed,
            message: None,
        });
        let windows = source.windows(0);
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].0, "run");
        assert!(source.windows(0).is_empty());
    }

    #[test]
    fn slots_are_told_when_both_numbers_are_known() {
        let known = SlotUse {
            used: Some(3),
            free: Some(197),
        };
        let headroom = Headroom {
            workflow: known,
            activity: SlotUse { free: None, ..known },
            polls: Some(64),
            ..Headroom::default()
        };
        let status = status(Usage::default(), headroom, None);
        assert_eq!(status.workflow_slots, Some(wire::Slots { used: 3, free: 197 }));
        assert_eq!((status.activity_slots, status.local_activity_slots), (None, None));
        assert_eq!(status.polls, Some(64));
    }
}
