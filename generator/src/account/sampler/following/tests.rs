//! The rule over a scripted clock and a scripted server: what the sample shows of a server that gets slow, stalls, or does
//! not answer.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::*;

const MILLI: u64 = 1_000_000;

/// How a server behaves, as functions of the time.
struct Server {
    /// When a workflow ends that was started at this time.
    ends: Box<dyn Fn(u64) -> u64>,
    /// When an answer to a question comes that was asked at this time.
    answers: Box<dyn Fn(u64) -> u64>,
    /// Whether long polls that are open at this time break.
    breaks: Box<dyn Fn(u64) -> bool>,
    /// Whether it can be asked.
    can_be_asked: bool,
}

/// What became of the sample.
#[derive(Default)]
struct Seen {
    /// Latencies that were learnt, of the sample and of all workflows, nanoseconds, ascending.
    learnt: Vec<u64>,
    sampled: Vec<u64>,
    all: Vec<u64>,
    open: usize,
    most_polls: u64,
    questions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Started,
    PollEnded,
    PollBroken,
    Answered,
    Look,
}

/// Starts `rate` a second for `seconds`, each fiftieth in the sample, and waits for `drain` seconds more.
fn simulate(rate: u64, seconds: u64, drain: u64, room: u64, server: &Server) -> Seen {
    let mut seen = Seen::default();
    let mut following = Following::new(room);
    let mut events: BinaryHeap<Reverse<(u64, Event, u64)>> = BinaryHeap::new();
    let start_of = |n: u64| Sampled {
        n,
        sent: n * SECOND / rate,
        answered: n * SECOND / rate + 2 * MILLI,
    };
    for n in 0..rate * seconds {
        let start = start_of(n);
        let latency = (server.ends)(start.answered) - start.sent;
        seen.all.push(latency);
        if n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 < (1_u64 << 32) / 50 {
            seen.sampled.push(latency);
            events.push(Reverse((start.answered, Event::Started, n)));
        }
    }
    let (last_start, end) = (seconds * SECOND, (seconds + drain) * SECOND);
    (0..=(end + 2 * SECOND) / (10 * MILLI)).for_each(|tick| events.push(Reverse((tick * 10 * MILLI, Event::Look, 0))));
    let (mut polls, mut draining, mut finishing) = (0, false, false);
    while let Some(Reverse((now, event, n))) = events.pop() {
        let start = start_of(n);
        let ended = (server.ends)(start.answered);
        match event {
            Event::Started => {
                if following.started(start) == PollDecision::Poll {
                    polls += 1;
                    seen.most_polls = seen.most_polls.max(polls);
                    let broken = (now / MILLI..ended.clamp(now, end) / MILLI).find(|ms| (server.breaks)(ms * MILLI));
                    events.push(Reverse(match broken {
                        Some(ms) => (ms * MILLI, Event::PollBroken, n),
                        None => (ended.max(now), Event::PollEnded, n),
                    }));
                }
            }
            Event::PollEnded | Event::PollBroken => {
                polls -= 1;
                let end = (event == Event::PollEnded).then_some(ended);
                if following.polled(start, end, now) {
                    seen.learnt.push(ended - start.sent);
                }
            }
            Event::Answered => {
                let answer = match server.can_be_asked {
                    false => PollAnswer::Failed,
                    true if ended <= now => PollAnswer::Ended(ended),
                    true => PollAnswer::Open,
                };
                match following.answered(start, answer, now) {
                    Learnt::End => seen.learnt.push(ended - start.sent),
                    Learnt::Open => seen.open += 1,
                    Learnt::Nothing => {}
                }
            }
            Event::Look => {
                if now >= last_start && !draining {
                    following.drain(now);
                    draining = true;
                }
                if now >= end && !finishing {
                    following.last_round();
                    finishing = true;
                }
            }
        }
        while let Some(asked) = following.question(now) {
            seen.questions += 1;
            events.push(Reverse(((server.answers)(now), Event::Answered, asked.n)));
        }
    }
    seen.learnt.sort_unstable();
    seen.sampled.sort_unstable();
    seen.all.sort_unstable();
    seen
}

