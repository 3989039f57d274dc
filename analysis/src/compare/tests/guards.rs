//! What decides by itself: whatever a candidate leaves undone at its slow end, it is no improvement.

use benchmark_results::{Ledger, Results, schema::VerdictValue, summary::Style, testing};

use super::runs::{base, in_turn, side};
use crate::{
    compare::{
        Candidate, Comparison, ComparisonOutcome, GuardStanding, Metric, MetricVerdict, Options, compare,
        render_markdown, render_terminal,
    },
    report,
};

/// As many runs as the baseline has, in turn with it, of which the p99s are a third shorter.
fn faster(count: usize) -> Vec<Results> {
    let all = [
        (399.0, 6.6, 34.0),
        (399.4, 6.7, 33.5),
        (398.8, 6.5, 35.0),
        (399.2, 6.7, 34.5),
        (399.1, 6.6, 34.8),
    ];
    in_turn("new", &all[..count])
}

fn pair(baseline: &[Results], other: &[Results], options: &Options) -> Comparison {
    compare(&side("base", baseline), &[side("new", other)], options).unwrap()
}

fn standings(comparison: &Comparison) -> Vec<(&str, GuardStanding)> {
    let guards = &comparison.candidates[0].guards;
    guards
        .iter()
        .map(|guard| (guard.name.as_str(), guard.standing))
        .collect()
}

fn verdict(candidate: &Candidate, metric: &str) -> MetricVerdict {
    let metric: Metric = metric.parse().unwrap();
    candidate.rows.iter().find(|row| row.metric == metric).unwrap().verdict
}

/// Moves so many of the completed workflows to where else they end.
fn instead(runs: &mut [Results], share: f64, to: impl Fn(&mut Ledger, u64)) {
    for run in runs {
        let ledger = &mut run.phases.measure.ledger;
        let count = (ledger.arrivals as f64 * share) as u64;
        ledger.completed -= count;
        to(ledger, count);
        assert_eq!(ledger.broken_identities(), []);
    }
}

type Ends = fn(&mut Ledger, u64);

/// The ways in which the slowest workflows are lost.
const LOST: [(&str, Ends); 5] = [
    ("refused", |ledger, count| {
        ledger.accepted -= count;
        ledger.rejected += count;
    }),
    ("failed", |ledger, count| ledger.failed += count),
    ("timed out", |ledger, count| ledger.timed_out += count),
    ("terminated", |ledger, count| ledger.terminated += count),
    ("open", |ledger, count| ledger.open += count),
];

#[test]
fn what_does_not_complete_is_a_regression_however_fast_the_rest_is() {
    let baseline = base();
    for count in [1, 2, 5] {
        let fine = pair(&baseline[..count], &faster(count), &Options::default());
        assert_eq!(standings(&fine), []);
        if count == 5 {
            assert_eq!((fine.outcome, fine.exit_code), (ComparisonOutcome::Improved, 0));
        }
        for (how, ends) in LOST {
            for share in [0.002, 0.009, 0.025, 0.3] {
                let mut other = faster(count);
                instead(&mut other, share, ends);
                let found = pair(&baseline[..count], &other, &Options::default());
                assert_eq!(
                    (found.outcome, found.exit_code),
                    (ComparisonOutcome::Regressed, 1),
                    "{count} runs, {share} {how}"
                );
                assert_eq!(standings(&found), [("error-ratio", GuardStanding::Worse)]);
                let candidate = &found.candidates[0];
                for row in candidate
                    .rows
                    .iter()
                    .filter(|row| row.primary || row.metric.is_latency())
                {
                    assert!(
                        !matches!(row.verdict, MetricVerdict::Improved | MetricVerdict::Equivalent),
                        "{how}: {row:?}"
                    );
                }
                // The other way round it is an improvement, and counts when nothing is worse and nothing open: the p99s
                // of what was left are.
                let back = pair(&other, &baseline[..count], &Options::default());
                assert_eq!(standings(&back), [("error-ratio", GuardStanding::Better)]);
                assert_ne!(back.outcome, ComparisonOutcome::Improved, "{how}");
            }
        }
    }
}

#[test]
fn a_tenth_of_a_point_of_errors_makes_no_difference() {
    let (baseline, mut other) = (base(), faster(5));
    instead(&mut other, 0.0009, LOST[1].1);
    let found = pair(&baseline, &other, &Options::default());
    assert_eq!((standings(&found), found.exit_code), (vec![], 0));
}

