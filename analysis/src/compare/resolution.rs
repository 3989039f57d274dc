//! Resolution of a comparison: what so many runs can tell, and what would tell more: further runs, or longer ones.
//!
//! The spread between runs has a part from within them, which is the smaller the longer they are, and a part that stays.
//! Only the first can be bought with time.

use std::time::Duration;

use benchmark_results::format::{percent, plural};
use benchmark_scenarios::units;
use serde::Serialize;

use super::{decide, metric::Metric, noise::NoiseProfile};
use crate::stats::power::{Known, Layout, detectable};

/// Adding runs and looking again until something is found: the share of comparisons without any difference that find one, when
/// after 5 runs a side each further one up to 20 is looked at. Simulated in the tests of this room.
pub const FOUND_BY_LOOKING_AGAIN: f64 = 0.17;

/// Longer runs than this many times as long are not advised.
const MOST_TIMES: f64 = 100.0;

/// What runs can tell of the deciding metric that they can tell least of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// The metric.
    pub metric: Metric,
    /// The smallest change that is found with 80 % probability: 0.08 for 8 %.
    pub change: f64,
    /// Half of it, on a logarithmic scale.
    pub half: f64,
    /// More runs a side, or turns, that would tell half of it; `None` when they are more than anybody makes.
    pub more_runs: Option<u32>,
    /// Length of the measured phase, in seconds, with which as many runs would tell half of it; `None` where runs of any length
    /// would not, or where nothing tells.
    pub longer_seconds: Option<f64>,
}

/// A deciding metric, as far as it is known.
pub(super) struct Deciding {
    pub(super) metric: Metric,
    pub(super) known: Known,
    /// Alpha that it must come to.
    pub(super) level: f64,
    /// The error within a run, on the scale of the metric.
    pub(super) within: Option<f64>,
}

impl Resolution {
    /// Of the metrics that decide; `None` without any. `seconds` is the length of the runs' measured phase.
    pub(super) fn of(deciding: &[Deciding], seconds: f64) -> Option<Self> {
        let told = |of: &&Deciding| detectable(&of.known.estimate, of.level);
        let of = deciding.iter().max_by(|a, b| told(a).total_cmp(&told(b)))?;
        let smallest = told(&of);
        let half = smallest / 2.0;
        let needed = of.known.runs_to_detect(half, of.level);
        Some(Resolution {
            metric: of.metric,
            change: of.metric.to_change(smallest),
            half: of.metric.to_change(half),
            more_runs: needed.map(|runs| (f64::from(runs) - of.known.runs).ceil().max(1.0) as u32),
            longer_seconds: of.within.and_then(|within| longer(&of.known, within, seconds)),
        })
        .filter(|resolution| resolution.change.is_finite() && resolution.change > 0.0)
    }

    /// Of so many turns that are yet to be made, by the noise of their plan. `None` where the profile knows none of the metrics.
    pub fn of_turns(profile: &NoiseProfile, primary: &[Metric], turns: u32) -> Option<Self> {
        let level = decide::level(primary.len());
        let deciding: Vec<_> = primary
            .iter()
            .filter_map(|metric| {
                let spread = profile.spreads.get(metric)?;
                Some(Deciding {
                    metric: *metric,
                    known: Known::of_turns(spread.spread, turns)?,
                    level,
                    within: None,
                })
            })
            .collect();
        Resolution::of(&deciding, 0.0)
    }
}

/// Seconds after which the part from within has become so small that half the spread is left.
fn longer(known: &Known, within: f64, seconds: f64) -> Option<f64> {
    let runs_in_it = match known.layout {
        Layout::Turns => 2.0,
        Layout::Groups => 1.0,
    };
    let (all, from_within) = (known.spread().powi(2), runs_in_it * within.powi(2));
    let between = (all - from_within).max(0.0);
    let room = all / 4.0 - between;
    let times = from_within / room;
    (room > 0.0 && times <= MOST_TIMES && times > 1.0).then_some(times * seconds)
}

impl std::fmt::Display for Resolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "these runs can tell changes of {} from about ±{}",
            self.metric.label(),
            percent(self.change)
        )?;
        let more = self
            .more_runs
            .map(|more| format!("{} a side", plural(u64::from(more), "more run")));
        let longer = self.longer_seconds.map(|seconds| {
            let whole = Duration::from_secs(seconds.ceil() as u64);
            format!("as many runs of {}", units::format(whole))
        });
        match (more, longer) {
            (Some(more), Some(longer)) => write!(f, "; {more}, or {longer}, would tell ±{}", percent(self.half)),
            (Some(one), None) | (None, Some(one)) => write!(f, "; {one} would tell ±{}", percent(self.half)),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deciding(spread: f64, within: Option<f64>) -> Deciding {
        Deciding {
            metric: Metric::PRIMARY[1],
            known: Known::of_turns(spread, 6).unwrap(),
            level: 0.025,
            within,
        }
    }

    #[test]
    fn the_metric_that_they_tell_least_of_is_told() {
        let both = [
            deciding(0.02, None),
            Deciding {
                metric: Metric::PRIMARY[0],
                ..deciding(0.05, None)
            },
        ];
        let resolution = Resolution::of(&both, 60.0).unwrap();
        assert_eq!(resolution.metric, Metric::PRIMARY[0]);
        // (t(0.9875; 4) + t(0.8; 4)) × 0.05 × √(2 ÷ 6) = (3.495 + 0.941) × 0.0289.
        assert!(
            (resolution.change - (4.436_f64 * 0.028_868).exp_m1()).abs() < 1e-3,
            "{resolution:?}"
        );
        assert!(
            resolution.more_runs.is_some_and(|more| (3..20).contains(&more)),
            "{resolution:?}"
        );
        assert_eq!(Resolution::of(&[], 60.0), None);
    }

    #[test]
    fn longer_runs_are_advised_where_they_would_help() {
        // Nearly all of it is from within: four times as long makes half of it, and a little more for what stays.
        let seconds = Resolution::of(&[deciding(0.05, Some(0.0495))], 60.0)
            .unwrap()
            .longer_seconds
            .unwrap();
        assert!((240.0..300.0).contains(&seconds), "{seconds}");
        // A half of it stays, however long they are.
        let stays = Resolution::of(&[deciding(0.05, Some(0.035))], 60.0).unwrap();
        assert_eq!(stays.longer_seconds, None);
        let text = stays.to_string();
        assert!(
            text.starts_with("these runs can tell changes of e2e response p99 from about ±14 %; "),
            "{text}"
        );
        assert!(text.ends_with("more runs a side would tell ±6.6 %"), "{text}");
    }
}
