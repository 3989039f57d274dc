//! Length of activities as typed: `100ms`, `100ms..600ms`, `normal:200ms,50ms`, `lognormal:200ms,0.5`.

use std::{fmt, time::Duration};

use super::Form;
use crate::{ActivityDuration, LognormalSleep, NormalSleep, SleepRange, units};

/// One in some hundreds of such draws is 3 million times the median: nobody means more.
const MAX_SIGMA: f64 = 5.0;

impl Form<ActivityDuration> {
    /// A distribution of sleeps.
    pub fn activity_duration() -> Self {
        let allowed = format!(
            "a duration, a range such as 100ms..600ms, normal:MEAN,DEVIATION or lognormal:MEDIAN,SIGMA, with durations up to \
             {} and a sigma up to {MAX_SIGMA}",
            units::format(ActivityDuration::LONGEST)
        );
        Form::new(allowed, parse, ActivityDuration::to_string)
    }
}

fn parse(text: &str) -> Option<ActivityDuration> {
    let text = text.trim();
    if let Some(parts) = text.strip_prefix("normal:") {
        let (mean, deviation) = parts.split_once(',')?;
        return Some(ActivityDuration::Normal(NormalSleep {
            mean: span(mean)?,
            deviation: span(deviation)?,
        }));
    }
    if let Some(parts) = text.strip_prefix("lognormal:") {
        let (median, sigma) = parts.split_once(',')?;
        return Some(ActivityDuration::Lognormal(LognormalSleep {
            median: span(median)?,
            sigma: units::parse_number(sigma).filter(|sigma| *sigma <= MAX_SIGMA)?,
        }));
    }
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let range = SleepRange {
        min: span(min)?,
        max: span(max)?,
    };
    (range.min <= range.max).then_some(ActivityDuration::Uniform(range))
}

fn span(text: &str) -> Option<Duration> {
    units::parse(text)
        .ok()
        .filter(|span| *span <= ActivityDuration::LONGEST)
}

/// As it can be typed.
impl fmt::Display for ActivityDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivityDuration::Uniform(SleepRange { min, max }) if min == max => f.write_str(&units::format(*min)),
            ActivityDuration::Uniform(SleepRange { min, max }) => {
                write!(f, "{}..{}", units::format(*min), units::format(*max))
            }
            ActivityDuration::Normal(NormalSleep { mean, deviation }) => {
                write!(f, "normal:{},{}", units::format(*mean), units::format(*deviation))
            }
            ActivityDuration::Lognormal(LognormalSleep { median, sigma }) => {
                write!(f, "lognormal:{},{sigma}", units::format(*median))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_distribution_can_be_typed_again() {
        for text in [
            "0s",
            "100ms",
            "100ms..600ms",
            "normal:200ms,50ms",
            "normal:1s 500ms,50ms",
            "lognormal:200ms,0.5",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for text in [
            "",
            "600ms..100ms",
            "31s",
            "normal:",
            "normal:200ms",
            "normal:200,50",
            "normal:31s,1s",
            "normal:-1s,1s",
            "lognormal:1s,6",
            "lognormal:1s,-1",
            "lognormal:1s,NaN",
            "pareto:1s,2",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
