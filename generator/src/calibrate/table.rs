//! Table of a calibration: a row for each rate, and a sentence at the end.

use std::fmt::Write as _;

use benchmark_results::{format::NONE, schema::CheckStatus, summary::verdict_word};
use benchmark_scenarios::Rate;

use super::{Calibration, CalibrationStep};
use crate::run::submission::Submission;

/// The two lines above the rows; like these at most 80 columns.
pub(super) const HEAD: &str = concat!(
    "               CPU a        lag of starts start service     in\n",
    " rate reached  start    p50    p99  p99.9    p50    p99 flight memory verdict\n"
);

/// A row for a rate that has been tried; when it did not hold, the checks that failed stand below.
pub(super) fn row(step: &CalibrationStep) -> String {
    let (lag, service) = (&step.lag, &step.start_service);
    let mut text = format!(
        "{:>5} {:>7} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {:>6} {}\n",
        step.rate.to_string(),
        figure(step.achieved, |share| format!("{:.2}%", share * 100.0)),
        figure(step.cpu_per_start_us, |us| if us < 99.95 {
            format!("{us:.1}µs")
        } else {
            format!("{us:.0}µs")
        }),
        figure(lag.p50, ms),
        figure(lag.p99, ms),
        figure(lag.p99_9, ms),
        figure(service.p50, ms),
        figure(service.p99, ms),
        step.generator.peak_in_flight,
        figure(step.memory.peak.value, |bytes| format!(
            "{:.0}MiB",
            bytes as f64 / f64::from(1 << 20)
        )),
        verdict_word(step.verdict.value),
    );
    for check in step
        .verdict
        .checks
        .iter()
        .filter(|check| check.status >= CheckStatus::Overloaded)
    {
        let _ = writeln!(text, "        {}  {}   limit {}", check.name, check.value, check.limit);
    }
    text
}

/// One line about a window that goes on.
pub(super) fn progress(rate: Rate, submission: &Submission) -> String {
    let view = submission.accountant.view();
    let rest = submission
        .schedule
        .end()
        .saturating_sub(submission.timeline.elapsed())
        .div_ceil(1_000_000_000);
    format!(
        "{rate}/s   {rest} s left   {} sent   {} unanswered",
        view.ledger.dispatched, view.in_flight
    )
}

/// The ceiling and where it is kept, or why there is none. Empty when only given rates were measured.
pub(super) fn conclusion(calibration: &Calibration, given: bool) -> String {
    if given {
        return String::new();
    }
    let Some(ceiling) = calibration.ceiling else {
        return "no rate was VALID, not even the lowest: something else is using this machine's cores; free it and try \
                again. Nothing was stored.\n"
            .to_owned();
    };
    let bound = if calibration.at_least { "at least " } else { "" };
    let kept = match &calibration.stored {
        Some(path) => format!("stored in {}", path.display()),
        None => "not stored, since neither XDG_DATA_HOME nor HOME names a folder".to_owned(),
    };
    format!("This host's ceiling is {bound}{ceiling} starts a second; {kept}.\n")
}

fn figure<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), show)
}

/// Milliseconds in three digits: what is compared here spans microseconds to seconds.
fn ms(value: f64) -> String {
    match value {
        v if v < 0.9995 => format!("{:.0}µs", v * 1000.0),
        v if v < 9.995 => format!("{v:.2}ms"),
        v if v < 99.95 => format!("{v:.1}ms"),
        v if v < 9_999.5 => format!("{v:.0}ms"),
        v => format!("{:.0}s", v / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use benchmark_results::{
        Ledger,
        schema::{Check, Fact, GeneratorHealth, Latency, Verdict, VerdictValue},
    };

    use super::{super::Memory, *};

    fn step(rate: &str, value: VerdictValue) -> CalibrationStep {
        let latency = |p50, p99, p99_9| Latency {
            p50,
            p99,
            p99_9,
            ..Latency::empty()
        };
        let resident = || Fact::found(42 << 20, "");
        CalibrationStep {
            rate: rate.parse().unwrap(),
            seconds: 10.0,
            ramp_seconds: 1.0,
            start_rate: None,
            achieved: Some(0.99962),
            cpu_per_start_us: Some(22.14),
            lag: latency(Some(0.135), Some(0.28), Some(12.34)),
            start_service: latency(Some(0.154), Some(1.5), None),
            start_response: Latency::empty(),
            memory: Memory {
                begin: resident(),
                end: resident(),
                peak: resident(),
            },
            generator: GeneratorHealth {
                peak_in_flight: 5_000,
                ..GeneratorHealth::not_observed("")
            },
            threads: 1,
            max_in_flight: 5_000,
            ledger: Ledger::default(),
            served: 0,
            verdict: Verdict {
                value,
                headline: String::new(),
                checks: vec![Check {
                    name: "start-lag".to_owned(),
                    status: if value == VerdictValue::Valid {
                        CheckStatus::Warning
                    } else {
                        CheckStatus::Invalid
                    },
                    value: "p99.9 12ms".to_owned(),
                    limit: "10ms".to_owned(),
                    measured: None,
                    allowed: None,
                    remedy: String::new(),
                }],
            },
        }
    }

    #[test]
    fn rows_stand_below_their_heads() {
        let rows = row(&step("20000", VerdictValue::Valid)) + &row(&step("333.3", VerdictValue::Overloaded));
        let text = HEAD.to_owned() + &rows;
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text.trim_end());
    }

    #[test]
    fn figures_take_the_unit_that_fits() {
        for (value, text) in [
            (0.0, "0µs"),
            (0.085, "85µs"),
            (0.9994, "999µs"),
            (0.9996, "1.00ms"),
            (9.994, "9.99ms"),
            (48.26, "48.3ms"),
            (412.4, "412ms"),
            (12_000.0, "12s"),
        ] {
            assert_eq!(ms(value), text);
        }
    }
}
