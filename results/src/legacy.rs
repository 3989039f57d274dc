//! Keys of the replaced runner, from what this one knows. What is not known is null, never a constant.

use std::time::Duration;

use benchmark_scenarios::{Plan, Thresholds};

use crate::{
    ledger::Ledger,
    schema::{
        CheckStatus, Environment, Fleet, LegacyConfig, LegacyLatency, LegacyResults, LegacyServices, LegacySystem,
        LegacyThresholds, MemberRole, Outcome, PhaseReport, Verdict, VerdictValue,
    },
};

/// The parameters.
pub fn config(plan: &Plan, fleet: &Fleet) -> LegacyConfig {
    let kind = &plan.workload.kind;
    let options = kind.replaced();
    LegacyConfig {
        workflow_type: kind.name().into(),
        activity_count: options.activity_count,
        timer_duration: options.timer_duration.map(duration),
        child_count: options.child_count,
        target_rate: plan.load.rate.per_second(),
        duration: duration(plan.load.duration),
        ramp_up_duration: (!plan.load.ramp_up.is_zero()).then(|| duration(plan.load.ramp_up)),
        worker_count: worker_count(plan, fleet),
        iterations: plan.iterations,
        namespace: Some(plan.namespace.clone()),
    }
}

/// The worker processes of the fleet, and the workers of this process.
fn worker_count(plan: &Plan, fleet: &Fleet) -> u32 {
    let apart = fleet
        .members
        .iter()
        .filter(|member| member.role == MemberRole::Worker && member.is_apart())
        .count();
    plan.workers
        .count
        .saturating_add(u32::try_from(apart).unwrap_or(u32::MAX))
}

/// The headline figures: counts of all phases, rate and latency of the measured one.
pub fn results(ledger: &Ledger, measure: &PhaseReport) -> LegacyResults {
    let latency = &measure.latencies.e2e_response.completed;
    let told = |count: u64| (ledger.ends_unknown == 0).then_some(count);
    LegacyResults {
        workflows_started: ledger.accepted,
        workflows_completed: told(ledger.completed),
        workflows_failed: told(ledger.ended() - ledger.completed),
        actual_rate: measure.completion_rate,
        latency: LegacyLatency {
            p50: latency.p50,
            p95: latency.p95,
            p99: latency.p99,
            max: latency.max,
        },
    }
}

/// The system under test. Replicas of the services are not seen from outside.
pub fn system(environment: &Environment) -> LegacySystem {
    LegacySystem {
        instance_type: environment.host.instance_type.value.clone(),
        history_shards: environment.server.history_shards.value,
        services: LegacyServices::default(),
    }
}

/// The limits.
pub fn thresholds(thresholds: &Thresholds) -> LegacyThresholds {
    LegacyThresholds {
        max_p99_latency_ms: thresholds.max_p99_latency.as_secs_f64() * 1000.0,
        min_throughput: thresholds.min_throughput,
    }
}

/// `passed` and `failureReasons`: a run passes when its exit code is 0, and the reasons are empty exactly then.
pub fn passed(verdict: &Verdict, outcome: &Outcome, interrupted_by: Option<&str>) -> (bool, Vec<String>) {
    if outcome.exit_code == 0 {
        return (true, Vec::new());
    }
    let mut reasons = Vec::new();
    if let Some(cause) = interrupted_by {
        reasons.push(format!("interrupted by {cause}"));
    }
    if verdict.value == VerdictValue::Invalid {
        reasons.push(format!("INVALID: {}", verdict.headline));
        let invalid = verdict
            .checks
            .iter()
            .filter(|check| check.status == CheckStatus::Invalid);
        reasons.extend(invalid.map(|check| format!("{}: {} (limit {})", check.name, check.value, check.limit)));
    } else {
        let missed = outcome.thresholds.iter().filter(|threshold| !threshold.met);
        reasons.extend(missed.map(|threshold| {
            format!(
                "{}: {}, required {}",
                threshold.name, threshold.measured, threshold.required
            )
        }));
    }
    if reasons.is_empty() {
        reasons.push(format!("exit code {}", outcome.exit_code));
    }
    (false, reasons)
}

/// A duration as the replaced runner wrote it: `5m0s`, `1.5s`, `100ms`.
fn duration(value: Duration) -> String {
    let (seconds, nanos) = (value.as_secs(), value.subsec_nanos());
    if seconds == 0 && nanos != 0 {
        let (divisor, unit) = match nanos {
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "µs"),
            _ => (1, "ns"),
        };
        return format!("{}{unit}", f64::from(nanos) / f64::from(divisor));
    }
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let fraction = format!("{nanos:09}");
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        digits => format!(".{digits}"),
    };
    let rest = format!("{}{fraction}s", seconds % 60);
    match (hours, minutes) {
        (0, 0) => rest,
        (0, _) => format!("{minutes}m{rest}"),
        _ => format!("{hours}h{minutes}m{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{schema::ThresholdOutcome, testing};

    #[test]
    fn durations_are_written_as_before() {
        for (value, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_secs(30), "30s"),
            (Duration::from_secs(300), "5m0s"),
            (Duration::from_secs(3_661), "1h1m1s"),
            (Duration::from_millis(1_500), "1.5s"),
            (Duration::from_millis(100), "100ms"),
            (Duration::from_micros(1_500), "1.5ms"),
        ] {
            assert_eq!(duration(value), text);
        }
    }

    #[test]
    fn options_of_other_workloads_are_left_out() {
        let json = serde_json::to_value(config(&testing::plan(), &Fleet::alone())).unwrap();
        assert_eq!(json["workflowType"], "simple");
        assert_eq!(json["targetRate"], 400.0);
        assert_eq!(json["duration"], "5m0s");
        for absent in ["activityCount", "timerDuration", "childCount"] {
            assert!(json.get(absent).is_none(), "{absent}");
        }
    }

    #[test]
    fn the_workers_are_those_of_the_fleet_and_of_this_process() {
        let mut plan = testing::plan();
        let fleet = testing::fleet::fleet();
        assert_eq!(config(&plan, &Fleet::alone()).worker_count, 2);
        assert_eq!(config(&plan, &fleet).worker_count, 5);
        plan.workers.count = 0;
        assert_eq!(config(&plan, &fleet).worker_count, 3);
    }

    #[test]
    fn what_is_not_known_is_null() {
        let system = serde_json::to_value(system(&testing::environment())).unwrap();
        assert!(system["instanceType"].is_null());
        assert!(system["services"]["history"].is_null());
    }

    #[test]
    fn reasons_stand_exactly_where_a_run_did_not_pass() {
        let mut verdict = testing::verdict(VerdictValue::Valid);
        let mut outcome = Outcome {
            thresholds: vec![ThresholdOutcome {
                name: "min-throughput".into(),
                met: false,
                measured: "282.0/s completed".into(),
                required: "at least 380.0/s".into(),
            }],
            exit_code: 1,
        };
        let (is_passed, reasons) = passed(&verdict, &outcome, None);
        assert!(!is_passed);
        assert_eq!(
            reasons,
            ["min-throughput: 282.0/s completed, required at least 380.0/s"]
        );

        outcome.exit_code = 0;
        assert_eq!(passed(&verdict, &outcome, None), (true, vec![]));

        verdict = testing::verdict(VerdictValue::Invalid);
        outcome.exit_code = 130;
        let (is_passed, reasons) = passed(&verdict, &outcome, Some("SIGINT"));
        assert!(!is_passed);
        assert_eq!(reasons[0], "interrupted by SIGINT");
        assert!(reasons[1].starts_with("INVALID: "), "{reasons:?}");
    }
}
