//! The page of a comparison: of all its runs, whichever side they are of.

use benchmark_results::{Histogram, Results, schema::Latency, testing};

use super::markup::{Page, parse_page};
use crate::{
    compare::{Comparison, Options, Pairing, RunFile, Side, compare},
    report::{Named, RUNS, comparison_html},
};

/// Latencies of 1 ms to 6 s evenly, so many times as long.
fn latency(times: f64) -> Latency {
    let mut histogram = Histogram::new();
    (1..=6_000).for_each(|n| histogram.record_micros((f64::from(n) * 1_000.0 * times) as i64));
    histogram.to_latency()
}

/// Runs of a side, of which each is so many times as slow as another.
fn runs(name: &str, minute: usize, times: &[f64]) -> Vec<Results> {
    let run = |(index, times): (usize, &f64)| {
        let mut results = testing::valid();
        results.run.id = format!("{name}-{index}");
        results.run.started_at = format!("2026-11-20T1{}:{:02}:00Z", index / 6, minute + index % 6 * 10);
        let measure = &mut results.phases.measure;
        // All that was accepted completed.
        measure.ledger = testing::short().phases.measure.ledger;
        measure.latencies.e2e_response.completed = latency(*times);
        measure.latencies.start_response.accepted = latency(*times);
        results
    };
    times.iter().enumerate().map(run).collect()
}

fn side<'a>(name: &str, runs: &'a [Results]) -> Side<'a> {
    let file = |results: &'a Results| RunFile {
        name: &results.run.id,
        results,
    };
    Side {
        name: name.into(),
        runs: runs.iter().map(file).collect(),
    }
}

/// The comparison of sides, the first of which is the baseline, and its page.
fn compared(sides: &[(&str, &[Results])], pairing: Pairing) -> (Comparison, String) {
    let given: Vec<Side> = sides.iter().map(|(name, runs)| side(name, runs)).collect();
    let options = Options {
        pairing,
        ..Options::default()
    };
    let comparison = compare(&given[0], &given[1..], &options).unwrap();
    let all = sides.iter().flat_map(|(_, runs)| runs.iter());
    let named: Vec<Named<&Results>> = all
        .map(|results| Named {
            name: results.run.id.clone(),
            results,
        })
        .collect();
    let page = comparison_html(&comparison, &named);
    (comparison, page)
}

fn sound(page: &str) -> Page {
    let parsed = parse_page(page);
    parsed.check("a comparison");
    parsed
}

/// The table below a plot: cells row by row.
fn table_of(page: &str, id: &str) -> Vec<Vec<String>> {
    let figure = page.split(&format!("id=\"{id}\"")).nth(1).unwrap();
    let body = figure
        .split("<tbody>")
        .nth(1)
        .unwrap()
        .split("</tbody>")
        .next()
        .unwrap();
    let cells = |row: &str| {
        row.split("<td>")
            .skip(1)
            .map(|cell| cell.split("</td>").next().unwrap().to_owned())
            .collect()
    };
    body.split("<tr>").skip(1).map(cells).collect()
}

const STEADY: [f64; 5] = [0.99, 1.01, 1.0, 1.005, 0.995];
const SLOWER: [f64; 5] = [1.19, 1.21, 1.2, 1.205, 1.195];

#[test]
fn both_sides_are_drawn_however_many_runs_there_are() {
    let times = [1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01, 0.99];
    let (base, new) = (runs("base", 0, &times), runs("new", 5, &times));
    let (_, page) = compared(&[("old", &base), ("next", &new)], Pairing::Auto);
    let parsed = sound(&page);
    assert_eq!(
        parsed.text.matches("old: base-").count(),
        parsed.text.matches("next: new-").count()
    );
    for drawn in 0..RUNS / 2 {
        assert!(
            parsed.text.contains(&format!("old: base-{drawn}")) && parsed.text.contains(&format!("next: new-{drawn}"))
        );
    }
    assert!(!parsed.text.contains("old: base-4"));
    assert!(
        parsed
            .text
            .contains("Below stand 8 runs, the first of each side in turn, and not 10 more runs")
    );
    // Runs of a side have its colour.
    let heading = |name: &str| {
        page.split(&format!("</svg>{name}"))
            .next()
            .unwrap()
            .rsplit("<svg class=\"")
            .next()
            .unwrap()[..2]
            .to_owned()
    };
    assert_eq!([heading("old: base-0"), heading("old: base-3")], ["c0", "c0"]);
    assert_eq!([heading("next: new-0"), heading("next: new-3")], ["c1", "c1"]);
    // Two metrics, and every run of both sides in each.
    assert_eq!(page.matches("<circle class=\"dot\"").count(), 2 * 2 * times.len());
}

#[test]
fn the_curve_is_shifted_by_what_the_runs_differ() {
    let (base, new) = (runs("base", 0, &STEADY), runs("new", 5, &SLOWER));
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Unpaired);
    sound(&page);
    for id in ["shift-end-to-end", "shift-start"] {
        let rows = table_of(&page, id);
        let quantiles: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(quantiles, ["p50", "p75", "p90", "p95", "p99", "p99.9"]);
        for row in &rows {
            let percent = |text: &str| -> f64 { text.trim_end_matches(" %").parse().unwrap() };
            assert!((percent(&row[3]) - 20.0).abs() < 0.5, "{row:?}");
            let (low, high) = row[4].trim_matches(['[', ']']).split_once(", ").unwrap();
            assert!(percent(low) > 18.0 && percent(high) < 22.0, "{row:?}");
        }
    }
    assert!(page.contains("span c1") && page.contains("The band is a 95 % interval at each quantile by itself"));
}

