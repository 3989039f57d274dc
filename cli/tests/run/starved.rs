//! A generator that gets no CPU.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use benchmark_generator::calibrate::null_frontend::{NullFrontend, Options};
use benchmark_results::schema::{CheckStatus, VerdictValue};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{account, bench::Bench};

/// Threads that keep the generator's core busy.
const BUSY: usize = 8;

#[test]
fn a_generator_without_cpu_is_invalid_and_shows_no_figure() {
    let bench = Bench::alone();
    // It answers at once whatever comes, so that nothing waits for it.
    let frontend = NullFrontend::start(Options::default()).unwrap();
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
    // 20 µs for each start: more than one core can do, even all of it. The cap is out of reach: at the cap the checks
    // cannot tell a generator that does not read answers from a server that does not send them.
    let arguments = "--rate 50000 --duration 3s --drain 1s --start-timeout 2s --max-in-flight 100000 \
                     --output results.json";
    let command = bench.against(&frontend.address().to_string(), arguments);
    // A process inherits the cores of the thread that makes it.
    sched_setaffinity(None, &one).unwrap();
    let going = bench.begin(command);
    sched_setaffinity(None, &all).unwrap();
    let finished = going.finish();
    over.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    drop(frontend);

    let results = finished.results();
    account::closes(&results);
    assert_eq!(results.verdict.value, VerdictValue::Invalid, "{:?}", results.verdict);
    assert_eq!(finished.code(), 3, "{finished:?}");
    // By one of the checks of the generator itself, not only because nobody ended the workflows.
    let own = [
        "start-lag",
        "start-attainment",
        "window-attainment",
        "drops",
        "generator-cpu",
        "busiest-thread",
    ];
    let mut checks = results.verdict.checks.iter();
    assert!(
        checks.any(|check| own.contains(&check.name.as_str()) && check.status == CheckStatus::Invalid),
        "{:?}",
        results.verdict
    );
    assert!(!results.passed);
    for figure in ["latency ", "achieved", "/s started", "p99 "] {
        assert!(!finished.stdout.contains(&format!("\n  {figure}")), "{finished:?}");
    }
    assert!(finished.stdout.contains("not judged"), "{finished:?}");
}
