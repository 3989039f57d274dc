//! The commands that work from results files alone: the program itself, on stored files and on copies of them.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use benchmark_analysis::compare::{NoiseProfile, RunFile};
use benchmark_prometheus::Tool;
use benchmark_results::{
    Histogram, Results, file,
    schema::{
        FigureMethod,
        FigureUnit::{Count, Milliseconds, PerSecond, PerWorkflow, Ratio},
        ServerFigure, ServerFigures, VerdictValue,
    },
};
use tempfile::TempDir;

/// Stored files: a real run of 30 s, one that is too short for p99, and one that is INVALID.
const REAL: &str = "before-the-fleet.json";
const SHORT: &str = "short.json";
const FLEET: &str = "fleet.json";
const INVALID: &str = "before-an-iteration.json";

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../results/tests/files/v1")
        .join(name)
}

/// A folder with results, and the program in it with an empty environment.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// A copy of a stored file as it is.
    fn copy(&self, from: &str, to: &str) {
        std::fs::create_dir_all(self.path(to).parent().unwrap()).unwrap();
        std::fs::copy(stored(from), self.path(to)).unwrap();
    }

    /// A copy of the real run that is another run: its own id and time, and what else is changed.
    fn run(&self, name: &str, number: u32, change: impl FnOnce(&mut Results)) {
        let mut results = file::read(&stored(REAL)).unwrap();
        results.run.id = format!("1ng8n{number:02}-lucid-panda");
        results.run.started_at = format!("2026-11-23T15:{number:02}:00Z");
        results.run.finished_at = Some(format!("2026-11-23T15:{number:02}:31Z"));
        change(&mut results);
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), file::to_json(&results).unwrap()).unwrap();
    }

    /// Several runs of one kind, `NAME1.json` and on, whose latencies differ a little between them.
    fn runs(&self, name: &str, first: u32, step: u32, latency: f64) -> Vec<String> {
        let spread = [0.99, 1.01, 1.0, 0.995, 1.005];
        (0..)
            .zip(spread)
            .map(|(index, factor)| {
                let file = format!("{name}{}.json", index + 1);
                self.run(&file, first + index * step, |results| {
                    stretch(results, latency * factor);
                });
                file
            })
            .collect()
    }

    fn run_benchmark(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("run-benchmark").unwrap();
        command
            .env_clear()
            .current_dir(self.0.path())
            .env("HOME", self.0.path().join("home"))
            .args(arguments);
        command.output().unwrap()
    }

    /// What it prints on stdout when all is well. A pipe gets no colour.
    fn prints(&self, arguments: &[&str]) -> String {
        self.ends(0, arguments).0
    }

    /// Stdout and stderr of a command with this exit code.
    fn ends(&self, code: i32, arguments: &[&str]) -> (String, String) {
        let output = self.run_benchmark(arguments);
        let (out, err) = (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        );
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{out}\n{err}");
        assert!(
            !out.contains('\u{1b}') && !err.contains('\u{1b}'),
            "colour in a pipe: {arguments:?}"
        );
        (out, err)
    }

    /// What it says of a command that cannot be done: one line, and exit code 2.
    fn refuses(&self, arguments: &[&str]) -> String {
        let (out, err) = self.ends(2, arguments);
        assert_eq!(out, "", "{arguments:?}");
        assert!(
            err.starts_with("error: ") && err.lines().count() == 1,
            "{arguments:?}: {err}"
        );
        err
    }

    /// The lines that say why runs are not compared.
    fn not_compared(&self, arguments: &[&str]) -> Vec<String> {
        let (out, err) = self.ends(3, arguments);
        assert_eq!(out, "", "{arguments:?}");
        let mut lines = err.lines();
        assert_eq!(lines.next(), Some("these runs are not compared"));
        lines.map(|line| line.trim_start().to_owned()).collect()
    }
}