fn quantile(sorted: &[u64], q: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * q) as usize] as f64 / SECOND as f64
}

/// A server that answers questions within 5 ms and breaks no poll.
fn server(ends: impl Fn(u64) -> u64 + 'static) -> Server {
    Server {
        ends: Box::new(ends),
        answers: Box::new(|now| now + 5 * MILLI),
        breaks: Box::new(|_| false),
        can_be_asked: true,
    }
}

/// Every end of the sample was learnt, and the sample shows what all workflows have.
fn assert_true(seen: &Seen, tolerance: f64) {
    assert_eq!(
        seen.learnt,
        seen.sampled,
        "{} of {}",
        seen.learnt.len(),
        seen.sampled.len()
    );
    for q in [0.5, 0.9, 0.95, 0.99] {
        let (shown, truth) = (quantile(&seen.learnt, q), quantile(&seen.all, q));
        assert!((shown - truth).abs() <= truth * tolerance, "p{q}: {shown} for {truth}");
    }
}

/// All that is open at the beginning of a stall, or starts in it, ends after it, 50 ms apart from it at the most.
fn stall(begin: u64, length: u64) -> impl Fn(u64) -> u64 {
    move |started| {
        let ends = started + 48 * MILLI;
        let over = begin + length;
        if (begin..over).contains(&ends) {
            over + (ends - begin) / 1000
        } else {
            ends
        }
    }
}

#[test]
fn a_latency_that_grows_is_shown_as_it_is() {
    let seen = simulate(1_000, 240, 70, 100, &server(|started| started + started / 4));
    assert_true(&seen, 0.02);
    assert_eq!(seen.most_polls, 100);
    // Ages double: the questions are few.
    assert!(seen.questions < 7 * seen.sampled.len(), "{} questions", seen.questions);
}

#[test]
fn a_long_stall_is_shown_as_it_is() {
    let mut server = server(stall(100 * SECOND, 30 * SECOND));
    server.answers = Box::new(|now| {
        if (100 * SECOND..130 * SECOND).contains(&now) {
            130 * SECOND
        } else {
            now + 5 * MILLI
        }
    });
    let seen = simulate(1_000, 240, 10, 100, &server);
    assert_true(&seen, 0.03);
    assert!(quantile(&seen.learnt, 0.95) > 15.0);
}

#[test]
fn a_short_stall_at_a_high_rate_is_shown_as_it_is() {
    let seen = simulate(5_000, 240, 10, 100, &server(stall(100 * SECOND, 6 * SECOND)));
    assert_true(&seen, 0.06);
    assert!(quantile(&seen.learnt, 0.99) > 3.0);
}

#[test]
fn polls_that_break_are_made_up_for() {
    let mut server = server(stall(20 * SECOND, 5 * SECOND));
    server.breaks = Box::new(|now| (22 * SECOND..22 * SECOND + MILLI).contains(&now));
    let seen = simulate(1_000, 40, 10, 400, &server);
    assert_true(&seen, 0.2);
}

#[test]
fn what_is_open_at_the_end_is_told_apart_from_what_is_not_known() {
    let never = |started: u64| {
        if started.is_multiple_of(10) {
            u64::MAX / 4
        } else {
            started + 3 * SECOND
        }
    };
    let seen = simulate(500, 20, 10, 20, &server(never));
    let ended: Vec<u64> = seen
        .sampled
        .iter()
        .copied()
        .filter(|latency| *latency < 4 * SECOND)
        .collect();
    assert!(ended.len() < seen.sampled.len());
    assert_eq!(seen.learnt, ended);
    assert_eq!(seen.learnt.len() + seen.open, seen.sampled.len());
}

#[test]
fn a_server_that_cannot_be_asked_leaves_ends_unknown() {
    let mut server = server(stall(20 * SECOND, 10 * SECOND));
    server.can_be_asked = false;
    let seen = simulate(1_000, 60, 10, 20, &server);
    assert_eq!(seen.open, 0);
    let missing = seen.sampled.len() - seen.learnt.len();
    assert!(missing as f64 > seen.sampled.len() as f64 * 0.01, "{missing} missing");
}

