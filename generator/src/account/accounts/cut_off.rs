//! The instant at which the account is closed for ends. Account and server are asked the same question about it: what ends
//! later is open in both.

use benchmark_results::limits::CUT_OFF_NEAR;

use super::{Accounts, Progress};

/// Ends this close to the cut-off may be counted on either side of it.
const NEAR: u64 = CUT_OFF_NEAR.as_nanos() as u64;

/// When the account was closed for ends, and what came after.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountCutOff {
    at: u64,
    later: u64,
    just_later: u64,
}

impl Accounts {
    /// Closes the account for ends at an offset. A workflow that ends later is open.
    pub fn close_at(&mut self, at: u64) {
        self.cut_off = Some(AccountCutOff {
            at,
            later: 0,
            just_later: 0,
        });
    }

    /// Workflows that were seen to end after the cut-off, and are open in the account.
    pub fn ended_later(&self) -> u64 {
        self.cut_off.map_or(0, |cut| cut.later)
    }

    /// Ends so near to the cut-off that the server may count them on the other side of it.
    pub fn ends_near_the_cut_off(&self) -> u64 {
        self.cut_off.map_or(0, |cut| {
            let second = cut.at / NEAR;
            cut.just_later + self.seconds.ends_in(second.saturating_sub(1)..=second)
        })
    }

    pub(super) fn is_after_the_cut_off(&self, at: u64) -> bool {
        self.cut_off.is_some_and(|cut| at > cut.at)
    }

    /// Whether an end came after the cut-off; then it is counted as such, and that the server took the start is known.
    pub(super) fn is_late(&mut self, n: u64, ended: u64) -> bool {
        if !self.is_after_the_cut_off(ended) {
            return false;
        }
        if self.table.get(n) == Progress::Unknown {
            self.resolve_unknown(n, true);
        }
        if let Some(cut) = &mut self.cut_off
            && self.table.get(n) == Progress::Open
        {
            cut.later += 1;
            cut.just_later += u64::from(ended - cut.at <= NEAR);
        }
        true
    }
}
