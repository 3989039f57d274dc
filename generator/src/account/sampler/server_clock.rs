//! Offset of the server's clock against ours, from what it says of workflows that we started.
//!
//! The server took a start between the instant at which we sent it and the one at which its answer was there, so its own
//! time of the start bounds the difference of the clocks from both sides. The bounds of many starts are cut with one
//! another, older ones growing wider by what clocks of machines drift apart; when nothing is left, a clock was set or is
//! slewed, and it begins anew. F. Cristian, "Probabilistic clock synchronization", Distributed Computing 3 (1989).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use benchmark_fleet::limits::DRIFT_PPM;

use super::Sampled;
use crate::account::accounts::Closed;

/// What is known of the server's clock, for all who ask or tell.
#[derive(Clone, Debug, Default)]
pub struct SharedServerClock(Arc<Mutex<ServerClockEstimate>>);

impl SharedServerClock {
    /// A clock of which nothing is known; changes count from an offset on, that of the measured phase.
    pub fn counting_from(measured_from: u64) -> Self {
        SharedServerClock(Arc::new(Mutex::new(ServerClockEstimate {
            measured_from,
            ..ServerClockEstimate::default()
        })))
    }

    /// What is known.
    pub fn lock(&self) -> MutexGuard<'_, ServerClockEstimate> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Server's clock − ours, at least and at most, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    least: i64,
    most: i64,
    /// The offset on our clock at which they hold.
    at: u64,
}

impl Bounds {
    /// What a start says.
    fn of(start: Sampled, started: i64) -> Self {
        Bounds {
            least: started.saturating_sub(signed(start.answered)),
            most: started.saturating_sub(signed(start.sent)),
            at: start.sent,
        }
    }

    /// The same at another instant.
    fn at(self, at: u64) -> Self {
        let drift = u128::from(self.at.abs_diff(at)) * u128::from(DRIFT_PPM) / 1_000_000;
        let drift = i64::try_from(drift).unwrap_or(i64::MAX);
        Bounds {
            least: self.least.saturating_sub(drift),
            most: self.most.saturating_add(drift),
            at,
        }
    }

    /// What both say; `None` when they contradict each other.
    fn cut(self, other: Bounds) -> Option<Self> {
        let at = self.at.max(other.at);
        let (one, other) = (self.at(at), other.at(at));
        let (least, most) = (one.least.max(other.least), one.most.min(other.most));
        (least <= most).then_some(Bounds { least, most, at })
    }

    fn middle(self) -> i64 {
        self.least.midpoint(self.most)
    }
}

/// What is known of the difference between the clocks.
#[derive(Debug, Default)]
pub struct ServerClockEstimate {
    bounds: Option<Bounds>,
    samples: u64,
    measured_from: u64,
    /// Of the starts of the measured phase the largest least and the smallest most: were they crossed, the difference
    /// changed.
    envelope: Option<(i64, i64)>,
    problem: Option<String>,
}

/// The difference between the clocks, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDifference {
    /// Server's clock − ours, nanoseconds.
    pub offset_ns: i64,
    /// How wrong that can be, either way.
    pub uncertainty_ns: u64,
    /// By how much it surely changed from the beginning of the measured phase on.
    pub moved_ns: u64,
    /// Starts that it is known from.
    pub samples: u64,
}

impl ClockDifference {
    /// What to add to our instants for the server's, nanoseconds: the offset where it is larger than its uncertainty.
    pub fn to_server_ns(&self) -> i64 {
        match self.offset_ns.unsigned_abs() > self.uncertainty_ns {
            true => self.offset_ns,
            false => 0,
        }
    }

    /// How wrong an instant of the measured phase may be on the server's clock, nanoseconds.
    pub fn wrong_ns(&self) -> u64 {
        let known_to = match self.to_server_ns() {
            // Let be although it may be true.
            0 => self.uncertainty_ns.saturating_add(self.offset_ns.unsigned_abs()),
            _ => self.uncertainty_ns,
        };
        known_to.saturating_add(self.moved_ns)
    }
}

