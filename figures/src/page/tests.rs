use proptest::prelude::*;

use super::*;
use crate::{FIGURES, term::TERMS};

fn read(text: &[u8], namespace: &str) -> Result<Snapshot, PageProblem> {
    let mut page = PageReader::new(namespace);
    page.feed(text)?;
    page.finish()
}

fn index(name: &str) -> usize {
    FIGURES.iter().position(|figure| figure.name == name).unwrap()
}

fn sum(snapshot: &Snapshot, name: &str, part: usize, key: &[&str]) -> Option<f64> {
    let key: Vec<String> = key.iter().map(|value| (*value).to_owned()).collect();
    snapshot.sums[index(name)][part].get(&key).copied()
}

const PAGE: &str = r#"# HELP service_requests x
# TYPE service_requests counter
service_requests{namespace="load_test",operation="StartWorkflowExecution",service_name="frontend"} 7
service_requests{namespace="load-test",operation="PollActivityTaskQueue",service_name="frontend"} 5 1700000000000
service_requests{namespace="other",operation="StartWorkflowExecution",service_name="frontend"} 100
service_latency_bucket{namespace="load_test",operation="StartWorkflowExecution",service_name="frontend",le="0.001"} 2
service_latency_bucket{namespace="load_test",operation="StartWorkflowExecution",service_name="frontend",le="+Inf"} 4
service_latency_bucket{namespace="load_test",operation="StartWorkflowExecution",service_name="history",le="0.001"} 9
service_pending_requests{namespace="load_test",operation="PollActivityTaskQueue"} 8
service_pending_requests{namespace="load_test",operation="PollActivityTaskQueue",x="2"} 3
service_pending_requests{namespace="load_test",operation="PollWorkflowExecutionHistory"} 3
temporal_worker_task_slots_available{namespace="load-test",worker_type="WorkflowWorker",task_queue="a"} 5
temporal_worker_task_slots_available{namespace="load-test",worker_type="WorkflowWorker",task_queue="b"} 2
temporal_worker_task_slots_available{namespace="load_test",worker_type="WorkflowWorker",task_queue="temporal_sys_per_ns_tq"} 0
lock_latency_bucket{operation="ShardInfo",le="0.001"} 61 # {id="x"} 0.0005
unrelated 1
# EOF
"#;

#[test]
fn only_what_figures_are_made_of_is_kept() {
    let snapshot = read(PAGE.as_bytes(), "load-test").unwrap();
    assert_eq!(
        sum(&snapshot, "requests", 0, &[]),
        Some(12.0),
        "both spellings, no other namespace"
    );
    assert_eq!(sum(&snapshot, "frontend-start-p95", 0, &["0.001"]), Some(2.0));
    assert_eq!(sum(&snapshot, "frontend-start-p95", 0, &["+Inf"]), Some(4.0));
    assert_eq!(sum(&snapshot, "open-polls", 0, &["PollActivityTaskQueue"]), Some(11.0));
    assert_eq!(sum(&snapshot, "open-polls", 0, &["PollWorkflowExecutionHistory"]), None);
    assert_eq!(
        sum(&snapshot, "free-slots", 0, &["WorkflowWorker"]),
        Some(2.0),
        "the lowest, without the server's own"
    );
    assert_eq!(sum(&snapshot, "shard-lock-p95", 0, &["0.001"]), Some(61.0));
    assert!(snapshot.names().is_known());
    let of_other = read(PAGE.as_bytes(), "other").unwrap();
    assert_eq!(sum(&of_other, "requests", 0, &[]), Some(100.0));
}

#[test]
fn what_is_no_metrics_page_is_refused() {
    for (text, problem) in [
        ("", PageProblem::Empty),
        ("\n\n", PageProblem::Empty),
        ("<!doctype html>", PageProblem::NoSample(1)),
        ("a 1\nb{x=\"1\" 2\n", PageProblem::NoSample(2)),
    ] {
        assert_eq!(read(text.as_bytes(), "n"), Err(problem), "{text}");
    }
    assert_eq!(read(b"a \xff\xfe 1", "n"), Err(PageProblem::NoSample(1)));
}

