//! Each form is read back by a reader of its own.

use std::collections::{BTreeMap, BTreeSet};

use benchmark_results::{
    Histogram,
    format::BEYOND,
    schema::{FigureUnit, IntervalHistograms, VerdictValue},
    testing,
};
use hdrhistogram::serialization::{
    Deserializer,
    interval_log::{IntervalLogIterator, LogEntry},
};

use super::*;

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let error = "xml".parse::<Format>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"xml\" is no format to export: csv, hlog, prom or openmetrics"
    );
}

#[test]
fn every_window_is_a_line() {
    let mut results = testing::short();
    results.windows[1].completed = None;
    results.windows[1].e2e_p99 = Some(f64::NAN);
    let text = export(&results, Format::Csv).unwrap();
    insta::assert_snapshot!("csv", text.lines().take(4).collect::<Vec<_>>().join("\n"));
    let columns = text.lines().next().unwrap().split(',').count();
    assert!(text.lines().all(|line| line.split(',').count() == columns));
    assert_eq!(text.lines().count(), results.windows.len() + 1);
    let due: u64 = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(3).unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(due, results.windows.iter().map(|window| window.due).sum::<u64>());
}

fn histogram(samples: &[i64]) -> Histogram {
    let mut histogram = Histogram::new();
    samples.iter().for_each(|micros| histogram.record_micros(*micros));
    histogram
}

fn with_intervals() -> Results {
    let mut results = testing::iterations();
    results.iterations[1].started_at = "2026-11-20T10:05:10.25Z".into();
    results.intervals = (1..=2)
        .flat_map(|iteration| {
            (0..3).map(move |second| IntervalHistograms {
                iteration,
                start_seconds: second,
                seconds: 1,
                start_response: histogram(&[1_000 * i64::from(iteration), 2_000, 3_000_000]).encode(),
                e2e_response: histogram(&[17_000, second as i64]).encode(),
            })
        })
        .collect();
    results
}

/// Tag, time since the beginning of the run in milliseconds, length in milliseconds, largest value as it stands in the log,
/// and the histogram.
type Read = (String, u128, u128, f64, hdrhistogram::Histogram<u64>);

fn read_log(text: &str) -> Vec<Read> {
    IntervalLogIterator::new(text.as_bytes())
        .map(|entry| entry.unwrap())
        .filter_map(|entry| match entry {
            LogEntry::Interval(line) => {
                use base64::{Engine, engine::general_purpose::STANDARD};
                let bytes = STANDARD.decode(line.encoded_histogram()).unwrap();
                Some((
                    line.tag().unwrap().as_str().to_owned(),
                    line.start_timestamp().as_millis(),
                    line.duration().as_millis(),
                    line.max(),
                    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap(),
                ))
            }
            LogEntry::StartTime(time) | LogEntry::BaseTime(time) => {
                assert_eq!(time.as_secs(), 1_795_168_800, "2026-11-20T10:00:00Z");
                None
            }
        })
        .collect()
}

#[test]
fn the_interval_log_has_every_interval() {
    let results = with_intervals();
    let text = export(&results, Format::Hlog).unwrap();
    insta::assert_snapshot!(
        "hlog",
        text.lines()
            .take(8)
            .map(|line| line.split("HISTF").next().unwrap())
            .collect::<Vec<_>>()
            .join("\n")
    );
    let read = read_log(&text);
    assert_eq!(read.len(), 12);
    // Without a tag HistogramLogProcessor finds nothing, so the advice names them as they are.
    let advice = include_str!("../../../docs/comparing.md");
    assert!(read.iter().all(|(tag, ..)| advice.contains(&format!("`{tag}`"))));
    assert!(advice.contains("-tag e2e_response"));
    for (lines, interval) in read.chunks(2).zip(&results.intervals) {
        let offset = if interval.iteration == 2 { 310_250 } else { 0 };
        for ((tag, at, length, max, histogram), (name, text)) in lines.iter().zip([
            ("start_response", &interval.start_response),
            ("e2e_response", &interval.e2e_response),
        ]) {
            assert_eq!(tag, name);
            assert_eq!(*at, offset + u128::from(interval.start_seconds) * 1000);
            assert_eq!(*length, 1000);
            let stored = Histogram::decode(text).unwrap();
            assert_eq!(histogram, stored.inner());
            assert!((max - stored.max_ms().unwrap()).abs() < 0.002 * max, "milliseconds");
        }
    }
}

