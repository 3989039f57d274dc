//! Scales of plots: where a value lies between the ends of an axis, and which values are worth a mark.

use benchmark_results::format;

/// Marks of a time axis, at most.
const TICKS: usize = 6;
/// Steps of a linear axis, at most.
const LINEAR_STEPS: f64 = 5.0;
/// Marks of a log axis, at most.
const LOG_TICKS: usize = 10;

/// From a value to its place, 0 at the axis' beginning and 1 at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0 to a highest value.
    Linear {
        /// The value at 1; above 0.
        highest: f64,
    },
    /// From a lowest value to a highest one.
    Between {
        /// The value at 0.
        lowest: f64,
        /// The value at 1; above `lowest`.
        highest: f64,
    },
    /// From a lowest value to a highest one, each decade as long as the next.
    Log {
        /// The value at 0; above 0.
        lowest: f64,
        /// The value at 1; above `lowest`.
        highest: f64,
    },
}

impl Scale {
    /// From 0 to a round value that is not below `highest`. Whatever is not a positive number gives 0 to 1.
    pub(super) fn linear(highest: f64) -> Self {
        let highest = if highest.is_finite() && highest > 0.0 {
            highest.min(1e18)
        } else {
            1.0
        };
        let step = round_step(highest / LINEAR_STEPS);
        Scale::Linear {
            highest: (highest / step).ceil() * step,
        }
    }

    /// Around values that lie close together, from a round value to a round value.
    pub(super) fn around(lowest: f64, highest: f64) -> Self {
        let bound = |value: f64| {
            if value.is_finite() {
                value.clamp(-1e15, 1e15)
            } else {
                0.0
            }
        };
        let (lowest, highest) = (bound(lowest), bound(highest).max(bound(lowest)));
        // What does not differ has an axis, too.
        let least = (lowest.abs().max(highest.abs()) * 0.01).max(1e-6);
        let step = round_step((highest - lowest).max(least) / LINEAR_STEPS);
        let (low, high) = ((lowest / step).floor() * step, (highest / step).ceil() * step);
        Scale::Between {
            lowest: low,
            highest: if high > low { high } else { low + step },
        }
    }

    /// Latencies in milliseconds from 1, 2 or 5 of a decade to such a one; at least half a decade.
    pub(super) fn latencies(lowest: f64, highest: f64) -> Self {
        let lowest = if lowest.is_finite() {
            lowest.clamp(0.001, 3.6e6)
        } else {
            1.0
        };
        let highest = if highest.is_finite() {
            highest.clamp(lowest, 3.6e6)
        } else {
            lowest
        };
        // Below the lowest value, not on it: a steady latency is no part of the axis.
        let below = marks(lowest / 10.0, lowest * 0.99).last().copied().unwrap_or(lowest);
        let above = marks(highest, highest * 10.0).first().copied().unwrap_or(highest);
        Scale::Log {
            lowest: below,
            highest: above.max(below * 5.0),
        }
    }

    /// The place of a value, 0 to 1; values beyond an end lie on it.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match *self {
            Scale::Linear { highest } => value / highest,
            Scale::Between { lowest, highest } => (value - lowest) / (highest - lowest),
            Scale::Log { lowest, highest } => (value.max(lowest) / lowest).ln() / (highest / lowest).ln(),
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// Values worth a mark, from the lowest: round ones, at most ten.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear { highest } => {
                let step = round_step(highest / LINEAR_STEPS);
                let steps = (highest / step).round() as u32;
                (0..=steps).map(|n| f64::from(n) * step).collect()
            }
            Scale::Between { lowest, highest } => {
                let step = round_step((highest - lowest) / (LINEAR_STEPS + 2.0));
                let (first, last) = ((lowest / step).ceil() as i64, (highest / step).floor() as i64);
                (first..=last).map(|n| n as f64 * step).collect()
            }
            Scale::Log { lowest, highest } => {
                let all = marks(lowest, highest);
                if all.len() <= LOG_TICKS {
                    return all;
                }
                let is_decade = |value: &f64| (value.log10() - value.log10().round()).abs() < 1e-6;
                let decades: Vec<f64> = all.iter().copied().filter(is_decade).collect();
                let every = decades.len().div_ceil(LOG_TICKS).max(1);
                decades.into_iter().step_by(every).collect()
            }
        }
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below a positive value.
fn round_step(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * decade)
        .find(|step| *step >= value * (1.0 - 1e-9))
        .unwrap_or(decade * 10.0)
}

/// All of 1, 2 and 5 times a power of ten from one positive value to another, ends among them.
fn marks(from: f64, to: f64) -> Vec<f64> {
    let first = from.log10().floor() as i32;
    let last = to.log10().ceil() as i32;
    (first..=last)
        .flat_map(|decade| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(decade)))
        .filter(|value| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(value))
        .collect()
}

