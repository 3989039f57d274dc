//! Snapshots of what is printed.

use benchmark_results::{Results, schema::MachineUse, summary::Style};

use super::runs::{FACTOR, base, in_turn, named, runs, side, tuned, upgraded};
use crate::{
    compare::{Comparison, NoiseProfile, Options, Pairing, compare, render_markdown, render_terminal},
    report,
};

fn about(factor: &str) -> Options {
    Options {
        factors: vec![factor.to_owned()],
        ..Options::default()
    }
}

fn pair(baseline: &[Results], other: &[Results], options: &Options) -> Comparison {
    compare(&side("base", baseline), &[side("new", other)], options).unwrap()
}

fn plain(comparison: &Comparison) -> String {
    let text = render_terminal(comparison, Style::PLAIN);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    text
}

fn turns() -> Comparison {
    let noise = NoiseProfile::of(&side("base", &base()).runs).unwrap();
    let options = Options {
        noise: vec![named(noise)],
        ..about(FACTOR)
    };
    pair(&base(), &tuned(), &options)
}

#[test]
fn runs_in_turn() {
    insta::assert_snapshot!(plain(&turns()));
}

#[test]
fn two_groups() {
    let options = Options {
        pairing: Pairing::Unpaired,
        allowed: vec!["server.version".into()],
        ..about(FACTOR)
    };
    insta::assert_snapshot!(plain(&pair(&base(), &upgraded(tuned()), &options)));
}

#[test]
fn one_run_a_side() {
    let (baseline, other) = (base(), tuned());
    let (baseline, other) = (
        side("runs/base.json", &baseline[..1]),
        side("runs/new.json", &other[..1]),
    );
    insta::assert_snapshot!(plain(&compare(&baseline, &[other], &about(FACTOR)).unwrap()));
}

#[test]
fn inconclusive() {
    let baseline = runs(
        "base",
        0,
        10,
        &[(399.0, 9.0, 52.0), (390.0, 14.0, 50.5), (398.8, 7.0, 53.0)],
    );
    let other = runs(
        "new",
        40,
        10,
        &[(399.0, 9.5, 57.0), (399.4, 13.0, 50.0), (398.8, 9.0, 55.0)],
    );
    let options = Options {
        strict: true,
        ..Options::default()
    };
    insta::assert_snapshot!(plain(&pair(&baseline, &other, &options)));
}

#[test]
fn far_apart() {
    let other = in_turn(
        "new",
        &[
            (12_345.6, 0.04, 9_000.0),
            (23_456.7, 0.05, 60_000.0),
            (11_234.5, 0.03, 700_000.0),
            (12_222.2, 0.04, 8_000.0),
            (9_999.9, 0.02, 3_000_000.0),
        ],
    );
    insta::assert_snapshot!(plain(&pair(&base(), &other, &Options::default())));
}

#[test]
fn several_candidates() {
    let renamed = |mut runs: Vec<Results>, name: &str| {
        for run in &mut runs {
            run.run.id += name;
        }
        runs
    };
    let baseline = base();
    let others = [
        renamed(tuned(), "-b"),
        renamed(tuned(), "-c"),
        renamed(base(), "-d"),
        renamed(tuned(), "-e"),
    ];
    let names = ["two", "three", "a/very/long/name/of/a/file.json", "five"];
    let sides: Vec<_> = names.iter().zip(&others).map(|(name, runs)| side(name, runs)).collect();
    let options = Options {
        allowed: vec![FACTOR.into()],
        ..Options::default()
    };
    let comparison = compare(&side("base", &baseline), &sides, &options).unwrap();
    insta::assert_snapshot!(plain(&comparison));
    insta::assert_snapshot!("several_candidates_markdown", render_markdown(&comparison));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(render_markdown(&turns()));
}

#[test]
fn markdown_escapes_what_comes_from_files() {
    let (baseline, mut other) = (base(), tuned());
    for run in &mut other {
        run.environment
            .server
            .dynamic_config
            .insert("k".into(), "<img src=x>|`*`\n# x".into());
    }
    let options = Options {
        allowed: vec!["server".into()],
        ..Options::default()
    };
    let sides = [side("a|b<script>", &other)];
    let text = render_markdown(&compare(&side("base", &baseline), &sides, &options).unwrap());
    assert!(
        !text.contains("<img") && !text.contains("<script") && !text.contains("\n# x"),
        "{text}"
    );
    assert!(text.contains("a\\|b&lt;script&gt;"), "{text}");
}

#[test]
fn colour_changes_no_word() {
    let comparison = turns();
    let coloured = render_terminal(&comparison, Style::COLOR);
    assert!(coloured.contains("\u{1b}[1;31m▲ regressed\u{1b}[0m"), "{coloured}");
    assert!(coloured.contains("\u{1b}[32m▼ improved\u{1b}[0m"), "{coloured}");
    let mut bare = coloured;
    for code in ["0", "2", "32", "33", "1;31", "1;32", "1;33"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    // Only spaces within the colour may be left at the end of a line.
    let trimmed: String = bare.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    assert_eq!(trimmed, plain(&comparison));
}

#[test]
fn what_other_programs_had_of_the_machine_is_told_of_each_side() {
    let busy = |mut runs: Vec<Results>, others: &[f64]| {
        for (run, others) in runs.iter_mut().zip(others) {
            run.generator.machine.value = Some(MachineUse {
                others: *others,
                idle: 0.0,
            });
        }
        runs
    };
    let calm = pair(&base(), &tuned(), &about(FACTOR));
    assert_eq!(calm.disturbed, [""; 0]);
    let compared = pair(
        &busy(base(), &[0.0499, 0.05, 0.41, 0.0, 0.01]),
        &busy(tuned(), &[0.0499; 5]),
        &about(FACTOR),
    );
    let said = "other programs used up to 41 % of the machine in 2 of 5 runs of base";
    assert_eq!(compared.disturbed, [said]);
    assert!(plain(&compared).contains("machine              other programs used up to 41 %"));
    assert!(render_markdown(&compared).contains(&format!("- **Machine**: {said}")));
    let page = report::comparison_html::<Results>(&compared, &[]);
    assert!(page.contains(said), "{page}");
}