#[test]
fn turns_narrow_the_band_where_runs_drift() {
    let drift = [1.0, 1.2, 1.4, 1.6, 1.8];
    let slower = drift.map(|times| times * 1.1);
    let (base, new) = (runs("base", 0, &drift), runs("new", 5, &slower));
    let width = |pairing| {
        let (_, page) = compared(&[("base", &base), ("new", &new)], pairing);
        let row = table_of(&page, "shift-start").swap_remove(0);
        let (low, high) = row[4].trim_matches(['[', ']']).split_once(", ").unwrap();
        let percent = |text: &str| -> f64 { text.trim_end_matches(" %").parse().unwrap() };
        percent(high) - percent(low)
    };
    assert!(width(Pairing::Paired) < 1.0 && width(Pairing::Unpaired) > 20.0);
}

#[test]
fn a_single_run_has_no_band_and_the_page_says_so() {
    let (base, new) = (runs("base", 0, &STEADY[..1]), runs("new", 5, &SLOWER));
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Auto);
    let parsed = sound(&page);
    assert!(
        parsed
            .text
            .contains("There is no band: a single run says nothing of how much runs differ")
    );
    assert!(table_of(&page, "shift-start").iter().all(|row| row[4] == "-"));
}

#[test]
fn what_did_not_complete_is_beyond_on_the_strip_and_ends_the_curve() {
    let (base, mut new) = (runs("base", 0, &STEADY), runs("new", 5, &STEADY));
    for run in &mut new {
        let ledger = &mut run.phases.measure.ledger;
        *ledger = benchmark_results::Ledger {
            arrivals: 6_300,
            dispatched: 6_300,
            accepted: 6_300,
            completed: 6_000,
            timed_out: 300,
            ..benchmark_results::Ledger::default()
        };
    }
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Auto);
    let parsed = sound(&page);
    assert_eq!(
        parsed.text.matches("  beyond").count(),
        5,
        "e2e p99 of each run of the new side"
    );
    let rows = table_of(&page, "shift-end-to-end");
    let told: Vec<bool> = rows.iter().map(|row| row[3] != "-").collect();
    assert_eq!(told, [true, true, true, true, false, false], "{rows:?}");
    assert!(table_of(&page, "shift-start").iter().all(|row| row[3] != "-"));
}

#[test]
fn several_candidates_have_a_colour_a_strip_and_a_shift_each() {
    let sides =
        [("base", &STEADY), ("two", &SLOWER), ("three", &STEADY)].map(|(name, times)| (name, runs(name, 0, times)));
    let sides: Vec<(&str, &[Results])> = sides.iter().map(|(name, runs)| (*name, runs.as_slice())).collect();
    let (_, page) = compared(&sides, Pairing::Unpaired);
    sound(&page);
    assert_eq!(page.matches("<circle class=\"dot\"").count(), 2 * 3 * 5);
    assert_eq!(table_of(&page, "shift-start")[0].len(), 2 + 2 * 3);
    for class in ["span c1", "span c2", "strip c0", "strip c1", "strip c2"] {
        assert!(page.contains(class), "{class}");
    }
}

#[test]
fn an_odd_run_is_marked_in_strip_and_table() {
    let (base, new) = (runs("base", 0, &STEADY), runs("new", 5, &[1.19, 1.21, 2.4, 1.2, 1.205]));
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Unpaired);
    let parsed = sound(&page);
    assert_eq!(
        page.matches("<circle class=\"dot odd\"").count(),
        2,
        "one of each metric"
    );
    assert_eq!(page.matches("<circle class=\"dot\"").count(), 2 * 9);
    assert!(parsed.text.contains("three median absolute deviations) is hollow"));
    let odd = page
        .split("Values of the runs")
        .nth(1)
        .unwrap()
        .split("new-2")
        .nth(1)
        .unwrap()
        .split("</tr>")
        .next()
        .unwrap();
    assert_eq!(odd.matches("s (odd)").count(), 2, "{odd}");
}

#[test]
fn what_runs_warn_of_and_that_nothing_was_judged_is_said() {
    let (mut base, new) = (runs("base", 0, &STEADY[..1]), runs("new", 5, &SLOWER[..1]));
    base[0].verdict.checks[0].status = benchmark_results::schema::CheckStatus::Warning;
    base[0].verdict.checks[0].value = "<b>odd</b>".into();
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Auto);
    let parsed = sound(&page);
    let top = parsed.text.split("The runs").next().unwrap();
    assert!(
        top.contains("none of the primary metrics could be judged, so this is no pass"),
        "{top}"
    );
    assert!(
        top.contains("1 warning of the runs") && top.contains("<b>odd</b>"),
        "{top}"
    );
}

#[test]
fn rows_that_decide_nothing_have_other_words_and_no_colour() {
    let (base, new) = (runs("base", 0, &STEADY), runs("new", 5, &SLOWER));
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Auto);
    let exploratory = page
        .split("<summary>Exploratory")
        .nth(1)
        .unwrap()
        .split("</details>")
        .next()
        .unwrap();
    assert!(
        exploratory.contains("▲ higher") && exploratory.contains("= alike"),
        "{exploratory}"
    );
    for word in ["tag", "better", "worse", "improved", "regressed", "same"] {
        assert!(!exploratory.contains(word), "{word}");
    }
}

#[test]
fn the_page_of_a_comparison_as_text() {
    let (base, new) = (runs("base", 0, &STEADY), runs("new", 5, &SLOWER));
    let (_, page) = compared(&[("base", &base), ("new", &new)], Pairing::Auto);
    let outline = sound(&page).outline();
    let comparison = outline.split("\n## Checks").next().unwrap();
    insta::assert_snapshot!("page_comparison", comparison);
}
