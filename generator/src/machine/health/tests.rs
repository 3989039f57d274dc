//! What was used, from snapshots as they come in a run.

use std::{fs, path::PathBuf};

use benchmark_results::schema::{MachineUse, StartConnections, ThreadLoad};

use super::{threads::Thread, *};

fn threads(of: &[(u32, &str, u64)]) -> Threads {
    of.iter()
        .map(|&(id, name, milliseconds)| {
            let thread = Thread {
                name: name.to_owned(),
                cpu: Duration::from_millis(milliseconds),
                waited: Duration::ZERO,
            };
            (id, thread)
        })
        .collect()
}

fn throttling(group: &str, periods: u64, throttled: u64) -> Throttling {
    Throttling {
        group: PathBuf::from(group),
        periods,
        throttled,
    }
}

fn ticks(total: u64, idle: u64, steal: u64, ours: u64) -> MachineTicks {
    MachineTicks {
        total,
        steal,
        idle,
        ours: Some(ours),
    }
}

/// Two snapshots ten seconds apart, the second still as the first.
fn pair() -> (HealthSnapshot, HealthSnapshot) {
    let begin = HealthSnapshot {
        at: Instant::now(),
        cpu: Duration::from_secs(100),
        capacity: 2.0,
        threads: Ok(threads(&[(1, "main", 1000), (2, "starter-0", 1000), (3, "gone", 1000)])),
        throttling: Ok(vec![throttling("/a", 100, 50), throttling("/a/b", 100, 0)]),
        machine: Ok(ticks(1000, 400, 10, 100)),
        peak_memory: Ok(1 << 20),
    };
    let end = HealthSnapshot {
        at: begin.at + Duration::from_secs(10),
        ..begin.clone()
    };
    (begin, end)
}

#[test]
fn usage_is_the_difference() {
    let (begin, mut end) = pair();
    end.cpu = Duration::from_secs(105);
    // One thread ended, one began, and one took over the id of another that ended.
    end.threads = Ok(threads(&[
        (1, "main", 200),
        (2, "starter-0", 9000),
        (4, "starter-1", 7000),
    ]));
    end.throttling = Ok(vec![throttling("/a", 200, 60), throttling("/a/b", 200, 25)]);
    end.machine = Ok(ticks(3000, 800, 60, 500));
    end.peak_memory = Ok(2 << 20);
    let usage = HealthSnapshot::between(&begin, &end);
    assert_eq!(
        usage,
        GeneratorHealth {
            seconds: 10.0,
            cpu_seconds: 5.0,
            cpu_share: 0.25,
            busiest_thread: Fact::found(
                ThreadLoad {
                    name: "starter-0".to_owned(),
                    share: 0.8
                },
                "/proc/self/task/*/schedstat"
            ),
            cpu_wait: Fact::found(0.0, "/proc/self/task/*/schedstat"),
            throttled: Fact::found(0.25, "/a/b/cpu.stat"),
            steal: Fact::found(0.025, "/proc/stat"),
            machine: Fact::found(
                MachineUse {
                    others: 0.575,
                    idle: 0.2
                },
                machine::SOURCE
            ),
            peak_memory_bytes: Fact::found(2 << 20, "/proc/self/status: VmHWM"),
            ..GeneratorHealth::not_observed("no start was looked at")
        }
    );
    let connections = StartConnections {
        addresses: 2,
        opened: 9,
        ..StartConnections::default()
    };
    let health = StarterLoad {
        dispatched: 100_000,
        peak_in_flight: 7,
        connections: 2,
        starts: StartCounts {
            peak_in_flight: 4,
            connections,
            ..StartCounts::default()
        },
        share_of_ceiling: Fact::missing("not calibrated"),
        scheduling: Fact::found("real-time".to_owned(), "SCHED_FIFO"),
    }
    .add_to(usage);
    assert_eq!(health.cpu_per_start_us, Some(50.0));
    assert_eq!((health.peak_in_flight, health.connections), (7, 2));
    assert_eq!(
        (health.peak_in_flight_per_connection, health.start_connections),
        (4, Some(connections))
    );
}

#[test]
fn a_thread_that_began_in_between_can_be_the_busiest() {
    let (begin, mut end) = pair();
    end.threads = Ok(threads(&[(2, "starter-0", 2000), (9, "late", 5000)]));
    let busiest = HealthSnapshot::between(&begin, &end).busiest_thread.value.unwrap();
    assert_eq!((busiest.name.as_str(), busiest.share), ("late", 0.5));
}

