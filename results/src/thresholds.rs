//! Thresholds that the run must reach to pass, and the exit code that follows.

use benchmark_scenarios::Thresholds;

use crate::{
    format::{count, exact_rate, ms, percent, plural},
    histogram::Histogram,
    schema::{Outcome, PhaseReport, ThresholdOutcome, VerdictValue},
};

/// Exit code of a run that passed.
pub const EXIT_PASSED: u8 = 0;
/// Exit code of a run that missed a threshold.
pub const EXIT_THRESHOLD: u8 = 1;
/// Exit code of a run that is no measurement.
pub const EXIT_INVALID: u8 = 3;

/// The signals that end a run early and leave results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the way a supervisor ends a process.
    Terminate,
    /// SIGHUP: the terminal or the connection that the process was started from is gone.
    HangUp,
    /// SIGQUIT: Ctrl-\, for whoever does not want to wait.
    Quit,
}

impl Signal {
    /// The signal's name, as it stands in a results file.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => "SIGHUP",
            Signal::Quit => "SIGQUIT",
        }
    }

    /// 128 + the signal's number, as shells report it.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
            Signal::HangUp => 129,
            Signal::Quit => 131,
        }
    }
}

/// Judges the measured phase by each threshold, in the order of the flags. What was not measured is not met.
pub fn evaluate(thresholds: &Thresholds, measure: &PhaseReport) -> Vec<ThresholdOutcome> {
    vec![
        p99_latency(thresholds, measure),
        throughput(thresholds, measure),
        error_ratio(thresholds, measure),
    ]
}

/// The exit code: a signal wins, since whoever sent it knows; then INVALID, since an invalid run has met nothing; then the
/// thresholds.
pub fn exit_code(verdict: VerdictValue, thresholds: &[ThresholdOutcome], signal: Option<Signal>) -> u8 {
    match (signal, verdict) {
        (Some(signal), _) => signal.exit_code(),
        (None, VerdictValue::Invalid) => EXIT_INVALID,
        (None, _) if thresholds.iter().any(|threshold| !threshold.met) => EXIT_THRESHOLD,
        (None, _) => EXIT_PASSED,
    }
}

/// Thresholds and exit code together.
pub fn outcome(
    verdict: VerdictValue,
    thresholds: &Thresholds,
    measure: &PhaseReport,
    signal: Option<Signal>,
) -> Outcome {
    let thresholds = evaluate(thresholds, measure);
    let exit_code = exit_code(verdict, &thresholds, signal);
    Outcome { thresholds, exit_code }
}

/// p99 of `e2e_response` of all accepted workflows. A latency that lies in one bucket of the histogram with the limit does not
/// miss it: nobody can tell that it was longer. With too few samples for p99 the largest latency still proves that p99 is met.
fn p99_latency(thresholds: &Thresholds, measure: &PhaseReport) -> ThresholdOutcome {
    let limit = thresholds.max_p99_latency.as_secs_f64() * 1000.0;
    let ledger = &measure.ledger;
    let latency = &measure.latencies.e2e_response.completed.of_accepted(ledger);
    let is_within = |ms: f64| Histogram::shortest_like_ms(ms) <= limit;
    let (met, measured) = match (latency.p99, latency.max) {
        _ if ledger.share_of_completed(100).is_none() => (
            false,
            format!(
                "p99 beyond: {} of {} accepted did not complete",
                count(ledger.not_completed()),
                count(ledger.accepted)
            ),
        ),
        (Some(p99), _) => (is_within(p99), format!("p99 {}", ms(p99))),
        (None, Some(max)) if is_within(max) => (true, latency.at_worst()),
        (None, Some(max)) => (
            false,
            format!("{} samples are too few for p99, max {}", count(latency.count), ms(max)),
        ),
        (None, None) => (false, "not measured".into()),
    };
    ThresholdOutcome {
        name: "max-p99-latency".into(),
        met,
        measured,
        required: format!("at most {}", ms(limit)),
    }
}

/// Completions a second. Arrivals are whole: that one of them falls on this or the other side of the measured phase's ends
/// is no miss, or a rate of 0.1/s could not be met in 16 s, which have one arrival or two.
fn throughput(thresholds: &Thresholds, measure: &PhaseReport) -> ThresholdOutcome {
    let limit = thresholds.min_throughput;
    let one = if measure.seconds > 0.0 {
        1.0 / measure.seconds
    } else {
        0.0
    };
    ThresholdOutcome {
        name: "min-throughput".into(),
        met: measure
            .completion_rate
            .is_some_and(|completed| completed + one >= limit),
        measured: measure
            .completion_rate
            .map_or_else(|| "not measured".into(), exact_rate),
        required: format!("at least {}", exact_rate(limit)),
    }
}

