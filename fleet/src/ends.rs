//! The ends of workflows as a worker stamps them, to the columns of a window and back.

use benchmark_results::WorkflowEnd;

use crate::{
    columns,
    limits::{END_MESSAGE_BYTES, WINDOW_ENTRIES},
    text, wire,
};

/// One workflow's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndRecord {
    /// Number of the arrival.
    pub n: u64,
    /// When it ended, Unix nanoseconds on the leader's clock.
    pub ended_unix_ns: u64,
    /// When its start was sent, likewise.
    pub sent_unix_ns: u64,
    /// How it ended.
    pub end: WorkflowEnd,
    /// Why, for one that did not complete; `None` when nobody said.
    pub message: Option<String>,
}

/// Gathers ends into the columns of one window.
#[derive(Clone, Debug, Default)]
pub struct EndsBuilder {
    n: Vec<u64>,
    ended: Vec<u64>,
    service: Vec<i64>,
    others: Vec<wire::OtherEnd>,
}

impl EndsBuilder {
    /// Nothing ended yet.
    pub fn new() -> EndsBuilder {
        EndsBuilder::default()
    }

    /// Adds one end. A message is cut to [`END_MESSAGE_BYTES`] and not kept for a workflow that completed.
    pub fn push(&mut self, end: EndRecord) {
        let ended = end.ended_unix_ns.min(columns::HIGHEST);
        let sent = end.sent_unix_ns.min(columns::HIGHEST);
        let kind = match end.end {
            WorkflowEnd::Completed => None,
            WorkflowEnd::Failed => Some(wire::EndKind::Failed),
            WorkflowEnd::Cancelled => Some(wire::EndKind::Cancelled),
            // The server's doing, which no worker sees; whoever says so is not believed.
            WorkflowEnd::TimedOut | WorkflowEnd::Terminated => Some(wire::EndKind::Unspecified),
        };
        if let Some(kind) = kind {
            self.others.push(wire::OtherEnd {
                // A full builder holds far fewer than 2^32.
                index: u32::try_from(self.n.len()).unwrap_or(u32::MAX),
                kind: kind.into(),
                message: text::cut(end.message.unwrap_or_default(), END_MESSAGE_BYTES),
            });
        }
        self.n.push(end.n);
        self.ended.push(ended);
        self.service.push(ended as i64 - sent as i64);
    }

    /// Number of ends.
    pub fn len(&self) -> usize {
        self.n.len()
    }

    /// Whether nothing ended.
    pub fn is_empty(&self) -> bool {
        self.n.is_empty()
    }

    /// Whether a window should not hold more; the rest belongs into the next one.
    pub fn is_full(&self) -> bool {
        self.n.len() >= WINDOW_ENTRIES / 4
    }

    /// The columns.
    pub fn finish(self) -> wire::Ends {
        wire::Ends {
            n: columns::encode(self.n),
            ended_unix_ns: columns::encode(self.ended),
            service_ns: self.service,
            others: self.others,
        }
    }
}

/// The ends behind the columns.
///
/// # Errors
/// When columns differ in length or are too long, a number is out of range, or an end that did not complete is told of
/// a workflow that is not there, twice, or without saying how it ended. The text says which.
pub fn read_ends(ends: &wire::Ends) -> Result<Vec<EndRecord>, String> {
    let length = ends.n.len();
    if length > WINDOW_ENTRIES {
        return Err(format!(
            "{length} ends in one window; at most {WINDOW_ENTRIES} are taken"
        ));
    }
    if ends.ended_unix_ns.len() != length || ends.service_ns.len() != length {
        return Err(format!(
            "columns of different length: {length} numbers, {} instants, {} times",
            ends.ended_unix_ns.len(),
            ends.service_ns.len()
        ));
    }
    if ends.others.len() > length {
        return Err(format!("{} ends did not complete, of {length}", ends.others.len()));
    }
    let numbers = columns::decode(&ends.n).map_err(|error| format!("arrival numbers: {error}"))?;
    let ended = columns::decode(&ends.ended_unix_ns).map_err(|error| format!("instants of ends: {error}"))?;
    let mut records = Vec::with_capacity(length);
    for ((n, ended_unix_ns), service) in numbers.into_iter().zip(ended).zip(&ends.service_ns) {
        let sent = (ended_unix_ns as i64)
            .checked_sub(*service)
            .and_then(|sent| u64::try_from(sent).ok())
            .ok_or_else(|| format!("arrival {n}: it was sent {service} ns before its end, which is no instant"))?;
        records.push(EndRecord {
            n,
            ended_unix_ns,
            sent_unix_ns: sent,
            end: WorkflowEnd::Completed,
            message: None,
        });
    }
    for other in &ends.others {
        let record = usize::try_from(other.index)
            .ok()
            .and_then(|index| records.get_mut(index))
            .ok_or_else(|| format!("end {} of {length} is not there", other.index))?;
        if record.end != WorkflowEnd::Completed {
            return Err(format!("arrival {} is told twice not to have completed", record.n));
        }
        record.end = match other.kind() {
            wire::EndKind::Failed => WorkflowEnd::Failed,
            wire::EndKind::Cancelled => WorkflowEnd::Cancelled,
            wire::EndKind::Unspecified => {
                return Err(format!("arrival {}: unknown kind of end {}", record.n, other.kind));
            }
        };
        if other.message.len() > END_MESSAGE_BYTES {
            return Err(format!(
                "arrival {}: its message has {} bytes, more than {END_MESSAGE_BYTES}",
                record.n,
                other.message.len()
            ));
        }
        record.message = (!other.message.is_empty()).then(|| other.message.clone());
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
