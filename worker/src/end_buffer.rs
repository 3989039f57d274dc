//! Buffer of ends: workers put into it how workflows ended, until a member of the fleet takes it away.
//!
//! Stamps arrive on the threads that run workflow code, so that all that is done there is one push under a lock that
//! nobody holds for long. Once or twice a second everything is taken away as windows.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use benchmark_fleet::{EndRecord, EndsBuilder, wire::window::Body};
use benchmark_results::WorkflowEnd;
use benchmark_workflows::{Stamp, StampSink};
use parking_lot::Mutex;

/// Ends that are kept while nobody comes for them, about 64 bytes each. A member comes every half second at the latest.
const KEPT: usize = 1 << 20;

/// Collects the ends of workflows by the run that they belong to. A clone is the same one.
#[derive(Clone, Debug, Default)]
pub struct EndBuffer {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    closed: AtomicBool,
    /// By outcome: completed, failed, cancelled.
    stamped: [AtomicU64; 3],
    /// Lost since somebody takes, and before that.
    lost: AtomicU64,
    lost_before: AtomicU64,
    ends: Mutex<Ends>,
}

/// What waits to be taken away.
#[derive(Debug, Default)]
struct Ends {
    count: usize,
    by_run: HashMap<String, Vec<EndRecord>>,
}

impl EndBuffer {
    /// An empty buffer, from which somebody takes.
    pub fn new() -> Self {
        EndBuffer::default()
    }

    /// A buffer from which nobody takes: ends are counted and not kept.
    pub fn unattended() -> Self {
        let buffer = EndBuffer::new();
        buffer.attend(false);
        buffer
    }

    /// Says whether somebody takes what is put down from now on. When nobody does, what lies here is forgotten.
    pub fn attend(&self, somebody: bool) {
        let mut ends = self.inner.ends.lock();
        self.inner.closed.store(!somebody, Ordering::Relaxed);
        if somebody {
            // What was lost before is of another run.
            let lost = self.inner.lost.swap(0, Ordering::Relaxed);
            self.inner.lost_before.fetch_add(lost, Ordering::Relaxed);
        } else {
            *ends = Ends::default();
        }
    }

    /// Ends that were put down in this buffer's life.
    pub fn stamped(&self) -> u64 {
        self.outcomes().iter().map(|(_, count)| count).sum()
    }

    /// The same by outcome.
    pub fn outcomes(&self) -> [(&'static str, u64); 3] {
        let [completed, failed, cancelled] = &self.inner.stamped;
        [("completed", completed), ("failed", failed), ("cancelled", cancelled)]
            .map(|(outcome, count)| (outcome, count.load(Ordering::Relaxed)))
    }

    /// Ends that were lost in this buffer's life since nobody came for them in time.
    pub fn lost_ever(&self) -> u64 {
        // Whoever begins to take counts them together under this lock.
        let _ends = self.inner.ends.lock();
        self.inner.lost_before.load(Ordering::Relaxed) + self.lost()
    }

    /// Ends that were lost since nobody came for them in time.
    pub fn lost(&self) -> u64 {
        self.inner.lost.load(Ordering::Relaxed)
    }

    /// Whether nothing waits to be taken away.
    pub fn is_empty(&self) -> bool {
        self.inner.ends.lock().count == 0
    }

    /// Takes everything away, as the bodies of windows with the run that each belongs to. `to_leader_ns` is added to the
    /// instants of this process's clock; when a start was sent is told by the starter's and stays as it is.
    pub fn take(&self, to_leader_ns: i64) -> Vec<(String, Body)> {
        // Nothing is encoded under the lock.
        let taken = mem::take(&mut *self.inner.ends.lock());
        let mut windows = Vec::new();
        for (run, ends) in taken.by_run {
            let mut builder = EndsBuilder::new();
            for mut end in ends {
                end.ended_unix_ns = end.ended_unix_ns.saturating_add_signed(to_leader_ns);
                builder.push(end);
                if builder.is_full() {
                    windows.push((run.clone(), Body::Ends(mem::take(&mut builder).finish())));
                }
            }
            if !builder.is_empty() {
                windows.push((run, Body::Ends(builder.finish())));
            }
        }
        windows
    }
}

impl StampSink for EndBuffer {
    fn stamp(&self, stamp: Stamp) {
        let outcome = match stamp.end {
            WorkflowEnd::Completed => 0,
            WorkflowEnd::Failed => 1,
            WorkflowEnd::Cancelled => 2,
            // The server's doing: no workflow's code returns it.
            WorkflowEnd::TimedOut | WorkflowEnd::Terminated => return,
        };
        self.inner.stamped[outcome].fetch_add(1, Ordering::Relaxed);
        if self.inner.closed.load(Ordering::Relaxed) {
            return;
        }
        let mut ends = self.inner.ends.lock();
        if ends.count >= KEPT {
            drop(ends);
            self.inner.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let record = EndRecord {
            n: stamp.n,
            ended_unix_ns: stamp.ended_unix_ns,
            sent_unix_ns: stamp.sent_unix_ns,
            end: stamp.end,
            message: stamp.message,
        };
        ends.count += 1;
        ends.by_run.entry(stamp.run).or_default().push(record);
    }
}

#[cfg(test)]
mod tests {
    use benchmark_fleet::read_ends;
    use proptest::prelude::*;

