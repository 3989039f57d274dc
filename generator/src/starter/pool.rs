//! Which connection takes the next start: the one with fewer unanswered starts of two picked at random, which keeps them
//! level without looking at all of them (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).
//!
//! Starts that are sent at the same instant go out on the same connection: one write to the system carries them all, and
//! their answers come in one read. At 20,000 starts a second that is a fifth of the CPU time of a start.

use benchmark_temporal::start::StartConnection;
use benchmark_workflows::draw;

/// Unanswered starts from which on a connection takes no more of the same instant: the plan has as many connections as
/// this many on each come to. Servers and balancers allow 100 to 128.
const FULL: u64 = 80;

/// The connections of one starter.
#[derive(Debug)]
pub(super) struct Pool {
    connections: Vec<StartConnection>,
    in_flight: Vec<u64>,
    peak: u64,
    random: u64,
    group: Option<usize>,
}

impl Pool {
    pub(super) fn new(connections: Vec<StartConnection>) -> Self {
        Pool {
            in_flight: vec![0; connections.len()],
            connections,
            peak: 0,
            random: 0,
            group: None,
        }
    }

    /// Picks a connection and counts a start on it: that of the start before, until [`Pool::end_group`].
    pub(super) fn acquire(&mut self) -> usize {
        let index = match self.group {
            Some(index) if self.in_flight[index] < FULL => index,
            _ => self.pick(),
        };
        self.group = Some(index);
        self.in_flight[index] += 1;
        self.peak = self.peak.max(self.in_flight[index]);
        index
    }

    /// The next start is of another instant.
    pub(super) fn end_group(&mut self) {
        self.group = None;
    }

    fn pick(&mut self) -> usize {
        self.random = draw::derive(self.random, 0);
        let count = self.connections.len() as u64;
        let (first, second) = ((self.random % count) as usize, ((self.random >> 32) % count) as usize);
        if self.in_flight[first] <= self.in_flight[second] {
            first
        } else {
            second
        }
    }

    /// The connection at an index that [`Pool::acquire`] gave.
    pub(super) fn get(&self, index: usize) -> &StartConnection {
        &self.connections[index]
    }

    /// Counts an answer on a connection.
    pub(super) fn release(&mut self, index: usize) {
        self.in_flight[index] -= 1;
    }

    /// Most unanswered starts at one time on one connection.
    pub(super) fn peak_in_flight(&self) -> u64 {
        self.peak
    }
}
