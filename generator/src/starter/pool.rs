//! Which connection takes the next start: the one with fewer unanswered starts of two picked at random, which keeps them
//! level without looking at all of them (Mitzenmacher, "The power of two choices in randomized load balancing", 2001).

use benchmark_temporal::start::StartConnection;
use benchmark_workflows::draw;

/// The connections of one starter.
#[derive(Debug)]
pub(super) struct Pool {
    connections: Vec<StartConnection>,
    in_flight: Vec<u64>,
    peak: u64,
    random: u64,
}

impl Pool {
    pub(super) fn new(connections: Vec<StartConnection>) -> Self {
        Pool {
            in_flight: vec![0; connections.len()],
            connections,
            peak: 0,
            random: 0,
        }
    }

    /// Picks a connection and counts a start on it.
    pub(super) fn acquire(&mut self) -> usize {
        self.random = draw::derive(self.random, 0);
        let count = self.connections.len() as u64;
        let (first, second) = ((self.random % count) as usize, ((self.random >> 32) % count) as usize);
        let index = if self.in_flight[first] <= self.in_flight[second] {
            first
        } else {
            second
        };
        self.in_flight[index] += 1;
        self.peak = self.peak.max(self.in_flight[index]);
        index
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
