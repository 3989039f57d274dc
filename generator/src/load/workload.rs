//! What each start executes, as the worker will read it.

use std::time::Duration;

use benchmark_scenarios::{ActivityDuration, LognormalSleep, NormalSleep, SleepRange, Workload, WorkloadKind};
use benchmark_workflows::{
    ChildWorkflowInput, MultiActivityInput, SimpleInput, Sleep, StateTransitionsInput, TimerInput, draw, names,
};
use serde::Serialize;

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

/// The name under which a workload is registered.
pub fn registered_name(kind: &WorkloadKind) -> &'static str {
    match kind {
        WorkloadKind::Simple => names::SIMPLE,
        WorkloadKind::MultiActivity { .. } => names::MULTI_ACTIVITY,
        WorkloadKind::Timer { .. } => names::TIMER,
        WorkloadKind::ChildWorkflow { .. } => names::CHILD_WORKFLOW,
        WorkloadKind::StateTransitions => names::STATE_TRANSITIONS,
    }
}

impl WorkloadInput {
    /// The inputs of a workload; `seed` is the run's.
    pub fn new(workload: &Workload, seed: u64) -> Self {
        WorkloadInput {
            succeeds: encode(workload, false),
            fails: encode(workload, true),
            seed,
            failure_ratio: workload.failure_ratio,
            seeded: matches!(workload.kind, WorkloadKind::MultiActivity { .. }),
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

fn encode(workload: &Workload, fail: bool) -> Vec<u8> {
    let payload = "x".repeat(workload.payload_size as usize);
    let result_size = workload.result_size;
    let activity_cpu_us = u64::try_from(workload.activity_cpu.as_micros()).unwrap_or(u64::MAX);
    match &workload.kind {
        WorkloadKind::Simple => json(&SimpleInput {
            fail,
            payload,
            result_size,
        }),
        WorkloadKind::MultiActivity {
            activity_count,
            parallel_activities,
            activity_duration,
        } => {
            let (range, sleep) = sleeps(activity_duration);
            json(&MultiActivityInput {
                activity_count: *activity_count,
                parallel_activities: *parallel_activities,
                sleep_min_ms: millis(range.min),
                sleep_max_ms: millis(range.max),
                sleep,
                seed: None,
                fail,
                payload,
                result_size,
                activity_cpu_us,
            })
        }
        WorkloadKind::Timer { timer_duration } => json(&TimerInput {
            duration_ms: millis(*timer_duration),
            fail,
            payload,
            result_size,
        }),
        WorkloadKind::ChildWorkflow { child_count } => json(&ChildWorkflowInput {
            child_count: *child_count,
            fail,
            payload,
            result_size,
        }),
        WorkloadKind::StateTransitions => json(&StateTransitionsInput {
            fail,
            payload,
            result_size,
            activity_cpu_us,
            ..StateTransitionsInput::default()
        }),
    }
}

/// The range that sleeps are drawn from, and the distribution instead of it.
fn sleeps(duration: &ActivityDuration) -> (SleepRange, Option<Sleep>) {
    let always = |span| SleepRange { min: span, max: span };
    match *duration {
        ActivityDuration::Uniform(range) => (range, None),
        ActivityDuration::Normal(NormalSleep { mean, deviation }) => (
            always(mean),
            Some(Sleep::Normal {
                mean_ms: fine_millis(mean),
                deviation_ms: fine_millis(deviation),
            }),
        ),
        ActivityDuration::Lognormal(LognormalSleep { median, sigma }) => (
            always(median),
            Some(Sleep::Lognormal {
                median_ms: fine_millis(median),
                sigma,
            }),
        ),
    }
}

fn json<T: Serialize>(input: &T) -> Vec<u8> {
    serde_json::to_vec(input).expect("inputs are numbers, flags and text, which always have a JSON form")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn fine_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(kind: WorkloadKind, failure_ratio: f64) -> Workload {
        Workload {
            kind,
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
        let kind = WorkloadKind::MultiActivity {
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
            let kind = WorkloadKind::MultiActivity {
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
        let input = WorkloadInput::new(&workload(WorkloadKind::Simple, 0.1), 7);
        let failing: Vec<u64> = (0..100_000).filter(|n| input.is_failing(*n)).collect();
        assert!((9_700..10_300).contains(&failing.len()), "{}", failing.len());
        let mut buffer = Vec::new();
        input.write(failing[0], &mut buffer);
        assert!(serde_json::from_slice::<SimpleInput>(&buffer).unwrap().fail);
        assert!(!(0..1000).any(|n| WorkloadInput::new(&workload(WorkloadKind::Simple, 0.0), 7).is_failing(n)));
        assert!((0..1000).all(|n| WorkloadInput::new(&workload(WorkloadKind::Simple, 1.0), 7).is_failing(n)));
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
