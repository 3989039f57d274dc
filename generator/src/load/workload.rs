//! Workload of each start: what it executes, as the worker will read it.

use benchmark_scenarios::{Workload, draw};

/// Draws which workflows fail apart from those that other things are drawn from the same seed for.
const FAILURES: u64 = 0x6661_696c;

/// The inputs of a workload, encoded as far as they are the same for all.
#[derive(Clone, Debug)]
pub struct WorkloadInput {
    succeeds: Vec<u8>,
    fails: Vec<u8>,
    seed: u64,
    failure_ratio: f64,
    /// Whether each workflow draws from a seed of its own.
    seeded: bool,
}

impl WorkloadInput {
    /// The inputs of a workload; `seed` is the run's.
    pub fn new(workload: &Workload, seed: u64) -> Self {
        WorkloadInput {
            succeeds: workload.input(false),
            fails: workload.input(true),
            seed,
            failure_ratio: workload.failure_ratio,
            seeded: workload.kind.definition().seeded,
        }
    }

    /// Writes the input of arrival `n` into a buffer, over what it held.
    pub fn write(&self, n: u64, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(if self.is_failing(n) {
            &self.fails
        } else {
            &self.succeeds
        });
        if self.seeded {
            use std::io::Write as _;
            // The object is never empty, so a member may follow; writing into memory does not fail.
            buffer.pop();
            let _ = write!(buffer, ",\"seed\":{}}}", draw::derive(self.seed, n));
        }
    }

