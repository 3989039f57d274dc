//! Scanner that measures a message before it is decoded.
//!
//! An empty submessage is two bytes on the wire and some hundred in memory. One pass over the wire format, which allocates
//! nothing, adds up what decoding would take. A limit on the length of messages is not enough: 2 MiB of seconds with one empty
//! phase each decode to 639 MiB, and 16 of them, as many as are read at a time, to 10.0 GiB. The most found that passes here
//! decodes to 74 MiB, 16 of them to 1.2 GiB: three times what is counted, since a list has room for four at least and grows by
//! doubling. (Counting allocator, prost 0.14.6.)
//! Wire format: <https://protobuf.dev/programming-guides/encoding/>.

use crate::{limits::MESSAGE_BYTES, wire};

/// The memory that a decoded message may take, bytes: for each byte of it, besides, and at most. The least dense that a
/// member sends are seconds in which nothing happened, 5 bytes on the wire and 128 in memory.
const DECODED: (usize, usize, usize) = (32, 64 * 1024, 24 * 1024 * 1024);
/// The most for a message that carries a single large window.
const LARGE_DECODED: usize = 64 * 1024 * 1024;

/// The memory that a message of so many bytes may take.
fn budget(bytes: usize) -> usize {
    let (each, besides, most) = DECODED;
    let most = if bytes > MESSAGE_BYTES { LARGE_DECODED } else { most };
    bytes.saturating_mul(each).saturating_add(besides).min(most)
}

/// A message that can be measured.
pub trait Measured {
    /// What it looks like to the measure.
    const SHAPE: Shape;

    /// Whether the message may be decoded.
    ///
    /// # Errors
    /// When it would take too much memory, or is no message.
    fn measure(bytes: &[u8]) -> Result<(), String> {
        let left = budget(bytes.len());
        Measure { left }.message(bytes, &Self::SHAPE)
    }
}

/// What a message looks like to the measure.
pub struct Shape {
    /// Bytes that one takes in memory, without what it points to.
    size: usize,
    /// Fields that hold messages.
    messages: &'static [(u64, &'static Shape)],
    /// Fields that hold packed numbers.
    columns: &'static [u64],
}

/// The shape of a message, by the numbers of its fields.
macro_rules! measured {
    ($message:ident, [$($number:literal $inner:ident),*], [$($column:literal),*]) => {
        impl Measured for wire::$message {
            const SHAPE: Shape = Shape {
                size: size_of::<wire::$message>(),
                messages: &[$(($number, &<wire::$inner as Measured>::SHAPE)),*],
                columns: &[$($column),*],
            };
        }
    };
}

// Of every message in `proto/fleet.proto`: one that were left out would be taken for its bytes.
include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

struct Measure {
    left: usize,
}

impl Measure {
    fn message(&mut self, mut bytes: &[u8], shape: &Shape) -> Result<(), String> {
        self.take(shape.size)?;
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let (field, kind) = (key >> 3, key & 7);
            match kind {
                // A number; repeated ones need not be packed, so each counts.
                0 => {
                    varint(&mut bytes)?;
                    self.take(size_of::<u64>())?;
                }
                1 => self.number(&mut bytes, 8)?,
                5 => self.number(&mut bytes, 4)?,
                2 => {
                    let length = varint(&mut bytes)?;
                    let content = usize::try_from(length)
                        .ok()
                        .and_then(|length| bytes.split_off(..length))
                        .ok_or("it is cut off")?;
                    if let Some((_, inner)) = shape.messages.iter().find(|(number, _)| *number == field) {
                        self.message(content, inner)?;
                    } else if shape.columns.contains(&field) {
                        let numbers = content.iter().filter(|byte| **byte < 0x80).count();
                        self.take(numbers.saturating_mul(size_of::<u64>()))?;
                    } else {
                        self.take(content.len())?;
                    }
                }
                _ => return Err(format!("field {field} is of kind {kind}, which this protocol has not")),
            }
        }
        Ok(())
    }

    fn number(&mut self, bytes: &mut &[u8], length: usize) -> Result<(), String> {
        bytes.split_off(..length).ok_or("it is cut off")?;
        self.take(length)
    }

    fn take(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or("it would take far more memory than its length suggests")?;
        Ok(())
    }
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = bytes.split_off_first().ok_or("it is cut off")?;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if *byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number has more than 10 bytes".to_owned())
}

#[cfg(test)]
mod tests;
