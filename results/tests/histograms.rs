//! Percentiles from a stored histogram are those that other implementations of HdrHistogram read out of the same text: the
//! original for Java and that for Python (stored, see `files/README.md`), and one that stands in this file, written from the
//! description of the format alone.

use std::{fs, io::Read, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use benchmark_results::Histogram;
use flate2::read::ZlibDecoder;
use serde::{Deserialize, Serialize};

/// One in how many samples lies beyond p50, p75, p90, p95, p99, p99.9 and p99.99.
const BEYOND: [u64; 7] = [2, 4, 10, 20, 100, 1_000, 10_000];

/// A stored histogram with what others read out of it.
#[derive(Deserialize, Serialize)]
struct Stored {
    name: String,
    text: String,
    java: Option<Figures>,
    python: Option<Figures>,
}

/// What an implementation says: microseconds, percentiles as [`BEYOND`].
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Figures {
    count: u64,
    min: u64,
    max: u64,
    mean: f64,
    percentiles: [u64; 7],
}

fn stored() -> Vec<Stored> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/histograms.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A histogram as its counts by value: value, largest value that counts as the same, count.
struct Decoded(Vec<(u64, u64, u64)>);

/// Reads HdrHistogram V2, deflated, in base64. 1 µs to 1 h with three digits has 2,048 values in its first bucket; each
/// further bucket has 1,024, twice as far apart.
fn decode(text: &str) -> Decoded {
    let bytes = STANDARD.decode(text).unwrap();
    assert_eq!(bytes[..4], 0x1c84_9314_u32.to_be_bytes());
    let mut inner = Vec::new();
    ZlibDecoder::new(&bytes[8..]).read_to_end(&mut inner).unwrap();
    assert_eq!(inner[..4], 0x1c84_9313_u32.to_be_bytes());
    assert_eq!(inner[12..16], 3_u32.to_be_bytes());
    let mut counts = Vec::new();
    let mut index = 0_u64;
    let mut bytes = inner[40..].iter();
    while let Some(first) = bytes.next() {
        let mut number = u64::from(first & 0x7f);
        let mut shift = 7;
        let mut byte = *first;
        while byte & 0x80 != 0 {
            byte = *bytes.next().unwrap();
            let part = if shift == 56 { byte } else { byte & 0x7f };
            number |= u64::from(part) << shift;
            shift += 7;
            if shift > 56 {
                break;
            }
        }
        let number = (number >> 1) as i64 ^ -((number & 1) as i64);
        if number < 0 {
            index += number.unsigned_abs();
            continue;
        }
        if number > 0 {
            let bucket = (index / 1_024).saturating_sub(1);
            let value = (index - bucket * 1_024) << bucket;
            counts.push((value, value + (1 << bucket) - 1, number as u64));
        }
        index += 1;
    }
    Decoded(counts)
}

impl Decoded {
    fn figures(&self) -> Figures {
        let count = self.0.iter().map(|(_, _, count)| count).sum();
        let sum: f64 = self
            .0
            .iter()
            .map(|(value, last, count)| (value + (last - value).div_ceil(2)) as f64 * *count as f64)
            .sum();
        Figures {
            count,
            min: self.0.first().map_or(0, |(value, _, _)| *value),
            max: self.0.last().map_or(0, |(_, last, _)| *last),
            mean: if count > 0 { sum / count as f64 } else { 0.0 },
            percentiles: BEYOND.map(|beyond| self.percentile(count, beyond)),
        }
    }

    /// The value that all but one in `beyond` samples do not exceed, in whole numbers.
    fn percentile(&self, count: u64, beyond: u64) -> u64 {
        let rank = (count - count / beyond).max(1);
        let mut below = 0;
        for (_, last, count) in &self.0 {
            below += count;
            if below >= rank {
                return *last;
            }
        }
        0
    }
}

/// Milliseconds of this crate as microseconds of the others, which know no end of the range.
fn micros(ms: f64) -> u64 {
    (ms * 1000.0).round() as u64
}

/// A value in microseconds as far as this crate shows it: one hour at the most.
fn shown(value: u64) -> u64 {
    value.min(3_600_000_000)
}

#[test]
fn others_read_the_same_figures() {
    let all = stored();
    assert!(all.len() >= 6);
    for stored in &all {
        let own = Histogram::decode(&stored.text).unwrap();
        for (who, figures) in [
            ("this file", decode(&stored.text).figures()),
            ("Java", read(&stored.java)),
            ("Python", read(&stored.python)),
        ] {
            let at = format!("{} by {who}", stored.name);
            assert_eq!(own.count(), figures.count, "{at}");
            if own.is_empty() {
                continue;
            }
            assert_eq!(own.max_ms().map(micros), Some(shown(figures.max)), "{at}");
            let latency = own.to_latency();
            assert_eq!(latency.min.map(micros), Some(shown(figures.min)), "{at}");
            let mean = latency.mean.unwrap() * 1000.0;
            assert!(
                (mean - figures.mean).abs() <= figures.mean * 1e-9 + 1e-6,
                "{at}: {mean}, {}",
                figures.mean
            );
            for (beyond, expected) in BEYOND.into_iter().zip(figures.percentiles) {
                let quantile = own.quantile_ms(1.0 - 1.0 / beyond as f64).map(micros);
                assert_eq!(quantile, Some(shown(expected)), "{at}: all but one in {beyond}");
            }
            // And what stands in a results file, where there are samples enough.
            for ((name, _, value), expected) in latency.quantiles().into_iter().zip(figures.percentiles) {
                if let Some(value) = value {
                    assert_eq!(micros(value), shown(expected), "{at}: {name}");
                }
            }
        }
    }
}

fn read(figures: &Option<Figures>) -> Figures {
    let figures = figures.as_ref().expect("made by the scripts beside the file");
    Figures {
        percentiles: figures.percentiles,
        ..*figures
    }
}

#[test]
fn stored_results_hold_the_percentiles_of_their_histograms() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/v1");
    for name in ["before-the-fleet.json", "short.json", "fleet.json"] {
        let results = benchmark_results::file::read(&folder.join(name)).unwrap();
        let latencies = &results.phases.measure.latencies;
        for latency in [
            &latencies.lag,
            &latencies.start_service.accepted,
            &latencies.start_response.accepted,
            &latencies.e2e_service.completed,
            &latencies.e2e_response.completed,
        ] {
            let figures = decode(&latency.histogram).figures();
            assert_eq!(latency.count, figures.count, "{name}");
            for ((quantile, _, value), expected) in latency.quantiles().into_iter().zip(figures.percentiles) {
                if let Some(value) = value {
                    assert_eq!(micros(value), shown(expected), "{name}: {quantile}");
                }
            }
        }
    }
}