#[test]
fn no_time_in_between_gives_no_nonsense() {
    let (begin, _) = pair();
    let usage = HealthSnapshot::between(&begin, &begin);
    assert_eq!((usage.seconds, usage.cpu_share), (0.0, 0.0));
    assert_eq!(usage.busiest_thread.value, None);
    assert_eq!(usage.steal.value, None);
    assert_eq!(usage.throttled.value, Some(0.0));
}

#[test]
fn what_cannot_be_read_is_missing_with_a_reason() {
    let tree = tempfile::tempdir().unwrap();
    let probe = HealthProbe::new(tree.path());
    let usage = HealthSnapshot::between(&probe.snapshot(), &probe.snapshot());
    assert!(
        usage.busiest_thread.source.contains("/proc/self/task"),
        "{}",
        usage.busiest_thread.source
    );
    assert!(
        usage.throttled.source.contains("/proc/self/cgroup"),
        "{}",
        usage.throttled.source
    );
    assert!(usage.steal.source.contains("/proc/stat"), "{}", usage.steal.source);
    assert!(usage.peak_memory_bytes.source.contains("/proc/self/status"));
    assert_eq!(usage.steal.value, None);
}

#[test]
fn reads_a_tree_as_the_kernel_has_it() {
    let tree = tempfile::tempdir().unwrap();
    let write = |path: &str, contents: &str| {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    };
    write("proc/self/task/7/schedstat", "2500000000 0 3\n");
    write("proc/self/task/7/comm", "pacer\n");
    // Ended while it was read.
    write("proc/self/task/8/comm", "gone\n");
    write(
        "proc/self/status",
        "VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\nCpus_allowed_list:\t0-3\n",
    );
    write(
        "proc/stat",
        "cpu  100 0 50 800 10 5 5 30 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
    );
    let snapshot = HealthProbe::new(tree.path()).snapshot();
    assert_eq!(snapshot.threads, Ok(threads(&[(7, "pacer", 2500)])));
    let machine = snapshot.machine.unwrap();
    assert_eq!((machine.total, machine.steal), (1000, 30));
    assert_eq!(snapshot.peak_memory, Ok(2 << 20));
    assert_eq!(snapshot.capacity, 4.0);
}

#[test]
fn this_process_is_seen_at_work() {
    let probe = HealthProbe::new(Path::new("/"));
    let begin = probe.snapshot();
    let worker = std::thread::Builder::new()
        .name("busy".to_owned())
        .spawn({
            let probe = probe.clone();
            let begun = begin.cpu();
            // Works for 50 ms of CPU time, however long the machine takes to give it, and is there when it is looked at.
            move || loop {
                let now = probe.snapshot();
                if now.cpu() >= begun + Duration::from_millis(50) {
                    return now;
                }
            }
        })
        .unwrap();
    let end = worker.join().unwrap();
    let usage = HealthSnapshot::between(&begin, &end);
    assert!(usage.cpu_seconds >= 0.05, "{usage:?}");
    assert!(usage.cpu_share > 0.0, "{usage:?}");
    assert!(usage.busiest_thread.value.is_some_and(|busiest| busiest.share > 0.0));
    assert!(usage.peak_memory_bytes.value.is_some_and(|bytes| bytes > 0));
}

#[test]
fn the_wait_for_a_cpu_is_that_of_the_threads_that_keep_the_schedule() {
    let waited = |of: &[(u32, &str, u64)]| -> Threads {
        of.iter()
            .map(|&(id, name, milliseconds)| {
                let thread = Thread {
                    name: name.to_owned(),
                    cpu: Duration::from_secs(1),
                    waited: Duration::from_millis(milliseconds),
                };
                (id, thread)
            })
            .collect()
    };
    let begin = waited(&[(1, "accountant", 100), (2, "starter-0", 50), (3, "worker-0", 0)]);
    let end = waited(&[
        (1, "accountant", 3000),
        (2, "starter-0", 1050),
        (3, "worker-0", 9000),
        (4, "starter-1", 400),
    ]);
    assert_eq!(threads::waiting(&begin, &end, 10.0), Some(0.1));
    assert_eq!(threads::waiting(&begin, &waited(&[(3, "worker-0", 9000)]), 10.0), None);
}
