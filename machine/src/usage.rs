//! What this process uses of its machine: cheap enough to ask a few times a second.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use crate::host::{self, Root};

/// Short, and made quickly: asked for twice a second, the longer `status` was most of what being in a fleet cost.
const STATM: &str = "/proc/self/statm";

/// Intervals shorter than this say little: the kernel counts CPU in steps, and a poll in between is no burst.
const SHORTEST: Duration = Duration::from_millis(90);

/// Reads what the process uses.
#[derive(Debug)]
pub struct UsageProbe {
    root: Root,
    /// Cores, or the quota where that is less.
    capacity: f64,
    last: Mutex<(Reading, Usage)>,
}

/// CPU since the last reading, and memory now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU in cores.
    pub cpu_cores: f64,
    /// The same as a share of the cores or the quota, 0 to 1.
    pub cpu_share: f64,
    /// Memory, bytes; 0 when the system does not tell.
    pub memory_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    at: Instant,
    cpu: Duration,
}

impl UsageProbe {
    /// A probe of this process; `root` is `/` outside tests.
    pub fn new(root: &Path) -> Self {
        let cores = || {
            std::thread::available_parallelism()
                .ok()
                .map(|cores| cores.get() as f64)
        };
        UsageProbe {
            capacity: host::capacity(root)
                .or_else(cores)
                .unwrap_or(1.0)
                .max(f64::MIN_POSITIVE),
            root: Root::new(root),
            last: Mutex::new((
                Reading {
                    at: Instant::now(),
                    cpu: process_cpu(),
                },
                Usage::default(),
            )),
        }
    }

    /// What was used since the last call that was not too short a time ago; within that time the answer stays the same.
    pub fn read(&self) -> Usage {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Reading {
            at: Instant::now(),
            cpu: process_cpu(),
        };
        let (reading, usage) = &mut *last;
        let elapsed = now.at.duration_since(reading.at);
        if elapsed >= SHORTEST {
            let cpu_cores = now.cpu.saturating_sub(reading.cpu).as_secs_f64() / elapsed.as_secs_f64();
            *usage = Usage {
                cpu_cores,
                cpu_share: (cpu_cores / self.capacity).min(1.0),
                memory_bytes: self.memory().unwrap_or(0),
            };
            *reading = now;
        }
        *usage
    }

    /// Resident memory, bytes. Source: `proc_pid_statm(5)`, the second field, in pages.
    fn memory(&self) -> Option<u64> {
        let statm = self.root.read(STATM).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }
}

/// CPU time of all threads of this process, ended ones too.
pub fn process_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_thread_shows_and_an_instant_does_not() {
        let begun = Instant::now();
        let probe = UsageProbe::new(Path::new("/"));
        let cpu_before = process_cpu();
        let mut sum = 0_u64;
        // However little of the processor this thread is given.
        while begun.elapsed() < 2 * SHORTEST || process_cpu() - cpu_before < SHORTEST {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let used = probe.read();
        let least = SHORTEST.as_secs_f64() / begun.elapsed().as_secs_f64();
        assert!(used.cpu_cores >= least, "{used:?}, at least {least}");
        assert!((0.0..=1.0).contains(&used.cpu_share), "{used:?}");
        assert!(used.memory_bytes > 1 << 20, "{used:?}");
        assert_eq!(probe.read(), used);
    }
}
