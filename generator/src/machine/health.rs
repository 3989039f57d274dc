//! Health of the generator: what this process used between two instants, so that a run in which the generator was the
//! limit says so.
//!
//! A snapshot reads a handful of small files: cheap enough for once a second, and never on the way of a start.

mod machine;
mod threads;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use benchmark_machine::usage::{UsageProbe, process_cpu};
use benchmark_results::schema::{Fact, GeneratorHealth, MemberUsage};
use benchmark_temporal::start::StartCounts;

use self::{machine::MachineTicks, threads::Threads};
use benchmark_machine::host::{
    self, Root,
    cgroup::{Cgroups, Throttling},
    kilobytes,
};

const STATUS: &str = "/proc/self/status";
const STAT: &str = "/proc/stat";

/// Takes snapshots. What cannot change during a run is read once.
#[derive(Clone, Debug)]
pub struct HealthProbe {
    root: Root,
    cgroups: Cgroups,
    capacity: f64,
    throttling_absent: Option<String>,
}

impl HealthProbe {
    /// A probe of this process; `root` is `/` outside tests.
    pub fn new(root: &Path) -> Self {
        let cgroups = host::cgroup::find(root);
        let throttling_absent = match cgroups.throttling() {
            Ok(_) if cgroups.cpu_quota().value.is_none() => Some(cgroups.cpu_quota().source),
            Ok(_) => None,
            Err(reason) => Some(reason),
        };
        let capacity = host::capacity(root)
            .or_else(|| {
                std::thread::available_parallelism()
                    .ok()
                    .map(|cores| cores.get() as f64)
            })
            .unwrap_or(1.0);
        HealthProbe {
            root: Root::new(root),
            cgroups,
            capacity,
            throttling_absent,
        }
    }

    /// CPU that this process may use, cores.
    pub fn capacity(&self) -> f64 {
        self.capacity
    }

    /// What has been used up to now.
    pub fn snapshot(&self) -> HealthSnapshot {
        HealthSnapshot {
            at: Instant::now(),
            cpu: process_cpu(),
            capacity: self.capacity,
            threads: threads::read(&self.root),
            throttling: match &self.throttling_absent {
                Some(reason) => Err(reason.clone()),
                None => self.cgroups.throttling(),
            },
            machine: machine::read(&self.root),
            peak_memory: self.root.read(STATUS).and_then(|status| {
                kilobytes(&status, "VmHWM").ok_or_else(|| format!("{STATUS} has no readable VmHWM"))
            }),
        }
    }
}

/// Tells once a second what the process used in it.
#[derive(Debug)]
pub struct UsageMeter {
    probe: UsageProbe,
    since: Instant,
}

/// How often [`UsageMeter::sample`] has something to tell.
const USAGE_INTERVAL: Duration = Duration::from_secs(1);

impl UsageMeter {
    /// What was used since the last sample; `None` when that was less than a second ago. Its time is left to the caller.
    pub fn sample(&mut self) -> Option<MemberUsage> {
        if self.since.elapsed() < USAGE_INTERVAL {
            return None;
        }
        self.since = Instant::now();
        let used = self.probe.read();
        Some(MemberUsage {
            iteration: 0,
            at_seconds: 0.0,
            cpu_cores: used.cpu_cores,
            cpu_share: used.cpu_share,
            memory_bytes: used.memory_bytes,
            workflow_slots_free: None,
            workflow_slots_used: None,
            activity_slots_free: None,
            activity_slots_used: None,
            polls: None,
        })
    }
}

impl Default for UsageMeter {
    /// A meter that begins now.
    fn default() -> Self {
        UsageMeter {
            probe: UsageProbe::new(Path::new("/")),
            since: Instant::now(),
        }
    }
}

/// What this process and its machine had used at one instant.
#[derive(Clone, Debug)]
pub struct HealthSnapshot {
    at: Instant,
    cpu: Duration,
    capacity: f64,
    threads: Result<Threads, String>,
    throttling: Result<Vec<Throttling>, String>,
    machine: Result<MachineTicks, String>,
    peak_memory: Result<u64, String>,
}

/// What the start loop itself knows of its load.
#[derive(Clone, Debug, PartialEq)]
pub struct StarterLoad {
    /// Starts handed to a connection in the observed time.
    pub dispatched: u64,
    /// Most unanswered starts at one time.
    pub peak_in_flight: u64,
    /// Connections that starts were sent on.
    pub connections: u32,
    /// What became of the connections, and of starts that were sent more than once.
    pub starts: StartCounts,
    /// Rate asked for as a share of this host's calibrated ceiling.
    pub share_of_ceiling: Fact<f64>,
    /// How the threads that keep the schedule were scheduled.
    pub scheduling: Fact<String>,
}

