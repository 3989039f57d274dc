use std::time::Duration;

use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};
use proptest::prelude::*;

use super::*;

fn load(thousandths: u64, duration: Duration, ramp_up: Duration, arrivals: Arrivals, seed: u64) -> Load {
    Load {
        rate: Rate::from_thousandths(thousandths).unwrap(),
        duration,
        ramp_up,
        warm_up: Duration::ZERO,
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
        arrivals,
        seed,
        max_in_flight: 1000,
        when_full: WhenFull::Queue,
        max_lag: Duration::from_secs(1),
    }
}

/// A load with any rate, a duration of up to ten minutes and a ramp within it.
fn any_load(arrivals: Arrivals) -> impl Strategy<Value = Load> {
    (100..50_000_000u64, 1..600_000u64, 0.0..1.0f64, any::<u64>()).prop_map(move |(rate, millis, ramp, seed)| {
        let duration = Duration::from_millis(millis);
        load(rate, duration, duration.mul_f64(ramp), arrivals, seed)
    })
}

/// The integral of the rate up to an offset in nanoseconds, in arrivals, by another road: the mean of first and last rate.
fn integral(load: &Load, offset: u64) -> f64 {
    let rate = load.rate.per_second();
    let first = (rate / 10.0).max(1.0).min(rate);
    let (time, ramp) = (offset as f64 / 1e9, load.ramp_up.as_secs_f64());
    if time < ramp {
        (first + (first + (rate - first) * time / ramp)) / 2.0 * time
    } else {
        (first + rate) / 2.0 * ramp + rate * (time - ramp)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn offsets_rise_with_n(load in any_load(Arrivals::Constant), start in 0.0..1.0f64) {
        let schedule = Schedule::new(&load);
        let first = (schedule.total() as f64 * start) as u64;
        let offsets: Vec<u64> = (first..first + 200).map(|n| schedule.offset(n)).collect();
        prop_assert!(offsets.is_sorted());
        // At no more than 50,000/s two arrivals are at least 20 µs apart, so none coincide.
        prop_assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn poisson_offsets_rise_with_n(load in any_load(Arrivals::Poisson), start in 0.0..1.0f64) {
        let schedule = Schedule::new(&load);
        let first = (schedule.total() as f64 * start) as u64;
        let offsets: Vec<u64> = (first..first + 50).map(|n| schedule.offset(n)).collect();
        prop_assert!(offsets.is_sorted());
    }

    #[test]
    fn the_count_by_an_offset_is_the_integral_of_the_rate(load in any_load(Arrivals::Constant), at in 0.0..=1.0f64) {
        let schedule = Schedule::new(&load);
        let offset = (schedule.end() as f64 * at) as u64;
        let count = schedule.count_before(offset) as f64;
        // n arrivals are due before t when the integral lies in (n − 1, n].
        prop_assert!((count - integral(&load, offset)).abs() <= 1.0 + 1e-6, "{count} against {}", integral(&load, offset));
    }

    #[test]
    fn the_count_and_the_offsets_say_the_same(load in any_load(Arrivals::Constant), at in 0.0..=1.0f64) {
        let schedule = Schedule::new(&load);
        let offset = (schedule.end() as f64 * at) as u64;
        let count = schedule.count_before(offset);
        if count > 0 {
            prop_assert!(schedule.offset(count - 1) < offset);
        }
        prop_assert!(schedule.offset(count) >= offset);
    }

    #[test]
    fn the_poisson_count_and_the_offsets_say_the_same(load in any_load(Arrivals::Poisson), at in 0.0..=1.0f64) {
        let schedule = Schedule::new(&load);
        let offset = (schedule.end() as f64 * at) as u64;
        let count = schedule.count_before(offset);
        if count > 0 {
            prop_assert!(schedule.offset(count - 1) < offset);
        }
        prop_assert!(schedule.offset(count) >= offset);
    }

    #[test]
    fn shards_partition_the_schedule(
        rate in 1_000..200_000u64, of in 1..7u64, threads in 1..4u64, poisson in any::<bool>()
    ) {
        let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Constant };
        let load = load(rate, Duration::from_secs(5), Duration::from_secs(1), arrivals, 7);
        let schedule = Schedule::new(&load);
        let mut whole = Vec::new();
        let mut cursor = schedule.cursor(Stripe::WHOLE);
        while let Some(arrival) = cursor.take() {
            whole.push((arrival.n, arrival.due));
        }
        let mut parts = Vec::new();
        for index in 0..of {
            for thread in 0..threads {
                let mut cursor = schedule.cursor(Stripe { index, of }.split(thread, threads));
                while let Some(arrival) = cursor.take() {
                    parts.push((arrival.n, arrival.due));
                }
            }
        }
        parts.sort_unstable();
        prop_assert_eq!(whole.len() as u64, schedule.total());
        prop_assert_eq!(whole, parts);
    }

    /// The exact offset of arrival n at a constant rate is n/rate; here it is taken from the decimal of the rate alone.
    #[test]
    fn the_billionth_offset_is_exact(thousandths in 100..50_000_000u64) {
        let schedule = Schedule::new(&load(thousandths, Duration::from_secs(86_400), Duration::ZERO, Arrivals::Constant, 0));
        let n = 1_000_000_000u128;
        let numerator = n * 1_000_000_000 * 1000;
        let exact = numerator / u128::from(thousandths);
        let offset = u128::from(schedule.offset(n as u64));
        prop_assert!(offset.abs_diff(exact) <= 1, "{offset} against {exact}");
    }

    /// After a ramp, too: the ramp's arrivals are (first + rate)/2 · ramp, the rest follow at 1/rate.
    #[test]
    fn the_billionth_offset_is_exact_after_a_ramp(thousandths in 20_000..50_000_000u64, ramp in 1..3600u64) {
        let schedule =
            Schedule::new(&load(thousandths, Duration::from_secs(86_400), Duration::from_secs(ramp), Arrivals::Constant, 0));
        let (rate, first) = (u128::from(thousandths), u128::from(thousandths / 10));
        let ramp_ns = u128::from(ramp) * 1_000_000_000;
        // 2·10¹²·arrivals of the ramp.
        let ramp_arrivals = (first + rate) * ramp_ns;
        let target = 2 * 1_000_000_000u128 * 1_000_000_000_000;
        prop_assume!(target > ramp_arrivals);
        let exact = ramp_ns + (target - ramp_arrivals) / (2 * rate);
        let offset = u128::from(schedule.offset(1_000_000_000));
        prop_assert!(offset.abs_diff(exact) <= 1, "{offset} against {exact}");
    }
}

#[test]
fn awkward_rates_are_exact_at_the_billionth_arrival() {
    // n/rate in nanoseconds, rounded up, worked out apart.
    for (rate, exact) in [
        (333_300, 3_000_300_030_003_001),
        (333_333, 3_000_003_000_003_001),
        (999_999, 1_000_001_000_001_001),
        (7_007, 142_714_428_428_714_143),
        (100, 10_000_000_000_000_000_000),
    ] {
        let schedule = Schedule::new(&load(
            rate,
            Duration::from_secs(86_400),
            Duration::ZERO,
            Arrivals::Constant,
            0,
        ));
        assert_eq!(schedule.offset(1_000_000_000), exact, "{rate}");
    }
}

#[test]
fn a_whole_number_of_seconds_at_a_whole_rate_has_the_product_as_its_count() {
    for rate in [1, 25, 400, 20_000, 50_000] {
        let load = load(
            rate * 1000,
            Duration::from_secs(30),
            Duration::ZERO,
            Arrivals::Constant,
            0,
        );
        assert_eq!(Schedule::new(&load).total(), rate * 30);
    }
}

#[test]
fn the_rate_is_exactly_on_target_after_the_ramp() {
    let load = load(
        400_000,
        Duration::from_secs(60),
        Duration::from_secs(30),
        Arrivals::Constant,
        0,
    );
    let schedule = Schedule::new(&load);
    assert_eq!(schedule.rate_at(0), 40.0);
    assert_eq!(schedule.rate_at(15_000_000_000), 220.0);
    assert_eq!(schedule.rate_at(30_000_000_000), 400.0);
    for second in 30..60u64 {
        let (from, to) = (second * 1_000_000_000, (second + 1) * 1_000_000_000);
        assert_eq!(
            schedule.count_before(to) - schedule.count_before(from),
            400,
            "second {second}"
        );
    }
}

#[test]
fn poisson_gaps_look_exponential_and_repeat_with_the_seed() {
    let load = load(
        1_000_000,
        Duration::from_secs(100),
        Duration::ZERO,
        Arrivals::Poisson,
        42,
    );
    let schedule = Schedule::new(&load);
    let mut cursor = schedule.cursor(Stripe::WHOLE);
    let offsets: Vec<u64> = std::iter::from_fn(|| cursor.take())
        .map(|arrival| arrival.due)
        .collect();
    let gaps: Vec<f64> = offsets
        .windows(2)
        .map(|pair| (pair[1] - pair[0]) as f64 / 1e6)
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    assert!((mean - 1.0).abs() < 0.01, "mean gap {mean} ms");
    // The standard deviation of an exponential is its mean; evenly spaced arrivals would have none.
    assert!(
        (variance.sqrt() - 1.0).abs() < 0.05,
        "standard deviation {} ms",
        variance.sqrt()
    );
    let beyond_three = gaps.iter().filter(|gap| **gap > 3.0).count() as f64 / gaps.len() as f64;
    assert!(
        (beyond_three - (-3.0f64).exp()).abs() < 0.005,
        "share of gaps beyond three means {beyond_three}"
    );
    assert_eq!(offsets[1234], Schedule::new(&load).offset(1234));
    let other = Load { seed: 43, ..load };
    assert_ne!(offsets[1234], Schedule::new(&other).offset(1234));
}

proptest! {
    /// What is looked up by number is what the schedule says, whichever way and in whatever order it is asked for.
    #[test]
    fn looked_up_offsets_and_phases_are_those_of_the_schedule(
        poisson in any::<bool>(),
        seed in any::<u64>(),
        asked in prop::collection::vec(0..60_000u64, 1..60),
    ) {
        let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Constant };
        let mut load = load(1_000_000, Duration::from_secs(60), Duration::from_secs(7), arrivals, seed);
        load.warm_up = Duration::from_secs(5);
        let schedule = Schedule::new(&load);
        let mut offsets = Offsets::new(&schedule);
        for n in asked {
            let offset = schedule.offset(n);
            prop_assert_eq!(offsets.get(n), offset);
            prop_assert_eq!(schedule.phase_of(n), schedule.phase_at(offset));
        }
    }
}

