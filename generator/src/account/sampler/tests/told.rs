//! The sampler with a server whose answers are written down.

use std::sync::{
    Mutex,
    mpsc::{Receiver, channel},
};

use benchmark_results::WorkflowEnd;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Stands;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tonic::Code;

use super::*;
use crate::{
    account::accounts::Closed,
    scripted_server::{self, Over, completed, described_from, looked_up, waited_for},
};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;
const LIMIT: Duration = Duration::from_secs(10);

/// A sampler at work.
struct Sampling {
    sampler: Sampler,
    starts: UnboundedSender<(u64, u64)>,
    told: Receiver<Report>,
    clock: SharedServerClock,
}

/// Begins one of a run whose load is over, which may have so many long polls open.
fn sampling(over: &Over, server: Server, cap: u32) -> Sampling {
    let (reports, told) = channel();
    let (starts, started) = unbounded_channel();
    let clock = SharedServerClock::default();
    let options = SamplerOptions {
        server,
        id_prefix: "run".into(),
        schedule: over.schedule.clone(),
        timeline: over.submission.timeline,
        cap,
        part: Stripe::WHOLE,
        limit: LIMIT,
        reports,
        server_clock: clock.clone(),
    };
    Sampling {
        sampler: Sampler::spawn(options, started),
        starts,
        told,
        clock,
    }
}

/// What was reported, by number.
fn ends(told: &Receiver<Report>) -> Vec<PolledEnd> {
    let mut ends: Vec<_> = told
        .try_iter()
        .map(|report| match report {
            Report::Here(StartReport::Poll(poll)) => poll,
            _ => unreachable!("a sampler reports nothing else"),
        })
        .collect();
    ends.sort_by_key(|poll| poll.n);
    ends
}