/// A number on an axis: `0`, `2.5`, `400`, `20k`.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 1e9 => plain(value / 1e9) + "G",
        v if v >= 1e6 => plain(value / 1e6) + "M",
        v if v >= 1e4 => plain(value / 1e3) + "k",
        v if v >= 1e3 => format::count(value.round() as u64),
        _ => plain(value),
    }
}

/// Up to two decimals, without zeros behind the point.
pub(super) fn plain(value: f64) -> String {
    let text = format::without_zeros(format!("{value:.2}"));
    if text == "-0" { "0".into() } else { text }
}

/// A share of a length, for styles: `12.5%`.
pub(super) fn percent(share: f64) -> String {
    plain(share * 100.0) + "%"
}

/// A coordinate: a tenth of a unit is less than can be seen.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

/// Steps between marks of time, seconds.
const TIME_STEPS: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 172_800.0,
];

/// Seconds worth a mark on an axis from 0 to this many seconds; the ends are left out when their labels would not fit.
pub(super) fn time_ticks(seconds: f64) -> Vec<f64> {
    let step = TIME_STEPS
        .into_iter()
        .find(|step| seconds / step <= TICKS as f64)
        .unwrap_or(seconds / TICKS as f64);
    (0..=TICKS)
        .map(|n| n as f64 * step)
        .filter(|tick| *tick <= seconds)
        .collect()
}

/// A time on an axis: `0:30`, `12:00`, `1:30:00`.
pub(super) fn clock(seconds: f64) -> String {
    if !seconds.is_finite() {
        return format::NONE.into();
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs().floor() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole % 3600 / 60, whole % 60);
    if hours > 0 {
        format!("{sign}{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{sign}{minutes}:{rest:02}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Scale {
        /// The value at a place: the inverse of [`Scale::place`].
        fn value(&self, place: f64) -> f64 {
            match *self {
                Scale::Linear { highest } => highest * place,
                Scale::Between { lowest, highest } => lowest + (highest - lowest) * place,
                Scale::Log { lowest, highest } => lowest * (highest / lowest).powf(place),
            }
        }
    }

    #[test]
    fn linear_axes_end_on_round_values() {
        for (highest, end, ticks) in [
            (400.0, 400.0, 5),
            (401.0, 500.0, 6),
            (0.0, 1.0, 6),
            (3.0, 3.0, 4),
            (f64::NAN, 1.0, 6),
        ] {
            let scale = Scale::linear(highest);
            assert_eq!(scale, Scale::Linear { highest: end }, "{highest}");
            assert_eq!(scale.ticks().len(), ticks, "{highest}: {:?}", scale.ticks());
        }
    }

    #[test]
    fn latencies_are_marked_at_one_two_and_five() {
        let ticks = |lowest, highest| {
            Scale::latencies(lowest, highest)
                .ticks()
                .into_iter()
                .map(format::ms)
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(3.0, 52.0), ["2ms", "5ms", "10ms", "20ms", "50ms", "100ms"]);
        assert_eq!(
            ticks(0.02, 9_000.0),
            ["10µs", "0.1ms", "1ms", "10ms", "100ms", "1s", "10s"]
        );
        assert_eq!(ticks(7.0, 7.0), ["5ms", "10ms", "20ms"]);
    }

    #[test]
    fn times_read_as_on_a_clock() {
        for (seconds, text) in [
            (0.0, "0:00"),
            (90.0, "1:30"),
            (5_400.0, "1:30:00"),
            (-3.0, "-0:03"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(clock(seconds), text);
        }
        assert_eq!(time_ticks(301.0), [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]);
        assert_eq!(time_ticks(3.0), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(time_ticks(0.0), [0.0]);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.001, "0"),
            (2.5, "2.5"),
            (1_200.0, "1,200"),
            (20_000.0, "20k"),
            (3e9, "3G"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    proptest! {
        #[test]
        fn places_and_values_are_inverse(lowest in 0.01..1e3_f64, factor in 1.0..1e4_f64, place in 0.0..=1.0_f64) {
            for scale in [Scale::latencies(lowest, lowest * factor), Scale::linear(lowest * factor)] {
                prop_assert!((scale.place(scale.value(place)) - place).abs() < 1e-9);
            }
        }

        #[test]
        fn every_axis_holds_its_data_and_few_marks(lowest in any::<f64>(), highest in any::<f64>()) {
            for scale in [Scale::latencies(lowest, highest), Scale::linear(highest), Scale::around(lowest, highest)] {
                let ticks = scale.ticks();
                prop_assert!(!ticks.is_empty() && ticks.len() <= LOG_TICKS, "{ticks:?}");
                prop_assert!(ticks.iter().all(|tick| tick.is_finite() && (0.0..=1.0).contains(&scale.place(*tick))));
                if (0.01..1e6).contains(&highest) {
                    prop_assert!(scale.value(1.0) >= highest * (1.0 - 1e-9));
                }
            }
        }
    }
}
