//! What a busy machine may do to a verdict, and no more: tests share it with whatever else runs there.
//!
//! A check is excused only where the result itself shows the cause: what other programs took of the machine in the measured
//! phase, what they left, and how long the threads that keep the schedule queued for a core. An account that does not close,
//! refusals, lost connections and figures of this program's own are never excused.

use std::time::Duration;

use benchmark_results::{
    Results,
    schema::{Check, CheckStatus, VerdictValue},
};

/// What other programs took that is worth speaking of, as a share of the machine.
const OTHERS: f64 = 0.05;

/// What they took and what they left where a server, which is one of them, and workers are slow by it.
const CROWDED: (f64, f64) = (0.20, 0.25);

/// Checks of the machine that others can fail.
const OF_MACHINE: [&str; 4] = ["cpu-wait", "cpu-throttling", "cpu-steal", "other-cpu"];

/// Checks that say that the load was bent: by the wait for a core, where there was one.
const OF_LOAD: [&str; 5] = [
    "start-lag",
    "offered-load",
    "start-attainment",
    "window-attainment",
    "drops",
];

/// Checks that say that server and workers were slow.
const OF_SPEED: [&str; 6] = [
    "start-lag",
    "start-attainment",
    "in-flight-cap",
    "backlog-slope",
    "halves",
    "open-after-drain",
];

/// What a result shows of its machine.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    /// Share of the machine that others had.
    others: f64,
    /// Share that nobody had.
    idle: f64,
    /// How long a thread that keeps the schedule queued for a core.
    queued: Duration,
    /// The largest lag of a start.
    lag: Duration,
}

impl Pressure {
    pub fn of(results: &Results) -> Pressure {
        let health = &results.generator;
        let machine = health.machine.value;
        let queued = health.cpu_wait.value.unwrap_or(0.0) * health.seconds;
        let lag = results.phases.measure.latencies.lag.max.unwrap_or(0.0);
        Pressure {
            others: machine.map_or(0.0, |machine| machine.others),
            idle: machine.map_or(1.0, |machine| machine.idle),
            queued: Duration::from_secs_f64(queued),
            lag: Duration::from_secs_f64(lag / 1000.0),
        }
    }

    /// Whether others kept server and workers from their work.
    pub fn is_crowded(&self) -> bool {
        self.others >= CROWDED.0 && self.idle < CROWDED.1
    }

    /// Whether the wait for a core, behind others, is as long as the start that was latest was late, or nearly.
    fn explains_lag(&self) -> bool {
        self.others >= OTHERS && self.queued * 2 >= self.lag
    }

    fn excuses(&self, check: &Check) -> bool {
        let is_in = |checks: &[&str]| checks.contains(&check.name.as_str());
        match check.status {
            CheckStatus::Invalid => {
                (is_in(&OF_MACHINE) && self.others >= OTHERS)
                    || (is_in(&OF_LOAD) && self.explains_lag())
                    // The server gives a task out again when nobody answers for long.
                    || (check.name == "repeated-stamps" && self.is_crowded())
            }
            CheckStatus::Overloaded => is_in(&OF_SPEED) && self.is_crowded(),
            _ => true,
        }
    }
}

/// Whether the verdict is among those that are right: as it stands, or without what the machine's pressure excuses. Checks
/// that `may` say more are left out.
pub fn is_right(results: &Results, right: &[VerdictValue], may: &[&str]) -> bool {
    let pressure = Pressure::of(results);
    let judged = |is_excused: &dyn Fn(&Check) -> bool| {
        let checks = results.verdict.checks.iter();
        let counted = checks.filter(|check| !may.contains(&check.name.as_str()) && !is_excused(check));
        match counted.map(|check| check.status).max() {
            Some(CheckStatus::Invalid) => VerdictValue::Invalid,
            Some(CheckStatus::Overloaded) => VerdictValue::Overloaded,
            _ => VerdictValue::Valid,
        }
    };
    // The machine's own checks may hide what the fault did, and what is excused may be the fault's.
    let of_machine = |check: &Check| OF_MACHINE.contains(&check.name.as_str()) && pressure.excuses(check);
    right.contains(&judged(&of_machine)) || right.contains(&judged(&|check| pressure.excuses(check)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use benchmark_results::{
        file,
        schema::{Fact, MachineUse},
    };

    use super::*;

    /// A result whose checks all pass but for these, on a machine with that pressure: others, idle, share of waiting.
    fn result(failed: &[(&str, CheckStatus)], (others, idle, waited): (f64, f64, f64)) -> Results {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/tests/files/v1/short.json");
        let mut results = file::read(&path).unwrap();
        results.generator.seconds = 10.0;
        results.generator.machine = Fact::found(MachineUse { others, idle }, "a test");
        results.generator.cpu_wait = Fact::found(waited, "a test");
        results.phases.measure.latencies.lag.max = Some(300.0);
        let one = results.verdict.checks[0].clone();
        results.verdict.checks = failed
            .iter()
            .map(|(name, status)| Check {
                name: (*name).to_owned(),
                status: *status,
                ..one.clone()
            })
            .collect();
        results
    }

    #[test]
    fn a_verdict_is_excused_by_its_own_cause_and_by_nothing_else() {
        use CheckStatus::{Invalid, Overloaded, Pass};
        let (idle, busy, queued, full) = ((0.0, 0.9, 0.0), (0.3, 0.5, 0.01), (0.3, 0.5, 0.02), (0.6, 0.1, 0.0));
        for (name, status, pressure, is_valid) in [
            ("start-lag", Pass, idle, true),
            ("start-lag", Invalid, idle, false),
            // A tenth of a second in the queue, and 0.3 s late.
            ("start-lag", Invalid, busy, false),
            ("start-lag", Invalid, queued, true),
            ("start-lag", Invalid, full, false),
            ("window-attainment", Invalid, queued, true),
            ("other-cpu", Invalid, full, true),
            ("cpu-wait", Invalid, idle, false),
            ("generator-cpu", Invalid, full, false),
            ("repeated-stamps", Invalid, queued, false),
            ("repeated-stamps", Invalid, full, true),
            ("backlog-slope", Overloaded, queued, false),
            ("backlog-slope", Overloaded, full, true),
            ("rejected-starts", Overloaded, full, false),
            ("ledger", Invalid, full, false),
            ("server-counts", Invalid, full, false),
            ("missing-stamps", Invalid, full, false),
            ("plausible-stamps", Invalid, full, false),
            ("fleet-members", Invalid, full, false),
        ] {
            let results = result(&[(name, status)], pressure);
            let held = is_right(&results, &[VerdictValue::Valid], &[]);
            assert_eq!(held, is_valid, "{name} {status:?} {pressure:?}");
            assert!(is_right(&results, &[VerdictValue::Valid], &[name]));
        }
    }

    #[test]
    fn what_a_fault_did_is_not_hidden_by_the_machine() {
        let both = [
            ("backlog-slope", CheckStatus::Overloaded),
            ("other-cpu", CheckStatus::Invalid),
        ];
        let results = result(&both, (0.6, 0.1, 0.0));
        assert!(is_right(&results, &[VerdictValue::Overloaded], &[]));
        assert!(!is_right(&results, &[VerdictValue::Invalid], &[]));
    }
}
