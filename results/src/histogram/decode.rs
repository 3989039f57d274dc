//! Decoder of histograms from untrusted text.
//!
//! The library's own reader believes the header: it allocates for whatever range and length it names, and overflows on
//! some run lengths. So the text is measured, inflated up to a bound and walked once before the library sees it.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::Deserializer;

use crate::limits::{
    HISTOGRAM_DIGITS, HISTOGRAM_HIGHEST_US, HISTOGRAM_LOWEST_US, HISTOGRAM_MAX_COUNT, HISTOGRAM_MAX_INFLATED,
    HISTOGRAM_MAX_TEXT,
};

/// Marks a deflated V2 histogram.
const DEFLATED_COOKIE: u32 = 0x1c84_9314;
/// Marks a V2 histogram.
const V2_COOKIE: u32 = 0x1c84_9313;
/// Bytes before the counts: cookie, length, offset, digits (4 each), lowest, highest, ratio (8 each).
const HEADER: usize = 40;

/// Why a text is not a histogram of this crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is longer, or inflates to more, than any histogram of this crate.
    #[error("the histogram is larger than any that this program writes")]
    TooLarge,
    /// It is no base64.
    #[error("the histogram is not base64")]
    NotBase64,
    /// It does not begin as a deflated HdrHistogram V2 does.
    #[error("the text is not an HdrHistogram V2 (deflated)")]
    NotAHistogram,
    /// It ends too early or its parts contradict each other.
    #[error("the histogram is cut off or damaged")]
    Damaged,
    /// It is a histogram with other bounds than this crate's.
    #[error(
        "the histogram holds {lowest} to {highest} with {digits} digits; \
         only 1 µs to 1 h with 3 digits can be read and added"
    )]
    OtherBounds {
        /// Smallest value that it distinguishes.
        lowest: u64,
        /// Largest value that it holds.
        highest: u64,
        /// Significant digits.
        digits: u32,
    },
}

/// Reads a histogram; see [`super::Histogram::decode`].
pub(super) fn decode(text: &str) -> Result<hdrhistogram::Histogram<u64>, DecodeError> {
    from_bytes(&bytes_of(text)?)
}

/// Reads a histogram that is not in base64; see [`super::Histogram::from_bytes`].
pub(super) fn from_bytes(deflated: &[u8]) -> Result<hdrhistogram::Histogram<u64>, DecodeError> {
    let inflated = inflate(deflated)?;
    walk(&inflated[HEADER..], |_, _| {})?;
    Deserializer::new()
        .deserialize(&mut inflated.as_slice())
        .map_err(|_| DecodeError::Damaged)
}

/// Visits the counts of a histogram without making one: a histogram is 190 KB to fill, and a file of an hour has thousands
/// of them with a few hundred counts each. Index and count, from the lowest value; see [`index_of`].
pub(super) fn visit(text: &str, visitor: impl FnMut(u64, u64)) -> Result<(), DecodeError> {
    visit_bytes(&bytes_of(text)?, visitor)
}

/// The same of one that is not in base64.
pub(super) fn visit_bytes(deflated: &[u8], visitor: impl FnMut(u64, u64)) -> Result<(), DecodeError> {
    walk(&inflate(deflated)?[HEADER..], visitor)
}

fn bytes_of(text: &str) -> Result<Vec<u8>, DecodeError> {
    if text.len() > HISTOGRAM_MAX_TEXT {
        return Err(DecodeError::TooLarge);
    }
    STANDARD.decode(text).map_err(|_| DecodeError::NotBase64)
}

/// The index of the count that a value, in microseconds, belongs to. With three digits the first 2,048 values have one each,
/// and every doubling beyond has 1,024.
pub(super) fn index_of(micros: u64) -> u64 {
    let doublings = u64::from((micros | 2_047).ilog2()) - 10;
    (doublings + 1) * 1_024 + (micros >> doublings) - 1_024
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if deflated.len() > HISTOGRAM_MAX_TEXT {
        return Err(DecodeError::TooLarge);
    }
    if word(deflated, 0) != Some(DEFLATED_COOKIE) {
        return Err(DecodeError::NotAHistogram);
    }
    let body = deflated.get(8..).ok_or(DecodeError::Damaged)?;
    if word(deflated, 4).map(|length| length as usize) != Some(body.len()) {
        return Err(DecodeError::Damaged);
    }
    let mut inflated = Vec::new();
    ZlibDecoder::new(body)
        .take(HISTOGRAM_MAX_INFLATED as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|_| DecodeError::Damaged)?;
    if inflated.len() > HISTOGRAM_MAX_INFLATED {
        return Err(DecodeError::TooLarge);
    }
    check_header(&inflated)?;
    Ok(inflated)
}

