//! Folders of runs, as tables.

use std::{fs, sync::LazyLock};

use benchmark_results::{
    Results, file,
    schema::{Fact, VerdictValue},
    testing,
};
use benchmark_scenarios::Plan;

use super::*;

/// A run of the day, with these figures.
fn run(day: usize, throughput: f64, e2e_p99: f64) -> Results {
    static SHORT: LazyLock<Results> = LazyLock::new(testing::short);
    let mut results = SHORT.clone();
    results.run.id = format!("01k3-run-{day:02}");
    results.run.started_at = format!("2026-11-{day:02}T10:00:00Z");
    results.run.version = if day < 15 { "0.1.0".into() } else { "0.2.0".into() };
    let measure = &mut results.phases.measure;
    measure.completion_rate = Some(throughput);
    // Only what a row shows: a file would have it in its histogram as well.
    measure.latencies.e2e_response.completed.p99 = Some(e2e_p99);
    measure.latencies.start_response.accepted.p99 = Some(9.9);
    results
}

fn with_plan(mut results: Results, change: impl FnOnce(&mut Plan)) -> Results {
    change(&mut results.plan);
    results.plan_hash = results.plan.hash();
    results
}

fn of(results: &[Results]) -> History {
    let runs: Vec<RunRow> = results
        .iter()
        .map(|results| {
            let path = Path::new("runs").join(&results.run.id).join("results.json");
            RunRow::new(results, &path).unwrap()
        })
        .collect();
    History {
        folder: "runs".into(),
        read: runs.len(),
        series: series::of(runs),
        unread: Vec::new(),
    }
}

/// Twenty-eight runs; from the 15th on, e2e p99 is 17 % longer.
fn month() -> Vec<Results> {
    (1..=28)
        .map(|day| {
            let wobble = [0.3, -0.8, 0.1, 0.9, -0.4, 0.0, -0.6][day % 7] / 100.0;
            let p99 = if day < 15 { 52.0 } else { 61.0 };
            run(day, 25.0 * (1.0 - wobble / 4.0), p99 * (1.0 + wobble))
        })
        .collect()
}

/// No line is wider than a terminal, and colour changes nothing but colour.
fn shown(history: &History) -> String {
    let plain = history.render(Style::PLAIN);
    for line in plain.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert_eq!(line, line.trim_end());
    }
    let mut colored = history.render(Style::COLOR);
    for code in [
        "\u{1b}[0m",
        "\u{1b}[1;32m",
        "\u{1b}[1;33m",
        "\u{1b}[1;31m",
        "\u{1b}[32m",
    ] {
        colored = colored.replace(code, "");
    }
    assert_eq!(colored, plain);
    plain
}

