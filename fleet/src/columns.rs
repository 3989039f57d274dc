//! Columns of numbers as differences: neighbours are alike, so that most take one or two bytes on the wire.

/// The largest number that a column can hold.
pub const HIGHEST: u64 = i64::MAX as u64;

/// Each number as the difference from the one before, the first from 0. Numbers beyond [`HIGHEST`] become [`HIGHEST`];
/// neither arrival numbers nor Unix nanoseconds come near it.
pub fn encode(numbers: impl IntoIterator<Item = u64>) -> Vec<i64> {
    let mut before = 0;
    numbers
        .into_iter()
        .map(|number| {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            // Both are from 0 to `i64::MAX`, so that the difference fits.
            let difference = number - before;
            before = number;
            difference
        })
        .collect()
}

/// The numbers behind the differences.
///
/// # Errors
/// When one of them would be negative or beyond [`HIGHEST`].
pub fn decode(differences: &[i64]) -> Result<Vec<u64>, OutOfRange> {
    let mut before = 0_i64;
    differences
        .iter()
        .enumerate()
        .map(|(index, difference)| {
            let number = before.checked_add(*difference).ok_or(OutOfRange { index })?;
            before = number;
            u64::try_from(number).map_err(|_| OutOfRange { index })
        })
        .collect()
}

/// A difference that leads out of the range of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} of a column is below 0 or above {HIGHEST}")]
pub struct OutOfRange {
    /// Where, from 0.
    pub index: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(numbers: Vec<u64>) {
            let clamped: Vec<u64> = numbers.iter().map(|n| *n.min(&HIGHEST)).collect();
            prop_assert_eq!(decode(&encode(numbers)).unwrap(), clamped);
        }

        #[test]
        fn any_differences_are_taken_or_refused(differences: Vec<i64>) {
            if let Ok(numbers) = decode(&differences) {
                prop_assert_eq!(encode(numbers), differences);
            }
        }
    }

    #[test]
    fn numbers_out_of_range_name_the_entry() {
        assert_eq!(decode(&[5, -6]), Err(OutOfRange { index: 1 }));
        assert_eq!(decode(&[1, i64::MAX]), Err(OutOfRange { index: 1 }));
    }
}
