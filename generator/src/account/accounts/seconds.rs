//! Windows: the run second by second.
//!
//! A second is open while things may still be reported of it, with its histograms; then it is closed into a line of
//! counts and quantiles, and its histograms go into the interval that covers it. So memory holds histograms of a few
//! seconds only, however long the run is.

use std::collections::BTreeMap;

use crate::load::{schedule::Schedule, shard::ShardWindow};
use benchmark_results::{
    Histogram, WorkflowEnd,
    schema::{IntervalHistograms, Window},
};

const SECOND: u64 = 1_000_000_000;

/// How long after its end a second stays open for reports that come late, seconds.
const LATENESS: u64 = 2;

/// Intervals in a result, at most: an hour of seconds.
const INTERVALS: u64 = 3600;

#[derive(Debug, Default)]
struct Open {
    dispatched: u64,
    dropped: u64,
    accepted: u64,
    rejected: u64,
    unknown: u64,
    completed: u64,
    failed: u64,
    in_flight: u64,
    peak_in_flight: u64,
    waited_at_cap: u64,
    held_at_cap: u64,
    lag: Option<Histogram>,
    start_response: Option<Histogram>,
    e2e_response: Option<Histogram>,
}

/// All seconds of a submission window and its drain.
#[derive(Debug)]
pub struct Seconds {
    schedule: Schedule,
    open: BTreeMap<u64, Open>,
    next: u64,
    closed: Vec<Window>,
    accepted: u64,
    ended: u64,
    peak_in_flight: u64,
    interval_seconds: u64,
    interval: Option<(u64, Histogram, Histogram)>,
    intervals: Vec<IntervalHistograms>,
}

/// The seconds that are closed.
#[derive(Clone, Debug, Default)]
pub struct SecondsReport {
    /// One line a second.
    pub windows: Vec<Window>,
    /// Histograms over time.
    pub intervals: Vec<IntervalHistograms>,
}

impl Seconds {
    pub(super) fn new(schedule: &Schedule, drain_seconds: u64) -> Self {
        let seconds = schedule.end() / SECOND + drain_seconds;
        Seconds {
            schedule: schedule.clone(),
            open: BTreeMap::new(),
            next: 0,
            closed: Vec::new(),
            accepted: 0,
            ended: 0,
            peak_in_flight: 0,
            interval_seconds: seconds.div_ceil(INTERVALS).max(1),
            interval: None,
            intervals: Vec::new(),
        }
    }

    pub(super) fn add_window(&mut self, window: &ShardWindow) {
        let open = self.at(window.second);
        open.dispatched += window.dispatched;
        open.dropped += window.dropped;
        open.accepted += window.accepted;
        open.rejected += window.rejected;
        open.unknown += window.unknown;
        open.in_flight += window.in_flight;
        open.waited_at_cap += window.waited_at_cap;
        open.held_at_cap += window.held_at_cap;
        // The shards' peaks need not coincide, so with several shards their sum is an upper bound.
        open.peak_in_flight += window.peak_in_flight;
        let peak = open.peak_in_flight;
        for samples in window.phases.values() {
            open.lag.get_or_insert_default().add(&samples.lag);
            open.start_response
                .get_or_insert_default()
                .add(&samples.accepted.response);
        }
        self.peak_in_flight = self.peak_in_flight.max(peak);
    }

    pub(super) fn add_end(&mut self, end: WorkflowEnd, due: u64, ended: u64) {
        let open = self.at(ended / SECOND);
        if end == WorkflowEnd::Completed {
            open.completed += 1;
            let latency = std::time::Duration::from_nanos(ended.saturating_sub(due));
            open.e2e_response.get_or_insert_default().record(latency);
        } else {
            open.failed += 1;
        }
    }

    /// Closes the seconds of which nothing more is expected at an offset.
    pub(super) fn advance(&mut self, now: u64) {
        while self.next + LATENESS < now / SECOND {
            self.close_next();
        }
    }

    /// Of the last second that is whole: starts sent, workflows completed, unanswered starts at its end.
    pub fn latest(&self) -> (u64, u64, u64) {
        self.closed.last().map_or((0, 0, 0), |window| {
            (window.dispatched, window.completed.unwrap_or(0), window.in_flight)
        })
    }

    /// Workflows that ended in these seconds.
    pub fn ends_in(&self, seconds: std::ops::RangeInclusive<u64>) -> u64 {
        let closed = self.closed.iter().filter(|window| seconds.contains(&window.second));
        let closed: u64 = closed
            .map(|window| window.completed.unwrap_or(0) + window.failed.unwrap_or(0))
            .sum();
        let open: u64 = self
            .open
            .range(seconds)
            .map(|(_, open)| open.completed + open.failed)
            .sum();
        closed + open
    }