    /// Whether arrival `n` is told to fail.
    pub fn is_failing(&self, n: u64) -> bool {
        let chance = draw::derive(self.seed ^ FAILURES, n) as f64 / u64::MAX as f64;
        chance < self.failure_ratio || self.failure_ratio >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use benchmark_scenarios::{
        ActivityDuration, LognormalSleep, NormalSleep, SleepRange, WorkloadKind,
        draw::Sleep,
        workloads::{MultiActivity, MultiActivityInput, Simple, SimpleInput},
    };

    use super::*;

    fn workload(kind: impl Into<WorkloadKind>, failure_ratio: f64) -> Workload {
        Workload {
            kind: kind.into(),
            payload_size: 3,
            failure_ratio,
            result_size: 0,
            activity_cpu: Duration::ZERO,
        }
    }

    #[test]
    fn each_workflow_draws_from_a_seed_of_its_own() {
        let range = SleepRange {
            min: Duration::from_millis(100),
            max: Duration::from_millis(600),
        };
        let kind = MultiActivity {
            activity_count: 10,
            parallel_activities: 4,
            activity_duration: range.into(),
        };
        let input = WorkloadInput::new(&workload(kind, 0.0), 7);
        let read = |n| {
            let mut buffer = b"rest".to_vec();
            input.write(n, &mut buffer);
            serde_json::from_slice::<MultiActivityInput>(&buffer).unwrap()
        };
        assert_eq!(
            (read(1).activity_count, read(1).payload.as_str(), read(1).fail),
            (10, "xxx", false)
        );
        assert_eq!(read(1).seed, read(1).seed);
        assert_ne!(read(1).seed, read(2).seed);
    }

    #[test]
    fn workers_are_told_the_distribution_the_cpu_and_the_size_of_results() {
        let written = |activity_duration, result_size| {
            let kind = MultiActivity {
                activity_count: 2,
                parallel_activities: 1,
                activity_duration,
            };
            let workload = Workload {
                result_size,
                activity_cpu: Duration::from_micros(1_500),
                ..workload(kind, 0.0)
            };
            let mut buffer = Vec::new();
            WorkloadInput::new(&workload, 7).write(0, &mut buffer);
            serde_json::from_slice::<MultiActivityInput>(&buffer).unwrap()
        };
        let input = written(
            ActivityDuration::Normal(NormalSleep {
                mean: Duration::from_micros(200_500),
                deviation: Duration::from_millis(50),
            }),
            1_000,
        );
        let expected = Sleep::Normal {
            mean_ms: 200.5,
            deviation_ms: 50.0,
        };
        assert_eq!(input.sleep, Some(expected));
        assert_eq!((input.result_size, input.activity_cpu_us), (1_000, 1_500));
        // A worker of an older version knows no distribution and sleeps the middle of it.
        assert_eq!((input.sleep_min_ms, input.sleep_max_ms), (200, 200));
        let lognormal = LognormalSleep {
            median: Duration::from_millis(80),
            sigma: 0.5,
        };
        let input = written(ActivityDuration::Lognormal(lognormal), 0);
        let expected = Sleep::Lognormal {
            median_ms: 80.0,
            sigma: 0.5,
        };
        assert_eq!(input.sleep, Some(expected));
    }

    #[test]
    fn the_share_of_failures_is_the_one_asked_for() {
        let input = WorkloadInput::new(&workload(Simple {}, 0.1), 7);
        let failing: Vec<u64> = (0..100_000).filter(|n| input.is_failing(*n)).collect();
        assert!((9_700..10_300).contains(&failing.len()), "{}", failing.len());
        let mut buffer = Vec::new();
        input.write(failing[0], &mut buffer);
        assert!(serde_json::from_slice::<SimpleInput>(&buffer).unwrap().fail);
        assert!(!(0..1000).any(|n| WorkloadInput::new(&workload(Simple {}, 0.0), 7).is_failing(n)));
        assert!((0..1000).all(|n| WorkloadInput::new(&workload(Simple {}, 1.0), 7).is_failing(n)));
    }

    /// Workers of other versions read these, and the hash of a plan follows from its JSON: neither may change.
    #[test]
    fn plans_and_inputs_are_written_byte_for_byte_as_they_were() {
        let multi = r#""multi-activity","activityCount":5,"parallelActivities":2,"activityDuration":"#;
        let activities = r#"{"activityCount":5,"parallelActivities":2,"#;
        let burning = r#""activityCpuUs":1500"#;
        let seed = r#""seed":11146164815057002045}"#;
        for (options, begin, end) in [
            (r#""simple""#.to_owned(), "{".to_owned(), "}".to_owned()),
            (
                format!(r#"{multi}{{"min":"100ms","max":"600ms"}}"#),
                format!(r#"{activities}"sleepMinMs":100,"sleepMaxMs":600,"#),
                format!(",{burning},{seed}"),
            ),
            (
                format!(r#"{multi}{{"mean":"200ms 500us","deviation":"50ms"}}"#),
                format!(
                    r#"{activities}"sleepMinMs":200,"sleepMaxMs":200,"sleep":{{"kind":"normal","meanMs":200.5,"deviationMs":50.0}},"#
                ),
                format!(",{burning},{seed}"),
            ),
            (
                format!(r#"{multi}{{"median":"80ms","sigma":0.5}}"#),
                format!(
                    r#"{activities}"sleepMinMs":80,"sleepMaxMs":80,"sleep":{{"kind":"lognormal","medianMs":80.0,"sigma":0.5}},"#
                ),
                format!(",{burning},{seed}"),
            ),
            (
                r#""timer","timerDuration":"1s 500ms""#.to_owned(),
                r#"{"durationMs":1500,"#.to_owned(),
                "}".to_owned(),
            ),
            (
                r#""child-workflow","childCount":4"#.to_owned(),
                r#"{"childCount":4,"#.to_owned(),
                "}".to_owned(),
            ),
            (
                r#""state-transitions""#.to_owned(),
                r#"{"activityCount":10,"#.to_owned(),
                format!(",{burning}}}"),
            ),
            (
                r#""local-activity","localActivityCount":4"#.to_owned(),
                r#"{"activityCount":4,"#.to_owned(),
                "}".to_owned(),
            ),
        ] {
            for (ratio, fail) in [("0.0", false), ("1.0", true)] {
                let plan = format!(
                    r#"{{"workflowType":{options},"payloadSize":3,"failureRatio":{ratio},"resultSize":7,"activityCpu":"1ms 500us"}}"#
                );
                let workload: Workload = serde_json::from_str(&plan).unwrap();
                assert_eq!(serde_json::to_string(&workload).unwrap(), plan);
                let mut buffer = Vec::new();
                WorkloadInput::new(&workload, 7).write(3, &mut buffer);
                let input = format!(r#"{begin}"fail":{fail},"payload":"xxx","resultSize":7{end}"#);
                assert_eq!(String::from_utf8(buffer).unwrap(), input, "{plan}");
            }
        }
    }
}
