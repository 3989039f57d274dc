//! Snapshots of whole summaries, and what must hold for all of them.

use std::path::Path;

use super::{Style, render, verdict_line};
use crate::{
    schema::{ErrorExample, ErrorGroup, Results, StartConnections},
    testing::{
        self,
        fleet::{full_iteration, generator_lost_iteration, large, run_of, worker, worker_lost_iteration},
    },
};

fn plain(results: &Results) -> String {
    render(
        results,
        Some(Path::new("runs/01k3-brisk-otter/results.json")),
        Style::PLAIN,
    )
}

#[test]
fn valid() {
    insta::assert_snapshot!(plain(&testing::valid()));
}

#[test]
fn overloaded() {
    insta::assert_snapshot!(plain(&testing::assembled(vec![testing::overloaded_iteration()], None)));
}

#[test]
fn invalid() {
    insta::assert_snapshot!(plain(&testing::assembled(vec![testing::starved_iteration()], None)));
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(plain(&testing::interrupted()));
    let mut lost = testing::interrupted();
    lost.run.interrupted_by = Some("the embedded server ended by itself: signal: 9 (SIGKILL)".to_owned());
    let told = plain(&lost);
    assert!(
        told.contains("\n  ended early after ") && !told.contains("interrupted by"),
        "{told}"
    );
    let line = verdict_line(&lost, Style::PLAIN);
    assert!(
        line.ends_with("; ended early: the embedded server ended by itself: signal: 9 (SIGKILL)"),
        "{line}"
    );
}

#[test]
fn connections_are_told_when_more_than_their_age_ended_them() {
    let told = |connections: StartConnections| {
        let mut results = testing::valid();
        results.generator.start_connections = Some(connections);
        let text = plain(&results);
        let line = text.lines().find(|line| line.contains("connections for starts"));
        line.map(|line| line.trim().to_owned())
    };
    let aged = StartConnections {
        addresses: 2,
        opened: 9,
        retired: 5,
        renewed: 4,
        waited: 3,
        ..StartConnections::default()
    };
    assert_eq!(told(aged), None);
    let again = StartConnections { sent_again: 7, ..aged };
    assert_eq!(
        told(again).unwrap(),
        "connections for starts: 5 retired by the server, 7 starts sent again"
    );
    let broken = StartConnections {
        lost: 4,
        failed_attempts: 1,
        ..StartConnections::default()
    };
    assert_eq!(
        told(broken).unwrap(),
        "connections for starts: 4 lost, 1 failed attempts to open one"
    );
}

#[test]
fn empty() {
    insta::assert_snapshot!(plain(&testing::empty()));
}

#[test]
fn several_iterations() {
    insta::assert_snapshot!(plain(&testing::iterations()));
}

#[test]
fn visibility_only() {
    insta::assert_snapshot!(plain(&testing::visibility_only()));
}

#[test]
fn ends_that_nobody_could_tell_are_not_0() {
    let mut results = testing::visibility_only();
    results.reconciliation.server = crate::schema::Fact::missing("PermissionDenied");
    results.ledger.forget_ends();
    results.phases.measure.ledger.forget_ends();
    let plain = plain(&results);
    assert!(plain.contains("accepted that nobody could tell the ends of"), "{plain}");
    assert!(plain.contains("server not asked: PermissionDenied"), "{plain}");
    assert!(!plain.contains("0 completed") && !plain.contains("0 open"), "{plain}");
}

#[test]
fn short_run() {
    insta::assert_snapshot!(plain(&testing::short()));
}

#[test]
fn fleet_with_a_slow_and_a_lost_worker() {
    insta::assert_snapshot!(plain(&run_of(worker_lost_iteration())));
}

#[test]
fn fleet_that_lost_a_generator() {
    insta::assert_snapshot!(plain(&run_of(generator_lost_iteration())));
}

#[test]
fn fleet_that_was_the_limit() {
    insta::assert_snapshot!(plain(&run_of(full_iteration())));
}

#[test]
fn large_fleet() {
    insta::assert_snapshot!(plain(&large()));
}

#[test]
fn quiet() {
    let lines: Vec<String> = [
        testing::valid(),
        testing::iterations(),
        testing::assembled(vec![testing::starved_iteration()], None),
        testing::interrupted(),
        testing::empty(),
    ]
    .iter()
    .map(|results| verdict_line(results, Style::PLAIN))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

fn all() -> Vec<Results> {
    vec![
        testing::valid(),
        testing::assembled(vec![testing::overloaded_iteration()], None),
        testing::assembled(vec![testing::starved_iteration()], None),
        testing::interrupted(),
        testing::empty(),
        testing::iterations(),
        testing::visibility_only(),
        testing::short(),
        run_of(worker_lost_iteration()),
        run_of(generator_lost_iteration()),
        run_of(full_iteration()),
        large(),
    ]
}

#[test]
fn fits_80_columns_without_trailing_spaces() {
    for results in all() {
        for line in plain(&results).lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for results in all() {
        let coloured = render(&results, None, Style::COLOR);
        assert!(coloured.contains("\u{1b}["));
        let mut stripped = String::new();
        let mut rest = coloured.as_str();
        while let Some(at) = rest.find('\u{1b}') {
            stripped.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
        }
        stripped.push_str(rest);
        assert_eq!(stripped, render(&results, None, Style::PLAIN));
    }
}

#[test]
fn an_invalid_run_shows_no_figure_of_the_cluster() {
    for invalid in [
        testing::assembled(vec![testing::starved_iteration()], None),
        run_of(generator_lost_iteration()),
        run_of(full_iteration()),
    ] {
        let text = plain(&invalid);
        for word in ["p50", "achieved", "completed\n", "e2e"] {
            assert!(!text.contains(word), "{word} in\n{text}");
        }
    }
}

#[test]
fn messages_of_others_cannot_write_to_the_terminal() {
    let mut results = testing::valid();
    results.errors = vec![ErrorGroup {
        operation: "workflow".into(),
        code: "Failed".into(),
        count: 1,
        examples: vec![ErrorExample {
            workflow_id: Some("id\u{1b}]0;title\u{7}".into()),
            message: "first\nsecond \u{1b}[31mred".to_owned() + &"x".repeat(10_000),
        }],
    }];
    results.fleet.members = vec![worker("host\u{1b}[31m\n/7 ".repeat(50).as_str())];
    let text = plain(&results);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
    assert!(text.len() < 5_000);
}

#[test]
fn a_link_to_the_board_stands_in_one_piece() {
    let results = testing::with_figures();
    let url = results.run.dashboard_url.as_deref().unwrap();
    assert!(plain(&results).contains(&format!("  dashboard    {url}\n")));
    assert!(!plain(&testing::valid()).contains("dashboard"));
}

#[test]
fn seconds_that_remote_write_lost_are_told() {
    let text = plain(&testing::with_figures());
    assert!(
        text.contains("  remote write 1 of 4 seconds were lost: answered 400 Bad Request\n"),
        "{text}"
    );
    assert!(!plain(&testing::valid()).contains("remote write"));
}
