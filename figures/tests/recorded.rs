//! The figures on recorded pages of a full server (`dashboards/series/`): each query asks for what is there, each figure can
//! be read, and names that are none of ours are told with what to set.

use std::{fs, time::Duration};

use benchmark_dashboards::{Known, check::of_an_alert, folder, series::OTHER_NAMES, testing::SERVERS};
use benchmark_figures::{FIGURES, Figure, FigureKind, PageReader, Reading, Snapshot, promql};
use benchmark_results::schema::ServerFigure;

const WINDOW: Duration = Duration::from_secs(60);

fn asked(namespace: &str) -> promql::QueryWindow {
    promql::QueryWindow {
        namespace: namespace.to_owned(),
        matchers: None,
        window: WINDOW,
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(folder().join("series").join(file)).unwrap()
}

fn snapshot(page: &str) -> Snapshot {
    let mut read = PageReader::new("benchmark");
    read.feed(page.as_bytes()).unwrap();
    read.finish().unwrap()
}

/// The same page before anything was counted; gauges stand as they do.
fn before(page: &str) -> String {
    let mut is_gauge = false;
    let mut before = String::new();
    for line in page.lines() {
        match line.rsplit_once(' ') {
            Some((series, _)) if !line.starts_with('#') && !is_gauge => before += &format!("{series} 0\n"),
            _ => before += &format!("{line}\n"),
        }
        if line.starts_with("# TYPE ") {
            is_gauge = line.ends_with(" gauge");
        }
    }
    before
}

/// What is read of a server that did within a minute all that its page says.
fn read(file: &str) -> (Vec<ServerFigure>, Vec<String>) {
    let page = text(file);
    let mut reading = Reading::new(["http://server/metrics".to_owned()]);
    reading.take(0.0, vec![Ok(snapshot(&before(&page)))]);
    reading.take(WINDOW.as_secs_f64(), vec![Ok(snapshot(&page))]);
    reading.figures(&asked("benchmark"))
}

#[test]
fn each_query_asks_for_what_there_is() {
    for server in SERVERS {
        let known = Known::with_server(server);
        for figure in FIGURES {
            // Limits were those of a namespace of their own.
            let problems = |namespace| of_an_alert(&promql::query(figure, &asked(namespace)), &known);
            let problems = problems("benchmark")
                .into_iter()
                .filter(|_| !problems("limited").is_empty());
            let problems: Vec<String> = problems.collect();
            assert!(problems.is_empty(), "{server}, {}: {problems:?}", figure.name);
        }
    }
}

#[test]
fn each_figure_of_the_server_is_read() {
    let [tally, opentelemetry] = SERVERS.map(|server| {
        let (figures, problems) = read(server);
        assert!(problems.is_empty(), "{server}: {problems:?}");
        figures
    });
    let has = |figures: &[ServerFigure], name: &str| {
        figures
            .iter()
            .any(|figure| figure.name == name && figure.value.is_some())
    };
    let of_server = |figure: &&Figure| !figure.is_of_workers() && !figure.name.starts_with("dsql");
    for Figure { name, kind, .. } in FIGURES.iter().filter(of_server) {
        let found = [has(&tally, name), has(&opentelemetry, name)];
        // Of histograms only a few have their edges on each of the pages.
        let enough = match kind {
            FigureKind::Quantile(..) => found != [false, false],
            _ => found == [true, true],
        };
        assert!(enough, "{name}: {found:?}");
    }
    // Timers are in seconds there, and were those of a server that carried its load.
    for figures in [tally, opentelemetry] {
        let start = figures
            .iter()
            .find(|figure| figure.name == "frontend-start-p95")
            .unwrap();
        assert!((0.1..5_000.0).contains(&start.value.unwrap()), "{start:?}");
    }
}

#[test]
fn opentelemetry_as_it_comes_is_told_what_to_set() {
    let (figures, problems) = read(OTHER_NAMES);
    let expected = "the server exports service_latency_milliseconds_bucket: set withoutCounterSuffix: true, \
                    withoutUnitSuffix: true, recordTimerInSeconds: true in its metrics' configuration, which gives the \
                    names of its default";
    assert_eq!(problems, [expected]);
    for figure in figures.iter().filter(|figure| figure.name == "requests") {
        assert_eq!((figure.value, figure.reason.as_deref()), (None, Some(expected)));
    }
}