#[test]
fn a_log_that_cannot_be_made_says_why() {
    let mut results = with_intervals();
    results.intervals[4].e2e_response = "AAAA".into();
    let line = |results: &Results| export(results, Format::Hlog).unwrap_err().to_string();
    assert_eq!(
        line(&results),
        "interval 4 of the results file, e2e_response: the text is not an HdrHistogram V2 (deflated)"
    );
    results.run.started_at = "yesterday".into();
    assert_eq!(
        line(&results),
        "run.startedAt of the results file is no instant in RFC 3339"
    );
}

/// A strict reader of the part of Prometheus' text format that is written: families one after the other, HELP before TYPE,
/// of the kinds that its parser knows; samples of the family's names only; labels well-formed and not twice; finite values,
/// but of quantiles;
/// no other comment. Gives the samples.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let mut families = BTreeSet::new();
    let mut samples = BTreeMap::new();
    let mut family: Option<(String, String)> = None;
    let mut helped = String::new();
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let (keyword, rest) = rest.split_once(' ').unwrap();
            let (name, rest) = rest.split_once(' ').unwrap();
            match keyword {
                "TYPE" => {
                    assert_eq!(helped, name);
                    assert!(["counter", "gauge", "summary"].contains(&rest), "{line}");
                    assert!(families.insert(name.to_owned()), "{name} twice");
                    family = Some((name.to_owned(), rest.to_owned()));
                }
                "HELP" => {
                    assert!(rest.ends_with('.'), "{line}");
                    helped = name.to_owned();
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap();
        let (known, kind) = family.as_ref().unwrap();
        let suffixes: &[&str] = match kind.as_str() {
            "summary" => &["", "_count", "_sum"],
            _ => &[""],
        };
        assert!(
            suffixes.iter().any(|suffix| *name == format!("{known}{suffix}")),
            "{line}"
        );
        let names = label_names(labels.strip_suffix('}').unwrap());
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{line}");
        assert!(
            ["run_id", "plan", "workload"]
                .iter()
                .all(|name| names.iter().any(|n| n == name))
        );
        let value: f64 = value.parse().unwrap();
        assert!(
            value.is_finite() || value == BEYOND && series.contains("quantile="),
            "{line}"
        );
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} twice");
    }
    samples
}

fn label_names(mut labels: &str) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let (name, rest) = labels.split_once("=\"").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{name}");
        names.push(name.to_owned());
        let mut escaped = false;
        let end = rest
            .find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .unwrap();
        match rest[end + 1..].strip_prefix(',') {
            Some(more) => labels = more,
            None => {
                assert_eq!(&rest[end + 1..], "");
                return names;
            }
        }
    }
}

#[test]
fn the_headline_figures_are_prometheus_text() {
    let results = testing::valid();
    let text = export(&results, Format::Prom).unwrap();
    insta::assert_snapshot!("prom", text);
    let samples = parse(&text);
    let of = |beginning: &str, with: &str| {
        let found: Vec<f64> = samples
            .iter()
            .filter(|(series, _)| series.starts_with(beginning) && series.contains(with))
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(found.len(), 1, "{beginning} {with}");
        found[0]
    };
    let latency = &results.phases.measure.latencies.e2e_response.completed;
    assert_eq!(
        of("benchmark_run_e2e_response_seconds{", "quantile=\"0.99\""),
        latency.p99.unwrap() / 1000.0
    );
    assert_eq!(of("benchmark_run_e2e_response_seconds_count", ""), latency.count as f64);
    assert_eq!(
        of("benchmark_run_workflows", "end=\"completed\""),
        results.ledger.completed as f64
    );
}

