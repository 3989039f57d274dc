//! The metrics page of a run to which everything happens: refusals, lost answers, a server that is killed and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use benchmark_results::Ledger;
use tonic::Code;

use crate::{
    bench::Bench,
    matrix::Case,
    proxy::{
        Proxy,
        script::{Act, Calls, START, Script},
    },
    row::{IMPATIENT, LOAD},
    scrape::{self, sum},
    server,
};

/// What happens to a page.
pub fn cases() -> Vec<Case> {
    vec![Case::new(
        "metrics page while starts are refused, answers lost and the server started again",
        35,
        every_scrape_closes,
    )]
}

fn every_scrape_closes() {
    let bench = Bench::new();
    let mut options = server::options();
    options.db_file = Some(bench.path("../server.db"));
    let first = server::start(&options);
    options.port = Some(first.port());
    let proxy = Proxy::to(&first.address());
    // Waited for whoever scrapes: the last figures are seen.
    let arguments = format!("{LOAD} {IMPATIENT} --metrics-listen 127.0.0.1:0 --metrics-grace 2m");
    let arguments = arguments.replace("--duration 10s", "--duration 14s");
    let mut going = bench.begin(bench.against(&proxy.address(), &arguments));
    let page = scrape::page_of(&mut going);
    let shown = Arc::new(AtomicBool::new(false));
    let show = Arc::clone(&shown);
    let watching = thread::spawn(move || {
        let (mut scrapes, mut most_unknown) = (0, 0.0_f64);
        let last = scrape::watch_to_the_end(page, |_, page| {
            scrapes += 1;
            most_unknown = most_unknown.max(sum(page, "benchmark_starts_unknown", ""));
            show.store(most_unknown > 0.0, Ordering::Relaxed);
        });
        (scrapes, most_unknown, last)
    });
    let each_third = |act| Script::rule_each(Calls::Starts, 3, act);
    going.until("some starts", |_| (proxy.tally(START).answered >= 20).then_some(()));
    proxy.play(each_third(Act::Refuse(Code::ResourceExhausted)));
    going.until("refusals", |_| (proxy.tally(START).refused >= 8).then_some(()));
    proxy.play(each_third(Act::LoseAnswer));
    going.until("lost answers", |_| (proxy.tally(START).lost >= 12).then_some(()));
    proxy.play(Script::default());
    first.crash();
    // They are looked up once the server is back, which may be before the page is written again.
    going.until("lost answers on the page", |_| {
        shown.load(Ordering::Relaxed).then_some(())
    });
    let second = server::start(&options);
    let finished = going.finish();
    drop(second);
    let (scrapes, most_unknown, last) = watching.join().unwrap();
    assert!(scrapes > 30, "{scrapes} scrapes: {finished:?}");
    assert!(most_unknown > 0.0, "no lost answer was seen: {finished:?}");
    let results = finished.results();
    let Ledger {
        arrivals,
        dispatched,
        rejected,
        accepted,
        completed,
        unknown,
        ..
    } = results.phases.measure.ledger;
    for (series, count) in [
        ("benchmark_arrivals_total", arrivals),
        ("benchmark_starts_dispatched_total", dispatched),
        ("benchmark_starts_rejected_total", rejected),
        ("benchmark_workflows_started_total", accepted),
        ("benchmark_workflows_completed_total", completed),
    ] {
        assert_eq!(
            sum(&last, series, "phase=\"measure\""),
            count as f64,
            "{series}: {last:#?}"
        );
    }
    assert!(results.ledger.rejected > 0, "{:?}", results.ledger);
    assert_eq!(sum(&last, "benchmark_starts_in_flight", ""), 0.0);
    assert_eq!(
        sum(&last, "benchmark_starts_unknown", ""),
        results.ledger.unknown as f64,
        "{unknown}"
    );
}
