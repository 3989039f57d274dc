//! Sampler: the ends of a sample, long-polled from the server.
//!
//! A poll for each workflow would load the frontend that is being measured, by a quarter more than without. A sample that
//! a hash chooses tells whether the stamps are right, and times the ends where nobody stamps. Whoever is in it stays in it,
//! however long it takes: see [`following`].

pub mod following;
pub mod server_clock;

use std::{
    sync::{Arc, mpsc::Sender},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use benchmark_results::WorkflowEnd;
use benchmark_temporal::{CallError, Server, Status, lookup};
use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use crate::{
    account::{
        accountant::{PolledEnd, Report, StartReport},
        accounts::SampledEnd,
    },
    load::{
        ids,
        schedule::{Schedule, Stripe},
        timeline::Timeline,
    },
};
use following::{Following, Learnt, PollAnswer, PollDecision, Sampled};
use server_clock::{ServerClockEstimate, SharedServerClock};

/// How long the last round of questions may take.
const LAST_ROUND: Duration = Duration::from_secs(2);

/// How often one of the workflows that were just started is asked for, for the sake of the server's clock. One whose start
/// tells more than those before it is asked for at once.
const CLOCK_INTERVAL: u64 = 2_000_000_000;

/// How long nothing is done while nobody is to be asked.
const IDLE: Duration = Duration::from_secs(3_600);

/// What a sampler is given.
pub struct SamplerOptions {
    /// The server.
    pub server: Server,
    /// Prefix of the workflow ids.
    pub id_prefix: Arc<str>,
    /// When starts are due.
    pub schedule: Schedule,
    /// The window's clock.
    pub timeline: Timeline,
    /// Long polls that all generators may have open at the same time.
    pub cap: u32,
    /// This generator's part of the run.
    pub part: Stripe,
    /// How long each may wait.
    pub limit: Duration,
    /// Where ends are reported.
    pub reports: Sender<Report>,
    /// Where it stands what is learnt of the server's clock.
    pub server_clock: SharedServerClock,
}

/// Follows the sample to its ends. Ends when nobody sends any more starts and all ends are learnt, or when it is finished.
#[derive(Debug)]
pub struct Sampler {
    task: JoinHandle<()>,
    /// Says when to be done.
    finish: oneshot::Sender<Instant>,
}

impl Sampler {
    /// Begins to follow accepted starts: number and offset at which each was sent.
    pub fn spawn(options: SamplerOptions, starts: UnboundedReceiver<(u64, u64)>) -> Self {
        let (finish, finished) = oneshot::channel();
        let task = tokio::spawn(follow(Arc::new(options), starts, finished));
        Sampler { task, finish }
    }

    /// Whether all ends are learnt, and none is to come.
    pub fn is_done(&self) -> bool {
        self.task.is_finished()
    }

    /// Asks once more for everybody whose end is not known, but takes no longer than a limit.
    pub async fn finish(mut self, limit: Duration) {
        // It may be done already.
        let _ = self.finish.send(Instant::now() + limit);
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }

    /// Goes on while somebody else waits for the ends, and is done when that time is over.
    pub async fn finish_within(mut self, limit: Duration) {
        let last = LAST_ROUND.min(limit);
        if tokio::time::timeout(limit - last, &mut self.task).await.is_err() {
            self.finish(last).await;
        }
    }
}

/// The long polls that one generator may have open, of all that are allowed.
fn share(cap: u32, part: Stripe) -> u64 {
    let (cap, of) = (u64::from(cap), part.of.max(1));
    cap / of + u64::from(part.index < cap % of)
}

/// Something that was waited for.
enum Told {
    /// How it ended, the instant at which that was seen, and when it did by the server's clock.
    Poll(Sampled, Option<(WorkflowEnd, u64, Option<SystemTime>)>),
    Question(Sampled, Option<Option<lookup::Lookup>>),
    Clock(Sampled, Result<Option<lookup::Lookup>, CallError>),
}

async fn follow(
    options: Arc<SamplerOptions>,
    mut starts: UnboundedReceiver<(u64, u64)>,
    mut finished: oneshot::Receiver<Instant>,
) {
    let timeline = options.timeline;
    let mut following = Following::new(share(options.cap, options.part));
    let mut told: JoinSet<Told> = JoinSet::new();
    // When the next question about the server's clock is due; none while one is under way.
    let mut clock_due = Some(0);
    let (mut going_on, mut last) = (true, None);
    while going_on || !following.is_empty() {
        while let Some(start) = following.question(timeline.elapsed()) {
            told.spawn(ask(Arc::clone(&options), start));
        }
        let pause = following.next_question().map(|at| timeline.until(at).unwrap_or(0));
        let next = tokio::time::sleep(pause.map_or(IDLE, Duration::from_nanos));
        tokio::select! {
            started = starts.recv(), if going_on => match started {
                Some((n, sent)) => {
                    let start = Sampled { n, sent, answered: timeline.elapsed().max(sent) };
                    if following.started(start) == PollDecision::Poll {
                        told.spawn(poll(Arc::clone(&options), start));
                    }
                    if clock_due.is_some_and(|due| start.sent >= due || options.server_clock.lock().gains_by(start)) {
                        clock_due = None;
                        told.spawn(ask_the_time(Arc::clone(&options), start));
                    }
                }
                None => {
                    going_on = false;
                    following.drain(timeline.elapsed());
                }
            },
            Some(Ok(told)) = told.join_next(), if !told.is_empty() => {
                if let Told::Clock(start, _) = &told {
                    clock_due = Some(start.sent + CLOCK_INTERVAL);
                }
                take(told, &options, &mut following);
            }
            until = &mut finished, if last.is_none() => {
                // Whoever would have finished it is gone: nobody wants to know any more.
                let Ok(until) = until else { return };
                last = Some(until);
                going_on = false;
                while let Ok((n, sent)) = starts.try_recv() {
                    following.started(Sampled { n, sent, answered: timeline.elapsed().max(sent) });
                }
                following.last_round();
            }
            () = next => {}
            () = tokio::time::sleep_until(last.unwrap_or_else(Instant::now)), if last.is_some() => return,
        }
    }
}

fn take(told: Told, options: &SamplerOptions, following: &mut Following) {
    let now = options.timeline.elapsed();
    let report = |start: Sampled, told: SampledEnd, closed: Option<SystemTime>| {
        let closed = offset_of(options, closed);
        let poll = PolledEnd {
            n: start.n,
            sent: start.sent,
            told,
            closed: closed.and_then(|closed| options.server_clock.lock().closed(closed, now)),
        };
        let _ = options.reports.send(Report::Here(StartReport::Poll(poll)));
    };
    match told {
        Told::Poll(start, end) => {
            if following.polled(start, end.map(|(_, seen, _)| seen), now)
                && let Some((end, seen, closed)) = end
            {
                report(start, SampledEnd::Polled(end, seen), closed);
            }
        }
        Told::Question(start, found) => {
            let closed = found.iter().flatten().find_map(|found| found.close_time);
            let (answer, end) = read(options, &mut options.server_clock.lock(), start, found);
            match (following.answered(start, answer, now), end) {
                (Learnt::End, Some((end, ended))) => report(start, SampledEnd::Asked(end, ended), closed),
                (Learnt::Open, _) => report(start, SampledEnd::Open, None),
                _ => {}
            }
        }
        Told::Clock(start, Ok(found)) => {
            if let Some(started) = found.and_then(|found| offset_of(options, found.start_time)) {
                options.server_clock.lock().started(start, started);
            }
        }
        Told::Clock(_, Err(error)) => options.server_clock.lock().failed(error.to_string()),
    }
}

/// A time of the server as an offset from the beginning, as if its clock were ours.
fn offset_of(options: &SamplerOptions, time: Option<SystemTime>) -> Option<i64> {
    let since = time?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let offset = i128::try_from(since).ok()? - i128::from(options.timeline.unix_ns_of(0));
    i64::try_from(offset).ok()
}

/// What the server's answer says of a workflow, and when it ended, on our clock.
fn read(
    options: &SamplerOptions,
    clock: &mut ServerClockEstimate,
    start: Sampled,
    found: Option<Option<lookup::Lookup>>,
) -> (PollAnswer, Option<(WorkflowEnd, u64)>) {
    let Some(found) = found else {
        return (PollAnswer::Failed, None);
    };
    let Some(found) = found else {
        return (PollAnswer::Forgotten, None);
    };
    let Some(end) = workflow_end(found.status) else {
        return (PollAnswer::Open, None);
    };
    match (
        offset_of(options, found.start_time),
        offset_of(options, found.close_time),
    ) {
        (Some(started), Some(closed)) => {
            let ended = clock.ended(start, started, closed).min(options.timeline.elapsed());
            (PollAnswer::Ended(ended), Some((end, ended)))
        }
        _ => (PollAnswer::Forgotten, None),
    }
}

async fn poll(options: Arc<SamplerOptions>, start: Sampled) -> Told {
    let ended = lookup::wait_for_end(&options.server, &id(&options, start), options.limit).await;
    let seen = options.timeline.elapsed();
    let end = ended
        .ok()
        .and_then(|ended| Some((workflow_end(ended.status)?, seen, ended.close_time)));
    Told::Poll(start, end)
}

async fn ask(options: Arc<SamplerOptions>, start: Sampled) -> Told {
    let found = lookup::describe(&options.server, &id(&options, start)).await;
    Told::Question(start, found.ok())
}

async fn ask_the_time(options: Arc<SamplerOptions>, start: Sampled) -> Told {
    Told::Clock(start, lookup::describe(&options.server, &id(&options, start)).await)
}

fn id(options: &SamplerOptions, start: Sampled) -> String {
    ids::workflow_id(&options.id_prefix, options.schedule.phase_of(start.n), start.n)
}

/// The end that a status stands for; `None` when the workflow has not ended.
pub fn workflow_end(status: Status) -> Option<WorkflowEnd> {
    match status {
        Status::Completed => Some(WorkflowEnd::Completed),
        Status::Failed => Some(WorkflowEnd::Failed),
        Status::TimedOut => Some(WorkflowEnd::TimedOut),
        Status::Terminated => Some(WorkflowEnd::Terminated),
        Status::Cancelled => Some(WorkflowEnd::Cancelled),
        Status::Running | Status::ContinuedAsNew | Status::Paused | Status::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    mod told;

    use super::*;

    #[test]
    fn the_cap_is_of_all_generators_together() {
        for (cap, of) in [(100, 1), (100, 8), (3, 8), (0, 2), (7, 7)] {
            let shares: Vec<u64> = (0..of).map(|index| share(cap, Stripe { index, of })).collect();
            assert_eq!(shares.iter().sum::<u64>(), u64::from(cap), "{shares:?}");
            assert!(
                shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1,
                "{shares:?}"
            );
        }
    }

    #[test]
    fn only_ends_are_ends() {
        for (status, end) in [
            (Status::Completed, Some(WorkflowEnd::Completed)),
            (Status::Failed, Some(WorkflowEnd::Failed)),
            (Status::TimedOut, Some(WorkflowEnd::TimedOut)),
            (Status::Terminated, Some(WorkflowEnd::Terminated)),
            (Status::Cancelled, Some(WorkflowEnd::Cancelled)),
            (Status::Running, None),
            (Status::ContinuedAsNew, None),
            (Status::Paused, None),
            (Status::Unknown, None),
        ] {
            assert_eq!(workflow_end(status), end);
        }
    }
}
