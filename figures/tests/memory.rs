//! Whatever a page or a Prometheus says, reading it takes less than 64 MiB. Counted by an allocator of this test.

#[expect(unsafe_code, reason = "an allocator is one by these functions")]
#[path = "../../results/tests/counting/mod.rs"]
mod counting;

use std::{fmt::Write as _, time::Duration};

use benchmark_figures::{MAX_BYTES, PageProblem, PageReader, QueryAnswer, QueryWindow, Reading, Snapshot};
use counting::most_of;
use http::StatusCode;

const MOST_BYTES: usize = 64 << 20;

/// Largest answer of a Prometheus that is taken, bytes.
const ANSWER: usize = 4 << 20;

/// The page of which most is kept.
const KEPT: &str = "as many as are kept, as long as they are kept";

/// The piece of a text that has this number.
type Line = Box<dyn Fn(usize) -> String>;

/// Feeds lines until the page is refused, or is as large as it may be.
fn look(mut line: impl FnMut(usize) -> String) -> Result<Snapshot, PageProblem> {
    let mut page = PageReader::new("bench");
    let mut bytes = 0;
    for number in 0.. {
        let mut text = line(number);
        text.push('\n');
        bytes += text.len();
        if bytes > MAX_BYTES {
            break;
        }
        page.feed(text.as_bytes())?;
    }
    page.finish()
}

/// What a window takes in which the page is so at each of the looks: the first, the last before this one, and this one are kept.
fn window(looks: u8, line: &dyn Fn(usize) -> String) -> (usize, Option<PageProblem>) {
    let (most, refused) = most_of(|| {
        let mut reading = Reading::new(["http://a/metrics".to_owned()]);
        let mut refused = None;
        for second in 0..looks {
            let looked = look(line).map_err(|problem| {
                let words = problem.to_string();
                refused = Some(problem);
                words
            });
            reading.take(second.into(), vec![looked]);
        }
        let asked = QueryWindow {
            namespace: "bench".to_owned(),
            matchers: None,
            window: Duration::from_secs(2),
        };
        drop(reading.figures(&asked));
        refused
    });
    (most, refused)
}

#[test]
fn hostile_texts_take_less_than_64_mib() {
    let long = "x".repeat(60_000);
    let bucket =
        |labels: String, value: &str| format!("persistence_latency_bucket{{namespace=\"bench\",{labels}}} {value}");
    let pages: Vec<(&str, Line, Option<PageProblem>)> = vec![
        ("16 MiB of nothing", Box::new(|_| "#".repeat(60_000)), None),
        (
            "a million series",
            Box::new(|n| format!("a{{b=\"{n}\"}} 1")),
            Some(PageProblem::TooMany),
        ),
        (
            "a million that are asked for",
            Box::new(move |n| bucket(format!("operation=\"{n}\",le=\"1\""), "1")),
            Some(PageProblem::TooVaried),
        ),
        (
            KEPT,
            Box::new(move |n| {
                let operation = format!("{:0>200}", n % 16_000);
                bucket(format!("operation=\"{operation}\",le=\"{operation}\""), "1")
            }),
            None,
        ),
        (
            "edges without end",
            Box::new({
                let long = long.clone();
                move |n| {
                    format!(
                        "service_latency_bucket{{namespace=\"bench\",service_name=\"frontend\",operation=\"StartWorkflowExecution\",le=\"{n}{long}\"}} 1"
                    )
                }
            }),
            None,
        ),
        (
            "no numbers",
            Box::new(move |n| bucket(format!("operation=\"{}\",le=\"1\"", n % 9), "NaN")),
            None,
        ),
        (
            "buckets that fall",
            Box::new(move |n| {
                bucket(
                    format!("operation=\"a\",le=\"{}\"", n % 9_000),
                    &(1_000_000 - n % 9_000).to_string(),
                )
            }),
            None,
        ),
        (
            "a line without end",
            Box::new(|_| "y".repeat(70_000)),
            Some(PageProblem::LongLine(1)),
        ),
    ];
    for (what, line, expected) in pages {
        let (most, refused) = window(if what == KEPT { 3 } else { 1 }, &*line);
        assert_eq!(refused, expected, "{what}");
        assert!(most < MOST_BYTES, "{what}: {most} bytes");
    }

    let answer = |entry: &dyn Fn(usize) -> String| {
        let mut text = r#"{"status":"success","data":{"resultType":"vector","result":["#.to_owned();
        for number in 0.. {
            let entry = entry(number);
            if text.len() + entry.len() + 5 > ANSWER {
                break;
            }
            let _ = write!(text, "{}{entry}", if number == 0 { "" } else { "," });
        }
        text + "]}}"
    };
    let labels = |n: usize| -> String {
        let all: Vec<String> = (0..1_000).map(|label| format!("\"{n}.{label}\":\"\"")).collect();
        all.join(",")
    };
    let answers: Vec<(&str, Line)> = vec![
        ("a million series", Box::new(|_| "{}".to_owned())),
        (
            "as many as there can be",
            Box::new(|_| r#"{"metric":{},"value":[1,""]}"#.to_owned()),
        ),
        (
            "labels without end",
            Box::new(move |n| format!("{{\"metric\":{{{}}},\"value\":[1,\"1\"]}}", labels(n))),
        ),
        (
            "no numbers",
            Box::new(|n| format!("{{\"metric\":{{\"a\":\"{n}\"}},\"value\":[1,\"NaN\"]}}")),
        ),
        (
            "one long label",
            Box::new(move |_| format!("{{\"metric\":{{\"a\":\"{long}\"}},\"value\":[1,\"1\"]}}")),
        ),
    ];
    for (what, entry) in answers {
        let (most, _) = most_of(|| {
            let mut read = QueryAnswer::default();
            read.feed(answer(&entry).as_bytes()).unwrap();
            read.finish(StatusCode::OK).map(|samples| samples.len())
        });
        assert!(most < MOST_BYTES, "{what}: {most} bytes");
    }
}
