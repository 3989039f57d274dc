//! Table of arrivals, how far each has come, in memory that does not grow with their number.
//!
//! A byte an arrival, in chunks. A chunk whose arrivals all stand the same is one byte as a whole: what is settled costs
//! nothing, and neither does a long stretch that is accepted and still open. Only chunks in which something is going on
//! are held arrival by arrival.

use std::collections::BTreeMap;

/// Arrivals in one chunk.
const CHUNK: u64 = 4096;

/// How far an arrival has come. What is counted is counted when it happens; this is kept so that nothing is counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Progress {
    /// Nothing is known yet: not due, or sent and not answered.
    #[default]
    Pending,
    /// The server took the start; the workflow is open.
    Open,
    /// The start's answer was lost.
    Unknown,
    /// The workflow ended before the start's answer came.
    EndedUnanswered,
    /// Nothing more can come of it.
    Settled,
}

/// How many there are.
const STATES: usize = Progress::Settled as usize + 1;

#[derive(Clone, Debug)]
enum Chunk {
    Uniform(Progress),
    Mixed(Box<Mixed>),
}

#[derive(Clone, Debug)]
struct Mixed {
    states: [Progress; CHUNK as usize],
    counts: [u16; STATES],
}

/// How far every arrival has come, by its number.
#[derive(Clone, Debug, Default)]
pub struct ArrivalTable {
    chunks: BTreeMap<u64, Chunk>,
}

impl ArrivalTable {
    /// How far arrival `n` has come.
    pub fn get(&self, n: u64) -> Progress {
        match self.chunks.get(&(n / CHUNK)) {
            None => Progress::Pending,
            Some(Chunk::Uniform(state)) => *state,
            Some(Chunk::Mixed(mixed)) => mixed.states[(n % CHUNK) as usize],
        }
    }

    /// Moves arrival `n` on.
    pub fn set(&mut self, n: u64, state: Progress) {
        let chunk = self
            .chunks
            .entry(n / CHUNK)
            .or_insert(Chunk::Uniform(Progress::Pending));
        if let Chunk::Uniform(all) = *chunk {
            if all == state {
                return;
            }
            let mut counts = [0; STATES];
            counts[all as usize] = CHUNK as u16;
            *chunk = Chunk::Mixed(Box::new(Mixed {
                states: [all; CHUNK as usize],
                counts,
            }));
        }
        let Chunk::Mixed(mixed) = chunk else { return };
        let before = std::mem::replace(&mut mixed.states[(n % CHUNK) as usize], state);
        mixed.counts[before as usize] -= 1;
        mixed.counts[state as usize] += 1;
        if mixed.counts[state as usize] == CHUNK as u16 {
            *chunk = Chunk::Uniform(state);
        }
    }

    /// The first arrivals from a number on that stand at a state, in order, at most `limit` of them.
    pub fn find(&self, wanted: Progress, from: u64, limit: usize) -> Vec<u64> {
        let mut found = Vec::new();
        for (key, chunk) in self.chunks.range(from / CHUNK..) {
            let first = key * CHUNK;
            // Only the first chunk begins before it.
            let skipped = from.saturating_sub(first) as usize;
            match chunk {
                Chunk::Uniform(state) if *state == wanted => found.extend((first..first + CHUNK).skip(skipped)),
                Chunk::Uniform(_) => {}
                Chunk::Mixed(mixed) => {
                    let stands = |(_, state): &(usize, &Progress)| **state == wanted;
                    found.extend(
                        mixed
                            .states
                            .iter()
                            .enumerate()
                            .skip(skipped)
                            .filter(stands)
                            .map(|(at, _)| first + at as u64),
                    );
                }
            }
            if found.len() >= limit {
                found.truncate(limit);
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const ALL: [Progress; STATES] = [
        Progress::Pending,
        Progress::Open,
        Progress::Unknown,
        Progress::EndedUnanswered,
        Progress::Settled,
    ];

    impl ArrivalTable {
        fn mixed_chunks(&self) -> usize {
            self.chunks
                .values()
                .filter(|chunk| matches!(chunk, Chunk::Mixed(_)))
                .count()
        }
    }

    proptest! {
        #[test]
        fn says_what_a_map_would_say(from in 0..9000u64, moves in prop::collection::vec((0..9000u64, 0..STATES), 0..500)) {
            let (mut table, mut map) = (ArrivalTable::default(), HashMap::new());
            for (n, state) in moves {
                table.set(n, ALL[state]);
                map.insert(n, ALL[state]);
            }
            for n in 0..9000 {
                prop_assert_eq!(table.get(n), map.get(&n).copied().unwrap_or_default());
            }
            let mut open: Vec<u64> = map.iter().filter(|(_, state)| **state == Progress::Open).map(|(n, _)| *n).collect();
            open.sort_unstable();
            prop_assert_eq!(table.find(Progress::Open, from, 50), open.iter().copied().filter(|n| *n >= from).take(50).collect::<Vec<_>>());
            prop_assert_eq!(table.find(Progress::Open, 0, usize::MAX), open);
        }
    }

    #[test]
    fn holds_only_what_is_going_on() {
        let mut table = ArrivalTable::default();
        for n in 0..200_000 {
            table.set(n, Progress::Open);
            if n >= 5_000 {
                table.set(n - 5_000, Progress::Settled);
            }
            if n % 100 == 0 {
                assert!(table.mixed_chunks() <= 3, "{} chunks at {n}", table.mixed_chunks());
            }
        }
        // And what it holds is true.
        let open: Vec<u64> = (195_000..200_000).collect();
        assert_eq!(table.find(Progress::Open, 0, usize::MAX), open);
    }

    #[test]
    fn does_not_grow_when_nothing_ever_ends() {
        let mut table = ArrivalTable::default();
        (0..1_000_000).for_each(|n| table.set(n, Progress::Open));
        assert!(table.mixed_chunks() <= 1);
        assert_eq!(table.find(Progress::Open, 0, 3), [0, 1, 2]);
    }

    #[test]
    fn a_chunk_that_stands_at_one_state_is_found_under_no_other() {
        let mut table = ArrivalTable::default();
        (0..CHUNK).for_each(|n| table.set(n, Progress::Settled));
        table.set(CHUNK + 1, Progress::Open);
        assert_eq!(table.mixed_chunks(), 1);
        assert_eq!(table.find(Progress::Open, 0, usize::MAX), [CHUNK + 1]);
        assert_eq!(table.find(Progress::Settled, 5, 2), [5, 6]);
    }
}
