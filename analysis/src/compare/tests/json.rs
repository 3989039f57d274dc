//! The JSON form has what the texts have: what a person can read, a program can.

use benchmark_results::{Results, schema::MachineUse, summary::Style};
use serde_json::Value;

use super::runs::{FACTOR, base, named, runs, side, tuned};
use crate::compare::{
    Comparison, Margins, NoiseProfile, Options, Pairing, compare, render_markdown, render_terminal, to_json,
};

fn json(comparison: &Comparison) -> Value {
    serde_json::from_str(&to_json(comparison).unwrap()).unwrap()
}

/// Numbers of a JSON value, and the lengths of its lists, which texts count; and its texts.
fn collect(value: &Value, numbers: &mut Vec<f64>, texts: &mut String) {
    match value {
        Value::Number(number) => numbers.extend(number.as_f64()),
        Value::String(text) => *texts += &format!("{text}\n"),
        Value::Array(values) => {
            numbers.push(values.len() as f64);
            values.iter().for_each(|value| collect(value, numbers, texts));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            *texts += &format!("{key}\n");
            collect(value, numbers, texts);
        }),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Figures of a text of three digits and more, which no other figure is by chance: `52.30` of `+52.30 %`.
fn figures(text: &str) -> Vec<String> {
    let of_numbers = |c: char| !(c.is_ascii_digit() || c == '.' || c == ',');
    let words = text
        .split(of_numbers)
        .map(|word| word.trim_matches(['.', ',']).replace(',', ""));
    words
        .filter(|word| word.bytes().filter(u8::is_ascii_digit).count() >= 3)
        .collect()
}

/// Whether a figure is one of the numbers, as a share, a percentage, seconds, milliseconds or microseconds.
fn is_told(figure: &str, numbers: &[f64]) -> bool {
    let decimals = figure.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let scaled = |number: f64| [1.0, 100.0, 1e3, 1e-3].map(|scale| (number * scale).abs());
    // A confidence is told as a percentage, and a factor as one more than the change.
    let all = numbers
        .iter()
        .flat_map(|number| scaled(*number).into_iter().chain([number + 1.0]));
    let mut texts = all.map(|number| format!("{number:.decimals$}"));
    texts.any(|text| text == figure)
}

fn check(comparison: &Comparison) {
    let (mut numbers, mut texts) = (Vec::new(), String::new());
    collect(&json(comparison), &mut numbers, &mut texts);
    for text in [render_terminal(comparison, Style::PLAIN), render_markdown(comparison)] {
        let figures = figures(&text);
        assert!(figures.len() > 20, "{text}");
        for figure in figures {
            assert!(
                figure == "0.001" || texts.contains(&figure) || is_told(&figure, &numbers),
                "{figure} is not in the JSON of\n{text}"
            );
        }
    }
}

/// Five against five of which one is odd, beside busy programs, with a gate and a margin in time.
fn groups() -> Comparison {
    let mut baseline = base();
    for run in &mut baseline {
        run.generator.machine.value = Some(MachineUse {
            others: 0.317,
            idle: 0.0,
        });
    }
    let other = runs(
        "new",
        60,
        10,
        &[
            (399.3, 8.1, 61.7),
            (399.1, 8.3, 60.2),
            (399.4, 7.9, 153.0),
            (399.2, 8.2, 59.9),
            (399.5, 8.0, 62.3),
        ],
    );
    let options = Options {
        pairing: Pairing::Unpaired,
        margins: Margins::read(["4.35%,1.7ms"]).unwrap(),
        at_most_worse: Some("12.3%".parse().unwrap()),
        ..Options::default()
    };
    compare(&side("base", &baseline), &[side("new", &other)], &options).unwrap()
}

/// In turn, with a noise profile and a difference on purpose.
fn turns() -> Comparison {
    let baseline = base();
    let options = Options {
        noise: vec![named(NoiseProfile::of(&side("base", &baseline).runs).unwrap())],
        factors: vec![FACTOR.to_owned()],
        ..Options::default()
    };
    compare(&side("base", &baseline), &[side("new", &tuned())], &options).unwrap()
}

/// Single runs: the error within them.
fn single() -> Comparison {
    let (baseline, other): (Vec<Results>, _) = (base(), runs("new", 60, 10, &[(399.0, 9.0, 57.3)]));
    compare(
        &side("base", &baseline[..1]),
        &[side("new", &other)],
        &Options::default(),
    )
    .unwrap()
}

#[test]
fn a_figure_is_told_by_its_number_and_by_no_other() {
    assert_eq!(figures("p99 +52.30 %, 6,000 of 7"), ["52.30", "6000"]);
    for figure in ["52.30", "0.523", "523"] {
        assert!(is_told(figure, &[0.523]), "{figure}");
    }
    assert!(!is_told("52.31", &[0.523]) && !is_told("524", &[0.523]));
}

#[test]
fn every_figure_of_the_texts_is_in_the_json() {
    for comparison in [groups(), turns(), single()] {
        check(&comparison);
    }
}

#[test]
fn what_the_figures_rest_on_is_in_the_json() {
    let told = json(&groups());
    let row = "/candidates/0/rows/1";
    for key in [
        "baselineValues/4",
        "baselineSamples/4",
        "samples/4",
        "absoluteChange",
        "interval/low",
        "equivalenceInterval/high",
        "confidence",
        "method",
        "p",
        "adjustedP",
        "equivalenceP",
        "margin/high",
        "askedMargin/share",
        "detectable",
        "odd/values/0",
        "odd/verdict",
        "verdict",
    ] {
        let value = told.pointer(&format!("{row}/{key}"));
        assert!(value.is_some_and(|value| !value.is_null()), "{key}: {value:?}");
    }
    for key in [
        "alpha",
        "outcome",
        "exitCode",
        "candidates/0/gate/standing",
        "candidates/0/resolution/change",
        "disturbed/0",
    ] {
        let value = told.pointer(&format!("/{key}"));
        assert!(value.is_some_and(|value| !value.is_null()), "{key}: {value:?}");
    }
    let asked = told.pointer(&format!("{row}/askedMargin")).unwrap();
    assert_eq!((&asked["share"], &asked["milliseconds"]), (&0.0435.into(), &1.7.into()));
    let turns = json(&turns());
    let pairs = turns["candidates"][0]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 5);
    assert_eq!(
        (&pairs[1]["baseline"], &pairs[1]["other"]),
        (&"base-1".into(), &"new-1".into())
    );
    assert_eq!(turns["noise"][0]["runs"], 5);
}

#[test]
fn what_the_runs_warn_of_is_in_the_json() {
    let (mut baseline, other) = (base(), tuned());
    baseline[2].verdict.checks[0].status = benchmark_results::schema::CheckStatus::Warning;
    let name = baseline[2].verdict.checks[0].name.clone();
    let options = Options {
        factors: vec![FACTOR.to_owned()],
        ..Options::default()
    };
    let comparison = compare(&side("base", &baseline), &[side("new", &other)], &options).unwrap();
    let warnings = json(&comparison)["baseline"]["warnings"].as_array().unwrap().clone();
    let said = |warning: &Value| {
        warning
            .as_str()
            .is_some_and(|text| text.contains("base-2") && text.contains(&name))
    };
    assert!(warnings.iter().any(said), "{warnings:?}");
}