/// What comes of a line in the other form, if it is one of ours.
fn as_openmetrics(line: &str) -> String {
    match line {
        "# TYPE benchmark_run_info gauge" => "# TYPE benchmark_run info".into(),
        "# TYPE benchmark_run_verdict gauge" => "# TYPE benchmark_run_verdict stateset".into(),
        _ if line.starts_with("# HELP benchmark_run_info ") => line.replace("_run_info ", "_run "),
        _ if line.starts_with('#') => line.to_owned(),
        // 2026-11-20T10:00:03Z, the end of the run.
        _ => line.replace(",verdict=", ",benchmark_run_verdict=") + " 1795168803",
    }
}

#[test]
fn as_openmetrics_they_are_the_same_at_the_end_of_the_run() {
    let mut results = testing::with_figures();
    results.run.finished_at = Some("2026-11-20T10:00:03Z".into());
    let plain = export(&results, Format::Prom).unwrap();
    let lines: Vec<_> = plain.lines().map(as_openmetrics).collect();
    assert_eq!(
        export(&results, Format::OpenMetrics).unwrap(),
        lines.join("\n") + "\n# EOF\n"
    );
}

#[test]
fn quantiles_among_what_did_not_complete_are_infinite() {
    let mut results = testing::valid();
    let ledger = &mut results.phases.measure.ledger;
    (ledger.completed, ledger.timed_out) = (ledger.completed - 1_000, ledger.timed_out + 1_000);
    let samples = parse(&export(&results, Format::Prom).unwrap());
    let of = |quantile: &str| {
        let label = format!("quantile=\"{quantile}\"");
        let found = samples
            .iter()
            .find(|(series, _)| series.contains("_e2e_response_") && series.contains(&label));
        *found.unwrap().1
    };
    assert!(of("0.5") < 1.0);
    assert_eq!([of("0.99"), of("0.999"), of("1")], [BEYOND; 3]);
    let starts = samples.iter().filter(|(series, _)| series.contains("_start_response_"));
    assert!(starts.clone().count() > 4 && starts.clone().all(|(_, value)| value.is_finite()));
}

#[test]
fn the_servers_figures_are_among_them() {
    let mut results = testing::with_figures();
    let mut slow = results.server_figures[0].figures[0].clone();
    slow.unit = FigureUnit::Milliseconds;
    slow.name = "frontend-start-p95".into();
    slow.labels = BTreeMap::from([("run_id".into(), "mine".into()), ("not a name".into(), "x".into())]);
    slow.value = Some(12.0);
    results.server_figures[0].figures.push(slow);
    let samples = parse(&export(&results, Format::Prom).unwrap());
    let of = |name: &str| -> Vec<(String, f64)> {
        let found = samples.iter().filter(|(series, _)| series.starts_with(name));
        found.map(|(series, value)| (series.clone(), *value)).collect()
    };
    let [(series, value)] = &of("benchmark_run_server_events_per_second{")[..] else {
        panic!("{samples:?}")
    };
    assert_eq!(*value, 12.5);
    for label in [
        "figure=\"exhausted-requests\"",
        "iteration=\"1\"",
        "resource_exhausted_cause=\"RpsLimit\"",
    ] {
        assert!(series.contains(label), "{series}");
    }
    let [(series, value)] = &of("benchmark_run_server_latency_seconds{")[..] else {
        panic!("{samples:?}")
    };
    assert_eq!((*value, series.matches("run_id=").count()), (0.012, 1), "{series}");
    // The one that could not be had is absent.
    assert!(samples.keys().all(|series| !series.contains("sql-pool")), "{samples:?}");
}

#[test]
fn whatever_a_run_was_it_is_prometheus_text() {
    let mut odd = testing::short();
    odd.run.id = "a \"quoted\\\nid} 1".into();
    for results in [odd, testing::empty(), testing::visibility_only(), testing::iterations()] {
        let invalid = results.verdict.value == VerdictValue::Invalid;
        let samples = parse(&export(&results, Format::Prom).unwrap());
        let has_rates = samples
            .keys()
            .any(|series| series.starts_with("benchmark_run_starts_per_second"));
        assert_eq!(has_rates, !invalid);
    }
}
