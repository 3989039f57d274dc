//! CPU time by thread.

use std::{collections::HashMap, fs, time::Duration};

use benchmark_results::schema::ThreadLoad;

use benchmark_machine::host::Root;

const TASKS: &str = "/proc/self/task";
pub(super) const SOURCE: &str = "/proc/self/task/*/schedstat";

/// The threads of this process by their ids.
pub(super) type Threads = HashMap<u32, Thread>;

/// One thread and the CPU time that it has used since it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) name: String,
    pub(super) cpu: Duration,
    /// Time in which it was ready to run and another thread was running.
    pub(super) waited: Duration,
}

/// The threads that are there now.
pub(super) fn read(root: &Root) -> Result<Threads, String> {
    let cannot = |error| format!("cannot read {TASKS}: {error}");
    let mut threads = Threads::new();
    for entry in fs::read_dir(root.join(TASKS)).map_err(cannot)? {
        let Some(id) = entry
            .map_err(cannot)?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A thread that ends while it is being read is one that is not there.
        if let Some(thread) = read_one(root, id) {
            threads.insert(id, thread);
        }
    }
    if threads.is_empty() {
        return Err(format!("no thread in {TASKS} tells its CPU time in schedstat"));
    }
    Ok(threads)
}

fn read_one(root: &Root, id: u32) -> Option<Thread> {
    // Time on a CPU in nanoseconds, time waiting for one, and slices; `stat` has ticks of 10 ms only.
    let schedstat = root.read(format!("{TASKS}/{id}/schedstat")).ok()?;
    let mut fields = schedstat
        .split_whitespace()
        .map(|field| field.parse().map(Duration::from_nanos));
    let (cpu, waited) = (fields.next()?.ok()?, fields.next()?.ok()?);
    let name = root.read(format!("{TASKS}/{id}/comm")).ok()?;
    Some(Thread {
        name: name.trim_end().to_owned(),
        cpu,
        waited,
    })
}

/// The thread that used most CPU time between two readings.
pub(super) fn busiest(begin: &Threads, end: &Threads, seconds: f64) -> Option<ThreadLoad> {
    let used = |(id, thread): (&u32, &Thread)| {
        // Less than before is another thread under an id that became free: all of its time is new.
        match begin.get(id) {
            Some(before) if before.cpu <= thread.cpu => thread.cpu - before.cpu,
            _ => thread.cpu,
        }
    };
    let (name, cpu) = end
        .iter()
        .map(|entry| (&entry.1.name, used(entry)))
        .max_by_key(|(_, used)| *used)?;
    Some(ThreadLoad {
        name: name.clone(),
        share: super::share(cpu.as_secs_f64(), seconds)?,
    })
}

/// The largest share of time in which a thread that keeps the schedule waited for a CPU. Those are told by their names.
pub(super) fn waiting(begin: &Threads, end: &Threads, seconds: f64) -> Option<f64> {
    let keeps_schedule = |thread: &Thread| thread.name.starts_with("starter-");
    end.iter()
        .filter(|(_, thread)| keeps_schedule(thread))
        .map(|(id, thread)| match begin.get(id) {
            Some(before) if before.waited <= thread.waited => thread.waited - before.waited,
            _ => thread.waited,
        })
        .max()
        .and_then(|waited| super::share(waited.as_secs_f64(), seconds))
}