    /// Most unanswered starts at one time, all shards together.
    pub fn peak_in_flight(&self) -> u64 {
        self.peak_in_flight
    }

    /// The closed seconds, and the open ones as they stand.
    pub fn report(&self) -> SecondsReport {
        let mut rest = Seconds {
            schedule: self.schedule.clone(),
            open: BTreeMap::new(),
            closed: Vec::new(),
            interval: self.interval.clone(),
            intervals: Vec::new(),
            ..*self
        };
        let last = self.open.keys().next_back().copied();
        while last.is_some_and(|last| rest.next <= last) {
            let window = rest.window(self.open.get(&rest.next).unwrap_or(&Open::default()));
            rest.closed.push(window);
            rest.next += 1;
        }
        rest.close_interval();
        SecondsReport {
            windows: self.closed.iter().cloned().chain(rest.closed).collect(),
            intervals: self.intervals.iter().cloned().chain(rest.intervals).collect(),
        }
    }

    /// The second that an event belongs to; the oldest open one when its own is closed.
    fn at(&mut self, second: u64) -> &mut Open {
        self.open.entry(second.max(self.next)).or_default()
    }

    fn close_next(&mut self) {
        let open = self.open.remove(&self.next).unwrap_or_default();
        let window = self.window(&open);
        self.closed.push(window);
        self.next += 1;
    }

    /// The line of the second `next`; its histograms go into the interval.
    fn window(&mut self, open: &Open) -> Window {
        self.accepted += open.accepted;
        self.ended += open.completed + open.failed;
        let start = self.next * SECOND;
        let quantile = |histogram: &Option<Histogram>, q| histogram.as_ref().and_then(|samples| samples.quantile_ms(q));
        let window = Window {
            iteration: 1,
            second: self.next,
            phase: self.schedule.phase_at(start),
            due: self.schedule.count_before(start + SECOND) - self.schedule.count_before(start),
            dispatched: open.dispatched,
            dropped: open.dropped,
            accepted: open.accepted,
            rejected: open.rejected,
            unknown: open.unknown,
            completed: Some(open.completed),
            failed: Some(open.failed),
            backlog: Some(self.accepted.saturating_sub(self.ended)),
            in_flight: open.in_flight,
            waited_at_cap: Some(open.waited_at_cap),
            held_at_cap: Some(open.held_at_cap),
            lag_p99: quantile(&open.lag, 0.99),
            start_p50: quantile(&open.start_response, 0.5),
            start_p99: quantile(&open.start_response, 0.99),
            e2e_p50: quantile(&open.e2e_response, 0.5),
            e2e_p99: quantile(&open.e2e_response, 0.99),
        };
        self.add_to_interval(open);
        window
    }

    fn add_to_interval(&mut self, open: &Open) {
        let wanted = self.next / self.interval_seconds * self.interval_seconds;
        if self.interval.as_ref().is_some_and(|(start, ..)| *start != wanted) {
            self.close_interval();
        }
        if open.start_response.is_none() && open.e2e_response.is_none() {
            return;
        }
        let (_, starts, ends) = self
            .interval
            .get_or_insert_with(|| (wanted, Histogram::new(), Histogram::new()));
        if let Some(samples) = &open.start_response {
            starts.add(samples);
        }
        if let Some(samples) = &open.e2e_response {
            ends.add(samples);
        }
    }