#[test]
fn the_smallest_time_is_found_from_either_side() {
    for nearby in 0..10 {
        assert_eq!(smallest(nearby, |time| time >= 7), 7);
        assert_eq!(smallest(nearby, |_| true), 0);
    }
}

#[test]
fn as_many_blocks_of_offsets_are_kept_as_are_needed_and_no_more() {
    let schedule = Schedule::new(&load(
        1_000_000,
        Duration::from_secs(60),
        Duration::ZERO,
        Arrivals::Poisson,
        1,
    ));
    let mut offsets = Offsets::new(&schedule);
    for block in 0..40 {
        offsets.get(block * POISSON_BLOCK);
    }
    let kept: Vec<u64> = offsets.blocks.iter().map(|(block, _)| *block).collect();
    assert_eq!(kept, (8..40).collect::<Vec<_>>());
}

proptest! {
    /// Threads of generators own every arrival exactly once.
    #[test]
    fn parts_of_parts_add_up(generators in 1..9u64, threads in 1..9u64, n in 0..1_000u64) {
        let parts = (0..generators).map(|index| Stripe::WHOLE.split(index, generators));
        let owners = parts
            .flat_map(|part| (0..threads).map(move |thread| part.split(thread, threads)))
            .filter(|stripe| n % stripe.of == stripe.index);
        prop_assert_eq!(owners.count(), 1);
    }
}

