//! Plausibility of a stamp: whether it can be true.
//!
//! No start is sent before it is due, no workflow ends before its start was sent, and nothing is told before it has
//! happened. A stamp that says otherwise, by more than the clocks are known to, is of a clock that is wrong or of a member
//! that is. As a latency it would be zero, which is not a fast workflow.

use super::StampedEnd;

/// What is wrong with a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Its arrival was not due yet: there is no such workflow.
    NotDue,
    /// Its instants are in an order that cannot be. The workflow has ended all the same.
    Order,
}

/// What is wrong with a stamp of an arrival that was due at an offset.
pub(super) fn doubt(due: u64, stamp: &StampedEnd) -> Option<Doubt> {
    let after = |instant: u64, earlier: u64| instant.saturating_add(stamp.wrong) >= earlier;
    if !after(stamp.told, due) {
        return Some(Doubt::NotDue);
    }
    let in_order = after(stamp.sent, due)
        && after(stamp.ended, due)
        && after(stamp.ended, stamp.sent)
        && after(stamp.told, stamp.ended);
    (!in_order).then_some(Doubt::Order)
}

#[cfg(test)]
mod tests {
    use benchmark_results::WorkflowEnd;

    use super::*;

    fn stamp(sent: u64, ended: u64, told: u64, wrong: u64) -> StampedEnd {
        StampedEnd {
            n: 0,
            sent,
            ended,
            end: WorkflowEnd::Completed,
            message: None,
            told,
            wrong,
        }
    }

    #[test]
    fn instants_come_in_their_order_to_within_what_the_clocks_are_known() {
        for (sent, ended, told, wrong, expected) in [
            (100, 150, 200, 0, None),
            (100, 100, 100, 0, None),
            // Sent before it was due, ended before it was sent, told before it ended.
            (99, 150, 200, 0, Some(Doubt::Order)),
            (120, 119, 200, 0, Some(Doubt::Order)),
            (100, 201, 200, 0, Some(Doubt::Order)),
            // By as much as the clocks may be wrong, and by more.
            (90, 90, 200, 10, None),
            (89, 150, 200, 10, Some(Doubt::Order)),
            (115, 105, 200, 10, None),
            (115, 104, 200, 10, Some(Doubt::Order)),
            (100, 210, 200, 10, None),
            (100, 211, 200, 10, Some(Doubt::Order)),
            (100, 99, 99, 0, Some(Doubt::NotDue)),
            (100, 150, 90, 10, Some(Doubt::Order)),
            (100, 150, 89, 10, Some(Doubt::NotDue)),
            (100, u64::MAX, u64::MAX, u64::MAX, None),
        ] {
            let stamp = stamp(sent, ended, told, wrong);
            assert_eq!(doubt(100, &stamp), expected, "{stamp:?}");
        }
    }
}