#[test]
fn a_month_in_which_something_changed() {
    let history = of(&month());
    let [change] = &history.series[0].changes[..] else {
        panic!("{:?}", history.series[0].changes);
    };
    assert_eq!(
        (change.metric, change.run.as_str(), change.last_before.as_str()),
        (HistoryMetric::E2eP99, "01k3-run-15", "01k3-run-14")
    );
    assert_eq!((change.runs_before, change.runs_after), (14, 14));
    assert!((change.change - (61.0 / 52.0 - 1.0)).abs() < 0.002);
    assert!(change.interval.unwrap().contains(61.0 / 52.0 - 1.0));
    insta::assert_snapshot!("month", shown(&history));
    insta::assert_snapshot!(
        "month_csv",
        history
            .to_csv()
            .lines()
            .filter(|line| !line.contains("-2"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let json: serde_json::Value = serde_json::from_str(&history.to_json().unwrap()).unwrap();
    assert_eq!(json["series"][0]["runs"].as_array().unwrap().len(), 28);
    assert_eq!(json["series"][0]["changes"][0]["metric"], "e2eP99");
    assert_eq!(json["series"][0]["runs"][0]["startedAt"], "2026-11-01T10:00:00Z");
}

/// A month of runs of which each is made from its day; the latencies of days from `from` on are 17 % longer.
fn regressed_from(from: usize, change: impl Fn(usize, &mut Results)) -> History {
    let mut runs = month();
    for (day, results) in (1..).zip(&mut runs) {
        let e2e = &mut results.phases.measure.latencies.e2e_response.completed;
        let p99 = e2e.p99.unwrap() / if day < 15 { 52.0 } else { 61.0 };
        e2e.p99 = Some(p99 * if day < from { 52.0 } else { 61.0 });
        change(day, results);
    }
    of(&runs)
}

fn looked(history: &History, metric: HistoryMetric) -> Option<(usize, bool)> {
    let looked = history.series[0].looked.iter();
    looked
        .filter(|looked| looked.metric == metric)
        .map(|looked| (looked.values, looked.enough))
        .next()
}

#[test]
fn a_figure_that_few_runs_have_was_not_looked_at() {
    let history = regressed_from(99, |day, results| {
        if day > 12 {
            results.phases.measure.latencies.e2e_response.completed.p99 = None;
        }
    });
    assert_eq!(looked(&history, HistoryMetric::E2eP99), Some((12, false)));
    assert_eq!(looked(&history, HistoryMetric::StartP99), Some((28, true)));
    assert_eq!(
        looked(&history, HistoryMetric::Throughput),
        None,
        "it is what was asked for"
    );
    let text = shown(&history);
    assert!(
        text.contains("none in start p99, errors, overloaded (28 runs)"),
        "{text}"
    );
    assert!(
        text.contains("not looked for, for want of 15 runs, in e2e p99 (12 of 28 runs)"),
        "{text}"
    );
    assert!(history.is_looked_at() && !history.is_worse());
}

#[test]
fn latencies_are_those_of_valid_runs() {
    // Every fifth run is OVERLOADED, ten times as slow, and carries less.
    let history = regressed_from(99, |day, results| {
        if day % 5 == 0 {
            results.verdict.value = VerdictValue::Overloaded;
            results.phases.measure.completion_rate = Some(20.0);
            results.phases.measure.latencies.e2e_response.completed.p99 = Some(900.0);
        }
    });
    assert_eq!(looked(&history, HistoryMetric::E2eP99), Some((23, true)));
    assert_eq!(looked(&history, HistoryMetric::Throughput), Some((28, true)));
    assert_eq!(history.series[0].changes, []);
    let text = shown(&history);
    assert!(text.contains("e2e p99 (23 VALID of 28 runs)"), "{text}");
    assert!(text.contains("52ms to 52ms"), "the trend is theirs too: {text}");
}

#[test]
fn a_cluster_that_carries_the_load_no_more_is_a_change() {
    let history = regressed_from(99, |day, results| {
        if day > 23 {
            results.verdict.value = VerdictValue::Overloaded;
            results.phases.measure.completion_rate = Some(20.0);
            let ledger = &mut results.phases.measure.ledger;
            ledger.completed = ledger.arrivals * 99 / 100;
            ledger.failed = ledger.arrivals - ledger.completed;
        }
    });
    let found: Vec<(HistoryMetric, bool, &str)> = history.series[0]
        .changes
        .iter()
        .map(|change| (change.metric, change.worse, change.run.as_str()))
        .collect();
    let expected = [
        HistoryMetric::ErrorRatio,
        HistoryMetric::Overloaded,
        HistoryMetric::Throughput,
    ];
    assert_eq!(found, expected.map(|metric| (metric, true, "01k3-run-24")));
    assert!(history.is_worse());
    insta::assert_snapshot!(
        "no_more",
        shown(&history).lines().skip(34).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn a_place_that_is_not_sure_is_told_as_a_range() {
    let history = regressed_from(26, |_, _| {});
    let [change] = &history.series[0].changes[..] else {
        panic!("{:?}", history.series[0].changes);
    };
    assert_eq!((change.run.as_str(), change.range_runs), ("01k3-run-26", 1));
    // The run before lies between the levels: it may be the first one after the change as well as the last one before.
    let history = regressed_from(26, |day, results| {
        let e2e = &mut results.phases.measure.latencies.e2e_response.completed;
        e2e.p99 = if day == 25 { Some(56.3) } else { e2e.p99 };
    });
    let [change] = &history.series[0].changes[..] else {
        panic!("{:?}", history.series[0].changes);
    };
    let (first, last) = (change.range.0.as_str(), change.range.1.as_str());
    assert!(
        first <= "01k3-run-26" && "01k3-run-26" <= last && change.range_runs > 1,
        "{change:?}"
    );
    assert!(change.last_before.as_str() < first);
    let text = shown(&history).replace("\n             ", " ");
    let told = format!("one of {} runs, {first} to {last}", change.range_runs);
    assert!(text.contains(&told), "{text}");
    let csv = history.to_csv();
    assert_eq!(csv.matches(",e2e p99?,").count(), change.range_runs, "{csv}");
}

#[test]
fn what_was_made_good_is_worse_no_more() {
    let mended = regressed_from(9, |day, results| {
        if day >= 18 {
            let e2e = &mut results.phases.measure.latencies.e2e_response.completed;
            e2e.p99 = e2e.p99.map(|p99| p99 * 52.0 / 61.0);
        }
    });
    let worse: Vec<bool> = mended.series[0].changes.iter().map(|change| change.worse).collect();
    assert_eq!(worse, [true, false]);
    assert!(!mended.is_worse());
    assert!(regressed_from(9, |_, _| {}).is_worse());
}

#[test]
fn a_change_that_a_comparison_would_not_tell_is_none() {
    // 2 % are less than the margin, and so is half a millisecond.
    for factor in [1.02, 1.09] {
        let runs: Vec<Results> = (1..=28)
            .map(|day| run(day, 25.0, if day < 15 { 5.0 } else { 5.0 * factor }))
            .collect();
        assert_eq!(of(&runs).series[0].changes, [], "{factor}");
    }
    // One workflow less is no change of what is asked for.
    let runs: Vec<Results> = (1..=28)
        .map(|day| run(day, if day < 15 { 25.0 } else { 24.9 }, 52.0))
        .collect();
    assert_eq!(of(&runs).series[0].changes, []);
}

#[test]
fn another_program_another_draw_and_other_limits_are_no_other_series() {
    let history = regressed_from(15, |day, results| {
        // Another program knows other keys, and so hashes the same plan to something else.
        if day >= 15 {
            results.plan_hash = serde_json::from_value(serde_json::json!("ab".repeat(32))).unwrap();
            results.plan.load.seed = 7;
            results.plan.thresholds.max_p99_latency = std::time::Duration::from_secs(9);
            results.environment.host.memory_bytes = Fact::found(16_802_000_000, "sysinfo");
        } else {
            results.environment.host.memory_bytes = Fact::found(16_804_000_000, "sysinfo");
        }
    });
    assert_eq!(history.series.len(), 1, "15.648 and 15.650 GiB are one machine");
    let change = &history.series[0].changes[0];
    assert_eq!(change.seeds, Some((1, 7)));
    assert_eq!(change.versions, ("0.1.0".into(), "0.2.0".into()));
    let text = shown(&history).replace("\n             ", " ");
    assert!(text.contains("seed 1 -> 7, another draw of the load"), "{text}");
    let larger = regressed_from(99, |day, results| {
        let gib = if day < 15 { 16 } else { 32 };
        results.environment.host.memory_bytes = Fact::found(gib << 30, "sysinfo");
    });
    assert_eq!(larger.series.len(), 2);
}

#[test]
fn other_plans_and_environments_are_other_series() {
    let mut runs: Vec<Results> = (1..=4).map(|day| run(day, 25.0, 52.0)).collect();
    runs.push(with_plan(run(5, 40.0, 55.0), |plan| {
        plan.load.rate = "40".parse().unwrap();
        plan.workers.count = 4;
    }));
    let mut newer = run(6, 25.0, 50.0);
    newer.environment.server.version = Fact::found("1.30.0".into(), "GetSystemInfo");
    runs.push(newer);
    let mut other = with_plan(run(7, 25.0, 50.0), |plan| {
        plan.load.rate = "40".parse().unwrap();
        plan.workers.count = 4;
    });
    other.environment.host.cores = Fact::found(16, "affinity");
    other.verdict.value = VerdictValue::Overloaded;
    runs.push(other);
    let mut invalid = run(8, 3.0, 9_000.0);
    invalid.verdict.value = VerdictValue::Invalid;
    runs.push(invalid);
    let mut partial = run(9, 3.0, 9_000.0);
    partial.complete = false;
    runs.push(partial);
    let history = of(&runs);
    let numbers: Vec<usize> = history.series.iter().map(|series| series.runs.len()).collect();
    assert_eq!(numbers, [6, 1, 1, 1]);
    assert_eq!(
        history.series[3].differs.as_ref().unwrap().from,
        2,
        "the one that it is most like"
    );
    insta::assert_snapshot!("series", shown(&history));
}

#[test]
fn neither_invalid_nor_unfinished_runs_make_a_change() {
    let mut runs: Vec<Results> = month().into_iter().take(14).collect();
    runs.extend((15..=28).map(|day| {
        let mut results = run(day, 3.0, 9_000.0);
        match day % 3 {
            0 => results.verdict.value = VerdictValue::Invalid,
            1 => results.complete = false,
            _ => results.run.interrupted_by = Some("SIGINT".into()),
        }
        results
    }));
    runs.push(run(29, 25.0, 52.0));
    let history = of(&runs);
    assert_eq!(history.series[0].counted().count(), 15);
    assert!(history.series[0].changes.is_empty());
}

#[test]
fn a_folder_is_read_with_what_is_wrong_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, results) in [
        ("a/results.json", testing::valid()),
        ("b/c/results.json", testing::short()),
    ] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        file::write_atomically(&at(name), &results).unwrap();
    }
    fs::copy(at("a/results.json"), at("copy.json")).unwrap();
    let text = fs::read_to_string(at("a/results.json")).unwrap();
    // At a place that does not depend on how well its histograms were deflated.
    let (half, _) = text.split_once("\"phases\"").unwrap();
    fs::write(at("cut.json"), half).unwrap();
    fs::write(at("empty.json"), "").unwrap();
    fs::write(at("package.json"), "{\"name\": \"other\"}").unwrap();
    fs::write(at("notes.txt"), "nothing").unwrap();
    fs::write(at(".results.json.1.part"), "{").unwrap();
    fs::create_dir_all(at(".hidden")).unwrap();
    fs::write(at(".hidden/results.json"), "{").unwrap();
    let deep = at("1/2/3/4/5/6/7/8/9");
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("results.json"), "{").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), at("b/back")).unwrap();

    let mut history = history(folder.path(), &Filter::default()).unwrap();
    assert_eq!(history.read, 1, "the runs of the fixtures have one id and one instant");
    let reasons: Vec<String> = history
        .unread
        .iter()
        .map(|unread| {
            format!(
                "{} {}",
                unread.path.strip_prefix(folder.path()).unwrap().display(),
                unread.reason
            )
        })
        .collect();
    assert_eq!(reasons.len(), 6, "{reasons:#?}");
    history.folder = "runs".into();
    for unread in &mut history.unread {
        unread.path = Path::new("runs").join(unread.path.strip_prefix(folder.path()).unwrap());
        unread.reason = unread.reason.replace(&folder.path().display().to_string(), "runs");
    }
    insta::assert_snapshot!("folder", shown(&history));
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = history(Path::new("no/such/folder"), &Filter::default()).unwrap_err();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