#[test]
fn one_error_of_a_few_hundred_arrivals_is_open() {
    // More than a tenth of a point, and it may well happen on the other side the next time.
    let small = |mut runs: Vec<Results>, failed: u64| {
        for run in &mut runs {
            run.phases.measure.ledger = Ledger {
                arrivals: 600,
                dispatched: 600,
                accepted: 600,
                completed: 600 - failed,
                failed,
                ..Ledger::default()
            };
        }
        runs
    };
    let one = pair(&small(base(), 0)[..1], &small(faster(1), 1), &Options::default());
    assert_eq!(standings(&one), [("error-ratio", GuardStanding::Open)]);
    let several = pair(&small(base(), 0), &small(faster(5), 1), &Options::default());
    assert_eq!(standings(&several), [("error-ratio", GuardStanding::Worse)]);
    let strict = Options {
        strict: true,
        primary: vec!["start-response-p99".parse().unwrap()],
        ..Options::default()
    };
    let mut other = small(faster(5), 0);
    other[0].phases.measure.ledger.completed -= 4;
    other[0].phases.measure.ledger.failed += 4;
    let mut baseline = small(base(), 0);
    baseline[0].phases.measure.ledger.completed -= 1;
    baseline[0].phases.measure.ledger.failed += 1;
    let open = pair(&baseline[..2], &other[..2], &strict);
    assert_eq!(standings(&open), [("error-ratio", GuardStanding::Open)]);
    assert_eq!(
        (open.outcome, open.exit_code),
        (ComparisonOutcome::Open, 4),
        "not IMPROVED"
    );
}

#[test]
fn where_ends_are_not_known_what_was_not_accepted_is_told() {
    let forget = |mut runs: Vec<Results>| {
        for run in &mut runs {
            run.phases.measure.ledger.forget_ends();
        }
        runs
    };
    let mut other = faster(5);
    instead(&mut other, 0.1, LOST[0].1);
    let found = pair(&forget(base()), &forget(other), &Options::default());
    assert_eq!(standings(&found), [("error-ratio", GuardStanding::Worse)]);
    assert!(found.candidates[0].guards[0].text.contains("were not accepted"));
    let same = pair(&forget(base()), &forget(faster(5)), &Options::default());
    assert_eq!(standings(&same), []);
}

#[test]
fn what_no_longer_carries_the_load_is_a_regression() {
    let baseline = base();
    for count in [1, 2, 5] {
        let mut other = faster(count);
        other[count - 1].verdict = testing::verdict(VerdictValue::Overloaded);
        let found = pair(&baseline[..count], &other, &Options::default());
        assert_eq!((found.outcome, found.exit_code), (ComparisonOutcome::Regressed, 1));
        assert_eq!(standings(&found), [("verdict", GuardStanding::Worse)]);
        assert_eq!(
            verdict(&found.candidates[0], "start-response-p99"),
            MetricVerdict::NoVerdict
        );
    }
    let mut other = faster(1);
    other[0].verdict = testing::verdict(VerdictValue::Overloaded);
    let back = pair(&other, &baseline[..1], &Options::default());
    assert_eq!(standings(&back), [("verdict", GuardStanding::Better)]);
}

#[test]
fn of_two_that_do_not_carry_it_the_one_that_carries_less_is_worse() {
    let overloaded = |mut runs: Vec<Results>, factor: f64| {
        for run in &mut runs {
            run.verdict = testing::verdict(VerdictValue::Overloaded);
            let rate = &mut run.phases.measure.completion_rate;
            *rate = rate.map(|rate| rate * factor);
        }
        runs
    };
    let baseline = overloaded(base(), 0.8);
    for count in [1, 5] {
        let compared = |factor| {
            pair(
                &baseline[..count],
                &overloaded(faster(count), factor),
                &Options::default(),
            )
        };
        let less = compared(0.7);
        assert_eq!(standings(&less), [("carried-rate", GuardStanding::Worse)]);
        assert_eq!((less.outcome, less.exit_code), (ComparisonOutcome::Regressed, 1));
        assert_eq!(standings(&compared(0.79)), [], "within the margin");
        assert_eq!(standings(&compared(0.9)), [("carried-rate", GuardStanding::Better)]);
    }
    // Two runs a side that differ among themselves by as much tell nothing, and nothing is called better beside it.
    let mut other = overloaded(faster(2), 0.7);
    other[0].phases.measure.completion_rate = Some(340.0);
    let found = pair(&baseline[..2], &other, &Options::default());
    assert_eq!(standings(&found), [("carried-rate", GuardStanding::Open)]);
    assert_ne!(found.outcome, ComparisonOutcome::Improved);
}

#[test]
fn a_threshold_that_only_one_side_met_decides() {
    let baseline = base();
    assert!(!baseline[0].outcome.thresholds.is_empty());
    for name in ["max-p99-latency", "min-throughput", "max-error-ratio"] {
        let missed = |mut runs: Vec<Results>| {
            for threshold in runs.iter_mut().flat_map(|run| &mut run.outcome.thresholds) {
                threshold.met = threshold.name != name;
            }
            runs
        };
        let met = |mut runs: Vec<Results>| {
            for threshold in runs.iter_mut().flat_map(|run| &mut run.outcome.thresholds) {
                threshold.met = true;
            }
            runs
        };
        let (baseline, fast) = (met(base()), met(faster(5)));
        let found = pair(&baseline, &missed(faster(5)), &Options::default());
        assert_eq!(standings(&found), [(name, GuardStanding::Worse)]);
        assert_eq!((found.outcome, found.exit_code), (ComparisonOutcome::Regressed, 1));
        let back = pair(&missed(base()), &fast, &Options::default());
        assert_eq!(standings(&back), [(name, GuardStanding::Better)]);
        assert_eq!(back.outcome, ComparisonOutcome::Improved);
        // Missed by both, or of another limit, it says nothing of what changed.
        let both = pair(&missed(base()), &missed(faster(5)), &Options::default());
        assert_eq!(standings(&both), []);
        let mut other = missed(faster(5));
        for threshold in other.iter_mut().flat_map(|run| &mut run.outcome.thresholds) {
            threshold.required = "something else".into();
        }
        assert_eq!(standings(&pair(&baseline, &other, &Options::default())), []);
    }
}

