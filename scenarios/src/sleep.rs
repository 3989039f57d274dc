//! Distribution of how long an activity sleeps.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units;

/// How long each activity sleeps; drawn from the seed.
///
/// The shapes are told apart by their fields, so that a range is written as it was before there were others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ActivityDuration {
    /// Evenly from a range; always the same when its ends are.
    Uniform(SleepRange),
    /// As a bell curve, cut off at 0 and at 30 s.
    Normal(NormalSleep),
    /// With a long tail to the right, cut off at 30 s.
    Lognormal(LognormalSleep),
}

/// A sleep drawn uniformly from a range, bounds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SleepRange {
    /// The shortest.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub min: Duration,
    /// The longest.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub max: Duration,
}

/// A normally distributed sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NormalSleep {
    /// The middle.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub mean: Duration,
    /// The standard deviation.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub deviation: Duration,
}

/// A lognormally distributed sleep.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LognormalSleep {
    /// Half of the sleeps are shorter.
    #[serde(with = "units::duration")]
    #[schemars(with = "String")]
    pub median: Duration,
    /// Standard deviation of the sleep's natural logarithm.
    pub sigma: f64,
}

impl ActivityDuration {
    /// No activity sleeps longer, whatever the distribution: half of the activities' start-to-close timeout of a minute,
    /// so that a busy worker does not turn sleeps into timeouts.
    pub const LONGEST: Duration = Duration::from_secs(30);

    /// The longest of the durations that the distribution is named by.
    pub(crate) fn longest_named(&self) -> Duration {
        match self {
            ActivityDuration::Uniform(range) => range.max.max(range.min),
            ActivityDuration::Normal(normal) => normal.mean.max(normal.deviation),
            ActivityDuration::Lognormal(lognormal) => lognormal.median,
        }
    }

    /// What at most one sleep in some hundreds exceeds: the end of a range, three standard deviations elsewhere.
    pub fn nearly_longest(&self) -> Duration {
        let far = match self {
            ActivityDuration::Uniform(range) => return range.max,
            ActivityDuration::Normal(normal) => normal.mean.saturating_add(normal.deviation.saturating_mul(3)),
            ActivityDuration::Lognormal(lognormal) => {
                let seconds = lognormal.median.as_secs_f64() * (3.0 * lognormal.sigma).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or(Self::LONGEST)
            }
        };
        far.min(Self::LONGEST)
    }
}

impl From<SleepRange> for ActivityDuration {
    fn from(range: SleepRange) -> Self {
        ActivityDuration::Uniform(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_written_as_it_was_before_there_were_others() {
        let old = r#"{"min":"100ms","max":"600ms"}"#;
        let range: ActivityDuration = serde_json::from_str(old).unwrap();
        assert!(matches!(range, ActivityDuration::Uniform(SleepRange { max, .. }) if max.as_millis() == 600));
        assert_eq!(serde_json::to_string(&range).unwrap(), old);
        for text in [
            r#"{"mean":"200ms","deviation":"50ms"}"#,
            r#"{"median":"200ms","sigma":0.5}"#,
        ] {
            let read: ActivityDuration = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        assert!(serde_json::from_str::<ActivityDuration>(r#"{"mean":"200ms"}"#).is_err());
    }

    #[test]
    fn the_far_end_of_a_tail_is_within_the_limit() {
        let normal = |mean, deviation| {
            ActivityDuration::Normal(NormalSleep {
                mean: Duration::from_millis(mean),
                deviation: Duration::from_millis(deviation),
            })
        };
        assert_eq!(normal(200, 50).nearly_longest(), Duration::from_millis(350));
        assert_eq!(normal(20_000, 10_000).nearly_longest(), ActivityDuration::LONGEST);
        let endless = ActivityDuration::Lognormal(LognormalSleep {
            median: Duration::from_secs(1),
            sigma: 1e9,
        });
        assert_eq!(endless.nearly_longest(), ActivityDuration::LONGEST);
    }
}
