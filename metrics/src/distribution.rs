//! Latencies that were counted elsewhere, as classic and native buckets.

use std::{collections::BTreeMap, fmt::Error};

use prometheus_client::encoding::{MetricEncoder, NativeHistogram, NativeHistogramBuckets, NoLabelSet};

use crate::families::NATIVE_SCHEMA;

/// Upper bounds of the classic buckets of a run's latencies, seconds: close together from 1 to 500 ms, where results are
/// compared.
pub const LATENCY_EDGES: [f64; 31] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15,
    0.175, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0,
];

/// Below this there is one bucket: 2⁻¹²⁸, as the native histograms of Prometheus' libraries have it.
const ZERO: f64 = f64::from_bits((1023 - 128) << 52);

/// How long things took, seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    sum: f64,
    /// By the number of the first edge that is not below them; those beyond all edges last.
    classic: [u64; LATENCY_EDGES.len() + 1],
    zero: u64,
    native: BTreeMap<i32, u64>,
}

impl Distribution {
    /// Adds so many of the same length. What is negative or no number counts as 0.
    pub fn add(&mut self, seconds: f64, count: u64) {
        let seconds = seconds.max(0.0);
        self.sum += seconds * count as f64;
        self.classic[LATENCY_EDGES.partition_point(|edge| *edge < seconds)] += count;
        if seconds <= ZERO {
            self.zero += count;
        } else {
            let index = (seconds.log2() * f64::from(1 << NATIVE_SCHEMA)).ceil();
            *self.native.entry(index as i32).or_default() += count;
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Distribution) {
        self.sum += other.sum;
        self.zero += other.zero;
        for (mine, theirs) in self.classic.iter_mut().zip(other.classic) {
            *mine += theirs;
        }
        for (index, count) in &other.native {
            *self.native.entry(*index).or_default() += count;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.classic.iter().sum()
    }

    pub(crate) fn encode(&self, mut encoder: MetricEncoder) -> Result<(), Error> {
        let edges = LATENCY_EDGES.into_iter().chain([f64::INFINITY]);
        let classic: Vec<(f64, u64)> = edges.zip(self.classic).collect();
        let mut spans: Vec<(i32, u32)> = Vec::new();
        let mut deltas = Vec::with_capacity(self.native.len());
        let (mut next, mut before) = (0, 0_i64);
        for (index, count) in &self.native {
            match spans.last_mut() {
                Some((_, length)) if *index == next => *length += 1,
                // The first span's offset is its index, another's is the gap before it.
                _ => spans.push((index - next, 1)),
            }
            next = index + 1;
            let count = i64::try_from(*count).map_err(|_| Error)?;
            deltas.push(count - before);
            before = count;
        }
        let none = NativeHistogramBuckets {
            spans: &[],
            deltas: &[],
        };
        let native = NativeHistogram {
            schema: i32::from(NATIVE_SCHEMA),
            zero_threshold: ZERO,
            zero_count: self.zero,
            negative: none,
            positive: NativeHistogramBuckets {
                spans: &spans,
                deltas: &deltas,
            },
            // A run's counters have none either: they begin at 0, and stand there before the load.
            created: None,
        };
        encoder.encode_histogram_with_native::<NoLabelSet>(self.sum, self.count(), &classic, None, native)
    }
}
