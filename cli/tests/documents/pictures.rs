//! The pictures in `docs/pictures`, of a real run that is stored: what `show` prints on a terminal, and a plot of its report.
//! `UPDATE_DOCS=1` writes them.

use std::{env, fmt::Write, fs, process::Command};

use crate::{RUN_ID, documents, place, root, run_benchmark};

const FONT: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace";
/// Width of a letter and height of a line at 14 px, and the space around the text, px.
const LETTER: f64 = 8.43;
const LINE: usize = 19;
const MARGIN: usize = 16;
const COLUMNS: usize = 80;

/// What the program prints on a terminal. `script` of util-linux gives it one.
fn on_a_terminal() -> String {
    let place = place();
    let program = env!("CARGO_BIN_EXE_run-benchmark");
    let output = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &format!("{program} show {RUN_ID}"),
            "/dev/null",
        ])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .env("HOME", place.path().join("home"))
        .current_dir(place.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("`script` of util-linux is on PATH");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text.replace("\r\n", "\n")
}

/// A text with colours as a terminal draws it.
fn drawn(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let (width, height) = (
        COLUMNS as f64 * LETTER + 2.0 * MARGIN as f64,
        lines.len() * LINE + 2 * MARGIN,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\">\
         <style>text{{font:14px {FONT};fill:#d8dee6;white-space:pre}}.c1{{font-weight:700}}.c2{{fill:#8b949e}}\
         .c31{{fill:#ff7b72}}.c32{{fill:#56d364}}.c33{{fill:#e3b341}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#161b22\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        if line.is_empty() {
            continue;
        }
        let y = MARGIN + number * LINE + 14;
        write!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">").unwrap();
        for (index, part) in line.split("\u{1b}[").enumerate() {
            let (codes, shown) = if index == 0 {
                ("0", part)
            } else {
                part.split_once('m').expect("only colours")
            };
            let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            match codes {
                _ if shown.is_empty() => {}
                "0" => svg.push_str(&shown),
                codes => {
                    let classes: Vec<String> = codes.split(';').map(|code| format!("c{code}")).collect();
                    write!(svg, "<tspan class=\"{}\">{shown}</tspan>", classes.join(" ")).unwrap();
                }
            }
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn compare(name: &str, picture: &str) {
    let file = root().join("docs/pictures").join(name);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, picture).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == picture,
        "docs/pictures/{name} is stale: UPDATE_DOCS=1 cargo test --workspace --test documents pictures"
    );
}

#[test]
fn the_terminal_shows_what_the_program_prints_at_the_end_of_a_run() {
    let text = on_a_terminal();
    compare("terminal.svg", &drawn(&text));
    let plain: String = text
        .split("\u{1b}[")
        .map(|part| part.split_once('m').map_or(part, |(_, rest)| rest))
        .collect();
    assert!(text.starts_with("\u{1b}[") && plain.starts_with("VALID"), "{plain}");
}

#[test]
fn the_heat_map_is_the_one_of_the_report() {
    let place = place();
    let made = run_benchmark(place.path())
        .args(["report", RUN_ID, "--svg", "plots"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let plot = fs::read_to_string(place.path().join("plots/heat-end-to-end.svg")).unwrap();
    compare("heat-map.svg", &plot);
}

#[test]
fn the_text_in_the_readme_is_of_the_same_run() {
    let place = place();
    let shown = run_benchmark(place.path()).args(["show", RUN_ID]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let (_, readme) = documents().into_iter().find(|(name, _)| name == "README.md").unwrap();
    let block = readme.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let other: Vec<&str> = block
        .lines()
        .filter(|line| !shown.lines().any(|shown| shown == *line))
        .collect();
    assert_eq!(other, Vec::<&str>::new(), "{shown}");
}