fn check_header(inflated: &[u8]) -> Result<(), DecodeError> {
    if word(inflated, 0) != Some(V2_COOKIE) {
        return Err(DecodeError::NotAHistogram);
    }
    let (Some(length), Some(digits), Some(lowest), Some(highest), true) = (
        word(inflated, 4),
        word(inflated, 12),
        long(inflated, 16),
        long(inflated, 24),
        inflated.len() >= HEADER,
    ) else {
        return Err(DecodeError::Damaged);
    };
    if (lowest, highest, digits) != (HISTOGRAM_LOWEST_US, HISTOGRAM_HIGHEST_US, u32::from(HISTOGRAM_DIGITS)) {
        return Err(DecodeError::OtherBounds {
            lowest,
            highest,
            digits,
        });
    }
    if length as usize != inflated.len() - HEADER {
        return Err(DecodeError::Damaged);
    }
    Ok(())
}

/// Walks the counts: zig-zag LEB128 of at most nine bytes, the ninth taken whole; a negative number is a run of zeros.
fn walk(mut bytes: &[u8], mut visitor: impl FnMut(u64, u64)) -> Result<(), DecodeError> {
    let mut total: u64 = 0;
    let mut index: u64 = 0;
    while !bytes.is_empty() {
        let mut raw: u64 = 0;
        let mut used = 0;
        loop {
            let byte = *bytes.get(used).ok_or(DecodeError::Damaged)?;
            let last = used == 8;
            raw |= u64::from(if last { byte } else { byte & 0x7f }) << (7 * used);
            used += 1;
            if last || byte & 0x80 == 0 {
                break;
            }
        }
        bytes = &bytes[used..];
        let number = ((raw >> 1) as i64) ^ -((raw & 1) as i64);
        match u64::try_from(number) {
            Ok(count) => {
                total = total.saturating_add(count);
                visitor(index, count);
                index += 1;
            }
            // No histogram of this crate has more than a few ten thousand counts to leave out.
            Err(_) if number.unsigned_abs() > HISTOGRAM_MAX_INFLATED as u64 => return Err(DecodeError::Damaged),
            Err(_) => index += number.unsigned_abs(),
        }
        if total > HISTOGRAM_MAX_COUNT {
            return Err(DecodeError::TooLarge);
        }
    }
    Ok(())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::Histogram;

    /// Wraps V2 bytes as `encode` would.
    fn wrap(inner: &[u8]) -> String {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(inner).unwrap();
        let body = encoder.finish().unwrap();
        let mut bytes = DEFLATED_COOKIE.to_be_bytes().to_vec();
        bytes.extend((body.len() as u32).to_be_bytes());
        bytes.extend(body);
        STANDARD.encode(bytes)
    }

    /// V2 bytes with this header and these counts.
    fn v2(length: u32, digits: u32, lowest: u64, highest: u64, counts: &[u8]) -> Vec<u8> {
        let mut bytes = V2_COOKIE.to_be_bytes().to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend(0_u32.to_be_bytes());
        bytes.extend(digits.to_be_bytes());
        bytes.extend(lowest.to_be_bytes());
        bytes.extend(highest.to_be_bytes());
        bytes.extend(1.0_f64.to_be_bytes());
        bytes.extend(counts);
        bytes
    }

    fn ours(counts: &[u8]) -> String {
        wrap(&v2(counts.len() as u32, 3, 1, 3_600_000_000, counts))
    }

    #[test]
    fn refuses_each_kind_of_damage_by_name() {
        assert_eq!(decode("").unwrap_err(), DecodeError::NotAHistogram);
        assert_eq!(decode("***").unwrap_err(), DecodeError::NotBase64);
        assert_eq!(decode("AAAAAAAAAAAAAAAA").unwrap_err(), DecodeError::NotAHistogram);
        assert_eq!(
            decode(&"A".repeat(HISTOGRAM_MAX_TEXT + 1)).unwrap_err(),
            DecodeError::TooLarge
        );
        let whole = STANDARD.decode(Histogram::new().encode()).unwrap();
        for length in 4..whole.len() {
            assert_eq!(
                decode(&STANDARD.encode(&whole[..length])).unwrap_err(),
                DecodeError::Damaged
            );
        }
    }

    #[test]
    fn every_reader_refuses_what_is_longer_than_any_histogram() {
        for (length, too_large) in [(HISTOGRAM_MAX_TEXT, false), (HISTOGRAM_MAX_TEXT + 1, true)] {
            let (text, bytes) = ("A".repeat(length), vec![0; length]);
            let refusals = [
                decode(&text).map(drop),
                visit(&text, |_, _| {}),
                from_bytes(&bytes).map(drop),
                visit_bytes(&bytes, |_, _| {}),
            ];
            for refusal in refusals {
                assert_eq!(
                    refusal == Err(DecodeError::TooLarge),
                    too_large,
                    "{length}: {refusal:?}"
                );
                assert!(refusal.is_err());
            }
        }
    }

    #[test]
    fn refuses_what_would_exhaust_memory() {
        let bomb = wrap(&vec![0; 4 * 1024 * 1024]);
        assert!(bomb.len() < HISTOGRAM_MAX_TEXT, "the bomb is small");
        assert_eq!(decode(&bomb).unwrap_err(), DecodeError::TooLarge);
        let claims_4_gb = wrap(&v2(u32::MAX, 3, 1, 3_600_000_000, &[2]));
        assert_eq!(decode(&claims_4_gb).unwrap_err(), DecodeError::Damaged);
    }

    /// A number as the counts have it: zig-zag, seven bits in a byte.
    fn number(number: i64) -> Vec<u8> {
        let mut rest = ((number << 1) ^ (number >> 63)) as u64;
        let mut bytes = Vec::new();
        while rest > 0x7f {
            bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    }

    #[test]
    fn the_largest_of_each_is_not_too_large_and_one_more_is() {
        let most = HISTOGRAM_MAX_INFLATED;
        assert_eq!(decode(&wrap(&vec![0; most])).unwrap_err(), DecodeError::NotAHistogram);
        assert_eq!(decode(&wrap(&vec![0; most + 1])).unwrap_err(), DecodeError::TooLarge);
        let read = |counts: &[i64]| {
            let bytes: Vec<u8> = counts.iter().flat_map(|count| number(*count)).collect();
            let mut seen = Vec::new();
            visit(&ours(&bytes), |index, count| seen.push((index, count))).map(|()| seen)
        };
        let zeros = most as i64;
        assert_eq!(read(&[7, -zeros, 8]), Ok(vec![(0, 7), (1 + most as u64, 8)]));
        assert_eq!(read(&[-zeros - 1]), Err(DecodeError::Damaged));
        let all = HISTOGRAM_MAX_COUNT as i64;
        assert_eq!(read(&[all - 1, 1]), Ok(vec![(0, HISTOGRAM_MAX_COUNT - 1), (1, 1)]));
        assert_eq!(read(&[all, 1]), Err(DecodeError::TooLarge));
    }

    #[test]
    fn refuses_other_bounds() {
        for (digits, lowest, highest) in [
            (5, 1, u64::MAX),
            (3, 0, 3_600_000_000),
            (3, 1, 2),
            (255, 1, 3_600_000_000),
        ] {
            let error = decode(&wrap(&v2(1, digits, lowest, highest, &[2]))).unwrap_err();
            assert!(matches!(error, DecodeError::OtherBounds { .. }), "{error}");
        }
        let mut bytes = Vec::new();
        let nanoseconds = hdrhistogram::Histogram::<u64>::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
        V2DeflateSerializer::new().serialize(&nanoseconds, &mut bytes).unwrap();
        let error = decode(&STANDARD.encode(bytes)).unwrap_err();
        assert!(error.to_string().contains("3600000000000"), "{error}");
    }

    #[test]
    fn refuses_counts_that_overflow() {
        // A run of -2^63 zeros, which cannot be negated.
        assert_eq!(decode(&ours(&[0xff; 9])).unwrap_err(), DecodeError::Damaged);
        // A count of 2^62.
        let mut huge = vec![0x80; 8];
        huge.push(0x80);
        assert_eq!(decode(&ours(&huge)).unwrap_err(), DecodeError::TooLarge);
        // More counts than there are buckets.
        assert_eq!(decode(&ours(&[2; 100_000])).unwrap_err(), DecodeError::Damaged);
        // A number that goes on beyond the end.
        assert_eq!(decode(&ours(&[0x80])).unwrap_err(), DecodeError::Damaged);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn survives_any_text(text in ".{0,200}") {
            let _ = decode(&text);
        }

        #[test]
        fn survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&STANDARD.encode(&bytes));
            let _ = decode(&wrap(&bytes));
        }

        #[test]
        fn survives_any_counts(counts in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(histogram) = decode(&ours(&counts)) {
                // Whatever is taken can be asked for everything.
                let _ = Histogram { inner: histogram }.to_latency();
            }
        }

        #[test]
        fn survives_any_flipped_byte(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let mut histogram = Histogram::new();
            for micros in [0, 1, 17, 1_000, 1_001, 250_000, 3_600_000_000] {
                histogram.record_micros(micros);
            }
            let mut bytes = STANDARD.decode(histogram.encode()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let _ = decode(&STANDARD.encode(bytes));
        }
    }
}