/// Makes the latencies of the measured phase so many times as long.
fn stretch(results: &mut Results, factor: f64) {
    let latencies = &mut results.phases.measure.latencies;
    for latency in [
        &mut latencies.start_service.accepted,
        &mut latencies.start_response.accepted,
        &mut latencies.e2e_service.completed,
        &mut latencies.e2e_response.completed,
    ] {
        let mut stretched = Histogram::new();
        for (ms, count) in Histogram::decode(&latency.histogram).unwrap().recorded() {
            for _ in 0..count {
                stretched.record_micros((ms * 1000.0 * factor) as i64);
            }
        }
        *latency = stretched.to_latency();
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn arguments<'a>(parts: &[&'a [&'a str]]) -> Vec<&'a str> {
    parts.concat()
}

fn texts(files: &[String]) -> Vec<&str> {
    files.iter().map(String::as_str).collect()
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn a_run_is_shown_again_by_file_folder_or_id() {
    let place = Place::new();
    place.copy(REAL, "runs/1ng8n2j-lucid-panda/results.json");
    for run in [
        "runs/1ng8n2j-lucid-panda/results.json",
        "runs/1ng8n2j-lucid-panda",
        "1ng8n2j-lucid-panda",
    ] {
        let text = place.prints(&["show", run]);
        assert!(text.starts_with("VALID   "), "{text}");
        assert!(text.contains("717 arrivals   = 717 dispatched + 0 dropped"), "{text}");
        assert!(text.contains("runs/1ng8n2j-lucid-panda/results.json"), "{text}");
        assert!(widest(&text) <= 80, "{text}");
    }
    // A verdict is what is shown, and no failure of the command.
    let text = place.prints(&["show", stored(INVALID).to_str().unwrap()]);
    assert!(text.starts_with("INVALID "), "{text}");
}

#[test]
fn what_is_no_results_file_ends_with_one_line() {
    let place = Place::new();
    let whole = std::fs::read_to_string(stored(REAL)).unwrap();
    let newer = whole.replacen("\"schemaVersion\": 1", "\"schemaVersion\": 99", 1);
    assert_ne!(whole, newer);
    for (name, text, expected) in [
        (
            "truncated.json",
            &whole[..whole.len() / 2],
            "truncated.json is cut off at line ",
        ),
        ("empty.json", "", "empty.json is empty: "),
        (
            "foreign.json",
            "{\"name\": \"x\"}",
            "foreign.json is not a results file of run-benchmark",
        ),
        ("text.json", "verdict: fine\n", "text.json is not JSON: "),
        (
            "newer.json",
            newer.as_str(),
            "newer.json was written by a newer program: schema version 99, this program reads up to 1",
        ),
        (
            "negative.json",
            &whole.replacen("\"arrivals\": 717", "\"arrivals\": -1", 1),
            "negative.json is damaged",
        ),
        ("deep.json", &"[".repeat(100_000), "deep.json "),
    ] {
        std::fs::write(place.path(name), text).unwrap();
        place.copy(REAL, "sound.json");
        let commands: [&[&str]; 6] = [
            &["show", name],
            &["report", name],
            &["export", name, "--format", "csv"],
            &["compare", "sound.json", name],
            &["compare", "sound.json", "--against", name],
            &["compare", "--baseline", name, "sound.json"],
        ];
        for command in commands {
            let said = place.refuses(command);
            assert!(said.starts_with(&format!("error: {expected}")), "{said}");
        }
    }
    let said = place.refuses(&["show", "no-such-run"]);
    assert!(said.starts_with("error: no-such-run cannot be read: "), "{said}");
    std::fs::create_dir(place.path("folder")).unwrap();
    let said = place.refuses(&["show", "folder"]);
    assert!(said.starts_with("error: folder is a folder and no file: "), "{said}");
    assert!(!place.path("report.html").exists());
}

#[test]
fn a_history_has_a_row_for_each_run() {
    let place = Place::new();
    for number in 1..=3 {
        place.run(&format!("runs/r{number}/results.json"), number, |results| {
            stretch(results, 1.0 + f64::from(number) / 100.0);
        });
    }
    place.copy(INVALID, "runs/other/results.json");
    std::fs::write(place.path("runs/r1/broken.json"), "{").unwrap();
    let text = place.prints(&["history"]);
    assert!(text.contains("broken.json"), "{text}");
    assert!(text.matches("VALID").count() >= 3 && text.contains("INVALID"), "{text}");
    assert!(widest(&text) <= 80, "{text}");
    assert_eq!(text, place.prints(&["history", "runs"]));

    let csv = place.prints(&["history", "runs", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 5, "a line of names, and one a run: {csv}");
    let all = json(&place.prints(&["history", "--format", "json"]));
    assert_eq!(all["read"], 4);
    assert_eq!(all["series"].as_array().unwrap().len(), 2);
    assert_eq!(all["unread"].as_array().unwrap().len(), 1);

    let rows = |filter: &[&str]| {
        let line = arguments(&[&["history", "--format", "csv"], filter]);
        place.prints(&line).lines().count() - 1
    };
    for (filter, expected) in [
        (["--verdict", "valid"], 3),
        (["--verdict", "INVALID"], 1),
        (["--plan", "decb58"], 3),
        (["--plan", "000000"], 0),
        (["--program-version", "0.1"], 4),
        (["--program-version", "9"], 0),
        (["--since", "2026-11-23"], 3),
        (["--since", "2026-11-23T15:02:00Z"], 2),
        (["--workflow-type", "simple"], 4),
        (["--workflow-type", "timer"], 0),
    ] {
        assert_eq!(rows(&filter), expected, "{filter:?}");
    }
    for (filter, expected) in [
        (
            ["--verdict", "good"],
            "error: --verdict \"good\" is no verdict: valid, overloaded or invalid",
        ),
        (
            ["--since", "yesterday"],
            "error: --since \"yesterday\" is no instant: write a day, as in 2026-11-20",
        ),
    ] {
        let said = place.refuses(&arguments(&[&["history"], &filter]));
        assert!(said.starts_with(expected), "{said}");
    }
    let said = place.refuses(&["history", "nowhere"]);
    assert!(said.starts_with("error: the folder nowhere cannot be read: "), "{said}");
}

#[test]
fn a_history_fails_on_a_change_for_the_worse() {
    let place = Place::new();
    let fails = ["history", "--fail-on-change"];
    for number in 1..=14 {
        place.run(&format!("runs/r{number}/results.json"), number, |results| {
            stretch(results, 1.0 + f64::from(number % 3) / 200.0);
        });
    }
    let (text, note) = place.ends(0, &fails);
    assert!(text.contains("not looked for, for want of 15 runs"), "{text}");
    assert!(note.contains("no change was looked for"), "{note}");
    for number in 15..=20 {
        place.run(&format!("runs/r{number}/results.json"), number, |results| {
            stretch(results, if number < 18 { 1.0 } else { 1.5 });
            // What another program wrote of the same plan.
            results.plan_hash = serde_json::from_value("ab".repeat(32).into()).unwrap();
            results.run.version = "0.2.0".into();
        });
    }
    let (text, note) = place.ends(1, &fails);
    assert!(text.contains("in 1 series") && text.contains("▲ regressed"), "{text}");
    assert_eq!(note, "");
    // Without the flag it is told and no failure.
    assert_eq!(place.prints(&["history"]), text);
    assert_eq!(place.prints(&["history", "--plan", "abab"]), text);
    let since = place.ends(0, &["history", "--fail-on-change", "--since", "2026-11-23T15:18:00Z"]);
    assert!(since.1.contains("no change was looked for"), "{}", since.1);
    let all = json(&place.ends(1, &["history", "--fail-on-change", "--format", "json"]).0);
    let series = &all["series"][0];
    assert_eq!(series["looked"][0]["values"], 20);
    assert_eq!(series["changes"][0]["worse"], true);
}

#[test]
fn new_runs_are_compared_with_the_latest_of_their_series() {
    let place = Place::new();
    for number in 1..=12 {
        place.run(&format!("runs/r{number}/results.json"), number, |results| {
            // The first ones are far off: they are not among the latest.
            stretch(
                results,
                if number < 5 { 3.0 } else { 1.0 } + f64::from(number % 3) / 100.0,
            );
        });
    }
    // New ones that lie in the folder themselves.
    let new: Vec<String> = (13..=16).map(|number| format!("runs/r{number}/results.json")).collect();
    for (number, file) in (13..).zip(&new) {
        place.run(file, number, |results| {
            stretch(results, 1.5 + f64::from(number % 3) / 100.0)
        });
    }
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let against = ["--against-history", "runs", "--last", "8"];
    let (text, note) = place.ends(1, &arguments(&[&["compare"], &new, &against]));
    assert!(text.contains("REGRESSED"), "{text}");
    assert!(
        note.contains("latest 8 of 12 runs of their series under runs, 1ng8n05-lucid-panda to 1ng8n12-lucid-panda"),
        "{note}"
    );
    // The series is refused as any other side.
    place.run("newer.json", 20, |results| results.run.version = "0.2.0".into());
    let (_, said) = place.ends(3, &["compare", "newer.json", "--against-history", "runs"]);
    assert!(
        said.contains("these runs are not compared") && said.contains("program.version"),
        "{said}"
    );

    place.run("runs/other/results.json", 30, |results| {
        results.plan.load.rate = "61".parse().unwrap()
    });
    let said = place.refuses(&["compare", "runs/other/results.json", "--against-history", "runs"]);
    assert!(said.contains("has 0 runs of the series of 1ng8n30"), "{said}");
    for (wrong, expected) in [
        (&["--against-history", "nowhere"][..], "nowhere cannot be read"),
        (&["--against-history", "runs", "--last", "1"], "--last 1"),
        (&["--against-history", "runs", "--last", "101"], "--last 101"),
    ] {
        let said = place.refuses(&arguments(&[&["compare", "newer.json"], wrong]));
        assert!(said.contains(expected), "{said}");
    }
    for (wrong, expected) in [
        (&["--last", "5"][..], "--against-history"),
        (&["--against-history", "runs", "--paired", "yes"], "--paired"),
    ] {
        let (_, said) = place.ends(2, &arguments(&[&["compare", "newer.json"], wrong]));
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_report_lies_beside_its_first_run() {
    let place = Place::new();
    place.copy(REAL, "runs/first/results.json");
    place.copy(SHORT, "second.json");
    let (out, err) = place.ends(0, &["report", "first"]);
    assert_eq!(
        (out.as_str(), err.as_str()),
        ("", "written to runs/first/report.html\n")
    );
    let page = place.text("runs/first/report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("1ng8n2j-lucid-panda"));
    // A report is made anew whenever it is asked for.
    place.prints(&["report", "first"]);
    assert_eq!(page, place.prints(&["report", "first", "--output", "-"]));

    place.prints(&["report", "first", "second.json", "--output", "both.html"]);
    let both = place.text("both.html");
    assert!(both.contains("1ng8n2j-lucid-panda") && both.contains("second"));

    let markdown = place.prints(&["report", "first", "--format", "markdown"]);
    assert!(markdown.contains("VALID") && !markdown.contains('<'), "{markdown}");

    let (_, err) = place.ends(0, &["report", "first", "--svg", "plots", "--output", "page.html"]);
    assert_eq!(err, "10 plots in plots\nwritten to page.html\n");
    let plots: Vec<PathBuf> = std::fs::read_dir(place.path("plots"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(plots.len(), 10);
    for plot in plots {
        let text = std::fs::read_to_string(&plot).unwrap();
        assert!(text.contains("<svg") && text.trim_end().ends_with("</svg>"), "{plot:?}");
    }
    place.prints(&["report", "first", "second.json", "--svg", "all", "--output", "-"]);
    assert!(place.path("all/second/rates.svg").is_file());

    let said = place.refuses(&["report", "first", "--output", "no/such/folder/page.html"]);
    assert!(
        said.starts_with("error: no/such/folder/page.html cannot be written: "),
        "{said}"
    );
}

#[test]
fn a_run_is_exported_for_other_tools() {
    let place = Place::new();
    place.copy(REAL, "results.json");
    let csv = place.prints(&["export", "results.json", "--format", "csv"]);
    let names = csv.lines().next().unwrap();
    assert!(names.contains("completed"), "{names}");
    let columns = names.split(',').count();
    assert!(csv.lines().count() > 24 && csv.lines().all(|line| line.split(',').count() == columns));

    let log = place.prints(&["export", "results.json", "--format", "hlog"]);
    assert!(log.starts_with("#[") && log.contains("HISTFAAAA"), "{}", &log[..200]);
    let metrics = place.prints(&["export", "results.json", "--format", "prom"]);
    assert!(metrics.starts_with("# HELP benchmark_run_info "), "{metrics}");

    let (out, err) = place.ends(
        0,
        &["export", "results.json", "--format", "csv", "--output", "windows.csv"],
    );
    assert_eq!((out.as_str(), err.as_str()), ("", "written to windows.csv\n"));
    assert_eq!(place.text("windows.csv"), csv);
    let (_, err) = place.ends(
        2,
        &["export", "results.json", "--format", "csv", "--output", "windows.csv"],
    );
    assert!(
        err.starts_with("error: windows.csv is there already and is not overwritten"),
        "{err}"
    );
    let said = place.refuses(&["export", "results.json", "--format", "xml"]);
    assert_eq!(
        said,
        "error: --format \"xml\" is no format to export: csv, hlog, prom or openmetrics\n"
    );
    let (_, err) = place.ends(2, &["export", "results.json"]);
    assert!(err.starts_with("error: ") && err.contains("--format"), "{err}");
}

/// Has a promtool judge a text: its exit must be 0 without a word to stderr.
fn promtool(arguments: &[&str], text: &str, place: &Place) -> String {
    let mut promtool = Command::new(Tool::Promtool.path());
    let told = promtool
        .args(arguments)
        .current_dir(place.0.path())
        .write_stdin(text)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.is_empty(), "{said}\n{text}");
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn a_real_promtool_takes_both_exports_of_figures() {
    let place = Place::new();
    for name in [SHORT, FLEET, INVALID] {
        place.copy(name, name);
    }
    place.run(REAL, 1, |results| {
        let units = [PerSecond, PerWorkflow, Milliseconds, Ratio, Count];
        let figures = units.map(|unit| ServerFigure {
            name: "figure".into(),
            labels: [("operation".to_owned(), "a \"quoted\" one".to_owned())].into(),
            value: Some(12.5),
            unit,
            query: String::new(),
            source: String::new(),
            reason: None,
        });
        results.server_figures = vec![ServerFigures {
            iteration: 1,
            started_at: results.run.started_at.clone(),
            seconds: 24.0,
            method: FigureMethod::Pages,
            problems: Vec::new(),
            figures: figures.into(),
        }];
    });
    for stored in [REAL, SHORT, FLEET, INVALID] {
        let plain = place.prints(&["export", stored, "--format", "prom"]);
        assert_eq!(promtool(&["check", "metrics"], &plain, &place), "", "{stored}");
        let open = place.prints(&["export", stored, "--format", "openmetrics"]);
        std::fs::write(place.path("open.txt"), &open).unwrap();
        let blocks = promtool(
            &[
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "open.txt",
                stored.trim_end_matches(".json"),
            ],
            "",
            &place,
        );
        let samples = plain.lines().filter(|line| !line.starts_with('#')).count();
        let row: Vec<_> = blocks.lines().nth(1).unwrap().split_whitespace().collect();
        assert!(
            row.contains(&samples.to_string().as_str()),
            "{samples} of {stored}: {blocks}"
        );
    }
}

#[test]
fn two_single_runs_get_no_verdict_without_a_noise_profile() {
    let place = Place::new();
    place.run("base.json", 1, |_| {});
    place.run("new.json", 2, |results| stretch(results, 1.5));
    // Nobody reads the first line of a pipe, so the exit code says it too.
    let (text, loud) = place.ends(4, &["compare", "base.json", "new.json"]);
    let warning = "NO VERDICT: none of the primary metrics could be judged, so this is no pass";
    assert_eq!(text.lines().next(), Some(warning));
    assert_eq!(loud, format!("{warning}\n"));
    let (markdown, _) = place.ends(4, &["compare", "base.json", "new.json", "--format", "markdown"]);
    assert!(markdown.starts_with(&format!("**{warning}**")), "{markdown}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for expected in ["throughput", "e2e response p99", "no verdict", "run-benchmark noise"] {
        assert!(words.contains(expected), "{expected}: {text}");
    }
    assert!(widest(&text) <= 80, "{text}");
}

#[test]
fn single_runs_get_a_verdict_from_the_noise_that_was_measured() {
    let place = Place::new();
    let runs: Vec<(String, Results)> = place
        .runs("noise", 21, 1, 1.0)
        .into_iter()
        .map(|name| (name.clone(), file::read(&place.path(&name)).unwrap()))
        .collect();
    let runs: Vec<RunFile> = runs.iter().map(|(name, results)| RunFile { name, results }).collect();
    let profile = NoiseProfile::of(&runs).unwrap();
    profile.store(&place.path("noise.json")).unwrap();
    place.run("base.json", 1, |_| {});
    place.run("new.json", 2, |results| stretch(results, 1.5));
    let given = ["compare", "base.json", "new.json", "--noise", "noise.json"];
    let (text, _) = place.ends(1, &given);
    assert!(
        text.contains("regressed") && text.contains("A/A spread of this plan"),
        "{text}"
    );
    assert!(widest(&text) <= 80, "{text}");
    // The one that was stored for this plan and environment is found.
    let folder = place.path("home/.local/share/run-benchmark/noise");
    std::fs::create_dir_all(&folder).unwrap();
    profile.store(&folder.join(format!("{}.json", profile.key()))).unwrap();
    let found = place.ends(1, &given[..3]).0;
    let until_noise = |text: &str| text.split("\nnoise ").next().unwrap().to_owned();
    assert_eq!(until_noise(&text), until_noise(&found));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text).contains("noise.json: 5 runs, 1 seed"), "{text}");
    assert!(
        words(&found).contains(&format!("{}.json: 5 runs, 1 seed", profile.key())),
        "{found}"
    );
    assert!(widest(&found) <= 80, "{found}");
    // Several runs a side tell themselves how much they differ.
    let (several, others) = (place.runs("several", 31, 1, 1.0), place.runs("others", 41, 1, 1.0));
    let line = [
        &["compare".to_owned()],
        &several[..],
        &["--against".to_owned()],
        &others[..],
    ]
    .concat();
    assert!(!place.prints(&texts(&line)).contains("A/A spread"));
    let asked = [&line[..], &["--noise".to_owned(), "noise.json".to_owned()]].concat();
    assert!(place.prints(&texts(&asked)).contains("A/A spread"));
    // One that a full disk cut off is told and left out: it is nobody's error here.
    let stored = folder.join(format!("{}.json", profile.key()));
    let whole = std::fs::read(&stored).unwrap();
    std::fs::write(&stored, &whole[..whole.len() / 2]).unwrap();
    let (without, said) = place.ends(4, &given[..3]);
    assert!(
        without.contains("no verdict") && said.starts_with("note: left out, "),
        "{said}"
    );
    // One that was named is.
    let cut_off = stored.display().to_string();
    let said = place.refuses(&["compare", "base.json", "new.json", "--noise", &cut_off]);
    assert!(said.contains("is no noise profile"), "{said}");
    // One of another seed does not fit, and is nobody's error either.
    let of_another_seed = String::from_utf8(whole.clone())
        .unwrap()
        .replace("\"plan.load.seed\": \"1\"", "\"plan.load.seed\": \"2\"");
    std::fs::write(&stored, of_another_seed).unwrap();
    let (_, said) = place.ends(4, &given[..3]);
    assert!(
        said.starts_with("note: left out, ") && said.contains("plan.load.seed was 2 there and is 1 here"),
        "{said}"
    );
    std::fs::write(&stored, &whole).unwrap();
    // A profile of something else is refused.
    for name in ["base.json", "new.json"] {
        place.run(name, if name == "base.json" { 1 } else { 2 }, |results| {
            results.environment.host.cores.value = Some(8);
        });
    }
    let said = place.not_compared(&given);
    assert!(
        said.len() == 1 && said[0].contains("host.cores was 2 there and is 8 here"),
        "{said:?}"
    );
}

#[test]
fn a_noise_profile_is_made_of_runs_that_are_there() {
    let place = Place::new();
    let mut line = vec!["noise".to_owned(), "--from".to_owned()];
    line.extend(place.runs("run", 21, 1, 1.0));
    let (text, said) = place.ends(0, &texts(&line));
    assert!(
        text.contains("spread between 5 runs of one plan") && text.contains("of one session"),
        "{text}"
    );
    assert!(said.contains("noise profile in "), "{said}");
    // compare finds it.
    place.run("base.json", 1, |_| {});
    place.run("new.json", 2, |results| stretch(results, 1.5));
    let (found, _) = place.ends(1, &["compare", "base.json", "new.json"]);
    assert!(found.contains("A/A spread of this plan"), "{found}");
    // A run of another day says what one session cannot, and dates it.
    place.run("later.json", 40, |results| {
        results.run.started_at = "2026-11-24T09:00:00Z".into();
    });
    line.push("later.json".to_owned());
    let (text, said) = place.ends(0, &texts(&line));
    assert!(text.contains("6 runs") && !text.contains("session"), "{text}");
    let path = said
        .split_once("noise profile in ")
        .unwrap()
        .1
        .split(';')
        .next()
        .unwrap();
    assert_eq!(
        NoiseProfile::load(Path::new(path)).unwrap().measured_at,
        "2026-11-24T09:00:00Z"
    );
    // The same checks as of runs that are made for it.
    place.copy(INVALID, "invalid.json");
    line.push("invalid.json".to_owned());
    let (_, said) = place.ends(2, &texts(&line));
    assert!(
        said.contains("these runs make no noise profile") && said.contains("INVALID"),
        "{said}"
    );
    let said = place.refuses(&["noise", "--from", "run1.json", "run2.json"]);
    assert!(said.contains("at least 3 runs"), "{said}");
    let (_, said) = place.ends(2, &["noise", "--from", "run1.json", "--rate", "5"]);
    assert!(said.contains("--from"), "{said}");
}

fn texts_of(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn groups_get_a_verdict() {
    let place = Place::new();
    let base = place.runs("base", 1, 1, 1.0);
    let worse = place.runs("worse", 11, 1, 1.3);
    let better = place.runs("better", 21, 1, 0.7);
    let line = |first: &[String], second: &[String], rest: &[&'static str]| -> Vec<String> {
        let parts = [&["compare".to_owned()], first, &["--against".to_owned()], second];
        let rest = rest.iter().map(|text| (*text).to_owned());
        parts.concat().into_iter().chain(rest).collect()
    };
    let (text, _) = place.ends(1, &texts(&line(&base, &worse, &[])));
    assert!(text.contains("regressed") && text.contains("+30"), "{text}");
    assert!(widest(&text) <= 80, "{text}");
    place.ends(0, &texts(&line(&base, &better, &[])));
    // Options after the runs of the second side are options.
    place.ends(1, &texts(&line(&base, &worse, &["--strict"])));
    let found = json(&place.ends(1, &texts(&line(&base, &worse, &["--format", "json"]))).0);
    assert_eq!(
        (&found["outcome"], &found["exitCode"]),
        (&"regressed".into(), &1.into())
    );
    assert_eq!(found["candidates"][0]["side"]["runs"].as_array().unwrap().len(), 5);

    // What differs by less than the margin does not differ, and what does not decide fails nothing, though it says so.
    for margin in ["40%", "1%,1m", "e2e-response-p99=50%"] {
        let rest = ["--margin", margin, "--primary", "e2e-response-p99"];
        place.ends(0, &texts(&line(&base, &worse, &rest)));
    }
    place.ends(4, &texts(&line(&base, &worse, &["--primary", "throughput"])));

    // A gate asks another question: what may be 30 % worse, and is proven to be no more than that, passes.
    let gate = |second: &[String], limit| {
        texts_of(place.run_benchmark(&texts(&line(&base, second, &["--at-most-worse", limit]))))
    };
    let (code, text) = gate(&worse, "40%");
    assert!(
        code == Some(0) && text.contains("AT MOST 40 % WORSE") && text.contains("proven for 2 of 2 primary metrics"),
        "{text}"
    );
    let (code, text) = gate(&worse, "10%");
    assert!(code == Some(1) && text.contains("MORE THAN 10 % WORSE"), "{text}");
    let (code, text) = gate(&worse, "30%");
    assert!(code == Some(4) && text.contains("OPEN: AT MOST 30 % WORSE?"), "{text}");
    let (code, text) = gate(&better, "1%");
    assert!(code == Some(0) && text.contains("not worse: within 1 %"), "{text}");

    let (markdown, _) = place.ends(1, &texts(&line(&base, &worse, &["--format", "markdown"])));
    assert!(markdown.contains("| throughput |"), "{markdown}");
    let (page, _) = place.ends(1, &texts(&line(&base, &worse, &["--format", "html"])));
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("id=\"comparison\""));
}

#[test]
fn runs_that_took_turns_are_paired() {
    let place = Place::new();
    // A B, B A, A B, B A, A B.
    let turn = |name: &str, minutes: [u32; 5]| -> Vec<String> {
        let run = |(number, minute): (u32, u32)| {
            let file = format!("{name}{number}.json");
            place.run(&file, minute, |results| {
                stretch(results, 1.0 + f64::from(number) * 0.005)
            });
            file
        };
        (1..).zip(minutes).map(run).collect()
    };
    let (a, b) = (turn("a", [1, 4, 5, 8, 9]), turn("b", [2, 3, 6, 7, 10]));
    let (a, b) = (texts(&a), texts(&b));
    let compare = |rest: &[&str]| {
        let line = arguments(&[&["compare"], &a, &["--against"], &b, &["--format", "json"], rest]);
        json(&place.prints(&line))
    };
    let turns = compare(&[]);
    assert_eq!(turns["candidates"][0]["arrangement"], "turns");
    assert_eq!(turns["candidates"][0]["pairs"][1]["baselineFirst"], false);
    assert_eq!(compare(&["--paired", "no"])["candidates"][0]["arrangement"], "groups");
    let said = place.refuses(&["compare", "a1.json", "b1.json", "--paired", "yes"]);
    assert!(
        said.starts_with("error: pairs need as many runs on either side, at least 2"),
        "{said}"
    );
}

#[test]
fn several_are_compared_with_one_baseline() {
    let place = Place::new();
    for (number, name) in (1..).zip(["base.json", "r1.json", "r2.json"]) {
        place.run(name, number, |results| stretch(results, 1.0 + f64::from(number) / 10.0));
    }
    let line = ["compare", "--baseline", "base.json", "r1.json", "r2.json"];
    let (text, _) = place.ends(4, &line);
    assert!(text.contains("r1") && text.contains("r2"), "{text}");
    let found = json(&place.ends(4, &arguments(&[&line, &["--format", "json"]])).0);
    assert_eq!(found["baseline"]["name"], "base");
    assert_eq!(found["candidates"].as_array().unwrap().len(), 2);
}

#[test]
fn unlike_runs_are_not_compared_unless_it_is_said() {
    let place = Place::new();
    place.run("base.json", 1, |_| {});
    place.run("new.json", 2, |results| {
        results.environment.server.history_shards.value = Some(4);
        results.environment.host.cores.value = Some(8);
    });
    let said = place.not_compared(&["compare", "base.json", "new.json"]);
    assert_eq!(
        said,
        [
            "host.cores is 2 against 8: name it with --factor host.cores if that is what you compare, or accept it \
             with --allow host.cores",
            "server.historyShards is 1 against 4: name it with --factor server.historyShards if that is what you \
             compare, or accept it with --allow server.historyShards",
        ]
    );
    let factor = ["compare", "base.json", "new.json", "--factor", "server.historyShards"];
    assert_eq!(place.not_compared(&factor).len(), 1);
    let (text, _) = place.ends(4, &arguments(&[&factor, &["--allow", "host"]]));
    assert!(
        text.contains("differs on purpose") && text.contains("differs besides"),
        "{text}"
    );
    let said = place.not_compared(
        &[
            "compare",
            "base.json",
            "new.json",
            "--allow",
            "host",
            "--allow",
            "server",
        ]
        .iter()
        .chain(&["--factor", "plan.load.rate"])
        .copied()
        .collect::<Vec<_>>(),
    );
    assert!(said[0].starts_with("nothing under plan.load.rate differs"), "{said:?}");
}

#[test]
fn many_differences_are_a_list_with_one_advice() {
    let place = Place::new();
    place.copy(SHORT, "short.json");
    place.copy(FLEET, "fleet.json");
    let said = place.not_compared(&["compare", "short.json", "fleet.json"]);
    assert!(
        said[0].starts_with("short.json and fleet.json are the same run"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("they differ in ") && said[1].ends_with(" keys:"),
        "{said:?}"
    );
    assert!(said.contains(&"plan.load.rate  25.0 -> 400.0".to_owned()), "{said:?}");
    let advice = said.iter().filter(|line| line.contains("--allow")).count();
    assert_eq!(advice, 2, "{said:?}");
}

#[test]
fn what_is_no_measurement_is_not_compared() {
    let place = Place::new();
    place.run("base.json", 1, |_| {});
    place.run("invalid.json", 2, |results| {
        results.verdict.value = VerdictValue::Invalid;
        results.verdict.headline = "the generator fell behind".to_owned();
    });
    place.run("running.json", 3, |results| results.complete = false);
    let said = place.not_compared(&["compare", "base.json", "invalid.json"]);
    assert!(
        said.len() == 1 && said[0].starts_with("invalid.json is INVALID (the generator fell behind)"),
        "{said:?}"
    );
    let said = place.not_compared(&["compare", "base.json", "running.json"]);
    assert!(
        said.len() == 1 && said[0].starts_with("running.json is not complete"),
        "{said:?}"
    );
    let said = place.not_compared(&["compare", "base.json", "base.json"]);
    assert!(said.len() == 1 && said[0].contains("are the same run"), "{said:?}");
}

#[test]
fn a_question_that_makes_no_sense_is_a_usage_error() {
    let place = Place::new();
    place.run("a.json", 1, |_| {});
    place.run("b.json", 2, |_| {});
    for margin in ["-3%", "0", "NaN", "inf", "60%", "much", ""] {
        let said = place.refuses(&["compare", "a.json", "b.json", "--margin", margin]);
        assert!(said.starts_with("error: --margin "), "{said}");
        let said = place.refuses(&["compare", "a.json", "b.json", "--at-most-worse", margin]);
        assert!(said.starts_with("error: --at-most-worse "), "{said}");
    }
    let said = place.refuses(&["compare", "a.json", "b.json", "--margin", "p99=3%"]);
    assert!(said.starts_with("error: --margin: \"p99\" is no metric: "), "{said}");
    let said = place.refuses(&["compare", "a.json", "b.json", "--primary", "p99"]);
    assert!(
        said.starts_with("error: --primary: \"p99\" is no metric: throughput, "),
        "{said}"
    );
    let said = place.refuses(&["compare", "a.json", "b.json", "--noise", "a.json"]);
    assert!(said.starts_with("error: a.json is no noise profile: "), "{said}");
    for line in [
        &["compare"] as &[&str],
        &["compare", "a.json"],
        &["compare", "a.json", "b.json", "a.json"],
        &["compare", "a.json", "b.json", "--nonsense"],
        &["compare", "a.json", "--against", "b.json", "--nonsense"],
        &["compare", "--baseline", "a.json"],
        &["compare", "--baseline", "a.json", "b.json", "--against", "b.json"],
        &["compare", "a.json", "b.json", "--format", "pdf"],
        &["report"],
        &["report", "a.json", "--format", "pdf"],
        &["show", "a.json", "--nonsense"],
        &["ab", "--a", "rate=5", "--b", "rate=5"],
        &["ab", "--a", "rat=5", "--b", "rate=6"],
        &["ab", "--a", "rate", "--b", "rate=6"],
        &["ab", "--a", "rate=5", "--b", "rate=6", "--runs", "1"],
        &["noise", "--output", "x.json"],
    ] {
        let (out, err) = place.ends(2, line);
        assert!(out.is_empty() && err.starts_with("error: "), "{line:?}: {err}");
    }
}