#[test]
fn nothing_is_a_history_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut history = history(folder.path(), &Filter::default()).unwrap();
    history.folder = "runs".into();
    assert_eq!(shown(&history), "HISTORY   0 runs in 0 series under runs\n");
    assert_eq!(history.to_csv().lines().count(), 1);
}

#[test]
fn filters_take_what_they_say() {
    let history = of(&month());
    let runs = &history.series[0].runs;
    let taken = |filter: Filter| filter.taken(runs.clone()).len();
    let all = Filter::default();
    assert_eq!(taken(all.clone()), 28);
    let with = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    };
    assert_eq!(taken(with(|f| f.version = Some("0.2".into()))), 14);
    assert_eq!(taken(with(|f| f.version = Some("0.2.0".into()))), 14);
    assert_eq!(taken(with(|f| f.version = Some("0".into()))), 28);
    assert_eq!(taken(with(|f| f.version = Some("0.2.01".into()))), 0);
    assert_eq!(taken(with(|f| f.verdict = Some(VerdictValue::Invalid))), 0);
    assert_eq!(taken(with(|f| f.since = Some(parse_since("2026-11-21").unwrap()))), 8);
    assert_eq!(
        taken(with(|f| f.since = Some(parse_since("2026-11-28T10:00:01Z").unwrap()))),
        0
    );
    assert_eq!(taken(with(|f| f.workload = Some("timer".into()))), 0);
    assert_eq!(taken(with(|f| f.workload = Some("simple".into()))), 28);
    let plan = Some(runs[0].plan_hash[..6].to_uppercase());
    assert_eq!(taken(Filter { plan, ..all }), 28);
    assert_eq!(taken(with(|f| f.plan = Some("none".into()))), 0);
}

#[test]
fn texts_of_filters_are_read() {
    assert!(parse_since("yesterday").unwrap_err().to_string().contains("2026-11-20"));
    assert_eq!(
        parse_since("2026-11-20").unwrap(),
        parse_since("2026-11-20T00:00:00Z").unwrap()
    );
    assert_eq!(parse_verdict("Overloaded"), Ok(VerdictValue::Overloaded));
    assert!(parse_verdict("good").is_err());
}
