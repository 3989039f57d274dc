//! A page read as it goes on: it closes at every instant, and no counter falls.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::bench::Going;

/// Values by name and labels, as they stand in the text.
pub type Page = BTreeMap<String, f64>;

/// Where a program that runs says that its page is.
pub fn page_of(going: &mut Going) -> SocketAddr {
    going.until("the page's address", |going| {
        let said = going.said();
        let (_, after) = said
            .split_once("metrics  http://")
            .or_else(|| said.split_once("metrics at http://"))?;
        let (address, _) = after.split_once("/metrics\n")?;
        Some(address.parse().unwrap())
    })
}

/// The page as `curl` gets it; `None` when nobody listens any more.
pub fn text(address: SocketAddr) -> Option<String> {
    get(address, "")
}

/// The page as a Prometheus gets it, which is waited for at the end.
fn scraped(address: SocketAddr) -> Option<String> {
    get(address, "x-prometheus-scrape-timeout-seconds: 10\r\n")
}

fn get(address: SocketAddr, headers: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: here\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    Some(body.to_owned())
}

/// The samples of a page.
pub fn parse(text: &str) -> Page {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap_or(f64::INFINITY))
        })
        .collect()
}

/// The sum of the samples of this name whose labels hold a text.
pub fn sum(page: &Page, name: &str, with: &str) -> f64 {
    let of = |series: &str| series.split('{').next() == Some(name) && series.contains(with);
    page.iter()
        .filter(|(series, _)| of(series))
        .map(|(_, value)| value)
        .sum()
}

/// The account closes, in each phase and altogether.
pub fn check_identities(page: &Page) {
    let all = |name: &str| sum(page, name, "");
    for phase in ["ramp", "warm_up", "measure"] {
        let of = |name: &str| sum(page, name, &format!("phase=\"{phase}\""));
        assert_eq!(
            of("benchmark_arrivals_total"),
            of("benchmark_starts_dispatched_total") + of("benchmark_starts_dropped_total"),
            "{phase}: {page:#?}"
        );
        // Where nobody stamps, the sample times ends that nobody counts.
        let is_counted = page
            .keys()
            .any(|series| series.starts_with("benchmark_workflows_completed_total"));
        assert!(
            !is_counted || of("benchmark_workflow_latency_seconds_count") <= of("benchmark_workflows_completed_total"),
            "{phase}: {page:#?}"
        );
    }
    assert_eq!(
        all("benchmark_starts_dispatched_total"),
        all("benchmark_starts_rejected_total")
            + all("benchmark_workflows_started_total")
            + all("benchmark_starts_unknown")
            + all("benchmark_starts_in_flight"),
        "{page:#?}"
    );
    assert_eq!(
        all("benchmark_workflows_started_total"),
        all("benchmark_workflows_total") + all("benchmark_backlog"),
        "{page:#?}"
    );
}

/// No counter of the page before stands lower on the page after it.
pub fn check_no_fall(before: &Page, after: &Page) {
    for (series, value) in before {
        // The workers of this process end before it does.
        if series.starts_with("benchmark_worker_") && !after.contains_key(series) {
            continue;
        }
        let falls = ["_total", "_count", "_bucket"]
            .iter()
            .any(|end| series.split('{').next().unwrap().ends_with(end));
        assert!(
            !falls || after[series] >= *value,
            "{series} fell from {value} to {}",
            after[series]
        );
    }
}

/// Reads the page again and again until nobody listens any more, and checks each.
pub fn watch(address: SocketAddr, look: impl FnMut(&str, &Page)) {
    read_on(address, false, look);
}

/// The same; once the run is done it reads as a Prometheus does, so that it is waited for. Returns the last page.
pub fn watch_to_the_end(address: SocketAddr, look: impl FnMut(&str, &Page)) -> Page {
    read_on(address, true, look)
}

fn read_on(address: SocketAddr, to_the_end: bool, mut look: impl FnMut(&str, &Page)) -> Page {
    let mut last = Page::new();
    loop {
        let is_last = to_the_end && sum(&last, "benchmark_phase", "phase=\"done\"") > 0.0;
        let read = if is_last { scraped(address) } else { text(address) };
        let Some(read) = read else { return last };
        let page = parse(&read);
        check_identities(&page);
        check_no_fall(&last, &page);
        look(&read, &page);
        last = page;
        std::thread::sleep(Duration::from_millis(150));
    }
}