impl ServerClockEstimate {
    /// Takes the server's time of a start, an offset from the same beginning on the server's clock.
    pub fn started(&mut self, start: Sampled, started: i64) {
        let own = Bounds::of(start, started);
        self.samples += 1;
        self.bounds = Some(self.bounds.and_then(|known| known.cut(own)).unwrap_or(own));
        if start.sent >= self.measured_from {
            let (least, most) = self.envelope.unwrap_or((own.least, own.most));
            self.envelope = Some((least.max(own.least), most.min(own.most)));
        }
    }

    /// Whether the server's time of a start would tell much more than is known.
    pub fn gains_by(&self, start: Sampled) -> bool {
        let own = start.answered.saturating_sub(start.sent);
        self.bounds
            .is_some_and(|known| own < known.most.abs_diff(known.least) / 4 * 3)
    }

    /// When a workflow ended, as an offset on our clock, from the server's times of its start and its end. Exact to within
    /// the quickest starts' latency; never outside of what the workflow's own start allows.
    pub fn ended(&mut self, start: Sampled, started: i64, ended: i64) -> u64 {
        self.started(start, started);
        let own = Bounds::of(start, started);
        let difference = self.bounds.map_or(own.middle(), Bounds::middle);
        let difference = difference.clamp(own.least, own.most);
        u64::try_from(ended.saturating_sub(difference))
            .unwrap_or(0)
            .max(start.sent)
    }

    /// When a workflow ended, on our clock, from the server's time of it, and how wrong that can be; `None` where nothing is
    /// known of the server's clock.
    pub fn closed(&self, closed: i64, now: u64) -> Option<Closed> {
        let known = self.difference(now).ok()?;
        Some(Closed {
            at: u64::try_from(closed.saturating_sub(known.offset_ns)).unwrap_or(0),
            wrong: known.uncertainty_ns.saturating_add(known.moved_ns),
        })
    }

    /// Notes why the server could not be asked.
    pub fn failed(&mut self, problem: String) {
        self.problem = Some(problem);
    }

    /// What is known at an offset, or why nothing is.
    pub fn difference(&self, now: u64) -> Result<ClockDifference, String> {
        let Some(bounds) = self.bounds else {
            let problem = self.problem.clone();
            return Err(problem.unwrap_or_else(|| "no workflow of a sample was asked for".to_owned()));
        };
        let bounds = bounds.at(now.max(bounds.at));
        let moved = self.envelope.map_or(0, |(least, most)| least.saturating_sub(most));
        Ok(ClockDifference {
            offset_ns: bounds.middle(),
            uncertainty_ns: bounds.most.abs_diff(bounds.least).div_ceil(2),
            moved_ns: u64::try_from(moved).unwrap_or(0),
            samples: self.samples,
        })
    }
}

fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLI: i64 = 1_000_000;
    const SECOND: i64 = 1_000 * MILLI;

    fn start(sent: i64, answered: i64) -> Sampled {
        Sampled {
            n: 0,
            sent: sent.unsigned_abs(),
            answered: answered.unsigned_abs(),
        }
    }

    /// A start that takes so many milliseconds there and so many back, on a server whose clock differs by so much.
    fn tell(clock: &mut ServerClockEstimate, sent: i64, (there, back): (i64, i64), difference: i64) {
        let sent = sent * MILLI;
        let started = sent + there * MILLI;
        clock.started(start(sent, started + back * MILLI), started + difference);
    }

    proptest! {
        /// Whatever the difference of the clocks and wherever within a start the server noted it: the end is told to within
        /// half of the quickest start so far and what clocks drift, and within half of its own start at the worst.
        #[test]
        fn an_end_is_known_to_within_the_quickest_start(
            difference in -3_600_000_000_000_i64..3_600_000_000_000,
            starts in prop::collection::vec((0..60_000_i64, 2..50_i64, 0..=100_i64, 1..30_000_i64), 1..40),
        ) {
            let mut clock = ServerClockEstimate::default();
            let mut quickest = i64::MAX;
            for (sent, took, at, lasted) in starts {
                let (sent, answered) = (sent * MILLI, (sent + took) * MILLI);
                quickest = quickest.min(took * MILLI);
                let started = sent + took * MILLI * at / 100;
                let ended = started + lasted * MILLI;
                let told = clock.ended(start(sent, answered), started + difference, ended + difference);
                let drift = 60 * SECOND as u64 * DRIFT_PPM / 1_000_000;
                let within = (quickest as u64).div_ceil(2) + 2 * drift + 1;
                prop_assert!(ended.abs_diff(told as i64) <= within.min(took.unsigned_abs() * MILLI as u64), "{told} for {ended}");
            }
        }

        /// A server that is ahead or behind, by seconds or not at all; jitter; ways that are not equally long.
        #[test]
        fn the_difference_is_within_its_uncertainty(
            difference in prop::sample::select(vec![-2 * SECOND, 0, 2 * SECOND]),
            shift in -5 * MILLI..5 * MILLI,
            paths in prop::collection::vec((0..200_i64, 0..200_i64), 1..60),
        ) {
            let mut clock = ServerClockEstimate::default();
            let mut quickest = i64::MAX;
            for (n, path) in paths.iter().enumerate() {
                tell(&mut clock, 2_000 * n as i64, *path, difference + shift);
                quickest = quickest.min((path.0 + path.1) * MILLI);
            }
            let now = 2_000 * MILLI as u64 * paths.len() as u64;
            let known = clock.difference(now).unwrap();
            let wrong = known.offset_ns.abs_diff(difference + shift);
            prop_assert!(wrong <= known.uncertainty_ns, "{wrong} > {known:?}");
            // Half of the quickest start, and what the clocks may have drifted since.
            let drift = now * DRIFT_PPM / 1_000_000;
            prop_assert!(known.uncertainty_ns <= quickest.unsigned_abs().div_ceil(2) + drift + 1, "{known:?}");
            prop_assert_eq!((known.moved_ns, known.samples), (0, paths.len() as u64));
            prop_assert!((difference + shift - known.to_server_ns()).unsigned_abs() <= known.wrong_ns());
        }

        /// Ways that get long on one side only, as behind a queue, move nothing.
        #[test]
        fn a_queue_on_one_way_is_no_change(queue in prop::collection::vec(0..5_000_i64, 1..30)) {
            let mut clock = ServerClockEstimate::default();
            for (n, wait) in queue.iter().enumerate() {
                tell(&mut clock, 2_000 * n as i64, (1 + wait, 1), 2 * SECOND);
            }
            prop_assert_eq!(clock.difference(0).unwrap().moved_ns, 0);
        }

        #[test]
        fn any_times_are_taken(told: Vec<(u64, u64, i64, i64)>, now: u64) {
            let mut clock = ServerClockEstimate::default();
            for (sent, answered, started, ended) in told {
                clock.ended(Sampled { n: 0, sent, answered: answered.max(sent) }, started, ended);
            }
            if let Ok(known) = clock.difference(now) {
                known.wrong_ns();
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_is_learnt_anew() {
        let mut clock = ServerClockEstimate::default();
        let one = start(100 * MILLI, 104 * MILLI);
        assert_eq!(clock.ended(one, 102 * MILLI, 202 * MILLI), 202 * MILLI as u64);
        // Set ahead by an hour.
        let hour = 3_600_000 * MILLI;
        let told = clock.ended(one, 103 * MILLI + hour, 203 * MILLI + hour);
        assert_eq!(told, 202 * MILLI as u64);
    }

    #[test]
    fn a_change_counts_from_the_measured_phase_on() {
        let clock = SharedServerClock::counting_from(10 * SECOND as u64);
        let mut clock = clock.lock();
        tell(&mut clock, 1_000, (2, 2), 0);
        tell(&mut clock, 9_000, (2, 2), 2 * SECOND);
        tell(&mut clock, 10_000, (2, 2), 2 * SECOND);
        let known = clock.difference(10 * SECOND as u64).unwrap();
        assert!(known.offset_ns.abs_diff(2 * SECOND) <= known.uncertainty_ns);
        assert!(
            known.uncertainty_ns <= 2 * MILLI as u64 && known.moved_ns == 0,
            "{known:?}"
        );
        // Of what two samples say all but the widths of both is sure.
        tell(&mut clock, 20_000, (2, 2), -SECOND);
        let known = clock.difference(20 * SECOND as u64).unwrap();
        assert!((-SECOND - 2 * MILLI..=-SECOND + 2 * MILLI).contains(&known.offset_ns));
        assert_eq!(known.moved_ns, 3 * SECOND as u64 - 4 * MILLI as u64);
        assert!(known.wrong_ns() > 2 * SECOND as u64);
    }

    #[test]
    fn a_clock_that_drifts_by_200_ppm_is_followed_and_the_change_is_told() {
        let mut clock = ServerClockEstimate::default();
        for second in 0..600 {
            let truth = second * 200_000;
            tell(&mut clock, second * 1_000, (1, 1), truth);
            let known = clock.difference((second * SECOND) as u64).unwrap();
            // It is found out when the bounds are crossed: the width of two starts.
            assert!(
                known.offset_ns.abs_diff(truth) <= 3 * MILLI as u64,
                "{second}: {known:?}"
            );
        }
        let moved = clock.difference(0).unwrap().moved_ns;
        assert_eq!(moved, 599 * 200_000 - 2 * MILLI as u64);
    }

    #[test]
    fn what_may_be_the_networks_is_let_be() {
        let mut clock = ServerClockEstimate::default();
        assert_eq!(
            clock.difference(0),
            Err("no workflow of a sample was asked for".to_owned())
        );
        clock.failed("PermissionDenied".into());
        assert_eq!(clock.difference(0), Err("PermissionDenied".to_owned()));
        tell(&mut clock, 0, (3, 1), 0);
        let known = clock.difference(0).unwrap();
        assert_eq!((known.offset_ns, known.uncertainty_ns), (MILLI, 2 * MILLI as u64));
        assert_eq!((known.to_server_ns(), known.wrong_ns()), (0, 3 * MILLI as u64));
        // By just what it may be wrong.
        let mut just = ServerClockEstimate::default();
        tell(&mut just, 0, (3, 1), MILLI);
        let known = just.difference(0).unwrap();
        assert_eq!((known.offset_ns, known.to_server_ns()), (2 * MILLI, 0));
        // Clocks that surely differ are corrected.
        tell(&mut clock, 0, (3, 1), 5 * MILLI);
        let known = clock.difference(0).unwrap();
        assert_eq!(
            (known.to_server_ns(), known.wrong_ns()),
            (6 * MILLI, 2 * MILLI as u64 + MILLI as u64)
        );
    }

    #[test]
    fn bounds_widen_by_what_clocks_drift() {
        let mut clock = ServerClockEstimate::default();
        tell(&mut clock, 1_000, (2, 2), 0);
        let drifted = |seconds: u64| seconds * DRIFT_PPM * 1_000;
        for seconds in [0, 1, 7, 1_000] {
            let known = clock.difference((1 + seconds) * SECOND as u64 + 1).unwrap();
            assert_eq!(known.uncertainty_ns, 2 * MILLI as u64 + drifted(seconds), "{seconds}");
        }
        // So an old, narrow start contradicts a wide one only when that is beyond the drift.
        for (beyond, samples_agree) in [(0, true), (1, false)] {
            let mut clock = ServerClockEstimate::default();
            tell(&mut clock, 0, (0, 0), 0);
            let drift = drifted(1_000) as i64 + beyond;
            tell(&mut clock, 1_000_000, (0, 1), drift + MILLI);
            let known = clock.difference(1_000 * SECOND as u64).unwrap();
            assert_eq!(known.uncertainty_ns == 0, samples_agree, "{known:?}");
        }
    }

    #[test]
    fn a_start_that_is_much_quicker_is_worth_a_question() {
        let mut clock = ServerClockEstimate::default();
        assert!(!clock.gains_by(start(0, MILLI)));
        tell(&mut clock, 0, (4, 4), 0);
        assert!(clock.gains_by(start(0, 5 * MILLI)) && !clock.gains_by(start(0, 6 * MILLI)));
    }

    #[test]
    fn nothing_ends_before_it_is_sent() {
        let mut clock = ServerClockEstimate::default();
        assert_eq!(clock.ended(start(100, 200), 150, -5_000), 100);
    }
}
