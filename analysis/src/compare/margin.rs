//! Equivalence margins, the changes that make no difference: a share, a length of time, or the larger of the two; for
//! all metrics or for one.

use std::{collections::BTreeMap, time::Duration};

use benchmark_scenarios::units;
use serde::{Serialize, Serializer};

use super::metric::{ChangeScale, ERROR_MARGIN, Metric, UnknownMetric};
use crate::stats::Interval;

/// Largest share that may be asked for: beyond a half, *equivalent* would say nothing.
pub const LARGEST_SHARE: f64 = 0.5;

/// A change that makes no difference. Where it has both parts, the larger counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Margin {
    /// Share of the baseline, 0.03 for 3 %; of the error ratio, the difference itself.
    pub share: f64,
    /// The same as a length of time, for what is one; milliseconds in JSON.
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub time: Duration,
}

/// 3 % or 1 ms: below a millisecond, workflows on a shared machine differ by what has nothing to do with the server.
pub const DEFAULT_MARGIN: Margin = Margin {
    share: 0.03,
    time: Duration::from_millis(1),
};

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1_000.0)
}

impl Margin {
    /// On the scale of a metric, around no change of a baseline.
    pub(super) fn on(&self, metric: Metric, baseline: f64) -> Interval {
        let share = self.share;
        if metric.scale() == ChangeScale::Difference {
            return Interval::new(-share, share);
        }
        let of_time = if metric.is_latency() && baseline > 0.0 && baseline.is_finite() {
            self.time.as_secs_f64() * 1_000.0 / baseline
        } else {
            0.0
        };
        let larger = share.max(of_time);
        Interval::new(
            // Nothing is faster by more than all of it.
            (-larger).max(-1.0).ln_1p(),
            larger.ln_1p(),
        )
    }
}

/// The margin of each metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Margins {
    all: Margin,
    single: BTreeMap<Metric, Margin>,
}

impl Default for Margins {
    fn default() -> Self {
        let errors = Margin {
            share: ERROR_MARGIN,
            time: Duration::ZERO,
        };
        Margins {
            all: DEFAULT_MARGIN,
            single: BTreeMap::from([(Metric::ErrorRatio, errors)]),
        }
    }
}

impl Margins {
    /// What is typed is what is used: `3%`, `1ms`, `3%,1ms`, and `METRIC=` before one of them for that metric alone. The default
    /// stands where nothing is typed.
    ///
    /// # Errors
    /// Of the first text that is no margin.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Margins, MarginError> {
        let mut margins = Margins::default();
        for text in texts {
            match text.split_once('=') {
                Some((name, parts)) => {
                    let metric: Metric = name.parse()?;
                    let margin = one(text, parts)?;
                    if margin.time > Duration::ZERO && !metric.is_latency() {
                        return Err(MarginError::NoTime {
                            given: text.to_owned(),
                            metric,
                        });
                    }
                    margins.single.insert(metric, margin);
                }
                None => margins.all = one(text, text)?,
            }
        }
        Ok(margins)
    }

    /// That of a metric.
    pub fn of(&self, metric: Metric) -> Margin {
        self.single.get(&metric).copied().unwrap_or(self.all)
    }
}

fn one(text: &str, parts: &str) -> Result<Margin, MarginError> {
    let wrong = || MarginError::NoMargin {
        given: text.chars().take(60).collect(),
    };
    let mut margin = Margin {
        share: 0.0,
        time: Duration::ZERO,
    };
    for part in parts.split(',') {
        let part = part.trim();
        if let Some(share) = units::parse_ratio(part).filter(|_| margin.share == 0.0) {
            margin.share = Some(share)
                .filter(|share| *share > 0.0 && *share <= LARGEST_SHARE)
                .ok_or_else(wrong)?;
        } else {
            let time = units::parse(part).ok().filter(|time| !time.is_zero());
            margin.time = time.filter(|_| margin.time.is_zero()).ok_or_else(wrong)?;
        }
    }
    Ok(margin)
}