    fn close_interval(&mut self) {
        if let Some((start_seconds, starts, ends)) = self.interval.take() {
            self.intervals.push(IntervalHistograms {
                iteration: 1,
                start_seconds,
                seconds: self.interval_seconds,
                start_response: starts.encode(),
                e2e_response: ends.encode(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use benchmark_results::schema::Phase;
    use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};

    use super::*;

    fn seconds(duration: u64, drain: u64) -> Seconds {
        let schedule = Schedule::new(&Load {
            rate: Rate::from_thousandths(10_000).unwrap(),
            duration: Duration::from_secs(duration),
            ramp_up: Duration::ZERO,
            warm_up: Duration::from_secs(1),
            drain: Duration::from_secs(drain),
            stop_timeout: Duration::from_secs(25),
            arrivals: Arrivals::Constant,
            seed: 1,
            max_in_flight: 1000,
            when_full: WhenFull::Queue,
            max_lag: Duration::from_secs(1),
        });
        Seconds::new(&schedule, drain)
    }

    fn window(second: u64, accepted: u64) -> ShardWindow {
        ShardWindow {
            second,
            dispatched: accepted + 1,
            accepted,
            in_flight: accepted + 2,
            ..ShardWindow::default()
        }
    }

    #[test]
    fn a_second_stays_open_for_two_more() {
        let mut seconds = seconds(10, 60);
        seconds.add_window(&window(0, 7));
        seconds.advance(3 * SECOND - 1);
        assert_eq!(seconds.latest(), (0, 0, 0));
        seconds.add_end(WorkflowEnd::Completed, 0, SECOND / 2);
        seconds.advance(3 * SECOND);
        assert_eq!(seconds.latest(), (8, 1, 9));
        // What comes too late for its own second belongs to the oldest that is open.
        seconds.add_end(WorkflowEnd::Failed, 0, SECOND / 2);
        let report = seconds.report();
        let counts: Vec<_> = report
            .windows
            .iter()
            .map(|window| (window.completed, window.failed))
            .collect();
        assert_eq!(counts, [(Some(1), Some(0)), (Some(0), Some(1))]);
        let backlog: Vec<_> = report.windows.iter().map(|window| window.backlog).collect();
        assert_eq!(backlog, [Some(6), Some(5)]);
        assert_eq!(report.windows[1].due, 10);
        // One completed and one failed, of the closed seconds and of those that are open.
        assert_eq!(
            (seconds.ends_in(0..=0), seconds.ends_in(1..=9), seconds.ends_in(0..=9)),
            (1, 1, 2)
        );
        // Looking changes nothing.
        assert_eq!(seconds.report().windows, report.windows);
        assert_eq!(seconds.report().intervals, report.intervals);
        seconds.advance(4 * SECOND);
        assert_eq!((seconds.ends_in(0..=0), seconds.ends_in(0..=1)), (1, 2));
    }

    #[test]
    fn what_several_shards_count_is_added() {
        let mut seconds = seconds(10, 60);
        let window = ShardWindow {
            second: 1,
            dispatched: 2,
            dropped: 3,
            accepted: 4,
            rejected: 5,
            unknown: 6,
            in_flight: 7,
            waited_at_cap: 8,
            held_at_cap: 9,
            peak_in_flight: 10,
            ..ShardWindow::default()
        };
        seconds.add_window(&window);
        seconds.add_window(&window);
        let both = &seconds.report().windows[1];
        assert_eq!((both.dispatched, both.dropped, both.accepted), (4, 6, 8));
        assert_eq!((both.rejected, both.unknown, both.in_flight), (10, 12, 14));
        assert_eq!((both.waited_at_cap, both.held_at_cap), (Some(16), Some(18)));
        assert_eq!(seconds.peak_in_flight(), 20);
    }

    #[test]
    fn empty_seconds_have_their_line_and_phases_their_seconds() {
        let mut seconds = seconds(3, 60);
        seconds.add_window(&window(4, 1));
        let windows = seconds.report().windows;
        let phases: Vec<Phase> = windows.iter().map(|window| window.phase).collect();
        assert_eq!(
            phases,
            [
                Phase::WarmUp,
                Phase::Measure,
                Phase::Measure,
                Phase::Drain,
                Phase::Drain
            ]
        );
        let lines: Vec<u64> = windows.iter().map(|window| window.second).collect();
        assert_eq!(lines, [0, 1, 2, 3, 4]);
        let due: Vec<u64> = windows.iter().map(|window| window.due).collect();
        assert_eq!(due, [10, 10, 10, 0, 0]);
        assert_eq!((windows[3].dispatched, windows[4].dispatched), (0, 2));
    }

    #[test]
    fn long_runs_have_longer_intervals_that_hold_all() {
        assert_eq!(seconds(3_540, 60).interval_seconds, 1);
        assert_eq!(seconds(3_540, 61).interval_seconds, 2);
        let mut seconds = seconds(7_200, 60);
        assert_eq!(seconds.interval_seconds, 3);
        for second in 0..9 {
            let ended = second * SECOND + 5_000_000;
            seconds.add_end(WorkflowEnd::Completed, second * SECOND, ended);
            seconds.advance(ended);
        }
        let report = seconds.report();
        let intervals: Vec<(u64, u64, u64)> = report
            .intervals
            .iter()
            .map(|interval| {
                let ends = Histogram::decode(&interval.e2e_response).unwrap();
                (interval.start_seconds, interval.seconds, ends.count())
            })
            .collect();
        assert_eq!(intervals, [(0, 3, 3), (3, 3, 3), (6, 3, 3)]);
        assert!((report.windows[4].e2e_p99.unwrap() - 5.0).abs() < 0.01);
    }
}
