//! The messages of Prometheus' remote-write protocol 1.0, which is the one that everybody takes. Its labels and spans of buckets
//! are those of the protobuf page.

use prost::{Message, Oneof};

use crate::protobuf::{BucketSpan, LabelPair};

/// The key before each series of a message: field 1, a message with its length before it.
const SERIES: u8 = 1 << 3 | 2;

/// The labels of a series, in the order of their names, as they stand in a message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Labels {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<LabelPair>,
}

/// What a series is at one instant: one of the two, where the protocol would take several.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Point {
    #[prost(message, optional, tag = "2")]
    pub(crate) sample: Option<Sample>,
    #[prost(message, optional, tag = "4")]
    pub(crate) histogram: Option<Histogram>,
}

impl Point {
    /// A plain value.
    pub(crate) fn plain(value: f64, timestamp: i64) -> Point {
        Point {
            sample: Some(Sample { value, timestamp }),
            histogram: None,
        }
    }

    /// A native histogram.
    pub(crate) fn native(histogram: Histogram) -> Point {
        Point {
            sample: None,
            histogram: Some(histogram),
        }
    }

    /// Adds a series to a message: its labels, encoded, and this.
    pub(crate) fn add_to(&self, message: &mut Vec<u8>, labels: &[u8]) {
        message.push(SERIES);
        // A vector has room for all.
        let _ = prost::encode_length_delimiter(labels.len() + self.encoded_len(), message);
        message.extend_from_slice(labels);
        let _ = self.encode(message);
    }
}

/// A value at an instant.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(crate) timestamp: i64,
}

/// A native histogram at an instant: whole counts, base-2 buckets.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Histogram {
    #[prost(oneof = "Count", tags = "1")]
    pub(crate) count: Option<Count>,
    #[prost(double, tag = "3")]
    pub(crate) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(crate) schema: i32,
    #[prost(double, tag = "5")]
    pub(crate) zero_threshold: f64,
    #[prost(oneof = "ZeroCount", tags = "6")]
    pub(crate) zero_count: Option<ZeroCount>,
    #[prost(message, repeated, tag = "8")]
    pub(crate) negative_spans: Vec<BucketSpan>,
    /// Each count less the one before it.
    #[prost(sint64, repeated, tag = "9")]
    pub(crate) negative_deltas: Vec<i64>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) positive_spans: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "12")]
    pub(crate) positive_deltas: Vec<i64>,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "15")]
    pub(crate) timestamp: i64,
}

/// Of a choice, so that a zero is written, too: it says that counts are whole numbers.
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum Count {
    #[prost(uint64, tag = "1")]
    Int(u64),
}

/// As [`Count`].
#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
pub(crate) enum ZeroCount {
    #[prost(uint64, tag = "6")]
    Int(u64),
}

/// The protocol's messages as a receiver reads them.
#[cfg(test)]
pub(crate) mod received {
    use super::{Histogram, LabelPair, Message, Sample};

    /// What was sent at once.
    #[derive(Clone, PartialEq, Message)]
    pub(crate) struct WriteRequest {
        #[prost(message, repeated, tag = "1")]
        pub(crate) timeseries: Vec<TimeSeries>,
    }

    /// One series with its samples or histograms, in the order of time.
    #[derive(Clone, PartialEq, Message)]
    pub(crate) struct TimeSeries {
        #[prost(message, repeated, tag = "1")]
        pub(crate) labels: Vec<LabelPair>,
        #[prost(message, repeated, tag = "2")]
        pub(crate) samples: Vec<Sample>,
        #[prost(message, repeated, tag = "4")]
        pub(crate) histograms: Vec<Histogram>,
    }
}