/// Waits until so many starts have told of the server's clock.
async fn known_from(clock: &SharedServerClock, samples: u64) {
    let known = async {
        while clock.lock().difference(0).map_or(0, |known| known.samples) < samples {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LIMIT, known)
        .await
        .expect("nothing is learnt of the clock");
}

/// At the end everybody is asked for once more: one has ended, one is open, one is forgotten, and one cannot be told.
#[tokio::test]
async fn whoever_is_left_is_asked_for_at_the_end() {
    let over = Over::untold();
    let timeline = over.submission.timeline;
    let sent = over.schedule.offset(0);
    let at = move |ms: u64| Some(timeline.time_of(sent + ms * 1_000_000));
    let server = scripted_server::server(move |name, message| match name {
        "DescribeWorkflowExecution" => match looked_up(message).as_str() {
            "run/ramp/0" => described_from(at(1), Stands::Terminated, at(5)),
            "run/ramp/1" => described_from(at(1), Stands::Running, None),
            "run/ramp/2" => Err(Code::NotFound),
            _ => Err(Code::Internal),
        },
        // Long polls fail, and there is nothing to read.
        "GetWorkflowExecutionHistory" => Err(Code::Unimplemented),
        _ => Ok(Vec::new()),
    })
    .await;
    let Sampling {
        sampler, starts, told, ..
    } = sampling(&over, server, 1);
    for n in 0..4 {
        starts.send((n, sent)).unwrap();
    }
    sampler.finish(LIMIT / 2).await;
    let ends: Vec<_> = ends(&told).into_iter().map(|poll| (poll.n, poll.told)).collect();
    let [(0, SampledEnd::Asked(end, ended)), (1, SampledEnd::Open)] = ends[..] else {
        panic!("{ends:?}");
    };
    assert_eq!(end, WorkflowEnd::Terminated);
    assert!(ended >= sent && ended <= timeline.elapsed(), "{ended}");
}

/// A server whose clock is two seconds ahead completes each workflow 7 ms after its start, and its polls wait for the end.
/// The starts are of later than now, so that each was answered when it was sent.
#[tokio::test]
async fn a_poll_tells_the_end_and_when_the_server_wrote_it_down() {
    let over = Over::untold();
    let timeline = over.submission.timeline;
    let sent = move |n: u64| 3_600 * SECOND + n * SECOND;
    let number = |id: &str| id.rsplit('/').next().unwrap().parse::<u64>().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let looked = Arc::clone(&asked);
    let server = scripted_server::server(move |name, message| match name {
        "DescribeWorkflowExecution" => {
            let n = number(&looked_up(message));
            looked.lock().unwrap().push(n);
            described_from(Some(timeline.time_of(sent(n) + 2 * SECOND)), Stands::Running, None)
        }
        "GetWorkflowExecutionHistory" => {
            let n = number(&waited_for(message));
            completed(Some(timeline.time_of(sent(n) + 2 * SECOND + 7 * MILLI)))
        }
        _ => Ok(Vec::new()),
    })
    .await;
    let sampling = sampling(&over, server, 10);
    sampling.starts.send((0, sent(0))).unwrap();
    known_from(&sampling.clock, 1).await;
    let known = sampling.clock.lock().difference(0).unwrap();
    assert_eq!((known.offset_ns, known.uncertainty_ns), (2 * SECOND as i64, 0));
    for n in 1..3 {
        sampling.starts.send((n, sent(n))).unwrap();
    }
    known_from(&sampling.clock, 2).await;
    // Nobody sends any more: it is done when all ends are known.
    drop(sampling.starts);
    sampling.sampler.finish_within(LIMIT).await;
    let now = timeline.elapsed();
    let ends = ends(&sampling.told);
    assert_eq!(ends.len(), 3);
    for poll in &ends[1..] {
        let SampledEnd::Polled(WorkflowEnd::Completed, seen) = poll.told else {
            panic!("{poll:?}");
        };
        assert!(seen > 0 && seen <= now);
        let closed = poll.closed.unwrap();
        // The clocks may have drifted in the seconds in between.
        let due = sent(poll.n) + 7 * MILLI;
        assert!(closed.at.abs_diff(due) <= closed.wrong, "{closed:?} {due}");
        assert!(closed.wrong < MILLI, "{closed:?}");
    }
    // Every two seconds is often enough to look at the clock, unless a start is quicker than any before.
    assert_eq!(*asked.lock().unwrap(), [0, 2]);
}

/// One that was asked for ended by the server's clock, which is ahead; it is told on ours.
#[tokio::test]
async fn an_end_that_was_asked_for_is_told_on_our_clock() {
    let over = Over::untold();
    let timeline = over.submission.timeline;
    let sent = timeline.elapsed();
    let server = scripted_server::server(move |name, _| match name {
        "DescribeWorkflowExecution" => {
            let at = |ms: u64| Some(timeline.time_of(sent + 3_600 * SECOND + ms * MILLI));
            described_from(at(0), Stands::Failed, at(20))
        }
        _ => Ok(Vec::new()),
    })
    .await;
    let sampling = sampling(&over, server, 0);
    sampling.starts.send((0, sent)).unwrap();
    known_from(&sampling.clock, 1).await;
    let answered_by = timeline.elapsed();
    // Who has no room for a poll is asked for when it is a second old, and the run need not end for that.
    sampling.sampler.finish_within(LIMIT).await;
    let ends = ends(&sampling.told);
    let [PolledEnd { n: 0, told, closed, .. }] = ends[..] else {
        panic!("{ends:?}");
    };
    let SampledEnd::Asked(WorkflowEnd::Failed, ended) = told else {
        panic!("{told:?}");
    };
    let (earliest, latest) = (sent + 20 * MILLI, answered_by + 20 * MILLI);
    assert!((earliest..=latest).contains(&ended), "{ended} {earliest} {latest}");
    let Closed { at, wrong } = closed.unwrap();
    assert!(at.abs_diff(ended) <= wrong, "{at} ± {wrong}: {ended}");
}

/// Nobody's end is learnt: whoever waits for them has them asked for once more while there is time for the answers.
#[tokio::test(start_paused = true)]
async fn the_last_round_is_begun_before_time_is_up() {
    const SECOND: Duration = Duration::from_secs(1);
    for (limit, begins) in [(SECOND * 60, SECOND * 60 - LAST_ROUND), (SECOND, Duration::ZERO)] {
        let (finish, finished) = oneshot::channel();
        let asked = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&asked);
        let begun = Instant::now();
        let task = tokio::spawn(async move {
            let until: Instant = finished.await.unwrap();
            *noted.lock().unwrap() = Some((begun.elapsed(), until - begun));
            std::future::pending().await
        });
        Sampler { task, finish }.finish_within(limit).await;
        assert_eq!(*asked.lock().unwrap(), Some((begins, limit)));
        assert_eq!(begun.elapsed(), limit);
    }
}