    use super::*;

    fn stamp(run: &str, n: u64, end: WorkflowEnd) -> Stamp {
        Stamp {
            run: run.to_owned(),
            n,
            sent_unix_ns: 2_000 + n,
            ended_unix_ns: 1_000_000 + n,
            end,
            message: (end == WorkflowEnd::Failed).then(|| "Injected: by hand".to_owned()),
        }
    }

    fn records(body: &Body) -> Vec<EndRecord> {
        match body {
            Body::Ends(ends) => read_ends(ends).unwrap(),
            Body::Starts(_) => panic!("workers start nothing"),
        }
    }

    #[test]
    fn windows_tell_what_was_stamped_by_run_and_on_the_leaders_clock() {
        let buffer = EndBuffer::new();
        buffer.stamp(stamp("a", 7, WorkflowEnd::Completed));
        buffer.stamp(stamp("b", 1, WorkflowEnd::Failed));
        buffer.stamp(stamp("a", 3, WorkflowEnd::Cancelled));
        assert!(!buffer.is_empty());
        let mut windows = buffer.take(-500);
        windows.sort_by(|(one, _), (other, _)| one.cmp(other));
        assert_eq!(windows.len(), 2);
        let a = records(&windows[0].1);
        assert_eq!(
            a.iter().map(|end| (end.n, end.end)).collect::<Vec<_>>(),
            [(7, WorkflowEnd::Completed), (3, WorkflowEnd::Cancelled)]
        );
        assert_eq!((a[0].ended_unix_ns, a[0].sent_unix_ns), (1_000_007 - 500, 2_007));
        let b = records(&windows[1].1);
        assert_eq!(b[0].message.as_deref(), Some("Injected: by hand"));
        assert!(buffer.is_empty() && buffer.take(0).is_empty());
        assert_eq!((buffer.stamped(), buffer.lost()), (3, 0));
    }

    #[test]
    fn a_buffer_that_nobody_attends_keeps_nothing() {
        let buffer = EndBuffer::unattended();
        buffer.stamp(stamp("a", 0, WorkflowEnd::Completed));
        assert!(buffer.is_empty());
        buffer.attend(true);
        buffer.stamp(stamp("a", 1, WorkflowEnd::Completed));
        assert!(!buffer.is_empty());
        buffer.attend(false);
        assert!(buffer.is_empty());
        assert_eq!((buffer.stamped(), buffer.lost()), (2, 0));
    }

    #[test]
    fn what_nobody_comes_for_is_bounded_and_the_rest_is_counted() {
        let buffer = EndBuffer::new();
        for n in 0..(KEPT as u64 + 10) {
            buffer.stamp(stamp("a", n, WorkflowEnd::Completed));
        }
        assert_eq!(buffer.lost(), 10);
        let taken: usize = buffer.take(0).iter().map(|(_, body)| records(body).len()).sum();
        assert_eq!(taken, KEPT);
        buffer.stamp(stamp("a", 0, WorkflowEnd::Completed));
        assert_eq!(buffer.lost(), 10);
        // The next run has lost nothing yet.
        buffer.attend(true);
        assert_eq!(buffer.lost(), 0);
    }

    proptest! {
        /// Whoever takes when, each end is told once.
        #[test]
        fn each_end_is_told_once(
            steps in prop::collection::vec(prop_oneof![
                4 => (0_u64..50, 0_usize..3).prop_map(Some),
                1 => Just(None),
            ], 0..200),
        ) {
            let buffer = EndBuffer::new();
            let (mut put, mut told) = (Vec::new(), Vec::new());
            let mut take = || for (run, body) in buffer.take(0) {
                told.extend(records(&body).into_iter().map(|end| (run.clone(), end.n)));
            };
            for step in steps {
                match step {
                    Some((n, run)) => {
                        let run = ["a", "b", "c"][run];
                        buffer.stamp(stamp(run, n, WorkflowEnd::Completed));
                        put.push((run.to_owned(), n));
                    }
                    None => take(),
                }
            }
            take();
            put.sort_unstable();
            told.sort_unstable();
            prop_assert_eq!(put, told);
        }
    }
}