/// Writes the texts anew, without figures: run the scripts afterwards.
#[test]
#[ignore = "writes the stored file"]
fn write() {
    let histogram = |samples: &mut dyn Iterator<Item = i64>| {
        let mut histogram = Histogram::new();
        samples.for_each(|micros| histogram.record_micros(micros));
        histogram.encode()
    };
    let stored = |name: &str, text: String| Stored {
        name: name.into(),
        text,
        java: None,
        python: None,
    };
    // A long tail: 2 ms and more, the n-th of 20,000 as 1/√u of a Pareto distribution.
    let tail = |n: i64| (2_000.0 / ((n as f64 + 0.5) / 20_000.0).sqrt()) as i64;
    let all = [
        stored("empty", histogram(&mut std::iter::empty())),
        stored("one", histogram(&mut std::iter::once(1_234_567))),
        stored(
            "the ends of the range",
            histogram(&mut [0, 1, 3_600_000_000, i64::MAX].into_iter()),
        ),
        stored("every microsecond up to 100 ms", histogram(&mut (1..=100_000))),
        stored("a long tail", histogram(&mut (0..20_000).map(tail))),
        stored(
            "two kinds",
            histogram(&mut (0..5_000).map(|n| if n % 100 == 0 { 900_000 + n } else { 3_000 + n % 7 })),
        ),
        stored("five beyond p99.9", histogram(&mut (0..5_000).map(|n| n * n))),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/histograms.json");
    fs::write(path, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
}
