//! What kept a run from being faster, in every place where it is told.

use benchmark_results::{
    Results,
    diagnosis::{NOTHING, names::*},
    file,
    summary::{self, Style},
    testing::{self, with_these_figures},
};

use crate::report::{self, Named};

fn everywhere(results: &Results) -> [String; 3] {
    let runs = [Named {
        name: "run".to_owned(),
        results,
    }];
    [
        summary::render(results, None, Style::PLAIN),
        report::html(&runs),
        report::markdown(&runs),
    ]
}

#[test]
fn summary_page_and_markdown_tell_the_same() {
    let found = with_these_figures(
        testing::valid(),
        &[
            (WORKFLOW_WAIT_P95, &[], 412.0),
            (FREE_SLOTS, &[("worker_type", "WorkflowWorker")], 0.0),
        ],
    );
    for text in everywhere(&found) {
        let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            plain.contains("lots: the workers had none free for workflow tasks"),
            "{text}"
        );
        assert!(plain.contains("p95 412ms"), "{text}");
    }
    let summary = &everywhere(&found)[0];
    assert!(summary.lines().all(|line| line.chars().count() <= 80), "{summary}");
    for text in everywhere(&with_these_figures(testing::valid(), &[])) {
        assert!(text.to_lowercase().contains(NOTHING), "{text}");
    }
    for text in everywhere(&testing::valid()) {
        assert!(!text.to_lowercase().contains("bottleneck"), "{text}");
    }
    let mut gone = with_these_figures(testing::valid(), &[]);
    gone.server_figures[0].figures[0].value = None;
    gone.server_figures[0].figures[0].reason = Some("connection refused".to_owned());
    for text in everywhere(&gone) {
        assert!(text.contains("ot known: connection refused"), "{text}");
    }
}

#[test]
fn labels_of_strangers_do_no_harm() {
    let labels = [
        ("service_name", "\u{1b}[2Jfront"),
        ("resource_exhausted_cause", "<blink>\nx"),
    ];
    let results = with_these_figures(testing::valid(), &[(EXHAUSTED_REQUESTS, &labels, 500.0)]);
    let [summary, page, markdown] = everywhere(&file::harmless(results).unwrap());
    assert!(!summary.contains('\u{1b}'), "{summary}");
    for text in [page, markdown] {
        assert!(!text.contains('\u{1b}') && !text.contains("<blink>"), "{text}");
    }
}