/// Arrival, phase and count change hands exactly where they meet.
#[test]
fn what_is_due_at_a_border_is_behind_it() {
    for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
        let mut load = load(200_000, Duration::from_secs(60), Duration::from_secs(7), arrivals, 3);
        load.warm_up = Duration::from_secs(5);
        let schedule = Schedule::new(&load);
        for phase in [Phase::Ramp, Phase::WarmUp, Phase::Measure] {
            let first = schedule.count_before(schedule.bounds(phase).0);
            assert_eq!(schedule.phase_of(first), phase);
            assert!(first == 0 || schedule.phase_of(first - 1) != phase);
        }
        assert_eq!(schedule.phase_of(schedule.total()), Phase::Drain);
        for n in 1..3_000 {
            let offset = schedule.offset(n);
            assert!(
                schedule.count_before(offset) <= n && schedule.count_before(offset + 1) > n,
                "{n}"
            );
        }
        assert_eq!(schedule.rate_at(schedule.end() - 1), 200.0);
        assert_eq!(schedule.rate_at(schedule.end()), 0.0);
    }
}

#[test]
fn every_block_of_a_poisson_schedule_is_drawn_by_the_seed() {
    let offset = |seed: u64, n: u64| {
        Schedule::new(&load(
            200_000,
            Duration::from_secs(60),
            Duration::ZERO,
            Arrivals::Poisson,
            seed,
        ))
        .offset(n)
    };
    for n in [0, POISSON_BLOCK, 5 * POISSON_BLOCK] {
        assert_ne!(offset(1, n), offset(2, n), "{n}");
    }
}