#[test]
fn hostile_pages_are_cut_off() {
    let long = format!("a{{x=\"{}\"}} 1\n", "y".repeat(MAX_LINE));
    assert_eq!(read(long.as_bytes(), "n"), Err(PageProblem::LongLine(1)));
    let many = "a 1\n".repeat(MAX_SAMPLES + 1);
    assert_eq!(read(many.as_bytes(), "n"), Err(PageProblem::TooMany));
    let mut page = PageReader::new("n");
    let line = format!("# {}\n", "z".repeat(60_000));
    let fed = (0..1_000).find_map(|_| page.feed(line.as_bytes()).err());
    assert_eq!(fed, Some(PageProblem::TooLarge));
    let varied: String = (0..=MAX_GROUPS)
        .map(|n| format!("service_pending_requests{{namespace=\"n\",operation=\"Poll{n}TaskQueue\"}} 1\n"))
        .collect();
    assert_eq!(read(varied.as_bytes(), "n"), Err(PageProblem::TooVaried));
}

#[test]
fn what_is_no_number_makes_no_sum() {
    let text = "service_requests{namespace=\"n\"} NaN\nstate_transition_count_count{namespace=\"n\"} -1\n\
                approximate_backlog_count{namespace=\"n\"} -1\n";
    let snapshot = read(text.as_bytes(), "n").unwrap();
    assert_eq!(snapshot.broken[&(index("requests"), 0)], "service_requests is NaN");
    assert_eq!(
        snapshot.broken[&(index("state-transitions"), 0)],
        "state_transition_count_count is -1"
    );
    assert_eq!(
        sum(&snapshot, "task-backlog-peak", 0, &[]),
        Some(-1.0),
        "a gauge may be"
    );
}

#[test]
fn counters_that_fall_or_go_tell_of_a_restart() {
    let at = |requests: u32| {
        read(
            format!("service_requests{{namespace=\"n\"}} {requests}\n").as_bytes(),
            "n",
        )
        .unwrap()
    };
    assert_eq!(at(5).fell_since(&at(5)), None);
    assert_eq!(at(4).fell_since(&at(5)), Some("requests"));
    assert_eq!(read(b"up 1\n", "n").unwrap().fell_since(&at(5)), Some("requests"));
    let slots = |free: u32| {
        let text = format!("temporal_worker_task_slots_available{{namespace=\"n\"}} {free}\n");
        read(text.as_bytes(), "n").unwrap()
    };
    assert_eq!(slots(1).fell_since(&slots(9)), None, "a gauge may fall");
}

#[test]
fn every_figure_is_wanted_from_pages() {
    for (figure, terms) in FIGURES.iter().zip(&TERMS.of) {
        assert!(!terms.is_empty(), "{}", figure.name);
        for name in terms.iter().flat_map(|term| &term.names) {
            assert!(TERMS.wanted.contains_key(name), "{name}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes, "n");
    }

    #[test]
    fn pieces_of_any_size_make_the_same_page(cuts in prop::collection::vec(0_usize..PAGE.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut page = PageReader::new("load-test");
        let mut from = 0;
        for cut in cuts {
            page.feed(&PAGE.as_bytes()[from..cut]).unwrap();
            from = cut;
        }
        page.feed(&PAGE.as_bytes()[from..]).unwrap();
        prop_assert_eq!(page.finish(), read(PAGE.as_bytes(), "load-test"));
    }

    #[test]
    fn lines_that_are_nearly_samples_are_read_or_refused(line in "[a-z_]{0,4}[{]?[a-z]{0,3}=?\"?[a-z\\\\\"]{0,4}\"?[}]? ?[0-9.eE+-]{0,5}") {
        let _ = read(line.as_bytes(), "n");
    }
}