#[test]
fn a_rate_that_was_asked_for_is_no_result() {
    let at = |mut runs: Vec<Results>, rate: &str, carried: f64| {
        for run in &mut runs {
            run.plan.load.rate = rate.parse().unwrap();
            run.phases.measure.completion_rate = Some(carried);
            run.phases.measure.start_rate = Some(carried);
        }
        runs
    };
    let same: Vec<_> = base()
        .into_iter()
        .map(|mut run| {
            run.run.id += "-again";
            run
        })
        .collect();
    let options = Options {
        factors: vec!["plan.load.rate".into()],
        ..Options::default()
    };
    for (there, back) in [("400", "800"), ("800", "400")] {
        let carried = |rate: &str| rate.parse::<f64>().unwrap();
        let first = at(base(), there, carried(there));
        let second = at(same.clone(), back, carried(back));
        let found = pair(&first, &second, &options);
        assert_eq!(found.exit_code, 0);
        assert_eq!(standings(&found), []);
        for metric in ["throughput", "start-rate"] {
            let metric: Metric = metric.parse().unwrap();
            let rows = &found.candidates[0].rows;
            let row = rows.iter().find(|row| row.metric == metric).unwrap();
            assert_eq!(row.verdict, MetricVerdict::NoVerdict);
            assert!(!row.primary && row.change.is_some() && row.reason.is_some());
        }
    }
    // Nor where it is the same and was carried, though somebody wants to decide by it.
    let throughput = Options {
        primary: vec![Metric::Throughput],
        strict: true,
        ..Options::default()
    };
    let found = pair(&base(), &faster(5), &throughput);
    assert_eq!((found.outcome, found.exit_code), (ComparisonOutcome::NoVerdict, 4));
    // At another rate, what did not complete of the arrivals is.
    let first = at(base(), "400", 400.0);
    let mut second = at(same, "800", 720.0);
    instead(&mut second, 0.1, LOST[1].1);
    let found = pair(&first, &second, &options);
    assert_eq!(standings(&found), [("error-ratio", GuardStanding::Worse)]);
}

#[test]
fn guards_stand_in_every_form() {
    let mut other = faster(5);
    instead(&mut other, 0.025, LOST[1].1);
    for run in &mut other {
        run.verdict = testing::verdict(VerdictValue::Overloaded);
        run.outcome.thresholds[0].name = "<b>\u{1b}[31m".into();
    }
    let mut baseline = base();
    for run in &mut baseline {
        run.outcome.thresholds[0].name = "<b>\u{1b}[31m".into();
        run.outcome.thresholds[0].met = false;
    }
    let found = pair(&baseline, &other, &Options::default());
    let text = render_terminal(&found, Style::PLAIN);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for part in [
        "guard worse",
        "error-ratio: ",
        "0 of 5 runs against 5 of 5 runs OVERLOADED",
        "REGRESSED   2 guards, ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let markdown = render_markdown(&found);
    assert!(markdown.starts_with("**REGRESSED** — 2 guards, ") && markdown.contains("- **Guard worse**: error-ratio"));
    let page = report::comparison_html::<Results>(&found, &[]);
    assert!(page.contains("Guard worse: ") && page.contains("OVERLOADED"), "{page}");
    for text in [text, markdown, page] {
        assert!(!text.contains("<b>\u{1b}") && !text.contains("\u{1b}[31m"), "{text}");
    }
}

#[test]
fn one_overloaded_run_of_several_makes_the_other_side_no_better() {
    let overloaded = |mut runs: Vec<Results>, count: usize| {
        for run in runs.iter_mut().take(count) {
            run.verdict.value = VerdictValue::Overloaded;
        }
        runs
    };
    let standing_of = |count: usize| {
        let comparison = pair(&overloaded(base(), count), &base_again(), &Options::default());
        standings(&comparison)
            .into_iter()
            .find(|(name, _)| *name == "verdict")
            .map(|(_, standing)| standing)
    };
    assert_eq!(standing_of(1), None);
    assert_eq!(standing_of(3), Some(GuardStanding::Better));
    let back = pair(&base_again(), &overloaded(base(), 1), &Options::default());
    assert_eq!(standings(&back), [("verdict", GuardStanding::Worse)]);
}

/// The runs of the baseline once more, in turn with them.
fn base_again() -> Vec<Results> {
    in_turn(
        "again",
        &[
            (399.0, 9.9, 52.0),
            (399.4, 10.0, 50.5),
            (398.8, 9.7, 53.0),
            (399.2, 10.1, 51.5),
            (399.1, 9.8, 52.8),
        ],
    )
}