impl HealthSnapshot {
    /// What was used from `begin` to `end`, two snapshots of one probe. What the start loop knows is not in it:
    /// [`StarterLoad::add_to`] adds it. A thread that ended in between is seen in `cpu_seconds` only.
    pub fn between(begin: &HealthSnapshot, end: &HealthSnapshot) -> GeneratorHealth {
        let seconds = end.at.saturating_duration_since(begin.at).as_secs_f64();
        let cpu_seconds = end.cpu.saturating_sub(begin.cpu).as_secs_f64();
        let waiting = both(&begin.threads, &end.threads).and_then(|(begin, end)| {
            threads::waiting(begin, end, seconds).ok_or_else(|| "no thread that keeps the schedule was seen".to_owned())
        });
        let busiest = both(&begin.threads, &end.threads).and_then(|(begin, end)| {
            threads::busiest(begin, end, seconds).ok_or_else(|| "no thread was seen".to_owned())
        });
        GeneratorHealth {
            seconds,
            cpu_seconds,
            cpu_share: share(cpu_seconds, seconds * end.capacity).unwrap_or(0.0),
            busiest_thread: fact(busiest, threads::SOURCE),
            cpu_wait: fact(waiting, threads::SOURCE),
            throttled: throttled(&begin.throttling, &end.throttling),
            steal: fact(
                both(&begin.machine, &end.machine).and_then(|(begin, end)| stolen(begin, end)),
                STAT,
            ),
            machine: fact(
                both(&begin.machine, &end.machine).and_then(|(begin, end)| machine::between(begin, end)),
                machine::SOURCE,
            ),
            peak_memory_bytes: fact(end.peak_memory.clone(), "/proc/self/status: VmHWM"),
            ..GeneratorHealth::not_observed("no start was looked at")
        }
    }

    /// CPU time that the process had used, for a live view.
    pub fn cpu(&self) -> Duration {
        self.cpu
    }
}

impl StarterLoad {
    /// The generator's health: what was used, and what the start loop knows.
    pub fn add_to(self, used: GeneratorHealth) -> GeneratorHealth {
        GeneratorHealth {
            cpu_per_start_us: share(used.cpu_seconds * 1e6, self.dispatched as f64),
            peak_in_flight: self.peak_in_flight,
            connections: self.connections,
            peak_in_flight_per_connection: self.starts.peak_in_flight,
            start_connections: Some(self.starts.connections),
            share_of_ceiling: self.share_of_ceiling,
            scheduling: self.scheduling,
            ..used
        }
    }
}

fn stolen(begin: &MachineTicks, end: &MachineTicks) -> Result<f64, String> {
    // The counters of some virtual machines go back by a tick or two.
    let steal = end.steal.saturating_sub(begin.steal) as f64;
    let total = end.total.saturating_sub(begin.total) as f64;
    share(steal, total).ok_or_else(|| "the time observed is shorter than a tick".to_owned())
}

fn throttled(begin: &Result<Vec<Throttling>, String>, end: &Result<Vec<Throttling>, String>) -> Fact<f64> {
    let (begin, end) = match both(begin, end) {
        Ok(both) => both,
        Err(reason) => return Fact::missing(reason),
    };
    let shares = end.iter().filter_map(|end| {
        let begin = begin.iter().find(|begin| begin.group == end.group)?;
        let periods = end.periods.checked_sub(begin.periods)?;
        let throttled = end.throttled.checked_sub(begin.throttled)?;
        // A group that did not run at all in between has no periods, and did not wait either.
        Some((share(throttled as f64, periods as f64).unwrap_or(0.0), &end.group))
    });
    match shares.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
        Some((share, group)) => Fact::found(share, group.join("cpu.stat").display().to_string()),
        None => Fact::missing("no control group tells how often it was throttled"),
    }
}

/// Part over whole; none when there is no whole.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn both<'a, T>(begin: &'a Result<T, String>, end: &'a Result<T, String>) -> Result<(&'a T, &'a T), String> {
    match (begin, end) {
        (Ok(begin), Ok(end)) => Ok((begin, end)),
        (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
    }
}

fn fact<T>(value: Result<T, String>, source: &str) -> Fact<T> {
    match value {
        Ok(value) => Fact::found(value, source),
        Err(reason) => Fact::missing(reason),
    }
}

#[cfg(test)]
mod tests;
