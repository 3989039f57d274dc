//! File descriptors, whether the process may open as many files and connections as the plan needs: said before the
//! load, not in its middle.

use benchmark_scenarios::{Plan, Problem};

/// Files that a run has open whatever it does: standard streams, timers, a runtime's own, the server's log, results, the
/// metrics page with its 32 connections, and what is read from `/proc` now and then.
const ANYWAY: u64 = 128;

/// For each start thread: a runtime's poll and wake-up, a timer.
const EACH_THREAD: u64 = 8;

/// For each worker in this process: its connections and its runtime's own.
const EACH_WORKER: u64 = 16;

/// Descriptors that this process needs at the most.
fn needed(plan: &Plan) -> u64 {
    let of = |count: u32, each: u64| u64::from(count) * each;
    ANYWAY
        + of(plan.starter.connections, 1)
        + of(plan.starter.threads, EACH_THREAD)
        + of(plan.workers.count, EACH_WORKER)
        // A member that comes back has two for a moment.
        + of(plan.fleet.expect_workers, 2)
        + of(plan.fleet.generators.saturating_sub(1), 2)
}

/// Whether `limit` is enough for the plan; none is no limit.
///
/// # Errors
/// When it is not, with the number to ask for.
pub fn check(plan: &Plan, limit: Option<u64>) -> Result<(), Problem> {
    let needed = needed(plan);
    match limit {
        Some(limit) if limit < needed => Err(Problem::new(format!(
            "--connections {} needs up to {needed} open files, and this system permits {limit}",
            plan.starter.connections
        ))
        .remedy(format!("ulimit -n {needed}"))
        .remedy("fewer connections")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use benchmark_scenarios::Key;

    use super::*;
    use crate::testing;

    fn plan(connections: &str) -> Plan {
        testing::plan([
            (Key::Rate, "20"),
            (Key::Connections, connections),
            (Key::Workers, "2"),
            (Key::Threads, "2"),
        ])
    }

    #[test]
    fn too_few_descriptors_are_told_before_the_load() {
        let plan = plan("200");
        let enough = 128 + 200 + 2 * 8 + 2 * 16;
        assert!(check(&plan, Some(enough)).is_ok() && check(&plan, None).is_ok());
        let problem = check(&plan, Some(enough - 1)).unwrap_err().report();
        assert!(
            problem.starts_with("error: --connections 200 needs up to 376 open files, and this system permits 375"),
            "{problem}"
        );
        assert!(problem.contains("ulimit -n 376"), "{problem}");
        let mut fleet = plan;
        fleet.fleet.expect_workers = 10;
        fleet.fleet.generators = 3;
        assert_eq!(needed(&fleet), enough + 24);
    }
}