#[test]
fn no_room_at_all_is_enough() {
    let seen = simulate(200, 20, 10, 0, &server(|started| started + 48 * MILLI));
    assert_eq!(seen.learnt, seen.sampled);
    assert_eq!(seen.most_polls, 0);
}

#[test]
fn who_is_followed_is_bounded() {
    let mut following = Following::new(0);
    let start = |n| Sampled {
        n,
        sent: 0,
        answered: 1,
    };
    (0..FOLLOWED as u64 + 5).for_each(|n| assert_eq!(following.started(start(n)), PollDecision::Wait));
    assert_eq!((following.live.len(), following.queue.len()), (FOLLOWED, FOLLOWED));
    let asked: Vec<Sampled> = std::iter::from_fn(|| following.question(SECOND)).collect();
    assert_eq!(asked.len(), QUESTIONS);
    assert_eq!(following.next_question(), None);
    assert_eq!(
        following.answered(asked[0], PollAnswer::Forgotten, SECOND),
        Learnt::Nothing
    );
    assert_eq!(
        (following.live.len(), following.next_question()),
        (FOLLOWED - 1, Some(SECOND))
    );
    // What was learnt is not learnt again.
    assert_eq!(following.answered(asked[1], PollAnswer::Ended(5), SECOND), Learnt::End);
    assert!(!following.polled(asked[1], Some(7), SECOND));
    assert_eq!(
        following.answered(asked[2], PollAnswer::Failed, 3 * SECOND),
        Learnt::Nothing
    );
    assert!(!following.is_empty());
}

#[test]
fn a_room_is_given_back_whatever_a_poll_came_to() {
    let mut following = Following::new(1);
    let start = |n: u64| Sampled {
        n,
        sent: n * SECOND,
        answered: n * SECOND,
    };
    assert_eq!(following.started(start(1)), PollDecision::Poll);
    assert_eq!(following.started(start(2)), PollDecision::Wait);
    assert!(following.polled(start(1), Some(3 * SECOND), 3 * SECOND));
    assert_eq!(following.started(start(3)), PollDecision::Poll);
    assert!(!following.polled(start(3), None, 4 * SECOND));
    assert_eq!(following.started(start(4)), PollDecision::Poll);
    // The second waits until it is a second old, the third, whose poll broke at that age, for as long again.
    assert_eq!(following.next_question(), Some(3 * SECOND));
    assert_eq!(following.question(3 * SECOND - 1), None);
    assert_eq!(following.question(3 * SECOND), Some(start(2)));
    assert_eq!(following.question(5 * SECOND), Some(start(3)));
    assert_eq!(
        following.answered(start(3), PollAnswer::Open, 7 * SECOND),
        Learnt::Nothing
    );
    assert_eq!(following.next_question(), Some(11 * SECOND));
    // In the drain nobody waits longer than two seconds.
    following.drain(7 * SECOND);
    assert_eq!(following.next_question(), Some(9 * SECOND));
}

#[test]
fn who_finds_no_room_is_asked_for_when_the_one_before_would_have_ended_and_a_quarter_later() {
    let mut following = Following::new(1);
    let start = |n: u64| Sampled {
        n,
        sent: n * SECOND,
        answered: n * SECOND,
    };
    assert!(following.is_empty());
    for n in 0..2 {
        following.started(start(n));
    }
    assert!(following.polled(start(0), Some(8 * SECOND), 8 * SECOND));
    assert_eq!(following.question(8 * SECOND), Some(start(1)));
    assert_eq!(
        following.answered(start(1), PollAnswer::Ended(9 * SECOND), 9 * SECOND),
        Learnt::End
    );
    assert!(following.is_empty());
    // That took eight seconds.
    for n in 20..22 {
        following.started(start(n));
    }
    assert_eq!(following.next_question(), Some(31 * SECOND));
    assert!(!following.is_empty());
    // Who is due in less than two seconds is not put off by the drain.
    following.drain(30 * SECOND);
    assert_eq!(following.next_question(), Some(31 * SECOND));
}
