//! A generator that gets no CPU.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use benchmark_results::schema::{CheckStatus, VerdictValue};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{account, bench::Bench, clusters::workers_elsewhere, server};

/// Threads that keep the generator's core busy.
const BUSY: usize = 8;

#[test]
fn a_generator_without_cpu_is_invalid_and_shows_no_figure() {
    let bench = Bench::alone();
    let server = server::start(&server::options());
    let workers = workers_elsewhere(&server);
    let all = sched_getaffinity(None).unwrap();
    let first = (0..CpuSet::MAX_CPU).find(|core| all.is_set(*core)).unwrap();
    let mut one = CpuSet::new();
    one.set(first);

    let over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..BUSY)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                sched_setaffinity(None, &one).unwrap();
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    // More than a ninth of a core can send. The cap is out of reach, so that nothing waits for the server.
    let arguments = "--generator-only --rate 5000 --duration 3s --drain 2s --max-in-flight 100000 --no-cleanup \
                     --output results.json";
    let command = bench.against(&server.address(), arguments);
    // A process inherits the cores of the thread that makes it.
    sched_setaffinity(None, &one).unwrap();
    let going = bench.begin(command);
    sched_setaffinity(None, &all).unwrap();
    let finished = going.finish();
    over.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    drop(workers);

    let results = finished.results();
    account::closes(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{:?}", results.verdict);
    assert_eq!(finished.code(), 3, "{finished:?}");
    let lag = results
        .verdict
        .checks
        .iter()
        .find(|check| check.name == "start-lag")
        .unwrap();
    assert_eq!(lag.status, CheckStatus::Invalid, "{:?}", results.verdict);
    assert!(
        results.verdict.headline.starts_with("the generator was the limit"),
        "{:?}",
        results.verdict
    );
    assert!(!results.passed);
    for figure in ["latency ", "achieved", "/s started", "p99 "] {
        assert!(!finished.stdout.contains(&format!("\n  {figure}")), "{finished:?}");
    }
    assert!(finished.stdout.contains("not judged"), "{finished:?}");
}