/// A text that is no margin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarginError {
    /// It is neither a share nor a time.
    #[error(
        "--margin {given} is not allowed: give a share above 0 and up to 50 %, a time, or both, as 3%, 1ms or 3%,1ms; for one metric METRIC=3%"
    )]
    NoMargin {
        /// As given.
        given: String,
    },
    /// The metric is no length of time.
    #[error("--margin {given} is not allowed: {metric} is no length of time, so give a share, as {metric}=3%")]
    NoTime {
        /// As given.
        given: String,
        /// The metric.
        metric: Metric,
    },
    /// No such metric.
    #[error("--margin: {0}")]
    Metric(#[from] UnknownMetric),
}

#[cfg(test)]
mod tests {
    use super::*;

    const P99: &str = "e2e-response-p99";

    fn read(texts: &[&str]) -> Result<Margins, MarginError> {
        Margins::read(texts.iter().copied())
    }

    #[test]
    fn what_is_typed_is_what_is_used() {
        let metric: Metric = P99.parse().unwrap();
        let of = |texts: &[&str]| {
            let margin = read(texts).unwrap().of(metric);
            (margin.share, margin.time.as_micros())
        };
        assert_eq!(of(&[]), (0.03, 1_000));
        assert_eq!(of(&["5%"]), (0.05, 0));
        assert_eq!(of(&["0.05"]), (0.05, 0));
        assert_eq!(of(&["2ms"]), (0.0, 2_000));
        assert_eq!(of(&["5%, 2ms"]), (0.05, 2_000));
        assert_eq!(of(&["500us,50%"]), (0.5, 500));
        assert_eq!(of(&["e2e-response-p99=10%,5ms", "1%"]), (0.1, 5_000));
        assert_eq!(of(&["start-response-p99=10%"]), (0.03, 1_000));
        let errors = read(&["5%"]).unwrap().of(Metric::ErrorRatio);
        assert_eq!(
            errors.share, ERROR_MARGIN,
            "a share of all says nothing of the share of errors"
        );
    }

    #[test]
    fn what_is_no_margin_is_named() {
        for text in [
            "",
            "0",
            "0%",
            "51%",
            "0.6",
            "-3%",
            "3",
            "x",
            "3%,",
            "3%,3%",
            "1ms,1ms",
            "1ms,0ms",
            "NaN",
            "inf",
            "3%;1ms",
            "e2e-response-p99=",
            "e2e-response-p99=60%",
        ] {
            let error = read(&[text]).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("--margin {text} is not allowed: ")),
                "{error}"
            );
        }
        let error = read(&["throughput=1ms"]).unwrap_err().to_string();
        assert!(error.contains("throughput is no length of time"), "{error}");
        let error = read(&["p99=3%"]).unwrap_err().to_string();
        assert!(error.contains("\"p99\" is no metric"), "{error}");
    }

    #[test]
    fn the_larger_part_counts() {
        let metric: Metric = P99.parse().unwrap();
        let high = |baseline: f64| DEFAULT_MARGIN.on(metric, baseline).high.exp_m1();
        assert!((high(100.0) - 0.03).abs() < 1e-12);
        assert!((high(10.0) - 0.1).abs() < 1e-12, "a millisecond of ten");
        assert!((high(f64::INFINITY) - 0.03).abs() < 1e-12);
        let wide = DEFAULT_MARGIN.on(metric, 0.5);
        assert_eq!(wide.low.exp_m1(), -1.0, "all of half a millisecond is less than one");
        assert!((wide.high.exp_m1() - 2.0).abs() < 1e-12);
        let of = |metric: Metric| DEFAULT_MARGIN.on(metric, 10.0).high.exp_m1();
        assert!((of(Metric::Throughput) - 0.03).abs() < 1e-12);
    }
}