fn error_ratio(thresholds: &Thresholds, measure: &PhaseReport) -> ThresholdOutcome {
    let limit = thresholds.max_error_ratio;
    let ledger = &measure.ledger;
    let ratio = ledger.error_ratio();
    ThresholdOutcome {
        name: "max-error-ratio".into(),
        met: ratio.is_some_and(|ratio| ratio <= limit),
        measured: ratio.map_or_else(
            || "not measured".into(),
            |ratio| {
                let errors = ledger.arrivals.saturating_sub(ledger.completed);
                format!("{} ({})", percent(ratio), plural(errors, "arrival"))
            },
        ),
        required: format!("at most {}", percent(limit)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing;

    fn thresholds() -> Thresholds {
        Thresholds {
            max_p99_latency: Duration::from_millis(100),
            min_throughput: 380.0,
            max_error_ratio: 0.001,
        }
    }

    fn measured(samples: u64, latency_ms: u64) -> PhaseReport {
        let mut histogram = Histogram::new();
        (0..samples).for_each(|_| histogram.record(Duration::from_millis(latency_ms)));
        let mut measure = testing::measure();
        measure.latencies.e2e_response.completed = histogram.to_latency();
        measure
    }

    fn p99(measure: &PhaseReport) -> ThresholdOutcome {
        evaluate(&thresholds(), measure).remove(0)
    }

    #[test]
    fn p99_is_judged_when_it_can_be_told() {
        assert!(p99(&measured(500, 90)).met);
        let missed = p99(&measured(500, 200));
        assert!(!missed.met && missed.measured == "p99 200ms", "{missed:?}");
    }

    #[test]
    fn a_latency_that_is_the_limit_meets_it() {
        for samples in [84, 500] {
            let measure = measured(samples, 100);
            let told = measure.latencies.e2e_response.completed.max.unwrap();
            assert!(told > 100.0, "told by the upper edge of its bucket: {told}");
            assert!(p99(&measure).met);
            assert!(!p99(&measured(samples, 101)).met);
        }
    }

    #[test]
    fn p99_among_what_did_not_complete_is_not_met() {
        let lost = |share: u64| {
            let mut measure = measured(96_000, 90);
            measure.ledger.completed -= share;
            measure.ledger.failed += share;
            p99(&measure)
        };
        assert!(lost(950).met);
        let missed = lost(1_000);
        assert!(!missed.met, "{missed:?}");
        assert_eq!(missed.measured, "p99 beyond: 1,002 of 96,000 accepted did not complete");
        // Of few, too: the largest latency of what completed proves nothing then.
        let mut few = measured(84, 52);
        few.ledger = crate::ledger::Ledger {
            accepted: 85,
            completed: 84,
            failed: 1,
            ..few.ledger
        };
        assert!(!p99(&few).met);
    }

    #[test]
    fn few_samples_prove_a_limit_only_by_their_maximum() {
        let met = p99(&measured(84, 52));
        assert!(met.met);
        assert_eq!(met.measured, "max 52ms of 84 samples");
        let missed = p99(&measured(84, 200));
        assert!(!missed.met);
        assert_eq!(missed.measured, "84 samples are too few for p99, max 200ms");
    }

    #[test]
    fn what_was_not_measured_is_not_met() {
        for outcome in evaluate(&thresholds(), &PhaseReport::empty()) {
            assert!(!outcome.met, "{outcome:?}");
            assert_eq!(outcome.measured, "not measured");
        }
    }

    #[test]
    fn limits_themselves_pass() {
        let mut measure = measured(500, 1);
        measure.seconds = 240.0;
        measure.completion_rate = Some(380.0);
        measure.ledger.arrivals = 1000;
        measure.ledger.accepted = 1000;
        measure.ledger.completed = 999;
        assert!(evaluate(&thresholds(), &measure).iter().all(|outcome| outcome.met));
        measure.completion_rate = Some(379.9);
        measure.ledger.completed = 998;
        let met: Vec<bool> = evaluate(&thresholds(), &measure)
            .iter()
            .map(|outcome| outcome.met)
            .collect();
        assert_eq!(met, [true, false, false]);
    }

    #[test]
    fn throughput_is_not_missed_by_a_part_of_one_arrival() {
        let thresholds = Thresholds {
            min_throughput: 0.095,
            ..thresholds()
        };
        // 0.1/s for 16 s: 1.6 arrivals, of which one is due in the phase and completes.
        for (completed, seconds, met) in [
            (1.0, 16.0, true),
            (0.0, 16.0, false),
            (8.0, 100.0, false),
            (9.0, 100.0, true),
        ] {
            let measure = PhaseReport {
                seconds,
                completion_rate: Some(completed / seconds),
                ..measured(1, 1)
            };
            let outcome = &evaluate(&thresholds, &measure)[1];
            assert_eq!(outcome.met, met, "{completed} in {seconds} s: {outcome:?}");
        }
        let empty = PhaseReport {
            seconds: 0.0,
            completion_rate: Some(0.0),
            ..measured(1, 1)
        };
        assert!(!evaluate(&thresholds, &empty)[1].met);
    }

    #[test]
    fn the_strongest_reason_decides_the_exit_code() {
        let threshold = |met| {
            vec![ThresholdOutcome {
                name: "max-error-ratio".into(),
                met,
                measured: String::new(),
                required: String::new(),
            }]
        };
        for (verdict, met, signal, code) in [
            (VerdictValue::Valid, true, None, 0),
            (VerdictValue::Overloaded, true, None, 0),
            (VerdictValue::Valid, false, None, 1),
            (VerdictValue::Overloaded, false, None, 1),
            (VerdictValue::Invalid, true, None, 3),
            (VerdictValue::Invalid, false, None, 3),
            (VerdictValue::Invalid, false, Some(Signal::Interrupt), 130),
            (VerdictValue::Valid, true, Some(Signal::Terminate), 143),
            (VerdictValue::Valid, true, Some(Signal::HangUp), 129),
            (VerdictValue::Valid, true, Some(Signal::Quit), 131),
        ] {
            assert_eq!(exit_code(verdict, &threshold(met), signal), code);
        }
    }
}
