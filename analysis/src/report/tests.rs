//! Reports of whole runs: that they are sound markup, load nothing, let nothing of strangers through and stay small.

mod bottleneck;
mod comparison;
mod markup;
mod runs;

use std::sync::LazyLock;

use benchmark_results::{
    Results,
    testing::{
        self,
        fleet::{run_of, worker_lost_iteration},
    },
};

use self::{
    markup::{parse_page, parse_svg},
    runs::{hostile, long, with_fleet},
};
use super::{Named, RUNS, html, markdown, svgs};

fn one(results: &Results) -> String {
    html(&[Named {
        name: "results.json".into(),
        results,
    }])
}

fn text_of(results: &Results) -> String {
    markdown(&[Named {
        name: "results.json".into(),
        results,
    }])
}

fn starved() -> Results {
    testing::assembled(vec![testing::starved_iteration()], None)
}

fn overloaded() -> Results {
    testing::assembled(vec![testing::overloaded_iteration()], None)
}

/// One of each kind of run.
static KINDS: LazyLock<Vec<(&str, Results)>> = LazyLock::new(|| {
    vec![
        ("valid", testing::valid()),
        ("overloaded", overloaded()),
        ("invalid", starved()),
        ("interrupted", testing::interrupted()),
        ("empty", testing::empty()),
        ("iterations", testing::iterations()),
        ("visibility only", testing::visibility_only()),
        ("short", testing::short()),
        ("worker lost", run_of(worker_lost_iteration())),
        ("minute", long(60, 1, 1)),
        ("hostile", hostile()),
    ]
});

#[test]
fn every_page_is_sound_and_needs_nothing_else() {
    for (name, results) in KINDS.iter() {
        let page = parse_page(&one(results));
        page.check(name);
        let word = format!("{:?}", results.verdict.value).to_uppercase();
        assert!(page.text.contains(&word), "{name}");
    }
}

#[test]
fn every_picture_is_sound_and_needs_nothing_else() {
    for (name, results) in KINDS.iter() {
        let files = svgs(results);
        assert_eq!(files.len(), 10);
        for (file, text) in &files {
            assert!(
                file.ends_with(".svg") && file.bytes().all(|b| b.is_ascii_lowercase() || b"-.".contains(&b)),
                "{file}"
            );
            parse_svg(text, &format!("{name} {file}"));
        }
    }
}

