//! The options of workloads that came after the replaced runner's.

use super::*;
use crate::{LognormalSleep, NormalSleep};

const MULTI: (Key, &str) = (Key::WorkflowType, "multi-activity");

#[test]
fn activities_sleep_as_a_distribution_has_it() {
    let sleep = |text| match resolved(&[MULTI, (Key::ActivityDuration, text)]).plan.workload.kind {
        WorkloadKind::MultiActivity(options) => options.activity_duration,
        other => panic!("{other:?}"),
    };
    let millis = Duration::from_millis;
    let normal = NormalSleep {
        mean: millis(200),
        deviation: millis(50),
    };
    assert_eq!(sleep("normal:200ms,50ms"), ActivityDuration::Normal(normal));
    let lognormal = LognormalSleep {
        median: millis(200),
        sigma: 0.5,
    };
    assert_eq!(sleep("lognormal:200ms,0.5"), ActivityDuration::Lognormal(lognormal));
    let fixed = SleepRange {
        min: millis(200),
        max: millis(200),
    };
    assert_eq!(sleep("200ms"), ActivityDuration::Uniform(fixed));
}

#[test]
fn only_activities_burn_cpu() {
    for kind in ["multi-activity", "state-transitions"] {
        let options = [(Key::WorkflowType, kind), (Key::ActivityCpu, "1500us")];
        assert_eq!(
            resolved(&options).plan.workload.activity_cpu,
            Duration::from_micros(1500)
        );
    }
    let report = problem(&[(Key::ActivityCpu, "1ms")]);
    assert!(
        report.contains("--activity-cpu 1ms does not apply: simple has no such option, multi-activity has"),
        "{report}"
    );
    assert!(problem(&[MULTI, (Key::ActivityCpu, "21s")]).contains("--activity-cpu 21s is not allowed"));
    // Two workloads have the option, one note is enough.
    let mut timer = asked(&[(Key::WorkflowType, "timer")]);
    timer.add(Key::ActivityCpu, Given::by_environment("BENCHMARK_ACTIVITY_CPU", "1ms"));
    assert_eq!(resolve(&timer, &facts(2)).unwrap().notes.len(), 1);
}

#[test]
fn results_that_no_history_holds_are_said() {
    let heavy = [MULTI, (Key::ActivityCount, "60"), (Key::ResultSize, "1MiB")];
    let resolved_heavy = resolved(&heavy);
    assert_eq!(resolved_heavy.plan.workload.result_size, 1 << 20);
    assert!(
        resolved_heavy
            .notes
            .iter()
            .any(|note| note.contains("a history of more than 50MiB")),
        "{:?}",
        resolved_heavy.notes
    );
    assert!(resolved(&[MULTI, (Key::ResultSize, "64KiB")]).notes.is_empty());
    assert!(problem(&[(Key::ResultSize, "2MiB")]).contains("give a size from 0 to 1MiB"));
}
