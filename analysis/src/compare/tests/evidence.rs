//! Simulated runs of which the truth is known, through the function that judges real ones. Seeds are fixed: these figures
//! do not vary from one run of the tests to the next.

use std::time::Duration;

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

use crate::{
    compare::{
        Margin, Metric, MetricVerdict,
        decide::{ALPHA, Answer, decide, more_runs},
        evidence::{Alone, Evidence, Question, Spread, Turn, WithinRun},
    },
    stats::{student, variance},
};

pub(super) const TRIALS: u32 = 1_000;
/// The margin of these: a share, whatever the level.
pub(super) const MARGIN: f64 = 0.03;
/// Relative spread between runs of the same thing.
const SPREAD: f64 = 0.03;

pub(super) struct Simulation(Xoshiro256PlusPlus);

impl Simulation {
    pub(super) fn new(seed: u64) -> Self {
        Simulation(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Between 0 and 1, neither of them.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(super) fn normal(&mut self) -> f64 {
        student::quantile(self.uniform(), f64::INFINITY)
    }

    /// A run's value of a metric that is `level` in truth.
    fn run(&mut self, level: f64, spread: f64) -> f64 {
        level * (spread * self.normal()).exp()
    }

    fn runs(&mut self, count: usize, level: f64, spread: f64) -> Vec<f64> {
        (0..count).map(|_| self.run(level, spread)).collect()
    }
}

pub(super) fn question(metric: Metric, margin: f64, evidence: Evidence) -> Question {
    Question {
        metric,
        primary: true,
        margin: Margin {
            share: margin,
            time: Duration::ZERO,
        }
        .on(metric, 50.0),
        noise: None,
        evidence,
        withheld: None,
    }
}

fn one(margin: f64, evidence: Evidence) -> Answer {
    decide(&[question(Metric::PRIMARY[1], margin, evidence)]).remove(0)
}

/// The share of trials in which something is true.
pub(super) fn share(mut trial: impl FnMut() -> bool) -> f64 {
    let times = (0..TRIALS).filter(|_| trial()).count();
    times as f64 / f64::from(TRIALS)
}

#[track_caller]
fn within(share: f64, low: f64, high: f64) {
    assert!((low..=high).contains(&share), "{share} is not within {low} to {high}");
}

#[test]
fn five_against_five_find_a_difference_that_is_not_there_as_often_as_they_may() {
    let mut simulation = Simulation::new(501);
    let found = share(|| {
        let (first, second) = (simulation.runs(5, 50.0, SPREAD), simulation.runs(5, 50.0, SPREAD));
        one(MARGIN, Evidence::Groups { first, second }).verdict.differs()
    });
    within(found, 0.03, 0.07);
}

#[test]
fn both_primary_metrics_together_find_one_no_more_often() {
    let mut simulation = Simulation::new(502);
    let found = share(|| {
        let questions = Metric::PRIMARY.map(|metric| {
            let (first, second) = (simulation.runs(5, 50.0, SPREAD), simulation.runs(5, 50.0, SPREAD));
            question(metric, MARGIN, Evidence::Groups { first, second })
        });
        decide(&questions).iter().any(|answer| answer.verdict.differs())
    });
    within(found, 0.02, 0.07);
}

/// Five pairs in turn (A B, B A, A B, …) while the machine becomes 6 % slower from the first run to the last.
fn drifting_pairs(simulation: &mut Simulation, change: f64) -> Vec<Turn> {
    let level = |place: usize| 50.0 * (1.0 + 0.06 * place as f64 / 9.0);
    (0..5)
        .map(|turn| {
            let (a, b) = if turn % 2 == 0 {
                (2 * turn, 2 * turn + 1)
            } else {
                (2 * turn + 1, 2 * turn)
            };
            Turn {
                first: simulation.run(level(a), SPREAD),
                second: simulation.run(level(b) * (1.0 + change), SPREAD),
                baseline_first: turn % 2 == 0,
            }
        })
        .collect()
}

#[test]
fn pairs_are_not_misled_by_drift() {
    let mut simulation = Simulation::new(503);
    let found = share(|| {
        one(MARGIN, Evidence::Turns(drifting_pairs(&mut simulation, 0.0)))
            .verdict
            .differs()
    });
    within(found, 0.03, 0.07);
    // One side after the other, the same drift is taken for a difference far too often: that is what pairs are for.
    let found = share(|| {
        let mut runs = |places: std::ops::Range<usize>| -> Vec<f64> {
            let level = |place: usize| 50.0 * (1.0 + 0.06 * place as f64 / 9.0);
            places.map(|place| simulation.run(level(place), SPREAD)).collect()
        };
        let (first, second) = (runs(0..5), runs(5..10));
        one(MARGIN, Evidence::Groups { first, second }).verdict.differs()
    });
    assert!(found > 0.2, "{found}");
}

#[test]
fn a_change_of_a_tenth_is_found_and_one_of_a_fifth_is_beyond_the_margin() {
    let mut simulation = Simulation::new(504);
    let mut groups = |change: f64, enough: fn(MetricVerdict) -> bool| {
        share(|| {
            let (first, second) = (
                simulation.runs(5, 50.0, SPREAD),
                simulation.runs(5, 50.0 * (1.0 + change), SPREAD),
            );
            enough(one(MARGIN, Evidence::Groups { first, second }).verdict)
        })
    };
    let worse = |verdict: MetricVerdict| matches!(verdict, MetricVerdict::Regressed | MetricVerdict::SlightlyWorse);
    let found = groups(0.1, worse);
    assert!(found > 0.95, "groups, a tenth: {found}");
    let found = groups(0.2, |verdict| verdict == MetricVerdict::Regressed);
    assert!(found > 0.95, "groups, a fifth: {found}");
    let mut turns = |change: f64, enough: fn(MetricVerdict) -> bool| {
        share(|| {
            let pairs = drifting_pairs(&mut simulation, change);
            enough(one(MARGIN, Evidence::Turns(pairs)).verdict)
        })
    };
    let found = turns(0.1, worse);
    assert!(found > 0.8, "turns, a tenth: {found}");
    let found = turns(0.2, |verdict| verdict == MetricVerdict::Regressed);
    assert!(found > 0.9, "turns, a fifth: {found}");
    // As one of two primary metrics of which the other did not change.
    let found = share(|| {
        let mut groups = |change: f64| Evidence::Groups {
            first: simulation.runs(5, 50.0, SPREAD),
            second: simulation.runs(5, 50.0 * (1.0 + change), SPREAD),
        };
        let questions = [
            question(Metric::PRIMARY[0], MARGIN, groups(0.1)),
            question(Metric::PRIMARY[1], MARGIN, groups(0.0)),
        ];
        worse(decide(&questions)[0].verdict)
    });
    assert!(found > 0.9, "one of two: {found}");
}

#[test]
fn identical_arms_are_called_equivalent() {
    let mut simulation = Simulation::new(505);
    let mut equivalent = |margin: f64, spread: f64| {
        share(|| {
            let (first, second) = (simulation.runs(10, 50.0, spread), simulation.runs(10, 50.0, spread));
            one(margin, Evidence::Groups { first, second }).verdict == MetricVerdict::Equivalent
        })
    };
    let found = equivalent(0.06, SPREAD);
    assert!(found > 0.95, "{found}");
    // On a quiet machine, 3 % are enough.
    let found = equivalent(MARGIN, 0.015);
    assert!(found > 0.95, "{found}");
}

#[test]
fn a_difference_as_large_as_the_margin_is_rarely_called_equivalent() {
    let mut simulation = Simulation::new(506);
    let margin = 0.06;
    let found = share(|| {
        let (first, second) = (
            simulation.runs(10, 50.0, SPREAD),
            simulation.runs(10, 50.0 * (1.0 + margin), SPREAD),
        );
        one(margin, Evidence::Groups { first, second }).verdict == MetricVerdict::Equivalent
    });
    // TOST at 5 %.
    within(found, 0.03, 0.07);
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let mut simulation = Simulation::new(507);
    let truth = 1.1_f64.ln();
    let held = share(|| {
        let (first, second) = (simulation.runs(5, 50.0, SPREAD), simulation.runs(5, 55.0, 2.0 * SPREAD));
        let answer = one(MARGIN, Evidence::Groups { first, second });
        answer.interval.unwrap().contains(truth)
    });
    within(held, 0.93, 0.97);
    // The quieter side is the smaller one: it is not believed to be as quiet as it looks.
    let held = share(|| {
        let (first, second) = (simulation.runs(4, 50.0, SPREAD), simulation.runs(6, 55.0, 2.0 * SPREAD));
        let answer = one(MARGIN, Evidence::Groups { first, second });
        answer.interval.unwrap().contains(truth)
    });
    within(held, 0.93, 0.99);
    let held = share(|| {
        let answer = one(MARGIN, Evidence::Turns(drifting_pairs(&mut simulation, 0.1)));
        answer.interval.unwrap().contains(truth)
    });
    within(held, 0.93, 0.97);
}

#[test]
fn single_runs_with_a_noise_profile_are_wrong_as_often_as_they_may() {
    let mut simulation = Simulation::new(508);
    let within_run = Some(WithinRun {
        standard_error: 0.005,
        freedom: 50.0,
    });
    let mut trial = |change: f64| {
        let aa: Vec<_> = simulation
            .runs(5, 50.0, SPREAD)
            .iter()
            .map(|value| value.ln())
            .collect();
        let noise = Spread {
            spread: variance(&aa).unwrap().sqrt(),
            freedom: 4.0,
        };
        let mut alone = |level: f64| Alone {
            value: simulation.run(level, SPREAD),
            within: within_run,
        };
        let (first, second) = (alone(50.0), alone(50.0 * (1.0 + change)));
        let single = Question {
            noise: Some(noise),
            ..question(Metric::PRIMARY[1], MARGIN, Evidence::Single { first, second })
        };
        decide(&[single]).remove(0).verdict
    };
    within(share(|| trial(0.0).differs()), 0.03, 0.07);
    // A single run a side sees only what is much larger than the noise.
    assert!(share(|| trial(0.3) == MetricVerdict::Regressed) > 0.9);
}

#[test]
fn single_runs_without_a_profile_are_given_no_verdict() {
    let mut simulation = Simulation::new(509);
    let within_run = Some(WithinRun {
        standard_error: 0.001,
        freedom: 50.0,
    });
    // Judged by the error within the runs alone, 3 % between them would be "significant" nearly always.
    let misled = share(|| {
        let mut alone = || Alone {
            value: simulation.run(50.0, SPREAD),
            within: within_run,
        };
        let (first, second) = (alone(), alone());
        let answer = one(MARGIN, Evidence::Single { first, second });
        assert_eq!(answer.verdict, MetricVerdict::NoVerdict);
        assert!(answer.reason.is_some() && answer.p.is_none());
        !answer.interval.unwrap().contains(0.0)
    });
    assert!(misled > 0.8, "{misled}");
}

#[test]
fn the_runs_that_it_asks_for_decide() {
    let mut simulation = Simulation::new(510);
    let margin = question(Metric::PRIMARY[1], MARGIN, Evidence::Nothing(String::new())).margin;
    let (mut asked, mut decided) = (0, 0);
    while asked < TRIALS {
        // Any spread, any difference: what is said holds over all of them, and not at one.
        let spread = 0.01 * 4.0_f64.powf(simulation.uniform());
        let level = 50.0 * (0.3 * (simulation.uniform() - 0.5)).exp();
        let mut first = simulation.runs(5, 50.0, spread);
        let mut second = simulation.runs(5, level, spread);
        let evidence = |first: &[f64], second: &[f64]| Evidence::Groups {
            first: first.to_vec(),
            second: second.to_vec(),
        };
        let answer = one(MARGIN, evidence(&first, &second));
        let Some(more) = more_runs(&answer, &margin, ALPHA).filter(|more| *more <= 200) else {
            continue;
        };
        asked += 1;
        first.extend(simulation.runs(more as usize, 50.0, spread));
        second.extend(simulation.runs(more as usize, level, spread));
        decided += u32::from(one(MARGIN, evidence(&first, &second)).verdict != MetricVerdict::Open);
    }
    let share = f64::from(decided) / f64::from(asked);
    within(share, 0.7, 0.9);
}