#[test]
fn nothing_of_strangers_becomes_markup() {
    let results = hostile();
    let page = parse_page(&one(&results));
    assert_eq!(page.scripts, [super::theme::SCRIPT], "the only script is ours");
    assert!(
        !page
            .elements
            .iter()
            .any(|element| ["img", "iframe", "object", "link"].contains(&element.as_str()))
    );
    assert!(
        page.text.contains("<script>alert(1)</script>"),
        "it is shown as the text that it is"
    );
    assert!(
        !page
            .attributes
            .iter()
            .any(|name| name.starts_with("on") || name == "style"),
        "{:?}",
        page.attributes
    );
    // The command stands in an indented block, in which nothing is markup.
    let text = text_of(&results);
    let text: String = text.lines().filter(|line| !line.starts_with("    ")).collect();
    assert!(!text.contains("<img") && !text.contains("<script"), "{text}");
    assert!(!text.contains("[x](https") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_command_that_makes_a_series_is_said_to() {
    let mut results = testing::valid();
    results.run.command = vec!["run-benchmark".into(), "--rate".into(), "20".into()];
    assert!(!one(&results).contains("whole series") && !text_of(&results).contains("whole series"));
    results.run.command.insert(1, "noise".into());
    assert!(one(&results).contains("whole series") && text_of(&results).contains("whole series"));
}

#[test]
fn the_policy_names_our_script_and_style_and_nothing_else() {
    let page = one(&testing::empty());
    let policy = page
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert_eq!(policy.matches("sha256-").count(), 2);
    for allowed in ["unsafe", "http", "data:", "self", "*"] {
        assert!(!policy.contains(allowed), "{policy}");
    }
}

#[test]
fn an_hour_fits_into_a_megabyte() {
    // Intervals of 5 s are as many as the page has room for twice over.
    let results = with_fleet(long(3_600, 5, 1), 12);
    assert_eq!(results.windows.len(), 3_600);
    let page = one(&results);
    assert!(page.len() < 1_000_000, "{}", page.len());
    parse_page(&page).check("an hour");
    for (file, text) in svgs(&results) {
        assert!(text.len() < 200_000, "{file}: {}", text.len());
        parse_svg(&text, &file);
    }
    assert!(text_of(&results).len() < 4_000);
}

#[test]
fn the_largest_run_stays_bounded() {
    let results = with_fleet(long(86_400, 600, 3), 64);
    assert_eq!(results.windows.len(), 3 * 86_400);
    let page = one(&results);
    assert!(page.len() < 1_500_000, "{}", page.len());
    assert!(page.contains("of iteration 3"));
    parse_page(&page).check("the largest");
}

#[test]
fn many_runs_are_drawn_up_to_the_colours_there_are() {
    let runs: Vec<Named<Results>> = (0..RUNS + 3)
        .map(|n| Named {
            name: format!("runs/{n}/results.json"),
            results: long(300, 10, 1),
        })
        .collect();
    let page = html(&runs);
    assert!(page.len() < 4_000_000, "{}", page.len());
    let parsed = parse_page(&page);
    parsed.check("many");
    assert!(
        parsed.text.contains("3 runs more were given and are left out"),
        "the page says so"
    );
    assert!(!page.contains("runs/8/results.json"));
    assert!(html::<Results>(&[]).contains("There is no result to report."));
}

#[test]
fn a_single_bad_second_of_an_hour_is_told() {
    let mut results = long(3_600, 60, 1);
    results.windows[1_800].dispatched = 3;
    results.windows[1_801].rejected = 4_321;
    let page = one(&results);
    assert!(page.contains("(3.00/s to 400.0/s)"), "the lowest second");
    assert!(page.contains("rejected  4,321"));
    assert!(page.contains("One row is 30 seconds"));
}

#[test]
fn an_invalid_run_has_no_headline() {
    let page = one(&starved());
    let figures = page
        .split("<section id=\"figures\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(figures.contains("An invalid run has no headline figures"));
    assert!(!figures.contains("/s") && !figures.contains("ms<"), "{figures}");
    let text = text_of(&starved());
    for word in ["p50", "started", "400.0/s |"] {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
    let both = [starved(), testing::valid()].map(|results| Named {
        name: "r".into(),
        results,
    });
    assert!(markdown(&both).contains("| INVALID | 400.0/s | - | - | - |"));
}

#[test]
fn the_page_as_text() {
    for (name, results) in [
        ("page_valid", testing::valid()),
        ("page_empty", testing::empty()),
        ("page_invalid", starved()),
        ("page_worker_lost", run_of(worker_lost_iteration())),
    ] {
        insta::assert_snapshot!(name, parse_page(&one(&results)).outline());
    }
}

#[test]
fn a_plot_as_markup() {
    let mut results = testing::short();
    results.events = long(10, 5, 1).events;
    results.windows[4].rejected = 2;
    for file in ["rates.svg", "errors.svg", "ledger.svg"] {
        let (_, text) = svgs(&results).into_iter().find(|(name, _)| name == file).unwrap();
        // The style sheet is no part of what is drawn.
        let body = text.split_once("</style>").unwrap().1.replace("><", ">\n<");
        insta::assert_snapshot!(format!("picture_{}", file.trim_end_matches(".svg")), body);
    }
}

#[test]
fn a_few_lines_for_a_repository() {
    insta::assert_snapshot!("markdown_overloaded", text_of(&overloaded()));
    insta::assert_snapshot!("markdown_invalid", text_of(&starved()));
    let named = |name: &str, results: Results| Named {
        name: name.into(),
        results,
    };
    insta::assert_snapshot!(
        "markdown_several",
        markdown(&[named("base.json", testing::valid()), named("new.json", overloaded())])
    );
}
